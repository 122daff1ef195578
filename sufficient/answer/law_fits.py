"""Laws fitted to curves, many refits at once: variable projection on a grid, then Gauss–Newton.

Minimised for every refit s, with floor a and scale b at or above 0:

    (y_s − a − b g_θ)ᵀ Σ⁻¹ (y_s − a − b g_θ) + Σ_i ((θ_i − θ*_{s,i}) / sd_i)² + ((a − a*_s) / sd_a)²

Σ is the covariance of the measured curve (`covariance`). For each θ of a law's grid the best a, b are exact
and all refits share one matrix product; the best cell is then polished. The last two terms are the prior:
with five sizes the data alone say little about an exponent or a floor. Where θ* and a* are drawn from the
prior and y_s = y + a draw of the noise (`perturbed`), the refits are draws from the posterior, exactly so for
a linear law ("randomise, then optimise").
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.special import ndtr, ndtri

from sufficient.answer.laws import Family
from sufficient.study.record import Floats

FLOOR_MEAN, FLOOR_SD = 0.1, 0.4  # prior of the floor, in units of the curve's last value; never below 0
CAP_SD = 1.0  # of the drawn a*: at most the last value
POLISH, NUDGE = 3, 1e-5


class Curve(NamedTuple):
    """A measured falling curve and what its noise is."""

    x: Floats  # (sizes,) ln(n / largest n)
    y: Floats  # (sizes,) ≥ 0
    covariance: Floats  # (sizes, sizes)

    @property
    def positive(self) -> Floats:  # (sizes,)
        """Return √(y² + v), v the variance of y: a measured 0 has no logarithm, nor is it certain.

        ln of it is on average that of the true value where y is well above its noise: E ln y ≈ ln − v/(2 y²).
        Where none of n answers is wrong, v ≈ 2/n² (Agresti and Coull's): it stands for 1.4 wrong ones.
        """
        found: Floats = np.sqrt(self.y**2 + np.diag(self.covariance))
        return found


class FittedLaw(NamedTuple):
    """One law fitted to each of S curves."""

    theta: Floats  # (S, p)
    floor: Floats  # (S,)
    scale: Floats  # (S,)
    cost: Floats  # (S,) the minimum, prior included


class Pull(NamedTuple):
    """Where the prior pulls each refit to."""

    theta: Floats  # (S, p) θ*
    floor: Floats  # (S,) a*
    floor_sd: float


def covariance(
    independent: Floats,  # (sizes,) variance of the mean over replicates
    common: Floats,  # (sizes,) variance, or (sizes, sizes) covariance
) -> Floats:  # (sizes, sizes)
    """Return Σ of a curve measured on the same unseen objects at every size.

    `independent` differs from size to size (training noise). `common` is the noise of having only so many
    unseen objects: given as variances it moves the whole curve at once, cov = √(common_i common_j); where the
    errors at two sizes are only partly the same objects', give the covariance itself.
    """
    shared = np.sqrt(np.outer(common, common)) if common.ndim == 1 else common
    return np.diag(independent) + shared


def value(
    family: Family,
    fitted: FittedLaw,
    x: Floats,  # (targets,) or (S, targets), ln(n / largest n)
) -> Floats:  # (S, targets)
    """Return each fitted law at sizes given by ln(n / largest n)."""
    if not family.scale:
        return np.broadcast_to(fitted.floor[:, None], (len(fitted.floor), x.shape[-1]))
    return fitted.floor[:, None] + fitted.scale[:, None] * family.shape(fitted.theta, x)


def reached(
    family: Family,
    fitted: FittedLaw,
    target: float,
) -> Floats:  # (S,)
    """Return ln(n / largest n) where each law is down to the target; infinite where it never is."""
    above = target - fitted.floor
    can = (above > 0) & (fitted.scale > 0)
    with np.errstate(divide="ignore", over="ignore"):
        g = np.where(can, above / np.where(can, fitted.scale, 1.0), 1.0)
        x = family.inverse(fitted.theta, g[:, None])[:, 0]
    constant = np.where(target >= fitted.floor, -np.inf, np.inf)
    return np.where(can, x, constant)


def priors(family: Family, last: float) -> Pull:
    """Return the prior's middle, for one fit (S = 1); `last` is the curve's last value."""
    return Pull(
        np.array([[c.mean for c in family.coordinates]]),
        np.array([FLOOR_MEAN * last]),
        max(FLOOR_SD * last, 1e-12),
    )


def perturbed(
    family: Family,
    curve: Curve,
    refits: int,
    *,
    random: np.random.Generator,
) -> tuple[Floats, Pull]:  # (S, sizes)
    """Return curves drawn around the measured one (never below 0), and a draw of the prior for each."""
    root = cholesky(curve.covariance, lower=True)
    drawn = curve.y + random.standard_normal((refits, len(curve.y))) @ root.T
    last = float(curve.positive[-1])
    middle = priors(family, last)
    sd = np.array([c.sd for c in family.coordinates])
    theta = middle.theta + sd * random.standard_normal((refits, len(sd)))
    low, high = ndtr(-FLOOR_MEAN / FLOOR_SD), ndtr((CAP_SD - FLOOR_MEAN) / FLOOR_SD)
    floor = FLOOR_MEAN + FLOOR_SD * ndtri(low + (high - low) * random.random(refits))
    return np.maximum(drawn, 0.0), Pull(theta, floor * last, middle.floor_sd)


def fit(
    family: Family,
    curves: Floats,  # (S, sizes)
    curve: Curve,  # the sizes and the covariance that all curves share
    pull: Pull,
) -> FittedLaw:
    """Return the law fitted to each curve."""
    if not family.scale:
        return _constant(curves)
    root = cholesky(curve.covariance, lower=True)
    whiten = solve_triangular(root, np.eye(len(curve.y)), lower=True).T  # (sizes, sizes): y @ whiten
    problem = _Problem(family, curve.x, curves @ whiten, whiten, pull)
    best = problem.start()
    for _ in range(POLISH):
        best = problem.polished(best)
    return best


def _constant(curves: Floats) -> FittedLaw:
    """Return the last value of each curve: last1 fits nothing else."""
    none = np.zeros(len(curves))
    return FittedLaw(np.zeros((len(curves), 0)), curves[:, -1], none, none)


class _Problem:
    """The weighted least squares of one law, S curves at once."""

    def __init__(self, family: Family, x: Floats, target: Floats, whiten: Floats, pull: Pull) -> None:
        self.family, self.x, self.whiten, self.pull = family, x, whiten, pull
        self.target = target  # (S, sizes) whitened curves
        self.ones = whiten.sum(axis=0)  # (sizes,) the floor's whitened column
        self.sd = np.array([c.sd for c in family.coordinates])
        self.low = np.array([c.low for c in family.coordinates])
        self.high = np.array([c.high for c in family.coordinates])
        weight = 1 / pull.floor_sd**2 if family.floor else 0.0
        self.oo = self.ones @ self.ones + weight
        self.oy = target @ self.ones + weight * pull.floor  # (S,)
        self.yy = (target**2).sum(axis=1) + weight * pull.floor**2  # (S,)

    def start(self) -> FittedLaw:
        """Return the best cell of the grid for each curve."""
        grid = self.family.grid
        columns = self.family.shape(grid, self.x) @ self.whiten  # (cells, sizes)
        floor, scale, cost = self._linear(
            (columns**2).sum(axis=1), columns @ self.ones, self.target @ columns.T, self.oy[:, None]
        )
        cost += self.yy[:, None]
        scaled, pulled = grid / self.sd, self.pull.theta / self.sd
        cost += (scaled**2).sum(axis=1) - 2 * pulled @ scaled.T + (pulled**2).sum(axis=1)[:, None]
        cell, row = cost.argmin(axis=1), np.arange(len(self.target))
        return FittedLaw(grid[cell], floor[row, cell], scale[row, cell], cost[row, cell])

    def polished(self, best: FittedLaw) -> FittedLaw:
        """Return the fits after one damped Gauss–Newton step, where it improves them."""
        columns = self._column(best.theta)
        residual = self.target - best.floor[:, None] * self.ones - best.scale[:, None] * columns
        slopes = [
            best.scale[:, None] * (self._column(best.theta + step) - columns) / NUDGE
            for step in NUDGE * np.eye(len(self.sd))
        ]
        free = (best.floor > 0)[:, None] * self.ones  # a floor held at 0 does not move
        jacobian = np.stack([free, columns, *slopes], axis=1)  # (S, 2 + p, sizes)
        normal = jacobian @ jacobian.transpose(0, 2, 1)
        right = (jacobian @ residual[:, :, None])[:, :, 0]
        prior = np.zeros((len(residual), 2 + len(self.sd)))
        prior[:, 2:] = 1 / self.sd**2
        right[:, 2:] += (self.pull.theta - best.theta) / self.sd**2
        if self.family.floor:
            prior[:, 0] = 1 / self.pull.floor_sd**2
            right[:, 0] += np.where(best.floor > 0, (self.pull.floor - best.floor) * prior[:, 0], 0.0)
        diagonal = np.einsum("sii->si", normal)  # a view
        diagonal += prior
        diagonal *= 1 + 1e-10
        diagonal += 1e-12 * diagonal.max(axis=1, keepdims=True) * (diagonal <= 0) + 1e-300
        move = np.linalg.solve(normal, right[:, :, None])[:, 2:, 0]
        found = best
        for length in (1.0, 0.25):
            found = self._better(
                found, self.projected(np.clip(best.theta + length * move, self.low, self.high))
            )
        return found

    def projected(self, theta: Floats) -> FittedLaw:
        """Return the exact floor and scale for each curve's θ."""
        columns = self._column(theta)
        floor, scale, _ = self._linear(
            (columns**2).sum(axis=1), columns @ self.ones, (self.target * columns).sum(axis=1), self.oy
        )
        residual = self.target - floor[:, None] * self.ones - scale[:, None] * columns
        cost = (residual**2).sum(axis=1) + (((theta - self.pull.theta) / self.sd) ** 2).sum(axis=1)
        if self.family.floor:
            cost += ((floor - self.pull.floor) / self.pull.floor_sd) ** 2
        return FittedLaw(theta, floor, scale, cost)

    def _column(self, theta: Floats) -> Floats:  # (S, sizes)
        return self.family.shape(theta, self.x) @ self.whiten

    def _linear(
        self,
        bb: Floats,
        bo: Floats,
        by: Floats,
        oy: Floats,
    ) -> tuple[Floats, Floats, Floats]:
        """Return floor and scale ≥ 0 that minimise the squares, and that minimum less Σ y².

        From inner products of the columns b = g, o = 1 and the curve y; shapes broadcast. At a minimum the
        squares are Σ y² − floor · oy − scale · by.
        """
        alone = np.maximum(by / bb, 0.0)
        if not self.family.floor:
            return np.zeros_like(alone), alone, -alone * by
        scale = (by * self.oo - bo * oy) / np.maximum(bb * self.oo - bo**2, 1e-14 * bb * self.oo)
        floor = (oy - bo * scale) / self.oo
        level = np.broadcast_to(np.maximum(oy / self.oo, 0.0), scale.shape)
        floor, scale = (
            np.where(scale < 0, level, np.maximum(floor, 0.0)),
            np.where(scale < 0, 0.0, np.where(floor < 0, alone, scale)),
        )
        return floor, scale, -floor * oy - scale * by

    @staticmethod
    def _better(old: FittedLaw, new: FittedLaw) -> FittedLaw:
        better = new.cost < old.cost
        return FittedLaw(
            np.where(better[:, None], new.theta, old.theta),
            *(np.where(better, ours, theirs) for ours, theirs in zip(new[1:], old[1:], strict=True)),
        )
