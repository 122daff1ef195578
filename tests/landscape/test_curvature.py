"""The K × K recursion against matrices formed in full, closed forms, autograd's Hessian and curvlinops."""

import math
import warnings
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import eigsh
from torch import Tensor, nn
from torch.func import functional_call, hessian, jacrev
from torch.nn.functional import cross_entropy

from sufficient.heads.stack import Stack
from sufficient.landscape import curvature
from sufficient.landscape.curvature import (
    gterm_norms,
    gterm_norms_of_module,
    hessian_norms,
    hessian_norms_of_stack,
    layer_inputs,
)
from tests.oracles import module_of


def network(
    widths: tuple[int, ...], *, models: int = 1, bias: bool = False, scale: float = 1.0, seed: int = 0
) -> Stack:
    """Networks with normal weights in double precision."""
    random = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=random, dtype=torch.double)  # noqa: E731
    pairs = list(pairwise(widths))
    weights = tuple(scale * draw(models, a, b) / math.sqrt(a) for a, b in pairs)
    return Stack(weights, tuple(draw(models, 1, b) for _, b in pairs) if bias else ())


def inputs(stack: Stack, objects: int, seed: int = 1) -> Tensor:
    shape = (stack.models, objects, stack.weights[0].shape[1])
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def full_gterm_norm(module: nn.Module, one: Tensor) -> float:
    """‖FᵀAF‖₂ of one object with F (K, P) and FᵀAF (P, P) both formed."""
    theta = {name: t.detach() for name, t in module.named_parameters()}
    z = module(one[None])[0].detach()
    jacobian = jacrev(lambda theta: functional_call(module, theta, (one[None],))[0])(theta)
    F = torch.cat([J.flatten(1) for J in jacobian.values()], dim=1)
    p = torch.softmax(z, dim=0)
    apart = torch.outer(p, p).fill_diagonal_(0)
    A = (
        torch.diag(apart.sum(dim=1)) - apart
    )  # diag(p) − ppᵀ without 1 − p, whose digits go where p is nearly 1
    return float(torch.linalg.matrix_norm(F.T @ A @ F, ord=2))


def full_hessian(module: nn.Module, one: Tensor, label: Tensor) -> Tensor:
    """∇²ℓ of one object, (P, P), by torch.func.hessian."""
    names = [name for name, _ in module.named_parameters()]
    tensors = [t.detach() for t in module.parameters()]
    sizes = [t.numel() for t in tensors]

    def loss(vector: Tensor) -> Tensor:
        parts = torch.split(vector, sizes)
        theta = {n: part.view_as(t) for n, part, t in zip(names, parts, tensors, strict=True)}
        return cross_entropy(functional_call(module, theta, (one[None],)), label[None])

    return hessian(loss)(torch.cat([t.flatten() for t in tensors]))


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("widths", [(4, 3), (4, 5, 3), (4, 5, 6, 3), (3, 2, 6, 2, 5)])
def test_gterm_norms_equal_the_matrices_formed_in_full(widths, bias):
    stack = network(widths, models=3, bias=bias)
    x = inputs(stack, 4)
    expected = [[full_gterm_norm(module_of(stack, m), one) for one in x[m]] for m in range(3)]
    found = gterm_norms(stack.weights, stack.biases, x)
    assert found.shape == (3, 4)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


@given(st.integers(0, 10**6), st.integers(1, 4), st.booleans(), st.floats(0.05, 4))
def test_gterm_norms_equal_the_matrices_for_any_network(seed, layers, bias, scale):
    stack = network((3, *[4] * (layers - 1), 3), bias=bias, scale=scale, seed=seed)
    x = inputs(stack, 1, seed)
    expected = full_gterm_norm(module_of(stack, 0), x[0, 0])
    assert gterm_norms(stack.weights, stack.biases, x).item() == pytest.approx(expected, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("bias", [False, True])
def test_softmax_regression_has_the_closed_form(bias):
    """One layer: FᵀAF is (diag p − ppᵀ) ⊗ xxᵀ, so its norm is ‖x‖² (+ 1 with a bias) ‖diag p − ppᵀ‖."""
    stack = network((6, 5), bias=bias)
    x = inputs(stack, 7)
    p = torch.softmax(layer_inputs(stack.weights, stack.biases, x)[-1], dim=2)[0]
    augmented = torch.cat([x[0], torch.ones(7, 1, dtype=x.dtype)], dim=1) if bias else x[0]
    expected = [
        torch.linalg.matrix_norm(torch.kron(torch.diag(q) - torch.outer(q, q), torch.outer(a, a)), ord=2)
        for q, a in zip(p, augmented, strict=True)
    ]
    found = gterm_norms(stack.weights, stack.biases, x)[0]
    np.testing.assert_allclose(found, torch.stack(expected), rtol=1e-12)


def test_gterm_is_the_full_hessian_of_one_linear_layer():
    stack = network((5, 4), models=2, bias=True)
    x, labels = inputs(stack, 3), torch.tensor([[0, 3, 1], [2, 2, 0]])
    full = hessian_norms_of_stack(stack.weights, stack.biases, x, labels)
    np.testing.assert_allclose(gterm_norms(stack.weights, stack.biases, x), full, rtol=1e-9)


def test_two_classes_and_a_confident_object_keep_their_digits():
    """p = (1 − 1e-13, 1e-13): the norm is 2 p₁ p₂ ‖x‖², whose digits A formed in full has lost."""
    logit = -math.log(1e-13)
    W = torch.tensor([[[logit, 0.0]]], dtype=torch.double)
    found = gterm_norms([W], [], torch.ones(1, 1, 1, dtype=torch.double)).item()
    assert found == pytest.approx(2e-13, rel=1e-12)


def test_relu_at_zero_passes_nothing_as_in_torch():
    stack = Stack((torch.ones(1, 2, 1).double(), torch.tensor([[[2.0, -1.0]]]).double()))
    x = torch.tensor([[[1.0, -1.0]]], dtype=torch.double)  # z^(1) = 0 exactly
    assert gterm_norms(stack.weights, (), x).item() == 0.0
    assert full_gterm_norm(module_of(stack, 0), x[0, 0]) == 0.0


def test_single_precision_keeps_its_dtype_and_six_digits():
    stack = network((50, 16, 16, 10), models=2)
    x = inputs(stack, 200)
    double = gterm_norms(stack.weights, (), x)
    single = gterm_norms([W.float() for W in stack.weights], (), x.float())
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single, double, rtol=2e-5)


