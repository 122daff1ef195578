"""Every rung against arithmetic done by hand."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from sufficient.answer.ladder import ladder
from sufficient.errors import UsageError
from tests.answer import records

NAMES = ["M_ℓ alone", "exact", "activation", "corrected", "corrected, one M_W", "printed"]


def two_sizes(**changes):
    """k = 99 without a size before it, then k = 199; 4 replicates, C = 0.5 at both, of which one is loud.

    Replicate 0 is dead at k = 199, with numbers that would show in every maximum and mean.
    """
    record = records.record([0.5, 0.5], sizes=[99, 199], replicates=4, noise=0.0, dead={199: 1})
    first, last = record.stages
    loud = np.array([1e9, 0, 0, 0])
    norms = np.array([[1.0, 2.0], [1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]) + loud[:, None]
    last = replace(
        last,
        largest_seen=np.array([1.0, 2.0, 3.0, 1.0]) + loud,
        largest_unseen=np.array([1.0, 5.0, 4.0, 1.0]) + loud,
        norm_exact=norms,
        norm_activation=2 * norms,
        norm_corrected=3 * norms,
        norm_common=4 * norms,
        norm_printed=np.array([0.0, 1.5, 10.0, 5.5]),
        gradient_norm=np.array([0.0, 0.1, 0.2, 0.6]) + loud,
        distance=np.array([0.0, 1.0, 2.0, 3.0]) + loud,
    )
    return replace(record, stages=(replace(first, distance=np.full(4, np.nan)), replace(last, **changes)))


def test_rungs_by_hand():
    stage = ladder(two_sizes())[1]
    assert (stage.k, stage.replicates, stage.dead) == (199, 3, 1)
    assert stage.difference == pytest.approx(0.5 / 200)
    assert stage.largest_loss == 5.0
    assert stage.radius == pytest.approx(2.0)
    assert stage.gradient_mean == pytest.approx(0.3)
    assert stage.gradient_largest == pytest.approx(0.6)
    assert [rung.name for rung in stage.rungs] == NAMES
    assert [rung.curvature for rung in stage.rungs] == [None, 6.0, 12.0, 18.0, 24.0, 10.0]
    assert [rung.over_exact for rung in stage.rungs] == [None, 1.0, 2.0, 3.0, 4.0, pytest.approx(10 / 6)]
    # (M_ℓ + ½ M_H R²)/(k + 1) with M_ℓ = 5, R² = 4; printed 2 (M_ℓ + M_H R²)/(k + 1)
    bounds = np.array([5, 5 + 12, 5 + 24, 5 + 36, 5 + 48, 2 * (5 + 40)]) / 200
    np.testing.assert_allclose([rung.bound for rung in stage.rungs], bounds)
    np.testing.assert_allclose([rung.loose for rung in stage.rungs], bounds / (0.5 / 200))
    assert [rung.valid for rung in stage.rungs] == [True, False, False, False, False, False]


def test_quantiles_and_violations_over_live_replicates_and_probed_objects():
    stage = ladder(two_sizes())[1]
    assert (stage.exact.q50, stage.exact.largest) == (3.5, 6.0)
    assert stage.exact.q90 == pytest.approx(np.quantile([1, 2, 3, 4, 5, 6], 0.9))
    assert stage.exact.q99 == pytest.approx(np.quantile([1, 2, 3, 4, 5, 6], 0.99))
    assert stage.probed == 6
    assert stage.violations == 2  # 2 above 1.5, 6 above 5.5; the dead replicate's two above 0 do not count


def test_the_first_size_has_no_radius_and_only_the_bound_that_needs_none():
    stage = ladder(two_sizes())[0]
    assert stage.radius is None
    assert stage.rung("M_ℓ alone").bound == pytest.approx(3.5 / 100)  # `records`: largest unseen r + ½
    assert [rung.bound for rung in stage.rungs[1:]] == [None] * 5
    assert [rung.loose for rung in stage.rungs[1:]] == [None] * 5
    assert [rung.curvature for rung in stage.rungs[1:]] == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_radius_given_serves_every_size():
    first, last = ladder(two_sizes(), radius=0.5)
    assert first.radius == last.radius == 0.5
    assert first.rung("exact").bound == pytest.approx((3.5 + 0.5 * 1.0 * 0.25) / 100)
    assert last.rung("exact").bound == pytest.approx((5 + 0.5 * 6.0 * 0.25) / 200)
    at_the_point = ladder(two_sizes(), radius=0)[1]
    assert {rung.bound for rung in at_the_point.rungs[:-1]} == {at_the_point.rung("M_ℓ alone").bound}


@pytest.mark.parametrize("radius", [-1.0, float("nan"), float("inf")])
def test_a_radius_that_is_no_distance_is_refused(radius):
    with pytest.raises(UsageError, match="radius"):
        ladder(two_sizes(), radius=radius)


def test_no_live_replicate_leaves_no_rungs():
    stage = ladder(two_sizes(dead=np.ones(4, bool)))[1]
    assert (stage.difference, stage.largest_loss, stage.exact, stage.rungs) == (None, None, None, ())
    assert (stage.probed, stage.violations, stage.replicates, stage.dead) == (0, 0, 0, 4)
    assert stage.rung("exact") is None


def test_no_difference_and_no_curvature_leave_no_ratio():
    stage = ladder(two_sizes(constant=np.zeros(4), norm_exact=np.zeros((4, 2))))[1]
    assert [rung.loose for rung in stage.rungs] == [None] * 6
    assert [rung.over_exact for rung in stage.rungs] == [None] * 6
    assert stage.rung("activation").bound == pytest.approx((5 + 24) / 200)


def test_it_loads_no_torch():
    code = "import sys, sufficient.answer.ladder; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
