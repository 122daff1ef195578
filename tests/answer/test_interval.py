from __future__ import annotations

import dataclasses
import math
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from sufficient.answer.interval import (
    curve,
    grouped_variance,
    has_learned,
    learned_stages,
    measure,
    shared_held_out,
)
from sufficient.study.shares import CommonShares

from .records import record, shares


def brute_kappa(division, live):
    """κ by set intersections over live pairs."""
    sets = {r: set(division.held_out_objects(r).tolist()) for r in live}
    shared = [len(sets[a] & sets[b]) for a, b in combinations(live, 2)]
    s = len(sets[live[0]])
    return max(1 / len(division.order), (sum(shared) / len(shared)) / s**2)


def brute_interval(rec, i, learned):
    """δ's interval at stage i, by plain loops over stages and replicates."""
    rows = []
    for j, stage in enumerate(rec.stages):
        live = [r for r in range(rec.shares.replicates) if not stage.dead[r]]
        if learned[j] == learned[i] and len(live) >= 2:
            values = [float(stage.constant[r]) for r in live]
            mean = sum(values) / len(values)
            spread = sum((v - mean) ** 2 for v in values) / (len(values) - 1)
            rows.append((j, spread / mean**2))
    place = [j for j, _ in rows].index(i)
    if len(rows) < 3:
        window, doubled = [rows[place][1]], 1
    else:
        window, doubled = [v for q, (_, v) in enumerate(rows) if abs(q - place) <= 1], 2
    stage = rec.stages[i]
    live = [r for r in range(rec.shares.replicates) if not stage.dead[r]]
    c = sum(float(stage.constant[r]) for r in live) / len(live)
    s2 = c**2 * sum(window) / len(window)
    v = sum(float(stage.variance[r]) for r in live) / len(live)
    se = math.sqrt(s2 / len(live) + v * brute_kappa(rec.shares, live))
    t = stats.t.ppf(0.975, doubled * (len(live) - 1))
    return tuple(c * math.exp(sign * t * se / c) / (stage.size + 1) for sign in (-1, 1))


@pytest.mark.parametrize("replicates", [2, 4, 8])
def test_interval_equals_plain_loops(replicates):
    rec = record(
        lambda k: 0.8 * k**-0.1,
        [32, 45, 64, 91, 128, 181, 256],
        used=600,
        replicates=replicates,
        noise=0.2,
        unlearned=[45, 64, 128],
        dead={91: 1, 32: 1} if replicates > 2 else {},
    )
    points = curve(rec)
    learned = [p.learned for p in points]
    assert learned == [True, False, False, True, False, True, True]
    for i, point in enumerate(points):
        np.testing.assert_allclose((point.lo, point.hi), brute_interval(rec, i, learned), rtol=1e-12)


def test_fewer_than_three_stages_of_a_state_use_their_own_variance():
    rec = record([0.9, 0.8, 0.7, 0.6, 0.5], [32, 45, 64, 91, 128], noise=0.3, unlearned=[32, 45])
    measured = measure(rec)
    for m, stage in zip(measured[:2], rec.stages[:2], strict=True):
        own = stage.constant.var(ddof=1) / stage.constant.mean() ** 2 / 8
        assert m.spread.freedom == 7
        assert m.spread.replicates == pytest.approx(own, rel=1e-12)
    assert [m.spread.freedom for m in measured[2:]] == [14, 14, 14]


def test_parts_are_relative_variances_of_the_interval():
    rec = record(lambda k: 0.5, noise=0.1, variance=0.3)
    for m in measure(rec):
        se = math.sqrt(m.spread.replicates + m.spread.objects)
        factor = math.exp(stats.t.ppf(0.975, m.spread.freedom) * se)
        assert m.point.hi == pytest.approx(m.point.difference * factor, rel=1e-12)
        assert m.point.lo == pytest.approx(m.point.difference / factor, rel=1e-12)
        assert m.spread.objects == pytest.approx(0.3 * brute_kappa(rec.shares, range(8)), rel=1e-12)


