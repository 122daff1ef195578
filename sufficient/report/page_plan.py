"""The plan's expected cost as SVG data: over the objects collected in this round, with both choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sufficient.report.page_chart import polyline
from sufficient.report.page_scale import Axis, Tick, count_ticks, money_ticks
from sufficient.rounding import about, money, percent

WIDTH, HEIGHT = 440, 290  # SVG units, those of the charts of the outlook
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 26, 42
MARGIN = 1.35  # x the larger of both choices: what the axis shows at least
TALLEST = 2.5  # x the cost of the dearer choice: where the cost axis ends


@dataclass(frozen=True)
class Choice:
    """What a policy collects now and is expected to cost."""

    name: str
    best: bool
    x: float
    y: float
    told: str


@dataclass(frozen=True)
class PlanChart:
    """Expected cost over the objects collected in this round."""

    title: str
    width: int
    height: int
    x: Axis
    y: Axis
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    line: str
    choices: tuple[Choice, ...]
    summary: str


def plan_chart(plan: Mapping[str, Any] | None) -> PlanChart | None:
    """Return the chart of a run's plan; None without one, or where it says of one purchase only."""
    curve = (plan or {}).get("curve") or ()
    if plan is None or len(curve) < 2:
        return None
    policies = {"plan": plan["best"], "point estimate": plan["point_estimate"]}
    chosen = {name: policy for name, policy in policies.items() if policy is not None}
    edge = MARGIN * max(policy["now"] for policy in chosen.values())
    shown = [first for first in curve if first["objects"] <= edge or not edge]
    shown = shown if len(shown) > 1 else list(curve[:2])
    costs, marked = (
        [first["expected_cost"] for first in shown],
        [policy["expected_cost"] for policy in chosen.values()],
    )
    high = 1.1 * max(min(max(costs), TALLEST * max(marked)), *marked, 1e-9)
    right = max(float(shown[-1]["objects"]), 1.05 * edge / MARGIN, 1.0)
    x, y = Axis(0.0, right, LEFT, WIDTH - RIGHT, False), Axis(0.0, high, HEIGHT - BOTTOM, TOP, False)
    choices = tuple(_choice(name, policy, x, y) for name, policy in chosen.items())
    return PlanChart(
        title="What collecting in this round costs in the end",
        width=WIDTH,
        height=HEIGHT,
        x=x,
        y=y,
        x_ticks=count_ticks(x),
        y_ticks=money_ticks(y),
        line=polyline((x.at(first["objects"]), y.at(first["expected_cost"])) for first in shown),
        choices=choices,
        summary=f"Expected cost over objects collected in this round; {'; '.join(c.told for c in choices)}.",
    )


def _choice(name: str, policy: Mapping[str, Any], x: Axis, y: Axis) -> Choice:
    told = (
        f"{name}: {about(policy['now'])} now, expected cost {money(policy['expected_cost'])}, "
        f"success {percent(policy['success'])}"
    )
    return Choice(name, name == "plan", x.at(policy["now"]), y.at(policy["expected_cost"]), told)
