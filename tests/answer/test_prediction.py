from __future__ import annotations

import numpy as np
import pytest

from benchmarks.forecast_coverage import CLOSE, FINE, TWICE, Setting, pow3, trial
from sufficient.answer.prediction import forecast_target, predict, predict_target, quantiles

N = np.array([round(32 * 2 ** (i / 2)) for i in range(12)], dtype=float)
KERAS_N = np.array([165.0, 330, 825, 1651])
KERAS = np.array([0.8071, 0.8724, 0.9003, 0.9057])


def error(n):
    return 1.6 * n**-0.35 + 0.03


def seen(y, sd=1e-6, direction="falling", bounds=(0.0, 1.0)):
    return predict(
        N, y, independent=np.full(12, sd**2), common=np.zeros(12), direction=direction, bounds=bounds
    )


def asked(n, y, target, sd=0.005, held_out=1000, direction="rising", bounds=(0.0, 1.0)):
    return predict_target(
        n,
        y,
        independent=np.full(len(n), sd**2),
        common=y * (1 - y) / held_out,
        target=target,
        direction=direction,
        bounds=bounds,
    )


def test_the_known_law_is_continued():
    found = forecast_target(seen(error(N)), 0.12)
    assert found.k_needed == pytest.approx(3725, rel=0.1)
    assert found.k_interval[0] <= 3725 <= found.k_interval[1]
    assert found.extrapolation == "within-4x"
    assert forecast_target(seen(error(N)), 0.10).extrapolation == "beyond-4x"
    far = forecast_target(
        seen(error(N)), 0.08
    )  # 19,972, 14× 1,448: the trend knows of no floor that slows it
    assert far.k_interval[0] <= 14_480
    assert far.k_interval[1] is None
    assert far.probability_beyond_10x > 0.3


@pytest.mark.parametrize("held_out", [1000, 10_000])
def test_keras_is_open_ended_and_stays_below_one(held_out):
    found = asked(KERAS_N, KERAS, 0.95, held_out=held_out)
    assert found.k_interval[1] is None
    assert found.k_needed is None
    assert found.probability_unreachable > 0.5
    ensemble = predict(
        KERAS_N,
        KERAS,
        independent=np.full(4, 1e-4),
        common=KERAS * (1 - KERAS) / held_out,
        direction="rising",
        bounds=(0.0, 1.0),
    )
    values = ensemble.values(np.array([1.0, 165, 1651, 1e5, 1e9, 1e30]))
    assert values.min() >= 0
    assert values.max() <= 1
    assert (np.diff(values, axis=1) >= -1e-12).all()


def test_sizes_needed_are_where_the_curves_are():
    ensemble = seen(error(N), 0.01)
    needed = ensemble.needed(0.13)
    inside = (needed > ensemble.last) & (needed < 1e6)
    assert inside.sum() > 500
    at = np.array(
        [ensemble.values(np.array([n]))[i, 0] for i, n in enumerate(needed) if inside[i] and i % 20 == 0]
    )
    assert at == pytest.approx(0.13, rel=1e-6)
    assert ensemble.weights.sum() == pytest.approx(1)
    assert len(needed) <= 2000


def test_accuracy_is_error_upside_down():
    up = predict(
        N,
        1 - error(N),
        independent=np.full(12, 1e-5),
        common=np.zeros(12),
        direction="rising",
        bounds=(0.0, 1.0),
    )
    down = seen(error(N), 1e-5**0.5)
    assert up.needed(0.88) == pytest.approx(down.needed(0.12), rel=1e-6)
    median, lo, hi = up.at(np.array([5000.0]))
    other, low, high = down.at(np.array([5000.0]))
    assert (lo[0], hi[0]) == pytest.approx((1 - high[0], 1 - low[0]), abs=1e-4)
    assert median[0] == pytest.approx(1 - other[0], abs=1e-4)


def test_intervals_widen_with_distance():
    path = seen(error(N), 0.003).path()
    k, median, lo, hi = (np.array(row) for row in zip(*path, strict=True))
    assert (k[0], k[-1]) == (1448, 14480)
    assert (np.diff(median) <= 1e-12).all()
    assert (lo <= median).all()
    assert (median <= hi).all()
    assert ((hi - lo) / median)[-1] > 2 * ((hi - lo) / median)[0]


def test_backtests_choose_the_law():
    """last1 loses on a falling curve, and a curve that stops falling has a floor: pow2 loses."""
    weights = seen(error(N), 0.002).law_weights
    assert weights["last1"] < 1e-3
    saturating = seen(0.2 + 50 * N**-1.2, 0.002).law_weights
    assert saturating["pow2"] < 0.01
    assert weights["pow2"] > 3 * saturating["pow2"]


