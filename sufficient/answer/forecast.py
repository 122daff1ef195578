"""How many objects a tolerance needs: where the trend of C_k brings δ_k = C_k/(k + 1) down to tol."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import overload

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from sufficient.answer.answer import Forecast, SizeInterval
from sufficient.answer.horizon import FARTHEST, extrapolation, path_sizes
from sufficient.answer.interval import Measured
from sufficient.answer.normal import Z90
from sufficient.answer.trend import Trend, trend
from sufficient.study.growth import Growth
from sufficient.study.record import Floats

SEARCH_POINTS = 129


def forecast(growth: Growth, measured: Sequence[Measured], *, tol: float) -> Forecast | None:
    """Return what tol (nats) needs; None with fewer than 6 learned sizes.

    k̂ solves μ(k) − ln(k + 1) = ln tol; the crossings of μ ± 1.645 sd are its 90 % interval;
    P(δ_k > tol) = Φ((μ − ln(tol (k + 1)))/sd). k̂ and its ends are at least the last size run; past 10× that
    they are None. δ = C/(k + 1) meets every tolerance in the end, so no probability of "never" is given.
    """
    going = trend(measured)
    if going is None:
        return None
    last = measured[-1].point.k
    lower, needed, upper = (_crossing(going, last, tol, band) for band in (-Z90, 0.0, Z90))
    mean, sd = going.at(np.array([FARTHEST * last]))
    beyond = float(ndtr((mean[0] - math.log(tol * (FARTHEST * last + 1))) / sd[0]))
    return Forecast(
        k_needed=needed,
        k_interval=(lower, upper),
        more_needed=more_needed(growth, needed),
        more_interval=more_ends(growth, (lower, upper)),
        extrapolation=extrapolation(needed, last),
        probability_beyond_10x=beyond,
        path=_path(going, last),
    )


@overload
def more_needed(growth: Growth, k: int | None) -> int | None: ...
@overload
def more_needed(growth: Growth, k: Floats) -> Floats: ...
def more_needed(growth: Growth, k: int | Floats | None) -> int | Floats | None:
    """Return the fewest objects to collect so that an extended run fits k of all; infinite where k is.

    New objects are divided as an extension divides them, by shares that are capped and so fall with the
    data; what was not read counts as there.
    """
    if k is None:
        return None
    return growth.fewest(k) if isinstance(k, np.ndarray) else int(growth.fewest(np.array([k], float))[0])


def more_ends(growth: Growth, ends: SizeInterval) -> SizeInterval:
    """Return `more_needed` of both ends of an interval."""
    return more_needed(growth, ends[0]), more_needed(growth, ends[1])


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


def _path(going: Trend, last: int) -> tuple[tuple[int, float, float, float], ...]:
    """Return (k, median δ, lo, hi) from the last size run to 10× it, log-spaced; the band is 90 %."""
    k = path_sizes(last)
    mean, sd = going.at(k.astype(np.float64))
    median, lo, hi = (np.exp(mean + band * sd) / (k + 1) for band in (0.0, -Z90, Z90))
    return tuple(zip(k.tolist(), median.tolist(), lo.tolist(), hi.tolist(), strict=True))
