"""The plan: expected cost, and the chance of success, against the number of objects bought now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sufficient.answer.campaign import Policy
from sufficient.answer.plan import FirstPurchase, Plan
from sufficient.answer.plan_words import as_typed
from sufficient.files import make_folder
from sufficient.report.plan_text import collect
from sufficient.report.style import FAINT, FORECAST, INK, LIMIT, MEASURED, MET, save, styled
from sufficient.rounding import about, money, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHTS = (1.7, 1)  # of the two panels
MARGIN = 1.35  # × the larger of both choices: what the axis shows at least
TALLEST = 2.5  # × the cost of the dearer choice: where the cost axis ends
LEFT = 0.03  # of the width, left of 0
NAME_HEIGHT = 16  # points, of each name above the axes


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
            if self.plan.out_of_reach:
                line = f"no plan reaches {as_typed(self.plan.goal.success or 0.0)}"
            pad = 14 + NAME_HEIGHT * (1 + len(_marked(self.plan)))
            cost.set_title(line[0].upper() + line[1:], color=INK, fontweight="bold", pad=pad)
        return cost, chance


def draw_plan(plan: Plan, directory: Path) -> list[Path]:
    """Write plan.svg and plan.png below `directory` and return them.

    Raises ResourceError when the disk says no.
    """
    make_folder(directory, option=None)
    with styled():
        figure, axes = _panels()
        PlanDisplay(plan).plot(axes)
        return save(figure, directory / "plan")


def _panels() -> tuple[Figure, tuple[Axes, Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 6.6), layout="constrained")
    cost, chance = figure.subplots(2, 1, sharex=True, height_ratios=HEIGHTS)
    return figure, (cost, chance)


def _marked(plan: Plan) -> list[tuple[str, Policy, str]]:
    """Return the choices to mark, each with its name and colour."""
    if plan.out_of_reach:
        return [("the most", plan.ladder[-1], MET)] if plan.ladder else []
    naive = [] if plan.naive is None else [("point estimate", plan.naive, FORECAST)]
    return [("plan", plan.best, MET), *naive]


def _shown(plan: Plan) -> list[FirstPurchase]:
    """Return the part of the curve around all choices."""
    choices = [policy.now for _, policy, _ in _marked(plan)]
    edge = MARGIN * max([0, *choices, *([plan.best.total] if plan.goal.success is not None else [])])
    return [first for first in plan.curve if first.objects <= edge] if edge > 0 else list(plan.curve)


def _cost(plan: Plan, shown: list[FirstPurchase], axes: Axes) -> None:
    """Draw the curve and the choices; their names stand above the axes, where they cover nothing."""
    sizes, costs = [first.objects for first in shown], [first.expected_cost for first in shown]
    alone = "o" if len(shown) == 1 else ""
    axes.plot(sizes, costs, color=MEASURED, linewidth=1.8, marker=alone, zorder=3, label="expected cost")
    marked = [policy.expected_cost for _, policy, _ in _marked(plan)] or costs
    axes.set_ylim(0, 1.12 * max(min(max(costs), TALLEST * max(marked)), 1.2 * max(marked), 1e-9))
    right = axes.get_xlim()[1]
    axes.set_xlim(-LEFT * right, right)
    for name, policy, colour in _marked(plan):
        axes.plot(
            [policy.now],
            [policy.expected_cost],
            "o",
            color=colour,
            markersize=8,
            zorder=5,
            label=_named(name, policy),
        )
        axes.axvline(
            policy.now, color=colour, linewidth=1.0, linestyle=(0, (4, 3)), zorder=2, label="_choice"
        )
    handles, labels = axes.get_legend_handles_labels()
    if plan.goal.success is not None:
        labels[0] = f"cheapest with success {percent(min(first.success for first in plan.curve))}"
    axes.legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(0, 1.01),
        borderaxespad=0,
        fontsize=10,
        frameon=False,
        labelcolor=FAINT,
    )
    axes.yaxis.set_major_formatter(lambda value, _: money(value) if value else "0")
    axes.set_ylabel("expected cost" if plan.goal.success is not None else "expected cost with misses")


def _named(name: str, policy: Policy) -> str:
    cost, success = money(policy.expected_cost), percent(policy.success)
    return f"{name}: {about(policy.now)} now, cost {cost}, success {success}"


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
    for _, policy, colour in _marked(plan):
        axes.axvline(policy.now, color=colour, linewidth=1.0, linestyle=(0, (4, 3)), label="_choice")
    axes.set_ylim(0, 1.04)
    axes.set_ylabel("target reached")
    axes.set_xlabel("objects collected in this round")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.legend(loc="best", fontsize=10, framealpha=0.9, edgecolor="none", labelcolor=FAINT)
