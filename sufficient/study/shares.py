"""Which objects each replicate fits, validates on and holds out.

`Shares`: rotations of one circular order. Early prefixes of different replicates are disjoint and held-out
sets spread evenly, which lowers the variance of C_k at no cost (SCIENCE: "rotate, do not redraw").

`CommonShares`: one held-out and one validation share for all replicates, where not everything is read, or
where objects must stay together.

`ExtendedShares`: rotating shares to which later objects were appended. `answer` and `report` take any.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sufficient.study.keys import numpy_generator

HELD_OUT_CAP = 10_000  # objects; beyond it the interval no longer narrows for the compute it costs
VALIDATION_FLOOR, VALIDATION_CAP = 200, 2_000  # objects
WINDOW = 4  # × k: the objects that k is drawn from; neighbours share half, and 4k are read, not R·k

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

    @property
    def not_read(self) -> int:
        """Always 0: objects that rotate have all been read."""
        return 0

    @property
    def pool(self) -> int:
        """Objects of the whole fit pool."""
        return self.k_available

    @property
    def all_objects(self) -> int:
        """Number of usable objects."""
        return self.used

    def fitted(self, replicate: int, size: int) -> Index:
        """Return the first `size` objects of the replicate's fit pool, shape (size,)."""
        return self._arc(replicate, 0, size)

    def validation_objects(self, replicate: int) -> Index:
        """Return the replicate's validation objects, shape (validation,)."""
        return self._arc(replicate, self.k_available, self.validation)

    def held_out_objects(self, replicate: int) -> Index:
        """Return the replicate's held-out objects, shape (held_out,)."""
        return self._arc(replicate, self.k_available + self.validation, self.held_out)

    def _arc(self, replicate: int, offset: int, length: int) -> Index:
        start = replicate * self.used // self.replicates + offset
        return self.order[(start + np.arange(length)) % self.used]


@dataclass(frozen=True)
class CommonShares:
    """used = k_available + held_out + validation, numbered as read: held out, validation, fit pool.

    What a size takes is settled once WINDOW · k objects of the fit pool, or all, have been read.
    """

    replicates: int
    k_available: int  # objects of the fit pool read so far
    validation: int
    held_out: int
    not_read: int = 0  # candidates for the fit pool that no size needed so far
    settled: tuple[tuple[int, int], ...] = ()  # (k, pool): sizes up to k were drawn from a pool of so many

    @property
    def used(self) -> int:
        """Number of usable objects read so far."""
        return self.held_out + self.validation + self.k_available

    @property
    def pool(self) -> int:
        """Objects of the whole fit pool, read or not."""
        return self.k_available + self.not_read

    @property
    def all_objects(self) -> int:
        """Number of usable objects, read or not."""
        return self.used + self.not_read

    @property
    def first_fitted(self) -> int:
        """Number of the first object of the fit pool."""
        return self.held_out + self.validation

    def fitted(self, replicate: int, size: int) -> Index:
        """Return `size` of the first w = `window(size)` fit objects, from ⌊r·w/R⌋, circularly."""
        window = self.window(size)
        start = replicate * window // self.replicates
        return self.first_fitted + (start + np.arange(size)) % window

    def window(self, size: int) -> int:
        """Return how many fit objects a size is drawn from: min(4 · size, the pool when it was run)."""
        pool = next((pool for largest, pool in self.settled if size <= largest), self.k_available)
        return min(WINDOW * size, pool)

    def shared(self, size: int) -> Index:
        """Return how many fitted objects each two replicates share at this size, shape (R, R)."""
        window = self.window(size)
        start = np.arange(self.replicates) * window // self.replicates
        apart = np.abs(start[:, None] - start)
        around = np.where(apart, window - apart, size)  # the other way round the circle
        shared: Index = np.maximum(size - apart, 0) + np.maximum(size - around, 0)
        return shared

    def validation_objects(self, replicate: int) -> Index:
        """Return the validation objects, the same for every replicate, shape (validation,)."""
        return self.held_out + np.arange(self.validation)

    def held_out_objects(self, replicate: int) -> Index:
        """Return the held-out objects, the same for every replicate, shape (held_out,)."""
        return np.arange(self.held_out)