def test_common_noise_widens_and_does_not_average_away():
    def width(common):
        ensemble = predict(
            N,
            error(N),
            independent=np.full(12, 1e-6),
            common=np.full(12, common),
            direction="falling",
            bounds=(0.0, 1.0),
        )
        _, lo, hi = ensemble.at(np.array([1448.0]))
        return hi[0] - lo[0]

    assert width(0.02**2) > 3 * width(0.0)
    assert width(0.02**2) == pytest.approx(2 * 1.645 * 0.02, rel=0.35)


def test_met_already():
    found = asked(N, 1 - error(N), 0.5)
    assert (found.k_needed, found.k_interval, found.extrapolation) == (1448, (1448, 1448), "none")
    assert asked(N, 1 - error(N), -1.0).k_needed == 1448
    assert asked(N, 1 - error(N), 1.5).probability_unreachable == pytest.approx(1)


@pytest.mark.parametrize(
    ("y", "code"),
    [(0.6 + 0 * N, "CURVE-FLAT"), (0.6 - 0.05 * np.log(N / 32), "CURVE-NOT-MONOTONE")],
)
def test_no_number_where_no_law_holds(y, code):
    found = asked(N, y, 0.9)
    assert [notice.code for notice in found.notices] == [code]
    assert (found.k_needed, found.k_interval, found.distribution, found.path) == (
        None,
        (None, None),
        None,
        (),
    )
    assert asked(N[:3], y[:3], 0.9).notices[0].code == "TOO-FEW-SIZES"


def test_a_flat_curve_above_its_target_meets_it():
    found = asked(N, 0.9 + 0 * N, 0.7)
    assert (found.k_needed, found.notices) == (1448, ())


@pytest.mark.parametrize("last", [[0.0], [0.0, 0.0], [0.0005]])
def test_no_error_at_the_largest_sizes_is_no_certainty_and_breaks_nothing(last):
    """700 unseen objects; the variance of a measured 0 is that of 2 wrong of 704 (Agresti and Coull)."""
    y = np.array([0.3, 0.2, 0.12, 0.07, 0.04, 0.02, 0.01, 0.004, 0.002])
    y[-len(last) :] = last
    smoothed = (700 * y + 2) / 704

    def found(target):
        return predict_target(
            N[:9],
            1 - y,
            independent=np.maximum(y * (1 - y) / 1120, 1e-6),
            common=smoothed * (1 - smoothed) / 700,
            target=target,
            direction="rising",
            bounds=(0.0, 1.0),
        )

    for target in (0.9, 0.98):
        met = found(target)
        assert (met.k_needed, met.k_interval) == (512, (512, 512))
        assert met.probability_unreachable == pytest.approx(0, abs=1e-9)
    _, middle, lo, hi = found(0.98).path[0]
    assert 0.98 < lo < middle < hi < 1
    assert found(0.9999).k_interval[1] is None


def test_loss_needs_no_ceiling():
    ensemble = seen(3 * N**-0.3 + 0.1, 0.01, bounds=(0.0, np.inf))
    assert ensemble.at(np.array([2896.0]))[0][0] == pytest.approx(3 * 2896**-0.3 + 0.1, rel=0.03)
    with pytest.raises(ValueError, match="no best value"):
        seen(N, direction="rising", bounds=(0.0, np.inf))


def test_the_same_data_give_the_same_forecast():
    assert (seen(error(N)).needed(0.12) == seen(error(N)).needed(0.12)).all()


def test_weighted_quantiles():
    values, weights = np.array([3.0, 1.0, np.inf, 2.0]), np.array([0.2, 0.3, 0.1, 0.4])
    assert quantiles(values, weights, (0.05, 0.3, 0.31, 0.9, 0.95)) == (1, 1, 2, 3, np.inf)


@pytest.mark.parametrize(
    ("setting", "least"),
    [
        (Setting("pow3", pow3(0.4, 0.1), TWICE, test=1000), 17),
        (Setting("pow3", pow3(0.7, 0.2), CLOSE, test=1000), 16),  # half of the last value is floor
        (Setting("Weibull", lambda n: 0.05 + 0.7 * np.exp(-((n / 150) ** 0.3)), TWICE), 15),
    ],
    ids=["slow", "fast", "foreign"],
)
def test_nine_of_ten_intervals_hold(setting, least):
    """20 curves a setting; the full table is `benchmarks.forecast_coverage`."""
    rows = [trial(setting, 1000 + seed) for seed in range(20)]
    assert sum(row.given for row in rows) >= 15
    assert sum(row.holds_needed or not row.given for row in rows) >= least
    assert sum(row.holds_value or not row.given for row in rows) >= least


def test_twelve_sizes_give_a_useful_median():
    rows = [
        trial(Setting("fine", pow3(0.45, 0.05), FINE, repeats=8, test=10_000), seed) for seed in range(12)
    ]
    assert np.median([abs(row.needed) for row in rows]) <= 0.35
