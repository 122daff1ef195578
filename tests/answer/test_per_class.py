"""Class by class: counts against loops, intervals against simulation."""

from dataclasses import replace

import numpy as np
import pytest

from sufficient.answer.criteria import criteria_of
from sufficient.answer.held_out import HeldOut
from sufficient.answer.interval import learned_stages
from sufficient.answer.per_class import _wilson, class_errors, per_class, worst
from sufficient.answer.verdict import judge

from .records import record, scored

HARD = (0.5, 1.0, 4.0, 0.2, 2.5)


def of(rec):
    return per_class(rec, learned_stages(rec), HeldOut(rec))


def falling(**options):
    return scored(lambda k: 0.6 * k**-0.3, hard=HARD, **options)


def test_counts_against_loops():
    rec = falling(used=1000)
    stage, right, seen, wrong = rec.stages[-1], [0] * 5, [0] * 5, 0
    different = [set() for _ in range(5)]
    for r in range(8):
        for place, i in enumerate(rec.shares.held_out_objects(r)):
            label = rec.labels[i]
            seen[label] += 1
            different[label].add(i)
            hit = stage.predicted[r, place] == label
            right[label] += hit
            wrong += not hit
    found = {each.name: each for each in of(rec)}
    assert len(found) == 5
    for label, name in enumerate("abcde"):
        each = found[name]
        assert each.objects == 200
        assert each.held_out == len(different[label])
        assert each.accuracy.value == pytest.approx(right[label] / seen[label])
        assert each.share_of_error.value == pytest.approx((seen[label] - right[label]) / wrong)
        for level in (each.accuracy, each.share_of_error):
            assert 0 <= level.lo < level.value < level.hi <= 1


def test_the_worst_come_first_and_name_half_of_the_error():
    classes = of(falling())
    assert [each.name for each in classes][:2] == ["c", "e"]
    shares = [each.share_of_error.value for each in classes]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)
    named = worst(classes)
    assert sum(each.share_of_error.value for each in named) >= 0.5
    assert sum(each.share_of_error.value for each in named[:-1]) < 0.5


def test_no_few_classes_where_the_error_is_even():
    even = of(scored(lambda k: 0.3, classes=4))
    assert worst(even) == ()  # half of the error is in half of the classes
    assert worst(()) == ()


def test_the_last_learned_size_counts_and_nothing_learned_is_none():
    rec = falling()
    late = rec.stages[-1]
    bad = replace(late, unseen_loss=late.unseen_loss + 5)
    assert of(replace(rec, stages=(*rec.stages[:-1], bad))) == of(replace(rec, stages=rec.stages[:-1]))
    assert of(replace(rec, stages=())) == ()


def test_nothing_wrong_has_no_shares_and_a_class_never_held_out_no_accuracy():
    rec = scored(lambda k: -1.0)
    classes = of(rec)
    assert all(each.share_of_error is None for each in classes)
    assert all(each.accuracy.value == 1 and 0.95 < each.accuracy.lo < 1 for each in classes)
    labels = rec.labels.copy()
    labels[rec.shares.held_out_objects(0)] %= 4  # class e is fitted only
    alone = replace(rec, labels=labels, shares=_only_first(rec.shares))
    e = next(each for each in of(alone) if each.name == "e")
    assert (e.accuracy, e.held_out) == (None, 0)
    assert class_errors(alone, "e", learned_stages(alone), HeldOut(alone)) is None


def _only_first(shares):
    """All replicates hold out what the first does."""
    from sufficient.study.shares import CommonShares

    class First(CommonShares):
        def held_out_objects(self, replicate):
            return shares.held_out_objects(0)

    return First(8, shares.k_available, shares.validation, shares.held_out)


def test_intervals_cover():
    """200 pools; accuracy of class c and its share of the error, nominal 95 %."""
    hard = np.array((0.5, 1.0, 2.0, 1.0, 0.5))
    accuracy = share = 0
    for seed in range(200):
        rec = scored(lambda k: 0.2, [512], used=1000, hard=hard, seed=seed)
        c = next(each for each in of(rec) if each.name == "c")
        accuracy += c.accuracy.lo <= 0.6 <= c.accuracy.hi
        share += c.share_of_error.lo <= 0.4 <= c.share_of_error.hi
    assert min(accuracy, share) >= 180


def test_groups_widen():
    rec = falling()
    together = replace(rec, groups=np.arange(2000) // 5 // 10 * 5 + rec.labels)  # ten of a class together
    narrow, wide = (next(each for each in of(r) if each.name == "c").accuracy for r in (rec, together))
    assert wide.value == narrow.value
    assert wide.hi - wide.lo > 1.5 * (narrow.hi - narrow.lo)


def test_needs_are_given_for_the_classes_named_when_an_accuracy_is_asked():
    rec = falling(used=4000)
    classes = judge(rec, criteria=criteria_of(targets=["accuracy=0.8"])).per_class
    named = {each.name for each in worst(classes)}
    short = {each.name for each in classes if each.name in named and each.accuracy.lo < 0.8}
    assert named - short  # its interval lies above what is asked: it needs none
    assert {each.name for each in classes if each.needed_interval is not None} == short
    c = next(each for each in classes if each.name == "c")
    assert c.accuracy.value < 0.8
    assert 800 <= c.needed_interval[0] <= c.objects_needed  # 800 it has
    assert all(each.needed_interval is None for each in judge(rec, tol=1e-4).per_class)


@pytest.mark.parametrize("p", [0.0, 1.0, 0.3])
def test_an_interval_holds_its_value_whatever_the_rounding(p):
    for effective in np.linspace(1, 3000, 7001):
        level = _wilson(p, 0.0, float(effective))
        assert 0 <= level.lo <= level.value <= level.hi <= 1


def test_synthetic_records_without_objects_are_answered_too():
    assert len(judge(record(lambda k: 0.9), tol=1e-3).per_class) == 5
