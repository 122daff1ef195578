"""What was asked and what each thing came to, in words; the classes that most of the error is in."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sufficient.answer.answer import Answer, ClassAnswer, CriterionAnswer, Forecast, Level, SizeInterval
from sufficient.answer.criteria import Criterion
from sufficient.answer.horizon import FARTHEST
from sufficient.answer.per_class import MOST_NAMED, worst
from sufficient.answer.target_words import shown
from sufficient.answer.trend import FEWEST_SIZES
from sufficient.notice import Notice
from sufficient.rounding import about, ends, interval, listed, objects, percent, share, signed, tolerance

WORTH_SAYING = 0.01  # probability from which a chance is given
ASKED = "asked"  # label of the lines that say what each thing asked came to
WANTED = {
    "tol": "a tolerance of {} nats",
    "rel-tol": "a relative tolerance of {}",
    "accuracy": "an accuracy of {}",
    "error": "an error of {}",
    "loss": "a loss of {} nats",
    "min-gain": "gaining less than {} by doubling",
}


def phrases(answer: Answer) -> str:
    """Return what the verdict is about, short: `at tol 1e-4 nats`, `for accuracy 0.95 and loss 0.2 nats`."""
    at_hand = _named(answer)
    said = listed([each.phrase for each in at_hand])
    return f"at {said}" if [each.kind for each in at_hand] == ["tol"] else f"for {said}"


def wanted(answer: Answer) -> str:
    """Return what the verdict is about in a sentence: `a tolerance of 1e-4 nats`; all that fails, if any."""
    failing = [each.criterion for each in at_issue(answer) if each.verdict == "insufficient"]
    return listed([WANTED[each.kind].format(tolerance(each.value)) for each in failing or _named(answer)])


def at_issue(answer: Answer) -> tuple[CriterionAnswer, ...]:
    """Return the criteria that make the verdict what it is."""
    return tuple(each for each in answer.asked if each.verdict == answer.verdict)


def _named(answer: Answer) -> list[Criterion]:
    """Return the criteria that a title names: all where all are met, else the one that made the verdict."""
    found = at_issue(answer)
    if answer.verdict == "insufficient":
        most = hardest(answer)
        found = (most,) if most in found and most is not None else found[:1]
    elif answer.verdict == "inconclusive" and answer.reasons:
        found = tuple(each for each in found if each.reason == answer.reasons[0])[:1] or found
    return [each.criterion for each in found] or [Criterion("tol", answer.tolerance)]


def deciding(answer: Answer) -> tuple[Notice, ...]:
    """Return the reasons that made the verdict; those of other criteria stand in the result."""
    others = {each.reason for each in answer.asked} - {each.reason for each in at_issue(answer)}
    return tuple(notice for notice in answer.reasons if notice not in others)


def unmet(answer: Answer) -> tuple[CriterionAnswer, ...]:
    """Return what is asked and not met; of an answer that lists no criteria, its tolerance."""
    if answer.criteria:
        return tuple(each for each in answer.asked if each.verdict != "sufficient")
    if answer.verdict == "sufficient":
        return ()
    own, why = Criterion("tol", answer.tolerance), answer.reasons[0] if answer.reasons else Notice("", "")
    return (CriterionAnswer(own, True, answer.verdict, why, None, None, None, answer.forecast),)


def hardest(answer: Answer) -> CriterionAnswer | None:
    """Return what is asked and not met that needs most; one without a number only where none has one."""
    return max(unmet(answer), key=_reach, default=None)


def joint_need(answer: Answer, level: str = "") -> str:
    """Return what all that is asked needs: the number of what needs most, and what has none or may fail.

    `about 9,410 [8,690, 10,390] objects to fit are needed`, or of several, `accuracy 0.92 needs most: …`;
    `level` stands behind a number that has an interval.
    """
    open_, most = unmet(answer), hardest(answer)
    if most is None:
        return ""
    if len(open_) == 1:
        said = needed(most, "objects to fit are needed")
    elif has_number(most):
        said = f"{most.criterion.phrase} needs most: {needed(most, 'objects to fit')}"
        said += level if most.forecast is not None and most.forecast.k_needed is not None else ""
    else:
        return f"no number of objects can be given for {listed([each.criterion.phrase for each in open_])}"
    unsure = max(open_, key=_never)
    if _never(unsure) >= WORTH_SAYING:
        said += f"; with a chance of {percent(_never(unsure))} {unsure.criterion.phrase} is never reached"
    if without := [each.criterion.phrase for each in open_ if each is not most and not has_number(each)]:
        said += f"; {listed(without)} {'has' if len(without) == 1 else 'have'} no number of objects"
    return said


def needed(answer: CriterionAnswer, noun: str = "needed") -> str:
    """Return how many a criterion needs: `about 12,300 [9,800, 17,000] needed`; `noun` follows the number."""
    forecast = answer.forecast
    if answer.criterion.kind == "min-gain":
        return "this criterion has no number of objects: it asks what doubling brings"
    if forecast is None:
        return (
            "how many are needed cannot be forecast from what was run: the trend takes "
            f"{FEWEST_SIZES} sizes that learned"
        )
    if forecast.notices:
        return f"how many are needed cannot be forecast ({forecast.notices[0].code.lower()})"
    if forecast.k_needed is None:
        return _beyond(forecast, noun)
    if forecast.extrapolation == "none":
        return met_as_forecast(forecast.k_needed, forecast.k_interval[1])
    return f"{_to_fit(forecast, forecast.k_needed)} {noun}"


def has_number(answer: CriterionAnswer) -> bool:
    """Return whether the criterion has a forecast number, be it only a lower bound."""
    return answer.forecast is not None and not answer.forecast.notices


def farthest(forecast: Forecast) -> str:
    """Return how far a forecast reaches: `70,000`, that is 10 × the last size run."""
    return objects(FARTHEST * forecast.path[0][0]) if forecast.path else f"{FARTHEST} × as many"


def at_least(forecast: Forecast) -> str:
    """Return what is said of a number out of reach: `10 × what was run; at least 44,000 (95 %)`."""
    lower = forecast.k_interval[0]
    return (
        f"{FARTHEST} × what was run{' (95 %)' if lower is None else f'; at least {about(lower, 2)} (95 %)'}"
    )


def _beyond(forecast: Forecast, noun: str) -> str:
    sure = "" if forecast.k_interval[0] is None else "probably "
    return f"{sure}more than {farthest(forecast)} {noun} ({at_least(forecast).replace(' (95 %)', ', 95 %')})"


def met_as_forecast(last: int, upper: int | None) -> str:
    """Return that the forecast, which starts at the last size run, is met there."""
    most = "an open number" if upper is None else about(upper, exact=(last,))
    reach = "" if upper == last else f", {most} at most (95 %)"
    return f"met at k = {last:,} as forecast{reach}; one more size is needed to confirm it"


def _to_fit(forecast: Forecast, needed: int) -> str:
    """Return the forecast size with its interval; the last size run, where an end is that, in full."""
    run = [k for k, *_ in forecast.path[:1]]
    return (
        f"about {with_ends(needed, forecast.k_interval, forecast_digits(forecast.extrapolation), exact=run)}"
    )


def forecast_digits(extrapolation: str | None) -> int:
    """Return how many digits of a forecast size are worth showing: its interval grows with distance."""
    return 3 if extrapolation in ("none", "within-4x") else 2


def with_ends(count: int, interval_ends: SizeInterval, digits: int, *, exact: Collection[int] = ()) -> str:
    """Return a count with its interval, rounded to the same place; `exact` as for `about`."""
    span = ends(interval_ends, like=count, digits=digits, exact=exact)
    return f"{about(count, digits, exact=exact)} {span}"


def criterion_lines(answer: Answer, *, fitted: float | None = None) -> list[tuple[str, str]]:
    """Return one line for each thing that is asked beside a tolerance, its name first.

    `fitted`: the share of what is collected that is fitted, where it is known.
    """
    run = [point.k for point in answer.curve]
    others = [each for each in answer.asked if each.criterion.kind != "tol"]
    return [(ASKED, _criterion_line(each, run, fitted)) for each in others]


def _criterion_line(answer: CriterionAnswer, run: Sequence[int], fitted: float | None) -> str:
    asked = answer.criterion
    parts = [f"{asked.phrase}: {answer.verdict}"]
    if answer.at_last is not None:
        parts.append(_now(asked, answer.at_last))
    if answer.k_sufficient is not None and asked.kind == "min-gain":
        parts.append(f"met at k = {answer.k_sufficient:,}; not looked for earlier")
    elif answer.k_sufficient is not None:
        span = with_ends(answer.k_sufficient, answer.k_interval or (None, None), 3, exact=run)
        parts.append(f"k* = {span} (95 %)")
    elif asked.kind != "min-gain":
        parts.append(_need(answer, fitted))
    return ", ".join(parts)


def _now(asked: Criterion, level: Level) -> str:
    if asked.kind == "min-gain":
        span = interval((level.lo, level.hi), lambda end: signed(end, 3))
        return f"doubling brings {signed(level.value, 3)} {span} (90 %)"
    return f"{shown(asked, level.value)} {interval((level.lo, level.hi), lambda end: shown(asked, end))} now"


def _need(answer: CriterionAnswer, fitted: float | None) -> str:
    forecast = answer.forecast
    if forecast is None or forecast.notices or forecast.extrapolation == "none":
        return needed(answer)
    said = needed(answer) if forecast.k_needed is None else f"{needed(answer)} (90 %)"
    if forecast.more_needed and forecast.k_needed is not None:
        said = f"{_to_fit(forecast, forecast.k_needed)} to fit (90 %)"
        said += f"; {about(forecast.more_needed, 2)} more to collect"
        if fitted is not None:
            said += f", as {percent(fitted)} of what is collected is fitted"
    if forecast.extrapolation == "beyond-4x":
        said += ", a rough guide so far out"
    return said + chances(forecast.probability_unreachable, forecast.probability_beyond_10x)


def chances(never: float | None, beyond: float | None) -> str:
    """Return the chances that a target is met at no size, late and in reach, of which one comes true.

    `; never 5 %, later than 10 × 40 %, within 10 × 55 %`. `beyond` includes `never`; where both are below
    1 %, nothing is said.
    """
    never, beyond = never or 0.0, beyond or 0.0
    if beyond < WORTH_SAYING:
        return ""
    parts = [("never", never), (f"later than {FARTHEST} ×", beyond - never)]
    parts.append((f"within {FARTHEST} ×", 1 - beyond))
    return "; " + ", ".join(f"{name} {percent(chance)}" for name, chance in parts if chance >= WORTH_SAYING)


def class_lines(answer: Answer) -> list[str]:
    """Return which classes most of the error is in, and what an accuracy asked for needs of them."""
    classes = answer.per_class
    if not classes or classes[0].share_of_error is None:
        return []
    bad = worst(classes)
    if not bad:
        return [f"the error is spread over most classes; the worst is {_described(classes[0])}"]
    objects = sum(each.objects for each in classes)
    part = percent(sum(each.objects for each in bad) / objects)
    share_of_error = percent(sum(_share(each) for each in bad))
    unsure = all(_low(each) <= each.objects / objects for each in bad)
    doubt = ", though too few were wrong to be sure" if unsure else ""
    lines = [
        f"more of {_names(bad)}: {share_of_error} of the remaining error, from {part} of the objects{doubt}"
    ]
    needs = [
        f"{each.name} about {with_ends(each.objects_needed, each.needed_interval, 2)} (has {each.objects:,})"
        for each in bad
        if each.objects_needed is not None and each.needed_interval is not None
        if each.objects_needed > each.objects
    ]
    if needs:
        lines.append(f"to reach the accuracy asked for, objects in all (90 %): {listed(needs)}")
    return lines


def _names(classes: Sequence[ClassAnswer]) -> str:
    names = [each.name for each in classes]
    if len(names) > MOST_NAMED + 1:
        names = [*names[:MOST_NAMED], f"{len(names) - MOST_NAMED} more"]
    return listed(names)


def _described(each: ClassAnswer) -> str:
    told = "" if each.accuracy is None else f", accuracy {_span(each.accuracy)}"
    return f"{each.name}{told}, {percent(_share(each))} of it"


def _span(level: Level) -> str:
    return f"{share(level.value)} {interval((level.lo, level.hi), share)}"


def _share(each: ClassAnswer) -> float:
    return 0.0 if each.share_of_error is None else each.share_of_error.value


def _low(each: ClassAnswer) -> float:
    return 0.0 if each.share_of_error is None else each.share_of_error.lo


def _never(answer: CriterionAnswer) -> float:
    return 0.0 if answer.forecast is None else answer.forecast.probability_unreachable or 0.0


def _reach(answer: CriterionAnswer) -> tuple[bool, float, float, float]:
    """Return what orders criteria by their need: a number at all, the number, how surely it is large."""
    forecast = answer.forecast
    if forecast is None or forecast.notices:
        return False, 0.0, 0.0, 0.0
    lower = forecast.k_interval[0]
    return (
        True,
        float("inf") if forecast.k_needed is None else forecast.k_needed,
        float("inf") if lower is None else lower,
        forecast.probability_beyond_10x or 0.0,
    )
