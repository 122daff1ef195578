"""The page's figures in words: the few that decide, the shares of the data, one row a stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sufficient.answer.answer import Answer, CriterionAnswer, CurvePoint
from sufficient.answer.target_words import shown
from sufficient.report.criteria_text import hardest, has_number, needed, unmet
from sufficient.report.marks import forecast_lines, mark_lines
from sufficient.rounding import interval, nats, objects, share, signed, tolerance
from sufficient.study.record import Record

MEASURED = {  # quantities with a card of their own where they are asked
    "rel-tol": "change relative to the loss",
    "error": "wrong on unseen objects",
    "loss": "loss on unseen objects",
    "min-gain": "accuracy gained by doubling",
}


@dataclass(frozen=True)
class Fact:
    """One figure with its name and what stands below it."""

    name: str
    value: str
    note: str


@dataclass(frozen=True)
class Part:
    """One part of the used objects."""

    name: str
    objects: int
    percent: float


def facts(answer: Answer, data: Mapping[str, Any]) -> tuple[Fact, ...]:
    """Return what a reader in a hurry wants: how many, of how many, what was asked as measured, accuracy."""
    available = Fact("available to fit", objects(answer.k_available), f"of {objects(data['used'])} used")
    return (*_how_many(answer), available, *_measured(answer), *_accuracy(answer))


def asked_words(answer: Answer) -> str:
    """Return what was asked in a sentence, and that a tolerance nobody asked for decides nothing."""
    asked = [each.criterion.phrase for each in answer.asked] or [f"tol {tolerance(answer.tolerance)} nats"]
    said = f"Asked: {', '.join(asked)}."
    if len(asked) > 1:
        said += " All must hold."
    if alone(answer):
        return said
    own = f"tol {tolerance(answer.tolerance)} nats"
    return (
        said if own in asked else f"{said} The tolerance drawn, {own}, is for reference and decides nothing."
    )


def alone(answer: Answer) -> bool:
    """Return whether nothing but the tolerance was asked."""
    return all(each.criterion.kind == "tol" for each in answer.asked)


def shares_of(record: Record) -> tuple[Part, ...]:
    """Return how the used objects are divided."""
    shares = record.shares
    parts = (
        ("to fit", shares.k_available),
        ("to validate", shares.validation),
        ("held out", shares.held_out),
    )
    return tuple(Part(name, count, round(100 * count / shares.used, 2)) for name, count in parts)


def stage_rows(answer: Answer) -> tuple[tuple[str, ...], ...]:
    """Return one row a stage, its columns as in `STAGE_COLUMNS`."""
    return tuple(
        (
            objects(point.k),
            nats(point.difference, 3),
            _span(point),
            nats(point.constant, 3),
            share(point.accuracy),
            nats(point.unseen_loss, 3),
            nats(point.train_loss, 3),
            f"{point.replicates}" + (f" + {point.dead} dead" if point.dead else ""),
            "yes" if point.learned else "no",
        )
        for point in answer.curve
    )


STAGE_COLUMNS = (
    "k", "δ, nats", "95 %", "C, nats", "accuracy", "unseen loss", "training loss", "replicates", "learned",
)  # fmt: skip


def _how_many(answer: Answer) -> list[Fact]:
    """Return from how many objects on all that was asked is met, or what the hardest of it needs."""
    if answer.k_sufficient is not None:
        lines = mark_lines(answer)
        value = lines[0].removeprefix("k* = ").removeprefix("k* ")
        return [Fact("enough from", value, lines[1] if len(lines) > 1 else "")]
    most, open_ = hardest(answer), unmet(answer)
    if most is None or (most.forecast is None and len(open_) == 1 and most.criterion.kind == "tol"):
        return []
    phrase = most.criterion.phrase
    name = "needed to fit" if alone(answer) else f"needed for {phrase}"
    if most.forecast is None or not has_number(most):
        return [Fact(name, "no number", needed(most))]
    lines = forecast_lines(most.forecast)
    if len(open_) > 1:
        name, lines = "needed for all that is asked", (lines[0], f"{phrase} needs most; {lines[1]}")
    return [Fact(name, lines[0].removeprefix("forecast: ").removesuffix(" needed"), lines[1])]


def _measured(answer: Answer) -> list[Fact]:
    """Return what was asked, as it was measured at the last size; accuracy has a card of its own."""
    alive = [point for point in answer.curve if point.difference is not None]
    own = next((each for each in answer.criteria if each.criterion.kind == "tol"), None)
    found = []
    if alive and (own is None or own.asked):
        last = alive[-1]
        change, note = f"{nats(last.difference)} nats", f"{_span(last)} at k = {objects(last.k)}"
        found.append(Fact("change by one more object", change, note))
    others = {each.criterion.kind: each for each in answer.asked}
    return found + [
        _level(each) for kind, each in others.items() if kind in MEASURED and each.at_last is not None
    ]


def _level(answer: CriterionAnswer) -> Fact:
    """Return the card of a criterion whose quantity was measured."""
    asked, level = answer.criterion, answer.at_last
    assert level is not None
    if asked.kind == "min-gain":
        span = interval((level.lo, level.hi), lambda end: signed(end, 3))
        return Fact(MEASURED[asked.kind], signed(level.value, 3), f"90 % {span}")
    span = interval((level.lo, level.hi), lambda end: shown(asked, end))
    unit = " nats" if asked.kind == "loss" else ""
    return Fact(MEASURED[asked.kind], f"{shown(asked, level.value)}{unit}", f"95 % {span}")


def _accuracy(answer: Answer) -> list[Fact]:
    outlook = answer.outlook
    if outlook is None or outlook.accuracy is None:
        return []
    note = f"at k = {objects(outlook.k)}"
    if outlook.at_double is not None:
        double = outlook.at_double
        note = f"{share(double.accuracy)} {interval(double.accuracy_interval, share)} with twice the data"
    return [Fact("accuracy on unseen objects", share(outlook.accuracy), note)]


def _span(point: CurvePoint) -> str:
    return interval((point.lo, point.hi), lambda end: nats(end, 3))
