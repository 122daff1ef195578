"""The ladder of Lemma 1's bounds on δ_k, from what every stage of a Record measured.

Source: "Unraveling the Hessian" (Kiselev & Grabovoy), Theorem 1 and Lemma 1; `sufficient.landscape.bounds`
says what is corrected in each. All over live replicates only.

| symbol | meaning |
| --- | --- |
| k, θ_k | objects fitted, the point fitted on them |
| δ_k | measured difference of the mean loss by one more object, nats |
| M_ℓ | the largest loss of an object, seen or unseen, nats |
| M_H | the largest curvature of a probed object, nats per squared unit of parameter |
| R | distance in parameter space from θ_k within which the bound is meant to hold |

At θ_k itself (R = 0) M_ℓ/(k + 1) holds for every network. A bound with R > 0 rests on zero gradients at θ_k
(the paper's Assumption 1) and on the second-order expansion with the G-term, so it is approximate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sufficient.answer.answer import CurvePoint
from sufficient.answer.interval import curve
from sufficient.errors import UsageError
from sufficient.landscape.bounds import corrected_difference, printed_difference
from sufficient.study.record import Floats, Record, Stage

RungName = Literal["M_ℓ alone", "exact", "activation", "corrected", "corrected, one M_W", "printed"]


@dataclass(frozen=True)
class Rung:
    """One bound on δ_k."""

    name: RungName
    curvature: float | None  # M_H; None for the rung that needs none
    over_exact: float | None  # M_H over the exact M_H; None where that is 0
    bound: float | None  # Lemma 1's bound on δ_k, nats; None where R is unknown
    loose: float | None  # bound over δ_k; None where δ_k is 0
    valid: bool  # holds without assumptions; else approximate


@dataclass(frozen=True)
class Quantiles:
    """Exact ‖FᵀAF‖₂ over live replicates and probed objects: very skewed late in training."""

    q50: float
    q90: float
    q99: float
    largest: float


@dataclass(frozen=True)
class StageLadder:
    """One sample size. None, and no rungs, where no replicate lives."""

    k: int
    difference: float | None  # δ_k, nats
    learned: bool
    largest_loss: float | None  # M_ℓ
    radius: float | None  # R, also None at the first size unless it was given
    gradient_mean: float | None  # ‖∇L_k(θ_k)‖₂, mean over replicates
    gradient_largest: float | None
    exact: Quantiles | None
    rungs: tuple[Rung, ...]  # from `M_ℓ alone` to `printed`
    probed: int  # objects over live replicates whose curvature was measured
    violations: int  # of these: exact norm above Theorem 1 as printed
    replicates: int  # live ones
    dead: int

    def rung(self, name: RungName) -> Rung | None:
        """Return the rung of that name; None where no replicate lives."""
        return next((rung for rung in self.rungs if rung.name == name), None)


def ladder(record: Record, *, radius: float | None = None) -> tuple[StageLadder, ...]:
    """Return the ladder of every stage, in the order run.

    `radius`: R of every stage; by default the distance that the fitted point moved from the previous size,
    mean over live replicates, unknown at the first. Raises UsageError for one that is negative or not finite.
    """
    if radius is not None and not (math.isfinite(radius) and radius >= 0):
        raise UsageError(
            f"radius is {radius}, but a distance between parameters is a finite number of at least 0: "
            "give one, or leave it out for the distance moved between sizes."
        )
    return tuple(
        _stage(stage, point, radius) for stage, point in zip(record.stages, curve(record), strict=True)
    )


def _stage(stage: Stage, point: CurvePoint, radius: float | None) -> StageLadder:
    live = stage.live
    if not live.any():
        return StageLadder(
            point.k, None, False, None, radius, None, None, None, (), 0, 0, point.replicates, point.dead
        )
    exact = stage.norm_exact[live]
    moved = float(stage.distance[live].mean())
    reach = radius if radius is not None else moved if math.isfinite(moved) else None
    return StageLadder(
        k=point.k,
        difference=point.difference,
        learned=point.learned,
        largest_loss=point.largest_loss,
        radius=reach,
        gradient_mean=float(stage.gradient_norm[live].mean()),
        gradient_largest=float(stage.gradient_norm[live].max()),
        exact=_quantiles(exact),
        rungs=_rungs(stage, point, reach),
        probed=exact.size,
        violations=int((exact > stage.norm_printed[live, None]).sum()),
        replicates=point.replicates,
        dead=point.dead,
    )


def _quantiles(exact: Floats) -> Quantiles:
    return Quantiles(*(float(q) for q in np.quantile(exact, (0.5, 0.9, 0.99, 1.0))))


def _rungs(stage: Stage, point: CurvePoint, radius: float | None) -> tuple[Rung, ...]:
    live = stage.live
    norms: dict[RungName, Floats] = {
        "exact": stage.norm_exact,
        "activation": stage.norm_activation,
        "corrected": stage.norm_corrected,
        "corrected, one M_W": stage.norm_common,
        "printed": stage.norm_printed,
    }
    largest = float(stage.norm_exact[live].max())
    rungs = [_rung("M_ℓ alone", None, largest, point, 0.0)]
    rungs += [_rung(name, float(norm[live].max()), largest, point, radius) for name, norm in norms.items()]
    return tuple(rungs)


def _rung(
    name: RungName, curvature: float | None, exact: float, point: CurvePoint, radius: float | None
) -> Rung:
    lemma = printed_difference if name == "printed" else corrected_difference
    bound = loose = None
    if radius is not None and point.largest_loss is not None:
        bound = float(
            lemma(point.k, largest_loss=point.largest_loss, hessian_bound=curvature or 0.0, radius=radius)
        )
        loose = bound / point.difference if point.difference else None
    return Rung(
        name=name,
        curvature=curvature,
        over_exact=curvature / exact if curvature is not None and exact > 0 else None,
        bound=bound,
        loose=loose,
        valid=curvature is None,
    )
