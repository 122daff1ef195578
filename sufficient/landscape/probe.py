"""The ladder of bounds on every object's curvature, from the exact norm up to Theorem 1 as printed.

exact ≤ activation ≤ corrected ≤ corrected_common holds for every network and object; the printed rungs may
lie below the exact norm (`sufficient.landscape.bounds` says when and why). M networks, B objects, L layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sufficient.landscape import bounds
from sufficient.landscape.bounds import LayerNorms
from sufficient.landscape.curvature import gterm_norms, layer_inputs


@dataclass(frozen=True)
class Ladder:
    """The G-term norm of B objects under each of M networks and the bounds on it, double precision.

    All norms of the G-term are in nats per squared unit of parameter.
    """

    exact: Tensor  # (M, B) ‖FᵀAF‖₂
    activation: Tensor  # (M, B) bound with each object's measured ‖x^(p)‖₂
    corrected: Tensor  # (M, B) bound with each object's ‖x‖₂ and per-layer ‖W_p‖₂
    corrected_common: Tensor  # (M, B) the same with one common M_W
    printed: Tensor  # (M,) Theorem 1 as printed: M_x is the largest ‖x‖₂ of the network's B objects
    printed_own: Tensor  # (M, B) the same formula with M_x = ‖x‖₂ of each object itself
    input_norms: Tensor  # (M, B) ‖x‖₂
    norms: LayerNorms  # (M, L) ‖W_p‖₂ and ‖β_p‖₂


def layer_norms(weights: Sequence[Tensor], biases: Sequence[Tensor]) -> LayerNorms:
    """Return ‖W_p‖₂ and ‖β_p‖₂ of M networks, (M, L) each, from (M, in, out) and (M, 1, out)."""
    spectral = torch.stack([_spectral(W.double()) for W in weights], dim=1)
    if not biases:
        return LayerNorms(spectral)
    lengths = [torch.linalg.vector_norm(b.double(), dim=(1, 2)) for b in biases]
    return LayerNorms(spectral, torch.stack(lengths, dim=1))


def _spectral(W: Tensor) -> Tensor:
    """Return ‖W‖₂ of each matrix, (M,): the root of the smaller Gram matrix's largest eigenvalue."""
    gram = W.mT @ W if W.shape[1] >= W.shape[2] else W @ W.mT
    eigenvalues: Tensor = torch.linalg.eigvalsh(gram)
    return eigenvalues[:, -1].clamp(min=0).sqrt()


@torch.no_grad()
def ladder(weights: Sequence[Tensor], biases: Sequence[Tensor], x: Tensor) -> Ladder:
    """Return the ladder of M networks, weights (M, in, out), biases (M, 1, out) or none, at x (M, B, n).

    Computed in double precision whatever the dtype given, so that rounding breaks no inequality; its cost
    is a few times 10 µs per network and object. All B objects are held at once: meant for about 1,000.
    """
    weights, biases, x = [W.double() for W in weights], [b.double() for b in biases], x.double()
    norms = layer_norms(weights, biases)
    measured = [torch.linalg.vector_norm(a, dim=2) for a in layer_inputs(weights, biases, x)[:-1]]
    own = measured[0]  # (M, B)
    return Ladder(
        exact=gterm_norms(weights, biases, x),
        activation=bounds.activation(torch.stack(measured, dim=2), norms),
        corrected=bounds.corrected(own, norms),
        corrected_common=bounds.corrected(own, norms.common()),
        printed=bounds.printed(own.amax(dim=1), norms.largest, layers=norms.layers),
        printed_own=bounds.printed(own, norms.largest[:, None], layers=norms.layers),
        input_norms=own,
        norms=norms,
    )
