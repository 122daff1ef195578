"""Is the held-out share large enough to see a target at all, and if not, how large would it have to be?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from sufficient.answer.criteria import Criterion
from sufficient.answer.held_out import HeldOut
from sufficient.study.record import Stage

Z = float(ndtri(0.975))
HALF = 0.5  # of the error at the target: a half-width that still tells an error of e from one of 1.5 e
TENTH = 0.1  # of the loss


@dataclass(frozen=True)
class Resolution:
    """How finely a target is seen with the held-out share at hand."""

    half_width: float  # of the 95 % interval at the target, from held-out objects alone
    allowed: float
    held_out: int  # objects that would do
    objects: int  # used objects that would do, at the same shares

    @property
    def enough(self) -> bool:
        """Whether the target can be seen."""
        return self.half_width <= self.allowed


def resolution(held: HeldOut, asked: Criterion, stage: Stage) -> Resolution | None:
    """Return how finely an accuracy, error or loss is seen; None for what is no target.

    Half-width z √(V κ) at the target: V = p (1 − p) for accuracy, at most half of 1 − p; V/U² as at this
    stage for loss, at most a tenth of it. κ falls as objects are added, so the ratio squared says how many.
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
    half = Z * math.sqrt(variance * held.overlap(stage))
    times = max((half / allowed) ** 2, 1.0)
    shares = held.record.shares
    return Resolution(
        half_width=half,
        allowed=allowed,
        held_out=math.ceil(shares.held_out * times * (1 - 1e-12)),
        objects=math.ceil((shares.used + shares.not_read) * times * (1 - 1e-12)),
    )
