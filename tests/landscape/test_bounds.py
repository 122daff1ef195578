"""The ladder of bounds: what always holds, what the printed theorem misses, and by how much."""

import math
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from sufficient.landscape.bounds import (
    LayerNorms,
    activation,
    corrected,
    corrected_difference,
    printed,
    printed_difference,
)
from sufficient.landscape.curvature import gterm_norms, hessian_norms_of_stack, layer_inputs
from sufficient.landscape.probe import ladder, layer_norms

Tensors = list[Tensor]
THRESHOLD = 2**-0.75  # below this M_W Theorem 1 as printed may fail


def random_network(
    random: np.random.Generator, *, layers: int, bias: bool, norm: float | None, models: int = 2
) -> tuple[Tensors, Tensors, Tensor]:
    """Weights, biases and 5 inputs; every ‖W_p‖₂ is `norm`, or anything where it is None."""
    widths = [int(random.integers(1, 7)) for _ in range(layers)] + [int(random.integers(2, 7))]
    draw = lambda *shape: torch.from_numpy(random.standard_normal(shape))  # noqa: E731
    weights = [draw(models, a, b) * random.uniform(0.01, 2) for a, b in pairwise(widths)]
    if norm is not None:
        weights = [norm * W / torch.linalg.matrix_norm(W, ord=2)[:, None, None] for W in weights]
    biases = [draw(models, 1, b) for b in widths[1:]] if bias else []
    return weights, biases, random.uniform(0, 5) * draw(models, 5, widths[0])


def below(smaller: Tensor, larger: Tensor) -> bool:
    return bool((smaller <= larger * (1 + 1e-9) + 1e-15).all())


@given(
    st.integers(0, 10**6),
    st.integers(1, 4),
    st.booleans(),
    st.sampled_from([None, 1e-3, 0.15, 0.5, 1.0, 3.0]),
)
def test_the_ladder_holds_for_every_network(seed, layers, bias, norm):
    random = np.random.default_rng(seed)
    rungs = ladder(*random_network(random, layers=layers, bias=bias, norm=norm))
    assert (rungs.exact >= 0).all()
    assert below(rungs.exact, rungs.activation)
    assert below(rungs.activation, rungs.corrected)
    assert below(rungs.corrected, rungs.corrected_common)
    if norm is not None:  # all layers alike: M_W is every layer's own
        np.testing.assert_allclose(rungs.corrected, rungs.corrected_common, rtol=1e-9)


@given(st.integers(0, 10**6), st.integers(1, 4))
def test_the_printed_bound_holds_from_its_threshold_on(seed, layers):
    """M_W ≥ 2^(−3/4) and no biases: √2 M_W² ≥ ½ covers the lost factor."""
    random = np.random.default_rng(seed)
    network = random_network(random, layers=layers, bias=False, norm=random.uniform(THRESHOLD, 3))
    rungs = ladder(*network)
    assert below(rungs.corrected_common, rungs.printed_own)
    assert below(rungs.printed_own, rungs.printed[:, None].expand_as(rungs.printed_own))


def test_dead_units_and_a_dead_network_stay_on_the_ladder():
    random = np.random.default_rng(0)
    weights, _, x = random_network(random, layers=3, bias=False, norm=1.0)
    half = [weights[0].clone(), *weights[1:]]
    half[0][:, :, 0] = 0.0
    dead = [-weights[0].abs(), *weights[1:]]
    for case, objects in ((half, x), (dead, x.abs())):
        rungs = ladder(case, [], objects)
        assert below(rungs.exact, rungs.activation)
        assert below(rungs.activation, rungs.corrected)
    assert rungs.exact.abs().max() == 0  # the dead network
    tail = rungs.norms.weights[:, 1:].prod(dim=1, keepdim=True)
    np.testing.assert_allclose(
        rungs.activation, (rungs.input_norms * tail) ** 2 / 2, rtol=1e-12
    )  # p = 1 alone
    assert (rungs.activation < rungs.corrected).all()  # measured inputs see that it is dead, norms do not


