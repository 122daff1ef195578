"""What came of some objects: a row of features each, or the reason to skip it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sufficient.data.labelled import SkipReason

SEVERAL_FRAMES, TRANSPARENT, REDUCED = 1, 2, 4  # bits of `Made.marks`
DIGEST_BYTES = 32  # of a SHA-256


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

    def of(self, objects: NDArray[np.int64]) -> Made:
        """Return what came of `objects`, in this order; those of which nothing is known are left out."""
        sorter = np.argsort(self.objects, kind="stable")
        if len(sorter) == 0:
            places = np.empty(0, np.int64)
        else:
            found = np.searchsorted(self.objects, objects, sorter=sorter)
            places = sorter[np.minimum(found, len(sorter) - 1)]
            places = places[self.objects[places] == objects]
        return Made(
            self.objects[places],
            self.rows[places],
            self.digests[places],
            self.marks[places],
            {index: self.skipped[index] for index in objects.tolist() if index in self.skipped},
        )


NOTHING = Made(
    np.empty(0, np.int64),
    np.empty((0, 0), np.float32),
    np.empty((0, DIGEST_BYTES), np.uint8),
    np.empty(0, np.uint8),
)


def joined(parts: Sequence[Made]) -> Made:
    """Return the parts as one, in their order; of an object that is in several, each."""
    filled = [part for part in parts if len(part.objects)] or [NOTHING]
    return Made(
        np.concatenate([part.objects for part in filled]),
        np.concatenate([part.rows for part in filled]),
        np.concatenate([part.digests for part in filled]),
        np.concatenate([part.marks for part in filled]),
        {index: reason for part in parts for index, reason in part.skipped.items()},
    )
