"""The observed rate at which δ_k falls, beside Lemma 1's −1."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sufficient.answer.answer import CurvePoint, Rate
from sufficient.answer.interval import t_quantile
from sufficient.study.record import Floats, Record


def rate(record: Record, points: Sequence[CurvePoint]) -> Rate | None:
    """Return the exponent of δ_k in k with its 95 % interval; None with too little to fit.

    Per replicate the least-squares slope of ln δ on ln k over learned sizes; mean ± t_0.975,R−1 sd/√R over
    replicates. A replicate skips the stages at which it is dead and leaves with fewer than 2 points.
    """
    stages = [stage for stage, point in zip(record.stages, points, strict=True) if point.learned]
    if len(stages) < 2:
        return None
    k = np.array([stage.size for stage in stages], dtype=np.float64)
    constant = np.stack([stage.constant for stage in stages])  # (stages, R)
    usable = np.stack([stage.live for stage in stages]) & (constant > 0)
    slopes = [
        _slope(np.log(k[use]), np.log(constant[use, r] / (k[use] + 1)))
        for r, use in enumerate(usable.T)
        if use.sum() >= 2
    ]
    if len(slopes) < 2:
        return None
    mean = float(np.mean(slopes))
    margin = t_quantile(0.975, len(slopes) - 1) * float(np.std(slopes, ddof=1)) / math.sqrt(len(slopes))
    return Rate(mean, (mean - margin, mean + margin))


def _slope(x: Floats, y: Floats) -> float:
    """Return the least-squares slope of y on x."""
    x = x - x.mean()
    return float(x @ y / (x @ x))
