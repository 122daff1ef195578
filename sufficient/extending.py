"""The run that an estimate goes on with when its data has grown: its record and its options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sufficient.data.labelled import Audit, LabelledData, Skipped
from sufficient.errors import DataError
from sufficient.options import RunOptions, SourceOptions, read_options
from sufficient.run_directory import CONFIG, RECORD
from sufficient.study.extend import extended
from sufficient.study.found import CannotExtendError, Found
from sufficient.study.options import StudyOptions
from sufficient.study.record import Record
from sufficient.study.store import read_record

if TYPE_CHECKING:
    from sufficient.features.supply import Supplied
    from sufficient.result import Estimate

IN_MEMORY = "an Estimate"  # what the options name a run that was handed over in Python
LATER_COPY = "came later, under another label than its copy"
QUESTION = ("tol", "rel_tol", "targets", "min_gain")  # taken over where nothing is asked
FREE = {"data", "extend", "time_limit", "root", "download"}  # never taken over: they are of this call
MAY_DIFFER = {"labels", "max_samples", "device", *FREE}  # beside the question: no stage depends on them
OF_A_STAGE = {"features", "pooling", "revision", "all_features", "scale"} | (
    set(SourceOptions.__dataclass_fields__) | set(StudyOptions.__dataclass_fields__)
)


def earlier_run(extend: str | Path | Estimate) -> tuple[Record, RunOptions]:
    """Return the record and the options of a run, from its directory or in memory.

    Raises DataError where no finished stage is.
    """
    if not isinstance(extend, str | Path):
        record: Record | None = extend.record
        options = extend.options
    else:
        record = read_record(Path(extend) / RECORD)
        if record is not None:
            options = read_options(Path(extend) / CONFIG)
    if record is None or not record.stages:
        raise DataError(
            f"--extend {extend} holds no finished stage of a run; give the directory that "
            "`sufficient estimate --out` wrote to."
        )
    return record, options


def inherited(options: RunOptions, before: RunOptions) -> RunOptions:
    """Return the options with the earlier run's where one is left at its default; what is asked, as a whole.

    Raises CannotExtendError for another option on which a stage depends.
    """
    now, then = options.resolved(), before.resolved()
    default: dict[str, Any] = RunOptions(data=options.data).resolved()
    asked = any(now[name] != default[name] for name in QUESTION)
    kept = FREE | (set(QUESTION) if asked else set())
    merged = {
        name: then[name] if value == default[name] and name not in kept else value
        for name, value in now.items()
    }
    differ = [
        f"--{name.replace('_', '-')} was {then[name]} and is {value}"
        for name, value in merged.items()
        if name in OF_A_STAGE - MAY_DIFFER and value != then[name]
    ]
    if differ:
        raise CannotExtendError(
            f"the run that is extended has other options: {'; '.join(differ)}. Its stages hold for its own: "
            "leave these options out, or run anew without --extend."
        )
    return RunOptions.of(merged)


def extended_by(earlier: Record, labelled: LabelledData, study: StudyOptions) -> tuple[Record, Audit]:
    """Return the record over data that was read at once, and the account of its objects."""
    found = Found(
        labelled.labels, labelled.classes, labelled.identities, groups=labelled.groups, twins=labelled.twins
    )
    record, copies = extended(earlier, found, study)
    audit = labelled.audit
    if not len(copies):
        return record, audit
    rows = range(len(labelled.labels)) if labelled.rows is None else labelled.rows
    skipped = tuple(
        Skipped(f"row {rows[place]}", "conflicting-copy", LATER_COPY) for place in copies.tolist()
    )
    counts = dict(audit.class_counts)
    for place in copies.tolist():
        counts[labelled.classes[labelled.labels[place]]] -= 1
    used = audit.used - len(copies)
    return record, replace(audit, used=used, skipped=(*audit.skipped, *skipped), class_counts=counts)


def without(supplied: Supplied, copies: NDArray[np.int64], name_of: Callable[[int], str]) -> Supplied:
    """Return what was read less the places in `copies`, which are skipped."""
    if not len(copies):
        return supplied
    skipped = tuple(
        Skipped(name_of(int(index)), "conflicting-copy", LATER_COPY) for index in supplied.objects[copies]
    )
    kept = np.setdiff1d(np.arange(len(supplied.objects)), copies)
    return replace(supplied, objects=supplied.objects[kept], skipped=(*supplied.skipped, *skipped))


def require_same(earlier: Record, now: Record) -> None:
    """Raise CannotExtendError where what is fitted on is not what the earlier stages were fitted on."""
    for name in ("name", "scale", "dimension"):
        if earlier.features[name] != now.features[name]:
            raise CannotExtendError(
                f"the features are now {now.features['name']} ({now.features['dimension']} values, scale "
                f"{now.features['scale']}), and the run has {earlier.features['name']} "
                f"({earlier.features['dimension']}, {earlier.features['scale']}): its stages hold for those. "
                "Give images of the same kind and size, or run anew without --extend."
            )
