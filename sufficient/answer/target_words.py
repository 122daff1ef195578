"""The sentences of what is asked beside a tolerance: relative tolerance, targets, a least gain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sufficient.answer import words
from sufficient.answer.answer import Level, Verdict
from sufficient.answer.criteria import Criterion
from sufficient.answer.resolution import Resolution
from sufficient.answer.rules import Rule, unlearned
from sufficient.notice import Notice
from sufficient.rounding import about, listed, nats, share, signed, tolerance

if TYPE_CHECKING:
    from sufficient.answer.measures import Measures

QUANTITY = {
    "accuracy": "accuracy on unseen objects",
    "error": "the share of wrong answers on unseen objects",
    "loss": "the loss on unseen objects",
    "rel-tol": "the change by one more object relative to the unseen loss",
}
DRAWN_FROM = {"accuracy": "below", "error": "above", "loss": "above", "rel-tol": "above"}


def shown(asked: Criterion, value: float) -> str:
    """Return a value of the criterion's quantity, as it stands in a sentence."""
    if asked.kind in ("accuracy", "error"):
        return share(value)
    return nats(value, 3)


def at_last(asked: Criterion, last: Level | None) -> str:
    """Return the quantity at the last size: `accuracy on unseen objects is 0.912 (95 % interval …)`."""
    quantity = QUANTITY[asked.kind]
    if last is None:
        return f"{quantity} is unknown"
    unit = " nats" if asked.kind == "loss" else ""
    return f"{quantity} is {shown(asked, last.value)}{unit} (95 % interval {_band(asked, last)})"


def reason(
    measures: Measures,
    asked: Criterion,
    rule: Rule,
    last: Level | None,
    size: int | None,  # k*, where it is met
    confirm: int,
) -> Notice:
    """Return why the target or relative tolerance is met, is not, or cannot be told."""
    if rule in ("dead", "not-learned"):
        return words.unlearned(measures, rule)
    found, goal = at_last(asked, last), _goal(asked)
    if rule == "stopped":
        return words.stopped_early(measures, asked.value, found=f"{found}; asked is {asked.phrase}")
    name = "RELATIVE-TOLERANCE" if asked.kind == "rel-tol" else "TARGET"
    end = measures.points[-1].k
    everything = f"With all {end:,} objects available to fit, {found}"
    if rule == "met" and size is not None and last is not None:
        sizes = listed([f"{p.k:,}" for p in measures.points[-confirm:]])
        k = about(size, exact=[p.k for p in measures.points])
        return Notice(
            f"{name}-MET",
            f"From k = {k} objects on, {QUANTITY[asked.kind]} meets {goal} (confirmed at "
            f"k = {sizes}; 95 % interval at the last {_band(asked, last)}): no more objects are needed "
            "for this.",
        )
    if rule == "not-met":
        accept = "a larger one" if asked.kind != "accuracy" else "a lower one"
        return Notice(
            f"{name}-NOT-MET",
            f"{everything}, {DRAWN_FROM[asked.kind]} {goal}: collect more objects, or accept {accept}.",
        )
    if rule == "few":
        return Notice(
            "TOO-FEW-SIZES",
            f"{everything}, within {goal}, but not at each of the last {confirm} sizes as asked: collect "
            "some more objects to confirm it.",
        )
    return Notice(
        "INTERVAL-TOO-WIDE",
        f"{everything}, which cannot be told from {goal}: run more replicates, hold out more, or collect "
        "more objects.",
    )


def gain_reason(measures: Measures, asked: Criterion, verdict: Verdict, level: Level | None) -> Notice:
    """Return what doubling the objects is forecast to bring, against the least gain asked for."""
    points = measures.points
    rule = unlearned(points, complete=measures.complete)
    if rule is not None:
        return words.unlearned(measures, rule)
    end = points[-1].k
    least = f"the least gain asked for, {tolerance(asked.value)}"
    if level is None:
        notice, _ = measures.belief("error")
        why = "" if notice is None else f" ({notice.code})"
        return Notice(
            "GAIN-UNKNOWN",
            f"What doubling from k = {end:,} would bring cannot be forecast{why}, so it cannot be held "
            f"against {least}: start at a smaller size, or check that training settles.",
        )
    found = (
        f"doubling from k = {end:,} to {2 * end:,} objects is forecast to raise accuracy by "
        f"{signed(level.value, 4)} (90 % interval {signed(level.lo, 4)} to {signed(level.hi, 4)})"
    )
    if verdict == "sufficient":
        return Notice(
            "LITTLE-TO-GAIN", f"{_first_up(found)}, less than {least}: no more objects are needed for this."
        )
    if not measures.complete:
        return words.stopped_early(measures, asked.value, found=f"{found}; asked is {asked.phrase}")
    if verdict == "insufficient":
        return Notice("MORE-TO-GAIN", f"{_first_up(found)}, more than {least}: collect more objects.")
    return Notice(
        "GAIN-UNCERTAIN",
        f"{_first_up(found)}, which cannot be told from {least} at the last sizes: run more replicates, or "
        "collect more objects.",
    )


def held_out_too_small(measures: Measures, asked: Criterion, seen: Resolution) -> Notice:
    """Return that the target cannot be seen, with the size of held-out share that would do."""
    held = measures.record.shares.held_out
    unit = " nats" if asked.kind == "loss" else ""
    article = "a" if asked.kind == "loss" else "an"
    target = f"{article} {asked.kind} of {tolerance(asked.value)}{unit}"
    return Notice(
        "HELD-OUT-TOO-SMALL",
        f"Held-out shares of {held:,} objects show {target} to ± {seen.half_width:.2g} "
        f"only (95 %), and ± {seen.allowed:.2g} is needed to tell it from what is close: {_would_do(seen)}.",
    )


def _would_do(seen: Resolution) -> str:
    """Return how many objects show the target, or that none do and what to do instead."""
    if seen.objects is None:
        other = "ask for a target that is easier to see"
        if seen.rotating is not None:
            other += f", or read all objects (--all-features), of which {seen.rotating:,} in all would do"
        return (
            f"{seen.held_out:,} held-out objects would do, but no more than {seen.cap:,} are ever held out "
            f"here, so no number of objects will: {other}"
        )
    if seen.held_out > seen.cap:
        return f"{seen.objects:,} objects in all would do, as each replicate holds out others"
    return f"{seen.held_out:,} held-out objects would do, {seen.objects:,} in all at the same shares"


def _goal(asked: Criterion) -> str:
    name = "the relative tolerance" if asked.kind == "rel-tol" else "the target"
    return f"{name} {tolerance(asked.value)}"


def _band(asked: Criterion, level: Level) -> str:
    return f"{shown(asked, level.lo)} to {shown(asked, level.hi)}"


def _first_up(text: str) -> str:
    return text[0].upper() + text[1:]
