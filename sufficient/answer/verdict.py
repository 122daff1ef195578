"""The verdict: one of three words for each criterion, by six rules in a fixed order, and one over all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sufficient.answer import target_words, words
from sufficient.answer.answer import Answer, CriterionAnswer, Level, Outlook, Verdict
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
    return judged(Measures(record), tol=tol, criteria=criteria, confirm=confirm)


def judge_each(
    record: Record,
    tolerances: Sequence[float],
    *,
    criteria: Sequence[Criterion] = (),
    tol_asked: bool = True,
    confirm: int = CONFIRM,
) -> tuple[Answer, ...]:
    """Return `judge` of each tolerance (nats), in their order; what none of them changes is computed once.

    `tol_asked` False: each is drawn for reference only.
    """
    measures = Measures(record)
    others = _others(measures, criteria, confirm)
    return tuple(
        _answer(measures, Criterion("tol", tol), tol_asked or not criteria, others, confirm)
        for tol in tolerances
    )


def judged(
    measures: Measures,
    *,
    tol: float | None = None,
    criteria: Sequence[Criterion] = (),
    confirm: int = CONFIRM,
) -> Answer:
    """Return `judge` of a record whose measures are at hand."""
    tolerance, asked = asked_of(tol, criteria)
    return _answer(measures, tolerance, asked, _others(measures, criteria, confirm), confirm)


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


def _others(
    measures: Measures, criteria: Sequence[Criterion], confirm: int
) -> tuple[tuple[CriterionAnswer, ...], tuple[Notice, ...]]:
    """Return the answers beside the tolerance's, and what of them the held-out share is too small to see."""
    _check(confirm)
    return tuple(answered(measures, each, confirm=confirm) for each in criteria), _too_small(
        measures, criteria
    )


def _answer(
    measures: Measures,
    tolerance: Criterion,
    asked: bool,
    others: tuple[tuple[CriterionAnswer, ...], tuple[Notice, ...]],
    confirm: int,
) -> Answer:
    own = answered(measures, tolerance, confirm=confirm, decides=asked)
    answers, unseen = (own, *others[0]), others[1]
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
    largest = max(deciding, key=lambda each: each.k_sufficient or 0) if verdict == "sufficient" else None
    return Answer(
        verdict=verdict,
        reasons=tuple(dict.fromkeys(reasons)),
        tolerance=tolerance.value,
        k_available=measures.record.shares.k_available,
        not_read=measures.record.shares.not_read,
        k_sufficient=None if largest is None else largest.k_sufficient,
        k_interval=None if largest is None else largest.k_interval,
        forecast=own.forecast,
        curve=measures.points,
        rate=measures.rate,
        outlook=_outlook(measures, deciding),
        warnings=tuple(warnings),
        criteria=answers,
        per_class=with_needs(measures, _accuracy_asked(deciding)),
    )


def _outlook(measures: Measures, answers: Sequence[CriterionAnswer]) -> Outlook | None:
    """Return the outlook; where a least gain is asked, accuracy at twice the size is what that was judged by.

    Its forecast knows what all sizes share; two forecasts of one doubling would contradict each other.
    """
    seen = measures.outlook
    asked = [each for each in answers if each.criterion.kind == "min-gain"]
    if not asked or seen is None or seen.accuracy is None or seen.at_double is None:
        return seen
    brings = asked[0].at_last
    if brings is None:
        return replace(seen, at_double=None)
    mean, lo, hi = (
        min(max(seen.accuracy + gained, 0.0), 1.0) for gained in (brings.value, brings.lo, brings.hi)
    )
    return replace(seen, at_double=replace(seen.at_double, accuracy=mean, accuracy_interval=(lo, hi)))


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
