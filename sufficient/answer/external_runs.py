"""What runs made elsewhere say of a target: the forecasts of a study, without its record.

The noise of a size's mean must come from somewhere:

- several replicates: their variance, pooled over the size and its neighbours by degrees of freedom, over
  their number. It differs from size to size (`independent`);
- one replicate a size: the relative scatter about a smooth curve, whether it falls or not (`_scatter`), added
  to a prior of `SCATTER` that counts as `PRIOR_FREEDOM` degrees of freedom: 4 sizes have only one;
  What the same fold or seed brings to every size (`_shared`), where replicates are paired, is `common`;
- `test_size` unseen objects, of accuracy and error: p (1 − p)/test_size, with 2 right and 2 wrong answers
  added. The same test objects at every size move the whole curve at once (`common`), which no scatter
  between sizes or replicates shows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from sufficient.answer.answer import Level
from sufficient.answer.criteria import Criterion
from sufficient.answer.horizon import AHEAD
from sufficient.answer.normal import smoothed_share
from sufficient.answer.prediction import TargetForecast, predict_target
from sufficient.notice import Notice
from sufficient.rounding import percent
from sufficient.study.record import Floats

SCATTER = 0.03  # of the value: how far one run strays from a smooth curve, before any data
PRIOR_FREEDOM = 2.0
ROUGH = 0.25  # of the value: single runs that stray farther may be of a curve that peaks or dips
BAND = 1.96  # standard errors: 95 %, `normal.Z95` rounded

Kind = Literal["accuracy", "error", "loss"]


@dataclass(frozen=True)
class Points:
    """A falling curve of runs: error (1 − accuracy) or loss, with what its noise is."""

    n: Floats  # (sizes,) increasing
    y: Floats  # (sizes,) mean over replicates
    replicates: tuple[int, ...]  # (sizes,)
    independent: Floats  # (sizes,) variance that differs from size to size
    common: Floats  # (sizes,) variance that all sizes share
    bounds: tuple[float, float] = field(repr=False)
    scatter: float | None = None  # of single runs about a smooth curve, relative; None with replicates


@dataclass(frozen=True)
class Ahead:
    """The curve at a size beyond the largest; the interval is 90 %."""

    n: int
    value: float
    lo: float
    hi: float


@dataclass(frozen=True)
class RunsAnswer:
    """What runs made elsewhere say of one target."""

    criterion: Criterion
    columns: tuple[str, ...]  # where its metric was read
    measured: tuple[Level, ...] = field(repr=False)  # (sizes,) as the target's own quantity, 95 %
    curve: Points = field(repr=False)
    forecast: TargetForecast
    ahead: tuple[Ahead, ...]  # at 2, 4 and 10 times the largest size; empty without a forecast

    @property
    def last(self) -> int:
        """The largest size that was run."""
        return int(self.curve.n[-1])

    @property
    def met_from(self) -> int | None:
        """The first size from which on every 95 % interval meets the target; None where the last does not."""
        asked = self.criterion
        met = [
            level.lo >= asked.value if asked.kind == "accuracy" else level.hi <= asked.value
            for level in self.measured
        ]
        late = met[::-1].index(False) if False in met else len(met)
        return int(self.curve.n[-late]) if late else None


def points(
    sizes: Sequence[float] | Floats,
    values: Sequence[Sequence[float] | Floats],  # of each size, its replicates: falling, at least 0
    *,
    kind: Kind,
    test_size: int | None = None,  # different unseen objects behind each mean
    paired: bool = False,  # the replicates of each size are those of every other, in the same order
) -> Points:
    """Return the curve of runs with its noise. `values` are errors or losses, never accuracies."""
    n, each = np.asarray(sizes, dtype=np.float64), [np.asarray(v, dtype=np.float64) for v in values]
    y, counts = np.array([v.mean() for v in each]), np.array([len(v) for v in each])
    bounds = (0.0, float("inf")) if kind == "loss" else (0.0, 1.0)
    tested = np.zeros_like(y)
    if test_size is not None and kind != "loss":
        p = smoothed_share(y, test_size)
        tested = p * (1 - p) / test_size
    scatter = None if (counts > 1).any() else math.sqrt(_scatter(n, y))
    independent = _pooled(each) / counts if scatter is None else (scatter * y) ** 2
    shared = _shared(np.array(each)) * independent if paired and counts[0] > 1 else 0.0
    return Points(n, y, tuple(counts.tolist()), independent - shared, tested + shared, bounds, scatter)


def answer_of(curve: Points, asked: Criterion, *, columns: tuple[str, ...]) -> RunsAnswer:
    """Return what the curve says of a target for accuracy, error or loss."""
    rising = asked.kind == "accuracy"
    found = predict_target(
        curve.n,
        1 - curve.y if rising else curve.y,
        independent=curve.independent,
        common=curve.common,
        target=asked.value,
        direction="rising" if rising else "falling",
        bounds=curve.bounds,
        name=asked.kind,
        doubt=_too_rough(curve, "error (1 − accuracy)" if rising else asked.kind),
    )
    return RunsAnswer(asked, columns, _levels(curve, rising), curve, found, _ahead(found, curve.n[-1]))


def _levels(curve: Points, rising: bool) -> tuple[Level, ...]:
    """Return the measured means with 95 % intervals, within their range."""
    margin = BAND * np.sqrt(curve.independent + curve.common)
    ends = np.clip(np.stack([curve.y, curve.y - margin, curve.y + margin]), *curve.bounds)
    value, lo, hi = 1 - ends[[0, 2, 1]] if rising else ends
    return tuple(Level(*map(float, row)) for row in zip(value, lo, hi, strict=True))


def _ahead(found: TargetForecast, last: float) -> tuple[Ahead, ...]:
    """Return the forecast at 2, 4 and 10 times the largest size; nothing where there is none."""
    if not found.path:
        return ()
    k, *bands = np.array(found.path).T
    there = [np.interp(np.log(np.array(AHEAD) * last), np.log(k), band) for band in bands]
    return tuple(
        Ahead(round(times * last), float(middle), float(lo), float(hi))
        for times, middle, lo, hi in zip(AHEAD, *there, strict=True)
    )


def _pooled(each: Sequence[Floats]) -> Floats:  # (sizes,)
    """Return the variance between replicates, over each size and its neighbours by degrees of freedom.

    Where none of these has two replicates, over all sizes.
    """
    freedom = np.array([len(v) - 1 for v in each], dtype=np.float64)
    squares = np.array([((v - v.mean()) ** 2).sum() for v in each])
    near = [slice(max(i - 1, 0), i + 2) for i in range(len(each))]
    return np.array(
        [
            squares[at].sum() / freedom[at].sum() if freedom[at].sum() else squares.sum() / freedom.sum()
            for at in near
        ]
    )


def _shared(values: Floats) -> float:  # (sizes, replicates)
    """Return the share of the variance between replicates that is theirs at every size, from 0 to 1.

    With z the deviations from each size's mean, of variance 1, the mean over S sizes of a replicate's z has
    variance ρ + (1 − ρ)/S. ρ is drawn to 0 as far as so few replicates, of R − 1 degrees of freedom, leave it
    open.
    """
    sizes, replicates = values.shape
    z = values - values.mean(axis=1, keepdims=True)
    spread = np.sqrt((z**2).sum(axis=1, keepdims=True) / (replicates - 1))
    z = z / np.where(spread > 0, spread, 1.0)
    between = float((z.mean(axis=0) ** 2).sum()) / (replicates - 1)
    found = (sizes * between - 1) / max(sizes - 1, 1)
    return float(max(found, 0.0) * (replicates - 1) / (replicates - 1 + PRIOR_FREEDOM))


def _scatter(n: Floats, y: Floats) -> float:
    """Return the relative variance of single runs about any smooth curve, with the prior.

    Four neighbouring sizes give one third divided difference of ln y over ln n, scaled to the variance of one
    run: 0 for whatever is a parabola there, falling, rising or peaking. With W its rows, of which neighbours
    overlap, the mean square has (rows)²/‖W Wᵀ‖² degrees of freedom (Satterthwaite).
    """
    positive = y[y > 0]
    level = np.log(np.maximum(y, positive.min() / 2 if len(positive) else 1.0))
    rows = np.array([_third_difference(np.log(n), i) for i in range(len(n) - 3)]).reshape(-1, len(n))
    overlap = float(((rows @ rows.T) ** 2).sum())
    freedom = len(rows) ** 2 / overlap if overlap else 0.0
    mean_square = float(((rows @ level) ** 2).mean()) if overlap else 0.0
    return (freedom * mean_square + PRIOR_FREEDOM * SCATTER**2) / (freedom + PRIOR_FREEDOM)


def _third_difference(x: Floats, first: int) -> Floats:  # (sizes,)
    """Return the weights, of length 1, of the third divided difference of four sizes."""
    four = x[first : first + 4]
    steps = four[:, None] - four + np.eye(4)
    weights = np.zeros_like(x)
    weights[first : first + 4] = 1 / steps.prod(axis=1)
    return weights / float(np.linalg.norm(weights))


def _too_rough(curve: Points, name: str) -> Notice | None:
    """Tell of single runs that stray so far from a smooth curve that noise may hide any shape.

    What the test objects explain of it is known to be noise.
    """
    if curve.scatter is None or not curve.y.all():
        return None
    if curve.scatter**2 <= ROUGH**2 + float((curve.common / curve.y**2).mean()):
        return None
    return Notice(
        "CURVE-TOO-NOISY",
        f"Run once at each size, {name} strays from a smooth curve by about {percent(curve.scatter)} of its "
        "value, and whether that is noise or its shape cannot be told, so no number is given: repeat the "
        "sizes with other seeds.",
    )
