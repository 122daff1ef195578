"""What a result holds beyond the curve, where it does: class by class, what was asked, a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sufficient.answer.answer import ClassAnswer, Level
from sufficient.answer.criteria import Criterion
from sufficient.answer.per_class import MOST_NAMED, worst
from sufficient.answer.plan_words import as_typed
from sufficient.answer.target_words import shown
from sufficient.report.criteria_text import forecast_digits
from sufficient.rounding import about, counted, ends, interval, money, nats, objects, percent, share, signed

NEEDED = "objects of it needed, 90 %"
NOT_FORECAST = "not forecast"
TITLES = {"per_class": "Class by class", "criteria": "What was asked", "plan": "The plan"}


@dataclass(frozen=True)
class Block:
    """One table: `rows` as wide as `columns`."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    bars: tuple[float, ...] = ()  # one a row, of 100: the class's share of the error, the largest being 100
    notes: tuple[str, ...] = ()  # sentences below


def blocks(result: Mapping[str, Any]) -> dict[str, Block]:
    """Return name → table of each part in `TITLES` that the result holds and that is not empty.

    A tolerance alone is told elsewhere.
    """
    held = {name: result.get(name) for name in TITLES}
    criteria, plan = held["criteria"] or (), held["plan"]
    held["criteria"] = [_criterion(each) for each in criteria] if len(criteria) > 1 else None
    held["plan"] = _plan(plan) if plan else None
    asked = next((each for each in _asked(criteria) if each["kind"] in ("accuracy", "error")), None)
    classes = held["per_class"] or ()
    held["per_class"] = _classes(classes, asked)
    found = {name: _block(TITLES[name], value) for name, value in held.items() if value}
    if "per_class" in found:
        notes = (_class_note(asked, held["per_class"] or ()),)
        found["per_class"] = replace(found["per_class"], bars=_bars(classes), notes=notes)
    if plan:
        found["plan"] = replace(found["plan"], notes=_plan_notes(plan, criteria))
    return found


def plan_warnings(plan: Mapping[str, Any] | None) -> str:
    """Return how many warnings a plan has: `4 warnings`; nothing without any."""
    count = len(plan["notices"]) if plan else 0
    return counted(count, "warning") if count else ""


