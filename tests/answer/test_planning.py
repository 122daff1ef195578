"""From what was asked to what is still to be collected, against the forecasts themselves."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from sufficient.answer.criteria import Criterion
from sufficient.answer.forecast import more_needed
from sufficient.answer.measures import Measures
from sufficient.answer.needs import need
from sufficient.answer.plan import Goal
from sufficient.answer.planning import need_of, plan_collection
from sufficient.answer.verdict import answered
from sufficient.errors import DataError, UsageError
from sufficient.study.growth import Growth
from sufficient.study.shares import CommonShares

from .records import record

SUCCESS = Goal(success=0.9)


def falling(**options):
    """C falls, error and loss fall as power laws: the error is 0.15 at 1,400 objects."""
    return record(
        lambda k: 0.9 * k**-0.1,
        loss=lambda k: 0.1 + 3 * k**-0.4,
        error=lambda k: 0.04 + 2 * k**-0.4,
        noise=0.02,
        **options,
    )


@pytest.fixture(scope="module")
def measures():
    return Measures(falling())


@pytest.mark.parametrize(
    "asked",
    [Criterion("tol", 3e-4), Criterion("accuracy", 0.88), Criterion("error", 0.12), Criterion("loss", 0.2)],
)
def test_quantiles_are_those_of_the_forecast(measures, asked):
    said, found = need(measures, asked), need_of(measures, [asked], confirm=1)
    for quantile, more in zip((0.5, 0.05, 0.95), (said.more_needed, *said.more_interval), strict=True):
        if more is None:
            assert found.quantile(quantile) is None
        else:
            assert found.quantile(quantile) == pytest.approx(more, rel=0.015, abs=3)
    assert found.said == (said.more_needed, *said.more_interval)
    assert found.never == pytest.approx(said.probability_unreachable or 0.0)
    assert found.beyond + found.never == pytest.approx(said.probability_beyond_10x)


@pytest.mark.parametrize("asked", [Criterion("tol", 3e-4), Criterion("error", 0.12)])
def test_a_plan_is_for_what_the_verdict_asks(measures, asked):
    """Met at the last size and 10 % below it; with more to confirm, at sizes of the grid below that."""
    k, growth = need(measures, asked).k_needed, Growth(measures.record.shares)
    once, twice, thrice = (need_of(measures, [asked], confirm=c).said[0] for c in (1, 2, 3))
    assert once == more_needed(growth, k)
    assert twice == more_needed(growth, math.ceil(k / 0.9))
    assert thrice == more_needed(growth, math.ceil(k / 0.9**2 * 2**0.5))
    planned = plan_collection(measures, [asked], SUCCESS, cost=1.0)
    assert planned.confirm == 2
    assert planned.need.said[0] == twice


def test_where_too_few_sizes_confirm_it_the_plan_asks_for_one_more():
    rec = falling()
    last, before = rec.stages[-1].size, rec.stages[-2].size
    tol = Criterion("tol", 0.9 * last**-0.1 / (last * 0.85))  # met at the last size, not at the one before
    measures = Measures(rec)
    assert before < 0.85 * last
    assert answered(measures, tol).reason.code == "TOO-FEW-SIZES"
    made = plan_collection(measures, [tol], SUCCESS, cost=1.0)
    assert made.best.now == more_needed(Growth(rec.shares), math.ceil(last / 0.9)) > 0
    assert made.best.success > 0.9


def test_several_criteria_need_the_larger_quantile_of_each(measures):
    asked = [Criterion("tol", 4e-4), Criterion("accuracy", 0.875)]
    alone, both = [need_of(measures, [each]) for each in asked], need_of(measures, asked)
    for quantile in (0.1, 0.3, 0.5, 0.7):
        largest = max(each.quantile(quantile) for each in alone)
        assert both.quantile(quantile) == pytest.approx(largest, rel=0.03, abs=3)
    codes = [notice.code for notice in plan_collection(measures, asked, SUCCESS, cost=1.0).notices]
    assert "SEVERAL-CRITERIA" in codes


def test_what_is_sufficient_already_needs_nothing(measures):
    assert need_of(measures, [Criterion("tol", 0.1)]).quantile(0.999) == 0
    harder = Criterion("accuracy", 0.88)
    both, alone = need_of(measures, [Criterion("tol", 0.1), harder]), need_of(measures, [harder])
    assert both.quantile(0.5) == alone.quantile(0.5)


def test_what_has_no_forecast_has_no_plan():
    few = falling()
    few = Measures(replace(few, stages=few.stages[:3]))
    for asked in (Criterion("tol", 1e-5), Criterion("accuracy", 0.99)):
        with pytest.raises(DataError, match=f"{asked.phrase} has no forecast"):
            need_of(few, [asked])
    flat = Measures(record(lambda k: 0.9 * k**-0.1, error=lambda k: 0.2, noise=0.001))
    with pytest.raises(DataError, match="CURVE-FLAT"):
        need_of(flat, [Criterion("accuracy", 0.99)])


def test_a_least_gain_and_nothing_asked_cannot_be_planned(measures):
    gain = Criterion("min-gain", 0.01)
    with pytest.raises(UsageError, match=r"^only min-gain 0\.01 is asked, which no number") as caught:
        need_of(measures, [gain])
    assert "--" not in str(caught.value)
    rest = [Criterion("tol", 3e-4)]
    both = plan_collection(measures, [gain, *rest], SUCCESS, cost=1.0)
    assert both.best == plan_collection(measures, rest, SUCCESS, cost=1.0).best
    assert both.criteria == tuple(rest)
    assert [notice.code for notice in both.notices][-1] == "GAIN-NOT-PLANNED"
    with pytest.raises(UsageError, match="nothing is asked"):
        need_of(measures, [])


@pytest.mark.parametrize("asked", [Criterion("error", 0.1), Criterion("tol", 2e-4)])
def test_objects_that_were_not_read_count_as_at_hand(asked):
    rec = falling()
    common = CommonShares(replicates=8, k_available=1400, validation=200, held_out=400)
    more = []
    for shares in (common, replace(common, not_read=500)):
        grown = Measures(replace(rec, shares=shares))
        more.append(need_of(grown, [asked], confirm=1).quantile(0.5))
        assert more[-1] == pytest.approx(need(grown, asked).more_needed, rel=0.03, abs=3)
    assert more[1] <= more[0] - 500


def test_costs_of_classes_and_how_many_of_each(measures):
    costs = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "e": 5.0}
    made = plan_collection(measures, [Criterion("error", 0.12)], SUCCESS, cost=costs)
    assert made.prices.each == pytest.approx(3.0)
    counts = dict(made.now_by_class)
    assert list(counts) == list(costs)
    assert sum(counts.values()) == made.best.now > 0
    assert max(counts.values()) - min(counts.values()) <= 1
    assert plan_collection(measures, [Criterion("error", 0.12)], SUCCESS, cost=1.0).now_by_class == ()


def test_a_plan_that_goes_far_says_so(measures):
    codes = [n.code for n in plan_collection(measures, [Criterion("tol", 6e-5)], SUCCESS, cost=1.0).notices]
    assert "FAR-FROM-MEASURED" in codes
    near = plan_collection(measures, [Criterion("tol", 2e-4)], SUCCESS, cost=1.0)
    assert "FAR-FROM-MEASURED" not in [n.code for n in near.notices]
    assert near.best.success == pytest.approx(0.9, abs=0.01)
