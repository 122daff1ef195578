"""What doubling brings: one belief for the outlook, a least gain and the fan of a target."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from sufficient.answer.criteria import criteria_of
from sufficient.answer.measures import Measures
from sufficient.answer.needs import gain
from sufficient.answer.prediction import predict
from sufficient.answer.verdict import judge

from .records import record, scored

N = np.array([round(32 * 2 ** (i / 2)) for i in range(12)], dtype=float)


def of(rec):
    return Measures(rec).outlook


def error(k):
    return 1.6 * k**-0.35 + 0.03


def loss(k):
    return 3 * k**-0.3 + 0.1


def lawful(sizes=None, **options):
    return record(lambda k: 0.9, sizes, **{"used": 20_000, "noise": 0.01, **options})


def test_power_laws_are_seen_ahead():
    rec = lawful(error=lambda k: min(error(k), 1), loss=loss, used=40_000)
    seen = of(rec)
    k = rec.stages[-1].size
    assert seen.k == k
    assert seen.accuracy == pytest.approx(1 - error(k), abs=2e-3)
    assert seen.unseen_loss == pytest.approx(loss(k), rel=1e-2)
    double = seen.at_double
    assert double.k == 2 * k
    assert double.accuracy == pytest.approx(1 - error(2 * k), abs=4e-3)
    assert double.unseen_loss == pytest.approx(loss(2 * k), rel=0.02)
    assert double.accuracy_interval[0] <= 1 - error(2 * k) <= double.accuracy_interval[1]
    assert double.unseen_loss_interval[0] <= loss(2 * k) <= double.unseen_loss_interval[1]
    assert double.gain.lo <= error(k) - error(2 * k) <= double.gain.hi


@pytest.mark.parametrize("least", [0.001, 0.02, 0.1])
def test_one_value_at_twice_the_data_whatever_is_asked(least):
    rec = scored(lambda k: 0.6 * k**-0.3)
    plain = judge(rec, tol=1e-3).outlook
    answer = judge(rec, criteria=criteria_of(targets=["accuracy=0.99"], min_gain=least))
    assert answer.outlook == plain
    target, least_gain = answer.asked
    assert least_gain.at_last == plain.at_double.gain
    k, middle, lo, hi = (np.array(row) for row in zip(*target.forecast.path, strict=True))
    there = [float(np.interp(math.log(plain.at_double.k), np.log(k), row)) for row in (middle, lo, hi)]
    double = plain.at_double
    assert (double.accuracy, *double.accuracy_interval) == pytest.approx(there, abs=2e-3)


def test_four_learned_sizes_of_which_one_is_twice_another_are_needed():
    sizes = [10, 11, 12, 13, 32, 45, 64]
    assert of(lawful(sizes, unlearned=sizes[:4])).at_double is None
    assert of(lawful([10, 11, 12, 32, 45, 64, 91], unlearned=sizes[:3])).at_double is not None
    assert of(lawful([100, 110, 120, 130, 140, 150, 160])).at_double is None


def test_not_past_a_last_size_that_learned_nothing():
    sizes = [32, 45, 64, 91, 128, 181, 256, 362]
    seen = of(lawful(sizes, unlearned=[362]))
    assert (seen.k, seen.at_double) == (362, None)
    assert seen.unseen_loss > math.log(5)


def test_not_past_a_curve_that_gets_worse():
    rec = lawful(error=lambda k: 0.3 if k < 1000 else 0.5, loss=loss)
    assert of(rec).at_double is None
    assert gain(Measures(rec)) is None


def test_nothing_alive_at_the_last_size():
    seen = of(lawful([32, 45], dead={45: 8}))
    assert (seen.k, seen.accuracy, seen.unseen_loss, seen.at_double) == (45, None, None, None)


def test_nothing_run():
    assert of(dataclasses.replace(lawful([32]), stages=())) is None


def test_unlearned_sizes_are_not_fitted():
    """Untrained networks' accuracy on a plateau at the start would bend the curve."""
    sizes = [32, 45, 64, 91, 128, 181, 256, 362, 512, 724]
    plain = of(lawful(sizes[2:], error=error, loss=loss))
    marred = of(lawful(sizes, error=lambda k: 0.8 if k < 64 else error(k), loss=loss, unlearned=sizes[:2]))
    assert marred.at_double.accuracy == pytest.approx(plain.at_double.accuracy, abs=5e-3)


def test_a_perfect_accuracy_is_not_certain():
    seen = of(lawful(error=lambda k: 0.0, loss=loss))
    assert seen.accuracy == 1
    assert seen.at_double.accuracy == pytest.approx(1, abs=1e-3)
    assert 0.99 < seen.at_double.accuracy_interval[0] < 1


@pytest.mark.parametrize("seed", range(5))
def test_intervals_stay_in_range_and_hold_the_prediction(seed):
    random = np.random.default_rng(seed)
    each = {k: float(np.clip(0.5 - 0.04 * i + 0.005 * random.standard_normal(), 0, 1))
            for i, k in enumerate(lawful(used=1000).sizes)}  # fmt: skip
    double = of(lawful(used=1000, error=each.__getitem__, loss=each.__getitem__, noise=0.1)).at_double
    assert 0 <= double.accuracy_interval[0] <= double.accuracy <= double.accuracy_interval[1] <= 1
    assert 0 <= double.unseen_loss_interval[0] <= double.unseen_loss <= double.unseen_loss_interval[1]
    assert 0 <= double.gain.lo <= double.gain.value <= double.gain.hi <= 1


def power(random):
    a, b, c = random.uniform(0, 0.1), random.uniform(0.3, 0.7), random.uniform(0.2, 0.8)
    return lambda n: a + b * (n / 32) ** -c


def late_but_fast(random):
    slow, fast, width = random.uniform(0.1, 0.3), random.uniform(0.5, 1), random.uniform(0.2, 0.5)
    bend, scale = random.uniform(200, 1000), random.uniform(0.4, 0.7)
    return lambda n: scale * (n / 32) ** -slow * (1 + (n / bend) ** (1 / width)) ** (-(fast - slow) * width)


@pytest.mark.parametrize("family", [power, late_but_fast])
def test_nine_of_ten_intervals_hold_the_gain(family):
    """The same unseen objects at every size, 8 replicates that differ by 4 %."""
    held = 0
    for seed in range(25):
        random = np.random.default_rng(seed)
        law = family(random)
        truth = law(N)
        y = truth + np.sqrt(truth * (1 - truth) / 1000) * random.standard_normal()
        y *= 1 + 0.04 / math.sqrt(8) * random.standard_normal(len(N))
        curves = predict(
            N,
            y,
            independent=(0.04 * y) ** 2 / 8,
            common=y * (1 - y) / 1000,
            direction="falling",
            bounds=(0.0, 1.0),
        )
        _, lo, hi = curves.doubled()
        held += lo <= truth[-1] - law(2 * N[-1]) <= hi
    assert held >= 20