def test_every_rung_equals_its_sum_written_out():
    """Three layers with biases against the formulas of the docstrings, term by term."""
    random = np.random.default_rng(3)
    weights, biases, x = random_network(random, layers=3, bias=True, norm=None, models=1)
    rungs = ladder(weights, biases, x)
    w = [float(np.linalg.svd(W[0].numpy(), compute_uv=False)[0]) for W in weights]
    b = [float(np.linalg.norm(beta)) for beta in biases]
    measured = [a[0].norm(dim=1).numpy() for a in layer_inputs(weights, biases, x)[:-1]]

    def summed(a, w):
        return ((a[0] ** 2 + 1) * w[1] ** 2 * w[2] ** 2 + (a[1] ** 2 + 1) * w[2] ** 2 + (a[2] ** 2 + 1)) / 2

    def bounded(w):
        a1 = measured[0]
        a2 = w[0] * a1 + b[0]
        return [a1, a2, w[1] * a2 + b[1]]

    np.testing.assert_allclose(rungs.activation[0], summed(measured, w), rtol=1e-12)
    np.testing.assert_allclose(rungs.corrected[0], summed(bounded(w), w), rtol=1e-12)
    common = [max(w)] * 3
    np.testing.assert_allclose(rungs.corrected_common[0], summed(bounded(common), common), rtol=1e-12)
    M = max(w)
    series = M**2 * (M**6 - 1) / (M**2 - 1)
    own = 3 * math.sqrt(2) * measured[0] ** 2 * M**6 + math.sqrt(2) * series
    np.testing.assert_allclose(rungs.printed_own[0], own, rtol=1e-10)
    np.testing.assert_allclose(rungs.printed[0], own.max(), rtol=1e-10)
    np.testing.assert_allclose(rungs.input_norms[0], measured[0], rtol=1e-12)
    np.testing.assert_allclose(rungs.exact, gterm_norms(weights, biases, x), rtol=1e-12)


def test_the_rungs_without_biases_leave_the_ones_out():
    random = np.random.default_rng(4)
    weights, _, x = random_network(random, layers=2, bias=False, norm=0.5, models=1)
    own = x[0].norm(dim=1).numpy()
    expected = (own**2 * 0.5**2 + (0.5 * own) ** 2) / 2
    np.testing.assert_allclose(ladder(weights, [], x).corrected[0], expected, rtol=1e-12)


def test_printed_at_one_is_the_limit_of_the_series():
    """M_W = 1: the quotient is 0/0, the sum is L."""
    one, norms = torch.ones(1, dtype=torch.double), torch.tensor([3.0], dtype=torch.double)
    assert printed(norms, one, layers=4).item() == pytest.approx(math.sqrt(2) * (4 * 9 + 4), rel=1e-15)


def test_printed_of_one_layer_is_the_papers_separate_case():
    """√2 M_W² (M_x² + 1), as the paper states for L = 1."""
    M, x = torch.tensor([0.7], dtype=torch.double), torch.tensor([2.0], dtype=torch.double)
    assert printed(x, M, layers=1).item() == pytest.approx(math.sqrt(2) * 0.49 * 5, rel=1e-15)


def test_printed_is_violated_by_one_small_layer():
    """K = 5, ‖x‖² = 5.0, M_W = 0.15: the exact norm is 1.00, Theorem 1 as printed allows 0.19."""
    W = 0.15 * torch.eye(5, dtype=torch.double)[None]
    x = torch.ones(1, 1, 5, dtype=torch.double)  # equal logits: p = 1/5, ‖diag(p) − ppᵀ‖ = 1/5
    rungs = ladder([W], [], x)
    full = hessian_norms_of_stack([W], [], x, torch.tensor([[0]])).item()
    assert rungs.printed.item() == pytest.approx(math.sqrt(2) * 0.15**2 * 6, rel=1e-12)  # 0.19
    assert rungs.exact.item() == pytest.approx(1.0, rel=1e-12)
    assert full == pytest.approx(rungs.exact.item(), rel=1e-9)  # by another road: no slip of the fast one
    assert rungs.exact.item() > 5 * rungs.printed.item()
    assert rungs.exact.item() <= rungs.activation.item() == pytest.approx(2.5, rel=1e-12)  # ½ ‖x‖²


