from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from sufficient.answer.interval import curve
from sufficient.answer.outlook import outlook, predict
from sufficient.answer.powers import last1, pow2, pow3, value

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

    def rough(k):
        return float(np.clip(0.03 + 0.3 * random.standard_normal() ** 2, 0, 1))

    double = of(lawful(used=1000, error=rough, loss=rough, noise=0.3)).at_double
    assert 0 <= double.accuracy_interval[0] <= double.accuracy <= double.accuracy_interval[1] <= 1
    assert 0 <= double.unseen_loss_interval[0] <= double.unseen_loss <= double.unseen_loss_interval[1]


def test_wider_where_the_past_was_missed_by_more():
    k = np.array([round(32 * 2 ** (i / 2)) for i in range(14)], dtype=float)
    random = np.random.default_rng(0)
    bump = random.standard_normal(14)
    widths = []
    for size in (0.005, 0.05):
        found = predict(k, loss(k) * (1 + size * bump), np.full(14, 1e-8), ceiling=math.inf)
        widths.append(found.hi - found.lo)
    assert widths[1] > 3 * widths[0]


def test_fewer_backtests_are_wider():
    """Same misses, fewer of them: the t quantile must say so."""
    k = np.array([round(32 * 2 ** (i / 2)) for i in range(12)], dtype=float)
    wave = 1 + 0.02 * np.resize([1, -1, -1, 1], 12)
    long, short = (predict(k[:n], (2 * k**-0.4 * wave)[:n], np.full(n, 1e-8), ceiling=1.0) for n in (12, 6))
    assert (short.hi - short.lo) / short.value > 2 * (long.hi - long.lo) / long.value


def test_last_value_wins_where_nothing_falls():
    k = np.array([round(32 * 2 ** (i / 2)) for i in range(14)], dtype=float)
    found = predict(k, np.full(14, 0.4), np.full(14, 1e-8), ceiling=1.0)
    assert found.value == pytest.approx(0.4, abs=1e-3)


def test_never_surer_than_the_measurement():
    """Exact laws leave no miss, but the value to come is measured with the noise of the last one."""
    k = np.array([round(32 * 2 ** (i / 2)) for i in range(14)], dtype=float)
    found = predict(k, 2 * k**-0.4, np.full(14, 1e-4), ceiling=1.0)
    assert found.hi - found.value > 1.6 * 0.01


@pytest.mark.parametrize("law", [error, loss, lambda k: 0.4 + 0 * k, lambda k: 0.1 + 0.6 / (1 + k / 300)])
@pytest.mark.parametrize("last", [724, 5793])
def test_nine_of_ten_intervals_hold_what_comes(law, last):
    random = np.random.default_rng(last)
    k = np.array([round(32 * 2 ** (i / 2)) for i in range(16) if 32 * 2 ** (i / 2) < last * 1.01])
    truth, held = float(law(2.0 * k[-1])), 0
    for _ in range(40):
        replicates = law(k[:, None].astype(float)) * (1 + 0.04 * random.standard_normal((len(k), 8)))
        found = predict(
            k.astype(float), replicates.mean(axis=1), replicates.var(axis=1, ddof=1) / 8, ceiling=math.inf
        )
        held += found.lo <= truth <= found.hi
    assert held >= 36


def plain_predict(sizes, y, variance):
    """The average over laws, by loops over targets: fit the last 8 sizes of half the target, or less."""
    rows = []  # (mean squared miss, value ahead), a law each
    for fit in (last1, pow2, pow3):

        def at(chosen, target, fit=fit):
            law = fit(*(np.array([series[i] for i in chosen]) for series in (sizes, y, variance)))
            return float(value(law, np.array([float(target)]), ceiling=math.inf)[0])

        misses = []
        for j, target in enumerate(sizes):
            smaller = [i for i, k in enumerate(sizes) if 2 * k <= 1.02 * target]
            if len(smaller) >= 3:
                misses.append((at(smaller[-8:], target) - y[j]) * min(1, y[-1] / y[j]))
        misses = misses[-8:]
        square = max(sum(m * m for m in misses) / len(misses), variance[-1])
        rows.append((square, at(range(len(sizes))[-8:], 2 * sizes[-1])))
    count = len(misses)
    weights = [square ** (-count / 4) for square, _ in rows]
    mean = sum(w * ahead for w, (_, ahead) in zip(weights, rows, strict=True)) / sum(weights)
    total = sum(w * (s + (ahead - mean) ** 2) for w, (s, ahead) in zip(weights, rows, strict=True))
    half = stats.t.ppf(0.95, count / 2) * math.sqrt(total / sum(weights))
    return mean, max(mean - half, 0), mean + half


@pytest.mark.parametrize("count", [6, 9, 16])
def test_prediction_equals_plain_loops(count):
    random = np.random.default_rng(count)
    k = np.array([float(round(32 * 2 ** (i / 2))) for i in range(count)])
    y = 2 * k**-0.6 * (1 + 0.05 * random.standard_normal(count))
    variance = (0.01 * y) ** 2
    assert predict(k, y, variance, ceiling=math.inf) == pytest.approx(plain_predict(k, y, variance), rel=1e-9)
