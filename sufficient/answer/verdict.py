"""The verdict: one of three words, decided by six rules in a fixed order."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sufficient.answer import words
from sufficient.answer.answer import Answer, CurvePoint, Rate, SizeInterval, Verdict
from sufficient.answer.crossing import sufficient_size
from sufficient.answer.forecast import forecast
from sufficient.answer.interval import measure
from sufficient.answer.outlook import outlook
from sufficient.answer.rate import rate
from sufficient.errors import UsageError
from sufficient.notice import Notice
from sufficient.study.record import Record

CONFIRM = 2  # sizes in a row: one size alone is within tol by chance too often


def judge(record: Record, *, tol: float, confirm: int = CONFIRM) -> Answer:
    """Return everything that follows from the record for one tolerance (nats).

    `confirm`: at how many of the last sizes run the 95 % interval must lie within tol. Raises UsageError for
    a tolerance that is not finite and above 0, or confirm below 1.
    """
    _check(tol, confirm)
    measured = measure(record)
    points = tuple(stage.point for stage in measured)
    observed = rate(record, points)
    available = record.shares.k_available
    verdict, reason = _decide(points, observed, available, tol, confirm)
    warnings = [*record.notices, *words.stage_warnings(record)]
    if verdict != "sufficient" and reason.code != "STOPPED-EARLY" and not _complete(points, available):
        warnings.append(words.stopped_early(points, available, tol))
    size: int | None = None
    interval: SizeInterval | None = None
    if verdict == "sufficient":
        size, interval = sufficient_size(points, tol)
        reason = words.tolerance_met(points, size, tol, confirm)
        if interval[0] is None and size == next(p.k for p in points if p.learned):
            warnings.append(words.met_at_first_size(size, tol))
    return Answer(
        verdict=verdict,
        reasons=(reason,),
        tolerance=tol,
        k_available=available,
        k_sufficient=size,
        k_interval=interval,
        forecast=None if verdict == "sufficient" else forecast(record.shares, measured, tol=tol),
        curve=points,
        rate=observed,
        outlook=outlook(record, points),
        warnings=tuple(warnings),
    )


def certain(record: Record, *, tol: float, confirm: int = CONFIRM) -> bool:
    """Return whether the verdict is *sufficient* already, so that the study may stop."""
    _check(tol, confirm)
    return _confirmed([stage.point for stage in measure(record)], tol, confirm)


def _check(tol: float, confirm: int) -> None:
    if not (math.isfinite(tol) and tol > 0):
        raise UsageError(
            f"tol is {tol}, but a difference of losses can only be held against a finite number of nats "
            "above 0: give one, such as 1e-4."
        )
    if confirm < 1:
        raise UsageError(
            f"confirm is {confirm}, but at least 1 size must confirm the verdict: give 1 or more."
        )


def _decide(
    points: Sequence[CurvePoint], observed: Rate | None, available: int, tol: float, confirm: int
) -> tuple[Verdict, Notice]:
    """Return the verdict and the reason that decided it, by the first rule that applies."""
    complete = _complete(points, available)
    if not any(p.learned for p in points) or (complete and not points[-1].learned):
        if points and points[-1].dead > points[-1].replicates:
            return "inconclusive", words.dead_networks(points)
        return "inconclusive", words.nothing_learned(points)
    if _confirmed(points, tol, confirm):
        return "sufficient", Notice("TOLERANCE-MET", "")  # worded once k* is known
    if not complete:
        return "inconclusive", words.stopped_early(points, available, tol)
    last = points[-1]
    if last.lo is not None and last.lo > tol:
        return "insufficient", words.tolerance_not_met(last, tol)
    if last.hi is not None and last.hi <= tol:
        return "inconclusive", words.too_few_sizes(last, tol, confirm)
    if observed is not None and observed.interval[1] >= 0:
        return "inconclusive", words.curve_not_falling(last, observed, tol)
    return "inconclusive", words.interval_too_wide(last, tol)


def _complete(points: Sequence[CurvePoint], available: int) -> bool:
    """Return whether the whole fit pool was run."""
    return bool(points) and points[-1].k >= available


def _confirmed(points: Sequence[CurvePoint], tol: float, confirm: int) -> bool:
    """Return whether δ_k's interval is within tol at the last `confirm` sizes run, all learned."""
    last = points[-confirm:]
    return len(last) == confirm and all(p.learned and p.hi is not None and p.hi <= tol for p in last)
