"""Data that arrives: each batch is scored by the last networks, then added to the study by extension."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sufficient.api import estimate
from sufficient.data.arrays import as_array
from sufficient.data.audit import identities
from sufficient.data.labels import encode_labels
from sufficient.errors import DataError, UsageError
from sufficient.files import make_folder, write_atomically
from sufficient.notice import Notice
from sufficient.options import RunOptions
from sufficient.prequential import Prequential, Scorer, checked_batch
from sufficient.progress import Progress
from sufficient.report.export import dumps
from sufficient.result import ENVIRONMENT, Estimate
from sufficient.rounding import counted
from sufficient.run_directory import RECORD, begin
from sufficient.stored import load
from sufficient.study.found import CannotExtendError
from sufficient.study.store import write_record
from sufficient.unstudied import too_few

STATE = "monitor.json"
FORMAT = 1
MAX_OBJECTS = 200_000  # at 64 × 64 RGB 2.5 GB; the largest pool that a head on pixels has been seen to need
RECHECK = 0.1  # objects that came, as a share of those checked: the last size replaces one within 10 %
NOT_HERE = {"data", "labels", "out", "resume", "extend", "group_column", "group_level", "all_features"}


class SampleSizeMonitor:
    """Answers after every batch whether what has come so far is enough.

    Options are those of `sufficient.estimate`. Nothing that is still valid is trained again: a check extends
    the study of the one before. It is made once `recheck` × the objects of the last check have come, and at
    `max_objects`, beyond which batches are scored and not kept; between checks `update` gives the last one.

    >>> monitor = SampleSizeMonitor(tol=1e-3)
    >>> answer = monitor.update(images, labels)  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        max_objects: int = MAX_OBJECTS,
        recheck: float = RECHECK,
        progress: Progress | None = None,
        **options: Any,
    ) -> None:
        """Raises UsageError for options that cannot be meant, or that go with data that is all there."""
        if max_objects < 1:
            raise UsageError(f"max_objects {max_objects} keeps nothing; give at least 1.")
        if not 0 <= recheck < float("inf"):
            raise UsageError(f"recheck {recheck} is no share; give a number from 0, such as {RECHECK}.")
        if given := sorted(NOT_HERE & set(options)):
            raise UsageError(f"{', '.join(given)} does not go with a monitor, whose data come in batches.")
        self._options = RunOptions.from_keywords("arrays", options)
        if self._options.features not in ("auto", "pixels"):
            raise UsageError(
                f"features={self._options.features!r} are made by a model, which a monitor does not run: "
                "make them yourself, and give each batch as features (N, d)."
            )
        self.max_objects, self.recheck, self.progress = max_objects, recheck, progress
        self.seen = 0  # objects that came, kept or not
        self._values: list[NDArray[Any]] = []
        self._labels: list[NDArray[Any]] = []
        self._known: set[bytes] = set()  # identities of the images kept
        self._checked = 0  # objects kept at the last check
        self._estimate: Estimate | None = None
        self._scorer: Scorer | None = None
        self._prequential: list[Prequential] = []
        self._anew = 0  # studies begun anew

    @property
    def prequential(self) -> tuple[Prequential, ...]:
        """Loss and accuracy of each batch before it was added, in the order they came."""
        return tuple(self._prequential)

    @property
    def kept(self) -> int:
        """Number of objects that are kept."""
        return sum(len(batch) for batch in self._labels)

    @property
    def estimate(self) -> Estimate | None:
        """The answer of the last check; None before the first."""
        return self._estimate

    def update(self, x: Any, y: Any) -> Estimate:
        """Return the answer with this batch, images or features `x` (N, …) and labels `y` (N,).

        Before there are enough objects it is *inconclusive*, TOO-FEW-OBJECTS. Raises DataError for a batch
        that cannot be used, UsageError for one of another kind than those before; it is not added then.
        """
        values, labels = self._checked_batch(as_array(x, "data"), as_array(y, "labels"))
        self._score(values, labels)
        self.seen += len(labels)
        room = max(self.max_objects - self.kept, 0)
        if room:
            self._keep(values[:room], labels[:room])
        if (
            self._estimate is None
            or not self._estimate.record.stages
            or self._checked < self._due <= self.kept
        ):
            self._check()
        assert self._estimate is not None
        return self._estimate.with_warnings(self._remarks())

    def save(self, directory: str | Path) -> None:
        """Write the state below `directory`, in place of an earlier one. Raises UsageError, ResourceError."""
        directory = Path(directory)
        make_folder(directory, option="directory")
        before = _state(directory)
        if before is None and any(directory.iterdir()):
            raise UsageError(f"{directory} is not empty and holds no monitor; give a new directory.")
        number = 0 if before is None else before["number"] + 1
        run, objects = f"run-{number:04d}", f"objects-{number:04d}.npz"
        whole = self._estimate if self._estimate is not None and self._estimate.record.stages else None
        if whole is not None:
            make_folder(directory / run, option=None)
            begin(directory / run, whole.options)
            write_record(directory / run / RECORD, whole.record)
            write_atomically(directory / run / ENVIRONMENT, dumps(whole.environment).encode())
        content = io.BytesIO()
        if self._labels:
            np.savez(content, x=np.concatenate(self._values), y=np.concatenate(self._labels))
            write_atomically(directory / objects, content.getvalue())
        state = {
            "format": FORMAT,
            "number": number,
            "run": None if whole is None else run,
            "objects": objects if self._labels else None,
            "max_objects": self.max_objects,
            "recheck": self.recheck,
            "options": self._given,
            "seen": self.seen,
            "checked": self._checked,
            "anew": self._anew,
            "prequential": [asdict(batch) for batch in self._prequential],
        }
        write_atomically(directory / STATE, (json.dumps(state, indent=2) + "\n").encode())
        _remove_older(directory, keep={STATE, run, objects})

    @classmethod
    def load(cls, directory: str | Path, *, progress: Progress | None = None) -> SampleSizeMonitor:
        """Return the monitor that was saved: it goes on as it was. Raises DataError where none is."""
        directory = Path(directory)
        state = _state(directory)
        if state is None:
            raise DataError(f"{directory} holds no monitor; give the directory that `save` wrote to.")
        monitor = cls(
            max_objects=state["max_objects"], recheck=state["recheck"], progress=progress, **state["options"]
        )
        if state["objects"] is not None:
            with np.load(directory / state["objects"], allow_pickle=False) as arrays:
                monitor._keep(arrays["x"], arrays["y"])
        monitor.seen, monitor._checked, monitor._anew = state["seen"], state["checked"], state["anew"]
        monitor._prequential = [Prequential(**batch) for batch in state["prequential"]]
        if state["run"] is not None:
            monitor._estimate = load(directory / state["run"])
            monitor._scorer = Scorer(monitor._estimate, *monitor._arrays(monitor._checked))
        return monitor

    @property
    def _given(self) -> dict[str, Any]:
        """The options as `estimate` takes them, of plain JSON values."""
        return {name: each for name, each in self._options.resolved().items() if name not in NOT_HERE}

    def _checked_batch(self, values: NDArray[Any], labels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        options = self._options
        values = checked_batch(values, options.source.size, pixels=options.features == "pixels")
        encode_labels(labels)
        if len(labels) != len(values):
            raise DataError(
                f"the batch has {len(values):,} objects but {len(labels):,} labels; give as many."
            )
        if self._values and self._values[0].shape[1:] != values.shape[1:]:
            raise UsageError(
                f"the batch has objects of shape {values.shape[1:]}, and those before have "
                f"{self._values[0].shape[1:]}; bring them to one shape."
            )
        if self._labels and (self._labels[0].dtype.kind in "iub") != (labels.dtype.kind in "iub"):
            raise UsageError("the labels are numbers in some batches and text in others; give one kind.")
        return values, labels

    def _score(self, values: NDArray[Any], labels: NDArray[Any]) -> None:
        """Add what the last networks lose on the batch; copies of images that are kept are left out."""
        if self._scorer is None:
            return
        codes, classes = encode_labels(labels)
        names = np.array(classes)[codes]
        new = np.array([each not in self._known for each in self._identities(values)], dtype=bool)
        scored = self._scorer.score(values[new], names[new], seen=self.seen) if new.any() else None
        if scored is not None:
            self._prequential.append(scored)

    def _identities(self, values: NDArray[Any]) -> list[bytes]:
        if values.ndim == 2:
            return [b""] * len(values)  # equal rows are no copies
        return [
            row.tobytes() for row in identities(np.ascontiguousarray(image).tobytes() for image in values)
        ]

    def _keep(self, values: NDArray[Any], labels: NDArray[Any]) -> None:
        self._values.append(values)
        self._labels.append(labels)
        if values.ndim > 2:
            self._known.update(self._identities(values))

    def _arrays(self, count: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the first objects, in one piece, which takes the place of the batches."""
        self._values, self._labels = [np.concatenate(self._values)], [np.concatenate(self._labels)]
        return self._values[0][:count], self._labels[0][:count]

    @property
    def _due(self) -> int:
        """How many objects are kept when the next check is made: `recheck` more, or all that ever are."""
        return min(self._checked + max(int(np.ceil(self.recheck * self._checked)), 1), self.max_objects)

    def _check(self) -> None:
        count = self.kept
        values, labels = self._arrays(count)
        earlier = self._estimate if self._estimate is not None and self._estimate.record.stages else None
        try:
            try:
                found = estimate(values, labels, extend=earlier, progress=self.progress, **self._given)
            except CannotExtendError:  # another class has come
                self._anew += 1
                found = estimate(values, labels, progress=self.progress, **self._given)
        except DataError as error:
            if earlier is None:
                inputs = int(np.prod(values.shape[1:]))
                self._estimate = too_few(self._options, labels, str(error), inputs=inputs)
                return
            raise
        self._estimate, self._checked = found, count
        self._scorer = Scorer(found, values, labels)

    def _remarks(self) -> list[Notice]:
        came, remarks = self.kept - self._checked, []
        if self._checked and came:
            remarks.append(
                Notice(
                    "NOT-CHECKED-YET",
                    f"{came:,} objects came since this answer was found from {self._checked:,}; the next one "
                    f"is due at {self._due:,}.",
                )
            )
        if self._anew:
            remarks.append(
                Notice(
                    "BEGUN-ANEW",
                    f"the study was begun anew {counted(self._anew, 'time')}, as new classes came.",
                )
            )
        if self.seen > self.kept:
            remarks.append(
                Notice(
                    "FULL",
                    f"{self.kept:,} objects are kept (max_objects); {self.seen - self.kept:,} later ones "
                    "were scored and left out. Raise max_objects to go on.",
                )
            )
        return remarks


def _state(directory: Path) -> dict[str, Any] | None:
    try:
        state: dict[str, Any] = json.loads((directory / STATE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataError(
            f"{directory / STATE} cannot be read ({error}); save into a new directory."
        ) from error
    if state.get("format") != FORMAT:
        raise DataError(
            f"{directory / STATE} is of format {state.get('format')}; this version reads {FORMAT}."
        )
    return state


def _remove_older(directory: Path, *, keep: set[str]) -> None:
    """Remove what earlier states left: runs and arrays that the new state does not name."""
    import shutil

    for path in directory.iterdir():
        if path.name in keep:
            continue
        if path.name.startswith("run-") and path.is_dir():
            shutil.rmtree(path)
        elif path.name.startswith("objects-"):
            path.unlink()
