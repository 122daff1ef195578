"""The plan: expected cost, and the chance of success, against the number of objects bought now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sufficient.answer.campaign import Policy
from sufficient.answer.plan import FirstPurchase, Plan
from sufficient.answer.plan_words import money, percent
from sufficient.errors import ResourceError
from sufficient.report.plan_text import collect
from sufficient.report.style import FAINT, FORECAST, INK, LIMIT, MEASURED, MET, label, save, styled
from sufficient.rounding import about

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHTS = (1.7, 1)  # of the two panels
MARGIN = 1.35  # × the larger of both choices: what the axis shows at least
TALLEST = 2.5  # × the cost of the dearer choice: where the cost axis ends
ROOM = 0.27  # of the width of the axes: what a name takes
LOW = 0.2  # of the cost axis: a name below would leave the axes


@dataclass(frozen=True)
class PlanDisplay:
    """Cost curve of a plan; the numbers are the plan's, in its money over objects."""

    plan: Plan

    def plot(self, axes: tuple[Axes, Axes] | None = None) -> tuple[Axes, Axes]:
        """Draw cost and chance on the two axes, or on those of a new figure; return them."""
        with styled():
            cost, chance = _panels()[1] if axes is None else axes
            shown = _shown(self.plan)
            _cost(self.plan, shown, cost)
            _chance(self.plan, shown, chance)
            line = collect(self.plan, self.plan.best)
            cost.set_title(line[0].upper() + line[1:], color=INK, fontweight="bold", pad=14)
        return cost, chance


def draw_plan(plan: Plan, directory: Path) -> list[Path]:
    """Write plan.svg and plan.png below `directory` and return them.

    Raises ResourceError when the disk says no.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResourceError(
            f"cannot make the folder {directory}: {error.strerror}; make room for it in the run's directory"
        ) from error
    with styled():
        figure, axes = _panels()
        PlanDisplay(plan).plot(axes)
        return save(figure, directory / "plan")


def _panels() -> tuple[Figure, tuple[Axes, Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 6.6), layout="constrained")
    cost, chance = figure.subplots(2, 1, sharex=True, height_ratios=HEIGHTS)
    return figure, (cost, chance)


def _shown(plan: Plan) -> list[FirstPurchase]:
    """Return the part of the curve around both choices."""
    choices = [policy.now for policy in (plan.best, plan.naive) if policy is not None]
    edge = MARGIN * max(*choices, 0, *([plan.best.total] if plan.goal.success is not None else []))
    return [first for first in plan.curve if first.objects <= edge] if edge > 0 else list(plan.curve)


def _cost(plan: Plan, shown: list[FirstPurchase], axes: Axes) -> None:
    sizes, costs = [first.objects for first in shown], [first.expected_cost for first in shown]
    alone = "o" if len(shown) == 1 else ""
    axes.plot(sizes, costs, color=MEASURED, linewidth=1.8, marker=alone, zorder=3, label="expected cost")
    marked = [plan.best.expected_cost] if plan.naive is None else _both(plan)
    top = 1.12 * max(min(max(costs), TALLEST * max(marked)), 1.2 * max(marked), 1e-9)
    axes.set_ylim(0, top)
    below, above = _lifts(plan, LOW * top)
    under = plan.naive is None or plan.best.expected_cost <= plan.naive.expected_cost
    name = f"plan: {about(plan.best.now)} now"
    _choice(plan.best, name, axes, colour=MET, lift=below if under else above)
    if plan.naive is not None:
        name = f"point estimate: {about(plan.naive.now)} now"
        rising = plan.naive.now > plan.best.now
        lift = above if under else below
        _choice(plan.naive, name, axes, colour=FORECAST, lift=lift, rising=rising)
    axes.yaxis.set_major_formatter(lambda value, _: money(value) if value else "0")
    axes.set_ylabel("expected cost" if plan.goal.success is not None else "expected cost with misses")


def _lifts(plan: Plan, low: float) -> tuple[float, float]:
    """Return how far the names of the cheaper and the dearer choice stand from them, in points: apart."""
    costs = sorted(_both(plan))
    if costs[0] >= low:
        return -9, 18
    return 9, 48 if costs[-1] < 2 * low else 18


def _both(plan: Plan) -> list[float]:
    return [policy.expected_cost for policy in (plan.best, plan.naive) if policy is not None]


def _choice(policy: Policy, name: str, axes: Axes, *, colour: str, lift: float, rising: bool = False) -> None:
    """Mark what a policy buys now and is expected to cost; its name stands left of a rising curve."""
    axes.plot([policy.now], [policy.expected_cost], "o", color=colour, markersize=8, zorder=5, label=name)
    axes.axvline(policy.now, color=colour, linewidth=1.0, linestyle=(0, (4, 3)), zorder=2, label="_choice")
    left = policy.now > axes.get_xlim()[1] * (ROOM if rising else 0.5)
    label(
        axes,
        policy.now,
        policy.expected_cost,
        f"{name}\ncost {money(policy.expected_cost)}, success {percent(policy.success)}",
        colour=colour,
        ha="right" if left else "left",
        va="bottom" if lift > 0 else "top",
        offset=(-9 if left else 9, lift),
    )


def _chance(plan: Plan, shown: list[FirstPurchase], axes: Axes) -> None:
    sizes = [first.objects for first in shown]
    lines = [("by the end of this round", [first.reached for first in shown], INK)]
    if plan.rounds > 1:
        lines.append(("by the last round", [first.success for first in shown], MEASURED))
    for name, chances, colour in lines:
        alone = "o" if len(shown) == 1 else ""
        axes.step(
            sizes, chances, where="post", color=colour, linewidth=1.6, marker=alone, zorder=3, label=name
        )
    if plan.goal.success is not None:
        axes.axhline(plan.goal.success, color=LIMIT, linewidth=1.2, linestyle="--", zorder=2, label="asked")
    for policy, colour in ((plan.best, MET), (plan.naive, FORECAST)):
        if policy is not None:
            axes.axvline(policy.now, color=colour, linewidth=1.0, linestyle=(0, (4, 3)), label="_choice")
    axes.set_ylim(0, 1.04)
    axes.set_ylabel("target reached")
    axes.set_xlabel("objects collected in this round")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.legend(loc="lower right", fontsize=10, framealpha=0.9, edgecolor="none", labelcolor=FAINT)
