"""The benchmark's own arithmetic, on one small curve made on the spot; its tables need hours of studies."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.forecast_accuracy import OURS, cases, curve, holds, missed, trial
from benchmarks.forecast_rivals import single_laws
from sufficient.answer.forecast import forecast
from sufficient.answer.interval import measure
from sufficient.answer.measures import Measures
from sufficient.study.growth import Growth

from .records import record

FULL = record(lambda k: 2 * k**-0.2, used=8000, noise=0.02, error=lambda k: 1.2 * k**-0.25)
LAST = FULL.stages[-1].size


@pytest.mark.parametrize(("kind", "count"), [("tol", 6), ("accuracy", 4)])
@pytest.mark.parametrize("shortened", [4, 10])
def test_targets_lie_evenly_up_to_the_end(kind, count, shortened):
    k, values = curve(Measures(FULL), kind)
    found = cases(k, values, kind, shortened=shortened)
    expected = LAST / shortened * shortened ** (np.arange(1, count + 1) / count)
    assert len(found) == count
    assert [case.truth for case in found] == pytest.approx(expected, rel=1e-6)
    first = 2 * expected[0] ** -0.2 / (expected[0] + 1) if kind == "tol" else 1 - 1.2 * expected[0] ** -0.25
    assert found[0].asked == pytest.approx(first, rel=0.02)


def test_truth_is_the_crossing_after_which_the_curve_stays():
    k = np.array([100.0, 200, 400, 800, 1600])
    found = cases(k, np.array([0.5, 0.3, 0.35, 0.2, 0.1]), "accuracy", shortened=8)
    reached = {round(case.asked, 3): case.truth for case in found}
    assert max(reached.values()) == pytest.approx(1600)
    assert all(truth > 400 for asked, truth in reached.items() if asked > 0.65)


@pytest.mark.parametrize("kind", ["tol", "accuracy"])
def test_only_the_first_stages_are_seen_and_the_forecast_is_near(kind):
    found = trial("curve-32-3", FULL, kind, shortened=4)
    assert found.refused is None
    assert found.sizes[-1] <= LAST / 4
    assert np.abs(missed([found], OURS)).max() < 0.3
    assert np.abs(missed([found], "pow2")).max() < 0.1  # the law that made the curve
    assert all(found.holds)
    assert min(found.needed["last1"]) >= found.sizes[-1]


def test_our_median_is_the_tools():
    found = trial("curve-32-3", FULL, "tol", shortened=4)
    short = record(
        [s.constant.mean() for s in FULL.stages if s.size <= LAST / 4],
        [s.size for s in FULL.stages if s.size <= LAST / 4],
        used=8000,
        noise=0.02,
    )
    told = [forecast(Growth.of(short), measure(short), tol=case.asked).k_needed for case in found.cases]
    assert found.needed[OURS] == pytest.approx(told, rel=0.02)


def test_too_few_sizes_are_refused_by_name():
    assert trial("curve-32-3", FULL, "tol", shortened=100).refused == "2 learned sizes"
    assert trial("curve-32-3", FULL, "accuracy", shortened=100).refused == "TOO-FEW-SIZES"


def test_single_laws_invert_the_curves_that_they_are():
    k = np.array([100.0, 200, 400, 800])
    power, floor = 3 * k**-0.6, 0.05 + 3 * k**-0.6
    assert single_laws(k, power, [3 * 5000**-0.6], rate=False)["pow2"] == pytest.approx([5000], rel=0.01)
    found = single_laws(k, floor, [0.05 + 3 * 5000**-0.6, 0.04], rate=False)
    assert found["pow3"] == [pytest.approx(5000, rel=0.02), math.inf]
    assert found["last1"] == [math.inf, math.inf]
    rate = single_laws(k, 0.9 / (k + 1), [1e-4, 0.5], rate=True)
    assert rate["last1"] == rate["constant"] == pytest.approx([8999, 800])


@pytest.mark.parametrize(
    ("lower", "upper", "truth", "expected"),
    [
        (100, 200, 150, True),
        (100, 200, 99, False),
        (100, 200, 201, False),
        (100, None, 5000, True),
        (None, None, 900, False),
        (None, None, 1001, True),
    ],
)
def test_open_ends_are_beyond_ten_times(lower, upper, truth, expected):
    assert holds(lower, upper, truth, last=100.0) is expected
