"""Runs made elsewhere, read from a table: what was measured at each size, by each replicate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from sufficient.data.cells import Cells, is_missing
from sufficient.data.columns import Table, columns_named
from sufficient.data.run_columns import (
    Metric,
    MetricKind,
    is_step,
    metric_of,
    progress_column,
    run_columns,
    size_column,
)
from sufficient.data.table_files import CsvTable
from sufficient.data.walk import printable
from sufficient.errors import DataError, UsageError
from sufficient.notice import Notice
from sufficient.rounding import counted

PERCENT = 100.0

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Runs:
    """One metric of runs over sizes."""

    sizes: Values  # (sizes,) increasing
    values: tuple[Values, ...]  # of each size, (its replicates,)
    kind: MetricKind
    columns: tuple[str, ...]  # of the metric, as they are called
    paired: bool  # the replicates of each size are those of every other, in the same order
    notices: tuple[Notice, ...] = ()  # what was done to the numbers


def read_runs(
    table: Table,
    wanted: MetricKind,
    *,
    spec: str,
    n: str | None = None,
    metric: str | None = None,
    replicate: str | None = None,
) -> Runs:
    """Return the runs of a table: its metric of the kind wanted, or error for accuracy and back.

    Columns are found by the rules of `run_columns`, unless named. Of a run with rows for several epochs or
    steps the last one counts. Accuracies above 1 are percent. Raises UsageError where columns are ambiguous,
    DataError where there is none or its cells cannot be what they are called.
    """
    sizes = size_column(table, n, spec=spec)
    found = metric_of(table, wanted, metric, spec=spec, besides={sizes})
    runs, progress = run_columns(table, replicate, spec=spec), progress_column(table, sizes)
    names = [sizes, *found.columns, *runs, *([progress] if progress else [])]
    cells = table.read(list(dict.fromkeys(names)), []).cells
    keys = list(zip(*(cells[name] for name in (sizes, *runs)), strict=True))
    decimal = "," if isinstance(table, CsvTable) and table.delimiter != "," else "."
    numbers = {name: _numbers(spec, name, cells[name], decimal) for name in (sizes, *found.columns)}
    _whole(numbers[sizes], sizes, spec)
    rows = [row for row, size in enumerate(numbers[sizes]) if np.isfinite(size)]
    if progress is not None:
        rows = _last(rows, keys, _numbers(spec, progress, cells[progress], decimal))
    if runs:
        _once(rows, keys, (sizes, *runs), spec)
    values: dict[float, list[tuple[str, float]]] = defaultdict(list)  # of each size, replicates by name
    for row in rows:
        there = [(f"{keys[row][1:]} {name}", float(numbers[name][row])) for name in found.columns]
        values[float(numbers[sizes][row])] += [each for each in there if np.isfinite(each[1])]
    measured = sorted(size for size, there in values.items() if there)
    if not measured:
        raise DataError(
            f"{spec} holds no number in {columns_named(found.columns)}; give another with --metric."
        )
    kind = wanted if found.kind is None else found.kind
    ordered, paired = _paired([values[size] for size in measured])
    kept, notices = _in_range(ordered, kind, found, spec)
    without = [row for row in rows if not any(np.isfinite(numbers[name][row]) for name in found.columns)]
    left_out = len(without) + int((~np.isfinite(numbers[sizes])).sum())
    notices += _without_value(left_out, (sizes, *found.columns), spec)
    if n is None and is_step(sizes):
        notices += (_steps_as_sizes(sizes),)
    return Runs(np.array(measured), tuple(kept), kind, found.columns, paired, notices)


def _paired(named: Sequence[list[tuple[str, float]]]) -> tuple[list[Values], bool]:
    """Return the values of each size by the names of its replicates, and whether all sizes have the same."""
    rows = [sorted(each, key=itemgetter(0)) for each in named]
    names = [[name for name, _ in row] for row in rows]
    same = all(each == names[0] for each in names) and len(set(names[0])) == len(names[0])
    return [np.array([value for _, value in row]) for row in rows], same


def _without_value(rows: int, names: Sequence[str], spec: str) -> tuple[Notice, ...]:
    """Return the notice of rows that were left out."""
    if not rows:
        return ()
    return (
        Notice(
            "ROWS-WITHOUT-VALUE",
            f"{counted(rows, 'row')} of {spec} had no size or no value in {columns_named(names)} and counted "
            "for nothing: fill in what is missing where the run ended well.",
        ),
    )


def _steps_as_sizes(name: str) -> Notice:
    return Notice(
        "STEP-READ",
        f"The column {printable(name)} was read as the number of objects trained on: where it counts steps "
        "of training, name the column of the sizes, --n COLUMN.",
    )


def _whole(sizes: Values, name: str, spec: str) -> None:
    bad = sizes[np.isfinite(sizes) & ((sizes < 1) | (sizes != np.round(sizes)))]
    if len(bad):
        raise DataError(
            f"{spec} has the size {bad[0]:g} in column {printable(name)}, which is no number of objects: "
            "multiply shares by the size of the data, or name another column with --n."
        )


def _last(rows: Sequence[int], keys: Sequence[tuple[object, ...]], progress: Values) -> list[int]:
    """Return the rows of each run's last epoch or step."""
    last: dict[tuple[object, ...], float] = {}
    for row in rows:
        last[keys[row]] = float(np.fmax(last.get(keys[row], -np.inf), progress[row]))
    return [row for row in rows if progress[row] == last[keys[row]]]


def _once(rows: Sequence[int], keys: Sequence[tuple[object, ...]], names: Sequence[str], spec: str) -> None:
    """Refuse two rows of the same run: they would count as two."""
    seen: dict[tuple[object, ...], int] = {}
    for row in rows:
        if keys[row] in seen:
            same = ", ".join(f"{printable(n)} {key}" for n, key in zip(names, keys[row], strict=True))
            raise UsageError(
                f"{spec} has the same run in rows {seen[keys[row]]} and {row} ({same}): keep one kind "
                "of run, or name the column that tells them apart, --replicate COLUMN."
            )
        seen[keys[row]] = row


def _in_range(
    values: list[Values], kind: MetricKind, found: Metric, spec: str
) -> tuple[list[Values], tuple[Notice, ...]]:
    """Return the values, percentages divided by 100, and the notice that says so."""
    every = np.concatenate(values)
    name = columns_named(found.columns)
    if every.min() < 0:
        raise DataError(
            f"{spec} has {every.min():g} in {name}, and a {kind} is never negative: turn the sign round "
            "where a score is a negated loss, or name another column with --metric."
        )
    if kind == "loss" or every.max() <= 1:
        return values, ()
    if every.max() > PERCENT:
        raise DataError(
            f"{spec} has {every.max():g} in {name}, more than any {kind}, as a share or in percent: name "
            "another column with --metric."
        )
    notice = Notice(
        "PERCENT-READ", f"{name} goes up to {every.max():g}: it was read as percent and divided by 100."
    )
    return [each / PERCENT for each in values], (notice,)


def _numbers(spec: str, name: str, cells: Cells, decimal: str) -> Values:  # (rows,) NaN where empty
    """Return a column as numbers; where `decimal` is a comma, as spreadsheets write, 79,5 is 79.5."""
    found = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        if is_missing(cell):
            continue
        try:
            text = str(cell).strip().removesuffix("%")
            if decimal == "," and "," in text:
                text = text.replace(".", "").replace(",", ".")
            found[row] = float(text)
        except ValueError as error:
            raise DataError(
                f"{spec} has {str(cell)[:40]!r} in row {row} of column {printable(name)}, which is no "
                "number: correct it, or name another column."
            ) from error
    return found
