"""An answer in words: strings only, no colour, no printing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sufficient.answer.answer import Answer, Forecast, SizeInterval
from sufficient.rounding import about, ends, interval, nats, objects, rounded, share, signed, tolerance

LABEL = 12  # characters before the text of a line
INCONCLUSIVE = {  # the deciding reason in one clause
    "CURVE-NOT-FALLING": "the difference does not fall as objects are added",
    "DEAD-NETWORKS": "most networks are dead",
    "INTERVAL-TOO-WIDE": "the difference cannot be told from it",
    "NOTHING-LEARNED": "the networks learned nothing that helps on unseen objects",
    "STOPPED-EARLY": "the study stopped before all objects available were tried",
    "TOO-FEW-SIZES": "it is met, but at too few sizes to be sure",
}


def verdict_line(answer: Answer) -> str:
    """Return the verdict as a title: `sufficient: k* = 3,600 [3,300, 3,900] at tol 1e-4 nats`."""
    at = f"at tol {tolerance(answer.tolerance)} nats"
    if answer.verdict == "sufficient":
        return f"sufficient: {_k_star(answer)} {at}"
    if answer.verdict == "insufficient":
        return f"insufficient {at}: {_needed(answer.forecast)}; {objects(answer.k_available)} available"
    return f"inconclusive {at}: {_deciding(answer).lower().replace('-', ' ')}"


def headline(answer: Answer) -> str:
    """Return the verdict as one plain sentence."""
    tol = f"{tolerance(answer.tolerance)} nats"
    available = objects(answer.k_available)
    if answer.verdict == "sufficient" and answer.k_sufficient is not None:
        k = about(answer.k_sufficient)
        return (
            f"Sufficient: {k} objects are enough for a tolerance of {tol}; {available} are available to fit."
        )
    if answer.verdict == "insufficient":
        return (
            f"Insufficient: {available} objects available to fit are too few for a tolerance of {tol}; "
            f"{_needed(answer.forecast, 'objects ')}."
        )
    code = _deciding(answer)
    clause = INCONCLUSIVE.get(code, code.lower().replace("-", " "))
    return f"Inconclusive at a tolerance of {tol}: {clause}."


def explain(answer: Answer, *, model: str, features: str, data: Mapping[str, Any]) -> list[str]:
    """Return the lines below the headline, each with its label in the first column.

    `model` and `features` say for what the verdict holds; `data` is the block of the same name in
    `result.json`.
    """
    lines = [
        ("decided" if answer.verdict == "sufficient" else "measured", _decided(answer)),
        *(("reason", f"{notice.message} [{notice.code}]") for notice in answer.reasons),
        ("model", model),
        ("features", features),
        *(("data", text) for text in _data(data)),
    ]
    if answer.forecast is not None:
        lines += [("how many", text) for text in _how_many(answer, answer.forecast, data)]
    lines += [("more data", text) for text in _outlook(answer)]
    if answer.rate is not None:
        rate = answer.rate
        exponent = f"k^{signed(rate.exponent)} {interval(rate.interval, signed)}"
        lines.append(("rate", f"the difference goes as {exponent} (95 %); Lemma 1 of the paper says k^−1"))
    lines += [("warning", f"{notice.message} [{notice.code}]") for notice in answer.warnings]
    return _labelled(lines)


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
    k = about(answer.k_sufficient)
    if lo is None and hi in (None, answer.k_sufficient):
        return f"k* ≤ {k}"
    return f"k* = {k} {ends((lo, hi), like=answer.k_sufficient)}"


def _needed(forecast: Forecast | None, unit: str = "") -> str:
    if forecast is None:
        return "how many are needed cannot be forecast from so few sizes"
    if forecast.k_needed is None:
        lower = forecast.k_interval[0]
        return f"more than {'10 × as many' if lower is None else about(lower, 2)} {unit}needed"
    digits = forecast_digits(forecast)
    return f"about {_with_ends(forecast.k_needed, forecast.k_interval, digits)} {unit}needed"


def forecast_digits(forecast: Forecast) -> int:
    """Return how many digits of a forecast size are worth showing: its interval grows with distance."""
    return 3 if forecast.extrapolation in ("none", "within-4x") else 2


def _with_ends(count: int, interval_ends: SizeInterval, digits: int) -> str:
    return f"{about(count, digits)} {ends(interval_ends, like=count, digits=digits)}"


def _deciding(answer: Answer) -> str:
    return answer.reasons[0].code if answer.reasons else "unknown"


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
    used, needed = int(data.get("used", answer.k_available)), forecast.k_needed
    if needed is None:
        lower, more = forecast.k_interval[0], forecast.more_interval[0]
        least = "" if lower is None else f": more than {about(lower, 2)} to fit"
        at_least = "" if not more else f", that is {about(more, 2)} more labelled objects at the least"
        lines = [f"only a lower bound, the forecast passes 10 × the largest size{least}{at_least}"]
    else:
        digits = forecast_digits(forecast)
        fit = f"about {_with_ends(needed, forecast.k_interval, digits)} to fit (90 %)"
        if forecast.more_needed is not None and needed > used:
            collect = _with_ends(forecast.more_needed, forecast.more_interval, digits)
            fit += f", that is {collect} more labelled objects at the same shares"
        lines = [fit]
        if needed <= used:
            lines.append(f"training on everything at hand ({objects(used)} objects) is forecast to suffice")
            if answer.verdict == "inconclusive" and needed <= answer.curve[-1].k:
                lines.append("the trend over all sizes meets tol here; the last size cannot confirm it")
            if forecast.more_needed:
                study = f"{about(forecast.more_needed, 2)} more, held-out shares included"
                lines.append(f"to see it in a study takes {study}")
        if forecast.extrapolation == "beyond-4x":
            lines.append("this lies beyond 4 × the largest size run: a rough guide only")
    if forecast.probability_beyond_10x >= 0.01:
        chance = _percent(forecast.probability_beyond_10x)
        lines.append(f"chance that more than 10 × the largest size is needed: {chance}")
    return lines


def _nats(value: float) -> str:
    return nats(value, 3)


def _loss(value: float | None) -> str:
    return nats(value, 3) if value is None or 0 < value < 0.001 else f"{value:.3f}"


def _percent(probability: float) -> str:
    return "over 99 %" if probability > 0.99 else f"{rounded(round(100 * probability), 2)} %"


def _outlook(answer: Answer) -> list[str]:
    outlook = answer.outlook
    if outlook is None or outlook.accuracy is None:
        return []
    now = (
        f"at k = {objects(outlook.k)}: accuracy {share(outlook.accuracy)}, "
        f"loss {_loss(outlook.unseen_loss)} nats on unseen objects"
    )
    double = outlook.at_double
    if double is None:
        return [now, "what doubling would bring cannot be forecast: too few sizes that learned"]
    lo, hi = double.accuracy_interval
    gain = 100 * (double.accuracy - outlook.accuracy)
    if lo <= outlook.accuracy <= hi:
        change = f"no clear gain is forecast from doubling to k = {objects(double.k)}"
    else:
        points = f"{'raise' if gain > 0 else 'lower'} accuracy by {abs(gain):.1f} points"
        change = f"doubling to k = {objects(double.k)} is forecast to {points}"
    accuracy = f"{share(double.accuracy)} {interval((lo, hi), share)}"
    loss = f"{_loss(double.unseen_loss)} {interval(double.unseen_loss_interval, _loss)}"
    return [now, f"{change}: accuracy {accuracy}, loss {loss} nats (90 %)"]


def _data(data: Mapping[str, Any]) -> list[str]:
    skipped: Mapping[str, int] = data.get("skipped", {})
    used, validation, held_out = data["used"], data["validation"], data["held_out"]
    found = f"{data['spec']}: {objects(data['found'])} found = {objects(used)} used"
    if skipped:
        reasons = ", ".join(f"{objects(count)} {reason}" for reason, count in skipped.items())
        found += f" + {objects(sum(skipped.values()))} skipped ({reasons})"
    parts = (
        f"{objects(used)} used = {objects(used - validation - held_out)} to fit + "
        f"{objects(validation)} to validate + {objects(held_out)} held out"
    )
    return [found, parts]