@pytest.mark.parametrize(("used", "replicates"), [(100, 2), (203, 4), (1000, 8), (500, 16)])
def test_shared_held_out_counts_intersections(used, replicates):
    division = shares(used, replicates)
    counted = shared_held_out(division)
    for a in range(replicates):
        for b in range(replicates):
            expected = len(
                set(division.held_out_objects(a).tolist()) & set(division.held_out_objects(b).tolist())
            )
            assert counted[a, b] == expected


def test_one_common_held_out_set_gives_one_over_its_size():
    rec = record(lambda k: 0.5, [32, 45, 64], used=1000)
    common = dataclasses.replace(rec.shares)
    object.__setattr__(common, "held_out_objects", lambda r: rec.shares.held_out_objects(0))
    spread = measure(dataclasses.replace(rec, shares=common))[0].spread
    assert spread.objects == pytest.approx(0.1 / rec.shares.held_out, rel=1e-12)


def test_kappa_counts_only_live_replicates():
    """Neighbours in the circle share most: nine adjacent ones share more than all sixteen do."""
    rec = record(lambda k: 0.5, [32, 45, 64], used=320, replicates=16, noise=0.0)
    dead = np.zeros(16, dtype=bool)
    dead[9:] = True
    stages = (dataclasses.replace(rec.stages[0], dead=dead), *rec.stages[1:])
    spread = measure(dataclasses.replace(rec, stages=stages))[0].spread
    live = np.flatnonzero(~dead).tolist()
    assert spread.objects == pytest.approx(0.1 * brute_kappa(rec.shares, live), rel=1e-9)
    assert brute_kappa(rec.shares, live) != pytest.approx(brute_kappa(rec.shares, range(16)), rel=0.01)


def test_means_are_over_live_replicates_only():
    rec = record([0.9, 0.8, 0.7], [32, 45, 64], dead={45: 3}, noise=0.2)
    stage, point = rec.stages[1], curve(rec)[1]
    assert (point.replicates, point.dead) == (5, 3)
    assert point.constant == pytest.approx(0.8)
    assert point.difference == pytest.approx(0.8 / 46)
    assert point.unseen_loss == pytest.approx(stage.unseen_loss[3:].mean())
    assert point.accuracy == pytest.approx(stage.accuracy[3:].mean())
    assert point.train_loss == pytest.approx(stage.train_loss[3:].mean())
    assert point.largest_loss == 7.5
    assert point.learned


@pytest.mark.parametrize(("dead", "learned"), [(3, True), (4, False), (5, False)])
def test_half_or_more_dead_is_unlearned(dead, learned):
    assert curve(record([0.9], [32], dead={32: dead}))[0].learned is learned


def test_one_or_no_live_replicate_is_unlearned_and_has_no_interval():
    one, none = curve(record([0.9, 0.9], [32, 45], dead={32: 7, 45: 8}))
    assert (one.learned, one.lo, one.hi, one.replicates) == (False, None, None, 1)
    assert one.constant == pytest.approx(0.9)
    values = dataclasses.asdict(none)
    assert {k for k, v in values.items() if v is None} == {
        "difference", "lo", "hi", "constant", "train_loss", "unseen_loss", "accuracy", "largest_loss"
    }  # fmt: skip
    assert not none.learned


def test_one_replicate_alone_never_learns():
    assert not curve(record([0.9], [32], replicates=1))[0].learned


def test_learned_needs_the_upper_t_end_below_the_entropy():
    rec = record([0.9], [32], noise=0.0)
    stage, entropy = rec.stages[0], rec.class_entropy
    assert entropy == pytest.approx(math.log(5))
    pattern = np.array([-1.0, 1.0] * 4)
    margin = stats.t.ppf(0.975, 7) * pattern.std(ddof=1) / math.sqrt(8)
    for gap, learned in ((margin * 1.001, True), (margin * 0.999, False), (-1.0, False)):
        made = dataclasses.replace(stage, unseen_loss=entropy - gap + pattern)
        assert has_learned(made, entropy) is learned


