"""Upper bounds on each object's G-term norm (Theorem 1) and on the loss difference (Lemma 1).

Source: "Unraveling the Hessian" (Kiselev & Grabovoy), sections 4.1, 4.2, A.2 and A.3. Each bound is given
as printed and as corrected:

- Theorem 1, weights. ∂z/∂z^(p) = W^(L) D^(L−1) W^(L−1) … W^(p+1) D^(p): its norm is at most the product of
  ‖W_s‖ over s > p. The proof takes it over s ≥ p, one factor M_W² too many, so the printed bound fails
  for small weights; only for M_W < 2^(−3/4), because √2 M_W² ≥ ½ covers the lost factor elsewhere.
- Theorem 1, softmax. ‖diag(p) − ppᵀ‖₂ ≤ ½ (Gershgorin: twice p_i (1 − p_i) ≤ ¼); the proof uses √2.
- Theorem 1, biases. They move the inputs of later layers; the proof leaves them out.
- Lemma 1. The displayed formula puts R² on its last term only; the proof has it on all of M_H. The proof
  also drops Taylor's ½, and adds two numbers that are never negative where |a − b| ≤ max(a, b) is enough.

| symbol | meaning |
| --- | --- |
| M, B, L | networks, objects, linear layers |
| W_p, β_p | weights and bias vector of layer p = 1 … L |
| b_p | 1 where layer p has a bias vector, else 0 |
| M_W | the largest ‖W_p‖₂ of a network |
| M_x | the largest ‖x‖₂ of the objects |
| x^(p), a_p | input of layer p; a bound on its norm: a_1 = ‖x‖, a_{p+1} = ‖W_p‖ a_p + ‖β_p‖ |
| M_ℓ | the largest loss of an object, seen or unseen, nats |
| M_H | the largest Hessian norm of an object, nats per squared unit of parameter |
| R | distance ‖θ − θ*‖₂ in parameter space |

Nothing here needs more than arithmetic, so this module loads no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LayerNorms:
    """What Theorem 1 needs to know of M networks."""

    weights: Tensor  # (M, L) spectral norm ‖W_p‖₂
    biases: Tensor | None = None  # (M, L) Euclidean norm ‖β_p‖₂; None: layers without bias vectors

    @property
    def layers(self) -> int:
        """Number of linear layers L."""
        return self.weights.shape[1]

    @property
    def largest(self) -> Tensor:
        """M_W of each network, (M,)."""
        return self.weights.amax(dim=1)

    def common(self) -> LayerNorms:
        """Return the same networks with every ‖W_p‖₂ replaced by M_W, as Theorem 1 does."""
        return LayerNorms(self.largest[:, None].expand_as(self.weights), self.biases)


def printed(input_norms: Tensor, weight_bounds: Tensor, *, layers: int) -> Tensor:
    """Return Theorem 1 as the paper prints it, elementwise in M_x and M_W; for small M_W it is no bound.

    `√2 L M_x² M_W^{2L} + √2 M_W² (M_W^{2L} − 1)/(M_W² − 1)`; the fraction is summed as
    M_W² + M_W⁴ + … + M_W^{2L}, so that M_W = 1 is no special case. Biases are left out, as in the theorem.
    """
    square = weight_bounds**2
    series = square
    for _ in range(layers - 1):
        series = square * (1 + series)
    return math.sqrt(2) * (layers * input_norms**2 * square**layers + series)


def corrected(input_norms: Tensor, norms: LayerNorms) -> Tensor:
    """Return `½ Σ_p (a_p² + b_p) Π_{s>p} ‖W_s‖²`, (M, B), from ‖x‖ (M, B): it holds for every network.

    With per-layer norms, or with one common M_W: pass `norms.common()`.
    """
    bound = input_norms  # a_p, (M, B)
    bounds = [bound]
    for p in range(norms.layers - 1):
        bound = norms.weights[:, p, None] * bound
        if norms.biases is not None:
            bound = bound + norms.biases[:, p, None]
        bounds.append(bound)
    return _sum_over_layers(bounds, norms)


def activation(layer_input_norms: Tensor, norms: LayerNorms) -> Tensor:
    """Return `½ Σ_p (‖x^(p)‖² + b_p) Π_{s>p} ‖W_s‖²`, (M, B): `corrected` with measured norms (M, B, L)."""
    return _sum_over_layers([layer_input_norms[:, :, p] for p in range(norms.layers)], norms)


def _sum_over_layers(input_norms: list[Tensor], norms: LayerNorms) -> Tensor:
    bias = 0 if norms.biases is None else 1
    total = input_norms[-1] ** 2 + bias  # p = L: an empty product
    product = norms.weights[:, -1, None] ** 2  # Π_{s>p}, (M, 1)
    for p in reversed(range(norms.layers - 1)):
        total = total + (input_norms[p] ** 2 + bias) * product
        product = product * norms.weights[:, p, None] ** 2
    return total / 2


def printed_difference(
    sizes: ArrayLike, *, largest_loss: ArrayLike, hessian_bound: ArrayLike = 0.0, radius: ArrayLike = 0.0
) -> Floats:
    """Return Lemma 1 as its proof gives it, `2 (M_ℓ + M_H R²)/(k + 1)`, nats, one value a size k.

    It bounds |L_{k+1}(θ) − L_k(θ)| for ‖θ − θ*‖₂ ≤ R. All arguments broadcast.
    """
    loss, curvature, r = (np.asarray(v, dtype=np.float64) for v in (largest_loss, hessian_bound, radius))
    return np.asarray(2 * (loss + curvature * r**2) / _following(sizes))


def corrected_difference(
    sizes: ArrayLike, *, largest_loss: ArrayLike, hessian_bound: ArrayLike = 0.0, radius: ArrayLike = 0.0
) -> Floats:
    """Return `(M_ℓ + ½ M_H R²)/(k + 1)`, nats, one value a size k: Lemma 1 with Taylor's ½ and |a − b| ≤ max.

    With R = 0, at the fitted point, M_ℓ/(k + 1) always holds. With R > 0 it rests on zero gradients at θ*
    (the paper's Assumption 1) and on the second-order expansion with the G-term, so it is approximate.
    """
    loss, curvature, r = (np.asarray(v, dtype=np.float64) for v in (largest_loss, hessian_bound, radius))
    return np.asarray((loss + curvature * r**2 / 2) / _following(sizes))


def _following(sizes: ArrayLike) -> Floats:
    return np.asarray(sizes, dtype=np.float64) + 1
