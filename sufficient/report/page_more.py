"""What a result holds beyond the curve, where it does: class by class, what was asked, a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sufficient.answer.plan_words import money, percent
from sufficient.rounding import nats, objects

TITLES = {"per_class": "Class by class", "criteria": "What was asked", "plan": "The plan"}


@dataclass(frozen=True)
class Block:
    """One table: `rows` as wide as `columns`."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def blocks(result: Mapping[str, Any]) -> dict[str, Block]:
    """Return name → table of each part in `TITLES` that the result holds and that is not empty.

    A tolerance alone is told elsewhere.
    """
    held = {name: result.get(name) for name in TITLES}
    criteria = held["criteria"] or ()
    held["criteria"] = [_criterion(each) for each in criteria] if len(criteria) > 1 else None
    held["plan"] = _plan(held["plan"]) if held["plan"] else None
    return {name: _block(TITLES[name], value) for name, value in held.items() if value}


def _plan(plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row for the plan, and one for buying the point estimate."""
    asked = ", ".join(f"{each['kind']} {each['value']:g}" for each in plan["criteria"])
    return [
        {
            "": name,
            "for": asked,
            "collect now": policy["now"],
            "in all rounds": policy["total"],
            "expected cost": money(policy["expected_cost"]),
            "at most": money(policy["largest_spend"]),
            "success": percent(policy["success"]),
        }
        for name, policy in (("plan", plan["best"]), ("point estimate", plan["point_estimate"]))
        if policy is not None
    ]


def _criterion(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of one criterion."""
    forecast = answer["forecast"] or {}
    return {
        "asked": f"{answer['kind']} {answer['value']:g}{'' if answer['asked'] else ', for reference'}",
        "verdict": answer["verdict"],
        "at the last size": answer["at_last"],
        "k*": answer["k_sufficient"],
        "objects needed": forecast.get("k_needed"),
        "90 %": forecast.get("k_interval"),
        "never reached": forecast.get("probability_unreachable"),
    }


def _block(title: str, value: Any) -> Block:
    """Return a list of alike mappings as a table, a mapping as a table of name and value."""
    if isinstance(value, Mapping):
        return Block(title, ("", ""), tuple((_words(name), _cell(item)) for name, item in value.items()))
    names = list(dict.fromkeys(name for row in value for name in row))
    return Block(
        title,
        tuple(_words(name) for name in names),
        tuple(tuple(_cell(row.get(name)) for name in names) for row in value),
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return objects(value)
    if isinstance(value, float):
        return nats(value, 3)
    if isinstance(value, Mapping) and set(value) == {"value", "lo", "hi"}:
        return f"{_cell(value['value'])} {_cell([value['lo'], value['hi']])}"
    if isinstance(value, Mapping):
        return ", ".join(f"{_words(name)} {_cell(item)}" for name, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join("…" if item is None else _cell(item) for item in value) + "]"
    return str(value)
