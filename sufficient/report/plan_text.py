"""A plan in words: strings only, no colour, no printing."""

from __future__ import annotations

from sufficient.answer.campaign import Policy
from sufficient.answer.demand import Demand
from sufficient.answer.plan import WORTH_SAYING, Plan
from sufficient.answer.plan_words import as_typed, most_of
from sufficient.report.lines import labelled
from sufficient.rounding import about, counted, ends, money, objects, percent


def explain_plan(plan: Plan) -> list[str]:
    """Return the lines of the plan, each with its label in the first column."""
    best, naive = plan.best, plan.naive
    lines = []
    if plan.trains is not None:
        said = f"nothing need be bought: training on all {objects(plan.trains)} is forecast to suffice"
        if best.total:
            said += "; the purchase below is to see it in a study (held-out shares included)"
        lines.append(("to train", said))
    lines += [("plan", text) for text in _plan(plan)]
    if not already_met(plan):
        lines.append(("needed", _needed(plan.need)))
    if naive is not None and not plan.out_of_reach and not already_met(plan):
        lines.append(
            ("instead", f"buying the point estimate: {collect(plan, naive)} · {_outcome(plan, naive)}")
        )
    lines.append(("asked", _asked(plan)))
    lines += [
        ("warning", f"{notice.message} [{notice.code}]")
        for notice in plan.notices
        if notice.code != "SUCCESS-OUT-OF-REACH"  # the plan itself says it
    ]
    return labelled(lines)


def _plan(plan: Plan) -> list[str]:
    """Return the lines of what to collect, or of what could be had where that is out of reach."""
    best = plan.best
    if plan.out_of_reach:
        most = most_of(plan)
        rungs = [
            f"success {percent(policy.success)}: {collect(plan, policy)} · {_spend(policy)}"
            for policy in plan.ladder
        ]
        return [f"{most[0].lower()}{most[1:]}", *rungs]
    if already_met(plan):
        return [collect(plan, best)]
    lines = [f"{collect(plan, best)} · {_outcome(plan, best)}"]
    later = [q for q in best.quantities[1:] if q]
    if later:
        then = ", then ".join(about(q) for q in later)
        lines.append(f"later, only while the target is not reached: {then}")
    lines.append(f"{_spend(best)}, {about(round(best.expected_objects))} objects expected")
    if plan.now_by_class and best.now:
        classes = ", ".join(f"{name} {about(count)}" for name, count in plan.now_by_class)
        lines.append(f"now, at the same shares: {classes}")
    return lines


def already_met(plan: Plan) -> bool:
    """Return whether nothing is needed, with certainty: all that is asked is *sufficient*."""
    return plan.need.said == (0, 0, 0) and plan.need.most == 1 == float(plan.need.probability[0])


def collect(plan: Plan, policy: Policy) -> str:
    """Return what a policy buys: `collect 3,200 now (of up to 7,900 over 3 rounds)`."""
    if policy.total == 0:
        if plan.out_of_reach or (plan.goal.success is not None and policy.success < WORTH_SAYING):
            return "no plan"
        return "already met: collect nothing" if already_met(plan) else "collect nothing"
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
    middle, lower, upper = need.said
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
    parts.append(f"{counted(plan.rounds, 'round')} left")
    if plan.budget is not None:
        parts.append(f"budget {money(plan.budget)}")
    if goal.success is not None:
        parts.append(f"success {as_typed(goal.success)}")
    elif goal.penalty is not None:
        parts.append(f"a miss costs {money(goal.penalty)}")
    elif goal.shortage is not None:
        parts.append(f"each object still missing costs {money(goal.shortage)}")
    if plan.confirm == 2:
        parts.append("success: met at two sizes, the last and one 10 % below it")
    elif plan.confirm > 2:
        parts.append(f"success: met at the last {plan.confirm} sizes")
    return " · ".join(parts)