def test_printed_is_violated_by_many_random_networks_all_with_small_weights():
    random = np.random.default_rng(11)
    found = []  # M_W of the networks with an object above Theorem 1's bound
    for _ in range(300):
        layers, norm = int(random.integers(1, 5)), random.uniform(0.01, 1)
        weights, _, x = random_network(random, layers=layers, bias=False, norm=norm, models=1)
        rungs = ladder(weights, [], x)
        if (rungs.exact > rungs.printed[:, None] * (1 + 1e-9)).any():
            found.append(norm)
        assert below(rungs.exact, rungs.corrected_common)
    assert len(found) == pytest.approx(37, abs=2)
    assert max(found) < THRESHOLD


def test_layer_norms_are_numpys():
    random = np.random.default_rng(2)
    weights, biases, _ = random_network(random, layers=3, bias=True, norm=None)
    norms = layer_norms(weights, biases)
    for m in range(2):
        expected = [np.linalg.norm(W[m].numpy(), 2) for W in weights]
        np.testing.assert_allclose(norms.weights[m], expected, rtol=1e-12)
        np.testing.assert_allclose(norms.biases[m], [np.linalg.norm(b[m]) for b in biases], rtol=1e-12)
    np.testing.assert_allclose(norms.largest, norms.weights.max(dim=1).values)
    assert norms.layers == 3
    assert layer_norms(weights, []).biases is None


def test_single_precision_networks_are_measured_in_double():
    weights, biases, x = random_network(np.random.default_rng(5), layers=3, bias=True, norm=1.0)
    rungs = ladder([W.float() for W in weights], [b.float() for b in biases], x.float())
    assert rungs.exact.dtype == rungs.printed.dtype == torch.double
    np.testing.assert_allclose(rungs.exact, ladder(weights, biases, x).exact, rtol=1e-3)


def test_activation_and_corrected_agree_where_nothing_is_lost():
    """One layer: the measured input is the input."""
    norms = LayerNorms(torch.tensor([[2.0]], dtype=torch.double))
    x = torch.tensor([[1.0, 3.0]], dtype=torch.double)
    assert corrected(x, norms).tolist() == activation(x[:, :, None], norms).tolist() == [[0.5, 4.5]]


def test_lemma_1_by_hand():
    """k = 9, M_ℓ = 2, M_H = 3, R = 2: 2 (2 + 12)/10 as printed, (2 + 6)/10 as corrected."""
    given_ = {"largest_loss": 2.0, "hessian_bound": 3.0, "radius": 2.0}
    assert printed_difference(9, **given_) == pytest.approx(2.8, rel=1e-15)
    assert corrected_difference(9, **given_) == pytest.approx(0.8, rel=1e-15)
    sizes = np.array([1, 9, 99])
    np.testing.assert_allclose(corrected_difference(sizes, largest_loss=[2, 3, 4]), [1, 0.3, 0.04])
    np.testing.assert_allclose(printed_difference(sizes, largest_loss=2), [2, 0.4, 0.04])


@given(st.lists(st.floats(0, 50), min_size=2, max_size=20))
def test_lemma_1_at_the_fitted_point_holds_for_any_losses(losses):
    k = len(losses) - 1
    difference = abs(np.mean(losses) - np.mean(losses[:-1]))
    assert difference <= corrected_difference(k, largest_loss=max(losses)) * (1 + 1e-9) + 1e-12


def test_lemma_1_corrected_holds_on_exact_quadratics():
    """Quadratic losses with a common minimum: the lemma's own assumptions, so the bound must hold."""
    random = np.random.default_rng(0)
    for _ in range(100):
        count, size = int(random.integers(2, 8)), 3
        roots = random.standard_normal((count, size, size))
        H = roots @ roots.transpose(0, 2, 1)
        at_minimum = random.uniform(0, 2, count)
        step = random.standard_normal(size) * random.uniform(0, 3)
        losses = at_minimum + 0.5 * np.einsum("a,iab,b->i", step, H, step)
        difference = abs(losses.mean() - losses[:-1].mean())
        bound = corrected_difference(
            count - 1,
            largest_loss=at_minimum.max(),
            hessian_bound=np.linalg.norm(H, 2, axis=(1, 2)).max(),
            radius=np.linalg.norm(step),
        )
        assert difference <= bound * (1 + 1e-12)


def test_the_bounds_load_no_torch():
    """A stored study is judged from its recorded norms in well under a second."""
    code = "import sys, sufficient.landscape.bounds; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
