"""An answer in words: strings only, no colour, no printing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sufficient.answer.answer import Answer, CriterionAnswer
from sufficient.report.criteria_text import (
    class_lines,
    criterion_lines,
    deciding,
    forecast_digits,
    hardest,
    joint_need,
    needed,
    phrases,
    unmet,
    wanted,
    with_ends,
)
from sufficient.report.marks import first_size
from sufficient.rounding import (
    about,
    counted,
    ends,
    interval,
    nats,
    objects,
    percent,
    share,
    signed,
    tolerance,
)

if TYPE_CHECKING:
    from sufficient.study.record import Record

MADE = " numbers an image ("  # in the reason of what a model made, in records that do not say so
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
        return f"insufficient {at}: {_need_in_title(answer, at)}; {objects(answer.k_available)} available"
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
            f"{joint_need(answer)}."
        )
    code = _deciding(answer)
    clause = INCONCLUSIVE.get(code, code.lower().replace("-", " "))
    if what.startswith("a tolerance"):
        return f"Inconclusive at {what}: {clause.replace('what was measured', 'the difference')}."
    return f"Inconclusive for {what}: {clause}."


def explain(answer: Answer, record: Record) -> list[tuple[str, str]]:
    """Return everything that stands below the headline as (label, text).

    `record` says for what the verdict holds: of it the model, the features and the data are told.
    """
    data = record.data
    own = next((each for each in answer.criteria if each.criterion.kind == "tol"), None)
    lines = [
        *_of_tolerance(answer, own),
        *criterion_lines(answer, fitted=_fitted(data)),
        *(("reason", f"{notice.message} [{notice.code}]") for notice in deciding(answer)),
        ("model", record.model["description"]),
        ("features", features_words(record.features)),
        *(("data", text) for text in (*_data(data), *_remarks(record))),
    ]
    lines += [("how many", text) for text in _how_many(answer, data)]
    lines += [("more data", text) for text in _outlook(answer)]
    lines += [("per class", text) for text in class_lines(answer)]
    if answer.rate is not None:
        rate = answer.rate
        exponent = f"k^{signed(rate.exponent)} {interval(rate.interval, signed)}"
        lines.append(("rate", f"the difference goes as {exponent} (95 %); Lemma 1 of the paper says k^−1"))
    lines += [("warning", f"{notice.message} [{notice.code}]") for notice in answer.warnings]
    return lines


def features_words(features: Mapping[str, Any]) -> str:
    """Return what heads are fitted on and why, the name once: reasons begin with it, but for older runs."""
    name, reason = str(features["name"]), str(features["reason"])
    return reason if reason.startswith(name) else f"{name}: {reason}"


def _remarks(record: Record) -> list[str]:
    """Return what there is to know of the data beside its numbers: groups, and how copies are told."""
    said, options = [], record.options
    if groups := record.data.get("groups"):
        by = options.get("group_column") or (
            f"folders of level {options['group_level']}" if options.get("group_level") else None
        )
        said.append(f"{counted(groups, 'group')}{f' ({by})' if by else ''}, none on two sides of a split")
    if record.features.get("made_by_model", MADE in record.features.get("reason", "")):
        said.append("copies are told by their files' bytes; `sufficient check` also compares pixels")
    return said


def _need_in_title(answer: Answer, at: str) -> str:
    """Return how many are needed, and by what where the title names something else."""
    most = hardest(answer)
    assert most is not None  # something fails, or the verdict were another
    said = needed(most)
    return said if at.endswith(most.criterion.phrase) else f"{most.criterion.phrase} needs most, {said}"


def _k_star(answer: Answer) -> str:
    assert answer.k_sufficient is not None
    lo, hi = answer.k_interval or (None, None)
    k = about(answer.k_sufficient, exact=_run(answer))
    if first_size(answer.k_sufficient, (lo, hi)):
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


def _how_many(answer: Answer, data: Mapping[str, Any]) -> list[str]:
    """Return what all that is asked needs, where it is more than one thing, and what the tolerance does."""
    open_ = unmet(answer)
    lines = [f"for all that is asked: {joint_need(answer, ' (90 %)')}"] if len(open_) > 1 else []
    own = next((each for each in open_ if each.criterion.kind == "tol" and each.forecast is not None), None)
    if own is not None:
        said = _of_the_tolerance(answer, own, data)
        lines += [f"{own.criterion.phrase}: {said[0]}" if len(open_) > 1 else said[0], *said[1:]]
    return lines + _at_hand(answer, data)


def _of_the_tolerance(answer: Answer, own: CriterionAnswer, data: Mapping[str, Any]) -> list[str]:
    forecast = own.forecast
    assert forecast is not None
    k, digits = forecast.k_needed, forecast_digits(forecast.extrapolation)
    if k is None:
        more = forecast.more_interval[0]
        lines = [needed(own, "to fit")]
        lines += [f"that is {about(more, 2)} more labelled objects at the least (95 %)"] if more else []
    elif forecast.extrapolation == "none":
        lines = [needed(own)]
        if own.verdict == "inconclusive":
            lines.append("the trend over all sizes meets tol here; the last size cannot confirm it")
    else:
        fit = f"about {with_ends(k, forecast.k_interval, digits, exact=_run(answer))} to fit (90 %)"
        if forecast.more_needed is not None and k > _at_hand_now(answer, data):
            collect = with_ends(forecast.more_needed, forecast.more_interval, digits)
            fit += f", that is {collect} more labelled objects at the same shares"
        lines = [fit]
    if forecast.extrapolation == "beyond-4x":
        lines.append("this lies beyond 4 × the largest size run: a rough guide only")
    if forecast.probability_beyond_10x is not None and forecast.probability_beyond_10x >= 0.01:
        chance = percent(forecast.probability_beyond_10x)
        lines.append(f"chance that more than 10 × the largest size is needed: {chance}")
    return lines


def _at_hand(answer: Answer, data: Mapping[str, Any]) -> list[str]:
    """Return that the objects at hand suffice, where that is forecast of all that is asked and not met."""
    used, open_ = _at_hand_now(answer, data), unmet(answer)
    found = [each.forecast for each in open_ if each.forecast is not None]
    if not open_ or len(found) < len(open_):
        return []
    if any(forecast.k_needed is None or forecast.k_needed > used for forecast in found):
        return []
    lines = [f"training on everything at hand ({objects(used)} objects) is forecast to suffice"]
    if more := max(forecast.more_needed or 0 for forecast in found):
        lines.append(
            f"to see it in a study takes {about(more, 2)} more, held-out shares included; `plan` adds what "
            "confirms it at a second size"
        )
    return lines


def _at_hand_now(answer: Answer, data: Mapping[str, Any]) -> int:
    return int(data.get("used", answer.k_available)) + int(data.get("not_read", 0))


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
        why = "too few sizes that learned, or a curve that gets worse"
        return [now, f"what doubling would bring cannot be forecast: {why}"]
    if f"{100 * double.gain.lo:.1f}" == "0.0":
        change = f"no clear gain is forecast from doubling to k = {objects(double.k)}"
    else:
        points = f"raise accuracy by {100 * double.gain.value:.1f} points"
        change = f"doubling to k = {objects(double.k)} is forecast to {points}"
    accuracy = f"{share(double.accuracy)} {interval(double.accuracy_interval, share)}"
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
