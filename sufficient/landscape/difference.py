"""The paper's view: |L_{k+1}(θ̂) − L_k(θ̂)| along random orders of the losses, at one fixed θ̂.

Source: "Unraveling the Hessian" (Kiselev & Grabovoy), Lemma 1 and its experiments.

For every θ, exactly: d_k(θ) = L_{k+1}(θ) − L_k(θ) = (ℓ(θ; x_{k+1}) − L_k(θ)) / (k + 1).
So at a fixed θ̂ the whole curve is one number over k + 1, whether the network is trained or not.

| symbol | meaning |
| --- | --- |
| ℓ_i | loss of object i, nats |
| m | number of objects |
| L_k | mean loss of the first k objects of an order, nats |
| MAD | mean over i of |ℓ_i − L_m|, nats |
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

ORDERS = 100  # random orders whose differences are averaged, as in the paper
FLAT_SPREAD = 1e-6  # nats: max − min below which all losses of a network are the same
_CHUNK = 2_000_000  # losses permuted at once: 16 MB a buffer


def mean_absolute_difference(losses: ArrayLike, sizes: ArrayLike) -> Floats:
    """Return E|d_k| ≈ MAD / (k + 1) over random orders, one value a size, nats. Good for k ≳ 10."""
    ell = _as_losses(losses)
    mad = np.abs(ell - ell.mean()).mean()
    return np.asarray(mad / (np.asarray(sizes, dtype=np.float64) + 1))


def flat(losses: Floats) -> NDArray[np.bool_]:
    """Return which networks give every object the same loss, from their losses (…, objects) in nats."""
    told: NDArray[np.bool_] = losses.max(axis=-1) - losses.min(axis=-1) < FLAT_SPREAD
    return told


def permuted_differences(losses: ArrayLike, orders: int, *, random: np.random.Generator) -> Floats:
    """Return the mean of |d_k| over `orders` random orders for k = 1 … m − 1, shape (…, m − 1), nats.

    `losses` (m,), or (…, m): one row a network; all rows share the orders.
    """
    ell = np.asarray(losses, dtype=np.float64)
    m = _as_losses(ell.reshape(-1, ell.shape[-1])[0]).size
    k = np.arange(1, m, dtype=np.float64)
    rows = ell.reshape(-1, m)
    total = np.zeros((len(rows), m - 1))
    at_once = max(1, _CHUNK // m)
    for first in range(0, orders, at_once):
        count = min(at_once, orders - first)
        order = random.permuted(np.tile(np.arange(m, dtype=np.int32), (count, 1)), axis=1)  # (count, m)
        for row, sums in zip(rows, total, strict=True):
            ordered = row[order]
            steps = np.cumsum(ordered[:, :-1], axis=1)
            steps /= k
            np.subtract(ordered[:, 1:], steps, out=steps)
            sums += np.abs(steps, out=steps).sum(axis=0)
    return total.reshape(*ell.shape[:-1], m - 1) / (orders * (k + 1))


def _as_losses(losses: ArrayLike) -> Floats:
    ell = np.asarray(losses, dtype=np.float64)
    if ell.ndim != 1 or len(ell) < 2:
        raise ValueError(
            f"losses of shape {ell.shape}: a difference needs one vector of 2 losses or more; pass shape (m,)"
        )
    return ell
