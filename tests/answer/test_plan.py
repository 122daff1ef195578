"""The plan against brute force, closed forms and simulated campaigns."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.plan_cost import compare
from sufficient.answer.demand import APART, ATOMS, demand, tolerance_distribution
from sufficient.answer.forecast import forecast, more_needed
from sufficient.answer.interval import measure
from sufficient.answer.plan import Goal, cost_per_object, plan
from sufficient.answer.prediction import quantiles
from sufficient.answer.trend import trend
from sufficient.errors import UsageError
from sufficient.study.growth import Growth

from .records import record


def simulated(quantities, needed, weights, *, cost, round_cost=0.0, penalty=0.0, shortage=0.0):
    """Return (spend, cost of missing, success) by living through every possible need. Slow and obvious."""
    spend = missing = success = 0.0
    finite = [d for d in needed if math.isfinite(d)]
    largest = max([*finite, 0.0])
    for need, weight in zip(needed, np.asarray(weights) / np.sum(weights), strict=True):
        held, tried = 0, False
        for q in quantities:
            if q == 0 or (tried and need <= held):
                continue
            held, tried = held + q, True
            spend += weight * (cost * q + round_cost)
        if need <= held:
            success += weight
        else:
            missing += weight * (penalty + shortage * max(min(need, largest) - held, 0))
    return spend, missing, success


def one_round(need, goal, *, cost):
    """Return what the only round buys, in closed form: a quantile of D, or the best of every count."""
    if goal.penalty is not None:
        return int(need.objects[int((cost * need.objects + goal.penalty * need.missing).argmin())])
    wanted = goal.success if goal.success is not None else 1 - cost / max(goal.shortage, cost)
    return need.quantile(wanted)


def every_policy(needed, rounds):
    """Return the quantities of every ladder over the counts that may be needed."""
    counts = sorted({0, *(int(d) for d in needed if math.isfinite(d))})
    for totals in itertools.combinations_with_replacement(counts, rounds):
        yield np.diff([0, *totals]).tolist()


NEEDS = st.lists(
    st.tuples(st.one_of(st.integers(0, 40).map(float), st.just(math.inf)), st.integers(1, 9)),
    min_size=1,
    max_size=5,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    pairs=NEEDS,
    rounds=st.integers(1, 3),
    round_cost=st.sampled_from([0.0, 1.0, 7.0]),
    budget=st.sampled_from([None, 0.0, 15.0, 60.0]),
    goal=st.sampled_from(
        [Goal(penalty=30.0), Goal(penalty=200.0), Goal(shortage=1.5), Goal(shortage=5.0), Goal(success=0.6)]
    ),
)
def test_no_policy_of_all_is_cheaper(pairs, rounds, round_cost, budget, goal):
    needed, weights = np.array([d for d, _ in pairs]), np.array([w for _, w in pairs], dtype=float)
    prices = {"cost": 2.0, "round_cost": round_cost}
    lost = {"penalty": goal.penalty or 0.0, "shortage": goal.shortage or 0.0}
    found = plan(demand(needed, weights), goal, rounds=rounds, budget=budget, **prices)
    if found.ladder:
        assert found.out_of_reach
        assert found.best.total == 0
        found = replace(found, best=found.ladder[-1])
    spend, missing, success = simulated(found.best.quantities, needed, weights, **prices, **lost)
    assert found.best.expected_spend == pytest.approx(spend)
    assert found.best.expected_cost == pytest.approx(spend + missing)
    assert found.best.success == pytest.approx(success)
    assert budget is None or found.best.largest_spend <= budget + 1e-9
    best = math.inf
    outcomes = []
    for quantities in every_policy(needed, rounds):
        most = sum(2.0 * q + round_cost * (q > 0) for q in quantities)
        if budget is None or most <= budget:
            outcomes.append(simulated(quantities, needed, weights, **prices, **lost))
    most = max(success for _, _, success in outcomes)  # more than is wanted, or the highest there is
    wanted = 0.0 if goal.success is None else min(goal.success, most)
    best = min(s + m for s, m, success in outcomes if success >= wanted - 1e-9)
    assert found.best.success >= wanted - 1e-9
    assert found.best.expected_cost == pytest.approx(best)
    assert min(first.expected_cost for first in found.curve) == pytest.approx(best)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(pairs=NEEDS, goal=st.sampled_from([Goal(penalty=50.0), Goal(shortage=3.0), Goal(success=0.7)]))
def test_more_rounds_or_budget_never_cost_more(pairs, goal):
    need = demand(np.array([d for d, _ in pairs]), np.array([w for _, w in pairs], dtype=float))
    costs = [plan(need, goal, cost=1.0, round_cost=2.0, rounds=t).best.expected_cost for t in (1, 2, 3, 6)]
    assert all(b <= a + 1e-9 for a, b in itertools.pairwise(costs))
    if goal.success is None:
        costs = [plan(need, goal, cost=1, rounds=2, budget=b).best.expected_cost for b in (0, 10, 30, 90)]
        assert all(b <= a + 1e-9 for a, b in itertools.pairwise(costs))


LOGNORMAL = np.exp(7 + 0.5 * np.random.default_rng(5).standard_normal(2000))


@pytest.mark.parametrize(
    "goal", [Goal(success=0.5), Goal(success=0.9), Goal(shortage=4.0), Goal(shortage=0.5), Goal(penalty=9e3)]
)
def test_one_round_is_the_closed_form(goal):
    need = demand(LOGNORMAL)
    assert plan(need, goal, cost=1.0).best.quantities == (one_round(need, goal, cost=1.0),)


def test_newsvendor_quantile_of_the_samples_themselves():
    """A shortage price s asks for P(D ≤ q) = 1 − cost/s, whatever the distribution."""
    few = np.ceil(LOGNORMAL[:300])
    found = one_round(demand(few), Goal(shortage=5.0), cost=1.0)
    assert found == np.quantile(few, 0.8, method="inverted_cdf")
    assert one_round(demand(few), Goal(success=0.8), cost=1.0) == found
    assert found == pytest.approx(math.exp(7 + 0.5 * 0.8416), rel=0.1)


def test_one_penalty_buys_until_an_object_is_worth_its_cost():
    """Exponential need with mean m: V e^(−q/m)/m = c, so q = m ln(V/(c m))."""
    mean, penalty = 100.0, 1e3
    levels = (np.arange(400) + 0.5) / 400
    need = demand(-mean * np.log1p(-levels))
    found = plan(need, Goal(penalty=penalty), cost=1.0).best.now
    assert found == pytest.approx(mean * math.log(penalty / mean), rel=0.05)


def test_quantities_rise_with_what_missing_costs():
    need = demand(LOGNORMAL)
    totals = [plan(need, Goal(penalty=p), cost=1.0, rounds=3).best.total for p in (1e2, 1e3, 1e4, 1e5)]
    wanted = [plan(need, Goal(success=p), cost=1.0, rounds=3).best.total for p in (0.3, 0.6, 0.9, 0.99)]
    assert totals == sorted(totals)
    assert wanted == sorted(wanted)
    assert totals[0] == 0 < totals[-1]


def test_a_price_per_round_makes_for_fewer_rounds():
    need = demand(LOGNORMAL)
    rounds = [
        sum(q > 0 for q in plan(need, Goal(success=0.9), cost=1, round_cost=f, rounds=6).best.quantities)
        for f in (0.0, 50.0, 1e4)
    ]
    assert rounds == sorted(rounds, reverse=True)
    assert rounds[0] == 6
    assert rounds[-1] == 1


def test_naive_buys_the_median_of_what_is_left():
    need = demand(np.arange(1.0, 101.0))
    found = plan(need, Goal(penalty=500.0), cost=2.0, rounds=3).naive
    assert found.quantities == (50, 25, 13)  # medians of 1…100, 51…100, 76…100
    assert found.reached == pytest.approx((0.5, 0.75, 0.88))
    assert found.expected_objects == pytest.approx(50 + 0.5 * 25 + 0.25 * 13)
    assert found.expected_cost == pytest.approx(2 * found.expected_objects + 0.12 * 500)
    assert (found.largest_spend, found.total, found.now) == (176, 88, 50)


def test_naive_stays_within_the_budget_and_ends_where_it_has_no_number():
    half = np.append(np.arange(1.0, 61.0), np.full(40, np.inf))
    found = plan(demand(half), Goal(success=0.5), cost=1.0, rounds=4)
    assert found.naive.quantities == (50, 0, 0, 0)
    assert plan(demand(half), Goal(success=0.5), cost=1.0, budget=20).naive.quantities == (20,)
    most = plan(demand(np.append(half, np.full(40, np.inf))), Goal(success=0.3), cost=1.0)
    assert most.naive is None
    assert "NO-POINT-ESTIMATE" in [notice.code for notice in most.notices]
    zeros = plan(demand(np.array([0.0, 0.0, 5.0])), Goal(success=0.9), cost=1.0, rounds=2)
    assert zeros.naive.quantities == (0, 0)
    assert zeros.naive.success == pytest.approx(2 / 3)


def test_many_samples_are_gathered_without_overstating_success():
    need = demand(LOGNORMAL, horizon=4000)
    assert len(need.objects) <= ATOMS + math.log(4000) / math.log1p(APART)
    assert need.objects[0] == 0
    assert need.probability.sum() + need.beyond + need.never == pytest.approx(1)
    assert need.beyond == pytest.approx((np.ceil(LOGNORMAL) > 4000).mean())
    whole = np.ceil(LOGNORMAL)
    for i in range(0, len(need.objects), 40):
        assert 1 - need.missing[i] == pytest.approx((whole <= need.objects[i]).mean())
    between = np.arange(500, 3000, 37)
    held = np.searchsorted(need.objects, between, side="right") - 1
    exact = np.array([(whole <= q).mean() for q in between])
    assert (1 - need.missing[held] <= exact + 1e-9).all()
    assert np.abs(1 - need.missing[held] - exact).max() < 2 / ATOMS


def test_notices_name_what_limits_the_plan():
    mixed = np.append(LOGNORMAL, np.full(400, np.inf))
    need = demand(mixed, horizon=2500)

    def codes(goal, **options):
        return [notice.code for notice in plan(need, goal, cost=1.0, rounds=2, **options).notices]

    both = ["TARGET-MAY-BE-UNREACHABLE", "BEYOND-HORIZON"]
    assert codes(Goal(success=0.5)) == both
    assert codes(Goal(success=0.95)) == ["SUCCESS-OUT-OF-REACH", *both]
    assert codes(Goal(success=0.5), budget=700) == ["BUDGET-BINDS", *both]
    assert codes(Goal(success=0.5), budget=1e6) == both
    assert codes(Goal(penalty=3.0)) == ["NOTHING-PAYS", *both]
    enough = plan(demand(np.array([0.0] * 9 + [50.0])), Goal(success=0.8), cost=1.0)
    assert [notice.code for notice in enough.notices] == ["NOTHING-NEEDED"]
    assert enough.best.quantities == (0,)
    clean = plan(demand(LOGNORMAL), Goal(success=0.9), cost=1.0)
    assert clean.notices == ()


def test_costs_of_classes_are_weighed_by_their_share():
    counts = {"cat": 300, "dog": 100}
    assert cost_per_object({"cat": 1.0, "dog": 5.0}, counts) == pytest.approx(2.0)
    assert cost_per_object(0.3, counts) == 0.3
    for costs, said in (
        ({"cat": 1.0}, "no cost for dog"),
        ({"cat": 1.0, "dog": 1.0, "cow": 1.0}, "no class named cow"),
        ({"cat": 1.0, "dog": -1.0}, "cost of dog"),
    ):
        with pytest.raises(UsageError, match=said):
            cost_per_object(costs, counts)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cost": 0.0}, "above 0"),
        ({"cost": 1.0, "round_cost": -1.0}, "per round"),
        ({"cost": 1.0, "rounds": 0}, "rounds"),
        ({"cost": 1.0, "budget": math.nan}, "budget"),
    ],
)
def test_prices_that_cannot_be_meant(options, said):
    with pytest.raises(UsageError, match=said):
        plan(demand(LOGNORMAL), Goal(success=0.9), **options)


@pytest.mark.parametrize(
    "given_",
    [{}, {"success": 1.0}, {"success": 0.5, "penalty": 3.0}, {"penalty": -1.0}, {"shortage": math.inf}],
)
def test_goals_that_cannot_be_meant(given_):
    with pytest.raises(UsageError):
        Goal(**given_)


@pytest.mark.parametrize(
    ("needed", "weights"), [([], None), ([1.0, math.nan], None), ([1.0], [0.0]), ([1.0, 2.0], [1.0])]
)
def test_samples_that_are_no_distribution(needed, weights):
    with pytest.raises(UsageError):
        demand(np.array(needed), None if weights is None else np.array(weights))


@pytest.mark.parametrize("times", [1.3, 2.5, 6.0])
def test_need_of_a_tolerance_is_the_forecasts(times):
    rec = record(lambda k: 0.9 * k**-0.1, noise=0.05, used=4000)
    measured, last, growth = measure(rec), rec.stages[-1].size, Growth(rec.shares)
    tol = rec.stages[-1].constant.mean() / (times * last)
    said = forecast(growth, measured, tol=tol)
    sizes, weights = tolerance_distribution(trend(measured), last=last, tol=tol)
    needed = more_needed(growth, sizes)
    middle, lower, upper = quantiles(needed, weights)
    assert middle == pytest.approx(said.more_needed, rel=5e-3, abs=3)
    assert lower == pytest.approx(said.more_interval[0], rel=5e-3, abs=3)
    if said.more_interval[1] is not None:
        assert upper == pytest.approx(said.more_interval[1], rel=5e-3, abs=3)
    assert (np.diff(needed) >= 0).all()
    need = demand(needed, weights, horizon=more_needed(growth, 10 * last))
    assert need.never == 0
    assert need.beyond == pytest.approx(said.probability_beyond_10x)
    assert need.quantile(0.5) == pytest.approx(said.more_needed, rel=0.02, abs=3)


def test_simulated_campaigns_cost_less_at_the_same_success():
    """The small form of `benchmarks/plan_cost.py`: the same code, fewer campaigns and factors."""
    found = compare(range(12), penalty=10_000.0, rounds=2, factors=np.array([0.5, 0.8, 1.2, 1.8]))
    ours, tuned, factor = found.at_same_success(np.arange(12))
    assert 0.3 < found.plan_success.mean() < 0.9  # a miss is cheap
    assert 0.5 < factor < 1.8  # the tuned rule does have the plan's success
    assert ours < 0.9 * tuned


def test_a_budget_buys_the_highest_success_it_pays_for():
    """One purchase reaches 41 objects of 50; a second one would cost an object, and success."""
    need = demand(np.arange(1.0, 51.0))
    found = plan(need, Goal(success=0.95), cost=1.0, round_cost=1.0, rounds=2, budget=42.0).best
    assert found.quantities == (41, 0)
    assert found.success == pytest.approx(0.82)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    round_cost=st.floats(0, 300),
    budget=st.floats(0, 3_000),
    success=st.floats(0.05, 0.99),
)
def test_more_rounds_never_give_less_success_for_the_same_money(seed, round_cost, budget, success):
    need = demand(np.random.default_rng(seed).lognormal(6, 0.6, 200))
    reached = [
        plan(need, Goal(success=success), cost=1.0, round_cost=round_cost, rounds=t, budget=budget)
        for t in (1, 2, 4)
    ]
    chances = [made.best.success for made in reached]
    assert all(b >= min(a, success) - 1e-9 for a, b in itertools.pairwise(chances))
    assert all(made.best.largest_spend <= budget + 1e-9 for made in reached)


def test_a_success_out_of_reach_buys_nothing_and_says_what_can_be_had():
    need = demand(np.append(np.arange(1.0, 81.0), np.full(20, np.inf)))
    found = plan(need, Goal(success=0.9), cost=2.0, round_cost=5.0, rounds=1)
    assert found.out_of_reach
    assert (found.best.total, found.best.expected_cost) == (0, 0.0)
    assert [policy.total for policy in found.ladder] == [50, 75, 80]
    assert [policy.success for policy in found.ladder] == pytest.approx([0.5, 0.75, 0.8])
    assert found.ladder[-1].largest_spend == 165
    (first, *_) = found.notices
    assert first.code == "SUCCESS-OUT-OF-REACH"
    assert first.message.startswith(
        "No plan reaches 90 %: the most this forecast can vouch for is 80 %, with 80 objects for 165 at most"
    )
    assert not plan(need, Goal(success=0.8), cost=2.0).out_of_reach
    poor = plan(need, Goal(success=0.9), cost=2.0, budget=40.0)
    assert [policy.total for policy in poor.ladder] == [20]
    assert "within the budget 40, is 20 %" in poor.notices[0].message


def test_a_heavy_tail_costs_no_more_than_the_newsvendor_of_all_samples():
    """Each count kept stands for those below it: coarse ones in the tail bought up to 7 % too dear."""
    samples = np.ceil(np.random.default_rng(1).lognormal(7, 1.5, 4_000))
    bought = plan(demand(samples), Goal(shortage=20.0), cost=1.0).best.now

    def cost(q):
        return q + 20 * np.maximum(samples - q, 0).mean()

    assert cost(bought) <= 1.001 * min(cost(q) for q in np.unique(samples))
    assert plan(demand(samples), Goal(shortage=20.0), cost=1.0).best.expected_cost == pytest.approx(
        cost(bought), rel=0.012
    )


def test_what_lies_beyond_the_horizon_is_short_up_to_the_horizon_at_least():
    need = demand(np.array([5.0, 1e9]), np.array([0.3, 0.7]), horizon=1_000)
    made = plan(need, Goal(shortage=1.0), cost=10.0)
    assert made.best.total == 0
    assert made.best.expected_cost == pytest.approx(0.3 * 5 + 0.7 * 1_000)
