"""What is remarkable about features as such, whatever table or array they come from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sufficient.data.columns import Rows
from sufficient.data.walk import printable
from sufficient.notice import Notice
from sufficient.rounding import counted, some

NAMED_AT_MOST = 10  # columns in a notice
SAMPLED = 256  # rows by which columns are compared first: few need all of theirs read
COLUMNS_AT_ONCE = 64  # copied out of the rows together, for which the rows are read once


def feature_remarks(values: Rows, features: Sequence[str] | None = None) -> list[Notice]:
    """Return what to say of features (N, d) that are constant, or the same as another; they are kept."""
    constant = np.flatnonzero(values.min(axis=0) == values.max(axis=0))
    remarks = []
    if len(constant):
        named = _some(constant, features)
        message = f"the same in every row, so of no use: {counted(len(constant), 'feature')} ({named})."
        remarks.append(Notice("CONSTANT-FEATURES", message))
    copies = _copies(values, np.setdiff1d(np.arange(values.shape[1]), constant))
    if copies:
        message = f"exact copies of another: {counted(len(copies), 'feature')} ({_some(copies, features)})."
        remarks.append(Notice("DUPLICATE-COLUMNS", message))
    return remarks


def feature_name(features: Sequence[str] | None, place: int) -> str:
    """Return what a column is called: its name, or its number where it has none."""
    return str(place) if features is None else printable(features[place])


def _copies(values: Rows, places: NDArray[np.intp]) -> list[int]:
    """Return those of the columns at `places` that equal an earlier one of them, ascending."""
    some = np.unique(np.linspace(0, len(values) - 1, SAMPLED).astype(int))
    alike = _equal(_digests(values[some], places))
    found = (equal for group in alike for equal in _equal(_digests(values, group)))
    return sorted(copy for equal in found for copy in equal[1:])


def _digests(values: Rows, places: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    chosen = np.array(list(places), dtype=np.intp)
    for start in range(0, len(chosen), COLUMNS_AT_ONCE):
        block = chosen[start : start + COLUMNS_AT_ONCE]
        for place, column in zip(block.tolist(), np.ascontiguousarray(values[:, block].T), strict=True):
            yield place, hashlib.sha256(column.data).digest()


def _equal(digests: Iterable[tuple[int, bytes]]) -> list[list[int]]:
    """Return the columns of one digest together, where there are several."""
    groups: dict[bytes, list[int]] = {}
    for place, digest in digests:
        groups.setdefault(digest, []).append(place)
    return [group for group in groups.values() if len(group) > 1]


def _some(places: Sequence[int] | NDArray[np.intp], features: Sequence[str] | None) -> str:
    return some((feature_name(features, int(place)) for place in places), NAMED_AT_MOST)
