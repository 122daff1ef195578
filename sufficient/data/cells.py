"""Cells of a table as people fill them: what is missing, what is a number, what is a list of numbers."""

from __future__ import annotations

import json
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sufficient.data.walk import printable
from sufficient.errors import DataError

Cells = list[object]


def is_missing(cell: object) -> bool:
    """Whether a cell is empty: None, NaN, blank text, or pandas' NA and NaT."""
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(cell, str):
        return not cell.strip()
    return isinstance(cell, (float, np.floating)) and bool(np.isnan(cell))


def is_list(cell: object) -> bool:
    """Whether a cell holds several values: a list, an array of some, or text that is a JSON list."""
    if isinstance(cell, str):
        return is_list_text(cell)
    return isinstance(cell, (list, tuple, set, frozenset, dict)) or getattr(cell, "ndim", 0) > 0


def is_list_text(cell: str) -> bool:
    """Whether text is a JSON list."""
    if not cell.lstrip().startswith("["):
        return False
    try:
        return isinstance(json.loads(cell), list)
    except ValueError:
        return False


def matrix_of_cells(spec: str, name: str, cells: Any) -> NDArray[np.float32]:
    """Return a column of numbers as (N, 1), or one of lists of numbers as (N, their length); NaN where empty.

    Raises DataError for text, and for lists that differ in length.
    """
    with np.errstate(over="ignore"):  # beyond float32 becomes infinite, and is named where values are checked
        if isinstance(cells, np.ndarray) and cells.dtype.kind in "biuf":
            return cells.astype(np.float32)[:, np.newaxis]
        if any(is_list(cell) for cell in cells):
            return _stacked(spec, name, cells)
        column = np.array(
            [_number(spec, name, cell, row) for row, cell in enumerate(cells)], dtype=np.float32
        )
        return column[:, np.newaxis]


def no_numbers(spec: str, text: Mapping[str, object], row: int) -> DataError:
    """Return what to say of columns that hold something else than numbers; `text`: column → its cell."""
    named = ", ".join(f"{printable(name)} ({_shown(cell)} in row {row})" for name, cell in text.items())
    drop = " ".join(f"--drop {printable(name)}" for name in text)
    return DataError(
        f"{spec} has columns that hold no numbers and are no features: {named}. Leave out what is no "
        f"feature ({drop}), or turn it into numbers."
    )


def _number(spec: str, name: str, cell: object, row: int) -> float:
    if is_missing(cell):
        return float("nan")
    if isinstance(cell, (numbers.Real, np.number, np.bool_)) or type(cell).__name__ == "Decimal":
        return float(cell)  # type: ignore[arg-type]  # Decimal, told by name as above, is a number too
    raise no_numbers(spec, {name: cell}, row)


def _stacked(spec: str, name: str, cells: Sequence[object]) -> NDArray[np.float32]:
    rows: list[NDArray[np.float32]] = []
    for index, cell in enumerate(cells):
        given = json.loads(cell) if isinstance(cell, str) and is_list_text(cell) else cell
        try:
            row = np.asarray(given, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise no_numbers(spec, {name: cell}, index) from error
        if row.ndim != 1 or (rows and len(row) != len(rows[0])):
            expected = f"{len(rows[0]):,} numbers" if rows else "a plain list of numbers"
            raise DataError(
                f"{spec} has in column {printable(name)}, row {index}, a list of shape {row.shape} where "
                f"{expected} are needed; give lists of one length, or leave that row out."
            )
        rows.append(row)
    return np.stack(rows)


def _shown(cell: object) -> str:
    shown = printable(cell) if isinstance(cell, str) else repr(cell)
    return f"'{shown[:40]}…'" if len(shown) > 40 else f"'{shown}'"
