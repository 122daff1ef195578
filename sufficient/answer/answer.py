"""What follows from a Record, as frozen values. Intervals are pairs; an open end is None."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sufficient.notice import Notice

Verdict = Literal["sufficient", "insufficient", "inconclusive"]
Extrapolation = Literal["none", "within-4x", "beyond-4x", "beyond-10x"]
Interval = tuple[float | None, float | None]
SizeInterval = tuple[int | None, int | None]


@dataclass(frozen=True)
class CurvePoint:
    """One stage as the verdict sees it: means over live replicates. None where no replicate lives."""

    k: int
    difference: float | None  # δ_k, nats
    lo: float | None  # 95 % interval of δ_k, nats
    hi: float | None
    constant: float | None  # C_k = (k + 1) δ_k, nats
    train_loss: float | None
    unseen_loss: float | None
    accuracy: float | None
    largest_loss: float | None  # M_ℓ over seen and unseen objects and live replicates, nats
    replicates: int  # live ones
    dead: int
    learned: bool


@dataclass(frozen=True)
class Rate:
    """Observed exponent of δ_k in k, beside Lemma 1's −1."""

    exponent: float
    interval: tuple[float, float]  # 95 %, over replicates


@dataclass(frozen=True)
class Forecast:
    """How many objects tol needs, by the damped trend (`forecast`). Intervals 90 %."""

    k_needed: int | None  # None beyond 10× the largest size
    k_interval: SizeInterval
    more_needed: int | None  # objects to collect at the same shares
    more_interval: SizeInterval
    extrapolation: Extrapolation
    probability_beyond_10x: float
    path: tuple[tuple[int, float, float, float], ...] = field(repr=False)  # (k, median δ, lo, hi), to draw


@dataclass(frozen=True)
class AtDouble:
    """Forecast at twice the largest size run. Intervals 90 %."""

    k: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    unseen_loss: float
    unseen_loss_interval: tuple[float, float]


@dataclass(frozen=True)
class Outlook:
    """Does more data help: held-out accuracy and loss at the largest size run, and at twice that."""

    k: int
    accuracy: float | None
    unseen_loss: float | None
    at_double: AtDouble | None  # None with too few learned sizes


@dataclass(frozen=True)
class Answer:
    """Everything that is concluded from one Record for one tolerance."""

    verdict: Verdict
    reasons: tuple[Notice, ...]  # the deciding one first
    tolerance: float  # nats
    k_available: int
    k_sufficient: int | None
    k_interval: SizeInterval | None
    forecast: Forecast | None
    curve: tuple[CurvePoint, ...]
    rate: Rate | None
    outlook: Outlook | None
    warnings: tuple[Notice, ...]
