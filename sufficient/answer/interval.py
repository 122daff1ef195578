"""The curve as the verdict sees it: means over live replicates, what learned, and δ_k's interval.

Symbols: k objects fitted, r replicate, R live replicates, m used objects, s held-out objects,
g = |ℓ(θ_k; x) − L_k(θ_k)| of a held-out object, C_k^r its mean over replicate r's held-out objects.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from sufficient.answer.answer import CurvePoint
from sufficient.study.record import Floats, Record, Stage
from sufficient.study.shares import AnyShares, CommonShares, ExtendedShares, Index

NEIGHBOURS_FROM = 3  # stages of one learned state; below it a stage's neighbours are most of the curve


@dataclass(frozen=True)
class Spread:
    """What the interval of C_k is made of. Both variances are relative: divided by C_k²."""

    replicates: float  # s²_k / (R C_k²), falls as replicates are added
    objects: float  # (V_k κ + c_k)/C_k², does not: the used objects are one sample
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

    se² = s²_k/R + V_k κ + c_k. s²_k = C_k² × (Var_r(C^r)/C² averaged over the size and its neighbours among
    the stages of the same learned state); V_k the variance of g over held-out objects, averaged over r, as
    their mean has it where they come in groups; κ = max(1/m, ō/s²), ō the mean number of held-out objects
    that two live replicates share; c_k is 0 for shares that rotate, and `shared_training` for common ones.

    To first order Var(C_k) = Var(ψ)/m + rest/R, ψ one object's influence when trained on, validated on and
    held out: only the rest falls with R. V_k κ stands in for the first term; it is a calibrated surrogate,
    not a bound.
    """
    learned = learned_stages(record)
    own = [_relative_variance(stage) for stage in record.stages]
    held = [stage.unseen_losses.shape[1] for stage in record.stages]
    shared = {count: shared_held_out(record.shares, count) for count in set(held)}
    measured = []
    for i, stage in enumerate(record.stages):
        between = pooled(own, learned, i)
        spread = None
        if between is not None:
            overlap = kappa(record.shares, shared[held[i]], stage.live, held_out=held[i])
            spread = _spread(record, stage, *between, overlap)
        measured.append(Measured(_point(stage, learned[i], spread), spread))
    return tuple(measured)


def learned_stages(record: Record) -> list[bool]:
    """Return of each stage whether it learned, with the spread of a common held-out share where it is one."""
    entropy, common = record.class_entropy, isinstance(record.shares, CommonShares)
    return [
        has_learned(stage, entropy, _common_loss_variance(record, stage) if common else 0.0)
        for stage in record.stages
    ]


def has_learned(stage: Stage, entropy: float, shared_variance: float = 0.0) -> bool:
    """Return whether unseen loss is below the loss of knowing only the class frequencies, with confidence.

    mean_r + t_0.975,R−1 √(sd²_r/R + shared variance) of (unseen loss − entropy) < 0 over live replicates;
    `shared_variance`, nats², is that of a mean over held-out objects that they have in common. Never with
    half or more of the replicates dead, nor with fewer than 2 alive. Without this test an untrained network's
    C_k, only the spread of its first logits, passes for a small difference.
    """
    live = int(stage.live.sum())
    if live < 2 or 2 * live <= len(stage.dead):
        return False
    excess = stage.unseen_loss[stage.live] - entropy
    margin = t_quantile(0.975, live - 1) * math.sqrt(excess.var(ddof=1) / live + shared_variance)
    return bool(excess.mean() + margin < 0)


def shared_held_out(shares: AnyShares, held_out: int | None = None) -> Floats:  # (R, R)
    """Return how many held-out objects each two replicates share; `held_out`: of the first so many."""
    held = np.zeros((shares.replicates, shares.used), dtype=np.float32)
    for r in range(shares.replicates):
        held[r, shares.held_out_objects(r)[:held_out]] = 1
    return (held @ held.T).astype(np.float64)  # counts below 2²⁴: exact in float32


def kappa(shares: AnyShares, shared: Floats, live: NDArray[np.bool_], *, held_out: int) -> float:
    """Return κ = max(1/m, ō/s²); one held-out set common to all replicates gives 1/s.

    `held_out`: s of the stage, smaller than today's where it was run before the data grew; m is that of then.
    """
    among = shared[np.ix_(live, live)]
    alive = len(among)
    mean_shared = (among.sum() - np.trace(among)) / (alive * (alive - 1))
    used = shares.used_with(held_out) if isinstance(shares, ExtendedShares) else shares.used
    return max(1 / used, float(mean_shared) / held_out**2)


