"""The six rules of the verdict, the same for every quantity that falls towards what it is held against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sufficient.answer.answer import CurvePoint, Verdict
from sufficient.answer.series import Reading

Rule = Literal["dead", "not-learned", "met", "stopped", "not-met", "few", "open"]

VERDICT: dict[Rule, Verdict] = {
    "dead": "inconclusive", "not-learned": "inconclusive", "met": "sufficient", "stopped": "inconclusive",
    "not-met": "insufficient", "few": "inconclusive", "open": "inconclusive",
}  # fmt: skip


def unlearned(points: Sequence[CurvePoint], *, complete: bool) -> Rule | None:
    """Return the first rule, where it applies: no size learned, or the whole fit pool was run and did not."""
    if any(p.learned for p in points) and not (complete and not points[-1].learned):
        return None
    return "dead" if points and points[-1].dead > points[-1].replicates else "not-learned"


def decide(
    points: Sequence[CurvePoint],
    readings: Sequence[Reading],
    limit: float,
    *,
    complete: bool,  # the whole fit pool, read or not, was run
    confirm: int,
) -> Rule:
    """Return the first rule that applies to a quantity that shall end ≤ limit."""
    first = unlearned(points, complete=complete)
    if first is not None:
        return first
    if confirmed(readings, limit, confirm):
        return "met"
    if not complete:
        return "stopped"
    last = readings[-1].level
    if last is not None and last.lo > limit:
        return "not-met"
    return "few" if last is not None and last.hi <= limit else "open"


def confirmed(readings: Sequence[Reading], limit: float, confirm: int) -> bool:
    """Return whether the interval is within the limit at the last `confirm` sizes run, all learned."""
    last = readings[-confirm:]
    return len(last) == confirm and all(
        r.learned and r.level is not None and r.level.hi <= limit for r in last
    )
