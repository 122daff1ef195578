"""What was asked and what each thing came to, in words; the classes that most of the error is in."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sufficient.answer.answer import Answer, ClassAnswer, CriterionAnswer, Forecast, Level, SizeInterval
from sufficient.answer.criteria import TARGETS, Criterion
from sufficient.answer.per_class import MOST_NAMED, worst
from sufficient.answer.target_words import shown
from sufficient.answer.words import listed
from sufficient.notice import Notice
from sufficient.rounding import about, ends, interval, rounded, share, signed, tolerance

WORTH_SAYING = 0.01  # probability from which a chance is given
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
    """Return what the verdict is about in a sentence: `a tolerance of 1e-4 nats`."""
    return listed([WANTED[each.kind].format(tolerance(each.value)) for each in _named(answer)])


def at_issue(answer: Answer) -> tuple[CriterionAnswer, ...]:
    """Return the criteria that make the verdict what it is."""
    return tuple(each for each in answer.asked if each.verdict == answer.verdict)


def _named(answer: Answer) -> list[Criterion]:
    """Return the criteria that a title names: all where all are met, else the one whose numbers it gives."""
    found = at_issue(answer)
    if answer.verdict == "insufficient":
        needs = hardest(answer)
        found = tuple(each for each in found if needs is not None and each.forecast == needs)[:1] or found[:1]
    elif answer.verdict == "inconclusive" and answer.reasons:
        found = tuple(each for each in found if each.reason == answer.reasons[0])[:1] or found
    return [each.criterion for each in found] or [Criterion("tol", answer.tolerance)]


def deciding(answer: Answer) -> tuple[Notice, ...]:
    """Return the reasons that made the verdict; those of other criteria stand in the result."""
    others = {each.reason for each in answer.asked} - {each.reason for each in at_issue(answer)}
    return tuple(notice for notice in answer.reasons if notice not in others)


def hardest(answer: Answer) -> Forecast | None:
    """Return the forecast of the criterion at issue that needs most; None without one."""
    if not answer.criteria:
        return answer.forecast
    found = [each.forecast for each in at_issue(answer) if each.forecast is not None]
    return max(found, key=_reach, default=None)


def needed(forecast: Forecast | None, unit: str = "") -> str:
    """Return how many are needed: `about 12,300 [9,800, 17,000] needed`; `unit` stands before `needed`."""
    if forecast is None:
        return "how many are needed cannot be forecast from what was run"
    if forecast.notices:
        return f"how many are needed cannot be forecast ({forecast.notices[0].code.lower()})"
    if forecast.k_needed is None:
        lower = forecast.k_interval[0]
        return f"more than {'10 × as many' if lower is None else about(lower, 2)} {unit}needed"
    if forecast.extrapolation == "none":
        return met_as_forecast(forecast.k_needed, forecast.k_interval[1])
    return f"{_to_fit(forecast, forecast.k_needed)} {unit}needed"


def met_as_forecast(last: int, upper: int | None) -> str:
    """Return that the forecast, which starts at the last size run, is met there."""
    most = "an open number" if upper is None else about(upper, exact=(last,))
    reach = "" if upper == last else f", {most} at most (95 %)"
    return f"met at k = {last:,} as forecast{reach}; one more size is needed to confirm it"


def _to_fit(forecast: Forecast, needed: int) -> str:
    """Return the forecast size with its interval; the last size run, where an end is that, in full."""
    run = [k for k, *_ in forecast.path[:1]]
    return f"about {with_ends(needed, forecast.k_interval, forecast_digits(forecast), exact=run)}"


def forecast_digits(forecast: Forecast) -> int:
    """Return how many digits of a forecast size are worth showing: its interval grows with distance."""
    return 3 if forecast.extrapolation in ("none", "within-4x") else 2


def with_ends(count: int, interval_ends: SizeInterval, digits: int, *, exact: Collection[int] = ()) -> str:
    """Return a count with its interval, rounded to the same place; `exact` as for `about`."""
    span = ends(interval_ends, like=count, digits=digits, exact=exact)
    return f"{about(count, digits, exact=exact)} {span}"


def percent(probability: float) -> str:
    """Return a chance: `12 %`, `over 99 %`."""
    return "over 99 %" if probability > 0.99 else f"{rounded(round(100 * probability), 2)} %"


def criterion_lines(answer: Answer, *, fitted: float | None = None) -> list[tuple[str, str]]:
    """Return one line for each thing that is asked beside a tolerance, under the name of its option.

    `fitted`: the share of what is collected that is fitted, where it is known.
    """
    run = [point.k for point in answer.curve]
    return [
        (
            "target" if each.criterion.kind in TARGETS else each.criterion.kind,
            _criterion_line(each, run, fitted),
        )
        for each in answer.asked
        if each.criterion.kind != "tol"
    ]


def _criterion_line(answer: CriterionAnswer, run: Sequence[int], fitted: float | None) -> str:
    asked = answer.criterion
    named = tolerance(asked.value) if asked.kind not in TARGETS else asked.phrase
    parts = [f"{named}: {answer.verdict}"]
    if answer.at_last is not None:
        parts.append(_now(asked, answer.at_last))
    if answer.k_sufficient is not None and asked.kind == "min-gain":
        parts.append(f"met at k = {answer.k_sufficient:,}; not looked for earlier")
    elif answer.k_sufficient is not None:
        span = with_ends(answer.k_sufficient, answer.k_interval or (None, None), 3, exact=run)
        parts.append(f"k* = {span} (95 %)")
    elif asked.kind != "min-gain":
        parts.append(_need(answer.forecast, fitted))
    return ", ".join(parts)


def _now(asked: Criterion, level: Level) -> str:
    if asked.kind == "min-gain":
        span = interval((level.lo, level.hi), lambda end: signed(end, 3))
        return f"doubling brings {signed(level.value, 3)} {span} (90 %)"
    return f"{shown(asked, level.value)} {interval((level.lo, level.hi), lambda end: shown(asked, end))} now"


def _need(forecast: Forecast | None, fitted: float | None) -> str:
    if forecast is None or forecast.notices or forecast.extrapolation == "none":
        return needed(forecast)
    said = f"{needed(forecast)} (90 %)"
    if forecast.more_needed and forecast.k_needed is not None:
        said = f"{_to_fit(forecast, forecast.k_needed)} to fit (90 %)"
        said += f"; {about(forecast.more_needed, 2)} more to collect"
        if fitted is not None:
            said += f", as {percent(fitted)} of what is collected is fitted"
    if forecast.extrapolation == "beyond-4x":
        said += ", a rough guide so far out"
    never = forecast.probability_unreachable
    if never is not None and never >= WORTH_SAYING:
        said += f", never reached with a chance of {percent(never)}"
    return said


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


def _reach(forecast: Forecast) -> float:
    return float("inf") if forecast.k_needed is None else forecast.k_needed
