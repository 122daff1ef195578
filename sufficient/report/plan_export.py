"""A plan as JSON: what `plan.json` and `sufficient plan --json` hold, in the form of `plan.schema.json`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from sufficient import __version__
from sufficient.answer.campaign import Policy
from sufficient.answer.plan import Plan

PLAN_VERSION = 1


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
        "confirm": plan.confirm,
        "more_needed": need.said[0],
        "more_interval": list(need.said[1:]),
        "probability_unreachable": need.never,
        "probability_beyond_10x": need.beyond + need.never,
        "best": _policy(plan.best),
        "point_estimate": None if plan.naive is None else _policy(plan.naive),
        "ladder": [_policy(policy) for policy in plan.ladder],
        "now_by_class": dict(plan.now_by_class) or None,
        "curve": [dataclasses.asdict(first) for first in plan.curve],
        "notices": [dataclasses.asdict(notice) for notice in plan.notices],
        "next": list(following),
    }


def in_result(plan: dict[str, Any], *, largest: int) -> dict[str, Any] | None:
    """Return what a run knows of its `plan.json`; None where larger sizes were run since."""
    if plan.get("schema_version") != PLAN_VERSION or plan.get("largest_size") != largest:
        return None
    return {name: value for name, value in plan.items() if name not in _ITS_OWN}


def of_result(plan: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what `result.json` holds of what a run knows of its plan."""
    return None if plan is None else {name: v for name, v in plan.items() if name != "curve"}


_ITS_OWN = {"schema_version", "tool", "command", "largest_size", "next"}


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
