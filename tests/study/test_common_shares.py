from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sufficient.errors import DataError
from sufficient.study.groups import plan_common, united, with_twins_together
from sufficient.study.options import StudyOptions
from sufficient.study.run import new_record
from sufficient.study.shares import CommonShares, divide, interleaved_order

OPTIONS = StudyOptions(replicates=8, start=16)


@given(st.integers(2, 16), st.integers(0, 40), st.integers(2, 40), st.data())
def test_common_shares_divide_what_was_read(replicates, validation, held_out, data):
    available = data.draw(st.integers(1, 300))
    size = data.draw(st.integers(1, available))
    shares = CommonShares(replicates, available, validation, held_out)
    assert shares.used == available + validation + held_out
    window = min(4 * size, available)
    shared = shares.shared(size)
    fitted = [shares.fitted(r, size).tolist() for r in range(replicates)]
    for r in range(replicates):
        assert len(set(fitted[r])) == size
        assert set(fitted[r]) <= set(range(held_out + validation, held_out + validation + window))
        assert fitted[r][0] == held_out + validation + r * window // replicates
        apart = [*fitted[r], *shares.validation_objects(r), *shares.held_out_objects(r)]
        assert len(set(apart)) == size + validation + held_out
        assert shares.held_out_objects(r).tolist() == list(range(held_out))
        assert shares.validation_objects(r).tolist() == list(range(held_out, held_out + validation))
        for q in range(replicates):
            assert shared[r, q] == len(set(fitted[r]) & set(fitted[q]))


def test_what_a_size_takes_is_settled_once_four_times_as_many_are_read():
    early, late = CommonShares(8, 400, 50, 100, not_read=5_000), CommonShares(8, 5_400, 50, 100)
    for r in range(8):
        assert np.array_equal(early.fitted(r, 100), late.fitted(r, 100))
    assert not np.array_equal(early.fitted(1, 120), late.fitted(1, 120))


def test_without_groups_the_order_is_the_rotating_one():
    labels = np.random.default_rng(0).integers(4, size=1_000)
    order, fit, validation, held_out = plan_common(labels, None, OPTIONS, growing=False)
    assert np.array_equal(order, interleaved_order(labels, 0))
    assert (fit, validation, held_out) == (600, 200, 200)


def test_the_shares_of_a_study_that_grows_are_capped():
    labels = np.arange(100_000) % 7
    assert plan_common(labels, None, OPTIONS, growing=True)[1:] == (95_000, 1_000, 4_000)
    assert plan_common(labels, None, OPTIONS, growing=False)[1:] == (88_000, 2_000, 10_000)


def test_groups_of_one_leave_the_order_as_it_is():
    labels = np.random.default_rng(1).integers(3, size=500)
    alone = np.random.default_rng(2).permutation(500)
    one = interleaved_order(labels, 5)
    assert np.array_equal(interleaved_order(labels, 5, np.arange(500)), one)
    assert sorted(interleaved_order(labels, 5, alone)) == sorted(one)


