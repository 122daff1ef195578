"""A study written to TensorBoard, MLflow or Weights & Biases while it runs: `--log`.

Each through its public functions, and only where its package is there. What a tracker refuses ends the log
and is a warning of the answer, LOG-STOPPED; the study goes on. Everything stands under `sufficient/`, the
step is the sample size k.
"""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

from sufficient.errors import UsageError, first_sentence
from sufficient.notice import Notice
from sufficient.progress import Progress

if TYPE_CHECKING:
    from sufficient.answer.answer import CurvePoint
    from sufficient.result import Estimate

Log = Literal["tensorboard", "mlflow", "wandb"]
DIRECTORY = "log"  # of TensorBoard's files, below --out
PROJECT = "sufficient"  # on Weights & Biases, where the user has begun no run
MODULE: dict[Log, str] = {
    "tensorboard": "torch.utils.tensorboard",
    "mlflow": "mlflow",
    "wandb": "wandb",
}


class Tracker(Protocol):
    """Where the numbers go."""

    def begin(self) -> None:
        """Open it: the study's own directory is there."""

    def numbers(self, values: Mapping[str, float], k: int) -> None:
        """Write a stage."""

    def end(self, verdict: str, options: Mapping[str, Any]) -> None:
        """Write the verdict's sentence and every option, as resolved."""

    def close(self, *, failed: bool) -> None:
        """Close it, whatever happened."""


@contextlib.contextmanager
def logged(log: str | None, progress: Progress, *, out: str | Path | None) -> Iterator[Logged]:
    """Yield a listener that tells `progress` all it hears and writes it to `log`, if that is not None.

    Raises UsageError for a log that is unknown, not installed, or has nowhere to write to.
    """
    listener = Logged(progress, None if log is None else tracker(log, out))
    try:
        yield listener
    except BaseException:
        listener.close(failed=True)
        raise
    listener.close(failed=False)


def tracker(log: str, out: str | Path | None) -> Tracker:
    """Return the tracker of that name. Raises UsageError as `logged` does."""
    if log not in get_args(Log):
        raise UsageError(f"--log {log} is unknown; give {', '.join(get_args(Log))}.")
    if log == "tensorboard" and out is None:
        raise UsageError("--log tensorboard writes below the run's directory; give --out DIR.")
    name: Log = log  # type: ignore[assignment]  # checked above
    try:
        module = importlib.import_module(MODULE[name])
    except ImportError as error:
        raise UsageError(
            f"--log {log} needs the package {log}, which cannot be imported ({error}): pip install {log}"
        ) from error
    directory = None if out is None else Path(out)
    made: dict[Log, Callable[[], Tracker]] = {
        "tensorboard": lambda: TensorBoard(module, Path(directory or ".") / DIRECTORY),
        "mlflow": lambda: MLflow(module, directory),
        "wandb": lambda: WeightsAndBiases(module, directory),
    }
    return made[name]()


class Logged:
    """A listener between the study and another one; without a tracker it only passes on."""

    def __init__(self, progress: Progress, tracker: Tracker | None) -> None:
        self._progress, self._tracker = progress, tracker
        self._begun = False
        self.trouble: str | None = None  # why the log ended early

    def opened(self, directory: Path) -> None:
        """Pass on."""
        self._progress.opened(directory)

    def data_progress(self, done: int, total: int) -> None:
        """Pass on."""
        self._progress.data_progress(done, total)

    def model_loading(self, name: str) -> None:
        """Pass it on."""
        self._progress.model_loading(name)

    def features_progress(self, done: int, total: int, rate: float) -> None:
        """Pass on."""
        self._progress.features_progress(done, total, rate)

    def resumed(self, points: Sequence[CurvePoint]) -> None:
        """Begin the log, with the stages of earlier sittings: it may be another place than theirs."""
        self._progress.resumed(points)

        def begin(to: Tracker) -> None:
            to.begin()
            self._begun = True
            for point in points:
                to.numbers(stage_numbers(point), point.k)

        self._try(begin)

    def stage_started(self, size: int, position: int, planned_sizes: Sequence[int]) -> None:
        """Pass on."""
        self._progress.stage_started(size, position, planned_sizes)

    def updates(self, done: int, active_replicates: int) -> None:
        """Pass on."""
        self._progress.updates(done, active_replicates)

    def stage_done(self, point: CurvePoint, seconds: float) -> None:
        """Write the stage."""
        self._progress.stage_done(point, seconds)
        self._try(lambda to: to.numbers({**stage_numbers(point), "seconds": seconds}, point.k))

    def ended(self, estimate: Estimate) -> Estimate:
        """Write verdict and options, and close; return the estimate, with LOG-STOPPED where that failed."""
        from sufficient.report.text import headline

        self._try(lambda to: to.end(headline(estimate.answer), estimate.options.resolved()))
        self.close(failed=False)
        if self.trouble is None:
            return estimate
        return estimate.with_warnings(
            [Notice("LOG-STOPPED", f"the log ended before the study did: {self.trouble}.")]
        )

    def close(self, *, failed: bool) -> None:
        """Close the tracker if it is open."""
        if self._begun and self._tracker is not None:
            self._begun = False
            try:
                self._tracker.close(failed=failed)
            except Exception as error:
                self.trouble = self.trouble or first_sentence(error)

    def _try(self, write: Callable[[Tracker], None]) -> None:
        """Write, unless the log has ended; a listener never raises."""
        if self._tracker is None or self.trouble is not None:
            return
        try:
            write(self._tracker)
        except Exception as error:  # a server that is away, a full disk: the study goes on
            self.trouble = first_sentence(error)


