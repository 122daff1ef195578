from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sufficient.answer.answer import Level
from sufficient.answer.crossing import last_crossing, sufficient_size
from sufficient.answer.series import Reading


def points(rows):
    """Rows of (k, δ, lo, hi, learned)."""
    return [Reading(k, learned, Level(d, lo, hi)) for k, d, lo, hi, learned in rows]


def test_power_law_crosses_where_algebra_says():
    sizes = [100, 200, 400, 800]
    assert last_crossing(sizes, [3 * k**-1.2 for k in sizes], 5e-3) == math.ceil((3 / 5e-3) ** (1 / 1.2))


def test_the_last_crossing_counts_not_the_first():
    assert last_crossing([10, 20, 40, 80], [2.0, 0.5, 2.0, 0.5], 1.0) == 57  # 40 × √2; the first is near 14.1


def test_exactly_tol_is_met():
    assert last_crossing([10, 20], [2.0, 1.0], 1.0) == 20
    assert last_crossing([10, 20, 40], [2.0, 1.0, 1.0], 1.0) == 20


def test_none_when_met_from_the_start_or_never():
    assert last_crossing([10, 20], [1.0, 0.5], 1.0) is None
    assert last_crossing([10, 20], [3.0, 2.0], 1.0) is None
    assert last_crossing([10, 20, 40], [0.5, 0.5, 2.0], 1.0) is None


@given(
    st.lists(st.floats(1e-6, 1e2), min_size=2, max_size=12),
    st.floats(1e-5, 10),
)
def test_crossing_equals_a_fine_walk(values, tol):
    sizes = [round(32 * 2 ** (i / 2)) for i in range(len(values))]
    found = last_crossing(sizes, values, tol)
    whole = np.arange(sizes[0], sizes[-1] + 1)
    curve = np.exp(np.interp(np.log(whole), np.log(sizes), np.log(values)))
    if found is None:
        assert values[-1] > tol or max(values) <= tol
    else:
        assert (curve[whole >= found] <= tol * (1 + 1e-9)).all()
        assert curve[found - 1 - sizes[0]] > tol * (1 - 1e-9)


def test_unlearned_points_are_no_part_of_the_curve():
    """An untrained network's small δ at 32 and large δ at 128 must not move k*."""
    rows = [(32, 1e-4, 9e-5, 2e-4, False), (64, 4e-3, 3e-3, 5e-3, True), (128, 9.0, 8.0, 10.0, False)]
    rows += [(256, 1e-3, 9e-4, 1.1e-3, True)]
    k, _ = sufficient_size(points(rows), 2e-3)
    assert k == 128  # 64 × 4^(1/2)


def test_interval_is_where_the_edges_cross():
    rows = [
        (100, 4e-3, 2e-3, 8e-3, True),
        (400, 1e-3, 0.5e-3, 2e-3, True),
        (1600, 0.25e-3, 0.1e-3, 0.5e-3, True),
    ]
    assert sufficient_size(points(rows), 1e-3) == (400, (200, 800))


def test_edge_below_tol_throughout_is_open():
    rows = [(100, 2e-3, 0.9e-3, 8e-3, True), (400, 0.5e-3, 0.4e-3, 0.6e-3, True)]
    k, (lo, hi) = sufficient_size(points(rows), 1e-3)
    assert k == 200
    assert lo is None
    assert hi > 200


def test_met_at_the_first_learned_size():
    met = [(100, 0.5e-3, 0.4e-3, 0.6e-3, True), (200, 0.3e-3, 0.2e-3, 0.4e-3, True)]
    assert sufficient_size(points([(32, 9.0, 8.0, 10.0, False), *met]), 1e-3) == (100, (None, 100))
    wide = [(100, 0.5e-3, 0.4e-3, 2e-3, True), (400, 0.3e-3, 0.2e-3, 0.5e-3, True)]
    assert sufficient_size(points(wide), 1e-3) == (100, (None, 200))


@pytest.mark.parametrize("tol", [0.7e-3, 1.3e-3, 3e-3])
def test_interval_holds_k_star(tol):
    random = np.random.default_rng(1)
    for _ in range(50):
        sizes = [32, 45, 64, 91, 128]
        mean = np.exp(np.cumsum(-0.3 + 0.4 * random.standard_normal(5))) * 4e-3
        wide = np.exp(0.4 * random.random(5))
        mean[-1] = min(mean[-1], tol / 2)
        rows = [(k, m, m / w, m * w, True) for k, m, w in zip(sizes, mean, wide, strict=True)]
        k, (lo, hi) = sufficient_size(points(rows), tol)
        assert lo is None or lo <= k
        assert hi is None or hi >= k


def test_linear_between_sizes_where_asked():
    """Error 0.3 at 100 and 0.1 at 400 is 0.2 half way in ln k."""
    assert last_crossing([100, 400], [0.3, 0.1], 0.2, linear=True) == 200
    assert last_crossing([100, 400], [0.3, 0.0], 0.15, linear=True) == 200  # nothing wrong: no logarithm
    rows = [(100, 0.3, 0.2, 0.4, True), (400, 0.1, 0.0, 0.2, True)]
    assert sufficient_size(points(rows), 0.2, linear=True) == (200, (None, 400))