def test_dead_replicates_leave_the_learned_test():
    """Dead networks lose exactly ln K here; counted, they would drown the live ones' small gain."""
    rec = record([0.9], [32], dead={32: 3}, noise=0.0, loss=lambda k: math.log(5) - 0.02)
    assert curve(rec)[0].learned


def test_zero_constant_is_its_own_interval_and_breaks_nothing():
    rec = record([0.9, 0.0, 0.7, 0.6], [32, 45, 64, 91])
    points = curve(rec)
    assert (points[1].difference, points[1].lo, points[1].hi) == (0.0, 0.0, 0.0)
    assert all(p.lo is not None and p.hi is not None for p in (points[0], *points[2:]))


def common(rec, *, held_out=100, not_read=0, groups=None, loss=None):
    """The record with shares that all replicates have in common, and held-out losses of our own."""
    shares = CommonShares(8, len(rec.labels) - 100 - held_out, 100, held_out, not_read=not_read)
    losses = np.full((8, held_out), 0.5) if loss is None else loss
    stages = tuple(
        dataclasses.replace(stage, unseen_losses=losses.astype(np.float32)) for stage in rec.stages
    )
    return dataclasses.replace(rec, shares=shares, stages=stages, groups=groups)


def brute_shared_training(shares, size, between, variance):
    """c/C² by sets of fitted objects, as `_shared_training` derives it."""
    sets = [set(shares.fitted(r, size).tolist()) for r in range(shares.replicates)]
    among = [len(a & b) for a, b in combinations(sets, 2)]
    shared = sum(among) / len(among)
    of_window = variance / len(set().union(*sets))  # of 8 replicates: they cover it
    return of_window if shared == size else min(between * shared / (size - shared), of_window)


@pytest.mark.parametrize("noise", [0.02, 0.5])  # the smaller of the two comes of either
def test_common_shares_add_what_common_training_objects_do(noise):
    sizes = [32, 128, 256, 400, 600]
    rec = common(record(lambda k: 0.5, sizes, used=800, noise=noise))
    assert rec.shares.k_available == 600
    measured = measure(rec)
    own = [stage.constant.var(ddof=1) / stage.constant.mean() ** 2 for stage in rec.stages]
    for i, (m, size) in enumerate(zip(measured, sizes, strict=True)):
        between = np.mean(own[max(i - 1, 0) : i + 2])
        assert m.spread.replicates == pytest.approx(between / 8)
        expected = 0.1 / 100 + brute_shared_training(rec.shares, size, between, 0.1)
        assert m.spread.objects == pytest.approx(expected, rel=1e-9)
        assert m.spread.freedom == 14


def test_the_shared_training_has_the_variance_that_its_derivation_says():
    """Replicates that are sums of influences: variance of their mean = E s²/R + E s² ō/(k − ō)."""
    shares, random = CommonShares(8, 800, 0, 0), np.random.default_rng(0)
    fitted = np.stack([shares.fitted(r, 100) for r in range(8)])
    influence = random.standard_normal((20_000, 800))
    of = influence[:, fitted].mean(axis=2)  # (pools, R)
    shared = (shares.shared(100).sum() - 800) / 56
    assert shared == pytest.approx(100 / 7, rel=0.01)  # each of two neighbours has half, of seven others
    between = of.var(axis=1, ddof=1).mean()
    assert of.mean(axis=1).var() == pytest.approx(between * (1 / 8 + shared / (100 - shared)), rel=0.03)


def test_dead_replicates_share_no_training():
    """Every other replicate of a window of 4k: none that are left share an object."""
    rec = common(record(lambda k: 0.5, [32, 45, 64], used=800, noise=0.1))
    dead = np.arange(8) % 2 == 1
    stages = tuple(dataclasses.replace(stage, dead=dead) for stage in rec.stages)
    for m in measure(dataclasses.replace(rec, stages=stages)):
        assert m.spread.objects == pytest.approx(0.1 * 0.5**2 / m.point.constant**2 / 100, rel=1e-9)


