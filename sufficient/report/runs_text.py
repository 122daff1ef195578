"""Forecasts of runs made elsewhere in words: strings only, no colour, no printing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sufficient.answer.criteria import Criterion
from sufficient.answer.elsewhere import RunsAnswer
from sufficient.answer.plan_words import percent
from sufficient.answer.prediction import TargetForecast
from sufficient.notice import Notice
from sufficient.report.text import LABEL
from sufficient.rounding import about, ends, interval, nats, objects, share

WORTH_SAYING = 0.01  # probability from which a chance is given
IN_NATS = ("loss", "entropy", "nll")  # in the names of columns


def explain_runs(answers: Sequence[RunsAnswer], notices: Sequence[Notice]) -> list[str]:
    """Return the lines of the forecasts, each with its label in the first column."""
    lines = []
    for answer in answers:
        show = shown(answer.criterion)
        lines.append(("needed", f"{phrase(answer)}: {needed(answer)}"))
        if answer.ahead:
            there = " · ".join(
                f"{show(each.value)} {interval((each.lo, each.hi), show)} at {objects(each.n)}"
                for each in answer.ahead
            )
            lines.append(("ahead", f"{there} (90 %)"))
        lines.append(("measured", _measured(answer)))
        lines += [("reason", f"{notice.message} [{notice.code}]") for notice in answer.forecast.notices]
    lines += [("warning", f"{notice.message} [{notice.code}]") for notice in notices]
    return [label.ljust(LABEL) + text for label, text in lines]


def needed(answer: RunsAnswer) -> str:
    """Return how many objects the target needs: `about 5,280 [1,760, …] objects (90 %)`."""
    found, last = answer.forecast, answer.last
    if found.notices:
        return f"no number can be given ({found.notices[0].code.lower()})"
    lower, upper = found.k_interval
    never = found.probability_unreachable or 0.0
    if found.k_needed is None and never >= 0.5:
        within = percent(1 - (found.probability_beyond_10x or 0.0))
        return f"never reached: {percent(never)}; within 10 × the largest size: {within}"
    if found.k_needed is None:
        least = f"10 × {objects(last)}" if lower is None else about(lower, 2)
        text = f"more than {least} objects (95 %), the median past 10 × the largest size"
    elif found.k_needed <= last:
        text = _met(answer)
    else:
        digits = 3 if found.extrapolation == "within-4x" else 2
        span = ends((lower, upper), like=found.k_needed, digits=digits, exact=(last,))
        text = f"about {about(found.k_needed, digits, exact=(last,))} {span} objects (90 %)"
        if found.extrapolation == "beyond-4x":
            text += ", a rough guide so far out"
    return text + _chances(found)


def _met(answer: RunsAnswer) -> str:
    """Return that the forecast is met at the largest size, in view of what was measured there."""
    last, upper, level = answer.last, answer.forecast.k_interval[1], answer.measured[-1]
    value, rising = answer.criterion.value, answer.criterion.kind == "accuracy"
    most = "" if upper == last else f", at most {_end(upper)} (95 %)"
    if level.lo >= value if rising else level.hi <= value:
        return f"met at the largest size run, {objects(last)} objects"
    if level.hi < value if rising else level.lo > value:
        return f"a little more than {objects(last)} objects, the largest size run{most}"
    return f"met with {objects(last)} objects, the largest size, as likely as not{most}"


def phrase(answer: RunsAnswer) -> str:
    """Return what is asked; `loss` may stand for any score that falls, and only some are in nats."""
    return answer.criterion.phrase if in_nats(answer) else answer.criterion.phrase.removesuffix(" nats")


def in_nats(answer: RunsAnswer) -> bool:
    """Return whether the metric is one in nats, by the name of its column."""
    named = " ".join(answer.columns).lower()
    return answer.criterion.kind == "loss" and any(word in named for word in IN_NATS)


def _chances(found: TargetForecast) -> str:
    never, beyond = found.probability_unreachable or 0.0, found.probability_beyond_10x or 0.0
    text = f", never reached with a chance of {percent(never)}" if never >= WORTH_SAYING else ""
    if beyond - never >= WORTH_SAYING:
        text += f", past 10 × the largest size with one of {percent(beyond)}"
    return text


def shown(asked: Criterion) -> Callable[[float], str]:
    """Return how a target's quantity is written."""
    return (lambda value: nats(value, 3)) if asked.kind == "loss" else share


def _measured(answer: RunsAnswer) -> str:
    show, level, counts = shown(answer.criterion), answer.measured[-1], set(answer.curve.replicates)
    each = f"{counts.pop()} a size" if len(counts) == 1 else f"{min(counts)} to {max(counts)} a size"
    columns = answer.columns[0] if len(answer.columns) == 1 else f"{answer.columns[0]} … {answer.columns[-1]}"
    now = f"{show(level.value)} {interval((level.lo, level.hi), show)} (95 %) at {objects(answer.last)}"
    runs = f"{len(answer.measured)} sizes from {objects(int(answer.curve.n[0]))}, {each}"
    return f"{now}; {runs}, in {columns}"


def _end(upper: int | None) -> str:
    return "an open number" if upper is None else about(upper)
