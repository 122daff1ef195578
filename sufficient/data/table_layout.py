"""Which columns of a table are features, labels, groups, the images' names; embeddings recognised."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sufficient.data.cells import is_missing, is_number, is_number_list, no_numbers
from sufficient.data.columns import Table, TableOptions, column, column_name, columns_named
from sufficient.data.feature_remarks import NAMED_AT_MOST
from sufficient.data.usual_columns import (
    LABEL_COLUMNS,
    PATH_COLUMNS,
    group_column,
    known,
    usual_label_column,
)
from sufficient.data.walk import brief
from sufficient.errors import DataError, UsageError
from sufficient.notice import Notice
from sufficient.rounding import some

NUMBERED = re.compile(r"embeddings?_\d+")  # lightly's and lightly-train's
IDENTIFIERS = ("id", "_id", "sample_id", "uid", "uuid", "index", "")  # beside an embedding, of no meaning
WHOLE_LISTS = ("embedding", "embeddings")  # a list in each cell, as fiftyone's users write it


@dataclass(frozen=True)
class TableColumns:
    """Which columns of a table are what."""

    label: str | None  # None: the labels come from a table of their own
    group: str | None
    path: str | None  # names the image of a row
    features: tuple[str, ...]
    notices: tuple[Notice, ...]


def layout_of(table: Table, options: TableOptions, *, spec: str, joined: bool = False) -> TableColumns:
    """Return which columns are what. Raises DataError: no labels known, none left for features, or text."""
    if (paths := paths_alone(table, options)) is not None:
        raise DataError(
            f"{spec} names images ({column_name(paths)}) and holds no features; give the folder of the "
            "images as --data and this table as --labels."
        )
    dropped = [column(table, name, spec=spec, option="--drop") for name in options.drop]
    label = None if joined else usual_label_column(table, options, spec=spec)
    group = group_column(table, options, spec=spec)
    if label is not None and label in (*dropped, group):
        raise UsageError(
            f"the column {brief(label)} holds the labels: it cannot be dropped, nor name groups as well."
        )
    taken = {*dropped, label, group}
    named = _named_embedding(table.names)
    first = {} if named else table.first()
    embedded = named or _embedding(first, taken)
    path = _path_column(table, options, spec) if embedded or joined or options.image_column else None
    if joined and path is None:
        raise DataError(
            f"{spec} has {columns_named(table.names)}, none of which names images, so that --labels cannot "
            "be joined to its rows; name that column with --image-column, or the labels with --label-column."
        )
    candidates = embedded or tuple(name for name in table.names if name != path)
    features = tuple(name for name in candidates if name not in taken)
    _require_features(table, features, {} if embedded else first, spec)
    left_out = [name for name in table.names if name not in (*features, *taken)]
    return TableColumns(label, group, path, features, _left_out_notice(left_out, path, bool(embedded)))


def paths_alone(table: Table, options: TableOptions) -> str | None:
    """Return the column that names images, in a table of labels without features; None: it is another."""
    paths = known(table.names, PATH_COLUMNS)
    paths += [name for name in table.names if name == options.image_column and name not in paths]
    others = {*paths, *known(table.names, LABEL_COLUMNS), *options.drop}
    others |= {str(options.label_column), str(options.group_column)}
    return paths[0] if paths and others.issuperset(table.names) else None


def _named_embedding(names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of an embedding, where a table holds one by its usual names."""
    numbered = tuple(name for name in names if NUMBERED.fullmatch(name))
    return numbered or tuple(known(names, WHOLE_LISTS))[:1]


def _embedding(first: Mapping[str, object], taken: Collection[str | None]) -> tuple[str, ...]:
    """Return the one column of lists of numbers, where all beside it is text; `first`: column → a cell."""
    others = {name: cell for name, cell in first.items() if name not in taken}
    lists = tuple(name for name, cell in others.items() if is_number_list(cell))
    beside = [cell for name, cell in others.items() if name not in (*lists, *known(others, IDENTIFIERS))]
    return lists if len(lists) == 1 and not any(map(_is_feature, beside)) else ()


def _is_feature(cell: object) -> bool:
    return is_number(cell) and not is_missing(cell)


def _require_features(table: Table, features: Sequence[str], first: Mapping[str, object], spec: str) -> None:
    if not features:
        raise DataError(f"{spec} has no column left for features ({columns_named(table.names)}); drop fewer.")
    if "" in features:
        raise DataError(
            f"{spec} has a column without a name (number {table.names.index('') + 1}), such as the row "
            "numbers that pandas writes; save with index=False, or name the column."
        )
    text = {
        name: first[name]
        for name in features
        if name in first and not (is_number(first[name]) or is_number_list(first[name]))
    }
    if text:
        raise no_numbers(spec, text)


def _path_column(table: Table, options: TableOptions, spec: str) -> str | None:
    if options.image_column is not None:
        return column(table, options.image_column, spec=spec, option="--image-column")
    return next(iter(known(table.names, PATH_COLUMNS)), None)


def _left_out_notice(left_out: list[str], path: str | None, embedded: bool) -> tuple[Notice, ...]:
    if not left_out:
        return ()
    which = some(map(column_name, left_out), NAMED_AT_MOST)
    names = f" ({column_name(path)} names the images)" if path is not None and path in left_out else ""
    what = "the columns of the embedding are the features" if embedded else "columns are left out"
    return (Notice("COLUMNS-LEFT-OUT", f"{what}; no features are: {which}{names}."),)
