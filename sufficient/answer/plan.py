"""How many objects to collect now, and what it is expected to cost: `plan`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

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
RUNGS = (0.5, 0.75)  # success to offer where what is wanted is out of reach, beside the most there is
APART = 0.05  # … and so far below it, to be worth a line
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
    """The cheapest policy beside "buy what the point estimate says". Money in the unit of the costs given.

    Where no plan has the wanted success, `best` buys nothing and `ladder` says what can be had instead.
    """

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
    confirm: int = 1  # sizes at which the criteria are to be met: what `need` counts objects for
    ladder: tuple[Policy, ...] = ()  # where the wanted success is out of reach: by success, the last the most

    @property
    def out_of_reach(self) -> bool:
        """Whether no plan has the wanted success, whatever it costs."""
        wanted = self.goal.success
        return wanted is not None and wanted > self.need.most + 1e-9


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
    is of the campaign from here on: what earlier rounds made of it is spent. Where the budget ends before it,
    the highest success that it pays for; where the forecast does, nothing is bought.
    Raises UsageError for prices, rounds or a budget that cannot be meant.
    """
    _check(cost, round_cost, rounds, budget)
    prices = Prices(float(cost), float(round_cost))
    missing_cost = cost_of_missing(need, penalty=goal.penalty or 0.0, shortage=goal.shortage or 0.0)

    def cheapest(goal: Goal, budget: float | None) -> tuple[Policy, Solution]:
        found = _solved(need, goal, prices, missing_cost, rounds=rounds, budget=budget)
        return follow(need, prices, found.ladder, rounds=rounds, missing_cost=missing_cost), found

    best, solution = cheapest(goal, budget)
    unbound = best if budget is None else cheapest(goal, None)[0]
    naive = None
    if need.quantile(0.5) is not None:
        medial = medians(need, prices, rounds=rounds, budget=budget)
        naive = follow(need, prices, medial, rounds=rounds, missing_cost=missing_cost)
    made = Plan(
        best=best,
        naive=naive,
        goal=goal,
        prices=prices,
        rounds=rounds,
        budget=budget,
        notices=(),
        curve=_curve(need, solution),
        need=need,
    )
    if made.out_of_reach:
        easier = (cheapest(Goal(success=s), budget)[0] for s in RUNGS if s <= best.success - APART + 1e-9)
        ladder = (*easier, best) if best.total and best.success >= WORTH_SAYING else ()
        nothing = follow(need, prices, (), rounds=rounds, missing_cost=missing_cost)
        made = replace(made, best=nothing, ladder=ladder)
    return replace(made, notices=_notices(made, unbound))


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
    """Return the cheapest solution; of a wanted success that cannot be had, the highest that can."""
    ending = missing_cost
    if goal.success is not None:
        affordable = np.flatnonzero(within(need, prices, budget, rounds=1))[-1]  # one purchase goes farthest
        limit = need.quantile(min(goal.success, 1 - float(need.missing[affordable])))
        ending = np.where(need.objects >= (limit or 0), 0.0, np.inf)
    found = solve(need, prices, ending, rounds=rounds, budget=budget)
    assert found is not None  # buying nothing, or the farthest count in one purchase, is always allowed
    return found


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


def _notices(made: Plan, unbound: Policy) -> tuple[Notice, ...]:
    """`unbound`: the best policy without a budget."""
    need, goal, best, found = made.need, made.goal, made.best, []
    if made.out_of_reach:
        found.append(words.success_out_of_reach(made))
    elif made.budget is not None and best.total < unbound.total:
        found.append(words.budget_binds(best, unbound, made.budget))
    if best.total == 0 and unbound.total == 0:
        if goal.success is None:
            found.append(words.nothing_pays(best))
        elif best.success >= goal.success - 1e-9:
            found.append(words.nothing_needed(best, goal.success))
    if need.never >= WORTH_SAYING:
        found.append(words.may_be_unreachable(need.never))
    if need.beyond >= WORTH_SAYING and need.horizon is not None:
        found.append(words.beyond_horizon(need.beyond, need.horizon))
    if made.naive is None and not made.out_of_reach:
        found.append(words.no_point_estimate())
    return tuple(found)