@dataclass(frozen=True)
class ExtendedShares:
    """Rotating shares that grew: the objects of each round rotate among themselves, after those before.

    Of every replicate's three shares what was there stays in front, in its order: what was fitted on a prefix
    of the fit pool, and scored on the first held-out objects, stays as it is.
    """

    rounds: tuple[Shares, ...]  # numbers of objects in the record: each round's orders follow on

    @property
    def replicates(self) -> int:
        """Number of replicates."""
        return self.rounds[0].replicates

    @property
    def k_available(self) -> int:
        """Objects of the fit pool."""
        return sum(shares.k_available for shares in self.rounds)

    @property
    def validation(self) -> int:
        """Objects to validate on."""
        return sum(shares.validation for shares in self.rounds)

    @property
    def held_out(self) -> int:
        """Objects held out."""
        return sum(shares.held_out for shares in self.rounds)

    @property
    def used(self) -> int:
        """Number of usable objects."""
        return sum(shares.used for shares in self.rounds)

    @property
    def not_read(self) -> int:
        """Always 0: objects that rotate have all been read."""
        return 0

    @property
    def pool(self) -> int:
        """Objects of the whole fit pool."""
        return self.k_available

    @property
    def all_objects(self) -> int:
        """Number of usable objects."""
        return self.used

    def fitted(self, replicate: int, size: int) -> Index:
        """Return the first `size` objects of the replicate's fit pool, shape (size,)."""
        pools = [shares.fitted(replicate, shares.k_available) for shares in self.rounds]
        return np.concatenate(pools)[:size]

    def validation_objects(self, replicate: int) -> Index:
        """Return the replicate's validation objects, shape (validation,)."""
        return np.concatenate([shares.validation_objects(replicate) for shares in self.rounds])

    def held_out_objects(self, replicate: int) -> Index:
        """Return the replicate's held-out objects, shape (held_out,)."""
        return np.concatenate([shares.held_out_objects(replicate) for shares in self.rounds])

    def used_with(self, held_out: int) -> int:
        """Return how many objects were used when the held-out share first had `held_out`."""
        held = used = 0
        for shares in self.rounds:
            held, used = held + shares.held_out, used + shares.used
            if held >= held_out:
                break
        return used


AnyShares = Shares | CommonShares | ExtendedShares


def share_sizes(used: int, *, held_out: float = 0.2, validation: float | None = None) -> tuple[int, int, int]:
    """Return (k_available, validation, held_out) in objects; percentages of `used`, rounded down.

    `validation` None: min(max(10 %, 200), 2,000, 20 % of used).
    """
    fit, checks, held = share_sizes_of(np.array(used), held_out=held_out, validation=validation)
    return int(fit), int(checks), int(held)


def share_sizes_of(
    used: Index, *, held_out: float, validation: float | None
) -> tuple[Index, Index, Index]:  # all of one shape
    """Return `share_sizes` of many numbers of objects."""
    held = np.minimum((held_out * used + 1e-9).astype(np.int64), HELD_OUT_CAP)
    if validation is None:
        checks = np.minimum(np.clip(used // 10, VALIDATION_FLOOR, VALIDATION_CAP), used // 5)
    else:
        checks = (validation * used + 1e-9).astype(np.int64)
    return used - held - checks, checks, held


def interleaved_order(
    labels: NDArray[np.int64], seed: int, groups: Index | None = None, *, extension: int = 0
) -> Index:
    """Return all objects in one seeded order with classes interleaved, shape (N,).

    Sorted by (rank in class + u) / class count, rank a random order from 0, u uniform per class. With
    `groups` (N,) whole groups are dealt so, each in its most frequent class and as wide as it has members,
    which follow one another. `extension`: of objects that came later, the how manieth time; keys their order.
    """
    if groups is None:
        groups, kind = np.arange(len(labels)), labels
    else:
        groups = np.unique(groups, return_inverse=True)[1]
        kind = _most_frequent(labels, groups)
    width = np.bincount(groups)
    random = numpy_generator("order", seed, *([extension] if extension else []))
    position = np.empty(len(width))
    for label in np.unique(kind):
        members = np.flatnonzero(kind == label)
        dealt = members[np.argsort(random.permutation(len(members)))]
        before = np.cumsum(width[dealt]) - width[dealt]  # the rank, where every group is one object
        position[dealt] = (before + random.random() * width[dealt]) / width[dealt].sum()
    return np.lexsort((groups, position[groups]))


def _most_frequent(labels: NDArray[np.int64], groups: Index) -> NDArray[np.int64]:
    """Return the most frequent label of each group 0…G−1, the smallest of equals, shape (G,)."""
    classes = int(labels.max()) + 1
    pairs, count = np.unique(groups * classes + labels, return_counts=True)
    group, label = np.divmod(pairs, classes)
    first = np.lexsort((label, -count, group))
    found: NDArray[np.int64] = label[first[np.unique(group[first], return_index=True)[1]]]
    return found


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