def of_groups(seed, count=120):
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(count), random.integers(1, 12, size=count))
    labels = random.integers(4, size=count)[groups]
    labels[::9] = 0  # some groups hold two classes
    mixed = random.permutation(len(groups))
    return labels[mixed], groups[mixed] * 3 + 1


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("growing", [False, True])
def test_whole_groups_are_dealt(seed, growing):
    labels, groups = of_groups(seed)
    order, fit, validation, held_out = plan_common(labels, groups, OPTIONS, growing=growing)
    assert sorted(order) == list(range(len(labels)))
    assert fit + validation + held_out == len(labels)
    parts = [groups[order[:fit]], groups[order[fit : fit + validation]], groups[order[fit + validation :]]]
    for a in range(3):
        for b in range(a):
            assert not set(parts[a]) & set(parts[b])
    wanted = (len(labels) * 2 // 10, min(max(len(labels) // 10, 200), len(labels) // 5))
    assert wanted[0] <= held_out <= 2 * wanted[0]
    assert wanted[1] <= validation <= 2 * wanted[1]
    changes = sum(x != y for x, y in pairwise(groups[order].tolist()))
    assert changes == len(set(groups.tolist())) - 1, "members follow one another"
    classes = [np.bincount(labels[order[part]], minlength=4) for part in (slice(fit), slice(fit, None))]
    share = classes[1] / (classes[0] + classes[1])
    assert (abs(share - share.mean()) < 0.2).all(), "every class lies in every share"


def test_a_group_too_large_for_a_share_is_fitted():
    groups = np.concatenate([np.zeros(300, np.int64), np.arange(1, 301)])
    labels = np.arange(600) % 2
    for seed in range(10):
        order, fit, _, _ = plan_common(labels, groups, replace(OPTIONS, seed=seed), growing=False)
        assert (groups[order[:fit]] == 0).sum() == 300


@pytest.mark.parametrize("groups", [np.arange(600) % 2, np.arange(600) % 3, np.arange(600) // 599])
def test_too_few_groups_say_so(groups):
    with pytest.raises(DataError, match=r"^[23] groups, the largest of .* of 600 objects.*collect more"):
        plan_common(np.arange(600) % 2, groups, OPTIONS, growing=False)


def test_groups_and_twins_are_joined_in_chains():
    groups, twins = np.array([9, 9, 4, 4, 7, 8]), np.array([0, 1, 1, 2, 3, 4])
    joined = united(groups, twins)
    assert len(set(joined[:4].tolist())) == 1
    assert len(set(joined.tolist())) == 3
    assert united(groups, None) is groups
    assert united(None, twins) is twins


def twins_of(random, used, sets, width):
    twins = np.arange(used)
    chosen = random.permutation(used)[: sets * width].reshape(sets, width)
    twins[chosen] = chosen[:, :1]
    return twins


@given(st.integers(0, 10_000), st.integers(60, 400), st.integers(2, 12), st.integers(2, 4))
def test_no_replicate_parts_twins(seed, used, replicates, width):
    random = np.random.default_rng(seed)
    shares = divide(random.integers(3, size=used), replicates=replicates, seed=seed)
    twins = twins_of(random, used, used // 20, width)
    together = with_twins_together(shares, twins)
    if together is None:  # it may, for want of singles at the end; seldom, as the next test counts
        return
    assert sorted(together.order) == list(range(used))
    assert replace(together, order=None) == replace(shares, order=None)
    for r in range(replicates):
        parts = [
            twins[together.fitted(r, together.k_available)],
            twins[together.validation_objects(r)],
            twins[together.held_out_objects(r)],
        ]
        assert sum(len(set(part.tolist())) for part in parts) == len(set(twins.tolist()))


def test_a_few_twins_always_find_a_place():
    for seed in range(50):
        random = np.random.default_rng(seed)
        shares = divide(random.integers(3, size=500), replicates=8, seed=seed)
        together = with_twins_together(shares, twins_of(random, 500, 25, 2))
        assert together is not None
        moved = np.argsort(together.order) - np.argsort(shares.order)
        assert np.median(abs(moved)) <= 25, "the rest stays about where it was"


def test_without_twins_the_order_is_the_same():
    labels = np.random.default_rng(0).integers(3, size=400)
    plain = new_record(labels, ("a", "b", "c"), OPTIONS)
    apart = new_record(labels, ("a", "b", "c"), OPTIONS, twins=np.arange(400))
    assert np.array_equal(plain.shares.order, apart.shares.order)
    assert plain.objects is None
    assert apart.groups is None


def test_too_many_twins_take_common_shares_and_say_so():
    labels = np.tile([0, 1], 200)
    twins = np.arange(400) // 7  # sets of seven in gaps of 50
    record = new_record(labels, ("a", "b"), OPTIONS, twins=twins)
    assert isinstance(record.shares, CommonShares)
    assert [notice.code for notice in record.notices] == ["COMMON-SHARES"]
    held = set(record.groups[record.shares.held_out_objects(0)].tolist())
    assert not held & set(record.groups[record.shares.held_out :].tolist())


def test_a_record_of_groups_is_in_the_order_of_its_objects():
    labels, groups = of_groups(3)
    record = new_record(labels, tuple("abcd"), OPTIONS, groups=groups)
    assert isinstance(record.shares, CommonShares)
    assert sorted(record.objects) == list(range(len(labels)))
    assert np.array_equal(record.labels, labels[record.objects])
    assert np.array_equal(record.groups, groups[record.objects])
    assert record.shares.not_read == 0
    split = np.cumsum([record.shares.held_out, record.shares.validation])
    held, checks, pool = (set(part.tolist()) for part in np.split(record.groups, split))
    assert not held & checks
    assert not (held | checks) & pool


@pytest.mark.parametrize(("members", "held_out", "said"), [(10, 12, []), (20, 6, ["FEW-GROUPS"])])
def test_few_groups_held_out_are_named(members, held_out, said):
    labels, groups = np.arange(600) % 2, np.arange(600) // members
    record = new_record(labels, ("a", "b"), OPTIONS, groups=groups)
    assert len(set(record.groups[: record.shares.held_out].tolist())) == held_out
    assert [notice.code for notice in record.notices] == said


def test_a_record_that_grows_begins_without_its_fit_pool():
    labels = np.arange(1_000) % 3
    record = new_record(labels, ("a", "b", "c"), OPTIONS, growing=True)
    assert (record.shares.k_available, record.shares.not_read, record.shares.used) == (0, 600, 400)
    assert record.sizes[-1] == 600
    order, fit, validation, held_out = plan_common(labels, None, OPTIONS, growing=True)
    assert np.array_equal(record.objects[:held_out], order[fit + validation :])
    assert np.array_equal(record.objects[held_out:], order[fit : fit + validation])
