"""How many more objects are needed, as a distribution on a few hundred counts: what a plan bets on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtr

from sufficient.answer.horizon import FARTHEST
from sufficient.answer.prediction import LEVELS, quantiles
from sufficient.answer.trend import Trend
from sufficient.errors import UsageError
from sufficient.study.record import Floats

ATOMS = 400  # each count holds 1/400 of the probability at most: a plan of 10 rounds takes milliseconds
APART = 0.01  # … and lies at most so far, as a share, above what it stands for: a heavy tail costs money
ROUNDING = 1e-12  # of sums of probabilities
PAST = 2  # × the horizon: where the part of a tolerance's need stands of which only a lower bound is known
POINTS = 513  # of ln k, up to 10 × the largest size

SaidQuantiles = tuple[int | None, int | None, int | None]  # median and 90 % interval; None past the horizon
Weighted = tuple[Floats, Floats]  # sizes (S,), ∞ for never, and their weights (S,)


@dataclass(frozen=True)
class Demand:
    """D, the objects to collect until the target is reached: P(D = objects) + beyond + never sum to 1."""

    objects: Floats = field(repr=False)  # (atoms,) whole, ascending, the first is 0
    probability: Floats = field(repr=False)  # (atoms,)
    beyond: float  # P(horizon < D < ∞): the forecast does not say where
    never: float  # P(D = ∞)
    horizon: int | None  # objects to collect to 10 × the largest size run
    said: SaidQuantiles = (None, None, None)  # as the forecast says them: not rounded up to a count kept

    @property
    def missing(self) -> Floats:  # (atoms,)
        """Return P(D > objects)."""
        after = 1 - np.cumsum(self.probability)
        return np.where(after < ROUNDING, 0.0, after)

    @property
    def most(self) -> float:
        """Return the highest probability that any count has: the largest's."""
        return 1 - self.beyond - self.never

    def quantile(self, probability: float) -> int | None:
        """Return the fewest objects q with P(D ≤ q) ≥ probability; None where no count has it."""
        enough = np.flatnonzero(1 - self.missing >= probability - ROUNDING)
        return int(self.objects[enough[0]]) if len(enough) else None


def demand(
    needed: Floats,  # (S,) objects to collect in addition; ∞ for never
    weights: Floats | None = None,  # (S,) ≥ 0, any sum; None: all alike
    *,
    horizon: int | None = None,
) -> Demand:
    """Return the distribution of weighted samples: rounded up to whole objects, and gathered where many.

    Each count stands for those just below it, so P(D ≤ q) is never overstated. The horizon is a count of its
    own where something lies beyond it: as far as can be bought, and what is then short at least.
    Raises UsageError when the samples are none, not numbers, or have no weight.
    """
    needed = np.asarray(needed, dtype=np.float64)
    weights = np.ones_like(needed) if weights is None else np.asarray(weights, dtype=np.float64)
    if needed.ndim != 1 or needed.shape != weights.shape or not len(needed) or np.isnan(needed).any():
        raise UsageError(
            f"a plan needs samples of how many objects are needed, one weight each; {needed.shape} samples "
            f"with {weights.shape} weights were given: give two equally long lists without NaN"
        )
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0):
        raise UsageError("the samples' weights must be finite, none negative and not all zero: give such")
    needed, weights = needed[weights > 0], weights[weights > 0] / weights.sum()
    whole = np.ceil(np.maximum(needed, 0.0) - 1e-9)
    never, inside = np.isinf(whole), whole <= (np.inf if horizon is None else horizon)
    beyond = float(weights[~inside & ~never].sum())
    objects, probability = _atoms(whole[inside & ~never], weights[inside & ~never])
    if horizon is not None and not inside.all() and horizon > objects[-1]:
        objects, probability = np.append(objects, float(horizon)), np.append(probability, 0.0)
    median, lower, upper = (
        int(q) if q <= (horizon if horizon is not None else np.finfo(np.float64).max) else None
        for q in quantiles(whole, weights, LEVELS)
    )
    never_at_all = float(weights[never].sum())
    return Demand(objects, probability, beyond, never_at_all, horizon, (median, lower, upper))


def tolerance_distribution(
    going: Trend,
    *,
    last: int,  # the largest size run
    tol: float,  # nats
    samples: int = 5 * ATOMS,
) -> Weighted:
    """Return quantiles of the size from which on δ_k stays within tol, and their weights.

    P(k_needed ≤ k) = Φ((ln(tol (k + 1)) − μ(k))/sd(k)), the least of it from k to 10 × the largest size: the
    forecast's own median, interval and P(beyond 10×). Every tolerance is met in the end, so that nothing is
    infinite: what is left at 10× is one size past it.
    """
    x = np.linspace(math.log(last), math.log(FARTHEST * last), POINTS)
    mean, sd = going.at(np.exp(x))
    reached = ndtr((np.log(tol * (np.exp(x) + 1)) - mean) / sd)
    reached = np.minimum.accumulate(reached[::-1])[::-1]
    within = float(reached[-1])
    levels = within * (np.arange(samples) + 0.5) / samples
    k = np.exp(np.interp(levels, reached, x)) * (1 - 1e-9)
    sizes = np.append(np.clip(np.ceil(k), last, FARTHEST * last), PAST * FARTHEST * last)
    return sizes.astype(np.float64), np.append(np.full(samples, within / samples), 1 - within)


def together(needs: Sequence[Weighted]) -> Weighted:
    """Return the largest need at each quantile: all go together, a curve that bends late for one for all."""
    ordered = []
    for sizes, weights in needs:
        order = np.argsort(sizes)
        ordered.append((sizes[order], np.cumsum(weights[order]) / weights.sum()))
    levels = np.unique(np.concatenate([reached for _, reached in ordered]))
    weights = np.diff(levels, prepend=0.0)
    middle = levels - weights / 2
    largest = [sizes[np.minimum(np.searchsorted(p, middle), len(p) - 1)] for sizes, p in ordered]
    return np.max(largest, axis=0), weights


def _atoms(
    whole: Floats,  # (S,) finite
    weights: Floats,  # (S,)
) -> tuple[Floats, Floats]:  # (atoms,), (atoms,)
    """Return ascending counts from 0 on and their probability."""
    counts, place = np.unique(np.append(whole, 0.0), return_inverse=True)
    objects: Floats = counts.astype(np.float64)
    probability = np.bincount(place, np.append(weights, 0.0), minlength=len(objects)).astype(np.float64)
    if len(objects) <= ATOMS:
        return objects, probability
    before = np.cumsum(probability) - probability
    group = np.floor(before / probability.sum() * (ATOMS - 1)).astype(np.int64) + 1
    group += np.floor(np.log(np.maximum(objects, 1.0)) / math.log1p(APART)).astype(np.int64)
    group[objects == 0] = 0  # nothing to collect is a count of its own
    last = np.flatnonzero(np.append(np.diff(group) > 0, True))
    shares: Floats = np.diff(np.cumsum(probability)[last], prepend=0.0)
    return objects[last], shares
