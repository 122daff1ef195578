"""The sentences of a plan's notices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sufficient.answer.campaign import Policy
from sufficient.answer.criteria import Criterion
from sufficient.notice import Notice
from sufficient.rounding import about, listed, money, percent

if TYPE_CHECKING:
    from sufficient.answer.plan import Plan


def budget_binds(best: Policy, unbound: Policy, budget: float) -> Notice:
    """Return that more would be collected with more money."""
    return Notice(
        "BUDGET-BINDS",
        f"The budget {money(budget)} ends the plan at {about(best.total)} objects (success "
        f"{percent(best.success)}); without it the plan goes up to {about(unbound.total)} for at most "
        f"{money(unbound.largest_spend)} (success {percent(unbound.success)}): raise the budget, or accept "
        "the lower chance.",
    )


def success_out_of_reach(plan: Plan) -> Notice:
    """Return that no count within the horizon has the wanted probability, and what can be had."""
    return Notice(
        "SUCCESS-OUT-OF-REACH",
        f"{most_of(plan)}; choose a lower success or an easier target, or collect for that chance and plan "
        "again.",
    )


def most_of(plan: Plan) -> str:
    """Return `No plan reaches 90 %: the most … is 78 %, with 9,000 objects for 450 at most`."""
    start = f"No plan reaches {as_typed(plan.goal.success or 0.0)}"
    if not plan.ladder:
        within = "" if plan.budget is None else f" and the budget {money(plan.budget)}"
        return f"{start}: no purchase within the forecast's reach{within} has a chance worth naming"
    most = plan.ladder[-1]
    within = "" if plan.budget is None else f", within the budget {money(plan.budget)},"
    return (
        f"{start}: the most this forecast can vouch for{within} is {percent(most.success)}, with "
        f"{about(most.total)} objects for {money(most.largest_spend)} at most"
    )


def as_typed(probability: float) -> str:
    """Return a wanted probability as it was given: `90 %`, `99.99 %`."""
    return f"{100 * probability:.10g} %"


def nothing_needed(best: Policy, wanted: float) -> Notice:
    """Return that what is at hand already has the wanted probability."""
    return Notice(
        "NOTHING-NEEDED",
        f"What is at hand is forecast to reach the target with {percent(best.success)} ({as_typed(wanted)} "
        "asked): collect nothing, and train on everything.",
    )


def no_plan_for_gain(asked: Criterion) -> Notice:
    """Return that a least gain was asked too, and is not planned for."""
    return Notice(
        "GAIN-NOT-PLANNED",
        f"The plan leaves out {asked.phrase}, as no number of objects answers whether doubling helps: judge "
        "it again once the objects are there.",
    )


def nothing_pays(best: Policy) -> Notice:
    """Return that missing the target is cheaper than collecting."""
    return Notice(
        "NOTHING-PAYS",
        "Collecting costs more than it is expected to save: buying nothing costs "
        f"{money(best.expected_cost)} (success {percent(best.success)}); check the price of missing the "
        "target.",
    )


def may_be_unreachable(never: float) -> Notice:
    """Return that no amount of data may be enough."""
    return Notice(
        "TARGET-MAY-BE-UNREACHABLE",
        f"With a chance of {percent(never)}, no number of objects reaches the target for this model and "
        "these features: consider a better model, or an easier target, before the last rounds are paid.",
    )


def beyond_horizon(beyond: float, horizon: int) -> Notice:
    """Return that part of the forecast is only a lower bound."""
    return Notice(
        "BEYOND-HORIZON",
        f"With a chance of {percent(beyond)}, more than {about(horizon, 2)} objects are needed, past 10 × "
        "the largest size run, where the forecast is only a lower bound and the plan does not go: plan again "
        "after this round.",
    )


def no_point_estimate() -> Notice:
    """Return why there is nothing to compare with."""
    return Notice(
        "NO-POINT-ESTIMATE",
        "The point estimate of what is needed lies beyond what the forecast can vouch for, so buying it "
        "cannot be compared: only the plan is given.",
    )


def far_out(best: Policy, near: int, *, rounds: int) -> Notice:
    """Return that the plan goes to where the forecast is only a rough guide."""
    instead = "plan again after each round" if rounds > 1 else "if time allows, collect in several rounds"
    return Notice(
        "FAR-FROM-MEASURED",
        f"The plan goes up to {about(best.total)} objects, and past {about(near)} the forecast lies beyond "
        f"4 × the largest size run, a rough guide only: {instead}.",
    )


def go_together(phrases: Sequence[str]) -> Notice:
    """Return how several criteria were put together."""
    return Notice(
        "SEVERAL-CRITERIA",
        f"{listed(phrases)} must all be met, and what they need is taken to go together, a curve that bends "
        "late for one bending late for all; were they independent, the chance of success would be lower.",
    )
