"""What a study is supplied with: shares in reading order, no more than is asked for, copies on one side."""

import tracemalloc

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sufficient.features import making
from sufficient.features.supply import Supply
from tests.features.fakes import FakeBackbone, images, row


def supply(data, *, fit, validation, held_out, order=None, **more):
    order = np.arange(len(data.labels)) if order is None else np.asarray(order)
    more = {"backbone": FakeBackbone(), **more}
    return Supply(
        data,
        more.pop("backbone"),
        order=order,
        fit=fit,
        validation=validation,
        held_out=held_out,
        device=torch.device("cpu"),
        **more,
    )


def reasons(supplied):
    return {(item.name, item.reason) for item in supplied.skipped}


def test_reading_order_is_held_out_validation_fit(tmp_path):
    order = np.random.default_rng(1).permutation(40)
    data = images(40, log=tmp_path / "reads")
    source = supply(data, order=order, fit=25, validation=5, held_out=10)
    first = source.until(8)
    assert_array_equal(first.objects, [*order[30:], *order[25:30], *order[:8]])
    assert (first.held_out, first.validation, first.pool, first.exhausted) == (10, 5, 8, False)
    assert source.unread == 17
    assert len(data.reader.reads()) == 23
    for index, values in zip(first.objects, first.values, strict=True):
        assert_allclose(values, row(index), rtol=1e-6)
    then = source.until(20)
    assert_array_equal(then.objects[:23], first.objects)
    assert_array_equal(then.values[:23], first.values)
    assert_array_equal(then.objects[23:], order[8:20])
    assert len(data.reader.reads()) == 35
    assert source.until(5).pool == 20
    last = source.until(1_000)
    assert (last.pool, last.exhausted, source.unread) == (25, True, 0)
    assert data.reader.reads() == list(range(40))


def test_the_unusable_shrink_their_share_and_are_made_up_for_in_the_fit_pool():
    unusable = {2: "truncated", 3: "changed", 21: "vanished", 25: "empty-file"}
    source = supply(images(30, unusable=unusable), fit=20, validation=4, held_out=6)
    supplied = source.until(6)
    assert (supplied.held_out, supplied.validation, supplied.pool) == (5, 3, 6)
    assert_array_equal(supplied.objects[8:], [0, 1, 4, 5, 6, 7])
    assert reasons(supplied) == {(f"row {index}", why) for index, why in unusable.items()}
    assert source.skipped == supplied.skipped
    assert source.unread + len(supplied.objects) + len(supplied.skipped) == 30
    assert source.until(99).pool == 18


def test_all_at_once_without_shares():
    supplied = supply(images(12), fit=12, validation=0, held_out=0).until(12)
    assert_array_equal(supplied.objects, np.arange(12))
    assert (supplied.held_out, supplied.validation, supplied.exhausted, supplied.twins) == (0, 0, True, None)


def test_a_copy_of_the_same_label_is_a_duplicate_of_the_first_read():
    #        fit          validation  held out
    looks = [1, 2, 3, 1, 5, 6, 2, 8]
    supplied = supply(images(looks=looks, labels=[0] * 8), fit=4, validation=2, held_out=2).until(4)
    assert_array_equal(supplied.objects, [6, 7, 4, 5, 0, 2])
    assert {(item.name, item.reason, item.detail) for item in supplied.skipped} == {
        ("row 1", "duplicate", "same file as row 6"),
        ("row 3", "duplicate", "same file as row 0"),
    }
    assert supplied.notices == ()


def test_copies_under_two_labels_are_kept_within_a_share_and_never_lie_in_two():
    #        fit             validation  held out
    looks = [1, 1, 2, 3, 4, 4, 2, 7, 3, 3, 3, 12]
    labels = [0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0]
    supplied = supply(images(looks=looks, labels=labels), fit=6, validation=2, held_out=4).until(6)
    # held out: 8 and 9 kept under two labels, 10 repeats 8; validation 6 (label 1); fit: 0 and 1 kept, 2 is
    # under another label in validation, 3 repeats 9, 5 repeats 4
    assert_array_equal(supplied.objects, [8, 9, 11, 6, 7, 0, 1, 4])
    assert reasons(supplied) == {
        ("row 10", "duplicate"),
        ("row 2", "conflicting-copy"),
        ("row 3", "duplicate"),
        ("row 5", "duplicate"),
    }
    (notice,) = supplied.notices
    assert notice.code == "CONFLICTING-LABELS"
    assert "2 images" in notice.message
    assert "row 8 = row 9; row 0 = row 1" in notice.message
    assert_array_equal(supplied.twins, [0, 0, 2, 3, 4, 5, 5, 7])