def _classes(classes: Sequence[Mapping[str, Any]], asked: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return a row a class; what it needs only where an accuracy is asked, with a word where no number is."""
    rows = [
        {
            "class": each["name"],
            "objects": each["objects"],
            "ever held out": each["held_out"],
            "accuracy, 95 %": _share(each["accuracy"]),
            "share of the error, 95 %": _share(each["share_of_error"]),
        }
        for each in classes
    ]
    if asked is None:
        return rows
    target = asked["value"] if asked["kind"] == "accuracy" else 1 - asked["value"]
    named = {each.name for each in worst([_as_answer(each) for each in classes])[:MOST_NAMED]}
    needs = [_class_need(each, target, named=each["name"] in named) for each in classes]
    if set(needs) <= {NOT_FORECAST}:
        return rows
    return [{**row, NEEDED: need} for row, need in zip(rows, needs, strict=True)]


def _as_answer(each: Mapping[str, Any]) -> ClassAnswer:
    error = each["share_of_error"]
    of_error = None if error is None else Level(**error)
    return ClassAnswer(each["name"], each["objects"], each["held_out"], None, of_error, None, None)


def _share(level: Mapping[str, float] | None) -> str | None:
    if level is None:
        return None
    return f"{share(level['value'])} {interval((level['lo'], level['hi']), share)}"


def _class_need(each: Mapping[str, Any], target: float, *, named: bool) -> str:
    """Return how many objects of a class an accuracy needs, or why there is no number."""
    k, span, level = each["objects_needed"], each["needed_interval"], each["accuracy"]
    if k is not None:
        return f"{about(k, 2)} {ends(span or (None, None), like=k, digits=2)}"
    if span is not None:
        return "more than 10 × as many" if span[0] is None else f"at least {about(span[0], 2)} (95 %)"
    if level is not None and level["lo"] >= target:
        return "met"
    return "no number: too noisy or flat" if named else NOT_FORECAST


def _class_note(asked: Mapping[str, Any] | None, rows: Sequence[Mapping[str, Any]]) -> str:
    said = (
        "Measured at the largest size that learned. Every replicate holds out other objects: ever held out "
        "are those of the class that some replicate was scored on."
    )
    if asked is None or NEEDED not in rows[0]:
        return said
    return (
        f"{said} Objects needed are those of the class in all the data, for {_phrase(asked)} within it; they "
        f"are forecast for the {MOST_NAMED} classes with most of the error, where few make up half of it."
    )


def _bars(classes: Sequence[Mapping[str, Any]]) -> tuple[float, ...]:
    """Return the length of each class's bar; () where no class has a share of the error."""
    shares = [(each.get("share_of_error") or {}).get("value", 0.0) for each in classes]
    most = max(shares)
    return tuple(round(100 * share / most, 1) for share in shares) if most else ()


def _phrase(each: Mapping[str, Any]) -> str:
    return Criterion(each["kind"], each["value"]).phrase


def _plan_notes(plan: Mapping[str, Any], criteria: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return what the plan was asked, that it is for another criterion than the page, and its warnings."""
    asked, notes = plan["asked"], []
    parts = [f"{money(asked['cost_per_object'])} per object"]
    if asked["cost_per_round"]:
        parts.append(f"{money(asked['cost_per_round'])} per round")
    parts.append(counted(asked["rounds"], "round"))
    if asked["budget"] is not None:
        parts.append(f"budget {money(asked['budget'])}")
    if asked["success"] is not None:
        parts.append(f"wanted success {as_typed(asked['success'])}")
    if asked["penalty"] is not None:
        parts.append(f"{money(asked['penalty'])} for a miss")
    if asked["shortage"] is not None:
        parts.append(f"{money(asked['shortage'])} for each object missing")
    notes.append(f"Asked of the plan: {', '.join(parts)}.")
    own, planned = ([_phrase(each) for each in many] for many in (_asked(criteria), plan["criteria"]))
    if own and set(own) != set(planned):
        notes.append(f"The plan was made for {', '.join(planned)}; this page was asked {', '.join(own)}.")
    return (*notes, *(f"{notice['code']} {notice['message']}" for notice in plan["notices"]))


def _asked(criteria: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [each for each in criteria if each["asked"]]


def _plan(plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row for the plan, and one for buying the point estimate."""
    asked = ", ".join(map(_phrase, plan["criteria"]))
    return [
        {
            "": name,
            "for": asked,
            "collect now": about(policy["now"]),
            "later rounds": ", ".join(about(q) for q in policy["quantities"][1:] if q) or "–",
            "in all rounds": about(policy["total"]),
            "expected cost": money(policy["expected_cost"]),
            "at most": money(policy["largest_spend"]),
            "success": percent(policy["success"]),
        }
        for name, policy in (
            ("plan", plan["best"]),
            *(("in reach", policy) for policy in plan.get("ladder", ())),
            ("point estimate", plan["point_estimate"]),
        )
        if policy is not None
    ]


def _criterion(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of one criterion."""
    forecast = answer["forecast"] or {}
    digits = forecast_digits(forecast.get("extrapolation"))
    never = forecast.get("probability_unreachable")
    return {
        "asked": f"{_phrase(answer)}{'' if answer['asked'] else ', for reference'}",
        "verdict": answer["verdict"],
        "at the last size": _at_last(answer),
        "k*": None if answer["k_sufficient"] is None else about(answer["k_sufficient"]),
        "objects needed, 90 %": _needed(forecast, digits),
        "never reached": None if never is None else percent(never),
    }


def _at_last(answer: Mapping[str, Any]) -> str | None:
    """Return the quantity at the last size as the terminal does; of a least gain, what doubling brings."""
    level, asked = answer["at_last"], Criterion(answer["kind"], answer["value"])
    if level is None:
        return None

    def told(value: float) -> str:
        return signed(value, 3) if asked.kind == "min-gain" else shown(asked, value)

    return f"{told(level['value'])} {interval((level['lo'], level['hi']), told)}"


def _needed(forecast: Mapping[str, Any], digits: int) -> str | None:
    """Return a forecast rounded as the terminal does it: `6,800 [3,400, 9,000]`, `at least 14,000 (95 %)`."""
    k, span = forecast.get("k_needed"), forecast.get("k_interval") or (None, None)
    if k is not None:
        return f"{about(k, digits)} {ends(span, like=k, digits=digits)}"
    if forecast.get("notices") or not forecast:
        return None
    return "more than 10 × what was run" if span[0] is None else f"at least {about(span[0], 2)} (95 %)"


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
