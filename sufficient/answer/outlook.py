"""Does more data help: accuracy and unseen loss now, and at twice the largest size run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sufficient.answer.answer import AtDouble, CurvePoint, Outlook
from sufficient.answer.interval import t_quantile
from sufficient.answer.powers import LAWS, Fit, value
from sufficient.study.record import Floats, Record, Stage

FEWEST_SIZES, FEWEST_BACKTESTS = 6, 2
FEWEST_FITTED = 3  # sizes behind each backtest: as many as pow3 has coefficients
LAST_FITTED = LAST_BACKTESTS = 8  # a factor of 11 in k at growth √2: one law seldom holds for longer
ROUNDING = 1.02  # sizes are rounded: 91 counts as half of 181


class Predicted(NamedTuple):
    """Value at twice the largest size, with a 90 % interval."""

    value: float
    lo: float
    hi: float


def outlook(record: Record, points: Sequence[CurvePoint]) -> Outlook | None:
    """Return where accuracy and unseen loss (nats) stand and are forecast to go; None where nothing was run.

    `at_double` is None with fewer than 6 learned sizes or 2 backtests, or where the largest size has not
    learned.
    """
    if not points:
        return None
    last = points[-1]
    return Outlook(last.k, last.accuracy, last.unseen_loss, _at_double(record, points))


def _at_double(record: Record, points: Sequence[CurvePoint]) -> AtDouble | None:
    stages = [stage for stage, point in zip(record.stages, points, strict=True) if point.learned]
    if len(stages) < FEWEST_SIZES or not points[-1].learned:
        return None
    k = np.array([stage.size for stage in stages], dtype=np.float64)
    error = predict(k, *_series(stages, [1 - stage.accuracy for stage in stages]), ceiling=1.0)
    loss = predict(k, *_series(stages, [stage.unseen_loss for stage in stages]), ceiling=math.inf)
    if error is None or loss is None:
        return None
    return AtDouble(
        k=2 * points[-1].k,
        accuracy=1 - error.value,
        accuracy_interval=(1 - error.hi, 1 - error.lo),
        unseen_loss=loss.value,
        unseen_loss_interval=(loss.lo, loss.hi),
    )


def _series(stages: Sequence[Stage], values: Sequence[Floats]) -> tuple[Floats, Floats]:  # (sizes,), (sizes,)
    """Return the mean over live replicates at each size, and its variance averaged with the neighbours'.

    A floor of 1 % of the mean variance: equal values in a few replicates are luck, not certainty.
    """
    live = [value[stage.live] for stage, value in zip(stages, values, strict=True)]
    mean = np.array([value.mean() for value in live])
    own = np.array([value.var(ddof=1) / len(value) for value in live])
    near = np.array([own[max(i - 1, 0) : i + 2].mean() for i in range(len(own))])
    return mean, np.maximum(near, 0.01 * near.mean() + 1e-16)


def predict(
    k: Floats,  # (sizes,) increasing
    y: Floats,  # (sizes,) an error or a loss
    variance: Floats,  # (sizes,)
    *,
    ceiling: float,
) -> Predicted | None:
    """Return y at twice the last size: laws averaged by backtest; None with fewer than 2 backtests.

    A backtest fits the last 8 sizes up to k_j/2 and predicts k_j, the same distance that is asked for now.
    Misses e shrink with the curve: e = (prediction − y_j) · y_last/max(y_j, y_last). The B misses of a law,
    normal around 0 with a scale of their own, have likelihood ∝ (Σ e²)^(−B/2): its weight, with B halved
    because neighbouring backtests share most of their sizes. Predictive variance Σ w (mean e² + (f − f̄)²),
    mean e² at least the variance at the last size; the t quantile has B/2 degrees of freedom.
    """
    backtests = [
        (j, fitted)
        for j in range(len(k))
        if (fitted := int((k <= ROUNDING * k[j] / 2).sum())) >= FEWEST_FITTED
    ][-LAST_BACKTESTS:]
    if len(backtests) < FEWEST_BACKTESTS:
        return None

    def at(fit: Fit, sizes: int, target: float) -> float:
        local = slice(max(sizes - LAST_FITTED, 0), sizes)
        law = fit(k[local], y[local], variance[local])
        return float(value(law, np.array([target]), ceiling=ceiling)[0])

    def miss(fit: Fit, j: int, sizes: int) -> float:
        return float((at(fit, sizes, k[j]) - y[j]) * y[-1] / max(y[j], y[-1], 1e-16))

    misses = np.array([[miss(fit, j, n) for j, n in backtests] for fit in LAWS.values()])  # (laws, B)
    independent = len(backtests) / 2
    squares = np.maximum((misses**2).mean(axis=1), variance[-1])
    weights = (squares / squares.min()) ** (-independent / 2)
    weights /= weights.sum()
    ahead = np.array([at(fit, len(k), 2 * k[-1]) for fit in LAWS.values()])
    mean = float(weights @ ahead)
    spread = math.sqrt(float(weights @ (squares + (ahead - mean) ** 2)))
    margin = t_quantile(0.95, independent) * spread
    return Predicted(mean, max(mean - margin, 0.0), min(mean + margin, ceiling))
