"""The filters against brute force: the joint Gaussian of all observations and the future level."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from sufficient.answer.interval import measure
from sufficient.answer.trend import STEP, filtered, step, trend

from .records import record

FILTERS = [(q_l, q_s) for q_l in (1e-4, 4e-4, 16e-4) for q_s in (0.1e-4, 1e-4, 4e-4, 16e-4, 64e-4)]


def transition(d):
    return np.array([[1, d], [0, 1]])


def noise(d, q_l, q_s):
    return np.array([[q_l * d + q_s * d**3 / 3, q_s * d**2 / 2], [q_s * d**2 / 2, q_s * d]])


def joint(position, z1, variance, targets, q_l, q_s):
    """Mean and covariance of (z_2 … z_n, level at each target), given z_1: F x + noise, multiplied out."""
    times = sorted({*position, *targets})
    mean, cov = [np.array([z1, -0.05])], [[np.diag([variance[0], 0.06**2])]]
    for before, after in pairwise(times):
        now, with_earlier, own = mean[-1], cov[-1], cov[-1][-1]  # cov[i][j]: of the states at times i ≥ j
        F = transition(after - before)
        now, with_earlier = F @ now, [F @ c for c in with_earlier]
        own = F @ own @ F.T + noise(after - before, q_l, q_s)
        mean.append(now)
        cov.append([*with_earlier, own])
    size = len(times)
    levels = np.array([m[0] for m in mean])
    full = np.zeros((size, size))
    for i in range(size):
        for j in range(i + 1):
            full[i, j] = full[j, i] = cov[i][j][0, 0]
    index = {t: i for i, t in enumerate(times)}
    rows = [index[p] for p in position[1:]] + [index[t] for t in targets]
    observed = np.zeros(len(rows))
    observed[: len(position) - 1] = variance[1:]
    return levels[rows], full[np.ix_(rows, rows)] + np.diag(observed)


def conditional(position, z, variance, targets, q_l, q_s):
    """Log likelihood of z_2 … z_n, and mean and variance of the level at the targets given all z."""
    mean, cov = joint(position, z[0], variance, targets, q_l, q_s)
    n = len(z) - 1
    likelihood = stats.multivariate_normal(mean[:n], cov[:n, :n]).logpdf(z[1:])
    gain = np.linalg.solve(cov[:n, :n], cov[:n, n:]).T
    after = cov[n:, n:] - gain @ cov[:n, n:]
    return likelihood, mean[n:] + gain @ (z[1:] - mean[:n]), np.diag(after)


SIZES = {
    "grid": [32, 45, 64, 91, 128, 181, 256, 362, 512],
    "gaps": [32, 45, 64, 200, 300, 1000, 1100, 1101],
}


@pytest.mark.parametrize("name", SIZES)
def test_each_filter_equals_the_joint_gaussian(name):
    random = np.random.default_rng(3)
    position = np.log(SIZES[name]) / STEP
    z = -0.05 * position + 0.1 * random.standard_normal(len(position))
    variance = 0.01 * random.random(len(position)) + 1e-3
    belief, likelihood = filtered(position, z, variance)
    for f, (q_l, q_s) in enumerate(FILTERS):
        expected, mean, after = conditional(position, z, variance, [position[-1]], q_l, q_s)
        assert likelihood[f] == pytest.approx(expected, rel=1e-9)
        assert belief.level[f, 0] == pytest.approx(mean[0], rel=1e-9)
        assert belief.level_variance[f, 0] == pytest.approx(after[0], rel=1e-8)


def test_average_over_filters_equals_the_joint_gaussian():
    rec = record(lambda k: 0.9 * k**-0.1, SIZES["grid"], noise=0.1, variance=0.5)
    measured = measure(rec)
    position = np.log([m.point.k for m in measured]) / STEP
    z = np.log([m.point.constant for m in measured])
    variance = [m.spread.replicates for m in measured]
    for k in (512.0, 600.0, 724.1, 2000.0, 5120.0):
        rows = [conditional(position, z, variance, [np.log(k) / STEP], *q) for q in FILTERS]
        likelihood, mean, after = (np.array([np.ravel(row[i])[0] for row in rows]) for i in range(3))
        weight = np.exp(likelihood) / np.exp(likelihood).sum()
        expected = weight @ mean
        sd = np.sqrt(weight @ (after + (mean - expected) ** 2) + measured[-1].spread.objects)
        np.testing.assert_allclose(np.ravel(trend(measured).at(np.array([k]))), [expected, sd], rtol=1e-9)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.93])
def test_two_steps_are_one_of_their_length(share):
    rec = record(lambda k: 0.9 * k**-0.1, SIZES["grid"], noise=0.1)
    belief = trend(measure(rec)).belief
    once = step(belief, np.array(3.7))
    twice = step(step(belief, np.array(3.7 * share)), np.array(3.7 * (1 - share)))
    for a, b in zip(once, twice, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_a_steady_fall_goes_on_undamped():
    """C falling as k^-0.4 without noise falls so at 10× too: a slope damped by 0.95 would miss by a tenth."""
    going = trend(measure(record(lambda k: 9 * k**-0.4, used=4000, noise=1e-3, variance=1e-3)))
    at = np.array([10.0 * going.k])
    assert going.at(at)[0] == pytest.approx(np.log(9 * at**-0.4), abs=0.03)


def test_only_the_last_eleven_learned_sizes_count():
    sizes = [round(32 * 2 ** (i / 2)) for i in range(13)]
    curve = {k: 0.9 * k**-0.1 for k in sizes}
    wild = {**curve, sizes[0]: 50.0, sizes[1]: 1e-3}
    base, other = (
        trend(measure(record([c[k] for k in sizes], sizes, used=4000, noise=0.05, unlearned=[sizes[5]])))
        for c in (curve, wild)
    )
    longer = trend(measure(record([wild[k] for k in sizes], sizes, used=4000, noise=0.05)))
    shorter = trend(measure(record([curve[k] for k in sizes], sizes, used=4000, noise=0.05)))
    at = np.array([4000.0])
    assert longer.at(at)[0] == pytest.approx(shorter.at(at)[0], rel=1e-12)  # 13 learned: two are dropped
    assert base.at(at)[0] != pytest.approx(other.at(at)[0], rel=1e-6)  # 12 learned: the second is in


def test_none_with_fewer_than_six_learned_sizes():
    sizes = SIZES["grid"][:7]
    assert trend(measure(record(lambda k: 0.5, sizes, unlearned=sizes[:1]))) is not None
    assert trend(measure(record(lambda k: 0.5, sizes, unlearned=sizes[:2]))) is None
