"""Tables of any make as columns, and those that Python holds already: data frames, lists; without pandas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sufficient.data.cells import Cells, Where, in_rows, is_missing, matrix_of_cells
from sufficient.data.walk import brief
from sufficient.errors import DataError
from sufficient.rounding import some

NAMED_AT_MOST = 40  # columns in a message
FIRST_ROWS = 100  # in which a column shows what it holds

Rows = NDArray[np.float32]


@dataclass(frozen=True)
class TableOptions:
    """Which columns are what, and which split is read; None where the usual names are to do."""

    label_column: str | None = None
    image_column: str | None = None
    group_column: str | None = None
    drop: tuple[str, ...] = ()  # columns that are no features
    split: str | None = None


class Read(NamedTuple):
    """What was asked of a table."""

    cells: dict[str, Cells]  # column → its N cells as they stand, None where there is none
    values: Rows  # (N, d), NaN where a cell is empty
    where: Where = in_rows  # row → what it is called: a line of a file of text, else a row from 0


class Table(Protocol):
    """A table whose columns are known and whose rows are not read yet."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the columns, no two the same."""

    def first(self) -> dict[str, object]:
        """Return column → the first cell that is not empty, among the first few; None where there is none."""

    def read(self, cells: Sequence[str], numbers: Sequence[str]) -> Read:
        """Return columns as cells, and others as numbers; one that holds lists of a length becomes several.

        Raises DataError: damaged, or `numbers` that are text.
        """


def unique_names(spec: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of columns. Raises DataError where two are the same."""
    twice = [brief(name) for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            f"{spec} has several columns named {', '.join(twice[:NAMED_AT_MOST])}; "
            "give each column a name of its own."
        )
    return tuple(names)


def column(table: Table, name: str, *, spec: str, option: str) -> str:
    """Return `name`, a column that an option names. Raises DataError where the table has none such."""
    if name in table.names:
        return name
    alike = [other for other in table.names if other.strip() == name.strip()]
    if len(alike) == 1:
        return alike[0]
    raise DataError(
        f"{spec} has no column {brief(name)} ({option}); it has {columns_named(table.names)}. "
        "Name one of these."
    )


def column_name(name: str) -> str:
    """Return what a column is called in messages."""
    return brief(name) or "(no name)"


def columns_named(names: Sequence[str]) -> str:
    """Return the names of columns as text, not more of them than can be read."""
    named = some(map(column_name, names), NAMED_AT_MOST)
    more = f" ({len(names):,} in all)" if len(names) > NAMED_AT_MOST else ""
    return f"the column{'' if len(names) == 1 else 's'} {named}{more}"


@dataclass(frozen=True)
class ColumnTable:
    """Columns of Python objects or arrays, each fetched when it is asked for."""

    spec: str
    names: tuple[str, ...]
    fetch: Callable[[str], Any]  # column → its cells: a list, or an array
    where: Where = in_rows

    def first(self) -> dict[str, object]:
        """Return column → its first cell that is not empty."""
        return {name: first_given(self.fetch(name)[:FIRST_ROWS]) for name in self.names}

    def read(self, cells: Sequence[str], numbers: Sequence[str]) -> Read:
        """Return columns as cells, and others as numbers."""
        found = {name: list(self.fetch(name)) for name in cells}
        blocks = [matrix_of_cells(self.spec, name, self.fetch(name), self.where) for name in numbers]
        rows = len(blocks[0]) if blocks else len(next(iter(found.values()), ()))
        if rows == 0:
            raise DataError(f"{self.spec} names columns but holds no rows; add some.")
        values = np.hstack(blocks) if blocks else np.empty((rows, 0), dtype=np.float32)
        return Read(found, values, self.where)


def first_given(cells: Sequence[object]) -> object:
    """Return the first of the cells that is not empty; None where there is none."""
    return next((cell for cell in cells if not is_missing(cell)), None)


def frame_table(frame: Any, *, spec: str) -> ColumnTable:
    """Return a table over a pandas or polars DataFrame; neither is imported."""
    keys = {str(key): key for key in frame.columns}
    names = unique_names(spec, [str(key) for key in frame.columns])

    def fetch(name: str) -> Any:
        series = frame[keys[name]]
        array_ = np.asarray(series)
        return array_ if array_.ndim == 1 and array_.dtype.kind in "biuf" else series.to_list()

    return ColumnTable(spec, names, fetch)


def is_frame(data: Any) -> bool:
    """Whether something is a DataFrame of pandas or polars, by what it can do."""
    return hasattr(data, "columns") and hasattr(data, "dtypes") and hasattr(data, "__getitem__")
