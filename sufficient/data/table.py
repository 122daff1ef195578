"""A table of features, one row an object: columns of numbers, a column of labels, embeddings recognised."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sufficient.data.columns import Read, Rows, Table, TableOptions, column, listed
from sufficient.data.feature_remarks import NAMED_AT_MOST, feature_name, feature_remarks
from sufficient.data.label_table import (
    LABEL_COLUMNS,
    PATH_COLUMNS,
    group_column,
    label_table,
    rows_of,
    usual_label_column,
)
from sufficient.data.labelled import LabelledData, Skipped
from sufficient.data.labels import ClassNames, encode_labels, groups_of_cells, labels_of_cells
from sufficient.data.stock import fingerprint, identities, take_stock
from sufficient.data.walk import printable
from sufficient.errors import DataError, UsageError
from sufficient.notice import Notice

NUMBERED = re.compile(r"embeddings?_\d+")  # lightly's and lightly-train's
WHOLE_LISTS = ("embedding", "embeddings")  # a list in each cell, as fiftyone's users write it


@dataclass(frozen=True)
class Layout:
    """Which columns of a table are what."""

    label: str | None  # None: the labels come from a table of their own
    group: str | None
    path: str | None  # names the image of a row
    features: tuple[str, ...]
    notices: tuple[Notice, ...]


def read_table(
    table: Table,
    options: TableOptions,
    *,
    spec: str,
    labels: Any = None,
    classes: ClassNames | None = None,
    notices: Sequence[Notice] = (),
) -> LabelledData:
    """Return the features of a table, float32 (N, d), with their labels; rows are named "row 0", "row 1", ...

    `labels`: a table of labels (a path or a data frame) that is joined on the column of paths. `classes`:
    the names that whole numbers as labels index. A row without a label is skipped. Raises DataError for a
    column of features that is text or not finite, and for labels that are no classes.
    """
    layout = layout_of(table, options, spec=spec, joined=labels is not None)
    wanted = dict.fromkeys(name for name in (layout.label, layout.group, layout.path) if name is not None)
    read = table.read(tuple(wanted), layout.features)
    if labels is None:
        assert layout.label is not None
        plain, present = labels_of_cells(read.cells[layout.label], column=layout.label)
        present = present if classes is None else _of_known_class(plain, present)
        skipped = [Skipped(f"row {row}", "label-missing") for row in np.flatnonzero(~present)]
        plain = plain if classes is None else plain[plain >= 0]
    else:
        plain, present, skipped = _joined(read, layout, labels, options)
    if not present.any():
        raise DataError(f"no row of {spec} has a label; fill the labels in, or name another --label-column.")
    codes, names = encode_labels(plain, classes)
    rows = np.flatnonzero(present)
    values = read.values if present.all() else read.values[rows]
    features = layout.features if len(layout.features) == values.shape[1] else None
    _require_finite(spec, values, rows, features)
    groups, remarks = None, list[Notice]()
    if layout.group is not None:
        groups, remarks = groups_of_cells(read.cells[layout.group], column=layout.group)

    stock = take_stock(
        spec,
        codes,
        classes=tuple(map(printable, names)),
        name_of=lambda index: f"row {rows[index]}",
        digests=None,
        skipped=skipped,
        notices=[*notices, *layout.notices, *remarks, *feature_remarks(values, features)],
    )
    used = values if len(stock.kept) == len(values) else values[stock.kept]
    groups = None if groups is None else groups[rows[stock.kept]]
    return LabelledData(
        spec=spec,
        kind="features",
        values=used,
        labels=stock.labels,
        classes=stock.classes,
        audit=stock.audit,
        fingerprint=fingerprint((row.tobytes() for row in used), stock, groups=groups),
        identities=identities(row.tobytes() for row in used),
        groups=groups,
        rows=rows[stock.kept],
    )


def layout_of(table: Table, options: TableOptions, *, spec: str, joined: bool = False) -> Layout:
    """Return which columns are what. Raises DataError: no labels named, none left for features."""
    _refuse_paths_alone(table, options, spec)
    dropped = [column(table, name, spec=spec, option="--drop") for name in options.drop]
    embedded = _embedding(table.names)
    label = None
    if not joined:
        if options.label_column is None and not embedded:
            raise DataError(f"{spec} has {listed(table.names)}; name that of the labels with --label-column.")
        label = usual_label_column(table, options, spec=spec)
    group = group_column(table, options, spec=spec)
    path = _path_column(table, options, spec) if embedded or joined or options.image_column else None
    if joined and path is None:
        raise DataError(
            f"{spec} has {listed(table.names)}, none of which names images, so that --labels cannot be "
            "joined to its rows; name that column with --image-column, or the labels with --label-column."
        )
    if label is not None and label in (*dropped, group):
        raise UsageError(
            f"the column {printable(label)} holds the labels: it cannot be dropped, nor name groups as well."
        )
    features = embedded or tuple(name for name in table.names if name != path)
    features = tuple(name for name in features if name not in (*dropped, label, group))
    if not features:
        raise DataError(f"{spec} has no column left for features ({listed(table.names)}); drop fewer.")
    if "" in features:
        raise DataError(
            f"{spec} has a column without a name (number {table.names.index('') + 1}), such as the row "
            "numbers that pandas writes; save with index=False, or name the column."
        )
    left_out = [name for name in table.names if name not in (*features, *dropped, label, group)]
    return Layout(label, group, path, features, _left_out_notice(left_out, path, bool(embedded)))


def _refuse_paths_alone(table: Table, options: TableOptions, spec: str) -> None:
    """Raise DataError for a table of labels that is given in the place of a folder of images."""
    paths = [name for name in table.names if name in (*PATH_COLUMNS, options.image_column)]
    known = {*paths, *LABEL_COLUMNS, options.label_column, options.group_column, *options.drop}
    if paths and known.issuperset(table.names):
        raise DataError(
            f"{spec} names images ({printable(paths[0])}) and holds no features; give the folder of the "
            "images as --data and this table as --labels."
        )


def _embedding(names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of an embedding, where a table holds one by its usual names."""
    numbered = tuple(name for name in names if NUMBERED.fullmatch(name))
    return numbered or tuple(name for name in WHOLE_LISTS if name in names)[:1]


