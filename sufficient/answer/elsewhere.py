"""What runs made elsewhere say of a target: the forecasts of a study, without its record.

The noise of a size's mean must come from somewhere:

- several replicates: their variance, pooled over the size and its neighbours by degrees of freedom, over
  their number. It differs from size to size (`independent`);
- one replicate a size: the relative scatter about pow3, a law with three coefficients, added to a prior of
  `SCATTER` that counts as `PRIOR_FREEDOM` degrees of freedom: with 4 sizes only one is left over;
- `test_size` unseen objects, of accuracy and error: p (1 − p)/test_size, with 2 right and 2 wrong answers
  added. The same test objects at every size move the whole curve at once (`common`), which no scatter
  between sizes or replicates shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from sufficient.answer.answer import Level
from sufficient.answer.criteria import Criterion
from sufficient.answer.powers import pow3, value
from sufficient.answer.prediction import TargetForecast, predict_target
from sufficient.study.record import Floats

SCATTER = 0.03  # of the value: how far one run strays from a smooth curve, before any data
PRIOR_FREEDOM = 2.0
COEFFICIENTS = 3  # of pow3
PLUS = 2  # right and wrong answers added (Agresti and Coull): no error seen is not no error
AHEAD = (2, 4, 10)  # × the largest size
BAND = 1.96  # standard errors: 95 %

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


def points(
    sizes: Sequence[float] | Floats,
    values: Sequence[Sequence[float] | Floats],  # of each size, its replicates: falling, at least 0
    *,
    kind: Kind,
    test_size: int | None = None,  # different unseen objects behind each mean
) -> Points:
    """Return the curve of runs with its noise. `values` are errors or losses, never accuracies."""
    n, each = np.asarray(sizes, dtype=np.float64), [np.asarray(v, dtype=np.float64) for v in values]
    y, counts = np.array([v.mean() for v in each]), np.array([len(v) for v in each])
    bounds = (0.0, float("inf")) if kind == "loss" else (0.0, 1.0)
    tested = np.zeros_like(y)
    if test_size is not None and kind != "loss":
        p = (y * test_size + PLUS) / (test_size + 2 * PLUS)
        tested = p * (1 - p) / test_size
    independent = _pooled(each) / counts if (counts > 1).any() else _scatter(n, y)
    return Points(n, y, tuple(counts.tolist()), independent, tested, bounds)


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


def _scatter(n: Floats, y: Floats) -> Floats:  # (sizes,)
    """Return the variance of single runs about a smooth curve, in proportion to y²."""
    scale = np.maximum(y, 1e-12)
    law = pow3(n, y, scale**2)
    squares = float((((y - value(law, n, ceiling=np.inf)) / scale) ** 2).sum())
    freedom = max(len(n) - COEFFICIENTS, 0)
    relative = (squares + PRIOR_FREEDOM * SCATTER**2) / (freedom + PRIOR_FREEDOM)
    spread: Floats = relative * y**2
    return spread
