"""The end of a benchmark: what is claimed is held against what was measured, and a miss is an exit code."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import forecast_accuracy, forecast_coverage, interval_coverage, plan_cost
from benchmarks.claims import Claim, conclude
from benchmarks.forecast_accuracy import OURS, Case, Trial


def test_a_missed_claim_is_named_and_ends_with_1(capsys):
    conclude(Claim("twice as fast: 2.1×", True))
    assert capsys.readouterr().out == "held    twice as fast: 2.1×\n"
    with pytest.raises(SystemExit) as left:
        conclude(Claim("a", True), Claim("b", False))
    assert left.value.code == 1
    assert capsys.readouterr().out == "held    a\nMISSED  b\n"


def coverage(ours, naive):
    two = np.ones(2)
    return interval_coverage.Coverage((32, 64), two, np.array(ours), np.array(naive), two)


@pytest.mark.parametrize(
    ("ours", "naive", "held"),
    [
        ([0.95, 0.99], [0.7, 0.9], [True, True, True]),
        ([0.88, 1.0], [0.9, 0.9], [False, False, False]),
        ([0.9, 0.95], [0.95, 0.2], [True, False, True]),
    ],
)
def test_coverage_is_asked_at_the_lowest_and_in_the_mean(ours, naive, held):
    assert [claim.held for claim in interval_coverage.claims("rotating", [coverage(ours, naive)])] == held


def trial(ours, rival, holds):
    empty = np.array([])
    cases = tuple(Case(0.9, 1000.0) for _ in ours)
    return Trial("mnist-32-3", "tol", empty, empty, cases, None, {OURS: ours, "pow2": rival}, holds)


def test_forecasts_must_be_near_nearer_and_hold():
    good = trial([1000, 1050, 1100], [1300, 1300, 1300], [True, True, True])
    assert [c.held for c in forecast_accuracy.claims([good], shortened=4, kind="tol")] == [True] * 4
    poor = trial([1300, 1300, 2000], [1100, 1100, np.inf], [True, False, False])
    found = list(forecast_accuracy.claims([poor], shortened=4, kind="tol"))
    assert [c.held for c in found] == [False, False, False, True]
    assert "median nearer than any rival's: 0.38, pow2 0.14" in found[2].said
    accuracy = list(forecast_accuracy.claims([replace(poor, kind="accuracy")], shortened=4, kind="accuracy"))
    assert "|log2(k̂/k)|" in accuracy[0].said
    assert not accuracy[0].held  # 0.38, where 0.35 is claimed
    none = replace(good, refused="2 learned sizes")
    assert [c.held for c in forecast_accuracy.claims([none], shortened=4, kind="tol")] == [False]


def test_simulated_curves_must_be_covered_and_near():
    cells = np.array([1.0, 0.84, 1.0, 0.86, 0.36, 0.0, 0.0])
    held = [claim.held for claim in forecast_coverage.claims(cells, cells, cells)]
    assert held == [False, True, True, True, False]


def test_the_plan_must_spend_less():
    spend, success = np.full(4, 90.0), np.ones(4)
    naive = np.array([[100.0] * 4, [120.0] * 4])
    found = plan_cost.Comparison(spend, success, naive, np.ones((2, 4)), np.array([1.0, 2.0]))
    assert plan_cost.report(found, penalty=10.0).held
    assert not plan_cost.report(replace(found, plan_spend=spend + 20), penalty=10.0).held
