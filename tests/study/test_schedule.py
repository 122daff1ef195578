from types import SimpleNamespace

import numpy as np
import pytest

from sufficient.errors import DataError, UsageError
from sufficient.study.options import StudyOptions
from sufficient.study.record import Record
from sufficient.study.schedule import (
    confirmed_by,
    confirming,
    planned_sizes,
    replanned,
    sizes_grown,
    sizes_up_to,
    smallest_complete_size,
)
from sufficient.study.shares import CommonShares, divide

ROOT2 = 2**0.5


def test_sizes_of_ten_thousand_objects():
    assert sizes_up_to(7_000, start=32, growth=ROOT2) == (
        32, 45, 64, 91, 128, 181, 256, 362, 512, 724, 1024, 1448, 2048, 2896, 4096, 5793, 7000,
    )  # fmt: skip


@pytest.mark.parametrize(("last", "tail"), [(1024, (724, 1024)), (1100, (724, 1100)), (1140, (1024, 1140))])
def test_the_last_size_replaces_one_within_ten_percent(last, tail):
    assert sizes_up_to(last, start=32, growth=ROOT2)[-2:] == tail


@pytest.mark.parametrize(
    ("done", "last", "later"),
    [
        ((32, 64, 120), 300, (270, 300)),  # 270 replaces 256
        ((32, 64, 120), 400, (256, 360, 400)),
        ((32, 64, 128), 135, (135,)),  # 128 is within 10 % and was run
        ((32, 64, 128), 150, (135, 150)),
        ((32, 64, 135, 150), 150, ()),
    ],
)
def test_grown_data_ends_in_two_sizes_ten_percent_apart(done, last, later):
    assert sizes_grown(done, last, start=32, growth=2.0) == later


def test_what_a_size_confirms_is_the_least_that_it_does():
    sizes = np.arange(1.0, 2_000.0)
    last = confirmed_by(sizes)
    assert all(confirming(int(n)) >= k for n, k in zip(last, sizes, strict=True))
    assert all(confirming(int(n) - 1) < k for n, k in zip(last, sizes, strict=True))


@pytest.mark.parametrize(
    ("settled", "read", "size", "later"),
    [
        (((180, 180),), 400, 256, (256, 360, 400)),
        (((180, 180),), 390, 360, (351, 390)),  # some could not be read: what confirms moves with the last
        ((), 400, 256, (256, 400)),
    ],
)
def test_images_read_as_needed_are_confirmed_where_they_extend_a_run(settled, read, size, later):
    shares = CommonShares(2, read, 20, 20, settled=settled)
    stages = tuple(SimpleNamespace(size=k) for k in (64, 128, 180))
    labels = np.arange(shares.used) % 2
    record = Record({}, shares, labels, ("a", "b"), (64, 128, 180, 256, 360, 400), stages=stages)
    options = StudyOptions(start=64, growth=2.0, replicates=2)
    assert replanned(record, size, options).sizes == (64, 128, 180, *later)


def test_slow_growth_gives_each_size_once():
    sizes = sizes_up_to(40, start=10, growth=1.02)
    assert list(sizes) == sorted(set(sizes))
    assert sizes_up_to(32, start=32, growth=ROOT2) == (32,)


def test_max_samples_caps_the_sizes_not_the_shares():
    labels = np.arange(1_000) % 2
    options = StudyOptions(max_samples=100)
    shares = divide(labels, replicates=8, seed=0)
    sizes, notices = planned_sizes(shares, labels, ("a", "b"), options)
    assert sizes == (32, 45, 64, 100)
    assert shares.k_available == 600
    assert notices == ()


def test_sizes_that_would_miss_a_rare_class_are_not_run():
    labels = np.repeat([0, 1], [990, 10])
    shares = divide(labels, replicates=8, seed=0)
    complete, rarest = smallest_complete_size(shares, labels)
    for r in range(8):
        assert set(labels[shares.fitted(r, complete)]) == {0, 1}
    assert any(set(labels[shares.fitted(r, complete - 1)]) == {0} for r in range(8))
    assert rarest == 1
    sizes, (notice,) = planned_sizes(shares, labels, ("common", "rare"), StudyOptions())
    assert sizes[0] >= complete > 32
    assert notice.code == "RARE-CLASS"
    assert "'rare'" in notice.message
    assert f"{sizes[0]:,}" in notice.message


def test_a_class_of_three_is_in_every_fit_pool():
    for seed in range(20):
        labels = np.repeat([0, 1], [997, 3])
        shares = divide(labels, replicates=8, seed=seed)
        assert 0 < smallest_complete_size(shares, labels)[0] <= shares.k_available


def test_no_size_with_every_class_is_an_error_that_names_the_class():
    labels = np.repeat([0, 1], [997, 3])
    shares = divide(labels, replicates=8, seed=0)
    with pytest.raises(DataError, match="'rare' has 3 of 1,000"):
        planned_sizes(shares, labels, ("common", "rare"), StudyOptions(max_samples=40))


def test_too_few_objects_says_how_many_are_needed():
    def plan(count):
        labels = np.arange(count) % 2
        return planned_sizes(divide(labels, replicates=8, seed=0), labels, ("a", "b"), StudyOptions())

    with pytest.raises(DataError, match=r"40 usable objects leave 24 to fit.* 52 objects are needed"):
        plan(40)
    with pytest.raises(DataError):
        plan(51)
    assert plan(52)[0] == (32,)


@pytest.mark.parametrize(
    ("shares", "needed"),
    [({"held_out": 0.0005}, "4,000"), ({"validation": 0.0005}, "2,000"), ({"held_out": 0.9}, "11,146")],
)
def test_shares_too_small_to_measure_with(shares, needed):
    labels = np.arange(1_797) % 2
    options = StudyOptions(**shares)
    with pytest.raises(DataError, match=needed) as caught:
        planned_sizes(divide(labels, replicates=8, seed=0, **shares), labels, ("a", "b"), options)
    assert "-" not in str(caught.value).replace("--", "")


@pytest.mark.parametrize(
    "wrong",
    [
        {"hidden": 0}, {"layers": 0}, {"batch_size": 0}, {"patience": 0}, {"replicates": 1}, {"start": 1},
        {"lr": 0.0}, {"lr": float("nan")}, {"held_out": 0.0}, {"held_out": 1.0}, {"validation": 0.0},
        {"held_out": 0.6, "validation": 0.4}, {"growth": 1.0}, {"growth": float("inf")}, {"growth": 1e308},
        {"max_updates": 0}, {"max_samples": 31}, {"seed": -1},
    ],
)  # fmt: skip
def test_options_that_cannot_be_meant_name_their_flag(wrong):
    name = next(iter(wrong)).replace("_", "-")
    with pytest.raises(UsageError, match=f"--{name} "):
        StudyOptions(**wrong)


def test_a_share_that_is_none_is_said_as_it_was_typed():
    with pytest.raises(UsageError, match=r"^--held-out 300 cannot be used; give a share between 0 and 1\.$"):
        StudyOptions(held_out=300.0)
    with pytest.raises(UsageError, match=r"^--validation 1\.5 cannot be used"):
        StudyOptions(validation=1.5)
