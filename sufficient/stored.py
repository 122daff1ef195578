"""A run that is on disk: loaded, judged again, drawn again. Nothing here trains, or imports torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sufficient.answer.verdict import judge
from sufficient.errors import DataError, ResourceError
from sufficient.options import read_options
from sufficient.report.export import read_skipped
from sufficient.report.plan_export import in_result
from sufficient.result import ENVIRONMENT, PLAN, RESULT, SKIPPED, Estimate, NotWrittenError
from sufficient.run_directory import CONFIG, RECORD, locked
from sufficient.study.store import read_record


def load(directory: str | Path) -> Estimate:
    """Return the estimate of a run directory, judged from its record. Raises DataError where none is."""
    directory = Path(directory)
    record = read_record(directory / RECORD)
    if record is None or not record.stages:
        raise DataError(
            f"{directory} holds no finished stage of a run; give the directory that "
            "`sufficient estimate --out` wrote to."
        )
    options = read_options(directory / CONFIG)
    result = _json(directory / RESULT)
    return Estimate(
        answer=judge(record, tol=options.tol, criteria=options.criteria, confirm=options.confirm),
        record=record,
        options=options,
        environment=_json(directory / ENVIRONMENT),
        skipped=read_skipped(directory / SKIPPED),
        seconds=result.get("seconds", 0.0),
        resumed=result.get("resumed", False),
        planned=in_result(_json(directory / PLAN), largest=record.stages[-1].size),
    )


def report(
    directory: str | Path,
    *,
    tol: float | None = None,
    rel_tol: float | None = None,
    targets: str | Sequence[str] = (),
    min_gain: float | None = None,
    confirm: int | None = None,
) -> Estimate:
    """Return the run judged again, for what is asked here if anything is, with its files rewritten.

    `confirm` alone keeps the run's own question. Nothing is trained.
    Raises DataError where no run is, ResourceError when the disk says no.
    """
    if not Path(directory).is_dir():
        raise DataError(f"{directory} is no directory; give that of a run.")
    with locked(Path(directory)):
        run = load(directory)
        if (tol, rel_tol, min_gain) != (None, None, None) or targets:
            run = run.judged(tol=tol, rel_tol=rel_tol, targets=targets, min_gain=min_gain, confirm=confirm)
        elif confirm is not None:
            own = run.options
            run = run.judged(
                tol=own.tol, rel_tol=own.rel_tol, targets=own.targets, min_gain=own.min_gain, confirm=confirm
            )
        return written(replace(run, command="report"), Path(directory))


def written(result: Estimate, directory: Path) -> Estimate:
    """Return the estimate with its files written. Raises NotWrittenError, with it."""
    try:
        return result.write_answer(directory)
    except ResourceError as error:
        raise NotWrittenError(error, result) from error


def _json(path: Path) -> dict[str, Any]:
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # a run that was killed before its answer was written: the record is what counts
    return loaded if isinstance(loaded, dict) else {}
