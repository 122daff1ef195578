from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

from sufficient.answer.interval import curve
from sufficient.answer.rate import rate

from .records import record


def observed(rec):
    return rate(rec, curve(rec))


def test_rate_equals_one_regression_a_replicate():
    rec = record(lambda k: k**-0.2, noise=0.2)
    slopes = [
        stats.linregress(
            [np.log(s.size) for s in rec.stages], [np.log(s.constant[r] / (s.size + 1)) for s in rec.stages]
        ).slope
        for r in range(8)
    ]
    found = observed(rec)
    assert found.exponent == pytest.approx(np.mean(slopes), rel=1e-10)
    lo, hi = stats.t.interval(0.95, 7, np.mean(slopes), stats.sem(slopes))
    assert found.interval == pytest.approx((lo, hi), rel=1e-10)


def test_exact_power_of_difference_is_recovered():
    found = observed(record(lambda k: (k + 1) * k**-1.3, noise=0.0))
    assert found.exponent == pytest.approx(-1.3, abs=1e-9)
    assert found.interval == pytest.approx((-1.3, -1.3), abs=1e-9)


def test_unlearned_stages_are_left_out():
    """Untrained networks' tiny C at small k would turn the slope around."""
    rec = record(lambda k: 1e-4 if k < 100 else (k + 1) / k, noise=0.0, unlearned=[32, 45, 64, 91])
    assert observed(rec).exponent == pytest.approx(-1, abs=1e-9)


def test_replicates_skip_the_stages_where_they_are_dead():
    rec = record(lambda k: (k + 1) * k**-1.1, [32, 45, 64, 91], noise=0.0, dead={45: 3, 91: 1})
    assert observed(rec).exponent == pytest.approx(-1.1, abs=1e-9)


def test_replicates_with_fewer_than_two_points_leave():
    rec = record(lambda k: (k + 1) * k**-1.1, [32, 45], noise=0.1, dead={45: 3}, seed=4)
    slopes = [
        np.log(rec.stages[1].constant[r] / 46 / (rec.stages[0].constant[r] / 33)) / np.log(45 / 32)
        for r in range(3, 8)
    ]
    assert observed(rec).exponent == pytest.approx(np.mean(slopes), rel=1e-10)
    lo, hi = stats.t.interval(0.95, 4, np.mean(slopes), stats.sem(slopes))
    assert observed(rec).interval == pytest.approx((lo, hi), rel=1e-10)


def test_none_with_too_little():
    assert observed(record([0.9], [32])) is None
    assert observed(record([0.9, 0.8], [32, 45], unlearned=[32])) is None
    rec = record([0.9, 0.8], [32, 45], replicates=4)
    dead = (np.array([True, False, False, False]), np.array([False, True, True, False]))
    stages = tuple(
        dataclasses.replace(s, dead=d, constant=np.where(d, 0, s.constant))
        for s, d in zip(rec.stages, dead, strict=True)
    )
    lone = dataclasses.replace(rec, stages=stages)
    points = [dataclasses.replace(p, learned=True) for p in curve(lone)]
    assert rate(lone, points) is None  # only replicate 3 lives twice
