"""The sentences of a plan's notices, and how its money and chances are written."""

from __future__ import annotations

from collections.abc import Sequence

from sufficient.answer.campaign import Policy
from sufficient.answer.words import listed
from sufficient.notice import Notice
from sufficient.rounding import about, rounded


def money(amount: float) -> str:
    """Return an amount without its currency: `1,250`, `12.50`, `0.04`."""
    if amount >= 100 or amount == round(amount):
        return f"{rounded(round(amount), 4):,}"
    return f"{amount:.2f}" if amount >= 0.1 else f"{amount:.2g}"


def percent(probability: float) -> str:
    """Return a chance: `91 %`, `over 99 %`, `under 1 %`; `0 %` and `100 %` only where it is that."""
    if probability <= 0 or probability >= 1:
        return f"{100 * min(max(probability, 0.0), 1.0):.0f} %"
    if probability > 0.99:
        return "over 99 %"
    return "under 1 %" if probability < 0.01 else f"{100 * probability:.0f} %"


def budget_binds(best: Policy, unbound: Policy, budget: float) -> Notice:
    """Return that more would be collected with more money."""
    return Notice(
        "BUDGET-BINDS",
        f"The budget {money(budget)} ends the plan at {about(best.total)} objects (success "
        f"{percent(best.success)}); without it the plan goes up to {about(unbound.total)} for at most "
        f"{money(unbound.largest_spend)} (success {percent(unbound.success)}): raise the budget, or accept "
        "the lower chance.",
    )


def success_out_of_reach(wanted: float, unbound: Policy) -> Notice:
    """Return that no count within the horizon has the wanted probability."""
    return Notice(
        "SUCCESS-OUT-OF-REACH",
        f"A success of {percent(wanted)} was asked, and no number of objects the forecast can vouch for has "
        f"more than {percent(unbound.success)}: forecast and plan again once more is collected, or choose "
        "an easier target.",
    )


def nothing_needed(best: Policy) -> Notice:
    """Return that what is at hand already has the wanted probability."""
    return Notice(
        "NOTHING-NEEDED",
        f"What is at hand is forecast to reach the target with {percent(best.success)}, as asked: collect "
        "nothing, and train on everything.",
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