def test_no_image_is_on_two_sides_whatever_the_copies():
    random = np.random.default_rng(3)
    for _ in range(20):
        looks, labels = random.integers(0, 12, 40).tolist(), random.integers(0, 2, 40)
        data = images(looks=looks, labels=labels)
        uncached = FakeBackbone(identity={})
        source = supply(data, backbone=uncached, fit=20, validation=8, held_out=12)
        supplied = source.until(20)
        seen = np.array(looks)[supplied.objects]
        parts = np.split(seen, np.cumsum([supplied.held_out, supplied.validation]))
        for one in range(3):
            for other in range(one):
                assert not set(parts[one]) & set(parts[other])
        pairs = list(zip(seen, labels[supplied.objects], strict=True))
        assert len(set(pairs)) == len(pairs)
        assert len(supplied.objects) + len(supplied.skipped) == 40


def test_the_same_whatever_batches_processes_steps_and_cache(monkeypatch):
    random = np.random.default_rng(4)
    looks, labels = random.integers(0, 60, 80).tolist(), random.integers(0, 2, 80)

    def run(backbone, steps):
        data = images(looks=looks, labels=labels, unusable={7: "truncated", 50: "empty-file"})
        source = supply(data, backbone=backbone, fit=50, validation=10, held_out=20)
        return [source.until(size) for size in steps][-1]

    expected = run(FakeBackbone(identity={}), [45])
    runs = [run(FakeBackbone(most=3), [8, 16, 45]), run(FakeBackbone(), [45])]
    monkeypatch.setattr(making, "workers_for", lambda count: 3)
    runs.append(run(FakeBackbone(identity={}), [20, 45]))
    for other in runs:
        assert_array_equal(other.objects, expected.objects)
        assert_allclose(other.values, expected.values, rtol=1e-6)
        assert set(other.skipped) == set(expected.skipped)
        assert other.notices == expected.notices


def test_remarks_count_what_is_used():
    marks = {1: "several_frames", 2: "several_frames", 3: "transparent", 5: "reduced", 6: "transparent"}
    looks = [0, 1, 2, 3, 4, 5, 3, 7]
    data = images(looks=looks, labels=[0] * 8, marks=marks)
    supplied = supply(data, fit=8, validation=0, held_out=0).until(8)
    said = {notice.code: notice.message for notice in supplied.notices}
    assert said.keys() == {"FIRST-FRAME", "ALPHA-DROPPED", "SIXTEEN-BIT-REDUCED"}
    assert said["FIRST-FRAME"].startswith("of 2 images")
    assert "1 image is" in said["ALPHA-DROPPED"]
    assert said["SIXTEEN-BIT-REDUCED"].startswith("of 1 colour image")


def test_the_cache_speaks_through_the_supply(cache):
    cache.write_text("a file in its place")
    supplied = supply(images(8), fit=8, validation=0, held_out=0).until(8)
    assert [notice.code for notice in supplied.notices] == ["CACHE-NOT-WRITTEN"]


def test_the_features_are_held_once_and_twice_while_they_are_joined(monkeypatch):
    class Wide(FakeBackbone):
        def rows(self, prepared, device, dtype):
            return torch.zeros(len(prepared), 20_000)

    monkeypatch.setattr(making, "SHARD_OBJECTS", 16)
    data = images(120, unusable={5: "truncated"})
    source = supply(data, backbone=Wide(), fit=120, validation=0, held_out=0)
    tracemalloc.start()
    try:
        supplied = source.until(120)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1.2 * supplied.values.nbytes
    assert peak < 2.3 * supplied.values.nbytes


def test_shares_that_are_not_the_data_are_a_mistake():
    with pytest.raises(AssertionError, match="shares of 8 objects"):
        supply(images(8), fit=4, validation=2, held_out=1)