def stage_numbers(point: CurvePoint) -> dict[str, float]:
    """Return what is logged of a stage, losses in nats; what was not measured is left out."""
    values = {
        "difference": point.difference,
        "lo": point.lo,
        "hi": point.hi,
        "C": point.constant,
        "accuracy": point.accuracy,
        "unseen_loss": point.unseen_loss,
        "learned": float(point.learned),
    }
    return {name: float(value) for name, value in values.items() if value is not None}


class TensorBoard:
    """Event files below the run's directory: `tensorboard --logdir OUT/log`."""

    def __init__(self, module: Any, directory: Path) -> None:
        self._module, self._directory = module, directory

    def begin(self) -> None:
        """Open the files."""
        self._writer = self._module.SummaryWriter(log_dir=str(self._directory))

    def numbers(self, values: Mapping[str, float], k: int) -> None:
        """Write scalars, at once on disk: a killed run keeps them."""
        for name, value in values.items():
            self._writer.add_scalar(f"sufficient/{name}", value, k)
        self._writer.flush()

    def end(self, verdict: str, options: Mapping[str, Any]) -> None:
        """Write two texts."""
        shown = json.dumps(options, indent=2, ensure_ascii=False)
        code = "\n".join(f"    {line}" for line in shown.splitlines())  # Markdown shows it as it is
        self._writer.add_text("sufficient/verdict", verdict)
        self._writer.add_text("sufficient/options", code)

    def close(self, *, failed: bool) -> None:
        """Close the files."""
        self._writer.close()


class MLflow:
    """The run that is active, or one of its own where none is."""

    def __init__(self, module: Any, directory: Path | None) -> None:
        self._mlflow, self._directory = module, directory

    def begin(self) -> None:
        """Begin a run where the user has not."""
        self._own = self._mlflow.active_run() is None
        if self._own:
            self._mlflow.start_run(run_name=None if self._directory is None else self._directory.name)

    def numbers(self, values: Mapping[str, float], k: int) -> None:
        """Write metrics."""
        for name, value in values.items():
            self._mlflow.log_metric(f"sufficient/{name}", value, step=k)

    def end(self, verdict: str, options: Mapping[str, Any]) -> None:
        """Write parameters, prefixed: a run of the user's may have an `lr` of its own."""
        self._mlflow.set_tag("sufficient/verdict", verdict)
        self._mlflow.log_params({f"sufficient/{name}": value for name, value in options.items()})

    def close(self, *, failed: bool) -> None:
        """End the run that was begun here."""
        if self._own:
            self._mlflow.end_run("FAILED" if failed else "FINISHED")


class WeightsAndBiases:
    """The run that is active, or one of its own where none is."""

    def __init__(self, module: Any, directory: Path | None) -> None:
        self._wandb, self._directory = module, directory

    def begin(self) -> None:
        """Begin a run where the user has not; k is an axis of its own, as the user's steps go on."""
        self._own = self._wandb.run is None
        if self._own:
            there = self._directory
            named = {} if there is None else {"name": there.name, "dir": str(there)}
            self._wandb.init(project=PROJECT, **named)
        self._wandb.define_metric("sufficient/k")
        self._wandb.define_metric("sufficient/*", step_metric="sufficient/k")

    def numbers(self, values: Mapping[str, float], k: int) -> None:
        """Write one row."""
        self._wandb.log({"sufficient/k": k, **{f"sufficient/{name}": v for name, v in values.items()}})

    def end(self, verdict: str, options: Mapping[str, Any]) -> None:
        """Write the verdict into the summary, the options into the configuration."""
        self._wandb.run.summary["sufficient/verdict"] = verdict
        self._wandb.config.update({"sufficient": dict(options)}, allow_val_change=True)

    def close(self, *, failed: bool) -> None:
        """Finish the run that was begun here."""
        if self._own:
            self._wandb.finish(exit_code=int(failed))
