"""Forecasts of runs made elsewhere in words: strings only, no colour, no printing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sufficient.answer.criteria import Criterion
from sufficient.answer.external_runs import RunsAnswer
from sufficient.notice import Notice
from sufficient.report.criteria_text import chances, forecast_digits
from sufficient.report.lines import labelled
from sufficient.rounding import about, counted, ends, interval, nats, objects, share

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
    return labelled(lines)


def needed(answer: RunsAnswer) -> str:
    """Return how many objects the target needs: `about 5,280 [1,760, …] objects (90 %)`."""
    found, last = answer.forecast, answer.last
    if answer.met_from is not None:
        return _met_from(answer, answer.met_from)
    if found.notices:
        return f"no number can be given ({found.notices[0].code.lower()})"
    lower, upper = found.k_interval
    if found.k_needed is None and (found.probability_unreachable or 0.0) >= 0.5:
        text = "probably reached at no size"
    elif found.k_needed is None:
        least = f"10 × {objects(last)}" if lower is None else about(lower, 2)
        text = f"more than {least} objects (95 %), the median past 10 × the largest size"
    elif found.k_needed <= last:
        text = _about_met(answer)
    else:
        digits = forecast_digits(found.extrapolation)
        span = ends((lower, upper), like=found.k_needed, digits=digits, exact=(last,))
        text = f"about {about(found.k_needed, digits, exact=(last,))} {span} objects (90 %)"
        if found.extrapolation == "beyond-4x":
            text += ", a rough guide so far out"
    return text + chances(found.probability_unreachable, found.probability_beyond_10x)


def _met_from(answer: RunsAnswer, size: int) -> str:
    """Return from which size on the target was seen to be met."""
    if size == answer.last:
        return f"met at the largest size run, {objects(size)} objects"
    smallest = ", the smallest size run" if size == answer.curve.n[0] else ""
    return f"met at {objects(size)} objects{smallest}, and at every size from there (95 %)"


def _about_met(answer: RunsAnswer) -> str:
    """Return that the forecast is met at the largest size, in view of what was measured there."""
    last, upper, level = answer.last, answer.forecast.k_interval[1], answer.measured[-1]
    value, rising = answer.criterion.value, answer.criterion.kind == "accuracy"
    most = "" if upper == last else f", at most {_end(upper)} (95 %)"
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


def shown(asked: Criterion) -> Callable[[float], str]:
    """Return how a target's quantity is written."""
    return (lambda value: nats(value, 3)) if asked.kind == "loss" else share


def _measured(answer: RunsAnswer) -> str:
    show, level, counts = shown(answer.criterion), answer.measured[-1], set(answer.curve.replicates)
    each = f"{counts.pop()} a size" if len(counts) == 1 else f"{min(counts)} to {max(counts)} a size"
    columns = answer.columns[0] if len(answer.columns) == 1 else f"{answer.columns[0]} … {answer.columns[-1]}"
    now = f"{show(level.value)} {interval((level.lo, level.hi), show)} (95 %) at {objects(answer.last)}"
    runs = f"{counted(len(answer.measured), 'size')} from {objects(int(answer.curve.n[0]))}, {each}"
    return f"{now}; {runs}, in {columns}"


def _end(upper: int | None) -> str:
    return "an open number" if upper is None else about(upper)
