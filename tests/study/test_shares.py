import numpy as np
import pytest

from sufficient.study.keys import key
from sufficient.study.shares import divide, interleaved_order, share_sizes


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        (10_000, (7_000, 1_000, 2_000)),
        (1_797, (1_238, 200, 359)),  # 10 % is 179: the floor of 200 holds
        (500, (300, 100, 100)),  # 20 % of used is below 200
        (60_000, (48_000, 2_000, 10_000)),  # both caps
        (33, (21, 6, 6)),
    ],
)
def test_share_sizes(used, expected):
    assert share_sizes(used) == expected
    assert sum(expected) == used


def test_share_sizes_as_asked():
    assert share_sizes(1_000, held_out=0.3, validation=0.05) == (650, 50, 300)
    assert share_sizes(100, held_out=0.29) == (51, 20, 29)  # 0.29 · 100 is 28.999… in floating point


@pytest.fixture
def shares():
    labels = np.random.default_rng(0).integers(4, size=403)
    return divide(labels, replicates=8, seed=1)


def test_every_replicate_divides_all_objects(shares):
    for r in range(8):
        parts = [
            shares.fitted(r, shares.k_available),
            shares.validation_objects(r),
            shares.held_out_objects(r),
        ]
        assert sorted(np.concatenate(parts)) == list(range(403))


def test_replicates_are_rotations_of_one_order(shares):
    for r in range(8):
        start = r * 403 // 8
        assert shares.fitted(r, 5).tolist() == [shares.order[(start + i) % 403] for i in range(5)]
        assert np.array_equal(shares.fitted(r, 20)[:5], shares.fitted(r, 5)), "prefixes are nested"


def test_early_prefixes_are_disjoint_and_held_out_sets_spread_evenly(shares):
    prefixes = np.concatenate([shares.fitted(r, 50) for r in range(8)])
    assert len(set(prefixes.tolist())) == 400
    times = np.bincount(np.concatenate([shares.held_out_objects(r) for r in range(8)]), minlength=403)
    assert times.max() - times.min() <= 1


def test_classes_are_interleaved():
    labels = np.repeat([0, 1, 2], [600, 300, 30])
    order = interleaved_order(labels, seed=3)
    for first in range(0, 900, 100):  # every stretch of the circle holds its share of each class
        counts = np.bincount(labels[order[first : first + 100]], minlength=3)
        expected = 100 * np.array([600, 300, 30]) / 930
        assert (abs(counts - expected) < 2).all(), (first, counts)


def test_the_order_is_keyed_by_the_seed():
    labels = np.arange(50) % 2
    assert np.array_equal(interleaved_order(labels, 0), interleaved_order(labels, 0))
    assert not np.array_equal(interleaved_order(labels, 0), interleaved_order(labels, 1))


def test_keys_differ_by_purpose_and_by_coordinate():
    keys = {key("a", 1, 2), key("a", 12), key("b", 1, 2), key("a", 2, 1), key("a")}
    assert len(keys) == 5
    assert all(0 <= value < 2**63 for value in keys)
