"""Forecasts on runs made elsewhere: where their noise comes from, and what they may not say."""

from __future__ import annotations

import numpy as np
import pytest

from sufficient.answer.criteria import Criterion
from sufficient.answer.external_runs import PRIOR_FREEDOM, SCATTER, answer_of, points

SIZES = np.array([125.0, 250, 500, 1000, 2000, 4000])
KERAS = [165, 330, 825, 1651], [0.8071, 0.8724, 0.9003, 0.9057]  # one run each; 551 test images


def law(n):
    return 1.6 * np.asarray(n, dtype=float) ** -0.35 + 0.03


def of(curve, kind, value):
    return answer_of(curve, Criterion(kind, value), columns=("x",))


@pytest.mark.parametrize("test_size", [None, 551])
def test_the_keras_runs_leave_095_open(test_size):
    curve = points(KERAS[0], [[1 - a] for a in KERAS[1]], kind="accuracy", test_size=test_size)
    answer = of(curve, "accuracy", 0.95)
    assert answer.forecast.k_needed is None
    assert answer.forecast.k_interval[1] is None
    assert answer.forecast.probability_unreachable > 0.3
    assert answer.forecast.extrapolation == "beyond-10x"
    assert all(0 <= lo <= value <= hi <= 1 for _, value, lo, hi in answer.forecast.path)
    assert [each.n for each in answer.ahead] == [3302, 6604, 16510]


def test_needs_of_a_known_law_lie_in_the_interval():
    """SCIENCE: error 0.12 takes 3,725 objects, 0.10 takes 7,637, 0.08 takes 19,972."""
    random = np.random.default_rng(0)
    values = [random.binomial(20_000, law(n), size=3) / 20_000 for n in SIZES]
    curve = points(SIZES, values, kind="error", test_size=20_000)
    for target, truth in ((0.1, 7637), (0.08, 19_972)):
        found = of(curve, "error", target).forecast
        assert found.k_interval[0] <= truth <= (found.k_interval[1] or np.inf)
        assert found.k_needed == pytest.approx(truth, rel=0.4)
    assert of(curve, "error", 0.12).forecast.extrapolation == "none"


def test_accuracy_and_error_are_the_same_curve():
    curve = points(SIZES, law(SIZES)[:, None], kind="error", test_size=1000)
    one, other = of(curve, "error", 0.09), of(curve, "accuracy", 0.91)
    assert one.forecast.k_needed == other.forecast.k_needed
    assert one.forecast.k_interval == other.forecast.k_interval
    assert [level.value for level in other.measured] == pytest.approx([1 - m.value for m in one.measured])
    assert all(m.lo <= m.value <= m.hi for m in other.measured)


def test_variance_of_replicates_is_pooled_over_neighbours():
    values = [[0.30, 0.34], [0.20], [0.10, 0.12, 0.14], [0.05]]
    squares, freedom = [0.0008, 0, 0.0008, 0], [1, 0, 2, 0]
    expected = [
        sum(squares[max(i - 1, 0) : i + 2]) / sum(freedom[max(i - 1, 0) : i + 2]) / len(values[i])
        for i in range(4)
    ]
    curve = points([100, 200, 400, 800], values, kind="loss")
    assert curve.independent == pytest.approx(expected)
    assert curve.replicates == (2, 1, 3, 1)
    assert (curve.common == 0).all()


@pytest.mark.parametrize(("fold", "own", "share"), [(0.02, 0.0, 1.0), (0.0, 0.02, 0.0), (0.02, 0.02, 0.5)])
def test_what_a_fold_brings_to_every_size_is_common(fold, own, share):
    """Of 2,000 folds, so that the draw to 0 is none; the variance of a mean is only split, not changed."""
    random, folds = np.random.default_rng(0), 2000
    noise = fold * random.standard_normal(folds) + own * random.standard_normal((len(SIZES), folds))
    values = law(SIZES)[:, None] + noise
    apart, paired = (points(SIZES, values, kind="loss", paired=p) for p in (False, True))
    assert paired.common / apart.independent == pytest.approx([share] * len(SIZES), abs=0.03)
    assert paired.common + paired.independent == pytest.approx(apart.independent)
    assert (apart.common == 0).all()


def test_few_paired_replicates_share_less_than_they_seem_to():
    values = law(SIZES)[:, None] + [-0.01, 0, 0.01]
    curve = points(SIZES, values, kind="loss", paired=True)
    assert curve.common == pytest.approx(np.full(len(SIZES), 0.5 * 1e-4 / 3))  # 2 of 2 + PRIOR_FREEDOM
    assert points(SIZES, law(SIZES)[:, None] + [0, 0], kind="loss", paired=True).common.tolist() == [0] * 6


def test_sizes_without_replicated_neighbours_take_the_variance_of_all():
    values = [[0.30, 0.34], [0.28], [0.20], [0.15]]
    assert points([1, 2, 3, 4], values, kind="loss").independent[2:] == pytest.approx([0.0008, 0.0008])


