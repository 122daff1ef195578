"""Which objects each replicate fits, validates on and holds out: rotations of one circular order.

Early prefixes of different replicates are disjoint and held-out sets spread evenly, which lowers the
variance of C_k at no cost (SCIENCE: "rotate, do not redraw").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sufficient.study.keys import numpy_generator

HELD_OUT_CAP = 10_000  # objects; beyond it the interval no longer narrows for the compute it costs
VALIDATION_FLOOR, VALIDATION_CAP = 200, 2_000  # objects

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Shares:
    """used = k_available + validation + held_out, for every replicate."""

    order: Index  # (used,) objects in circular order, classes interleaved
    replicates: int
    k_available: int
    validation: int
    held_out: int

    @property
    def used(self) -> int:
        """Number of usable objects."""
        return len(self.order)

    def fitted(self, replicate: int, size: int) -> Index:
        """Return the first `size` objects of the replicate's fit pool, shape (size,)."""
        return self._arc(replicate, 0, size)

    def validated(self, replicate: int) -> Index:
        """Return the replicate's validation objects, shape (validation,)."""
        return self._arc(replicate, self.k_available, self.validation)

    def unseen(self, replicate: int) -> Index:
        """Return the replicate's held-out objects, shape (held_out,)."""
        return self._arc(replicate, self.k_available + self.validation, self.held_out)

    def _arc(self, replicate: int, offset: int, length: int) -> Index:
        start = replicate * self.used // self.replicates + offset
        return self.order[(start + np.arange(length)) % self.used]


def share_sizes(used: int, *, held_out: float = 0.2, validation: float | None = None) -> tuple[int, int, int]:
    """Return (k_available, validation, held_out) in objects; percentages of `used`, rounded down.

    `validation` None: min(max(10 %, 200), 2,000, 20 % of used).
    """
    held = min(int(held_out * used + 1e-9), HELD_OUT_CAP)
    if validation is None:
        checks = min(max(used // 10, VALIDATION_FLOOR), VALIDATION_CAP, used // 5)
    else:
        checks = int(validation * used + 1e-9)
    return used - held - checks, checks, held


def interleaved_order(labels: NDArray[np.int64], seed: int) -> Index:
    """Return all objects in one seeded order with classes interleaved, shape (N,).

    Sorted by (rank in class + u) / class count, rank a random order from 0, u uniform per class.
    """
    random = numpy_generator("order", seed)
    position = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        rank = random.permutation(len(members))
        position[members] = (rank + random.random()) / len(members)
    return np.argsort(position, kind="stable")


def divide(
    labels: NDArray[np.int64],
    *,
    replicates: int,
    seed: int,
    held_out: float = 0.2,
    validation: float | None = None,
) -> Shares:
    """Return the shares of all replicates over the used objects."""
    available, checks, held = share_sizes(len(labels), held_out=held_out, validation=validation)
    return Shares(
        order=interleaved_order(labels, seed),
        replicates=replicates,
        k_available=available,
        validation=checks,
        held_out=held,
    )
