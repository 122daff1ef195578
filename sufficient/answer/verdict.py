"""The verdict: one of three words for each criterion, by six rules in a fixed order, and one over all."""

from __future__ import annotations

from collections.abc import Sequence

from sufficient.answer import target_words, words
from sufficient.answer.answer import Answer, CriterionAnswer, Level, SizeInterval, Verdict
from sufficient.answer.criteria import Criterion, asked_of
from sufficient.answer.crossing import sufficient_size
from sufficient.answer.measures import Measures
from sufficient.answer.needs import QUANTITY, gain, need, with_needs
from sufficient.answer.resolution import resolution
from sufficient.answer.rules import VERDICT, decide, unlearned
from sufficient.answer.series import Reading
from sufficient.errors import UsageError
from sufficient.notice import Notice
from sufficient.study.record import Record

CONFIRM = 2  # sizes in a row: one size alone is within tol by chance too often


def judge(
    record: Record,
    *,
    tol: float | None = None,
    criteria: Sequence[Criterion] = (),
    confirm: int = CONFIRM,
) -> Answer:
    """Return everything that follows from the record for a tolerance (nats) and what else is asked.

    `criteria`: beside the tolerance. Without any the tolerance is 1e-4 unless given; with some and no `tol`,
    1e-4 is drawn for reference and decides nothing. `confirm`: at how many of the last sizes run the 95 %
    interval must be within what is asked. Raises UsageError for what cannot be meant.
    """
    measures = Measures(record)
    tolerance, asked = asked_of(tol, criteria)
    return _answer(measures, tolerance, criteria, decides=asked, confirm=confirm)


def judge_each(record: Record, tolerances: Sequence[float], *, confirm: int = CONFIRM) -> tuple[Answer, ...]:
    """Return `judge` of each tolerance (nats), in their order; what none of them changes is computed once."""
    measures = Measures(record)
    return tuple(_answer(measures, Criterion("tol", tol), confirm=confirm) for tol in tolerances)


def answered(
    measures: Measures, asked: Criterion, *, confirm: int = CONFIRM, decides: bool = True
) -> CriterionAnswer:
    """Return what is concluded for one criterion."""
    _check(confirm)
    if asked.kind == "min-gain":
        return _of_gain(measures, asked, confirm)
    readings, limit = _held_against(measures, asked)
    rule = decide(measures.points, readings, limit, complete=measures.complete, confirm=confirm)
    size = interval = None
    if rule == "met":
        size, interval = sufficient_size(readings, limit, linear=asked.kind in ("accuracy", "error"))
    last = _shown(readings[-1].level, asked) if readings else None
    speak = words.reason if asked.kind == "tol" else target_words.reason
    return CriterionAnswer(
        criterion=asked,
        asked=decides,
        verdict=VERDICT[rule],
        reason=speak(measures, asked, rule, last, size, confirm),
        k_sufficient=size,
        k_interval=interval,
        at_last=last,
        forecast=None if rule == "met" else need(measures, asked),
    )


def certain(
    record: Record,
    *,
    tol: float | None = None,
    criteria: Sequence[Criterion] = (),
    confirm: int = CONFIRM,
) -> bool:
    """Return whether the verdict is *sufficient* already, so that the study may stop."""
    _check(confirm)
    tolerance, asked = asked_of(tol, criteria)
    measures = Measures(record)
    return all(
        _certain(measures, each, confirm) for each in ((tolerance,) if asked else ()) + tuple(criteria)
    )


def levels(measures: Measures, asked: Criterion) -> tuple[tuple[int, Level], ...]:
    """Return (k, value with its 95 % interval) of the criterion's quantity at each size that learned."""
    readings, _ = _held_against(measures, asked)
    found = ((r.k, _shown(r.level, asked)) for r in readings if r.learned)
    return tuple((k, level) for k, level in found if level is not None)


def _certain(measures: Measures, asked: Criterion, confirm: int) -> bool:
    if asked.kind == "min-gain":
        return _little_to_gain(measures, asked, confirm)
    readings, limit = _held_against(measures, asked)
    return decide(measures.points, readings, limit, complete=measures.complete, confirm=confirm) == "met"


def _check(confirm: int) -> None:
    if confirm < 1:
        raise UsageError(
            f"confirm is {confirm}, but at least 1 size must confirm the verdict: give 1 or more."
        )


def _held_against(measures: Measures, asked: Criterion) -> tuple[tuple[Reading, ...], float]:
    """Return the readings that fall, and what they shall end within."""
    if asked.kind == "tol":
        return measures.difference, asked.value
    limit = 1 - asked.value if asked.kind == "accuracy" else asked.value
    return measures.readings(QUANTITY[asked.kind]), limit


def _shown(level: Level | None, asked: Criterion) -> Level | None:
    """Return a reading as the criterion's own quantity."""
    if level is None or asked.kind != "accuracy":
        return level
    return Level(1 - level.value, 1 - level.hi, 1 - level.lo)


