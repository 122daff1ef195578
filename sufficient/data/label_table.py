"""A folder of images whose labels stand in a table: which file is of which class, and what is left over."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sufficient.data.cells import Where
from sufficient.data.columns import Table, TableOptions, frame_table, is_frame
from sufficient.data.labelled import Skipped, SkipReason
from sufficient.data.labels import encode_labels, groups_of_cells, labels_of_cells
from sufficient.data.listing import Listing
from sufficient.data.opening import SUFFIXES
from sufficient.data.table_files import open_table
from sufficient.data.usual_columns import (
    LABEL_COLUMNS,
    PATH_COLUMNS,
    group_column,
    known,
    usual_column,
    usual_label_column,
)
from sufficient.data.walk import Walk, printable, walk
from sufficient.errors import DataError
from sufficient.notice import Notice
from sufficient.rounding import counted

METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")  # of Hugging Face's image folders


@dataclass(frozen=True)
class LabelTable:
    """A table that names files and their labels."""

    spec: str
    table: Table
    path: Path | None  # None: a data frame
    label_column: str
    image_column: str
    group_column: str | None


@dataclass(frozen=True)
class LabelRows:
    """What a table says of files; row by row, those without a label among them."""

    paths: list[str]
    labels: NDArray[Any]  # (present,) as they stand, of the rows that have one
    present: NDArray[np.bool_]  # (rows,)
    groups: NDArray[np.int64] | None  # (rows,)
    notices: tuple[Notice, ...]
    where: Where  # row → what it is called


def label_table(given: Any, options: TableOptions) -> LabelTable:
    """Return the table of labels in a file or a data frame. Raises DataError where columns are not found."""
    if is_frame(given):
        return _chosen("the table of labels", frame_table(given, spec="the table of labels"), None, options)
    path = Path(os.path.expanduser(given))
    return _chosen(str(given), open_table(path, spec=str(given)), path, options)


def _chosen(spec: str, table: Table, path: Path | None, options: TableOptions) -> LabelTable:
    return LabelTable(
        spec,
        table,
        path,
        usual_label_column(table, options, spec=spec),
        usual_column(
            table,
            options.image_column,
            PATH_COLUMNS,
            spec=spec,
            what="the files' names",
            option="--image-column",
        ),
        group_column(table, options, spec=spec),
    )


def metadata_of(root: Path, options: TableOptions) -> LabelTable | None:
    """Return the labels that a folder brings with it in Hugging Face's way, or None.

    A table on top without labels (captions, boxes) is no such thing, unless --label-column says so.
    """
    path = next((root / name for name in METADATA if (root / name).is_file()), None)
    if path is None:
        return None
    names = open_table(path, spec=str(path)).names
    labels = options.label_column is not None or bool(known(names, LABEL_COLUMNS))
    paths = options.image_column is not None or bool(known(names, PATH_COLUMNS))
    return label_table(path, options) if labels and paths else None


def rows_of(table: LabelTable) -> LabelRows:
    """Return what the table says. Raises DataError for labels that are no classes."""
    wanted = [table.image_column, table.label_column]
    if table.group_column is not None:
        wanted.append(table.group_column)
    read = table.table.read(wanted, ())
    cells = read.cells
    labels, present, remarks = labels_of_cells(
        cells[table.label_column], column=table.label_column, where=read.where
    )
    groups, notices = None, list[Notice]()
    if table.group_column is not None:
        groups, notices = groups_of_cells(cells[table.group_column], column=table.group_column)
    paths = ["" if cell is None else str(cell) for cell in cells[table.image_column]]
    return LabelRows(paths, labels, present, groups, (*remarks, *notices), read.where)


def list_by_table(root: Path, table: LabelTable, *, spec: str) -> tuple[Listing, NDArray[np.int64] | None]:
    """Return the files below `root` that the table labels, and their groups (N,) where it names any.

    Every file below `root` but the table itself is listed or skipped, and so is every row that leads to no
    file. Raises DataError: nothing matches, or one file stands under two labels.
    """
    rows = rows_of(table)
    found = walk(root)
    index = {name: i for i, name in enumerate(found.files)}
    own = _own_name(root, table.path)
    row_of, left_over, notices = _match(root, rows, index, _reasons(found), table)
    names = sorted(name for name, row in row_of.items() if rows.present[row])
    if not names:
        raise _nothing(spec, table, rows, found)
    skipped = [*found.skipped, *left_over, *_unlabelled(index, row_of, rows, own)]
    chosen = np.array([row_of[name] for name in names], dtype=np.int64)
    place = np.cumsum(rows.present) - 1  # of a row among those that have a label
    labels, classes = encode_labels(rows.labels[place[chosen]])
    files = np.array([index[name] for name in names], dtype=np.int64)
    listing = Listing(
        names=names,
        labels=labels,
        classes=classes,
        sizes=np.array(found.sizes, dtype=np.int64)[files],
        times=np.array(found.times, dtype=np.int64)[files],
        marks=np.array(found.marks, dtype=np.int64)[files],
        skipped=tuple(skipped),
        class_folders=(),
        notices=(*_says_which(table), *notices, *rows.notices),
        splits=(),
    )
    return listing, None if rows.groups is None else rows.groups[chosen]


def _match(
    root: Path,
    rows: LabelRows,
    index: dict[str, int],
    reasons: dict[str, SkipReason],
    table: LabelTable,
) -> tuple[dict[str, int], list[Skipped], list[Notice]]:
    """Return file → its row, the rows without one, and what to say of rows that say the same twice."""
    row_of: dict[str, int] = {}
    left_over: list[Skipped] = []  # each such row counts, one that repeats another as well
    inside = [os.path.join(whole, "") for whole in (os.path.abspath(root), os.path.realpath(root))]
    place = np.cumsum(rows.present) - 1
    repeated = 0
    for row, path in enumerate(rows.paths):
        name = _relative(path, inside)
        if name is not None and name not in index and path != path.strip():
            name = _relative(path.strip(), inside)
        if name is not None and name in index:
            first = row_of.setdefault(name, row)
            if first != row:
                _require_same(rows, place, first, row, name, table)
                repeated += 1
            continue
        shown = printable(path)
        if name is None:
            left_over.append(
                Skipped(shown or rows.where(row), "outside-root" if path else "no-file", rows.where(row))
            )
        elif (reason := _nearest(name, reasons)) is None:
            left_over.append(Skipped(shown, "no-file", rows.where(row)))
        elif name not in reasons:  # in a folder that was skipped as a whole
            left_over.append(Skipped(shown, reason, rows.where(row)))
    if not repeated:
        return row_of, left_over, []
    message = (
        f"{counted(repeated, 'row')} of {table.spec}, repeating an earlier one, "
        f"{'is' if repeated == 1 else 'are'} not counted again."
    )
    return row_of, left_over, [Notice("REPEATED-ROWS", message)]


def _require_same(
    rows: LabelRows, place: NDArray[np.int64], first: int, row: int, name: str, table: LabelTable
) -> None:
    def said(of: int) -> tuple[object, object]:
        label = str(rows.labels[place[of]]) if rows.present[of] else ""
        return label, None if rows.groups is None else int(rows.groups[of])

    if said(first) != said(row):
        what = "labels" if said(first)[0] != said(row)[0] else "groups"
        detail = f": {said(first)[0] or '(none)'} and {said(row)[0] or '(none)'}" if what == "labels" else ""
        raise DataError(
            f"{table.spec} gives {printable(name)} two {what} ({rows.where(first)} and "
            f"{rows.where(row)}{detail}); several labels for an object are not read: leave one row a file."
        )


def _relative(path: str, inside: Sequence[str]) -> str | None:
    """Return a path of the table relative to the folder, "/" between its parts; None: it leaves it."""
    if not path or "\0" in path:
        return None
    if path.startswith("/"):
        whole = os.path.normpath(path)
        return next((whole[len(root) :] for root in inside if whole.startswith(root)), None)
    name = os.path.normpath(path)
    return None if name == ".." or name.startswith("../") else name


def _reasons(found: Walk) -> dict[str, SkipReason]:
    return {item.name: item.reason for item in found.skipped}


def _nearest(name: str, reasons: dict[str, SkipReason]) -> SkipReason | None:
    """Return why a file, or a folder above it, was skipped."""
    parts = printable(name).split("/")
    for end in range(len(parts), 0, -1):
        if (reason := reasons.get("/".join(parts[:end]))) is not None:
            return reason
    return None


def _unlabelled(
    index: dict[str, int], row_of: dict[str, int], rows: LabelRows, own: str | None
) -> list[Skipped]:
    skipped = []
    for name in sorted(index):
        row = row_of.get(name)
        if row is not None:
            if not rows.present[row]:
                skipped.append(Skipped(printable(name), "label-missing", rows.where(row)))
        elif os.path.splitext(name)[1].lower() not in SUFFIXES:
            if name != own:
                skipped.append(Skipped(printable(name), "unsupported-suffix"))
        else:
            skipped.append(Skipped(printable(name), "not-in-table"))
    return skipped


def _own_name(root: Path, path: Path | None) -> str | None:
    """Return the name of the table, if it lies in the folder itself."""
    if path is None:
        return None
    inside = os.path.join(os.path.realpath(root), "")
    whole = os.path.realpath(path)
    return whole[len(inside) :] if whole.startswith(inside) else None


def _says_which(table: LabelTable) -> list[Notice]:
    if table.path is None or table.path.name not in METADATA:
        return []
    message = (
        f"the labels are the column {printable(table.label_column)} of {table.path.name} in the folder "
        "itself; the names of folders play no part."
    )
    return [Notice("METADATA-LABELS", message)]


def _nothing(spec: str, table: LabelTable, rows: LabelRows, found: Walk) -> DataError:
    named = next((path for path in rows.paths if path), "")
    lies = f" where there is, for example, {printable(min(found.files))}" if found.files else ""
    if not rows.present.any():
        return DataError(
            f"{table.spec} has no label in its column {printable(table.label_column)}; fill it in, or name "
            "another with --label-column."
        )
    return DataError(
        f"no row of {table.spec} with a label leads to a file in {spec}: its column "
        f"{printable(table.image_column)} begins with {printable(named)},{lies or ' which holds no files'}. "
        f"Paths are taken relative to {spec}: correct --data, the paths, or --image-column."
    )
