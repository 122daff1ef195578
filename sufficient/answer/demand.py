"""How many more objects are needed, as a distribution on a few hundred counts: what a plan bets on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtr

from sufficient.answer.forecast import FARTHEST, more_needed
from sufficient.answer.trend import Trend
from sufficient.errors import UsageError
from sufficient.study.record import Floats
from sufficient.study.shares import AnyShares

ATOMS = 400  # counts kept: each holds 1/400 of the probability, and a plan of 10 rounds takes milliseconds
FAR = 1_000  # × the largest size run: where the tail of a tolerance's need ends; plans stop long before
NEAR_POINTS, FAR_POINTS = 513, 257  # of ln k, up to 10 × the largest size and from there on


@dataclass(frozen=True)
class Demand:
    """D, the objects to collect until the target is reached: P(D = objects) + beyond + never sum to 1."""

    objects: Floats = field(repr=False)  # (atoms,) whole, ascending, the first is 0
    probability: Floats = field(repr=False)  # (atoms,)
    beyond: float  # P(horizon < D < ∞): the forecast does not say where
    never: float  # P(D = ∞)
    horizon: int | None  # objects to collect to 10 × the largest size run

    @property
    def missing(self) -> Floats:  # (atoms,)
        """Return P(D > objects)."""
        after: Floats = np.cumsum(self.probability[::-1])[::-1] - self.probability
        return after + self.beyond + self.never

    def quantile(self, probability: float) -> int | None:
        """Return the fewest objects q with P(D ≤ q) ≥ probability; None where no count has it."""
        enough = np.flatnonzero(1 - self.missing >= probability - 1e-12)
        return int(self.objects[enough[0]]) if len(enough) else None


def demand(
    needed: Floats,  # (S,) objects to collect in addition; ∞ for never
    weights: Floats | None = None,  # (S,) ≥ 0, any sum; None: all alike
    *,
    horizon: int | None = None,
) -> Demand:
    """Return the distribution of weighted samples: rounded up to whole objects, at most `ATOMS` counts.

    Where there are more, each count stands for those just below it, so P(D ≤ q) is never overstated.
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
    return Demand(objects, probability, beyond, float(weights[never].sum()), horizon)


def tolerance_distribution(
    going: Trend,
    shares: AnyShares,
    *,
    last: int,  # the largest size run
    tol: float,  # nats
    samples: int = ATOMS,
) -> Floats:  # (samples,)
    """Return quantiles, all alike in weight, of the objects to collect until δ_k stays within tol.

    P(k_needed ≤ k) = Φ((ln(tol (k + 1)) − μ(k))/sd(k)), the least of it from k to 10 × the largest size: the
    forecast's own median, interval and P(beyond 10×). Past 10× it is made to rise; every tolerance is met in
    the end, so that what is left at 1,000× stands there and nothing is infinite.
    """
    near = np.linspace(math.log(last), math.log(FARTHEST * last), NEAR_POINTS)
    far = np.linspace(math.log(FARTHEST * last), math.log(FAR * last), FAR_POINTS)[1:]
    x = np.concatenate([near, far])
    mean, sd = going.at(np.exp(x))
    reached = ndtr((np.log(tol * (np.exp(x) + 1)) - mean) / sd)
    reached[:NEAR_POINTS] = np.minimum.accumulate(reached[:NEAR_POINTS][::-1])[::-1]
    reached = np.maximum.accumulate(reached)
    levels = (np.arange(samples) + 0.5) / samples
    k = np.ceil(np.exp(np.interp(levels, reached, x)) * (1 - 1e-9)).astype(np.int64)
    return np.array([more_needed(shares, int(size)) for size in np.maximum(k, last)], dtype=np.float64)


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
    group[objects == 0] = 0  # nothing to collect is a count of its own
    last = np.flatnonzero(np.append(np.diff(group) > 0, True))
    shares: Floats = np.diff(np.cumsum(probability)[last], prepend=0.0)
    return objects[last], shares
