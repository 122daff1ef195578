"""A plan as JSON: what `plan.json` and `sufficient plan --json` hold, in the form of `plan.schema.json`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

from sufficient import __version__
from sufficient.answer.campaign import Policy
from sufficient.answer.plan import Plan

PLAN_VERSION = 1
INTERVAL = (0.05, 0.95)  # quantiles of the need


def plan_dict(
    plan: Plan,
    *,
    largest: int,  # k of the last size run when the plan was made
    following: Sequence[str],  # commands to run once the objects are there
) -> dict[str, Any]:
    """Return the plan as plain JSON values. Money in the unit of the costs given; an open end is None."""
    need = plan.need
    return {
        "schema_version": PLAN_VERSION,
        "tool": {"name": "sufficient", "version": __version__},
        "command": "plan",
        "largest_size": largest,
        "criteria": [dataclasses.asdict(each) for each in plan.criteria],
        "asked": {
            **dataclasses.asdict(plan.goal),
            "rounds": plan.rounds,
            "budget": plan.budget,
            "cost_per_object": plan.prices.each,
            "cost_per_round": plan.prices.round,
        },
        "more_needed": need.quantile(0.5),
        "more_interval": [need.quantile(INTERVAL[0]), need.quantile(INTERVAL[1])],
        "probability_unreachable": need.never,
        "probability_beyond_10x": need.beyond + need.never,
        "best": _policy(plan.best),
        "point_estimate": None if plan.naive is None else _policy(plan.naive),
        "now_by_class": dict(plan.now_by_class) or None,
        "curve": [dataclasses.asdict(first) for first in plan.curve],
        "notices": [dataclasses.asdict(notice) for notice in plan.notices],
        "next": list(following),
    }


def plan_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a plan."""
    text = resources.files("sufficient.report").joinpath("plan.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def in_result(plan: dict[str, Any], *, largest: int) -> dict[str, Any] | None:
    """Return what `result.json` holds of a run's `plan.json`; None where larger sizes were run since."""
    if plan.get("schema_version") != PLAN_VERSION or plan.get("largest_size") != largest:
        return None
    return {name: value for name, value in plan.items() if name not in _ITS_OWN}


_ITS_OWN = {"schema_version", "tool", "command", "largest_size", "curve", "next"}


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "now": policy.now,
        "total": policy.total,
        "success": policy.success,
        "quantities": list(policy.quantities),
        "reached": list(policy.reached),
        "expected_objects": policy.expected_objects,
        "expected_spend": policy.expected_spend,
        "largest_spend": policy.largest_spend,
        "expected_cost": policy.expected_cost,
    }
