"""What follows from a Record, as frozen values. Intervals are pairs; an open end is None."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from sufficient.answer.criteria import Criterion
from sufficient.notice import Notice

Verdict = Literal["sufficient", "insufficient", "inconclusive"]
Extrapolation = Literal["none", "within-4x", "beyond-4x", "beyond-10x"]
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
class Level:
    """A measured value with its 95 % interval."""

    value: float
    lo: float
    hi: float


@dataclass(frozen=True)
class Forecast:
    """How many objects a criterion needs: tol by the local trend, others by trend and laws too; 90 %."""

    k_needed: int | None  # None beyond 10× the largest size, or where `notices` says why
    k_interval: SizeInterval
    more_needed: int | None  # objects to collect at the same shares
    more_interval: SizeInterval
    extrapolation: Extrapolation | None  # None without a number
    probability_beyond_10x: float | None  # unreachable included; None without a number
    path: tuple[tuple[int, float, float, float], ...] = field(repr=False)  # (k, median, lo, hi), to draw
    probability_unreachable: float | None = None  # None for tol, which every curve meets in the end
    notices: tuple[Notice, ...] = ()  # why there is no number: peaking, flat, noisy, too short


@dataclass(frozen=True)
class AtDouble:
    """Forecast at twice the largest size run. Intervals 90 %."""

    k: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    unseen_loss: float
    unseen_loss_interval: tuple[float, float]
    gain: Level  # of accuracy, within each curve believed: surer than the accuracies that it lies between


@dataclass(frozen=True)
class Outlook:
    """Does more data help: held-out accuracy and loss at the largest size run, and at twice that."""

    k: int
    accuracy: float | None
    unseen_loss: float | None
    at_double: AtDouble | None  # None with too few learned sizes


@dataclass(frozen=True)
class CriterionAnswer:
    """What is concluded for one criterion."""

    criterion: Criterion
    asked: bool  # False: a tolerance that is drawn for reference and decides nothing
    verdict: Verdict
    reason: Notice
    k_sufficient: int | None  # None unless sufficient
    k_interval: SizeInterval | None  # 95 %
    at_last: Level | None  # its quantity at the last size run; of a least gain, what doubling brings (90 %)
    forecast: Forecast | None  # None when sufficient, for a least gain, or with too few sizes for a tolerance


@dataclass(frozen=True)
class ClassAnswer:
    """One class at the largest size that learned. Intervals 95 %."""

    name: str
    objects: int  # among the used ones
    held_out: int  # different objects of the class that some replicate was scored on
    accuracy: Level | None  # None where no replicate holds out one
    share_of_error: Level | None  # of all wrong answers; None where nothing is wrong
    objects_needed: int | None  # of the class in the data, for the accuracy asked for; None: not forecast
    needed_interval: SizeInterval | None  # 90 %; None without a forecast


@dataclass(frozen=True)
class Answer:
    """Everything that is concluded from one Record for what was asked."""

    verdict: Verdict  # sufficient when every criterion is, insufficient when one is, else inconclusive
    reasons: tuple[Notice, ...]  # the deciding one first, but for HELD-OUT-TOO-SMALL
    tolerance: float  # nats; drawn for reference where only other things are asked
    k_available: int  # of the fit pool, read so far
    not_read: int = field(default=0, kw_only=True)  # of the fit pool, as no size needed it
    k_sufficient: int | None  # the largest over criteria
    k_interval: SizeInterval | None
    forecast: Forecast | None  # of the tolerance
    curve: tuple[CurvePoint, ...]
    rate: Rate | None
    outlook: Outlook | None
    warnings: tuple[Notice, ...]
    criteria: tuple[CriterionAnswer, ...] = ()  # the tolerance first
    per_class: tuple[ClassAnswer, ...] = ()  # the largest share of the error first

    @property
    def asked(self) -> tuple[CriterionAnswer, ...]:
        """The criteria that decide."""
        return tuple(answer for answer in self.criteria if answer.asked)

    @property
    def of_tolerance(self) -> Answer:
        """The answer with the tolerance's own k* and forecast: what δ_k's figures mark."""
        for own in self.criteria:
            if own.criterion.kind == "tol":
                return replace(
                    self, k_sufficient=own.k_sufficient, k_interval=own.k_interval, forecast=own.forecast
                )
        return self
