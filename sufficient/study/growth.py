"""What an extension makes of new objects: how many of them are fitted, and how many a fit pool takes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sufficient.study.groups import HELD_OUT_READ, VALIDATION_READ
from sufficient.study.options import StudyOptions
from sufficient.study.record import Record
from sufficient.study.shares import AnyShares, CommonShares, Index, share_sizes_of

Floats = NDArray[np.float64]

FARTHEST_POOL = 1e12  # objects: a larger fit pool is taken to need objects in proportion


def new_shares(
    shares: AnyShares,
    used: Index,  # any shape: objects of all three shares, once the new ones are there
    *,
    held_out: float,
    validation: float | None,
    growing: bool = False,  # objects are read as sizes need them, which caps both shares
) -> tuple[Index, Index]:
    """Return how many new objects are validated on and held out, by what a new run of `used` would have.

    So the proportions stay those of the options, whatever the number of steps in which the data grew.
    """
    _, checks, held = share_sizes_of(used, held_out=held_out, validation=validation)
    if growing:
        checks, held = np.minimum(checks, VALIDATION_READ), np.minimum(held, HELD_OUT_READ)
    return np.maximum(checks - shares.validation, 0), np.maximum(held - shares.held_out, 0)


@dataclass(frozen=True)
class Growth:
    """The shares of a run, and by which rule new objects come to them."""

    shares: AnyShares
    held_out: float = StudyOptions.held_out
    validation: float | None = None
    growing: bool = False

    @classmethod
    def of(cls, record: Record) -> Growth:
        """Return how a record would grow."""
        held_out = record.options.get("held_out", StudyOptions.held_out)
        validation = record.options.get("validation")
        shares = record.shares
        wanted = share_sizes_of(np.array(shares.all_objects), held_out=held_out, validation=validation)
        capped = bool(shares.held_out < wanted[2]) or bool(shares.not_read) or record.groups is None
        return cls(shares, held_out, validation, isinstance(shares, CommonShares) and capped)

    def fit_pool(self, more: Index) -> Index:  # any shape, the same
        """Return the size of the fit pool once so many more objects are there."""
        shares, new = self.shares, more + self.shares.not_read
        checks, held = new_shares(
            shares,
            shares.all_objects + more,
            held_out=self.held_out,
            validation=self.validation,
            growing=self.growing,
        )
        held = np.minimum(held, new)
        checks = np.minimum(checks, new - held)
        return np.where(more > 0, shares.pool + more - checks - held, shares.pool)

    def fewest(self, k: Floats) -> Floats:  # (S,), (S,)
        """Return the fewest more objects whose fit pool holds k; infinite where k is."""
        within = np.minimum(np.ceil(k), FARTHEST_POOL).astype(np.int64)
        wanted, place = np.unique(within, return_inverse=True)
        found = self._fewest(wanted)[place].astype(np.float64)
        with np.errstate(invalid="ignore"):
            far: Floats = found * (k / FARTHEST_POOL)
        return np.where(k > FARTHEST_POOL, far, found)

    def _fewest(self, wanted: Index) -> Index:
        """Return it by bisection, then by trying the counts just below.

        A pool is no lower than the share that is fitted of all, and less than 2 above it: both other shares
        may take an object in the same step, which makes the pool fall by one, but only within that band.
        """
        most = 1
        while self.fit_pool(np.array(most)) < wanted.max(initial=0):
            most *= 2
        low, high = np.zeros_like(wanted), np.full_like(wanted, most)
        while (high - low > 1).any():
            middle = (low + high) // 2
            enough = self.fit_pool(middle) >= wanted
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        fitted = 1 - self.held_out - (0.2 if self.validation is None else self.validation)
        before = high[:, None] - np.arange(min(math.ceil(2 / max(fitted, 0.02)), 100) + 1)
        enough = (before > 0) & (self.fit_pool(np.maximum(before, 1)) >= wanted[:, None])
        fewest: Index = np.where(enough, before, high[:, None]).min(axis=1)
        return np.where(wanted <= self.shares.pool, 0, fewest)
