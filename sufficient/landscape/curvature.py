"""How strongly each object bends the loss: exact spectral norms of its G-term and of its full Hessian.

Source: "Unraveling the Hessian" (Kiselev & Grabovoy), sections 3.3, 3.4 and 4. There H_i ≈ G-term = FᵀAF.
Its nonzero eigenvalues are those of RᵀSR, K × K, so no P × P and no K × P matrix is ever formed:

    S = F Fᵀ = Σ_p (‖x^(p)‖² + b_p) G^(p) G^(p)ᵀ,   G^(L) = I,   G^(p) = G^(p+1) W^(p+1) D^(p),
    A = R Rᵀ,   R = diag(√p) − p √pᵀ,   ‖FᵀAF‖₂ = λ_max(RᵀSR).

The paper writes the product of G^(p) up to D^(p) for p = L too; the last layer has no ReLU, so G^(L) = I.
It sets D = diag([z ≥ 0]); here D = diag([z > 0]), as torch differentiates ReLU.

| symbol | meaning |
| --- | --- |
| M, B, n, K, P | networks, objects, inputs, classes, parameters of one network |
| L; p as an index | number of linear layers; one of them |
| W^(p) | weights of layer p, (out, in): the transpose of `weights[p]` (M, in, out) |
| b_p | 1 where layer p has a bias vector, else 0 |
| x^(p), z^(p) | input and output of layer p; x^(1) = x, z^(L) = z the logits |
| D^(p) | diag([z^(p) > 0]) |
| G^(p) | ∂z/∂z^(p), (K, width of layer p) |
| F | ∂z/∂θ, (K, P) |
| p as a vector | softmax(z), (K,) |
| A | ∂²ℓ/∂z² = diag(p) − ppᵀ, (K, K) |

All norms are in nats per squared unit of parameter: those of the Hessian of a cross-entropy in nats.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor, nn
from torch.func import functional_call, grad, jacrev, vjp, vmap
from torch.nn.functional import cross_entropy

CHUNK_BYTES = 32 * 2**20  # of G^(p) and K × K matrices at a time: smaller ones cost a busy machine more
MODULE_CHUNK_BYTES = 64 * 2**20  # of Jacobians of any module: several passes share one call's overhead


def layer_inputs(weights: Sequence[Tensor], biases: Sequence[Tensor], x: Tensor) -> list[Tensor]:
    """Return [x^(1) = x, …, x^(L), z], each (M, B, width): every layer's input, then the logits."""
    inputs = [x]
    for p, W in enumerate(weights):
        z = torch.baddbmm(biases[p], inputs[p], W) if biases else torch.bmm(inputs[p], W)
        inputs.append(z if p == len(weights) - 1 else torch.relu(z))
    return inputs