def _relative_variance(stage: Stage) -> float | None:
    """Return Var_r(C^r)/C² over live replicates (Var with R − 1), or None where it is undefined."""
    constant = stage.constant[stage.live]
    if len(constant) < 2 or constant.mean() <= 0:
        return None
    return float(constant.var(ddof=1) / constant.mean() ** 2)


def pooled(own: Sequence[float | None], learned: Sequence[bool], i: int) -> tuple[float, int] | None:
    """Return stage i's relative variance between replicates and how many (R − 1) of freedom it has."""
    alike = [j for j in range(len(own)) if learned[j] == learned[i] and own[j] is not None]
    if i not in alike:
        return None
    at = alike.index(i)
    window = alike[max(at - 1, 0) : at + 2] if len(alike) >= NEIGHBOURS_FROM else [i]
    values = [value for j in window if (value := own[j]) is not None]
    return sum(values) / len(values), 2 if len(alike) >= NEIGHBOURS_FROM else 1


def _spread(record: Record, stage: Stage, relative: float, freedoms: int, kappa: float) -> Spread | None:
    live = int(stage.live.sum())
    freedom = freedoms * (live - 1)
    constant = float(stage.constant[stage.live].mean())
    variance = float(stage.variance[stage.live].mean())
    if record.groups is not None:
        held = record.groups[record.held_out_objects(stage)[0]]
        gap = np.abs(stage.unseen_losses[stage.live] - stage.train_loss[stage.live, None])
        variance, count = grouped_variance(gap, held)
        if count < 2:
            return None
        freedom = min(freedom, count - 1)
    objects = variance * kappa / constant**2
    if isinstance(record.shares, CommonShares):
        objects += shared_training(record.shares, stage, relative, variance / constant**2)
    return Spread(relative / live, objects, freedom)


def grouped_variance(values: NDArray[Any], groups: Index) -> tuple[float, int]:
    """Return (V, G): V/s is the variance of a mean over s values (R, s) in G groups, averaged over R.

    V = G/(G − 1) · Σ_groups (Σ of deviations)²/s; with every object alone it is the usual variance. Objects
    of one group are not independent; of independent groups it is right whatever binds their members.
    """
    number = np.unique(groups, return_inverse=True)[1]
    count = int(number.max()) + 1
    deviation = (values - values.mean(axis=1, keepdims=True)).astype(np.float64)
    squares = [(np.bincount(number, row) ** 2).sum() for row in deviation]
    return float(np.mean(squares)) / values.shape[1] * count / max(count - 1, 1), count


def shared_training(shares: CommonShares, stage: Stage, between: float, variance: float) -> float:
    """Return the covariance of two replicates' C_k that comes of fitting the same objects, over C_k².

    With φ one fitted object's influence, C^r = C + Σ_{i fitted by r} φ_i/k + noise of r's own, of variance ν:
    two replicates that share ō of k objects have covariance c = Var(φ) ō/k², and the variance between them
    is s² = Var(φ) (k − ō)/k² + ν. A mean over R has variance s²/R + c, and c = (s² − ν) ō/(k − ō) is at most
    s² ō/(k − ō). That says nothing once all replicates fit nearly the same objects; there V/w stands in
    for the influence of the w objects of the window, as V κ does elsewhere. The smaller of the two is taken.
    """
    live, size = np.flatnonzero(stage.live), stage.size
    among = shares.shared(size)[np.ix_(live, live)]
    mean_shared = float(among.sum() - np.trace(among)) / (len(live) * (len(live) - 1))
    window = shares.window(size)
    if mean_shared >= size:
        return variance / window
    return min(between * mean_shared / (size - mean_shared), variance / window)


def _common_loss_variance(record: Record, stage: Stage) -> float:
    """Return the variance (nats²) of the live replicates' mean loss over the one held-out share."""
    if not stage.live.any():
        return 0.0
    unseen = record.held_out_objects(stage)[0]
    losses = stage.unseen_losses[stage.live].astype(np.float64).mean(axis=0, keepdims=True)
    groups = np.arange(len(unseen)) if record.groups is None else record.groups[unseen]
    return grouped_variance(losses, groups)[0] / len(unseen)


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
