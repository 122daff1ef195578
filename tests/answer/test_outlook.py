from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from sufficient.answer.interval import curve
from sufficient.answer.outlook import outlook, predict

from .records import record


def of(rec):
    return outlook(rec, curve(rec))


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


@pytest.mark.parametrize(("count", "given"), [(5, False), (6, True)])
def test_six_learned_sizes_are_needed(count, given):
    sizes = [32, 45, 64, 91, 128, 181, 256][-count:]
    rec = lawful([*range(10, 13), *sizes], unlearned=range(10, 13))
    assert (of(rec).at_double is not None) is given


def test_two_backtests_are_needed():
    assert of(lawful([100, 110, 120, 130, 140, 150, 160])).at_double is None  # no size is twice another
    assert of(lawful([32, 45, 64, 91, 128, 181, 1400])).at_double is not None


def test_not_past_a_last_size_that_learned_nothing():
    sizes = [32, 45, 64, 91, 128, 181, 256, 362]
    seen = of(lawful(sizes, unlearned=[362]))
    assert (seen.k, seen.at_double) == (362, None)
    assert seen.unseen_loss > math.log(5)


def test_nothing_alive_at_the_last_size():
    seen = of(lawful([32, 45], dead={45: 8}))
    assert (seen.k, seen.accuracy, seen.unseen_loss, seen.at_double) == (45, None, None, None)


def test_nothing_run():
    assert of(dataclasses.replace(lawful([32]), stages=())) is None


def test_unlearned_sizes_are_not_fitted():
    """Untrained networks' accuracy on a plateau at the start would bend the law."""
    sizes = [32, 45, 64, 91, 128, 181, 256, 362, 512, 724]
    plain = of(lawful(sizes[2:], error=error, loss=loss))
    marred = of(lawful(sizes, error=lambda k: 0.8 if k < 64 else error(k), loss=loss, unlearned=sizes[:2]))
    assert marred.at_double.accuracy == pytest.approx(plain.at_double.accuracy, abs=5e-3)


def test_perfect_accuracy_stays_perfect():
    double = of(lawful(error=lambda k: 0.0, loss=loss)).at_double
    assert double.accuracy == pytest.approx(1)
    assert double.accuracy_interval == pytest.approx((1, 1), abs=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_intervals_stay_in_range_and_hold_the_prediction(seed):
    random = np.random.default_rng(seed)
    rough = lambda k: float(np.clip(0.03 + 0.3 * random.standard_normal() ** 2, 0, 1))  # noqa: E731
    double = of(lawful(used=1000, error=rough, loss=rough, noise=0.3)).at_double
    assert 0 <= double.accuracy_interval[0] <= double.accuracy <= double.accuracy_interval[1] <= 1
    assert 0 <= double.unseen_loss_interval[0] <= double.unseen_loss <= double.unseen_loss_interval[1]


def test_wider_where_the_past_was_missed_by_more():
    k = np.array([round(32 * 2 ** (i / 2)) for i in range(14)], dtype=float)
    random = np.random.default_rng(0)
    bump = random.standard_normal(14)
    widths = []
    for size in (0.005, 0.05):
        found = predict(k, loss(k) * (1 + size * bump), np.ones(14), ceiling=math.inf)
        widths.append(found.hi - found.lo)
    assert widths[1] > 3 * widths[0]


def test_fewer_backtests_are_wider():
    """Same misses, fewer of them: the t quantile must say so."""
    k = np.array([round(32 * 2 ** (i / 2)) for i in range(12)], dtype=float)
    wave = 1 + 0.02 * np.resize([1, -1, -1, 1], 12)
    long, short = (predict(k[:n], (2 * k**-0.4 * wave)[:n], np.ones(n), ceiling=1.0) for n in (12, 6))
    assert (short.hi - short.lo) / short.value > 2 * (long.hi - long.lo) / long.value


def test_last_value_wins_where_nothing_falls():
    k = np.array([round(32 * 2 ** (i / 2)) for i in range(14)], dtype=float)
    found = predict(k, np.full(14, 0.4), np.ones(14), ceiling=1.0)
    assert found.value == pytest.approx(0.4, abs=1e-3)
