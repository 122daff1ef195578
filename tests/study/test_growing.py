"""Studies whose objects are read as sizes need them, from a supply that finds some files unusable."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sufficient.errors import DataError
from sufficient.heads.fit import FitOptions
from sufficient.heads.learner import Heads
from sufficient.heads.stack import Architecture
from sufficient.progress import SilentProgress
from sufficient.study.groups import plan_common
from sufficient.study.options import StudyOptions
from sufficient.study.run import new_record, run_study
from sufficient.study.schedule import replanned
from sufficient.study.shares import WINDOW, CommonShares
from sufficient.study.store import append_stage, read_record, write_header
from tests.oracles import blobs
from tests.study.test_run import same

OPTIONS = StudyOptions(
    hidden=8, layers=2, lr=1e-2, patience=3, max_updates=200, replicates=3, start=16, growth=2.0, device="cpu"
)
CLASSES = ("a", "b", "c")


class Supply:
    """Reads candidates in order, past unusable ones: held out and validation whole, then the pool."""

    def __init__(self, count=800, *, unusable=(), labels=None, options=OPTIONS):
        self.values, made = blobs(count, noise=1.5, seed=5)
        self.labels = made if labels is None else labels
        self.options, self.unusable = options, np.isin(np.arange(count), list(unusable))
        self.order, self.fit, self.validation, _ = plan_common(self.labels, None, options, growing=True)
        self.asked = []

    def record(self):
        return new_record(self.labels, CLASSES, self.options, growing=True)

    def grow(self, record, size):
        self.asked.append(size)
        pool, checks, held = np.split(self.order, [self.fit, self.fit + self.validation])
        usable = np.flatnonzero(~self.unusable[pool])[: WINDOW * size]
        read = len(pool) if len(usable) < WINDOW * size else int(usable[-1]) + 1
        held, checks = (part[~self.unusable[part]] for part in (held, checks))
        objects = np.concatenate([held, checks, pool[usable]])
        shares = CommonShares(3, len(usable), len(checks), len(held), not_read=len(pool) - read)
        grown = replace(record, shares=shares, objects=objects, labels=self.labels[objects])
        heads = Heads.over(
            self.values[objects],
            self.labels[objects],
            architecture=Architecture(5, 3, hidden=8, layers=2),
            options=FitOptions(lr=1e-2, patience=3, max_updates=200),
            device=torch.device("cpu"),
        )
        return grown, heads


def run(supply, record=None, *, after_stage=lambda so_far, seconds: False, **given):
    return run_study(
        supply.record() if record is None else record,
        supply.grow,
        supply.options,
        after_stage=after_stage,
        progress=SilentProgress(),
        **given,
    )


@pytest.fixture(scope="module")
def whole():
    return run(Supply())


def test_a_study_reads_what_its_sizes_need_and_no_more():
    seen = []
    supply = Supply()
    run(supply, after_stage=lambda so_far, seconds: seen.append(so_far.shares))
    assert supply.asked == [16, 32, 64, 128, 256, 480]
    assert [shares.k_available for shares in seen] == [64, 128, 256, 480, 480, 480]
    assert [shares.not_read for shares in seen] == [416, 352, 224, 0, 0, 0]
    assert all(s.used == s.k_available + s.held_out + s.validation for s in seen)


def test_a_supply_that_reads_too_little_is_a_bug():
    supply = Supply()
    record, _ = supply.grow(supply.record(), 16)
    with pytest.raises(AssertionError, match="k = 17 needs 68 fit objects read, not 64"):
        replanned(record, 17, OPTIONS)


def test_what_is_kept_follows_what_was_read(whole):
    stopped = run(Supply(), after_stage=lambda so_far, seconds: len(so_far.stages) == 2)
    assert len(stopped.last.all_losses) == len(stopped.labels) == stopped.shares.used == 128 + 320
    assert len(whole.last.all_losses) == whole.shares.used == 800
    first, last = whole.shares.fitted(0, 480), whole.shares.held_out_objects(0)
    losses = whole.last.all_losses.astype(float)
    gap = np.abs(losses[last] - losses[first].mean()).mean()
    assert gap == pytest.approx(whole.stages[-1].constant[0], rel=1e-5)
    assert np.isnan(whole.stages[0].distance).all()
    assert all((stage.distance > 0).all() for stage in whole.stages[1:])


def test_all_replicates_meet_the_same_unseen_objects(whole):
    assert whole.stages[0].unseen_losses.shape == (3, whole.shares.held_out)
    right = whole.stages[-1].predicted == whole.labels[: whole.shares.held_out]
    np.testing.assert_allclose(right.mean(axis=1), whole.stages[-1].accuracy)


@pytest.mark.parametrize(
    ("pool", "sizes"), [(300, (16, 32, 64, 128, 256, 300)), (275, (16, 32, 64, 128, 275)), (20, (16, 20))]
)
def test_a_smaller_pool_than_planned_ends_the_study_at_what_there_is(pool, sizes):
    supply = Supply()
    supply.unusable[supply.order[pool : supply.fit]] = True
    record = run(supply)
    assert supply.record().sizes == (16, 32, 64, 128, 256, 480)
    assert tuple(stage.size for stage in record.stages) == record.sizes == sizes
    assert (record.shares.k_available, record.shares.not_read) == (pool, 0)


def test_unusable_held_out_files_shrink_the_share():
    supply = Supply()
    supply.unusable[supply.order[-10:]] = True
    record = run(supply, after_stage=lambda so_far, seconds: True)
    assert record.shares.held_out == 150
    assert record.stages[0].unseen_losses.shape == (3, 150)


def rare(unusable_from, options=OPTIONS):
    """A supply whose class c is usable only from some place of the fit pool on, and in the other shares."""
    labels = np.random.default_rng(3).integers(3, size=800)
    supply = Supply(labels=labels, options=options)
    early = supply.order[:unusable_from]
    supply.unusable[early[labels[early] == 2]] = True
    return supply


def test_a_size_whose_windows_miss_a_class_is_not_run():
    supply = rare(60)
    record = run(supply)
    missed = [notice for notice in record.notices if notice.code == "RARE-CLASS"]
    assert supply.asked[:2] == [16, 32]
    assert len(missed) == len(supply.asked) - len(record.stages) > 0
    assert "k = 16 is not run" in missed[0].message
    assert "class 'c'" in missed[0].message
    assert record.sizes == tuple(stage.size for stage in record.stages)
    for size in record.sizes:
        for r in range(3):
            assert set(record.labels[record.shares.fitted(r, size)]) == {0, 1, 2}


def test_a_class_with_no_usable_object_to_fit_is_named():
    with pytest.raises(DataError, match=r"class 'c' has \d+ of \d+ objects"):
        run(rare(480))
    with pytest.raises(DataError, match=r"class 'c'.*raise --max-samples"):
        run(rare(300, replace(OPTIONS, max_samples=64)))


@pytest.mark.parametrize("share", ["held_out", "pool"])
def test_too_few_usable_files_are_an_error(share):
    supply = Supply()
    gone = supply.order[supply.fit + supply.validation + 1 :] if share == "held_out" else supply.order[:470]
    supply.unusable[gone] = True
    with pytest.raises(DataError, match="usable objects leave"):
        run(supply)


@pytest.mark.parametrize("killed_at", [2, 3, 5, 6, 7])
def test_a_killed_run_resumes_to_equal_results(whole, tmp_path, monkeypatch, killed_at):
    """Let the process die at the n-th write after the start, some of them of a header that has grown."""
    from sufficient.study import store

    write, writes = store.write_atomically, 0

    class Killed(BaseException):
        pass

    def dying(path, content):
        nonlocal writes
        writes += 1
        if writes == killed_at + 2:  # the first two are the record's as it is begun
            raise Killed
        write(path, content)

    def go_on(record):
        return run(
            Supply(),
            record,
            after_growth=lambda grown: write_header(tmp_path, grown),
            after_stage=lambda so_far, seconds: append_stage(tmp_path, so_far),
        )

    monkeypatch.setattr(store, "write_atomically", dying)
    write_header(tmp_path, Supply().record())
    with pytest.raises(Killed):
        go_on(read_record(tmp_path))
    back = read_record(tmp_path)
    assert len(back.stages) < len(whole.stages)
    assert back.shares.used == len(back.labels) == len(back.objects)
    finished = go_on(back)
    same(finished, whole)
    for record in (finished, read_record(tmp_path)):
        assert (record.sizes, record.shares) == (whole.sizes, whole.shares)
        assert np.array_equal(record.objects, whole.objects)
        assert np.array_equal(record.labels, whole.labels)
    assert len(list(tmp_path.glob("shares*"))) == 1


def test_a_record_grown_on_disk_is_as_it_was_until_its_header_is_there(tmp_path, monkeypatch):
    from sufficient.study import store

    supply = Supply()
    first, _ = supply.grow(supply.record(), 16)
    second, _ = supply.grow(first, 32)
    write_header(tmp_path, first)
    write = store.write_atomically

    def dying(path, content):
        if path.name == store.HEADER:
            raise OSError("killed")
        write(path, content)

    monkeypatch.setattr(store, "write_atomically", dying)
    with pytest.raises(OSError, match="killed"):
        write_header(tmp_path, second)
    back = read_record(tmp_path)
    assert back.shares == first.shares
    assert np.array_equal(back.objects, first.objects)