def _path_column(table: Table, options: TableOptions, spec: str) -> str | None:
    if options.image_column is not None:
        return column(table, options.image_column, spec=spec, option="--image-column")
    return next((name for name in PATH_COLUMNS if name in table.names), None)


def _left_out_notice(left_out: list[str], path: str | None, embedded: bool) -> tuple[Notice, ...]:
    if not left_out:
        return ()
    which = (
        f"{', '.join(map(printable, left_out[:NAMED_AT_MOST]))}{', …' if left_out[NAMED_AT_MOST:] else ''}"
    )
    names = f" ({printable(path)} names the images)" if path in left_out else ""
    what = "the columns of the embedding are the features" if embedded else "columns are left out"
    return (Notice("COLUMNS-LEFT-OUT", f"{what}; no features are: {which}{names}."),)


def _of_known_class(plain: NDArray[Any], present: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which rows have a label, -1 meaning none, as Hugging Face's data sets write it."""
    known = present.copy()
    if plain.dtype.kind in "if":
        known[np.flatnonzero(present)[plain < 0]] = False
    return known


def _joined(
    read: Read, layout: Layout, labels: Any, options: TableOptions
) -> tuple[NDArray[Any], NDArray[np.bool_], list[Skipped]]:
    """Return the labels that a table gives to the rows, which rows have one, and what is left over."""
    assert layout.path is not None
    table = label_table(labels, TableOptions(label_column=options.label_column))
    said = rows_of(table)
    row_of: dict[str, int] = {}
    place = np.cumsum(said.present) - 1
    for row, path in enumerate(said.paths):
        if not path:
            continue
        first = row_of.setdefault(path, row)
        if not said.present[first]:
            row_of[path] = row  # which may have the label that the first lacks
        elif first != row and said.present[row]:
            one, other = said.labels[place[[first, row]]]
            if one != other:
                raise DataError(
                    f"{table.spec} gives {printable(path)} two labels (rows {first} and {row}: {one} and "
                    f"{other}); several labels for an object are not read: leave one row for each file."
                )
    paths = ["" if cell is None else str(cell) for cell in read.cells[layout.path]]
    found = np.array([row_of.get(path, -1) if path else -1 for path in paths], dtype=np.int64)
    present = (found >= 0) & said.present[found]
    skipped = [
        Skipped(
            printable(paths[row]) or f"row {row}",
            "not-in-table" if found[row] < 0 else "label-missing",
            f"row {row}",
        )
        for row in np.flatnonzero(~present)
    ]
    known = set(paths).difference([""])
    skipped += [
        Skipped(printable(path) or f"row {row}", "no-file", f"row {row}")
        for row, path in enumerate(said.paths)
        if path not in known
    ]
    return said.labels[place[found[present]]], present, skipped


def _require_finite(spec: str, values: Rows, rows: NDArray[np.intp], features: Sequence[str] | None) -> None:
    bad = ~np.isfinite(values)
    if not bad.any():
        return
    row, place = np.argwhere(bad)[0]
    name = feature_name(features, int(place))
    whole = f", or leave that column out (--drop {name})" if features is not None else ""
    raise DataError(
        f"{spec} has features that are missing, NaN or infinite in float32: {int(bad.sum()):,} of them, the "
        f"first in row {rows[row]}, column {name}; fill them in, leave these rows out{whole}."
    )
