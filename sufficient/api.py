"""The one place that joins data, features, study and answer. The commands and notebooks both call it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sufficient.answer.interval import curve
from sufficient.answer.verdict import certain, judge
from sufficient.data.walk import printable
from sufficient.device import choose_device, full_float32
from sufficient.environment import environment
from sufficient.errors import UsageError
from sufficient.extending import IN_MEMORY, earlier_run, inherited
from sufficient.log import Logged, logged
from sufficient.notice import Notice
from sufficient.options import RunOptions
from sufficient.progress import Progress, SilentProgress
from sufficient.result import Estimate
from sufficient.run_directory import RECORD, begin, opened, require_usable
from sufficient.stored import written
from sufficient.study.record import Record
from sufficient.study.resumed import require_same_objects
from sufficient.study.store import append_stage, read_record, write_header, write_record


def estimate(
    data: Any,
    labels: Any = None,
    *,
    tol: float | None = None,
    rel_tol: float | None = None,
    targets: str | Sequence[str] = (),
    min_gain: float | None = None,
    confirm: int = 2,
    features: str | Callable[[list[Any]], Any] = "auto",
    pooling: str | None = None,
    revision: str | None = None,
    all_features: bool = False,
    scale: str = "auto",
    time_limit: float | None = None,
    quick: bool = False,
    out: str | Path | None = None,
    resume: bool = False,
    extend: str | Path | Estimate | None = None,
    progress: Progress | None = None,
    log: str | None = None,
    **more: Any,
) -> Estimate:
    """Return whether the data is large enough for a fully connected head on its features.

    `data`: a SPEC or path (a folder of class folders, a table, `digits`, `mnist`, `x.npz`,
    `hf://datasets/NAME`, …), images (N, H, W[, C]) uint8 or features (N, d) float with `labels` (N,), a
    DataFrame, a torch `Dataset` or a `datasets.Dataset`. `labels` may also be the path of a table of labels
    beside a folder.
    What is asked, all of it at once: `tol` in nats, by how much one more object may still change the mean
    loss (1e-4 where nothing else is asked); `rel_tol`, the same relative to the unseen loss; `targets` on
    unseen objects, such as "accuracy=0.95", "error=0.05", "loss=0.2"; `min_gain` of accuracy by doubling.
    `features`: `auto`, `pixels`, a pretrained model (with `pooling`, `revision`) or a callable, a list of RGB
    images → (N, d). `time_limit` in seconds. `out`: a new directory for the run, which `resume` goes on with.
    `extend`: the directory of a run (or an Estimate) whose data has grown: its objects stay in their shares,
    new ones are appended to each, its stages are not trained again, and the sizes go on beyond them. Options
    left at their default are that run's; it is only read, and `out` is a new one.
    `progress`: a listener, e.g. `sufficient.LiveStudy(tol=1e-4)`; silent by default. `log`: `tensorboard`,
    `mlflow` or `wandb`, to which every stage is written too.
    `more`: fields of `SourceOptions` (label_column, group_column, split, size, root, …) and of `StudyOptions`
    (hidden, layers, bias, replicates, held_out, start, growth, seed, …).

    Raises UsageError for options that cannot be meant, DataError for data that cannot be used,
    ResourceError for disk, memory or device.
    """
    options = RunOptions.from_keywords(
        printable(str(data)) if isinstance(data, str | Path) else "arrays",
        {
            "tol": tol,
            "rel_tol": rel_tol,
            "targets": targets,
            "min_gain": min_gain,
            "confirm": confirm,
            "features": features if isinstance(features, str) else _name(features),
            "pooling": pooling,
            "revision": revision,
            "all_features": all_features,
            "scale": scale,
            "time_limit": time_limit,
            "quick": quick,
            "labels": printable(str(labels)) if isinstance(labels, str | Path) else None,
            **more,
        },
    )
    earlier: Record | None = None
    if extend is not None:
        earlier, before = earlier_run(extend)
        name = str(extend) if isinstance(extend, str | Path) else IN_MEMORY
        options = inherited(replace(options, extend=name), before)
        labels = options.source.labels if labels is None else labels
    if resume and out is None:
        raise UsageError("resume needs the directory of the run: give --out DIR.")
    if out is not None:
        require_usable(Path(out), options, resume=resume)
    with logged(log, progress or SilentProgress(), out=None if out is None else Path(out)) as listener:
        run = _Run(
            options,
            data,
            labels,
            features=None if isinstance(features, str) else features,
            out=None if out is None else Path(out),
            progress=listener,
            earlier=earlier,
        )
        return run(resume=resume)


@dataclass(frozen=True)
class _Run:
    """One call of `estimate`."""

    options: RunOptions
    data: Any
    labels: Any
    features: Callable[[list[Any]], Any] | None  # a callable in place of the options' name
    out: Path | None
    progress: Logged
    earlier: Record | None = None  # of the run that is extended

    def __call__(self, *, resume: bool) -> Estimate:
        from sufficient.intake import intake  # loads torch, after what can be refused without it
        from sufficient.study.run import run_study

        options, out = self.options, self.out
        began = time.monotonic()
        deadline = None if options.time_limit is None else began + options.time_limit
        device = choose_device(options.study.device)
        with (
            full_float32(device),
            contextlib.nullcontext() if out is None else opened(out, options, resume=resume),
        ):
            if out is not None:
                self.progress.opened(out)
            taken = intake(
                options,
                self.data,
                self.labels,
                device=device,
                progress=self.progress,
                features=self.features,
                earlier=self.earlier,
            )
            record, resumed = _begun(out, taken.record, options)
            if record.stages:
                grown, _ = taken.grow(record, record.stages[-1].size)  # what was read then is read again
                require_same_objects(record, taken.record if grown is record else grown)
                record = grown
            self.progress.resumed(curve(record))
            if not (record.stages and self._certain(record)):
                record = run_study(
                    record,
                    taken.grow,
                    options.study,
                    after_stage=self._after_stage,
                    after_growth=self._after_growth,
                    progress=self.progress,
                    deadline=deadline,
                )
            result = Estimate(
                answer=judge(record, tol=options.tol, criteria=options.criteria, confirm=options.confirm),
                record=record,
                options=options,
                environment=environment(str(device)),
                skipped=taken.skipped(),
                seconds=time.monotonic() - began,
                resumed=resumed,
            )
            result = self.progress.ended(result)
            return result if out is None else written(result, out)

    def _after_stage(self, so_far: Record, seconds: float) -> bool:
        if self.out is not None:
            append_stage(self.out / RECORD, so_far)
        self.progress.stage_done(curve(so_far)[-1], seconds)
        return self._certain(so_far)

    def _after_growth(self, grown: Record) -> None:
        if self.out is not None:
            write_header(self.out / RECORD, grown)

    def _certain(self, record: Record) -> bool:
        options = self.options
        return certain(record, tol=options.tol, criteria=options.criteria, confirm=options.confirm)


def _begun(out: Path | None, fresh: Record, options: RunOptions) -> tuple[Record, bool]:
    """Return the record to go on with, and whether it was begun before."""
    if out is None:
        return fresh, False
    before = read_record(out / RECORD)
    if before is None or len(before.stages) < len(fresh.stages):  # killed while re-used stages were written
        begin(out, options)
        write_record(out / RECORD, fresh)
        return fresh, False
    if before.data["fingerprint"] != fresh.data["fingerprint"]:
        raise UsageError(
            f"the data is not that of the run in {out}: fingerprint {before.data['fingerprint'][:12]} then, "
            f"{fresh.data['fingerprint'][:12]} now. Give a new --out for the changed data."
        )
    if not before.stages:  # nothing was fitted yet: what can be read now is what counts
        write_record(out / RECORD, fresh)
        return fresh, False
    if before.computed != fresh.computed:
        before = replace(
            before, notices=(*before.notices, _elsewhere(before, fresh)), computed=fresh.computed
        )
        write_header(out / RECORD, before)
    return before, True


def _elsewhere(before: Record, now: Record) -> Notice:
    changed = [
        f"{name} {value} then, {now.computed[name]} now"
        for name, value in before.computed.items()
        if now.computed[name] != value
    ]
    return Notice(
        "RESUMED-ELSEWHERE",
        f"the run was begun with {'; '.join(changed)}: sizes may differ by rounding from one run at once.",
    )


def _name(features: Callable[..., Any]) -> str:
    """Return how a callable is called in the options."""
    module, name = getattr(features, "__module__", None), getattr(features, "__qualname__", None)
    return f"{module or type(features).__module__}:{name or type(features).__qualname__}"
