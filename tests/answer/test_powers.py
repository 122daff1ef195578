from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize, nnls

from sufficient.answer.powers import LAWS, Power, last1, pow2, pow3, value

N = np.array([round(32 * 2 ** (i / 2)) for i in range(16)], dtype=float)
ONE = np.ones(len(N))


def test_pow3_recovers_a_law_with_a_floor():
    law = pow3(N, 1.6 * N**-0.35 + 0.03, ONE)
    assert law == pytest.approx((0.03, 1.6, 0.35), rel=1e-4)
    for n, error in ((3725, 0.12), (7637, 0.10), (19972, 0.08)):
        assert value(law, np.array([float(n)]), ceiling=1.0)[0] == pytest.approx(error, rel=3e-5)


def test_pow2_recovers_a_law_without_one():
    assert pow2(N, 2 * N**-0.4, ONE) == pytest.approx((0, 2, 0.4), rel=1e-5)
    assert pow3(N, 2 * N**-0.4, ONE) == pytest.approx((0, 2, 0.4), rel=1e-3, abs=1e-4)


def test_last1_is_the_last_value():
    law = last1(N, 2 * N**-0.4, ONE)
    assert value(law, np.array([1e6]), ceiling=1.0)[0] == 2 * N[-1] ** -0.4


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("name", ["pow2", "pow3"])
def test_fit_is_no_worse_than_general_optimisers(name, seed):
    """Against Nelder–Mead from the true values, and scipy's nnls on a fine grid of c."""
    random = np.random.default_rng(seed)
    y = 0.05 * (seed % 2) + 1.5 * N**-0.4 * np.exp(0.1 * random.standard_normal(len(N)))
    variance = (0.1 * y) ** 2

    def cost(a, b, c):
        return float(((y - a - b * N**-c) ** 2 / variance).sum())

    a, b, c = LAWS[name](N, y, variance)
    assert a >= 0
    assert b >= 0
    assert c > 0
    own = cost(a, b, c)
    keep = [0, 1] if name == "pow3" else [1]
    for trial in np.linspace(0.01, 3, 300):
        columns = np.stack([ONE, N**-trial])[keep].T / np.sqrt(variance)[:, None]
        assert own <= nnls(columns, y / np.sqrt(variance))[1] ** 2 * (1 + 1e-6)
    free = minimize(
        lambda p: cost(abs(p[0]) if name == "pow3" else 0, abs(p[1]), abs(p[2])),
        [0.05, 1.5, 0.4],
        method="Nelder-Mead",
        options={"maxiter": 4000, "xatol": 1e-10, "fatol": 1e-12},
    )
    assert own <= free.fun * (1 + 1e-6)


def test_rising_values_give_a_constant():
    law = pow3(N, 0.2 + 0.01 * np.log(N), ONE)
    assert law.scale == 0
    assert law.floor == pytest.approx((0.2 + 0.01 * np.log(N)).mean())


def test_precise_sizes_weigh_more():
    y = 2 * N**-0.4
    y[:4] *= 3
    variance = np.where(np.arange(len(N)) < 4, 1e6, 1e-6)
    assert pow2(N, y, variance) == pytest.approx((0, 2, 0.4), rel=1e-3)
    assert pow2(N, y, ONE) != pytest.approx((0, 2, 0.4), rel=1e-2)


def test_perfect_scores_stay_perfect():
    for fit in LAWS.values():
        assert value(fit(N, 0 * N, ONE), np.array([1e5]), ceiling=1.0)[0] == 0


def test_values_stay_in_range():
    law = Power(0.1, 50.0, 0.5)
    assert value(law, np.array([1.0]), ceiling=1.0)[0] == 1.0
    assert value(law, np.array([1.0]), ceiling=np.inf)[0] == pytest.approx(50.1)
