"""Extension: stored objects and stages stay, new ones are appended, by hand and by property."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sufficient.answer.interval import measure
from sufficient.heads.fit import FitOptions
from sufficient.heads.learner import Heads
from sufficient.heads.stack import Architecture
from sufficient.study.extend import _rotating, extended, kept_stages
from sufficient.study.found import CannotExtendError, Found
from sufficient.study.growth import Growth
from sufficient.study.keys import numpy_generator, torch_generator
from sufficient.study.run import measured, new_record
from sufficient.study.schedule import sizes_beyond, sizes_up_to
from sufficient.study.shares import ExtendedShares, Shares, divide, share_sizes
from sufficient.study.store import read_record, write_record
from tests.oracles import blobs
from tests.study.studies import OPTIONS, run

OPTIONS = dataclasses.replace(OPTIONS, start=32, growth=2.0)
CLASSES = ("a", "b", "c")
ALL, BEFORE = 500, 300


def named(count):
    """An identity for each object: its number."""
    return np.arange(count, dtype="<u8").view(np.uint8).reshape(count, 8).repeat(2, axis=1)


def heads_over(values, labels):
    return Heads.over(
        values,
        labels,
        architecture=Architecture(5, 3, hidden=OPTIONS.hidden, layers=OPTIONS.layers, bias=OPTIONS.bias),
        options=FitOptions(lr=OPTIONS.lr, batch_size=OPTIONS.batch_size, patience=OPTIONS.patience),
        device=torch.device("cpu"),
    )


@pytest.fixture(scope="module")
def data():
    return blobs(ALL, noise=1.5, seed=5)


@pytest.fixture(scope="module")
def stored(data):
    """A whole study of the first objects; the data puts them in another order later."""
    values, labels = data
    record = new_record(labels[:BEFORE], CLASSES, OPTIONS)
    record = dataclasses.replace(record, identities=named(ALL)[:BEFORE])
    return run(record, heads_over(values[:BEFORE], labels[:BEFORE]), OPTIONS)


@pytest.fixture(scope="module")
def shuffled():
    return np.random.default_rng(3).permutation(ALL)


@pytest.fixture(scope="module")
def grown(data, stored, shuffled):
    values, labels = data
    record, copies = extended(stored, Found(labels[shuffled], CLASSES, named(ALL)[shuffled]), OPTIONS)
    assert len(copies) == 0
    values, labels = values[shuffled][record.objects], labels[shuffled][record.objects]
    np.testing.assert_array_equal(labels, record.labels)
    return run(record, heads_over(values, labels), OPTIONS)


def test_stored_stages_are_those_of_the_earlier_run(stored, grown):
    assert [stage.size for stage in grown.stages[: len(stored.stages)]] == [s.size for s in stored.stages]
    for before, now in zip(stored.stages, grown.stages, strict=False):
        for field in dataclasses.fields(before):
            np.testing.assert_array_equal(getattr(before, field.name), getattr(now, field.name))


def test_used_is_the_sum_of_the_shares_and_they_are_as_large_as_a_new_run_has_them(grown):
    shares = grown.shares
    assert shares.used == len(grown.labels) == ALL
    assert shares.used == shares.k_available + shares.validation + shares.held_out
    assert (shares.k_available, shares.validation, shares.held_out) == share_sizes(ALL)
    assert grown.sizes[-1] == grown.stages[-1].size == shares.k_available


def test_each_share_begins_with_what_it_was_and_no_object_lies_in_two(stored, grown, shuffled):
    old = stored.shares
    for r in range(OPTIONS.replicates):
        parts = [grown.shares.fitted(r, grown.shares.k_available), grown.shares.validation_objects(r)]
        parts.append(grown.shares.held_out_objects(r))
        before = [old.fitted(r, old.k_available), old.validation_objects(r), old.held_out_objects(r)]
        for now, then in zip(parts, before, strict=True):
            np.testing.assert_array_equal(shuffled[grown.objects[now[: len(then)]]], then)
        assert sorted(np.concatenate(parts)) == list(range(ALL))


def test_new_stages_are_those_of_the_same_index_arrays_by_hand(data, stored, grown, shuffled):
    """Oracle: the arcs written out, over values in the numbering of the stored run."""
    values, labels = data
    old, new = stored.shares, np.array([i for i in shuffled if i >= BEFORE])  # as they come in the data
    rank = np.empty(len(new))  # classes interleaved, written out
    random = numpy_generator("order", OPTIONS.seed, 1)
    for label in range(3):
        members = np.flatnonzero(labels[new] == label)
        dealt = members[np.argsort(random.permutation(len(members)))]
        rank[dealt] = (np.arange(len(dealt)) + random.random() * np.ones(len(dealt))) / len(dealt)
    circle = new[np.lexsort((np.arange(len(new)), rank))]
    counts = [now - then for now, then in zip(share_sizes(ALL), share_sizes(BEFORE), strict=True)]
    fitted, validated, unseen = [], [], []
    for r in range(OPTIONS.replicates):
        turned = np.roll(circle, -(r * len(circle) // OPTIONS.replicates))
        fit, checks, held = np.split(turned, np.cumsum(counts)[:2])
        fitted.append(np.concatenate([old.fitted(r, old.k_available), fit]))
        validated.append(np.concatenate([old.validation_objects(r), checks]))
        unseen.append(np.concatenate([old.held_out_objects(r), held]))
    fitted, validated, unseen = map(np.array, (fitted, validated, unseen))
    heads = heads_over(values, labels)
    added = grown.stages[len(stored.stages) :]
    assert [stage.size for stage in added] == [270, 300]  # 270 confirms, and replaces the grid's 256
    for stage in added:
        networks, view = heads.fit(
            fitted[:, : stage.size],
            validated,
            initial=[torch_generator("initial", OPTIONS.seed, r) for r in range(OPTIONS.replicates)],
            order=[
                torch_generator("batches", OPTIONS.seed, r, stage.size) for r in range(OPTIONS.replicates)
            ],
            watch=lambda updates, training: None,
        )
        by_hand = measured(view, networks, labels, fitted=fitted[:, : stage.size], unseen=unseen)
        for field in dataclasses.fields(by_hand):
            if field.name != "distance":
                np.testing.assert_array_equal(getattr(by_hand, field.name), getattr(stage, field.name))


def test_it_reads_back_as_it_was_written(grown, tmp_path):
    write_record(tmp_path, grown)
    back = read_record(tmp_path)
    assert isinstance(back.shares, ExtendedShares)
    for r in range(OPTIONS.replicates):
        np.testing.assert_array_equal(back.shares.held_out_objects(r), grown.shares.held_out_objects(r))
        np.testing.assert_array_equal(back.shares.fitted(r, 300), grown.shares.fitted(r, 300))
    np.testing.assert_array_equal(back.identities, grown.identities)
    assert [stage.size for stage in back.stages] == list(grown.sizes)


def test_kappa_of_a_stage_is_of_its_own_held_out_objects(stored, grown):
    for before, now in zip(measure(stored), measure(grown), strict=False):
        assert now.spread.objects == before.spread.objects  # what is pooled over neighbours may change
        assert now.point.constant == before.point.constant
    last = grown.stages[-1]
    held = last.unseen_losses.shape[1]
    assert held == grown.shares.held_out == 100
    sets = [set(grown.shares.held_out_objects(r)) for r in range(OPTIONS.replicates)]
    overlap = np.mean([len(a & b) for i, a in enumerate(sets) for b in sets[:i]])
    kappa = max(1 / ALL, overlap / held**2)
    objects = last.variance.mean() * kappa / last.constant.mean() ** 2
    assert measure(grown)[-1].spread.objects == pytest.approx(objects, rel=1e-6)


def test_losses_of_the_stored_objects_stay_with_them(stored, shuffled, data):
    record, _ = extended(stored, Found(data[1][shuffled], CLASSES, named(ALL)[shuffled]), OPTIONS)
    losses = record.last.all_losses
    for number in range(ALL):
        place = shuffled[record.objects[number]]
        expected = np.nan if place >= BEFORE else stored.last.all_losses[place]
        np.testing.assert_equal(losses[number], expected)


def test_extending_twice_keeps_everything_of_the_first_time(data, stored):
    values, labels = data
    order = np.arange(ALL)
    once, _ = extended(stored, Found(labels[:400], CLASSES, named(ALL)[:400]), OPTIONS)
    once = run(once, heads_over(values[once.objects], labels[once.objects]), OPTIONS)
    twice, _ = extended(once, Found(labels, CLASSES, named(ALL)), OPTIONS)
    assert len(twice.shares.rounds) == 3
    assert (twice.shares.k_available, twice.shares.validation, twice.shares.held_out) == share_sizes(ALL)
    for r in range(OPTIONS.replicates):
        held = once.shares.held_out_objects(r)
        np.testing.assert_array_equal(twice.shares.held_out_objects(r)[: len(held)], held)
        parts = [
            twice.shares.fitted(r, 1000),
            twice.shares.validation_objects(r),
            twice.shares.held_out_objects(r),
        ]
        assert sorted(np.concatenate(parts)) == order.tolist()
    again, _ = extended(once, Found(labels, CLASSES, named(ALL)), OPTIONS)
    np.testing.assert_array_equal(again.shares.rounds[2].order, twice.shares.rounds[2].order)
    other = numpy_generator("order", OPTIONS.seed, 2).random()
    assert other != numpy_generator("order", OPTIONS.seed, 1).random()


def test_nothing_new_changes_nothing(data, stored):
    same, _ = extended(stored, Found(data[1][:BEFORE], CLASSES, named(ALL)[:BEFORE]), OPTIONS)
    assert isinstance(same.shares, Shares)
    assert same.sizes == stored.sizes
    assert same.notices[-1].message.startswith("0 objects came to 300")


@given(
    before=st.integers(20, 200), came=st.lists(st.integers(1, 60), max_size=4), replicates=st.integers(2, 8)
)
@settings(max_examples=40, deadline=None)
def test_shares_of_any_growth_part_the_objects(before, came, replicates):
    options = dataclasses.replace(OPTIONS, replicates=replicates)
    labels = np.arange(before + sum(came)) % 3
    shares = divide(labels[:before], replicates=replicates, seed=0)
    used = before
    for count in came:
        shares = _rotating(shares, labels[used : used + count], options)
        used += count
        assert shares.used == used == shares.k_available + shares.validation + shares.held_out
        for r in range(replicates):
            parts = [shares.fitted(r, used), shares.validation_objects(r), shares.held_out_objects(r)]
            assert sorted(np.concatenate(parts)) == list(range(used))
    assert Growth(shares).fit_pool(np.array([0, 9])).tolist() == [
        shares.k_available,
        _rotating(shares, np.zeros(9, dtype=np.int64), options).k_available,
    ]
    _, validation, held_out = share_sizes(used)
    assert abs(shares.held_out - held_out) <= 1  # one object at a time cannot go to two shares
    assert abs(shares.validation - validation) <= 1


@given(
    before=st.integers(20, 3_000),
    held_out=st.sampled_from([0.05, 0.2, 0.5]),
    validation=st.sampled_from([None, 0.1, 0.45]),
    more=st.integers(1, 4_000),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_the_fewest_objects_for_a_fit_pool_are_the_first_that_hold_it(before, held_out, validation, more):
    """Oracle: every number of new objects, one after the other."""
    options = dataclasses.replace(OPTIONS, held_out=held_out, validation=validation)
    labels = np.zeros(before, dtype=np.int64)
    shares = divide(labels, replicates=2, seed=0, held_out=held_out, validation=validation)
    growth = Growth(shares, held_out, validation)
    pools = growth.fit_pool(np.arange(more + 1))
    assert pools[-1] == _rotating(shares, np.zeros(more, dtype=np.int64), options).k_available
    k = np.linspace(1, pools[-1], 7).round()
    assert growth.fewest(k).tolist() == [int(np.argmax(pools >= each)) for each in k]
    assert np.isinf(growth.fewest(np.array([np.inf]))).all()


class TestRefusals:
    def found(self, data, keep, labels=None, classes=CLASSES):
        return Found((data[1] if labels is None else labels)[keep], classes, named(ALL)[keep])

    def test_objects_that_are_gone(self, data, stored):
        with pytest.raises(CannotExtendError, match=r"2 of the 300 .*first, number 4 of class .*no longer"):
            extended(stored, self.found(data, np.setdiff1d(np.arange(ALL), [4, 9])), OPTIONS)

    def test_objects_with_another_label(self, data, stored):
        labels = data[1].copy()
        labels[7] = (labels[7] + 1) % 3
        with pytest.raises(
            CannotExtendError, match=rf"1 of them relabelled.*label '{CLASSES[labels[7]]}' now"
        ):
            extended(stored, self.found(data, np.arange(ALL), labels), OPTIONS)

    def test_new_classes(self, data, stored):
        with pytest.raises(CannotExtendError, match=r"1 class.*'d'.*[Rr]un anew"):
            extended(stored, self.found(data, np.arange(ALL), classes=(*CLASSES, "d")), OPTIONS)

    def test_a_record_without_identities(self, data, stored):
        with pytest.raises(CannotExtendError, match="older version"):
            extended(dataclasses.replace(stored, identities=None), self.found(data, np.arange(ALL)), OPTIONS)


def test_equal_rows_are_told_apart_by_their_number_and_label(data, stored):
    names = named(ALL)
    names[:10] = names[0]
    record = dataclasses.replace(stored, identities=names[:BEFORE])
    grown, _ = extended(record, Found(data[1], CLASSES, names), OPTIONS)
    assert sorted(grown.objects) == list(range(ALL))
    np.testing.assert_array_equal(grown.labels[:BEFORE], stored.labels)


def test_a_new_image_equal_to_another_under_another_label_is_not_used(data, stored):
    twins = np.arange(ALL)
    twins[400], twins[450] = 20, 401
    grown, copies = extended(stored, Found(data[1], CLASSES, named(ALL), twins=twins), OPTIONS)
    assert copies.tolist() == [400, 450]
    assert grown.shares.used == ALL - 2
    assert not {400, 450} & set(grown.objects.tolist())


@pytest.fixture(scope="module")
def both(data):
    values, labels = data
    groups = np.arange(ALL) // 5
    groups[BEFORE : BEFORE + 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]  # new objects of stored groups
    record = new_record(labels[:BEFORE], CLASSES, OPTIONS, groups=groups[:BEFORE])
    record = dataclasses.replace(record, identities=named(ALL)[record.objects])
    stored = run(record, heads_over(values[record.objects], labels[record.objects]), OPTIONS)
    grown, _ = extended(stored, Found(labels, CLASSES, named(ALL), groups=groups), OPTIONS)
    return stored, run(grown, heads_over(values[grown.objects], labels[grown.objects]), OPTIONS), groups


class TestCommonShares:
    """Groups: everything read, one held-out share for all replicates."""

    def test_groups_stay_on_one_side(self, both):
        _, grown, groups = both
        shares = grown.shares
        sides = [
            shares.held_out_objects(0),
            shares.validation_objects(0),
            shares.first_fitted + np.arange(shares.k_available),
        ]
        sides = [set(groups[grown.objects[side]]) for side in sides]
        assert sum(map(len, sides)) == len(set.union(*sides))
        assert shares.used == ALL == shares.k_available + shares.validation + shares.held_out
        assert shares.held_out >= share_sizes(ALL)[2]

    def test_stored_stages_are_of_the_same_objects(self, both):
        stored, grown, _ = both
        for before, now in zip(stored.stages, grown.stages, strict=False):
            np.testing.assert_array_equal(before.unseen_losses, now.unseen_losses)
            for r in range(OPTIONS.replicates):
                then = stored.objects[stored.shares.fitted(r, before.size)]
                np.testing.assert_array_equal(grown.objects[grown.shares.fitted(r, now.size)], then)
            np.testing.assert_array_equal(
                grown.objects[grown.held_out_objects(now)], stored.objects[stored.held_out_objects(before)]
            )
        assert len(grown.stages) > len(stored.stages)

    def test_it_reads_back_with_its_windows(self, both, tmp_path):
        write_record(tmp_path, both[1])
        back = read_record(tmp_path).shares
        assert back == both[1].shares
        assert back.settled == ((both[0].stages[-1].size, both[0].shares.k_available),)

    def test_groups_that_join_two_shares_are_refused(self, data, both):
        stored, _, groups = both
        joined = groups.copy()
        joined[joined == groups[stored.objects[0]]] = groups[stored.objects[-1]]
        with pytest.raises(CannotExtendError, match="joins objects"):
            extended(stored, Found(data[1], CLASSES, named(ALL), groups=joined), OPTIONS)


class TestSizes:
    def test_a_whole_pool_of_then_stays_and_replaces_a_grid_size_close_above(self):
        assert sizes_beyond((32, 64, 120), (32, 64, 128, 256, 300)) == (256, 300)
        assert sizes_beyond((32, 64, 100), (32, 64, 128, 256, 300)) == (128, 256, 300)
        assert sizes_beyond((32, 64, 128), (32, 64, 128, 130)) == (130,)
        assert sizes_beyond((32, 64), (32, 64, 69)) == (69,)
        assert sizes_beyond((), sizes_up_to(100, start=32, growth=2)) == (32, 64, 100)

    def test_of_whole_pools_close_to_one_another_the_last_stays(self, stored):
        stages = tuple(
            dataclasses.replace(stored.stages[0], size=size) for size in (32, 64, 100, 105, 128, 131, 180)
        )
        kept = kept_stages(dataclasses.replace(stored, stages=stages), OPTIONS)
        assert [stage.size for stage in kept] == [32, 64, 105, 128, 131, 180]


def test_a_study_goes_on_after_an_interruption(data, stored, grown, shuffled):
    values, labels = data
    record, _ = extended(stored, Found(labels[shuffled], CLASSES, named(ALL)[shuffled]), OPTIONS)
    heads = heads_over(values[shuffled][record.objects], record.labels)
    part = run(record, heads, OPTIONS, after_stage=lambda so_far, seconds: True)
    assert len(part.stages) == len(stored.stages) + 1
    whole = run(part, heads, OPTIONS)
    np.testing.assert_array_equal(whole.stages[-1].unseen_losses, grown.stages[-1].unseen_losses)
    np.testing.assert_array_equal(whole.stages[-1].distance, grown.stages[-1].distance)
