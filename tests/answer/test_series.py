"""Error, loss and relative difference stage by stage, against slow ways to say the same."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from sufficient.answer.held_out import HeldOut
from sufficient.answer.interval import learned_stages
from sufficient.answer.series import readings

from .records import record, scored

SIZES = [64, 256, 1024]


def of(rec, quantity):
    return readings(rec, quantity, learned=learned_stages(rec), held=HeldOut(rec))


def slow_kappa(rec):
    """Over pairs of replicates, one object at a time."""
    held = [set(rec.shares.held_out_objects(r).tolist()) for r in range(rec.shares.replicates)]
    pairs = [len(held[i] & held[j]) for i in range(len(held)) for j in range(i)]
    return max(1 / rec.shares.used, np.mean(pairs) / rec.shares.held_out**2)


def slow(rec, per_object, i):
    """Mean, standard error and t of a mean over replicates of means over objects, amid 3 sizes."""
    own = [np.var([np.mean(row) for row in per_object(stage)], ddof=1) for stage in rec.stages]
    rows = per_object(rec.stages[i])
    objects = np.mean([np.var(row, ddof=1) for row in rows])
    se = math.sqrt(np.mean(own) / len(rows) + objects * slow_kappa(rec))
    return np.mean(rows), se, stats.t.ppf(0.975, 2 * (len(rows) - 1))


def wrong(rec):
    return lambda stage: [
        (stage.predicted[r] != rec.labels[rec.shares.held_out_objects(r)]).astype(float)
        for r in range(rec.shares.replicates)
    ]


def test_loss_against_loops():
    rec = scored(lambda k: 0.3, SIZES)
    mean, se, t = slow(rec, lambda stage: list(stage.unseen_losses.astype(float)), 1)
    found = of(rec, "loss")[1]
    assert found.level.value == pytest.approx(mean, rel=1e-6)
    assert found.level.hi == pytest.approx(mean + t * se, rel=1e-5)
    assert found.level.lo == pytest.approx(mean - t * se, rel=1e-5)
    assert found.independent + found.common == pytest.approx(se**2, rel=1e-5)


def test_error_against_loops_but_for_the_answers_added():
    rec = scored(lambda k: 0.3, SIZES, used=20_000)
    mean, se, t = slow(rec, wrong(rec), 1)
    found = of(rec, "error")[1]
    assert found.level.value == pytest.approx(mean)
    assert found.level.hi - mean == pytest.approx(t * se, rel=2e-3)  # 4 answers in 20,000


def test_accuracy_is_its_complement_and_no_error_seen_is_not_no_error():
    rec = scored(lambda k: -1.0, SIZES)
    found = of(rec, "error")[-1]
    assert found.level.value == found.level.lo == 0
    assert 1e-4 < found.level.hi < 0.01
    assert found.independent == 0


def test_relative_difference_is_a_ratio_for_each_replicate():
    rec = scored(lambda k: 0.3, SIZES)
    stage = rec.stages[1]
    gap = np.abs(stage.unseen_losses.astype(float) - 0.02)
    ratios = gap.mean(axis=1) / (stage.size + 1) / stage.unseen_losses.astype(float).mean(axis=1)
    assert of(rec, "relative")[1].level.value == pytest.approx(ratios.mean(), rel=1e-6)


def test_relative_difference_varies_over_objects_as_resampling_says():
    """Delta method against 4,000 resamples of one replicate's objects."""
    rec = scored(lambda k: 0.3, [256], used=10_000, replicates=2)
    stage, random = rec.stages[0], np.random.default_rng(1)
    losses = stage.unseen_losses[0].astype(float)
    drawn = losses[random.integers(len(losses), size=(4000, len(losses)))]
    ratios = np.abs(drawn - 0.02).mean(axis=1) / 257 / drawn.mean(axis=1)
    kappa = slow_kappa(rec)
    found = of(rec, "relative")[0]
    assert math.sqrt(found.common / kappa / len(losses)) == pytest.approx(ratios.std(), rel=0.06)
    assert found.level.hi / found.level.value == pytest.approx(found.level.value / found.level.lo)


def test_dead_replicates_leave_and_too_few_give_none():
    rec = scored(lambda k: 0.3, SIZES)
    alive = of(rec, "error")[2]
    dead = np.arange(8) < 3
    fewer = replace(rec, stages=(*rec.stages[:2], replace(rec.stages[2], dead=dead)))
    accuracy = rec.stages[2].accuracy[~dead]
    assert of(fewer, "error")[2].level.value == pytest.approx(1 - accuracy.mean())
    assert of(fewer, "error")[2].level.value != alive.level.value
    one = replace(rec, stages=(*rec.stages[:2], replace(rec.stages[2], dead=np.arange(8) < 7)))
    assert of(one, "error")[2].level is None
    assert not of(one, "error")[2].learned


def test_objects_of_one_group_say_less():
    rec = scored(lambda k: 0.3, SIZES)
    from sufficient.study.shares import CommonShares

    shares = CommonShares(8, k_available=1400, validation=200, held_out=400)
    objects = np.arange(400)
    random = np.random.default_rng(0)
    group = objects // 20
    losses = np.repeat(random.gamma(0.5, 2, (8, 20)), 20, axis=1).astype(np.float32)
    stages = tuple(
        replace(s, unseen_losses=losses, unseen_loss=losses.mean(axis=1).astype(float)) for s in rec.stages
    )
    numbers = np.concatenate([group, 20 + np.arange(1600)])
    alone = replace(rec, shares=shares, stages=stages)
    grouped = replace(alone, groups=numbers)
    narrow, wide = (of(each, "loss")[2] for each in (alone, grouped))
    assert wide.level.value == narrow.level.value
    assert wide.level.hi > narrow.level.hi
    assert wide.common > 10 * narrow.common


def test_intervals_cover_what_was_drawn():
    """300 pools, objects that all replicates find hard or easy: 95 % nominal, at least 90 % covered."""
    hits = 0
    truth = 0.3  # difficulty is uniform, noise symmetric: the share of wrong answers is error(k)
    for seed in range(300):
        rec = scored(lambda k: truth, [64, 128, 256], used=400, replicates=8, seed=seed)
        level = of(rec, "error")[2].level
        hits += level.lo <= truth <= level.hi
    assert hits >= 270


def test_no_stage_no_reading():
    assert of(replace(record(lambda k: 0.5), stages=()), "error") == ()


def test_spread_of_a_relative_difference_is_pooled_relative_to_it():
    """It halves from size to size: the neighbour before would lend its spread, four times too large."""
    random = np.random.default_rng(3)
    rec = record(lambda k: 0.9, [64, 128, 256, 512], noise=0.2)
    share = np.exp(0.2 * random.standard_normal((4, 8)))
    rec = replace(
        rec,
        stages=tuple(
            replace(s, constant=0.5 * f, unseen_loss=np.full(8, 0.5), unseen_losses=s.unseen_losses + 0.5)
            for s, f in zip(rec.stages, share, strict=True)
        ),
    )
    ratios = [s.constant / (s.size + 1) / 0.5 for s in rec.stages]
    own = [ratio.var(ddof=1) / ratio.mean() ** 2 for ratio in ratios]
    for i, near in ((0, own[:2]), (1, own[:3]), (3, own[2:])):
        expected = np.mean(near) * ratios[i].mean() ** 2 / 8
        assert of(rec, "relative")[i].independent == pytest.approx(expected)