@pytest.mark.parametrize("y", [law(SIZES), law(SIZES)[::-1], 0.3 + 0 * SIZES])
def test_single_runs_of_a_smooth_curve_have_little_noise_wherever_it_goes(y):
    """Three differences of six evenly spaced sizes (1, −3, 3, −1)/√20: correlated −0.75 and 0.3."""
    freedom = 3**2 / (3 + 2 * (2 * 0.75**2 + 0.3**2))
    least = PRIOR_FREEDOM * SCATTER**2 / (PRIOR_FREEDOM + freedom)
    smooth = points(SIZES, y[:, None], kind="error")
    assert smooth.independent == pytest.approx(least * y**2, rel=1e-2)
    rough = y * (1 + 0.2 * np.array([1, -1, 1, -1, 1, -1]))
    assert points(SIZES, rough[:, None], kind="error").independent[0] > 10 * smooth.independent[0]


def test_the_scatter_of_single_runs_is_that_of_the_runs():
    random = np.random.default_rng(0)
    sizes, law_ = np.linspace(100, 1000, 12), 0.2 * np.linspace(1, 10, 12) ** -0.4
    found = [
        points(sizes, (law_ * (1 + 0.1 * random.standard_normal(12)))[:, None], kind="loss").scatter ** 2
        for _ in range(300)
    ]
    freedom = 3.9  # of 9 differences
    expected = (freedom * 0.1**2 + PRIOR_FREEDOM * SCATTER**2) / (freedom + PRIOR_FREEDOM)
    assert np.mean(found) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("test_size", [None, 500])
def test_too_few_single_runs_have_the_noise_of_the_prior(count, test_size):
    curve = points(SIZES[:count], law(SIZES)[:count, None], kind="error", test_size=test_size)
    assert curve.independent == pytest.approx((SCATTER * law(SIZES)[:count]) ** 2)
    answer = of(curve, "accuracy", 0.9)
    assert [notice.code for notice in answer.forecast.notices] == ["TOO-FEW-SIZES"]
    assert answer.measured[0].lo < answer.measured[0].value < answer.measured[0].hi


@pytest.mark.parametrize("test_size", [None, 2000])
@pytest.mark.parametrize(
    ("values", "code"),
    [
        (law(SIZES)[::-1], "CURVE-NOT-MONOTONE"),
        ([0.5, 0.3, 0.15, 0.4, 0.2, 0.1], "CURVE-TOO-NOISY"),  # a peak, or noise
    ],
)
def test_single_runs_that_do_not_fall_get_no_number(values, code, test_size):
    curve = points(SIZES, np.reshape(values, (-1, 1)), kind="error", test_size=test_size)
    answer = of(curve, "accuracy", 0.95)
    assert [notice.code for notice in answer.forecast.notices] == [code]
    assert answer.forecast.k_needed is None


def test_scatter_that_so_few_test_objects_explain_is_no_roughness():
    values = np.reshape([0.4, 0.12, 0.3, 0.15, 0.06, 0.025], (-1, 1))
    few, many = (of(points(SIZES, values, kind="error", test_size=t), "error", 0.01) for t in (100, 10**6))
    assert few.forecast.notices == ()
    assert [notice.code for notice in many.forecast.notices] == ["CURVE-TOO-NOISY"]


def test_test_objects_count_as_noise_of_shares_only():
    values = np.stack([law(SIZES) - 0.01, law(SIZES) + 0.01], axis=1)
    known = points(SIZES, values, kind="error", test_size=400)
    p = (law(SIZES) * 400 + 2) / 404
    assert known.common == pytest.approx(p * (1 - p) / 400)
    assert (points(SIZES, values, kind="loss", test_size=400).common == 0).all()
    single = points(SIZES, law(SIZES)[:, None], kind="error", test_size=400)
    assert single.common == pytest.approx(p * (1 - p) / 400)
    assert (single.independent < single.common).all()  # a smooth curve


def test_fewer_test_objects_widen_the_forecast():
    wide, narrow = (
        of(points(SIZES, law(SIZES)[:, None], kind="error", test_size=t), "error", 0.08).ahead[0]
        for t in (2000, 200_000)
    )
    assert wide.hi - wide.lo > 1.4 * (narrow.hi - narrow.lo)


@pytest.mark.parametrize(
    ("sizes", "values", "code"),
    [
        ([100, 200, 400], [0.3, 0.25, 0.2], "TOO-FEW-SIZES"),
        (SIZES, [0.3, 0.3, 0.301, 0.299, 0.3, 0.3], "CURVE-FLAT"),
        (SIZES, [0.3, 0.2, 0.1, 0.3, 0.4, 0.5], "CURVE-NOT-MONOTONE"),
    ],
)
def test_curves_that_get_no_number(sizes, values, code):
    answer = of(
        points(sizes, [[v, 1.01 * v] for v in values], kind="error", test_size=100_000), "error", 0.01
    )
    assert [notice.code for notice in answer.forecast.notices] == [code]
    assert answer.forecast.k_needed is None
    assert answer.ahead == ()
