"""What a falling or rising curve will be, and how many objects bring it to a target, as distributions.

Believed: a weighted set of curves, refits of every law (`law_fits`) stretched by a drift and the paths of a
local trend (`paths`), with weights from backtests (`backtest`). Everything is a quantile or a share of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from sufficient.answer.answer import Extrapolation, SizeInterval
from sufficient.answer.backtest import scores, warps, weighed
from sufficient.answer.horizon import FARTHEST, extrapolation, path_sizes
from sufficient.answer.law_fits import Curve, FittedLaw, covariance, fit, perturbed, reached, value
from sufficient.answer.laws import FAMILIES, Family
from sufficient.answer.paths import Paths, path_score, paths
from sufficient.answer.shapes import shape_notice
from sufficient.notice import Notice
from sufficient.study.record import Floats

Direction = Literal["rising", "falling"]
REFITS = 200  # of each law, and paths of the trend: 1,800 curves in all
LAST_SIZES = 12  # a factor of 45 at growth √2: one law seldom holds for longer
PRIOR = {
    "last1": 0.01,
    "exp3": 0.03,
    "pow3": 0.4,
}  # before any backtest, where not `USUAL`; scaled to sum to 1
USUAL = 0.12
WIGGLE = 0.005  # no real curve is smooth to better than this share of its value
LEVELS = (0.5, 0.05, 0.95)  # median and 90 % interval


class _Bundle(NamedTuple):
    """Refits of one law."""

    family: Family
    fitted: FittedLaw
    warp: Floats  # (S,) e^{τ z}
    weight: Floats  # (S,)
    last: float  # the largest size fitted

    @property
    def name(self) -> str:
        return self.family.name

    @property
    def doubled(self) -> Floats:  # (S,)
        there = self.values(np.array([self.last, 2 * self.last]))
        found: Floats = there[:, 0] - there[:, 1]
        return found

    def values(self, n: Floats) -> Floats:  # (targets,) → (S, targets)
        x = np.log(np.asarray(n, dtype=np.float64) / self.last)
        return value(self.family, self.fitted, np.where(x > 0, x * self.warp[:, None], x))

    def needed(self, level: float) -> Floats:  # (S,)
        x = reached(self.family, self.fitted, level) / self.warp
        with np.errstate(over="ignore"):
            size: Floats = self.last * np.exp(np.maximum(x, 0.0))
        return size


@dataclass(frozen=True)
class Ensemble:
    """The curves believed, on the scale of the measured values."""

    last: float  # the largest size fitted
    bundles: tuple[_Bundle | Paths, ...]
    direction: Direction
    bounds: tuple[float, float]

    @property
    def weights(self) -> Floats:  # (S,)
        """Return the weight of each curve; they sum to 1."""
        return np.concatenate([bundle.weight for bundle in self.bundles])

    @property
    def law_weights(self) -> dict[str, float]:
        """Return the weight of each law, and of the trend."""
        return {bundle.name: float(bundle.weight.sum()) for bundle in self.bundles}

    def values(
        self,
        n: Floats,  # (targets,)
    ) -> Floats:  # (S, targets)
        """Return every curve at sizes n."""
        rows = [bundle.values(n) for bundle in self.bundles]
        return _turned(np.minimum(np.concatenate(rows), _ceiling(self.bounds)), self.direction, self.bounds)

    def at(
        self,
        n: Floats,  # (targets,)
    ) -> tuple[Floats, Floats, Floats]:  # (targets,) each
        """Return the median and the ends of the 90 % interval at sizes n."""
        values, weights = self.values(n), self.weights
        found = np.array([quantiles(column, weights) for column in values.T]).reshape(-1, len(LEVELS)).T
        return found[0], found[1], found[2]

    def needed(self, target: float) -> Floats:  # (S,)
        """Return the size at which each curve meets the target: at least the largest size, or infinity."""
        level = float(_turned(np.array(target), self.direction, self.bounds))
        if level >= _ceiling(self.bounds):
            return np.full(len(self.weights), self.last)
        return np.concatenate([bundle.needed(level) for bundle in self.bundles])

    def meets(self, target: float) -> bool:
        """Return whether the whole 90 % interval at the largest size meets the target already."""
        _, (lo,), (hi,) = self.at(np.array([self.last]))
        return bool(lo >= target if self.direction == "rising" else hi <= target)

    def doubled(self) -> tuple[float, ...]:
        """Return by how much doubling the largest size betters the value, and the ends of its 90 % interval.

        Differences within each curve: what all sizes share cancels.
        """
        gains = np.concatenate([bundle.doubled for bundle in self.bundles])
        return quantiles(np.minimum(gains, _ceiling(self.bounds)), self.weights)

    def path(self) -> tuple[tuple[int, float, float, float], ...]:
        """Return (k, median, lo, hi) from the largest size to 10× it, log-spaced; the band is 90 %."""
        k = path_sizes(self.last)
        return tuple(zip(k.tolist(), *(row.tolist() for row in self.at(k.astype(float))), strict=True))


@dataclass(frozen=True)
class TargetForecast:
    """How many objects a target needs. Intervals 90 %; where `notices` is not empty there is no number."""

    target: float
    k_needed: int | None  # median; None beyond 10× the largest size
    k_interval: SizeInterval
    extrapolation: Extrapolation | None  # None without a forecast
    probability_unreachable: float | None  # never met at any size
    probability_beyond_10x: float | None  # not met by 10× the largest size, unreachable included
    notices: tuple[Notice, ...]  # why there is no number
    distribution: tuple[Floats, Floats] | None = field(repr=False, compare=False)  # sizes (S,), weights (S,)
    path: tuple[tuple[int, float, float, float], ...] = field(repr=False)  # (k, median, lo, hi), to draw


def predict_target(
    n: Floats,  # (sizes,) increasing
    y: Floats,  # (sizes,) measured mean over replicates
    *,
    independent: Floats,  # (sizes,) variance of y that differs from size to size
    common: Floats,  # (sizes,) variance or (sizes, sizes) covariance, of the same unseen objects at all sizes
    target: float,
    direction: Direction,
    bounds: tuple[float, float],
    name: str = "the curve",
    doubt: Notice | None = None,  # why a curve of good shape must get no number either
) -> TargetForecast:
    """Return how many objects bring y to the target: a distribution, or why none is given.

    A peaking, dipping, flat or too noisy curve gets no number, unless the target is met at the largest size.
    """
    notice = shape_notice(n, _turned(y, direction, bounds), independent, name=name) or doubt
    if notice is not None and notice.code == "TOO-FEW-SIZES":
        return _without_number(target, notice)
    ensemble = predict(n, y, independent=independent, common=common, direction=direction, bounds=bounds)
    if notice is not None and not ensemble.meets(target):
        return _without_number(target, notice)
    return forecast_target(ensemble, target)


def predict(
    n: Floats,  # (sizes,) increasing, at least 4
    y: Floats,  # (sizes,)
    *,
    independent: Floats,  # (sizes,)
    common: Floats,  # (sizes,) or (sizes, sizes)
    direction: Direction,
    bounds: tuple[float, float],
) -> Ensemble:
    """Return the curves believed after the last 12 sizes, whatever the curve's shape.

    The draws are the same for every data set, so that a forecast moves no more than its data do.
    Raises ValueError where the direction's best value is infinite.
    """
    best = bounds[1] if direction == "rising" else bounds[0]
    if not math.isfinite(best):
        raise ValueError(
            f"{direction} values within {bounds} have no best value to approach: give a finite bound"
        )
    kept = slice(max(len(n) - LAST_SIZES, 0), None)
    n, level = np.asarray(n, dtype=np.float64)[kept], _turned(np.asarray(y)[kept], direction, bounds)
    independent = np.asarray(independent)[kept]
    shared = np.asarray(common)[(kept,) * np.ndim(common)]
    shared = covariance(0 * independent, shared)
    least = 0.01 * independent.mean() + (WIGGLE * level) ** 2 + 1e-16
    curve = Curve(np.log(n / n[-1]), level, np.diag(np.maximum(independent, 0.0) + least) + shared)
    random = np.random.default_rng(0)
    backtests = np.array([scores(family, curve, shared, random=random) for family in FAMILIES])
    prior = np.array([PRIOR.get(family.name, USUAL) for family in FAMILIES])
    law, trend, drift = weighed(backtests, path_score(curve, shared), prior)
    last = float(n[-1])
    bundles: list[_Bundle | Paths] = [paths(curve, shared, last=last, count=REFITS, weight=trend)]
    for i, family in enumerate(FAMILIES):
        drawn, pull = perturbed(family, curve, REFITS, random=random)
        warp = warps(drift[i], REFITS, random=random)
        bundles.append(
            _Bundle(family, fit(family, drawn, curve, pull), warp, np.full(REFITS, law[i] / REFITS), last)
        )
    return Ensemble(last, tuple(bundles), direction, bounds)


def forecast_target(ensemble: Ensemble, target: float) -> TargetForecast:
    """Return what the curves say of the target."""
    needed, weights = ensemble.needed(target), ensemble.weights
    median, lower, upper = (_whole(size, ensemble.last) for size in quantiles(needed, weights))
    return TargetForecast(
        target=target,
        k_needed=median,
        k_interval=(lower, upper),
        extrapolation=extrapolation(median, ensemble.last),
        probability_unreachable=_share(weights[np.isinf(needed)]),
        probability_beyond_10x=_share(weights[needed > FARTHEST * ensemble.last]),
        notices=(),
        distribution=(needed, weights),
        path=ensemble.path(),
    )


def quantiles(values: Floats, weights: Floats, levels: Sequence[float] = LEVELS) -> tuple[float, ...]:
    """Return weighted quantiles: the smallest value with at least that share of the weight at or below it."""
    order = np.argsort(values)
    share = weights[order].cumsum()
    places = np.searchsorted(share / share[-1], np.asarray(levels) - 1e-12)
    return tuple(float(values[order[min(place, len(order) - 1)]]) for place in places)


def _without_number(target: float, notice: Notice) -> TargetForecast:
    return TargetForecast(target, None, (None, None), None, None, None, (notice,), None, ())


def _whole(size: float, last: float) -> int | None:
    """Return the size rounded up, None beyond 10× the last."""
    return math.ceil(size * (1 - 1e-9)) if size <= FARTHEST * last else None


def _share(weights: Floats) -> float:
    return min(float(weights.sum()), 1.0)


def _ceiling(bounds: tuple[float, float]) -> float:
    return bounds[1] - bounds[0]


def _turned(y: Floats, direction: Direction, bounds: tuple[float, float]) -> Floats:
    """Return values as distances from the best bound, or such distances as values; both ways are the same."""
    return bounds[1] - y if direction == "rising" else y - bounds[0]
