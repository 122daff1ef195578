"""How many held-out objects it takes to see a target."""

import math
from dataclasses import replace

import numpy as np
import pytest

from sufficient.answer.criteria import Criterion, criteria_of
from sufficient.answer.held_out import HeldOut
from sufficient.answer.resolution import resolution
from sufficient.answer.verdict import judge
from sufficient.study.shares import CommonShares

from .records import scored


def of(rec, kind, value):
    return resolution(HeldOut(rec), Criterion(kind, value), rec.stages[-1])


def rotating(used):
    return scored(lambda k: 0.1, [256], used=used)


def test_half_width_is_that_of_a_binomial_over_all_different_objects():
    """Eight rotated shares of a fifth hold out every object: 1/κ is all of them."""
    seen = of(rotating(2000), "accuracy", 0.9)
    assert seen.half_width == pytest.approx(1.959964 * math.sqrt(0.9 * 0.1 / 2000))
    assert seen.allowed == pytest.approx(0.05)
    assert seen.enough
    same = of(rotating(2000), "error", 0.1)
    assert (same.half_width, same.objects) == (pytest.approx(seen.half_width), seen.objects)


def test_the_number_named_would_do_and_not_much_less():
    seen = of(rotating(2000), "accuracy", 0.999)
    assert not seen.enough
    assert seen.objects / 2000 == pytest.approx(seen.held_out / 400, rel=0.01)
    there = of(rotating(seen.objects), "accuracy", 0.999)
    assert there.enough
    assert not of(rotating(int(0.98 * seen.objects)), "accuracy", 0.999).enough


def common(rec, held_out=400, **fields):
    shares = CommonShares(rec.shares.replicates, 1400, 200, held_out)
    return replace(rec, shares=shares, **fields)


def test_a_common_share_that_is_capped_is_never_large_enough():
    """An error of 0.0005 takes 4 · 1.96² · 1,999 = 30,717 held-out objects."""
    needed = math.ceil(4 * 1.959964**2 * 1999)
    grown = of(common(rotating(2000), features={"made_by_model": True}), "error", 0.0005)
    assert (grown.held_out, grown.cap) == (pytest.approx(needed, abs=1), 4_000)
    assert (grown.objects, grown.rotating) == (None, pytest.approx(needed, abs=1))
    groups = np.arange(2000) // 2
    grouped = of(common(rotating(2000), groups=groups), "error", 0.0005)
    assert (grouped.cap, grouped.objects, grouped.rotating) == (10_000, None, None)
    seen = of(common(rotating(2000), groups=groups), "error", 0.002)
    assert seen.objects == pytest.approx(5 * seen.held_out, abs=5)


def test_shares_that_rotate_see_on_past_the_cap():
    """Each replicate then holds out others: κ is 1/m, whatever the cap."""
    seen = of(rotating(2000), "error", 0.0002)
    assert seen.held_out > seen.cap
    assert seen.objects == pytest.approx(4 * 1.959964**2 * 4999, rel=1e-4)


def test_what_to_do_where_no_number_of_objects_will():
    asked = criteria_of(targets=["error=0.0005"])
    grown = common(scored(lambda k: 0.6 * k**-0.3), features={"made_by_model": True})
    message = judge(grown, criteria=asked).reasons[0].message
    assert "no more than 4,000 are ever held out here, so no number of objects will" in message
    assert "--all-features" in message
    grouped = common(scored(lambda k: 0.6 * k**-0.3), groups=np.arange(2000) // 2)
    message = judge(grouped, criteria=asked).reasons[0].message
    assert message.endswith("no number of objects will: ask for a target that is easier to see.")
    rotated = judge(scored(lambda k: 0.6 * k**-0.3), criteria=criteria_of(targets=["error=0.0002"]))
    assert "as each replicate holds out others" in rotated.reasons[0].message


def test_loss_is_seen_to_a_tenth():
    rec = rotating(2000)
    losses = rec.stages[-1].unseen_losses.astype(float)
    relative = np.mean([row.var(ddof=1) for row in losses]) / losses.mean() ** 2
    seen = of(rec, "loss", 0.2)
    assert seen.half_width == pytest.approx(0.2 * 1.959964 * math.sqrt(relative / 2000))
    assert seen.allowed == pytest.approx(0.02)


def test_only_targets_are_to_be_seen():
    assert of(rotating(400), "min-gain", 0.01) is None
    assert of(rotating(400), "rel-tol", 0.01) is None


def test_it_comes_first_unless_the_answer_is_sure_anyway():
    rec = scored(lambda k: 0.6 * k**-0.3, used=400)
    answer = judge(rec, criteria=criteria_of(targets=["accuracy=0.999"]))
    assert [reason.code for reason in answer.reasons] == ["HELD-OUT-TOO-SMALL", "TARGET-NOT-MET"]
    assert "held-out objects would do" in answer.reasons[0].message
    easy = judge(scored(lambda k: -1.0, used=400), criteria=criteria_of(targets=["error=0.02"]))
    assert easy.verdict == "sufficient"
    assert [warning.code for warning in easy.warnings][:1] == ["HELD-OUT-TOO-SMALL"]
