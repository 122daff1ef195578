"""Is the held-out share large enough to see a target at all, and if not, how large would it have to be?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sufficient.answer.criteria import Criterion
from sufficient.answer.held_out import HeldOut
from sufficient.answer.normal import Z95
from sufficient.study.groups import HELD_OUT_READ
from sufficient.study.record import Record, Stage
from sufficient.study.shares import HELD_OUT_CAP, CommonShares

HALF = 0.5  # of the error at the target: a half-width that still tells an error of e from one of 1.5 e
TENTH = 0.1  # of the loss


@dataclass(frozen=True)
class Resolution:
    """How finely a target is seen with the held-out share at hand."""

    half_width: float  # of the 95 % interval at the target, from held-out objects alone
    allowed: float
    held_out: int  # objects that would do
    cap: int  # objects that are held out at most
    objects: int | None  # used objects that would do, at the same shares; None: no number of them
    rotating: int | None  # used objects that would do were all read, where that lets held-out shares rotate

    @property
    def enough(self) -> bool:
        """Whether the target can be seen."""
        return self.half_width <= self.allowed


def resolution(held: HeldOut, asked: Criterion, stage: Stage) -> Resolution | None:
    """Return how finely an accuracy, error or loss is seen; None for what is no target.

    Half-width z √(V κ) at the target: V = p (1 − p) for accuracy, at most half of 1 − p; V/U² as at this
    stage for loss, at most a tenth of it. κ falls as objects are added, so the ratio squared says how many:
    with shares that rotate κ = 1/m even where each is capped, with a common one 1/s, at least 1/cap.
    """
    if asked.kind not in ("accuracy", "error", "loss"):
        return None
    if asked.kind == "loss":
        losses = stage.unseen_losses[stage.live].astype(np.float64)
        relative = losses.var(axis=1, ddof=1).mean() / max(losses.mean() ** 2, 1e-300)
        variance, allowed = float(relative) * asked.value**2, TENTH * asked.value
    else:
        error = 1 - asked.value if asked.kind == "accuracy" else asked.value
        variance, allowed = error * (1 - error), HALF * error
    half = Z95 * math.sqrt(variance * held.overlap(stage))
    times = max((half / allowed) ** 2, 1.0)
    shares, growing = held.record.shares, _grew(held.record)
    needed, cap = _whole(shares.held_out * times), HELD_OUT_READ if growing else HELD_OUT_CAP
    capped = isinstance(shares, CommonShares) and needed > cap
    turns = capped and growing and held.record.groups is None
    return Resolution(
        half_width=half,
        allowed=allowed,
        held_out=needed,
        cap=cap,
        objects=None if capped else _whole(shares.all_objects * times),
        rotating=_whole(variance * (Z95 / allowed) ** 2) if turns else None,
    )


def _grew(record: Record) -> bool:
    """Return whether images were made into features as sizes needed them, which caps the common shares."""
    by_model = bool(record.features.get("made_by_model", record.groups is None))  # not said by older records
    return isinstance(record.shares, CommonShares) and by_model and not record.options.get("all_features")


def _whole(objects: float) -> int:
    return math.ceil(objects * (1 - 1e-12))
