"""Laws of falling curves (error or loss over sample size): shapes, inverses, where each is looked for.

Every law is floor + scale · g(u), with floor, scale ≥ 0, u = n / (largest size fitted) and g falling from
g(1) = 1 to 0: it never rises, never goes below 0, and floor + scale is its value at the largest size.

    law      g(u), before division by g(1)                 coordinates θ (logarithms)
    last1    none: the last value, the law to beat         –
    pow2     u^−c, no floor                                c
    pow3     u^−c                                          c
    pow4     (u + d)^−c                                    c, d
    exp3     exp(−c u)                                     c
    mmf4     1 / (1 + (u/m)^c)                             c, m
    M4       h with h/(1 − h)^α = (u/m)^−c                 c, m, α
    broken   u^−c₀ (1 + (u/d)^(1/f))^(−c₁ f)               c₀, c₀ + c₁, d, f

last1 to mmf4 are named as in Viering and Loog's survey, "The Shape of Learning Curves" (2022); mmf4,
(a b + c n^d)/(b + n^d), has its last value as floor. M4 is Alabdulmohsin, Neyshabur and Zhai's (2022)
b n^−c = (e − e_∞)/(e_0 − e)^α with e_∞ the floor and e_0 − e_∞ the scale of h. `broken` is Caballero et al.'s
(2023) broken power law with one break: exponent c₀ before n = d, c₀ + c₁ after it, a bend of width f.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from sufficient.study.record import Floats

FARTHEST_LOG = 500.0  # of u: farther is never, for all that a float can tell
NEWTON, BISECTIONS = 5, 60


@dataclass(frozen=True)
class Coordinate:
    """One coordinate of θ: where it is looked for, and what is believed before any data."""

    low: float
    high: float
    count: int  # grid points from low to high, equally spaced: starting points of the fit
    mean: float  # of the normal prior
    sd: float


Shape = Callable[[Floats, Floats], Floats]


@dataclass(frozen=True)
class Family:
    """A law up to its floor and scale."""

    name: str
    shape: Shape  # θ (..., p), ln u (..., targets) → g (..., targets), with g = 1 at ln u = 0
    inverse: Shape  # θ (..., p), g > 0 (..., targets) → ln u (..., targets), infinite where never reached
    coordinates: tuple[Coordinate, ...] = ()
    floor: bool = True
    scale: bool = True

    @property
    def grid(self) -> Floats:  # (cells, p)
        """Return every combination of the coordinates' grid points."""
        axes = [np.linspace(c.low, c.high, c.count) for c in self.coordinates]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


def _columns(theta: Floats) -> tuple[Floats, ...]:
    """Return exp of each coordinate of θ, (..., 1)."""
    return tuple(np.exp(theta[..., i, None]) for i in range(theta.shape[-1]))


def _no_shape(theta: Floats, x: Floats) -> Floats:
    return np.ones(np.broadcast_shapes((*theta.shape[:-1], 1), x.shape))


def _no_inverse(theta: Floats, g: Floats) -> Floats:
    found: Floats = np.where(g >= 1, 0.0, np.inf) + 0 * theta.sum(axis=-1, keepdims=True)
    return found


def _power(theta: Floats, x: Floats) -> Floats:
    (c,) = _columns(theta)
    return np.exp(-c * x)


def _power_inverse(theta: Floats, g: Floats) -> Floats:
    (c,) = _columns(theta)
    return -np.log(g) / c


def _shifted(theta: Floats, x: Floats) -> Floats:
    c, d = _columns(theta)
    found: Floats = ((np.exp(x) + d) / (1 + d)) ** -c
    return found


def _shifted_inverse(theta: Floats, g: Floats) -> Floats:
    c, d = _columns(theta)
    log = np.log1p(d) - np.log(g) / c  # of u + d
    return _log(np.exp(np.minimum(log, FARTHEST_LOG)) - d)


def _exponential(theta: Floats, x: Floats) -> Floats:
    (c,) = _columns(theta)
    found: Floats = np.exp(-c * np.expm1(np.minimum(x, FARTHEST_LOG)))
    return found


def _exponential_inverse(theta: Floats, g: Floats) -> Floats:
    (c,) = _columns(theta)
    return _log(1 - np.log(g) / c)


def _mmf(theta: Floats, x: Floats) -> Floats:
    c, log_m = np.exp(theta[..., 0, None]), theta[..., 1, None]
    found: Floats = expit(c * (log_m - x)) / expit(c * log_m)
    return found


def _mmf_inverse(theta: Floats, g: Floats) -> Floats:
    c, log_m = np.exp(theta[..., 0, None]), theta[..., 1, None]
    x: Floats = log_m - logit(np.minimum(g * expit(c * log_m), 1.0)) / c
    return x