def test_objects_alone_have_the_usual_variance():
    values = np.random.default_rng(0).gamma(0.3, size=(8, 150))
    found, count = grouped_variance(values, np.arange(150)[::-1] * 7)
    assert found == pytest.approx(values.var(axis=1, ddof=1).mean())
    assert count == 150


def test_grouped_variance_equals_plain_loops():
    random = np.random.default_rng(1)
    values, groups = random.normal(size=(3, 60)), random.integers(9, size=60)
    expected = []
    for row in values:
        sums = [sum(v - row.mean() for v, g in zip(row, groups, strict=True) if g == n) for n in range(9)]
        expected.append(9 / 8 * sum(x * x for x in sums) / 60)
    found, count = grouped_variance(values, groups)
    assert (found, count) == (pytest.approx(np.mean(expected)), 9)


def test_grouped_variance_is_that_of_a_mean_over_groups():
    """Equal groups: the textbook's variance of group means over G, whatever binds the members."""
    random = np.random.default_rng(2)
    values = random.normal(size=(1, 40)).repeat(10, axis=1) + 0.1 * random.normal(size=(1, 400))
    means = values.reshape(40, 10).mean(axis=1)
    found, _ = grouped_variance(values, np.arange(400) // 10)
    assert found / 400 == pytest.approx(means.var(ddof=1) / 40)
    assert found > 8 * values.var()


def test_groups_widen_the_interval_and_lower_its_freedom():
    random = np.random.default_rng(3)
    loss = np.repeat(random.gamma(1.0, size=(1, 10)), 10, axis=1) + np.zeros((8, 1))
    plain = record(lambda k: 0.5, [32, 45, 64], used=800, noise=0.02)
    groups = np.arange(800) // 10
    alone, grouped = common(plain, loss=loss), common(plain, loss=loss, groups=groups)
    gap = np.abs(loss - plain.stages[0].train_loss[:, None])
    variance = gap.reshape(8, 10, 10).mean(axis=2).var(axis=1, ddof=1).mean() * 10
    first = measure(grouped)[0]
    between = first.spread.replicates * 8
    expected = variance / 0.25 / 100
    expected += brute_shared_training(grouped.shares, 32, between, variance / 0.25)
    assert first.spread.objects == pytest.approx(expected, rel=1e-6)
    assert first.spread.freedom == 9, "ten groups are held out"
    assert measure(alone)[0].spread.freedom == 14
    one = measure(common(plain, loss=loss, groups=np.arange(800) // 100))[0]
    assert one.spread is None, "one group held out has no variance"
    assert (one.point.lo, one.point.hi) == (None, None)


def test_a_common_held_out_share_may_be_lucky():
    """All replicates lose less than the entropy, by less than the share's own sampling error."""
    random = np.random.default_rng(4)
    rec = record([0.9], [32], noise=0.0)
    lucky = np.full(8, rec.class_entropy - 0.05) + 0.001 * np.arange(8)
    rec = dataclasses.replace(rec, stages=(dataclasses.replace(rec.stages[0], unseen_loss=lucky),))
    assert learned_stages(rec) == [True]
    assert learned_stages(common(rec, loss=np.full((8, 100), 1.5))) == [True], "no spread, no doubt"
    assert learned_stages(common(rec, loss=1.5 + random.normal(size=(1, 100)) * np.ones((8, 1)))) == [False]
    spread = stats.t.ppf(0.975, 7) * math.sqrt(lucky.var(ddof=1) / 8 + 1e-3)
    excess = lucky - lucky.mean()
    for gap, learned in ((1.001, True), (0.999, False)):
        stage = dataclasses.replace(rec.stages[0], unseen_loss=rec.class_entropy - gap * spread + excess)
        assert has_learned(stage, rec.class_entropy, 1e-3) is learned
