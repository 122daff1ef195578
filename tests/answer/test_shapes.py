from __future__ import annotations

import numpy as np
import pytest

from sufficient.answer.shapes import shape_notice

N = np.array([round(32 * 2 ** (i / 2)) for i in range(12)], dtype=float)
FALLING = 1.6 * N**-0.35 + 0.03


def code(n, y, sd):
    notice = shape_notice(n, y, np.full(len(n), sd**2), name="accuracy")
    return None if notice is None else notice.code


def test_falling_curves_pass():
    assert code(N, FALLING, 0.005) is None
    assert code(N[:4], FALLING[:4], 0.005) is None


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_sizes(count):
    assert code(N[:count], FALLING[:count], 0.005) == "TOO-FEW-SIZES"


def test_one_size_is_counted_as_one():
    notice = shape_notice(N[:1], FALLING[:1], FALLING[:1], name="accuracy")
    assert notice.message.startswith("There is 1 usable size: ")


def test_sizes_must_span_an_octave():
    assert code(np.array([100.0, 110, 120, 130, 140]), FALLING[:5], 0.005) == "TOO-FEW-SIZES"


def test_a_peak_and_a_dip_are_told_apart():
    peak, dip = FALLING.copy(), FALLING.copy()
    peak[6] += 0.2
    dip[-3:] += [0.05, 0.1, 0.2]
    for y, word in ((peak, "peaks"), (dip, "does not recover")):
        notice = shape_notice(N, y, np.full(12, 1e-6), name="unseen loss")
        assert notice.code == "CURVE-NOT-MONOTONE"
        assert word in notice.message


def test_a_rise_within_noise_is_none():
    bumped = FALLING.copy()
    bumped[6] += 0.06
    assert code(N, bumped, 0.03) is None
    assert code(N, bumped, 0.003) == "CURVE-NOT-MONOTONE"


def test_flat_and_too_noisy():
    wobble = 0.001 * np.resize([1, -1], 12)
    assert code(N, 0.3 + wobble, 0.001) == "CURVE-FLAT"
    assert code(N, 0.3 + 0 * N, 0.08) == "CURVE-TOO-NOISY"
    assert code(N, 0 * N, 0.0) == "CURVE-TOO-NOISY"  # nothing wrong so far does not say that nothing will be


def test_falling_early_and_flat_late_is_flat():
    y = np.maximum(FALLING, FALLING[6])
    assert code(N, y, 0.001) == "CURVE-FLAT"


def test_false_alarms_are_rare():
    random = np.random.default_rng(0)
    codes = [code(N, FALLING + 0.01 * random.standard_normal(12), 0.01) for _ in range(300)]
    assert codes.count("CURVE-NOT-MONOTONE") <= 3