@pytest.mark.parametrize("bias", [False, True])
def test_chunks_change_nothing(bias):
    stack = network((6, 5, 5, 4), models=2, bias=bias)
    x = inputs(stack, 11)
    whole = gterm_norms(stack.weights, stack.biases, x)
    pieces = gterm_norms(stack.weights, stack.biases, x, chunk_bytes=10_000)  # a few objects each
    np.testing.assert_allclose(pieces, whole, rtol=1e-13)
    one_by_one = gterm_norms(stack.weights, stack.biases, x, chunk_bytes=1)
    np.testing.assert_allclose(one_by_one, whole, rtol=1e-13)
    module = module_of(stack, 1)
    np.testing.assert_allclose(gterm_norms_of_module(module, x[1], chunk_bytes=1), whole[1], rtol=1e-12)


def test_any_module_convolutional_too():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Flatten(), nn.Linear(8, 3)).double()
    x = torch.randn(3, 1, 4, 4, dtype=torch.double)
    expected = [full_gterm_norm(module, one) for one in x]
    np.testing.assert_allclose(gterm_norms_of_module(module, x), expected, rtol=1e-12)


def test_frozen_parameters_of_a_module_do_not_count():
    stack = network((4, 5, 3), bias=True)
    module, x = module_of(stack, 0), inputs(stack, 4)[0]
    for t in module[0].parameters():
        t.requires_grad_(False)
    with torch.no_grad():
        features = module[:2](x)
    head = gterm_norms_of_module(module[2], features)
    np.testing.assert_allclose(gterm_norms_of_module(module, x), head, rtol=1e-12)
    labels = torch.tensor([0, 1, 2, 0])
    np.testing.assert_allclose(hessian_norms(module, x, labels), head, rtol=1e-9)


@pytest.mark.filterwarnings("ignore:.torch.jit.script:FutureWarning")  # torch's own forward mode
@pytest.mark.parametrize("bias", [False, True])
def test_hessian_norms_equal_autograds_hessian(bias):
    stack = network((4, 5, 5, 3), models=2, bias=bias)
    x, labels = inputs(stack, 3), torch.tensor([[0, 1, 2], [2, 2, 0]])
    full = [[full_hessian(module_of(stack, m), x[m, i], labels[m, i]) for i in range(3)] for m in range(2)]
    expected = torch.stack([torch.linalg.matrix_norm(torch.stack(row), ord=2) for row in full])
    found = hessian_norms_of_stack(stack.weights, stack.biases, x, labels)
    np.testing.assert_allclose(found, expected, rtol=1e-8)
    np.testing.assert_allclose(hessian_norms(module_of(stack, 1), x[1], labels[1]), expected[1], rtol=1e-8)
    assert (gterm_norms(stack.weights, stack.biases, x) / expected - 1).abs().max() > 0.01  # two numbers


def test_a_dead_network_has_no_curvature():
    stack = Stack((-torch.ones(1, 3, 2).double(), torch.ones(1, 2, 2).double()))
    x = torch.ones(1, 2, 3, dtype=torch.double)
    assert gterm_norms(stack.weights, (), x).tolist() == [[0.0, 0.0]]
    assert hessian_norms_of_stack(stack.weights, (), x, torch.tensor([[0, 1]])).tolist() == [[0.0, 0.0]]


@pytest.mark.filterwarnings("ignore:.torch.jit.script:FutureWarning")
def test_equal_to_lanczos_on_curvlinops_operator():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what its own dependencies warn of when they are imported
        from curvlinops import GGNLinearOperator
    stack = network((6, 8, 8, 4), bias=True)
    module, x = module_of(stack, 0), inputs(stack, 3)[0]
    found = gterm_norms(stack.weights, stack.biases, x[None])[0]
    for i, one in enumerate(x):
        data = [(one[None], torch.tensor([1]))]
        operator = GGNLinearOperator(
            module, nn.CrossEntropyLoss(), list(module.parameters()), data, check_deterministic=False
        )
        (largest,) = eigsh(operator.to_scipy(), k=1, which="LM", return_eigenvectors=False)
        assert found[i].item() == pytest.approx(float(largest), rel=1e-10)


def test_no_object_gives_no_norm():
    stack = network((6, 5, 4), models=2)
    assert gterm_norms(stack.weights, (), inputs(stack, 0)).shape == (2, 0)


def test_weights_that_require_a_gradient_are_welcome():
    W = torch.randn(1, 3, 2, dtype=torch.double, requires_grad=True)
    x = torch.randn(1, 2, 3, dtype=torch.double)
    assert not curvature.gterm_norms([W], (), x).requires_grad
    assert hessian_norms_of_stack([W], (), x, torch.tensor([[0, 1]])).shape == (1, 2)
