"""Laws of falling curves (error or loss over sample size n): fit and value, nothing else.

Each is a power law a + b n^−c with a, b ≥ 0 and c > 0, so it never rises and never goes below 0:

- last1: the last value (a); the law to beat
- pow2: b n^−c
- pow3: a + b n^−c

Names as in Viering and Loog's survey, "The Shape of Learning Curves" (2022).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from sufficient.study.record import Floats

EXPONENTS = (1e-3, 3.0)  # range of c: flatter is a constant, steeper is over within two sizes
GRID, ROUNDS = 33, 6  # each round narrows the bracket of ln c 16-fold: to about 1e-6 of its range


class Power(NamedTuple):
    """a + b n^−c."""

    floor: float  # a
    scale: float  # b
    exponent: float  # c


Fit = Callable[[Floats, Floats, Floats], Power]


def value(
    law: Power,
    n: Floats,  # (targets,)
    *,
    ceiling: float,  # 1 for an error, infinity for a loss
) -> Floats:  # (targets,)
    """Return the law at sizes n, at most `ceiling`."""
    return np.minimum(law.floor + law.scale * n**-law.exponent, ceiling)


def last1(n: Floats, y: Floats, variance: Floats) -> Power:
    """Return the constant at the value of the largest size."""
    return Power(float(y[np.argmax(n)]), 0.0, 1.0)


def pow2(n: Floats, y: Floats, variance: Floats) -> Power:
    """Return b n^−c fitted to y ≥ 0, each size weighted by 1/variance."""
    return _fit(n, y, variance, floor=False)


def pow3(n: Floats, y: Floats, variance: Floats) -> Power:
    """Return a + b n^−c fitted to y ≥ 0, each size weighted by 1/variance."""
    return _fit(n, y, variance, floor=True)


LAWS: Mapping[str, Fit] = {"last1": last1, "pow2": pow2, "pow3": pow3}


def _fit(n: Floats, y: Floats, variance: Floats, *, floor: bool) -> Power:
    """Return the weighted least-squares law, by variable projection.

    For each c of a grid the best a, b ≥ 0 are exact (`_linear`); the grid closes in on the best c.
    """
    weight = (1 / variance) / (1 / variance).sum()
    middle = np.exp(np.log(n).mean())  # n^−c near 1: well-conditioned
    low, high = np.log(EXPONENTS)
    for _ in range(ROUNDS):
        grid = np.linspace(low, high, GRID)
        powers = (n / middle) ** -np.exp(grid)[:, None]  # (GRID, sizes)
        a, b = _linear(powers, y, weight, floor=floor)
        squares = (weight * (y - a[:, None] - b[:, None] * powers) ** 2).sum(axis=1)
        best = int(squares.argmin())
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, GRID - 1)]
    c = float(np.exp(grid[best]))
    return Power(float(a[best]), float(b[best] * middle**c), c)


def _linear(
    powers: Floats,  # (GRID, sizes)
    y: Floats,  # (sizes,)
    weight: Floats,  # (sizes,), sums to 1
    *,
    floor: bool,
) -> tuple[Floats, Floats]:  # (GRID,), (GRID,)
    """Return the a, b ≥ 0 that minimise Σ weight (y − a − b·powers)², for each row.

    With two non-negative coefficients and y ≥ 0 at most one bound is active: b = 0, where powers and y
    rise against each other, or a = 0.
    """
    through_zero = (powers * y) @ weight / (powers**2 @ weight)
    if not floor:
        return np.zeros(len(powers)), through_zero
    mean_power, mean_y = powers @ weight, y @ weight
    b = (powers * y @ weight - mean_power * mean_y) / ((powers - mean_power[:, None]) ** 2 @ weight)
    b = np.maximum(b, 0.0)
    a = mean_y - b * mean_power
    return np.maximum(a, 0.0), np.where(a < 0, through_zero, b)
