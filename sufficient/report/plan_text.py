"""A plan in words: strings only, no colour, no printing."""

from __future__ import annotations

from collections.abc import Sequence

from sufficient.answer.campaign import Policy
from sufficient.answer.demand import Demand
from sufficient.answer.plan import WORTH_SAYING, Plan
from sufficient.answer.plan_words import money, percent
from sufficient.report.text import LABEL
from sufficient.rounding import about, ends, objects


def explain_plan(plan: Plan) -> list[str]:
    """Return the lines of the plan, each with its label in the first column."""
    best, naive = plan.best, plan.naive
    lines = []
    if plan.trains is not None and best.total:
        lines.append(
            (
                "to train",
                f"nothing need be bought: training on all {objects(plan.trains)} is forecast to suffice; the "
                "purchase below is to see it in a study (held-out shares included)",
            )
        )
    lines.append(("plan", f"{collect(plan, best)} · {_outcome(plan, best)}"))
    later = [q for q in best.quantities[1:] if q]
    if later:
        then = ", then ".join(about(q) for q in later)
        lines.append(("", f"later, only while the target is not reached: {then}"))
    lines.append(("", f"{_spend(best)}, {about(round(best.expected_objects))} objects expected"))
    if plan.now_by_class and best.now:
        classes = ", ".join(f"{name} {about(count)}" for name, count in plan.now_by_class)
        lines.append(("", f"now, at the same shares: {classes}"))
    lines.append(("needed", _needed(plan.need)))
    if naive is not None:
        lines.append(
            ("instead", f"buying the point estimate: {collect(plan, naive)} · {_outcome(plan, naive)}")
        )
    lines.append(("asked", _asked(plan)))
    lines += [("warning", f"{notice.message} [{notice.code}]") for notice in plan.notices]
    return [label.ljust(LABEL) + text for label, text in lines]


def labelled(label: str, texts: Sequence[str]) -> list[str]:
    """Return lines, the first with its label in the first column."""
    return [("" if i else label).ljust(LABEL) + text for i, text in enumerate(texts)]


def collect(plan: Plan, policy: Policy) -> str:
    """Return what a policy buys: `collect 3,200 now (of up to 7,900 over 3 rounds)`."""
    if policy.total == 0:
        return (
            "no plan"
            if plan.goal.success is not None and policy.success < WORTH_SAYING
            else "collect nothing"
        )
    bought = sum(q > 0 for q in policy.quantities)
    if bought == 1:
        alone = "in one go" if plan.rounds > 1 else "in the only round"
        return f"collect {about(policy.now)} now, {alone}"
    return f"collect {about(policy.now)} now (of up to {about(policy.total)} over {bought} rounds)"


def _outcome(plan: Plan, policy: Policy) -> str:
    what = "expected cost" if plan.goal.success is not None else "expected cost with misses"
    # each object still missing costs money: past the horizon nobody knows how many those are
    bound = plan.goal.shortage and plan.need.beyond + plan.need.never >= WORTH_SAYING
    cost = f"{'at least ' if bound else ''}{money(policy.expected_cost)}"
    return f"{what} {cost} · success {percent(max(policy.success, 0.0))}"


def _spend(policy: Policy) -> str:
    if policy.total == 0:
        return "spend 0"
    return f"spend {money(policy.expected_spend)} expected, {money(policy.largest_spend)} at most"


def _needed(need: Demand) -> str:
    """Return how many more the target needs: `about 5,200 more [3,100, …] (90 %)`."""
    middle, lower, upper = need.quantile(0.5), need.quantile(0.05), need.quantile(0.95)
    if middle is None:
        least = "10 × what was run" if lower is None else f"{about(lower, 2)} more"
        text = f"over {least} (95 %)"
    elif middle == 0:
        most = "" if upper is None else f", at most {about(upper, 2)} (95 %)"
        text = f"nothing more, as likely as not{most}"
    else:
        text = f"about {about(middle)} more {ends((lower, upper), like=middle)} (90 %)"
    never = f", never reached with a chance of {percent(need.never)}" if need.never >= WORTH_SAYING else ""
    return text + never


def _asked(plan: Plan) -> str:
    goal, prices = plan.goal, plan.prices
    parts = [each.phrase for each in plan.criteria]
    parts.append(f"{money(prices.each)} per object")
    if prices.round:
        parts.append(f"{money(prices.round)} per round")
    parts.append(f"{objects(plan.rounds)} {'round' if plan.rounds == 1 else 'rounds'} left")
    if plan.budget is not None:
        parts.append(f"budget {money(plan.budget)}")
    if goal.success is not None:
        parts.append(f"success {percent(goal.success)}")
    elif goal.penalty is not None:
        parts.append(f"a miss costs {money(goal.penalty)}")
    elif goal.shortage is not None:
        parts.append(f"each object still missing costs {money(goal.shortage)}")
    return " · ".join(parts)
