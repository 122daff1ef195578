"""What came of some objects: a row of features each, or the reason to skip it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sufficient.data.labelled import SkipReason

SEVERAL_FRAMES, TRANSPARENT, REDUCED = 1, 2, 4  # bits of `Made.marks`
DIGEST_BYTES = 32  # of a SHA-256
CLOSED_UP_AT_ONCE = 4096  # rows


class Reason(NamedTuple):
    """Why an object has no row."""

    reason: SkipReason
    detail: str


@dataclass(frozen=True)
class Made:
    """The rows of m objects, and the reasons of those that have none."""

    objects: NDArray[np.int64]  # (m,)
    rows: NDArray[np.float32]  # (m, d)
    digests: NDArray[np.uint8]  # (m, 32) equal for copies; zeros: there is no copy
    marks: NDArray[np.uint8]  # (m,) SEVERAL_FRAMES | TRANSPARENT | REDUCED
    skipped: Mapping[int, Reason] = field(default_factory=dict)  # by object

    def __len__(self) -> int:
        """Return the number of objects that something came of."""
        return len(self.objects) + len(self.skipped)


NOTHING = Made(
    np.empty(0, np.int64),
    np.empty((0, 0), np.float32),
    np.empty((0, DIGEST_BYTES), np.uint8),
    np.empty(0, np.uint8),
)


def joined(parts: Sequence[Made]) -> Made:
    """Return the parts as one, in their order; of an object that is in several, each."""
    filled = [part for part in parts if len(part.objects)] or [NOTHING]
    if len(filled) == 1:  # not copied
        return replace(filled[0], skipped=_reasons(parts))
    return Made(
        np.concatenate([part.objects for part in filled]),
        np.concatenate([part.rows for part in filled]),
        np.concatenate([part.digests for part in filled]),
        np.concatenate([part.marks for part in filled]),
        _reasons(parts),
    )


def _reasons(parts: Sequence[Made]) -> dict[int, Reason]:
    return {index: reason for part in parts for index, reason in part.skipped.items()}


class Gathered:
    """What comes of some objects, put in their order as it comes: the rows are held once."""

    def __init__(self, objects: NDArray[np.int64]) -> None:
        self._objects = objects
        self._sorter = np.argsort(objects, kind="stable")
        self._has_row = np.zeros(len(objects), bool)
        self._rows: NDArray[np.float32] | None = None  # (n, d), once d is known
        self._digests = np.zeros((len(objects), DIGEST_BYTES), np.uint8)
        self._marks = np.zeros(len(objects), np.uint8)
        self._skipped: dict[int, Reason] = {}

    def take(self, part: Made) -> None:
        """Take what is wanted of a part; of an object that comes again, the last."""
        wanted, places = self._places(part.objects)
        if len(places):
            if self._rows is None:
                self._rows = np.empty((len(self._objects), part.rows.shape[1]), np.float32)
            self._rows[places] = part.rows if wanted.all() else part.rows[wanted]
            self._digests[places], self._marks[places] = part.digests[wanted], part.marks[wanted]
            self._has_row[places] = True
        refused = np.fromiter(part.skipped, np.int64, len(part.skipped))
        for index in refused[self._places(refused)[0]].tolist():
            self._skipped[index] = part.skipped[index]

    def missing(self) -> NDArray[np.int64]:
        """Return the objects of which nothing came so far, in their order."""
        refused = np.fromiter(self._skipped, np.int64, len(self._skipped))
        return self._objects[~self._has_row & ~np.isin(self._objects, refused)]

    def made(self) -> Made:
        """Return what came, in the order of the objects. The rows are closed up in place: ends the taking."""
        skipped = {index: self._skipped[index] for index in self._objects.tolist() if index in self._skipped}
        if self._rows is None:
            return replace(NOTHING, skipped=skipped)
        kept = np.flatnonzero(self._has_row)
        if len(kept) < len(self._objects):
            for start in range(0, len(kept), CLOSED_UP_AT_ONCE):
                block = kept[start : start + CLOSED_UP_AT_ONCE]  # never before where it goes to
                self._rows[start : start + len(block)] = self._rows[block]
        return Made(
            self._objects[kept], self._rows[: len(kept)], self._digests[kept], self._marks[kept], skipped
        )

    def _places(self, objects: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Return which of the objects are wanted, and the places of those."""
        if len(self._objects) == 0 or len(objects) == 0:
            return np.zeros(len(objects), bool), np.empty(0, np.int64)
        found = np.searchsorted(self._objects, objects, sorter=self._sorter)
        places = self._sorter[np.minimum(found, len(self._sorter) - 1)]
        wanted: NDArray[np.bool_] = self._objects[places] == objects
        return wanted, places[wanted]
