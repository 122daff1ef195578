from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from sufficient.answer.laws import FAMILIES, M4

X = np.linspace(-3.5, 12, 40)
SHAPED = FAMILIES[1:]


def of(name):
    return next(family for family in FAMILIES if family.name == name)


@pytest.mark.parametrize("family", SHAPED, ids=lambda f: f.name)
def test_shapes_fall_from_one_at_the_largest_size(family):
    g = family.shape(family.grid, X)
    assert (np.diff(g, axis=1) <= 1e-12).all()
    assert (g >= 0).all()
    assert family.shape(family.grid, np.zeros(1)) == pytest.approx(1)
    assert (family.shape(family.grid, np.array([80.0])) < 0.9).all()


@pytest.mark.parametrize("family", SHAPED, ids=lambda f: f.name)
def test_inverse_undoes_the_shape(family):
    x = np.array([0.3, 1.4, 2.3, 5.0])
    g = family.shape(family.grid, x)
    seen = (g > 1e-200) & (g < 1 - 1e-6)  # a plateau has no inverse
    assert seen.mean() > 0.7
    found = family.inverse(family.grid, np.where(seen, g, 0.5))
    assert np.where(seen, found - x, 0) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("family", SHAPED, ids=lambda f: f.name)
def test_inverse_equals_a_root_finder(family):
    theta = np.array([[c.mean for c in family.coordinates]])
    found = family.inverse(theta, np.array([0.7]))[0, 0]
    plain = brentq(lambda x: family.shape(theta, np.array([x]))[0, 0] - 0.7, -2, 20, xtol=1e-12)
    assert found == pytest.approx(plain, abs=1e-8)


def plain_shape(name, u, theta):
    """The published formulas, one number at a time, not divided by g(1)."""
    p = [float(np.exp(t)) for t in theta]
    return {
        "pow2": lambda: u ** -p[0],
        "pow3": lambda: u ** -p[0],
        "pow4": lambda: (u + p[1]) ** -p[0],
        "exp3": lambda: np.exp(-p[0] * u),
        "mmf4": lambda: 1 - u ** p[0] / (p[1] ** p[0] + u ** p[0]),  # (ab + c n^d)/(b + n^d), a = 1, c = 0
        "broken": lambda: u ** -p[0] * (1 + (u / p[2]) ** (1 / p[3])) ** (-(p[1] - p[0]) * p[3]),
    }[name]()


@pytest.mark.parametrize("name", ["pow2", "pow3", "pow4", "exp3", "mmf4", "broken"])
def test_shapes_equal_the_published_formulas(name):
    family = of(name)
    theta = np.array([c.mean + 0.3 * c.sd for c in family.coordinates])
    for u in (0.02, 0.4, 1.0, 7.0):
        expected = plain_shape(name, u, theta) / plain_shape(name, 1.0, theta)
        assert family.shape(theta[None], np.array([np.log(u)]))[0, 0] == pytest.approx(expected, rel=1e-10)


def test_m4_solves_its_equation():
    """Alabdulmohsin et al.: b n^−c = (e − e_∞)/(e_0 − e)^α, with one b at every n."""
    theta = np.array([[np.log(0.7), np.log(0.1), np.log(2.5)]])
    x = np.array([-2.0, -0.5, 0.0, 1.0, 4.0])
    c, alpha = 0.7, 2.5
    at_one = brentq(lambda h: h / (1 - h) ** alpha - 0.1**c, 1e-9, 1 - 1e-9, xtol=1e-15)
    h = M4.shape(theta, x)[0] * at_one  # e = h, e_∞ = 0, e_0 = 1
    assert h / (1 - h) ** alpha * np.exp(c * x) == pytest.approx(0.1**c, rel=1e-5)


def test_m4_with_alpha_one_is_mmf():
    theta = np.array([[0.1, -2.0]])
    assert M4.shape(np.array([[0.1, -2.0, 0.0]]), X) == pytest.approx(of("mmf4").shape(theta, X), rel=1e-9)
