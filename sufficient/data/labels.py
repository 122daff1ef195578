"""Labels as people give them (integers, text, booleans, whole floats) to indices into class names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sufficient.data.cells import Where, in_rows, is_list, is_missing
from sufficient.data.several_labels import label_remarks
from sufficient.data.walk import brief, printable
from sufficient.errors import DataError
from sufficient.notice import Notice
from sufficient.rounding import counted

LARGEST_NUMBER = 2**53  # beyond it neighbouring whole numbers are one float
ClassNames = Sequence[object] | NDArray[Any]
WHOLE = re.compile(r"0|[+-]?[1-9]\d*", re.ASCII)  # not 007, which is a name
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?inf|nan", re.ASCII | re.IGNORECASE)


class LabelCells(NamedTuple):
    """The labels that a column holds."""

    labels: NDArray[Any]  # (present,) as they stand
    present: NDArray[np.bool_]  # (N,) which cells hold one
    notices: tuple[Notice, ...]


Encoded = tuple[NDArray[np.int64], tuple[str, ...]]  # (N,) indices, class names


def encode_labels(labels: NDArray[Any], classes: ClassNames | None = None) -> Encoded:
    """Return labels (N,) as indices into class names.

    `classes` None: the distinct labels in ascending order. Given: integers index it, text is looked up in it.
    Raises DataError for labels that are missing, fractional, out of range or more than one for an object.
    """
    if labels.ndim != 1:
        raise DataError(
            f"the labels have shape {labels.shape}, but one label for each object, shape (N,), is needed; "
            "several labels for an object are not read (one-hot rows: give labels.argmax(axis=1))."
        )
    plain = _as_text_or_integers(labels)
    if classes is not None:
        return _index_into(plain, _class_names(classes))
    names, codes = np.unique(plain, return_inverse=True)
    if labels.dtype.kind == "b":
        names = names.astype(bool)
    return codes.astype(np.int64), tuple(str(name) for name in names)


def labels_of_cells(cells: Sequence[object], *, column: str, where: Where = in_rows) -> LabelCells:
    """Return the labels that a column of a table holds, and which of its N cells hold one.

    Text that is numbers throughout becomes numbers, "true" and "false" become booleans; what is empty is
    left out. `where`: what a row is called. Raises DataError for several labels for an object (lists, text
    that is joined) and for numbers with fractions.
    """
    present = np.array([not is_missing(cell) for cell in cells], dtype=bool)
    rows = np.flatnonzero(present)
    given = [cell for cell, there in zip(cells, present, strict=True) if there]
    several = next((place for place, label in enumerate(given) if is_list(label)), None)
    if several is not None:
        kind = "fields in fields" if isinstance(given[several], dict) else "lists"
        raise DataError(
            f"the column of labels, {brief(column)}, holds {kind} ({where(int(rows[several]))}: "
            f"{brief(str(given[several]))}): several labels for an object are not read; "
            "give a column with one label for each object."
        )
    texts = Counter(label.strip() for label in given if isinstance(label, str))
    notices = label_remarks(texts, column=column)
    plain = _typed(given)
    if plain.dtype.kind == "f":
        present[rows[np.isnan(plain)]] = False
        rows, plain = rows[~np.isnan(plain)], plain[~np.isnan(plain)]
        fractional = np.flatnonzero(plain != np.rint(plain))
        if len(fractional):
            raise DataError(
                f"the column of labels, {brief(column)}, holds numbers that are not whole "
                f"({plain[fractional[0]]:g} in {where(int(rows[fractional[0]]))}): values to predict "
                "(regression) are not classes and are not supported; give classes, as integers or text."
            )
    return LabelCells(plain, present, tuple(notices))


def _typed(given: list[object]) -> NDArray[Any]:
    """Return labels as an array of the simplest type: booleans, integers, floats, else as they are."""
    if not given:
        return np.empty(0, dtype=str)
    if all(isinstance(label, str) for label in given):
        texts = [str(label).strip() for label in given]
        if all(text.lower() in ("true", "false") for text in texts):
            return np.array([text.lower() == "true" for text in texts])
        if all(WHOLE.fullmatch(text) and len(text) < 16 for text in texts):
            return np.array([int(text) for text in texts], dtype=np.int64)
        if all(NUMBER.fullmatch(text) for text in texts) and not any(map(_has_leading_zero, texts)):
            return np.array([float(text) for text in texts])
        return np.array([printable(text) for text in texts])
    plain = np.array(given)
    if plain.dtype.kind in "biuf" and plain.ndim == 1:
        return plain
    objects = np.empty(len(given), dtype=object)
    objects[:] = given
    return objects


def _has_leading_zero(text: str) -> bool:
    digits = text.lstrip("+-")
    return len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()


def groups_of_cells(cells: Sequence[object], *, column: str) -> tuple[NDArray[np.int64], list[Notice]]:
    """Return the groups that a column names as numbers (N,); an object without one is a group of its own."""
    code: dict[str, int] = {}
    groups = np.empty(len(cells), dtype=np.int64)
    alone = 0
    for row, cell in enumerate(cells):
        if is_missing(cell):
            alone += 1
            groups[row] = -alone
        else:
            groups[row] = code.setdefault(str(cell), len(code))
    groups[groups < 0] = len(code) - groups[groups < 0] - 1
    if not alone:
        return groups, []
    message = (
        f"{counted(alone, 'object')} without a group in {printable(column)}: each is a group of its own."
    )
    return groups, [Notice("GROUP-MISSING", message)]


def _as_text_or_integers(labels: NDArray[Any]) -> NDArray[Any]:
    kind: str = labels.dtype.kind
    if kind == "O":
        labels, kind = _plain_objects(labels)
    if kind == "f":
        labels = labels.astype(np.float64)
        _require(~np.isnan(labels), "is missing (NaN)")
        _require(labels == np.rint(labels), "is not a whole number: values to predict are not classes")
    if kind in "uf":
        _require(np.abs(labels) < LARGEST_NUMBER, "is too large a number for a class")
    if kind in "biuf":
        return labels.astype(np.int64)
    if kind == "S":
        labels = _decoded(labels)
        kind = "U"
    if kind != "U":
        raise DataError(f"the labels have dtype {labels.dtype}; give integers or text.")
    _require(np.char.strip(labels) != "", "is missing (empty text)")
    return labels


def _plain_objects(labels: NDArray[Any]) -> tuple[NDArray[Any], str]:
    """Return Python objects as an array of text, or of numbers, and its kind."""
    _require_each(labels, lambda label: label is not None and label == label, "is missing")
    plain = np.asarray(labels.tolist())
    texts = sum(isinstance(label, str) for label in labels)
    if plain.ndim != 1 or plain.dtype.kind not in "biufUS" or texts not in (0, len(labels)):
        raise DataError("the labels mix kinds; give integers or text, one kind for all.")
    return plain, plain.dtype.kind


def _decoded(labels: NDArray[Any]) -> NDArray[Any]:
    try:
        return np.char.decode(labels, "utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"the labels are bytes that are not UTF-8 text ({error}); give text.") from error


def _class_names(classes: ClassNames) -> tuple[str, ...]:
    if np.asarray(classes).ndim != 1:
        raise DataError(f"`classes` has shape {np.asarray(classes).shape}; give a list of names.")
    names = tuple(str(_text(name)) for name in classes)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"`classes` names {twice} more than once; give each class a name of its own.")
    return names


def _text(name: object) -> object:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name


def _index_into(labels: NDArray[Any], classes: tuple[str, ...]) -> Encoded:
    if labels.dtype.kind == "U":
        code = {name: index for index, name in enumerate(classes)}
        _require_each(labels, code.__contains__, f"is not among the {len(classes)} `classes`")
        return np.array([code[str(label)] for label in labels], dtype=np.int64), classes
    inside = (labels >= 0) & (labels < len(classes))
    _require(inside, f"is not an index into the {len(classes)} `classes` (0 to {len(classes) - 1})")
    return labels, classes


def _require(good: NDArray[np.bool_], complaint: str) -> None:
    bad = np.flatnonzero(~good)
    if len(bad):
        raise DataError(
            f"the label of row {bad[0]} {complaint}, {counted(len(bad), 'row')} in all. "
            "Correct the labels or leave these rows out."
        )


def _require_each(labels: NDArray[Any], test: Callable[[Any], bool], complaint: str) -> None:
    _require(np.fromiter((bool(test(label)) for label in labels), dtype=bool, count=len(labels)), complaint)
