"""What targets are held against: error, loss and relative difference on unseen objects, stage by stage.

All three fall as objects help; accuracy is 1 − error. Symbols as in `interval`: se² = s²_k/R + V_k κ + c_k,
s²_k the variance between replicates averaged over the size and its neighbours, V_k the variance over objects.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sufficient.answer.answer import Level
from sufficient.answer.held_out import HeldOut
from sufficient.answer.interval import grouped_variance, pooled, shared_training, t_quantile
from sufficient.answer.normal import smoothed_share
from sufficient.study.record import Floats, Record, Stage
from sufficient.study.shares import CommonShares

Quantity = Literal["error", "loss", "relative"]


@dataclass(frozen=True)
class Reading:
    """One stage of a quantity."""

    k: int
    learned: bool
    level: Level | None  # None with fewer than 2 live replicates
    independent: float = math.inf  # variance of the mean that differs from size to size
    common: float = math.inf  # variance of the mean that having only so many objects leaves at every size


def readings(
    record: Record,
    quantity: Quantity,
    *,
    learned: Sequence[bool],  # (stages,)
    held: HeldOut,
) -> tuple[Reading, ...]:
    """Return one reading a stage: mean over live replicates ± t se, within the quantity's range.

    Error: V = p (1 − p) with 2 right and 2 wrong answers added to 1/κ objects, so that it is never 0.
    Relative difference δ_k/U_k, U_k the unseen loss: a ratio for each replicate, V that of (g − (C/U) ℓ)/U
    over objects (delta method), and an interval exp(± t se/value) as for δ_k.
    """
    means = [_of_replicates(stage, quantity) for stage in record.stages]
    own = [_between(mean, quantity) for mean in means]
    return tuple(
        _reading(record, stage, quantity, means[i], pooled(own, learned, i), learned[i], held)
        for i, stage in enumerate(record.stages)
    )


def _reading(
    record: Record,
    stage: Stage,
    quantity: Quantity,
    means: Floats,  # (live,)
    found: tuple[float, int] | None,  # pooled `_between`, and how many (R − 1) of freedom it has
    learned: bool,
    held: HeldOut,
) -> Reading:
    if found is None or not np.isfinite(means).all():
        return Reading(stage.size, learned, None)
    value, overlap = float(means.mean()), held.overlap(stage)
    between, freedom = found[0] * _scale(value, quantity), found[1] * (len(means) - 1)
    objects = _of_objects(stage, quantity, held)
    variance = float(objects.var(axis=1, ddof=1, dtype=np.float64).mean()) if objects.shape[1] > 1 else 0.0
    if record.groups is not None:
        variance, count = grouped_variance(objects, record.groups[held.objects(stage)[0]])
        freedom = min(freedom, max(count - 1, 1))
    if quantity == "error":
        smoothed = smoothed_share(value, 1.0, unit=overlap)
        variance = max(smoothed * (1 - smoothed), variance if record.groups is not None else 0.0)
    common = variance * overlap
    if isinstance(record.shares, CommonShares):
        common += shared_training(record.shares, stage, between, variance)
    independent = between / len(means)
    level = _level(quantity, value, t_quantile(0.975, freedom) * math.sqrt(independent + common))
    return Reading(stage.size, learned, level, independent, common)


def _between(means: Floats, quantity: Quantity) -> float | None:
    """Return the variance between replicates in units of `_scale`; None where there are fewer than two."""
    if len(means) < 2 or not np.isfinite(means).all():
        return None
    return float(means.var(ddof=1)) / max(_scale(float(means.mean()), quantity), math.ulp(0.0))


def _scale(value: float, quantity: Quantity) -> float:
    """Return value² for a relative difference: it halves from size to size, and its spread with it."""
    return value**2 if quantity == "relative" else 1.0


def _level(quantity: Quantity, value: float, margin: float) -> Level:
    if quantity == "relative":
        factor = math.exp(margin / value) if value > 0 else 1.0
        return Level(value, value / factor, value * factor)
    most = 1.0 if quantity == "error" else math.inf
    return Level(value, max(value - margin, 0.0), min(value + margin, most))


def _of_replicates(stage: Stage, quantity: Quantity) -> Floats:  # (live,)
    if quantity == "error":
        return 1 - stage.accuracy[stage.live]
    if quantity == "loss":
        return stage.unseen_loss[stage.live]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: Floats = stage.constant[stage.live] / (stage.size + 1) / stage.unseen_loss[stage.live]
    return ratio


def _of_objects(stage: Stage, quantity: Quantity, held: HeldOut) -> NDArray[Any]:  # (live, held_out)
    """Return what of each held-out object the quantity is a mean of, up to a constant."""
    if quantity == "error":
        return held.wrong(stage).astype(np.float32)
    losses = stage.unseen_losses[stage.live]
    if quantity == "loss":
        return losses
    gap = np.abs(losses - stage.train_loss[stage.live, None])
    unseen = stage.unseen_loss[stage.live, None]
    influence: NDArray[Any] = (gap - stage.constant[stage.live, None] / unseen * losses) / unseen
    return influence / (stage.size + 1)
