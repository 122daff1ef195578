"""The local trend of ln y as one more law of a falling curve: its believed paths, and its backtest.

A law holds everywhere or nowhere; the trend (`trend`) asks only that the curve goes on as it last went, and
is less and less sure with distance. Paths are μ(n) + ε sd(n), one for each ε: what is believed at each size.
One that would turn up stays at its lowest: as the laws, no path says that more objects do harm.

Along one ε two sizes differ by less than they may: level and slope are not as sure of each other as that.
What a doubling brings is drawn by itself: a level and a slope now, together from a filter's covariance, and
d steps on ln y = level + d · slope + √(q_l d + q_s d³/3) ε.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import ndtri

from sufficient.answer.backtest import log_t, origins, unshared
from sufficient.answer.law_fits import Curve
from sufficient.answer.trend import LEVEL_NOISE, SLOPE_NOISE, STEP, KalmanState, Trend, filtered
from sufficient.study.record import Floats

FEWEST_SIZES = 5  # with fewer, slope and noise cannot be told apart: the laws alone
FAR, FAR_POINTS = 10_000.0, 257  # × the largest size: a path that has not arrived by then never does
DOUBLE = math.log(2) / STEP  # steps
DRAWN = 5  # numbers a doubling is drawn by: its filter, level, slope, drift, what all sizes share


@dataclass(frozen=True)
class Paths:
    """Falling curves, straight between the points of a grid of ln n."""

    last: float  # the largest size fitted
    grid: Floats  # (points,) ln(n / last), from 0 on
    logs: Floats  # (S, points) ln of each curve, never rising
    weight: Floats  # (S,)
    doubled: Floats  # (S,) by how much the value falls from the largest size to its double
    name: str = "trend"

    def values(
        self,
        n: Floats,  # (targets,) sizes; off the grid a curve is what it is at the grid's end
    ) -> Floats:  # (S, targets)
        """Return every curve at sizes n."""
        x = np.clip(np.log(np.asarray(n, dtype=np.float64) / self.last), 0.0, self.grid[-1])
        left = np.minimum(np.searchsorted(self.grid, x, side="right") - 1, len(self.grid) - 2)
        share = (x - self.grid[left]) / (self.grid[left + 1] - self.grid[left])
        found: Floats = np.exp(self.logs[:, left] * (1 - share) + self.logs[:, left + 1] * share)
        return found

    def needed(
        self,
        level: float,
    ) -> Floats:  # (S,)
        """Return the size at which each curve is first down to the level; infinite where it never is."""
        if level <= 0:
            return np.full(len(self.weight), np.inf)
        above = self.logs - math.log(level)  # (S, points)
        met = above <= 0
        right = np.maximum(met.argmax(axis=1), 1)
        row, left = np.arange(len(above)), right - 1
        fall = above[row, left] - above[row, right]
        share = above[row, left] / np.where(fall > 0, fall, 1.0)
        x = self.grid[left] + np.clip(share, 0.0, 1.0) * (self.grid[right] - self.grid[left])
        found: Floats = np.where(met.any(axis=1), self.last * np.exp(x), np.inf)
        return found


def paths(
    curve: Curve,
    common: Floats,  # (sizes, sizes) the part of the covariance that sizes share
    *,
    last: float,  # the largest size fitted
    count: int,
    weight: float,  # of all together
) -> Paths:
    """Return the paths believed after the last size."""
    going = _trend(curve, np.diag(curve.covariance) - np.diag(common), float(common[-1, -1]))
    grid = np.linspace(0.0, math.log(FAR), FAR_POINTS)
    mean, sd = going.at(np.exp(grid))
    quantile = ndtri((np.arange(count) + 0.5) / count)
    logs = np.minimum.accumulate(mean + quantile[:, None] * sd, axis=1)
    now, change = _doubling(going, count)
    doubled = -np.exp(now) * np.expm1(np.minimum(change, 0.0))
    return Paths(last, grid, logs, np.full(count, weight / count), doubled)


def path_score(
    curve: Curve,
    common: Floats,  # (sizes, sizes)
) -> float:
    """Return the log score of the trend: on the origins, and in the terms, of `backtest.scores`.

    Minus infinity with fewer than 5 sizes.
    """
    if len(curve.y) < FEWEST_SIZES:
        return -math.inf
    total, level = 0.0, curve.positive
    z = np.log(level)
    for i in origins(curve):
        noise = np.diag(curve.covariance) - np.diag(common) + unshared(common, i)
        past = Curve(curve.x[: i + 1], curve.y[: i + 1], curve.covariance[: i + 1, : i + 1])
        mean, sd = _trend(past, noise[: i + 1], 0.0).at(np.exp(curve.x[i + 1 :] - curve.x[i]))
        relative = np.log1p(noise[i + 1 :] / level[i + 1 :] ** 2)
        score = log_t(z[i + 1 :] - mean, sd**2 + relative) - z[i + 1 :]  # a density of y, as the laws' are
        total += float(score.mean())
    return total


def _trend(curve: Curve, noise: Floats, objects: float) -> Trend:
    """Return the trend of ln y, variances ln(1 + v/y²); sizes in units of the largest fitted."""
    y = curve.positive
    belief, likelihood = filtered(curve.x / STEP, np.log(y), np.log1p(noise / y**2))
    weights = np.exp(likelihood - likelihood.max())
    return Trend(1.0, belief, weights / weights.sum(), math.log1p(objects / float(y[-1]) ** 2))


def _doubling(going: Trend, count: int) -> tuple[Floats, Floats]:  # (S,) each
    """Return draws of ln y at the largest size, and of its change from there to twice that size."""
    even = _even(count)
    i = np.searchsorted(going.weights.cumsum()[:-1], even[:, 0])
    at_level, at_slope, drifted, shared = ndtri(even[:, 1:]).T
    now = KalmanState(*(each[i, 0] for each in going.belief))  # (S,) each
    sd = np.sqrt(now.level_variance)
    along = now.covariance / sd
    slope_sd = np.sqrt(np.maximum(now.slope_variance - along**2, 0.0))
    slope = now.slope + along * at_level + slope_sd * at_slope
    drift = np.sqrt(LEVEL_NOISE[i, 0] * DOUBLE + SLOPE_NOISE[i, 0] * DOUBLE**3 / 3)
    return now.level + sd * at_level + math.sqrt(going.objects) * shared, DOUBLE * slope + drift * drifted


@lru_cache(maxsize=4)
def _even(count: int) -> Floats:  # (S, DRAWN)
    """Return points that fill the unit cube evenly, the same ones every time.

    Multiples of powers of 1/φ, φ^(DRAWN + 1) = φ + 1: the golden ratio's sequence in more dimensions.
    """
    phi = 2.0
    for _ in range(64):
        phi = (1 + phi) ** (1 / (DRAWN + 1))
    steps = phi ** -np.arange(1.0, DRAWN + 1)
    found: Floats = (0.5 + np.arange(1.0, count + 1)[:, None] * steps) % 1
    return found