def _answer(
    measures: Measures,
    tolerance: Criterion,
    criteria: Sequence[Criterion] = (),
    *,
    decides: bool = True,  # the tolerance
    confirm: int,
) -> Answer:
    own = answered(measures, tolerance, confirm=confirm, decides=decides)
    answers = (own, *(answered(measures, each, confirm=confirm) for each in criteria))
    unseen = _too_small(measures, criteria)
    deciding = [each for each in answers if each.asked]
    verdict = _over(deciding)
    reasons = [each.reason for each in sorted(deciding, key=lambda each: each.verdict != verdict)]
    warnings = list(measures.warnings)
    if verdict == "sufficient":
        warnings += unseen
    else:
        reasons = [*unseen, *reasons]
        if not measures.complete and all(reason.code != "STOPPED-EARLY" for reason in reasons):
            warnings.append(words.stopped_early(measures, tolerance.value))
    warnings += [words.met_at_first_size(each) for each in deciding if _at_first(measures, each)]
    size, interval = _enough_for_all(deciding) if verdict == "sufficient" else (None, None)
    return Answer(
        verdict=verdict,
        reasons=tuple(dict.fromkeys(reasons)),
        tolerance=tolerance.value,
        k_available=measures.record.shares.k_available,
        not_read=measures.record.shares.not_read,
        k_sufficient=size,
        k_interval=interval,
        forecast=own.forecast,
        curve=measures.points,
        rate=measures.rate,
        outlook=measures.outlook,
        warnings=tuple(warnings),
        criteria=answers,
        per_class=with_needs(measures, _accuracy_asked(deciding)),
    )


def _enough_for_all(answers: Sequence[CriterionAnswer]) -> tuple[int, SizeInterval]:
    """Return the size from which every criterion is met, with its interval.

    The maximum of the sizes, of the known lower ends (each size is at least its own), and of the upper ends:
    None where one of them is not known.
    """
    ends = [each.k_interval or (None, None) for each in answers]
    lower = [lo for lo, _ in ends if lo is not None]
    upper = [hi for _, hi in ends if hi is not None]
    size = max(each.k_sufficient or 0 for each in answers)
    return size, (max(lower, default=None), max(upper) if len(upper) == len(ends) else None)


def _over(answers: Sequence[CriterionAnswer]) -> Verdict:
    """Return sufficient when every criterion is, insufficient when one is, else inconclusive."""
    found = {each.verdict for each in answers}
    if found == {"sufficient"}:
        return "sufficient"
    return "insufficient" if "insufficient" in found else "inconclusive"


def _accuracy_asked(answers: Sequence[CriterionAnswer]) -> Criterion | None:
    asked = (each.criterion for each in answers if each.criterion.kind in ("accuracy", "error"))
    return next(asked, None)


def _at_first(measures: Measures, answer: CriterionAnswer) -> bool:
    """Return whether k* is only the first size that learned."""
    return (
        answer.criterion.kind != "min-gain"
        and answer.k_interval is not None
        and answer.k_interval[0] is None
        and answer.k_sufficient == next(p.k for p in measures.points if p.learned)
    )


def _too_small(measures: Measures, criteria: Sequence[Criterion]) -> tuple[Notice, ...]:
    if not any(measures.learned):
        return ()
    last = measures.record.stages[max(i for i, counts in enumerate(measures.learned) if counts)]
    found = ((each, resolution(measures.held_out, each, last)) for each in criteria)
    return tuple(
        target_words.held_out_too_small(measures, each, seen)
        for each, seen in found
        if seen is not None and not seen.enough
    )


def _little_to_gain(measures: Measures, asked: Criterion, confirm: int) -> bool:
    """Return whether doubling each of the last `confirm` sizes run, all learned, brings less than asked."""
    last = measures.learned[-confirm:]
    if len(last) < confirm or not all(last):
        return False
    found = (gain(measures, without_last=i) for i in range(confirm))
    return all(level is not None and level.hi < asked.value for level in found)


def _of_gain(measures: Measures, asked: Criterion, confirm: int) -> CriterionAnswer:
    """Return sufficient where doubling would gain less than asked for, insufficient where it gains more."""
    verdict: Verdict = "inconclusive"
    size = interval = None
    level = gain(measures) if measures.learned and measures.learned[-1] else None
    if unlearned(measures.points, complete=measures.complete) is None:
        if _little_to_gain(measures, asked, confirm):
            verdict, size = "sufficient", measures.points[-1].k
            interval = (None, size)
        elif measures.complete and level is not None and level.lo > asked.value:
            verdict = "insufficient"
    return CriterionAnswer(
        criterion=asked,
        asked=True,
        verdict=verdict,
        reason=target_words.gain_reason(measures, asked, verdict, level),
        k_sufficient=size,
        k_interval=interval,
        at_last=level,
        forecast=None,
    )
