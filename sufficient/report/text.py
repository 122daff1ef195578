"""An answer in words: strings only, no colour, no printing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sufficient.answer.answer import Answer, CriterionAnswer, Forecast
from sufficient.report.criteria_text import (
    class_lines,
    criterion_lines,
    deciding,
    forecast_digits,
    hardest,
    met_as_forecast,
    needed,
    percent,
    phrases,
    wanted,
    with_ends,
)
from sufficient.rounding import about, ends, interval, nats, objects, share, signed, tolerance

if TYPE_CHECKING:
    from sufficient.study.record import Record

MADE = " numbers an image ("  # in the reason of features that a model made
LABEL = 12  # characters before the text of a line
INCONCLUSIVE = {  # the deciding reason in one clause
    "CURVE-NOT-FALLING": "the difference does not fall as objects are added",
    "DEAD-NETWORKS": "most networks are dead",
    "GAIN-UNCERTAIN": "what doubling brings cannot be told from it",
    "GAIN-UNKNOWN": "what doubling brings cannot be forecast",
    "HELD-OUT-TOO-SMALL": "the held-out share is too small to see it",
    "INTERVAL-TOO-WIDE": "what was measured cannot be told from it",
    "NOTHING-LEARNED": "the networks learned nothing that helps on unseen objects",
    "STOPPED-EARLY": "the study stopped before all objects available were tried",
    "TOO-FEW-SIZES": "it is met, but at too few sizes to be sure",
}


def verdict_line(answer: Answer) -> str:
    """Return the verdict as a title: `sufficient: k* = 3,600 [3,300, 3,900] at tol 1e-4 nats`."""
    at = phrases(answer)
    if answer.verdict == "sufficient":
        return f"sufficient: {_k_star(answer)} {at}"
    if answer.verdict == "insufficient":
        return f"insufficient {at}: {needed(hardest(answer))}; {objects(answer.k_available)} available"
    return f"inconclusive {at}: {_deciding(answer).lower().replace('-', ' ')}"


def headline(answer: Answer) -> str:
    """Return the verdict as one plain sentence."""
    available, what = objects(answer.k_available + answer.not_read), wanted(answer)
    if answer.verdict == "sufficient" and answer.k_sufficient is not None:
        k = about(answer.k_sufficient, exact=_run(answer))
        return f"Sufficient: {k} objects are enough for {what}; {available} are available to fit."
    if answer.verdict == "insufficient":
        return (
            f"Insufficient: {available} objects available to fit are too few for {what}; "
            f"{needed(hardest(answer), 'objects to fit are ')}."
        )
    code = _deciding(answer)
    clause = INCONCLUSIVE.get(code, code.lower().replace("-", " "))
    if what.startswith("a tolerance"):
        return f"Inconclusive at {what}: {clause.replace('what was measured', 'the difference')}."
    return f"Inconclusive for {what}: {clause}."


def explain(
    answer: Answer, *, model: str, features: str, data: Mapping[str, Any], remarks: Sequence[str] = ()
) -> list[str]:
    """Return the lines below the headline, each with its label in the first column.

    `model` and `features` say for what the verdict holds; `data` is the block of the same name in
    `result.json`; `remarks` say more of the data.
    """
    own = next((each for each in answer.criteria if each.criterion.kind == "tol"), None)
    lines = [
        *_of_tolerance(answer, own),
        *criterion_lines(answer, fitted=_fitted(data)),
        *(("reason", f"{notice.message} [{notice.code}]") for notice in deciding(answer)),
        ("model", model),
        ("features", features),
        *(("data", text) for text in (*_data(data), *remarks)),
    ]
    if answer.forecast is not None and (own is None or own.asked):
        lines += [("how many", text) for text in _how_many(answer, answer.forecast, data)]
    lines += [("more data", text) for text in _outlook(answer)]
    lines += [("per class", text) for text in class_lines(answer)]
    if answer.rate is not None:
        rate = answer.rate
        exponent = f"k^{signed(rate.exponent)} {interval(rate.interval, signed)}"
        lines.append(("rate", f"the difference goes as {exponent} (95 %); Lemma 1 of the paper says k^−1"))
    lines += [("warning", f"{notice.message} [{notice.code}]") for notice in answer.warnings]
    return _labelled(lines)


def features_words(features: Mapping[str, Any]) -> str:
    """Return what heads are fitted on and why, the name once: reasons begin with it, but for older runs."""
    name, reason = str(features["name"]), str(features["reason"])
    return reason if reason.startswith(name) else f"{name}: {reason}"


def data_remarks(record: Record) -> list[str]:
    """Return what there is to know of the data beside its numbers: groups, and how copies are told."""
    said, options = [], record.options
    if groups := record.data.get("groups"):
        by = options.get("group_column") or (
            f"folders of level {options['group_level']}" if options.get("group_level") else None
        )
        said.append(f"{objects(groups)} groups{f' ({by})' if by else ''}, none on two sides of a split")
    if MADE in record.features.get("reason", ""):
        said.append("copies are told by their files' bytes; `sufficient check` also compares pixels")
    return said


def _labelled(lines: list[tuple[str, str]]) -> list[str]:
    """Return the lines with their label, named once for each run of equal labels."""
    shown, before = [], None
    for label, text in lines:
        shown.append(("" if label == before else label).ljust(LABEL) + text)
        before = label
    return shown


def _k_star(answer: Answer) -> str:
    assert answer.k_sufficient is not None
    lo, hi = answer.k_interval or (None, None)
    k = about(answer.k_sufficient, exact=_run(answer))
    if lo is None and hi in (None, answer.k_sufficient):
        return f"k* ≤ {k}"
    return f"k* = {k} {ends((lo, hi), like=answer.k_sufficient, exact=_run(answer))}"


def _run(answer: Answer) -> list[int]:
    """Return the sizes that were run: their numbers are given in full, and nothing is rounded past them."""
    return [point.k for point in answer.curve]


def _fitted(data: Mapping[str, Any]) -> float:
    """Return the share of the objects that is fitted at the shares of the data."""
    unread = int(data.get("not_read", 0))
    fit = data["used"] - data["validation"] - data["held_out"]
    return float((fit + unread) / (data["used"] + unread))


def _deciding(answer: Answer) -> str:
    return answer.reasons[0].code if answer.reasons else "unknown"


def _of_tolerance(answer: Answer, own: CriterionAnswer | None) -> list[tuple[str, str]]:
    """Return the line that decides the tolerance; none where it decides nothing."""
    if own is None:
        return [("decided" if answer.verdict == "sufficient" else "measured", _decided(answer))]
    if not own.asked:
        return []
    alone = replace(answer.of_tolerance, verdict=own.verdict)
    if own.verdict != "sufficient":
        return [("measured", _decided(alone))]
    return [("decided" if answer.verdict == "sufficient" else "tol", _decided(alone))]


def _decided(answer: Answer) -> str:
    tol = tolerance(answer.tolerance)
    if answer.verdict == "sufficient":
        k_star = f"{_k_star(answer)} (95 %)"
        return (
            f"{k_star}: from there on one more object changes the mean loss by at most {tol} nats on average"
        )
    run = [point for point in answer.curve if point.difference is not None]
    if not run:
        return "nothing: no replicate of any size lives"
    last = run[-1]
    change = f"{nats(last.difference, 3)} {interval((last.lo, last.hi), _nats)} nats (95 %)"
    return f"one more object changes the mean loss by {change} at k = {objects(last.k)}; tol is {tol}"


def _how_many(answer: Answer, forecast: Forecast, data: Mapping[str, Any]) -> list[str]:
    used, k = int(data.get("used", answer.k_available)) + int(data.get("not_read", 0)), forecast.k_needed
    if k is None:
        lower, more = forecast.k_interval[0], forecast.more_interval[0]
        least = "" if lower is None else f": more than {about(lower, 2)} to fit"
        at_least = "" if not more else f", that is {about(more, 2)} more labelled objects at the least"
        lines = [f"only a lower bound, the forecast passes 10 × the largest size{least}{at_least}"]
    else:
        digits = forecast_digits(forecast)
        fit = f"about {with_ends(k, forecast.k_interval, digits, exact=_run(answer))} to fit (90 %)"
        if forecast.more_needed is not None and k > used:
            collect = with_ends(forecast.more_needed, forecast.more_interval, digits)
            fit += f", that is {collect} more labelled objects at the same shares"
        lines = [met_as_forecast(k, forecast.k_interval[1]) if forecast.extrapolation == "none" else fit]
        if k <= used:
            lines.append(f"training on everything at hand ({objects(used)} objects) is forecast to suffice")
            if answer.verdict == "inconclusive" and k <= answer.curve[-1].k:
                lines.append("the trend over all sizes meets tol here; the last size cannot confirm it")
            if forecast.more_needed:
                study = f"{about(forecast.more_needed, 2)} more, held-out shares included"
                lines.append(f"to see it in a study takes {study}")
        if forecast.extrapolation == "beyond-4x":
            lines.append("this lies beyond 4 × the largest size run: a rough guide only")
    if forecast.probability_beyond_10x is not None and forecast.probability_beyond_10x >= 0.01:
        chance = percent(forecast.probability_beyond_10x)
        lines.append(f"chance that more than 10 × the largest size is needed: {chance}")
    return lines


def _nats(value: float) -> str:
    return nats(value, 3)


def _loss(value: float | None) -> str:
    return nats(value, 3) if value is None or 0 < value < 0.001 else f"{value:.3f}"


def _outlook(answer: Answer) -> list[str]:
    outlook = answer.outlook
    if outlook is None or outlook.accuracy is None:
        return []
    now = (
        f"at k = {objects(outlook.k)}: accuracy {share(outlook.accuracy)}, "
        f"loss {_loss(outlook.unseen_loss)} nats on unseen objects"
    )
    double = outlook.at_double
    gain_asked = any(each.criterion.kind == "min-gain" for each in answer.asked)
    if double is None:
        if gain_asked:
            return [now]  # its own line says what doubling brings, or why that is not known
        return [now, "what doubling would bring cannot be forecast: too few sizes that learned"]
    lo, hi = double.accuracy_interval
    gain = 100 * (double.accuracy - outlook.accuracy)
    if lo <= outlook.accuracy <= hi:
        change = f"no clear gain is forecast from doubling to k = {objects(double.k)}"
    else:
        points = f"{'raise' if gain > 0 else 'lower'} accuracy by {abs(gain):.1f} points"
        change = f"doubling to k = {objects(double.k)} is forecast to {points}"
    accuracy = f"{share(double.accuracy)} {interval((lo, hi), share)}"
    accuracy += " on the same unseen objects" if gain_asked else ""
    loss = f"{_loss(double.unseen_loss)} {interval(double.unseen_loss_interval, _loss)}"
    return [now, f"{change}: accuracy {accuracy}, loss {loss} nats (90 %)"]


def _data(data: Mapping[str, Any]) -> list[str]:
    skipped: Mapping[str, int] = data.get("skipped", {})
    used, validation, held_out = data["used"], data["validation"], data["held_out"]
    found = f"{data['spec']}: {objects(data['found'])} found = {objects(used)} used"
    if data.get("not_read"):
        found += f" + {objects(data['not_read'])} not read"
    if skipped:
        reasons = ", ".join(f"{objects(count)} {reason}" for reason, count in skipped.items())
        found += f" + {objects(sum(skipped.values()))} skipped ({reasons})"
    parts = (
        f"{objects(used)} used = {objects(used - validation - held_out)} to fit + "
        f"{objects(validation)} to validate + {objects(held_out)} held out"
    )
    return [found, parts]
