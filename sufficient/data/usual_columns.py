"""Which column of a table holds labels, names images or groups, by the names that people give them."""

from __future__ import annotations

from collections.abc import Iterable

from sufficient.data.columns import Table, TableOptions, column, columns_named
from sufficient.errors import DataError

PATH_COLUMNS = (
    *("file_name", "filename", "filenames", "filepath", "file_path", "path", "image", "image_path", "file"),
)
LABEL_COLUMNS = ("label", "labels", "class", "class_name", "ground_truth", "ground_truth.label")


def known(names: Iterable[str], usual: Iterable[str]) -> list[str]:
    """Return those of the names that are usual, in that order, whatever case and spaces around them."""
    places = {name: place for place, name in enumerate(usual)}
    found = [name for name in names if name.strip().lower() in places]
    return sorted(found, key=lambda name: places[name.strip().lower()])


def usual_label_column(table: Table, options: TableOptions, *, spec: str) -> str:
    """Return the column of labels. Raises DataError: none is named, or several could be it."""
    return usual_column(
        table, options.label_column, LABEL_COLUMNS, spec=spec, what="labels", option="--label-column"
    )


def group_column(table: Table, options: TableOptions, *, spec: str) -> str | None:
    """Return the column of groups, if one is asked for. Raises DataError where the table has none such."""
    asked = options.group_column
    return None if asked is None else column(table, asked, spec=spec, option="--group-column")


def usual_column(
    table: Table, asked: str | None, usual: Iterable[str], *, spec: str, what: str, option: str
) -> str:
    """Return the column asked for, or the one with a usual name. Raises DataError: none, or several."""
    if asked is not None:
        return column(table, asked, spec=spec, option=option)
    found = known(table.names, usual)
    if len(found) == 1:
        return found[0]
    trouble = f"could be any of {', '.join(found)}" if found else "is not known"
    hint = " (its first line must name the columns)" if spec.lower().endswith((".csv", ".tsv")) else ""
    raise DataError(
        f"{spec} has {columns_named(table.names)}; which of them holds {what} {trouble}. "
        f"Name it with {option}{hint}."
    )
