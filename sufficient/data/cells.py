"""Cells of a table as people fill them: what is missing, what is a number, what is a list of numbers."""

from __future__ import annotations

import ast
import json
import numbers
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sufficient.data.walk import brief, printable
from sufficient.errors import DataError
from sufficient.rounding import counted, some

Cells = list[object]
Where = Callable[[int], str]  # row → what it is called in messages: "row 17", from 0, or "line 19" of a text

NUMBERS = (numbers.Real, np.number, np.bool_)
in_rows: Where = "row {}".format
NAMED_AT_MOST = 20  # columns in a message
LONGEST_LITERAL = 10_000  # characters that are parsed as Python writes a list


def is_missing(cell: object) -> bool:
    """Whether a cell is empty: None, NaN, blank text, or pandas' NA and NaT."""
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(cell, str):
        return not cell.strip()
    return isinstance(cell, (float, np.floating)) and bool(np.isnan(cell))


def is_list(cell: object) -> bool:
    """Whether a cell holds several values: a list, an array of some, or text that is a list."""
    if isinstance(cell, str):
        return is_list_text(cell)
    return isinstance(cell, (list, tuple, set, frozenset, dict)) or getattr(cell, "ndim", 0) > 0


def is_list_text(cell: str) -> bool:
    """Whether text is a list, a tuple or a set as JSON, Python or numpy write it."""
    return parsed_list(cell) is not None


def parsed_list(text: str) -> object | None:
    """Return the list that text is, as JSON, Python or numpy write it (`[0.5 1.5]`); None: it is none."""
    plain = text.strip()
    if not (plain.startswith(("[", "(", "{")) and plain.endswith(("]", ")", "}"))):
        return None
    try:
        found = json.loads(plain)
        return found if isinstance(found, list) else None
    except (ValueError, RecursionError):
        pass
    try:
        return [float(number) for number in plain[1:-1].split()] or None
    except ValueError:
        pass
    if len(plain) > LONGEST_LITERAL:
        return None
    try:
        found = ast.literal_eval(plain)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None
    return found if isinstance(found, (list, tuple, set, frozenset)) else None


def is_number_list(cell: object) -> bool:
    """Whether a cell holds a list of numbers, at least one."""
    given = parsed_list(cell) if isinstance(cell, str) else cell
    if not is_list(given):
        return False
    try:
        return np.asarray(given, dtype=np.float32).size > 0
    except (TypeError, ValueError):
        return False


def is_number(cell: object) -> bool:
    """Whether a cell holds a number, or text that is one, or nothing."""
    if isinstance(cell, str):
        return number_of(cell) is not None
    return is_missing(cell) or isinstance(cell, NUMBERS) or type(cell).__name__ == "Decimal"


def number_of(cell: str) -> float | None:
    """Return the number that text is, NaN where it is empty; None: it is none."""
    plain = cell.strip().lower()
    if plain in ("", "na", "n/a", "null", "none"):
        return float("nan")
    if plain in ("true", "false"):
        return float(plain == "true")
    try:
        return float(plain)
    except ValueError:
        return None


def matrix_of_cells(spec: str, name: str, cells: Any, where: Where = in_rows) -> NDArray[np.float32]:
    """Return a column of numbers as (N, 1), or one of lists of numbers as (N, their length); NaN where empty.

    Raises DataError for text, and for lists that differ in length.
    """
    with np.errstate(over="ignore"):  # beyond float32 becomes infinite, and is named where values are checked
        if isinstance(cells, np.ndarray) and cells.dtype.kind in "biuf":
            return cells.astype(np.float32)[:, np.newaxis]
        if any(is_list(cell) for cell in cells):
            return _stacked(spec, name, cells, where)
        column = np.array(
            [_number(spec, name, cell, where(row)) for row, cell in enumerate(cells)], dtype=np.float32
        )
        return column[:, np.newaxis]


def no_numbers(spec: str, text: Mapping[str, object], row: str | None = None) -> DataError:
    """Return what to say of columns that hold something else than numbers; `text`: column → its cell."""
    place = "" if row is None else f" in {row}"
    named = some((f"{brief(name)} ({shown(cell)}{place})" for name, cell in text.items()), NAMED_AT_MOST)
    drop = some((f"--drop {shlex.quote(brief(name))}" for name in text), NAMED_AT_MOST, between=" ")
    return DataError(
        f"{spec} has columns that hold no numbers and are no features: {named}. Leave out what is no "
        f"feature ({drop}), or turn it into numbers."
    )


def _number(spec: str, name: str, cell: object, row: str) -> float:
    if is_missing(cell):
        return float("nan")
    if isinstance(cell, NUMBERS) or type(cell).__name__ == "Decimal":
        return float(cell)  # type: ignore[arg-type]  # Decimal, told by name as above, is a number too
    raise no_numbers(spec, {name: cell}, row)


def _stacked(spec: str, name: str, cells: Sequence[object], where: Where) -> NDArray[np.float32]:
    rows: list[NDArray[np.float32]] = []
    for index, cell in enumerate(cells):
        if is_missing(cell):
            raise DataError(
                f"{spec} has nothing in column {brief(name)}, {where(index)}, where other rows hold lists of "
                "numbers; fill it in, or leave that row out."
            )
        given = parsed_list(cell) if isinstance(cell, str) else cell
        try:
            row = np.asarray(cell if given is None else given, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise no_numbers(spec, {name: cell}, where(index)) from error
        if row.ndim != 1 or (rows and len(row) != len(rows[0])):
            found = counted(len(row), "number") if row.ndim == 1 else "no plain list"
            needed = counted(len(rows[0]), "number") if rows else "a plain list of numbers"
            raise DataError(
                f"{spec} has {found} in column {brief(name)}, {where(index)}, where {needed} "
                f"{'is' if len(rows) and len(rows[0]) == 1 else 'are'} needed; give lists of one length, or "
                "leave that row out."
            )
        rows.append(row)
    return np.stack(rows)


def shown(cell: object) -> str:
    """Return a cell for a message: quoted, and no longer than can be read at a glance."""
    text = printable(cell[:41]) if isinstance(cell, str) else repr(cell)
    return f"'{text[:40]}…'" if len(text) > 40 else f"'{text}'"