def _m4(theta: Floats, x: Floats) -> Floats:
    c, log_m, alpha = np.exp(theta[..., 0, None]), theta[..., 1, None], np.exp(theta[..., 2, None])
    found: Floats = expit(_m4_logit(c * (log_m - x), alpha)) / expit(_m4_logit(c * log_m, alpha))
    return found


def _m4_logit(q: Floats, alpha: Floats) -> Floats:
    """Return t = logit h where ln h − α ln(1 − h) = q, by Newton's method.

    With t for h the left side has slopes between 1 and α, and is convex or concave: Newton never leaves.
    """
    t = np.where(q < 0, q, q / alpha)
    for _ in range(NEWTON):
        rest = np.logaddexp(0.0, t)  # −ln(1 − h)
        t = t - (t + (alpha - 1) * rest - q) / (1 + (alpha - 1) * expit(t))
    return t


def _m4_inverse(theta: Floats, g: Floats) -> Floats:
    c, log_m, alpha = np.exp(theta[..., 0, None]), theta[..., 1, None], np.exp(theta[..., 2, None])
    h = np.minimum(g * expit(_m4_logit(c * log_m, alpha)), 1.0)
    with np.errstate(divide="ignore"):
        x: Floats = log_m - (np.log(h) - alpha * np.log1p(-h)) / c
    return x


def _broken(theta: Floats, x: Floats) -> Floats:
    before, after, f = (np.exp(theta[..., i, None]) for i in (0, 1, 3))
    log_d = theta[..., 2, None]
    bend = f * (np.logaddexp(0.0, (x - log_d) / f) - np.logaddexp(0.0, -log_d / f))
    found: Floats = np.exp(-before * x - (after - before) * bend)
    return found


def _broken_inverse(theta: Floats, g: Floats) -> Floats:
    """Return ln u by bisection: per unit of ln u, ln g falls by c₀ to c₀ + c₁."""
    slopes = np.exp(theta[..., :2])
    fall = -np.log(g)
    ends = fall / slopes.min(axis=-1)[..., None], fall / slopes.max(axis=-1)[..., None]
    low, high = np.minimum(*ends), np.maximum(*ends)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        above = _broken(theta, middle) > g
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    x: Floats = (low + high) / 2
    return x


def _log(u: Floats) -> Floats:
    """Return ln u, minus infinity where u ≤ 0."""
    with np.errstate(divide="ignore"):
        return np.log(np.maximum(u, 0.0))


LAST1 = Family("last1", _no_shape, _no_inverse, scale=False)
C = Coordinate(np.log(0.02), np.log(4.0), 24, np.log(0.45), 0.6)
POW2 = Family("pow2", _power, _power_inverse, (C,), floor=False)
POW3 = Family("pow3", _power, _power_inverse, (C,))
POW4 = Family(
    "pow4",
    _shifted,
    _shifted_inverse,
    (
        Coordinate(np.log(0.02), np.log(8.0), 14, np.log(0.5), 0.7),
        Coordinate(np.log(1e-3), np.log(3.0), 8, np.log(0.03), 1.5),
    ),
)
EXP3 = Family(
    "exp3",
    _exponential,
    _exponential_inverse,
    (Coordinate(np.log(0.05), np.log(200.0), 24, np.log(2.0), 1.0),),
)
MMF4 = Family(
    "mmf4",
    _mmf,
    _mmf_inverse,
    (
        Coordinate(np.log(0.05), np.log(6.0), 14, np.log(0.6), 0.6),
        Coordinate(np.log(1e-5), np.log(10.0), 12, np.log(0.02), 2.0),
    ),
)
M4 = Family(
    "M4",
    _m4,
    _m4_inverse,
    (
        Coordinate(np.log(0.05), np.log(6.0), 9, np.log(0.6), 0.6),
        Coordinate(np.log(1e-5), np.log(10.0), 7, np.log(0.02), 2.0),
        Coordinate(np.log(0.3), np.log(4.0), 4, np.log(1.0), 0.5),
    ),
)
BROKEN = Family(
    "broken",
    _broken,
    _broken_inverse,
    (
        Coordinate(np.log(0.02), np.log(3.0), 7, np.log(0.4), 0.7),
        Coordinate(np.log(0.02), np.log(3.0), 7, np.log(0.45), 0.6),
        Coordinate(np.log(1e-2), np.log(1.5), 5, np.log(0.15), 1.0),
        Coordinate(np.log(0.1), np.log(2.0), 2, np.log(0.5), 0.6),
    ),
)
FAMILIES = (LAST1, POW2, POW3, POW4, EXP3, MMF4, M4, BROKEN)
