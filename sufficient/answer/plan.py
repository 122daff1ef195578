"""How many objects to collect now, and what it is expected to cost: `plan`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from sufficient.answer import plan_words as words
from sufficient.answer.campaign import (
    Policy,
    Prices,
    Solution,
    cost_of_missing,
    follow,
    medians,
    solve,
    within,
)
from sufficient.answer.criteria import Criterion
from sufficient.answer.demand import Demand
from sufficient.errors import UsageError
from sufficient.notice import Notice
from sufficient.study.record import Floats

SUCCESS = 0.9  # wanted unless something else is: 1 in 10 campaigns falls short
WORTH_SAYING = 0.01  # probability from which a notice is given


@dataclass(frozen=True)
class Goal:
    """What missing the target means: exactly one of the three is given."""

    success: float | None = None  # wanted probability of reaching it by the last round, in (0, 1)
    penalty: float | None = None  # money, once, where it is missed
    shortage: float | None = None  # money per object then still missing

    def __post_init__(self) -> None:
        given = [v for v in (self.success, self.penalty, self.shortage) if v is not None]
        if len(given) != 1:
            raise UsageError(
                f"{len(given)} of success, penalty and shortage were given, and a plan weighs its cost "
                "against one of them: give one, e.g. success=0.9"
            )
        if self.success is not None and not 0 < self.success < 1:
            raise UsageError(
                f"the wanted probability of success {self.success} is no probability below 1: give e.g. 0.9"
            )
        if not (math.isfinite(given[0]) and given[0] >= 0):
            raise UsageError(f"the price {given[0]} of missing the target is not an amount: give one above 0")


@dataclass(frozen=True)
class FirstPurchase:
    """What follows if this much is bought now and the cheapest ladder is climbed from there on."""

    objects: int
    expected_cost: float  # money
    reached: float  # probability that the target is reached by the end of this round
    success: float  # … by the end of the last round


@dataclass(frozen=True)
class Plan:
    """The cheapest policy beside "buy what the point estimate says". Money in the unit of the costs given."""

    best: Policy
    naive: Policy | None  # None where the point estimate is beyond the horizon, or never
    goal: Goal
    prices: Prices
    rounds: int
    budget: float | None
    notices: tuple[Notice, ...]
    curve: tuple[FirstPurchase, ...] = field(repr=False)  # by objects, to draw
    need: Demand = field(repr=False)  # what the plan bets on
    criteria: tuple[Criterion, ...] = ()  # what shall be reached, all of it
    now_by_class: tuple[tuple[str, int], ...] = ()  # of `best.now`; empty where classes cost the same
    trains: int | None = None  # objects at hand, where training on all of them is forecast to suffice


def plan(
    need: Demand,
    goal: Goal,
    *,
    cost: float,  # money per object, above 0
    round_cost: float = 0.0,  # money per round in which something is collected
    rounds: int = 1,  # left until the deadline, this one included
    budget: float | None = None,  # money that may be spent over all rounds
) -> Plan:
    """Return how much to collect in this round and each later one, at the least expected cost.

    With a wanted probability of success, the cheapest ladder that ends at the quantile of D; with a price of
    missing the target, the ladder that costs least with it. In one round that is a quantile of D too, the
    newsvendor's: P(D ≤ q) = success, or 1 − cost/shortage (Mahmood et al., Theorem 1). The wanted probability
    is of the campaign from here on: what earlier rounds made of it is spent.
    Raises UsageError for prices, rounds or a budget that cannot be meant.
    """
    _check(cost, round_cost, rounds, budget)
    prices = Prices(float(cost), float(round_cost))
    missing_cost = cost_of_missing(need, penalty=goal.penalty or 0.0, shortage=goal.shortage or 0.0)
    solution = _solved(need, goal, prices, missing_cost, rounds=rounds, budget=budget)
    best = follow(need, prices, solution.ladder, rounds=rounds, missing_cost=missing_cost)
    ladder = medians(need, prices, rounds=rounds, budget=budget)
    naive = None
    if need.quantile(0.5) is not None:
        naive = follow(need, prices, ladder, rounds=rounds, missing_cost=missing_cost)
    unbound = best
    if budget is not None:
        free = _solved(need, goal, prices, missing_cost, rounds=rounds, budget=None)
        unbound = follow(need, prices, free.ladder, rounds=rounds, missing_cost=missing_cost)
    return Plan(
        best=best,
        naive=naive,
        goal=goal,
        prices=prices,
        rounds=rounds,
        budget=budget,
        notices=_notices(need, goal, best, unbound, naive, budget),
        curve=_curve(need, solution),
        need=need,
    )


def cost_per_object(
    costs: float | Mapping[str, float],  # money, one price or one per class
    counts: Mapping[str, float],  # objects of each class at hand, or their shares
) -> float:
    """Return the mean money per object collected, at the same shares of classes as in the data.

    Raises UsageError where a class has no cost, a cost has no class, or one is no amount.
    """
    if not isinstance(costs, Mapping):
        return float(costs)
    without, unknown = sorted(set(counts) - set(costs)), sorted(set(costs) - set(counts))
    if without or unknown:
        wrong = f"no cost for {', '.join(without)}" if without else f"no class named {', '.join(unknown)}"
        raise UsageError(f"the costs do not fit the data's classes: {wrong}; give one cost for each class")
    bad = [name for name, cost in costs.items() if not (math.isfinite(cost) and cost >= 0)]
    if bad:
        raise UsageError(f"the cost of {bad[0]}, {costs[bad[0]]}, is not an amount: give 0 or more")
    return sum(costs[name] * count for name, count in counts.items()) / sum(counts.values())


def _check(cost: float, round_cost: float, rounds: int, budget: float | None) -> None:
    if not (math.isfinite(cost) and cost > 0):
        raise UsageError(
            f"a cost of {cost} per object leaves nothing to weigh: give the money for one, above 0, or 1 to "
            "count in objects"
        )
    if not (math.isfinite(round_cost) and round_cost >= 0):
        raise UsageError(f"a cost of {round_cost} per round is not an amount: give 0 or more")
    if rounds < 1:
        raise UsageError(f"{rounds} rounds leave no time to collect: give at least 1")
    if budget is not None and not (math.isfinite(budget) and budget >= 0):
        raise UsageError(f"a budget of {budget} is not an amount: give 0 or more, or none")


def _solved(
    need: Demand, goal: Goal, prices: Prices, missing_cost: Floats, *, rounds: int, budget: float | None
) -> Solution:
    """Return the cheapest solution; a wanted success that the budget has no room for becomes `_farthest`."""
    ending = missing_cost
    if goal.success is not None:
        wanted = need.quantile(goal.success)
        limit = _farthest(need, prices, budget, rounds=rounds, wanted=wanted)
        ending = np.where(need.objects >= limit, 0.0, np.inf)
    found = solve(need, prices, ending, rounds=rounds, budget=budget)
    assert found is not None  # buying nothing, or the farthest count in one purchase, is always allowed
    return found


def _farthest(need: Demand, prices: Prices, budget: float | None, *, rounds: int, wanted: int | None) -> int:
    """Return the wanted total, or where the budget ends before it, the one it pays for in all rounds.

    The highest success would be one purchase, as each costs money of its own; but a campaign that may end
    early is worth more than the last few objects. Where all rounds are not to be paid for, as many as are.
    """
    totals = [
        int(need.objects[np.flatnonzero(within(need, prices, budget, rounds=used))[-1]])
        for used in range(rounds, 0, -1)
    ]
    if wanted is not None and wanted <= totals[-1]:
        return wanted
    return next((total for total in totals if total), 0)


def _curve(need: Demand, solution: Solution) -> tuple[FirstPurchase, ...]:
    reached = 1 - need.missing
    return tuple(
        FirstPurchase(
            int(need.objects[i]),
            float(solution.cost[i]),
            float(reached[i]),
            float(reached[solution.end[i]]),
        )
        for i in np.flatnonzero(np.isfinite(solution.cost))
    )


def _notices(
    need: Demand, goal: Goal, best: Policy, unbound: Policy, naive: Policy | None, budget: float | None
) -> tuple[Notice, ...]:
    found = []
    if budget is not None and best.total < unbound.total:
        found.append(words.budget_binds(best, unbound, budget))
    if goal.success is not None and unbound.success < goal.success - 1e-9:
        found.append(words.success_out_of_reach(goal.success, unbound))
    if best.total == 0 and unbound.total == 0:
        if goal.success is None:
            found.append(words.nothing_pays(best))
        elif best.success >= goal.success:
            found.append(words.nothing_needed(best))
    if need.never >= WORTH_SAYING:
        found.append(words.may_be_unreachable(need.never))
    if need.beyond >= WORTH_SAYING and need.horizon is not None:
        found.append(words.beyond_horizon(need.beyond, need.horizon))
    if naive is None:
        found.append(words.no_point_estimate())
    return tuple(found)
