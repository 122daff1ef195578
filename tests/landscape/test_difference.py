"""The closed forms against the slow, obvious loop and against random orders."""

import numpy as np
import pytest

from sufficient.landscape.difference import flat, mean_absolute_difference, permuted_differences


def brute_force(ordered: np.ndarray) -> np.ndarray:
    """L_{k+1} − L_k for k = 1 … m − 1, each mean taken afresh."""
    return np.array([ordered[: k + 1].mean() - ordered[:k].mean() for k in range(1, len(ordered))])


@pytest.fixture(scope="module")
def gamma() -> np.ndarray:
    return np.random.default_rng(5).gamma(0.25, 1.2, 10_000)


def test_permuted_differences_equal_the_loop_over_the_same_orders():
    losses = np.random.default_rng(1).gamma(0.25, 1.2, 37)
    orders = np.random.default_rng(2).permuted(np.tile(losses, (5, 1)), axis=1)
    expected = np.mean([np.abs(brute_force(row)) for row in orders], axis=0)
    found = permuted_differences(losses, 5, random=np.random.default_rng(2))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_chunks_do_not_change_the_orders(monkeypatch):
    losses = np.random.default_rng(1).random(50)
    whole = permuted_differences(losses, 9, random=np.random.default_rng(3))
    monkeypatch.setattr("sufficient.landscape.difference._CHUNK", 100)
    np.testing.assert_allclose(permuted_differences(losses, 9, random=np.random.default_rng(3)), whole)


def test_closed_form_is_the_permutation_mean_within_its_error(gamma):
    orders = 100
    sizes = np.arange(1, len(gamma))
    found = permuted_differences(gamma, orders, random=np.random.default_rng(0))
    closed = mean_absolute_difference(gamma, sizes)
    square = gamma.var(ddof=1) / (sizes * (sizes + 1))  # E d_k²
    error = np.sqrt((square - closed**2) / orders)  # of a mean over the orders
    z = ((found - closed) / error)[sizes >= 10]
    assert np.mean(np.abs(z) < 3) > 0.98
    assert abs(z.mean()) < 0.1  # no bias over all sizes together
    assert np.abs(closed / found - 1).max() > 0.01  # they are two numbers, not one


def test_gamma_constants(gamma):
    """k*(tol) = MAD / tol − 1 is about 35 at tol 0.01 for Gamma(0.25, 1.2) losses."""
    mad = mean_absolute_difference(gamma, [0])[0]
    assert mad / 0.01 - 1 == pytest.approx(35, abs=2)


def test_a_network_is_flat_where_all_its_losses_are_the_same():
    losses = np.array([[0.7, 0.7, 0.7 + 9e-7], [0.7, 0.7, 0.7 + 2e-6], [0.0, 0.0, 0.0]])
    assert flat(losses).tolist() == [True, False, True]
    assert flat(losses[:, None]).shape == (3, 1)


def test_equal_losses_have_no_difference():
    assert permuted_differences(np.full(20, 0.7), 3, random=np.random.default_rng(0)).max() < 1e-15


@pytest.mark.parametrize("losses", [[1.0], [[1.0, 2.0]]])
def test_too_few_losses_or_two_axes_are_refused(losses):
    with pytest.raises(ValueError, match=r"pass shape \(m,\)"):
        mean_absolute_difference(losses, [1])
