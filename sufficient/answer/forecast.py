"""How many objects a tolerance needs: where the trend of C_k brings δ_k = C_k/(k + 1) down to tol."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from sufficient.answer.answer import Extrapolation, Forecast, SizeInterval
from sufficient.answer.interval import Measured
from sufficient.answer.trend import Trend, trend
from sufficient.study.shares import AnyShares

FARTHEST = 10  # × the largest size run: beyond it only a lower bound is worth giving
NEAR = 4  # × the largest size run: beyond it the forecast is marked
BAND = 1.645  # standard deviations: 90 %
PATH_POINTS, SEARCH_POINTS = 40, 129


def forecast(shares: AnyShares, measured: Sequence[Measured], *, tol: float) -> Forecast | None:
    """Return what tol (nats) needs; None with fewer than 6 learned sizes.

    k̂ solves μ(k) − ln(k + 1) = ln tol; the crossings of μ ± 1.645 sd are its 90 % interval;
    P(δ_k > tol) = Φ((μ − ln(tol (k + 1)))/sd). k̂ and its ends are at least the last size run; past 10× that
    they are None. δ = C/(k + 1) meets every tolerance in the end, so no probability of "never" is given.
    """
    going = trend(measured)
    if going is None:
        return None
    last = measured[-1].point.k
    lower, needed, upper = (_crossing(going, last, tol, band) for band in (-BAND, 0.0, BAND))
    mean, sd = going.at(np.array([FARTHEST * last]))
    beyond = float(ndtr((mean[0] - math.log(tol * (FARTHEST * last + 1))) / sd[0]))
    return Forecast(
        k_needed=needed,
        k_interval=(lower, upper),
        more_needed=more_needed(shares, needed),
        more_interval=_more_interval(shares, (lower, upper)),
        extrapolation=_extrapolation(needed, last),
        probability_beyond_10x=beyond,
        path=_path(going, last),
    )


def more_needed(shares: AnyShares, k: int | None) -> int | None:
    """Return how many objects to collect, at the same shares, so that k of all can be fitted.

    max(0, ⌈k · all / pool⌉ − all): pool = k_available and all = used, with what was not read in both.
    """
    if k is None:
        return None
    everything, pool = shares.used + shares.not_read, shares.k_available + shares.not_read
    return max(0, -(-k * everything // pool) - everything)


def _more_interval(shares: AnyShares, ends: SizeInterval) -> SizeInterval:
    return more_needed(shares, ends[0]), more_needed(shares, ends[1])


def _crossing(going: Trend, last: int, tol: float, band: float) -> int | None:
    """Return the size from which on μ + band·sd − ln(k + 1) ≤ ln tol, at least `last`; None past 10× last."""

    def excess(x: float) -> float:
        mean, sd = going.at(np.array([math.exp(x)]))
        return float(mean[0] + band * sd[0]) - math.log(tol * (math.exp(x) + 1))

    grid = np.linspace(math.log(last), math.log(FARTHEST * last), SEARCH_POINTS)
    mean, sd = going.at(np.exp(grid))
    above = np.flatnonzero(mean + band * sd > np.log(tol * (np.exp(grid) + 1)))
    if len(above) == 0:
        return last
    if above[-1] == len(grid) - 1:
        return None
    left, right = float(grid[above[-1]]), float(grid[above[-1] + 1])
    root = right if excess(right) >= 0 else brentq(excess, left, right, xtol=1e-12)
    return min(max(math.ceil(math.exp(root) * (1 - 1e-9)), last), FARTHEST * last)


def _extrapolation(needed: int | None, last: int) -> Extrapolation:
    if needed is None:
        return "beyond-10x"
    if needed <= last:
        return "none"
    return "within-4x" if needed <= NEAR * last else "beyond-4x"


def _path(going: Trend, last: int) -> tuple[tuple[int, float, float, float], ...]:
    """Return (k, median δ, lo, hi) from the last size run to 10× it, log-spaced; the band is 90 %."""
    k = np.unique(np.rint(np.geomspace(last, FARTHEST * last, PATH_POINTS)).astype(np.int64))
    mean, sd = going.at(k.astype(np.float64))
    median, lo, hi = (np.exp(mean + band * sd) / (k + 1) for band in (0.0, -BAND, BAND))
    return tuple(zip(k.tolist(), median.tolist(), lo.tolist(), hi.tolist(), strict=True))
