from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from sufficient.answer.backtest import scores, weighed
from sufficient.answer.law_fits import Curve
from sufficient.answer.laws import FAMILIES
from sufficient.answer.paths import path_score, paths
from sufficient.answer.trend import STEP, filtered

N = np.array([round(32 * 2 ** (i / 2)) for i in range(12)], dtype=float)
X = np.log(N / N[-1])
NONE = np.zeros((12, 12))


def curve(y, sd=0.01):
    return Curve(X[-len(y) :], y, np.diag((sd * y) ** 2))


def believed(y, sd=0.01, common=NONE):
    own = curve(y, sd)
    return paths(Curve(own.x, y, own.covariance + common), common, last=N[-1], count=200, weight=1.0)


def test_a_power_is_continued():
    y = 2 * N**-0.3
    found = believed(y, 1e-3)
    k = np.array([1448.0, 2896, 5792])
    assert np.median(found.values(k), axis=0) == pytest.approx(2 * k**-0.3, rel=0.03)
    assert np.median(found.needed(2 * 5792**-0.3)) == pytest.approx(5792, rel=0.1)


def test_sizes_needed_are_where_the_paths_are():
    found = believed(2 * N**-0.3)
    needed = found.needed(0.16)
    inside = np.isfinite(needed) & (needed > N[-1])
    assert inside.sum() > 100
    at = found.values(needed[inside])[inside].diagonal()
    assert at == pytest.approx(0.16, rel=1e-9)
    assert (found.values(np.array([14_480_000.0, 1e12]))[~np.isfinite(needed)] > 0.16).all()


def test_a_doubling_is_as_unsure_as_level_and_slope_are_together():
    """Against 200,000 draws of every filter's state and of what it drifts by, made without the tool."""
    random = np.random.default_rng(1)
    y = 2 * N**-0.3 * np.exp(0.02 * random.standard_normal(12))
    relative = math.log(1 + 0.02**2 / (1 + 0.02**2))
    state, likelihood = filtered(X / STEP, np.log(y * math.sqrt(1 + 0.02**2)), np.full(12, relative))
    chosen = random.choice(15, 200_000, p=np.exp(likelihood) / np.exp(likelihood).sum())
    rows = [each[:, 0] for each in state]
    level, slope = (rows[0][chosen], rows[1][chosen])
    a, b, c = random.standard_normal((3, len(chosen)))
    sd = np.sqrt(rows[2][chosen])
    rho = rows[3][chosen] / np.sqrt(rows[2][chosen] * rows[4][chosen])
    slope = slope + np.sqrt(rows[4][chosen]) * (rho * a + np.sqrt(1 - rho**2) * b)
    q_l = np.repeat([1e-4, 4e-4, 16e-4], 5)[chosen]
    q_s = np.tile([0.1e-4, 1e-4, 4e-4, 16e-4, 64e-4], 3)[chosen]
    change = 2 * slope + np.sqrt(q_l * 2 + q_s * 8 / 3) * c
    expected = np.exp(level + sd * a) * (1 - np.exp(np.minimum(change, 0)))
    ends = np.quantile(believed(y, 0.02).doubled, [0.05, 0.5, 0.95])
    assert ends == pytest.approx(np.quantile(expected, [0.05, 0.5, 0.95]), rel=0.08)
    along = believed(y, 0.02).values(np.array([N[-1], 2 * N[-1]]))
    lo, hi = np.quantile(along[:, 0] - along[:, 1], [0.05, 0.95])
    assert ends[2] - ends[0] > 1.3 * (hi - lo)  # along one ε the two sizes are too sure of each other


def test_no_path_rises_and_nothing_reaches_zero():
    found = believed(0.5 - 0.01 * np.arange(12.0), 0.05)
    assert (np.diff(found.values(N[-1] * np.geomspace(1, 1e5, 50)), axis=1) <= 1e-12).all()
    assert np.isinf(found.needed(0.0)).all()
    assert (found.needed(0.9) == N[-1]).all()


def test_spread_at_the_last_size_is_the_filters_and_the_common_noise():
    y = 2 * N**-0.3
    common = np.full((12, 12), (0.05 * y[-1]) ** 2)
    ends = believed(y, 1e-4, common).values(N[-1:])[:, 0]
    lo, hi = np.quantile(np.log(ends), [0.05, 0.95])
    assert (hi - lo) / 2 == pytest.approx(1.645 * 0.05, rel=0.1)


def test_score_is_that_of_predictions_written_out():
    """The last origin alone is asked for: five sizes, of which three and four are fitted."""
    random = np.random.default_rng(2)
    own = curve(2 * N[-5:] ** -0.3 * np.exp(0.03 * random.standard_normal(5)), 0.02)
    expected = 0.0
    for i in (2, 3):
        relative = math.log(1 + 0.02**2 / (1 + 0.02**2))  # of y and its variance, as a log-normal's
        z = np.log(own.y * math.sqrt(1 + 0.02**2))
        belief, likelihood = filtered(own.x[: i + 1] / STEP, z[: i + 1], np.full(i + 1, relative))
        weight = np.exp(likelihood) / np.exp(likelihood).sum()
        each = []
        for j in range(i + 1, 5):
            d = (own.x[j] - own.x[i]) / STEP
            mean = belief.level + d * belief.slope
            q_l = np.repeat([1e-4, 4e-4, 16e-4], 5)[:, None]
            q_s = np.tile([0.1e-4, 1e-4, 4e-4, 16e-4, 64e-4], 3)[:, None]
            var = belief.level_variance + 2 * d * belief.covariance + d**2 * belief.slope_variance
            var = var + q_l * d + q_s * d**3 / 3
            middle = weight @ mean[:, 0]
            total = weight @ (var[:, 0] + (mean[:, 0] - middle) ** 2) + relative
            density = stats.t(4, loc=middle, scale=np.sqrt(total / 2)).logpdf(z[j])
            each.append(density - stats.t(4).logpdf(0) - z[j])  # ours: up to a constant
        expected += np.mean(each)
    assert path_score(own, np.zeros((5, 5))) == pytest.approx(expected, rel=1e-9)


def test_with_four_sizes_the_laws_are_alone():
    assert path_score(curve(2 * N[-4:] ** -0.3), np.zeros((4, 4))) == -np.inf
    law, trend, drift = weighed(np.zeros((8, 4)), -np.inf, np.ones(8))
    assert (law.sum(), trend) == (pytest.approx(1), 0)
    assert drift.sum(axis=1) == pytest.approx(1)


def test_a_curve_that_bends_is_left_to_the_trend():
    """Slow, then fast: every law of ours but the broken one slows down."""
    bent = 0.3 * (N / 32) ** -0.1 * np.minimum(1, (N / 256) ** -0.5)
    own, random = curve(bent, 0.005), np.random.default_rng(0)
    backtests = np.array([scores(family, own, NONE, random=random) for family in FAMILIES])
    _, trend, _ = weighed(backtests, path_score(own, NONE), np.ones(8))
    assert trend > 0.9
