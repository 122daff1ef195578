"""The curve as the verdict sees it: means over live replicates, what learned, and δ_k's interval.

Symbols: k objects fitted, r replicate, R live replicates, m used objects, s held-out objects,
g = |ℓ(θ_k; x) − L_k(θ_k)| of a held-out object, C_k^r its mean over replicate r's held-out objects.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from sufficient.answer.answer import CurvePoint
from sufficient.study.record import Floats, Record, Stage
from sufficient.study.shares import Shares

NEIGHBOURS_FROM = 3  # stages of one learned state; below it a stage's neighbours are most of the curve


@dataclass(frozen=True)
class Spread:
    """What the interval of C_k is made of. Both variances are relative: divided by C_k²."""

    replicates: float  # s²_k / (R C_k²), falls as replicates are added
    objects: float  # V_k κ / C_k², does not: the used objects are one sample
    freedom: int  # degrees of freedom of the t quantile


@dataclass(frozen=True)
class Measured:
    """One stage of the curve with the parts of its interval."""

    point: CurvePoint
    spread: Spread | None  # None with fewer than 2 live replicates, or C_k = 0


def t_quantile(probability: float, freedom: float) -> float:
    """Return the quantile of Student's t."""
    return float(stdtrit(freedom, probability))


def curve(record: Record) -> tuple[CurvePoint, ...]:
    """Return one point a stage, in the order run."""
    return tuple(stage.point for stage in measure(record))


def measure(record: Record) -> tuple[Measured, ...]:
    """Return one point a stage, with the parts of its interval, in the order run.

    se² = s²_k/R + V_k κ. s²_k = C_k² × (Var_r(C^r)/C² averaged over the size and its neighbours among the
    stages of the same learned state); V_k the variance of g over held-out objects, averaged over r;
    κ = max(1/m, ō/s²), ō the mean number of held-out objects that two live replicates share.

    To first order Var(C_k) = Var(ψ)/m + rest/R, ψ one object's influence when trained on, validated on and
    held out: only the rest falls with R. V_k κ stands in for the first term; it is a calibrated surrogate,
    not a bound.
    """
    entropy = record.class_entropy
    learned = [has_learned(stage, entropy) for stage in record.stages]
    own = [_relative_variance(stage) for stage in record.stages]
    shared = shared_held_out(record.shares)
    measured = []
    for i, stage in enumerate(record.stages):
        pooled = _pooled(own, learned, i)
        spread = None
        if pooled is not None:
            spread = _spread(stage, *pooled, _kappa(record.shares, shared, stage.live))
        measured.append(Measured(_point(stage, learned[i], spread), spread))
    return tuple(measured)


def has_learned(stage: Stage, entropy: float) -> bool:
    """Return whether unseen loss is below the loss of knowing only the class frequencies, with confidence.

    mean_r + t_0.975,R−1 sd_r/√R of (unseen loss − entropy) < 0 over live replicates. Never with half or more
    of the replicates dead, nor with fewer than 2 alive. Without this test an untrained network's C_k, only
    the spread of its first logits, passes for a small difference.
    """
    live = int(stage.live.sum())
    if live < 2 or 2 * live <= len(stage.dead):
        return False
    excess = stage.unseen_loss[stage.live] - entropy
    margin = t_quantile(0.975, live - 1) * excess.std(ddof=1) / math.sqrt(live)
    return bool(excess.mean() + margin < 0)


def shared_held_out(
    shares: Shares,
) -> Floats:  # (R, R)
    """Return how many held-out objects each two replicates share."""
    held = np.zeros((shares.replicates, shares.used), dtype=np.float32)
    for r in range(shares.replicates):
        held[r, shares.unseen(r)] = 1
    return (held @ held.T).astype(np.float64)  # counts below 2²⁴: exact in float32


def _kappa(shares: Shares, shared: Floats, live: NDArray[np.bool_]) -> float:
    """Return κ = max(1/m, ō/s²); one held-out set common to all replicates gives 1/s."""
    among = shared[np.ix_(live, live)]
    alive = len(among)
    mean_shared = (among.sum() - np.trace(among)) / (alive * (alive - 1))
    return max(1 / shares.used, float(mean_shared) / shares.held_out**2)


def _relative_variance(stage: Stage) -> float | None:
    """Return Var_r(C^r)/C² over live replicates (Var with R − 1), or None where it is undefined."""
    constant = stage.constant[stage.live]
    if len(constant) < 2 or constant.mean() <= 0:
        return None
    return float(constant.var(ddof=1) / constant.mean() ** 2)


def _pooled(own: Sequence[float | None], learned: Sequence[bool], i: int) -> tuple[float, int] | None:
    """Return stage i's relative variance between replicates and how many (R − 1) of freedom it has."""
    alike = [j for j in range(len(own)) if learned[j] == learned[i] and own[j] is not None]
    if i not in alike:
        return None
    at = alike.index(i)
    window = alike[max(at - 1, 0) : at + 2] if len(alike) >= NEIGHBOURS_FROM else [i]
    values = [value for j in window if (value := own[j]) is not None]
    return sum(values) / len(values), 2 if len(alike) >= NEIGHBOURS_FROM else 1


def _spread(stage: Stage, relative: float, freedoms: int, kappa: float) -> Spread:
    live = int(stage.live.sum())
    constant = float(stage.constant[stage.live].mean())
    variance = float(stage.variance[stage.live].mean())
    return Spread(relative / live, variance * kappa / constant**2, freedoms * (live - 1))


def _point(stage: Stage, learned: bool, spread: Spread | None) -> CurvePoint:
    """Return the stage's means; interval C_k exp(± t_0.975 se/C_k), and δ = C/(k + 1)."""
    live = stage.live
    alive = int(live.sum())

    def mean(values: Floats) -> float | None:
        return float(values[live].mean()) if alive else None

    constant = mean(stage.constant)
    difference = None if constant is None else constant / (stage.size + 1)
    lo = hi = None
    if spread is not None and difference is not None:
        factor = math.exp(t_quantile(0.975, spread.freedom) * math.sqrt(spread.replicates + spread.objects))
        lo, hi = difference / factor, difference * factor
    elif learned and difference == 0:  # every replicate is right about every object: there is no spread
        lo = hi = 0.0
    largest = np.maximum(stage.largest_seen, stage.largest_unseen)[live]
    return CurvePoint(
        k=stage.size,
        difference=difference,
        lo=lo,
        hi=hi,
        constant=constant,
        train_loss=mean(stage.train_loss),
        unseen_loss=mean(stage.unseen_loss),
        accuracy=mean(stage.accuracy),
        largest_loss=float(largest.max()) if alive else None,
        replicates=alive,
        dead=len(live) - alive,
        learned=learned,
    )
