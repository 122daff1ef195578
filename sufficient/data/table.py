"""A table of features, one row an object: columns of numbers, a column of labels, embeddings recognised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sufficient.data.audit import fingerprint, identities, take_stock
from sufficient.data.cells import Where
from sufficient.data.columns import Read, Rows, Table, TableOptions
from sufficient.data.feature_remarks import feature_name, feature_remarks
from sufficient.data.label_table import label_table, rows_of
from sufficient.data.labelled import LabelledData, Skipped
from sufficient.data.labels import ClassNames, encode_labels, groups_of_cells, labels_of_cells
from sufficient.data.table_layout import TableColumns, layout_of
from sufficient.data.walk import printable
from sufficient.errors import DataError
from sufficient.notice import Notice


def read_table(
    table: Table,
    options: TableOptions,
    *,
    spec: str,
    labels: Any = None,
    classes: ClassNames | None = None,
    notices: Sequence[Notice] = (),
) -> LabelledData:
    """Return the features of a table, float32 (N, d), and labels; named by row (from 0) or line.

    `labels`: a table of labels (a path or a data frame) that is joined on the column of paths. `classes`:
    the names that whole numbers as labels index. A row without a label is skipped. Raises DataError for a
    column of features that is text or not finite, and for labels that are no classes.
    """
    layout = layout_of(table, options, spec=spec, joined=labels is not None)
    wanted = dict.fromkeys(name for name in (layout.label, layout.group, layout.path) if name is not None)
    read = table.read(tuple(wanted), layout.features)
    if labels is None:
        assert layout.label is not None
        plain, present, said = labels_of_cells(
            read.cells[layout.label], column=layout.label, where=read.where
        )
        present = present if classes is None else _of_known_class(plain, present)
        skipped = [Skipped(read.where(row), "label-missing") for row in np.flatnonzero(~present).tolist()]
        plain = plain if classes is None else plain[plain >= 0]
    else:
        plain, present, skipped, said = _joined(read, layout, labels, options)
    if not present.any():
        raise DataError(f"no row of {spec} has a label; fill the labels in, or name another --label-column.")
    codes, names = encode_labels(plain, classes)
    rows = np.flatnonzero(present)
    values = read.values if present.all() else read.values[rows]
    features = layout.features if len(layout.features) == values.shape[1] else None
    _require_finite(spec, values, rows, features, read.where)
    groups, remarks = None, list[Notice]()
    if layout.group is not None:
        groups, remarks = groups_of_cells(read.cells[layout.group], column=layout.group)

    stock = take_stock(
        spec,
        codes,
        classes=tuple(map(printable, names)),
        name_of=lambda index: read.where(int(rows[index])),
        digests=None,
        skipped=skipped,
        notices=[*notices, *layout.notices, *said, *remarks, *feature_remarks(values, features)],
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


def _of_known_class(plain: NDArray[Any], present: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which rows have a label, -1 meaning none, as Hugging Face's data sets write it."""
    known = present.copy()
    if plain.dtype.kind in "if":
        known[np.flatnonzero(present)[plain < 0]] = False
    return known


def _joined(
    read: Read, layout: TableColumns, labels: Any, options: TableOptions
) -> tuple[NDArray[Any], NDArray[np.bool_], list[Skipped], tuple[Notice, ...]]:
    """Return the labels that a table gives to the rows, which have one, what is left over and remarkable."""
    assert layout.path is not None
    table = label_table(labels, TableOptions(label_column=options.label_column))
    said = rows_of(table)
    row_of: dict[str, int] = {}
    place = np.cumsum(said.present) - 1
    for row, path in enumerate(map(str.strip, said.paths)):
        if not path:
            continue
        first = row_of.setdefault(path, row)
        if not said.present[first]:
            row_of[path] = row  # which may have the label that the first lacks
        elif first != row and said.present[row]:
            one, other = said.labels[place[[first, row]]]
            if one != other:
                raise DataError(
                    f"{table.spec} gives {printable(path)} two labels ({said.where(first)} and "
                    f"{said.where(row)}: {one} and {other}); several labels for an object "
                    "are not read: leave one row for each file."
                )
    paths = ["" if cell is None else str(cell).strip() for cell in read.cells[layout.path]]
    found = np.array([row_of.get(path, -1) if path else -1 for path in paths], dtype=np.int64)
    present = (found >= 0) & said.present[found]
    skipped = [
        Skipped(
            printable(paths[row]) or read.where(row),
            "not-in-table" if found[row] < 0 else "label-missing",
            read.where(row),
        )
        for row in np.flatnonzero(~present).tolist()
    ]
    known = set(paths).difference([""])
    skipped += [
        Skipped(printable(path) or said.where(row), "no-file", said.where(row))
        for row, path in enumerate(map(str.strip, said.paths))
        if path not in known
    ]
    return said.labels[place[found[present]]], present, skipped, said.notices


def _require_finite(
    spec: str, values: Rows, rows: NDArray[np.intp], features: Sequence[str] | None, where: Where
) -> None:
    bad = ~np.isfinite(values)
    if not bad.any():
        return
    row, place = np.argwhere(bad)[0]
    name = feature_name(features, int(place))
    whole = f", or leave that column out (--drop {name})" if features is not None else ""
    raise DataError(
        f"{spec} has features that are missing, NaN or infinite in float32: {int(bad.sum()):,} of them, the "
        f"first in {where(int(rows[row]))}, column {name}; fill them in, leave these rows out{whole}."
    )
