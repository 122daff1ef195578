"""The page's figures in words: the few that decide, the shares of the data, one row a stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sufficient.answer.answer import Answer, CurvePoint
from sufficient.report.marks import mark_lines
from sufficient.rounding import interval, nats, objects, share
from sufficient.study.record import Record


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
    """Return the figures that a reader in a hurry wants: how many, of how many, the change, the accuracy."""
    found = [*_how_many(answer)]
    found.append(Fact("available to fit", objects(answer.k_available), f"of {objects(data['used'])} used"))
    alive = [point for point in answer.curve if point.difference is not None]
    if alive:
        last = alive[-1]
        found.append(
            Fact(
                "change by one more object",
                f"{nats(last.difference)} nats",
                f"{_span(last)} at k = {objects(last.k)}",
            )
        )
    outlook = answer.outlook
    if outlook is not None and outlook.accuracy is not None:
        note = f"at k = {objects(outlook.k)}"
        if outlook.at_double is not None:
            double = outlook.at_double
            note = f"{share(double.accuracy)} {interval(double.accuracy_interval, share)} with twice the data"
        found.append(Fact("accuracy on unseen objects", share(outlook.accuracy), note))
    return tuple(found)


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
    lines = mark_lines(answer)
    if not lines:
        return []
    name, value = ("enough from", lines[0].removeprefix("k* = ").removeprefix("k* "))
    if answer.k_sufficient is None:
        name = "needed to fit"
        value = lines[0].removeprefix("forecast: ").removesuffix(" needed").replace("more than", "over")
    return [Fact(name, value, lines[1] if len(lines) > 1 else "")]


def _span(point: CurvePoint) -> str:
    return interval((point.lo, point.hi), lambda end: nats(end, 3))