@torch.no_grad()
def gterm_norms(
    weights: Sequence[Tensor],  # each (M, in, out)
    biases: Sequence[Tensor],  # each (M, 1, out), or none at all
    x: Tensor,  # (M, B, n)
    *,
    chunk_bytes: int = CHUNK_BYTES,
) -> Tensor:
    """Return ‖FᵀAF‖₂ of every network and object, exactly, (M, B), in the dtype of `x`; one network: M = 1.

    The K × K part is done in double precision, so that confident objects keep their digits.
    """
    classes, widest = weights[-1].shape[2], max(W.shape[1] for W in weights[1:] or weights[-1:])
    each = len(x) * classes * (2 * widest * x.element_size() + 4 * classes * 8)
    pieces = torch.split(x, max(1, chunk_bytes // each), dim=1)
    return torch.cat([_norms_of_piece(weights, biases, piece) for piece in pieces], dim=1)


def _norms_of_piece(weights: Sequence[Tensor], biases: Sequence[Tensor], x: Tensor) -> Tensor:
    *inputs, logits = layer_inputs(weights, biases, x)
    models, classes = len(x), logits.shape[2]
    factors = [torch.linalg.vector_norm(a, dim=2).square_()[..., None, None] for a in inputs]  # (M, B, 1, 1)
    if biases:
        factors = [factor + 1 for factor in factors]
    G = torch.eye(classes, dtype=x.dtype, device=x.device).expand(models, 1, classes, classes)
    S = factors[-1] * G  # (M, B, K, K)
    for p in reversed(range(len(weights) - 1)):
        G = G.flatten(1, 2) @ weights[p + 1].transpose(1, 2)  # (M, B · K, width); B = 1 after the last layer
        G = G.view(models, -1, classes, G.shape[2]) * (inputs[p + 1] > 0)[:, :, None]
        S.addcmul_(factors[p], G @ G.transpose(2, 3))
    return _largest_eigenvalue(S, logits).to(x.dtype)


def _largest_eigenvalue(S: Tensor, logits: Tensor) -> Tensor:
    """Return λ_max(RᵀSR), (…,), of S (…, K, K) and logits (…, K), in double precision.

    Where p_i is nearly 1, A loses the digits of 1 − p_i; in R they are next to nothing beside the other √p_j.
    """
    probabilities = torch.softmax(logits.double(), dim=-1)
    roots = probabilities.sqrt()
    R = torch.diag_embed(roots) - probabilities[..., :, None] * roots[..., None, :]
    eigenvalues: Tensor = torch.linalg.eigvalsh(R.transpose(-1, -2) @ S.double() @ R)
    return eigenvalues[..., -1].clamp(min=0)


@torch.no_grad()
def gterm_norms_of_module(module: nn.Module, x: Tensor, *, chunk_bytes: int = MODULE_CHUNK_BYTES) -> Tensor:
    """Return ‖FᵀAF‖₂ of each object of `x` (B, …) for any module from objects to logits, (B,).

    F is over the parameters that require a gradient. It is taken by K backward passes, vectorised over
    objects, and folded into S = FFᵀ at once. `module` must treat objects apart and draw nothing: set it to
    evaluation mode.
    """
    theta = {name: t.detach() for name, t in module.named_parameters() if t.requires_grad}

    def logits(theta: dict[str, Tensor], one: Tensor) -> tuple[Tensor, Tensor]:
        z = functional_call(module, theta, (one.unsqueeze(0),)).squeeze(0)
        return z, z

    jacobians = vmap(jacrev(logits, has_aux=True), in_dims=(None, 0))
    classes = len(logits(theta, x[0])[0])
    each = 2 * classes * sum(t.numel() * t.element_size() for t in theta.values())
    norms = []
    for piece in torch.split(x, max(1, chunk_bytes // each)):
        F, z = jacobians(theta, piece)  # per parameter (b, K, *shape), and (b, K)
        rows = [J.flatten(2) for J in F.values()]
        S = torch.stack([J @ J.transpose(1, 2) for J in rows]).sum(dim=0)
        norms.append(_largest_eigenvalue(S, z).to(z.dtype))
    return torch.cat(norms)


def hessian_norms(module: nn.Module, x: Tensor, labels: Tensor) -> Tensor:
    """Return ‖∇²ℓ_i‖₂ of each object of `x` (B, …) with `labels` (B,), shape (B,), double precision.

    The full Hessian over the parameters that require a gradient, by Hessian-vector products and Lanczos:
    tens of milliseconds an object, so for a sample. Pass a module in double precision for full accuracy.
    """
    theta = {name: t.detach() for name, t in module.named_parameters() if t.requires_grad}

    def norm(one: Tensor, label: Tensor) -> float:
        def loss(tensors: Sequence[Tensor]) -> Tensor:
            named = dict(zip(theta, tensors, strict=True))
            return cross_entropy(functional_call(module, named, (one.unsqueeze(0),)), label.unsqueeze(0))

        return _spectral_norm(loss, list(theta.values()))

    return torch.tensor([norm(*pair) for pair in zip(x, labels, strict=True)], dtype=torch.double)


def hessian_norms_of_stack(
    weights: Sequence[Tensor],  # each (M, in, out)
    biases: Sequence[Tensor],  # each (M, 1, out), or none at all
    x: Tensor,  # (M, B, n)
    labels: Tensor,  # (M, B)
) -> Tensor:
    """Return ‖∇²ℓ_i‖₂ of every network and object, (M, B), as `hessian_norms` does for one module."""
    layers = len(weights)

    def norm(m: int, i: int) -> float:
        def loss(tensors: Sequence[Tensor]) -> Tensor:
            z = layer_inputs(tensors[:layers], tensors[layers:], x[m : m + 1, i : i + 1])[-1]
            return cross_entropy(z[0], labels[m, i : i + 1])

        return _spectral_norm(loss, [t[m : m + 1].detach() for t in (*weights, *biases)])

    rows = [[norm(m, i) for i in range(x.shape[1])] for m in range(len(x))]
    return torch.tensor(rows, dtype=torch.double).view(x.shape[:2])


def _spectral_norm(loss: Callable[[Sequence[Tensor]], Tensor], at: Sequence[Tensor]) -> float:
    """Return the largest |eigenvalue| of the Hessian of `loss` at the tensors `at`."""
    theta = torch.cat([t.flatten() for t in at])

    def of_vector(vector: Tensor) -> Tensor:
        parts = torch.split(vector, [t.numel() for t in at])
        return loss([part.view_as(t) for part, t in zip(parts, at, strict=True)])

    product = vjp(grad(of_vector), theta)[1]  # one forward and backward pass serve every product

    def multiply(v: NDArray[np.float64]) -> NDArray[np.float64]:
        (Hv,) = product(torch.from_numpy(v.ravel()).to(theta))
        return np.asarray(Hv.cpu().double().numpy())

    start = np.random.default_rng(0).standard_normal(len(theta))  # fixed: the same answer at every call
    if not multiply(start).any():  # a dead network: ARPACK refuses a zero matrix
        return 0.0
    accuracy = torch.finfo(theta.dtype).eps ** 0.75  # what products of this dtype can resolve
    operator = LinearOperator((len(theta), len(theta)), matvec=multiply, dtype=np.float64)
    (largest,) = eigsh(operator, k=1, which="LM", v0=start, tol=accuracy, return_eigenvectors=False)
    return abs(float(largest))
