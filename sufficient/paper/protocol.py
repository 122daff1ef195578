"""The paper's protocol, from its text and its authors' scripts; and what one sweep leaves.

*Unraveling the Hessian* (Kiselev, Grabovoy; arXiv 2409.11995), section 5: one training on the first 10,000
objects, then the mean of |L_{k+1}(θ̂) − L_k(θ̂)| over random orders of these same objects.
The figures' "L" counts the hidden-to-hidden maps: a network labelled L has L + 2 linear layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

OBJECTS = 10_000  # the first of the train split
EPOCHS, BATCH_SIZE, LEARNING_RATE = 10, 64, 1e-3  # Adam, no biases, torch's default Linear initialisation
SMOOTHING = 0.99  # of the exponential moving average in the figures, started at the first value
WIDTHS, LABELS = (4, 8, 16, 32, 64), (1, 3, 5, 7, 10)  # h, and "L" as the figures label it
DRAWN_LABEL, DRAWN_WIDTH = 5, 16  # the panel over h is drawn at this L, the panel over L at this h

DataSet = str  # "mnist", "fashionmnist", "cifar10", "cifar100", or a name of the user's
Mode = Literal["pixels", "cls", "pooler", "features"]  # features: a file of the user's


@dataclass(frozen=True)
class Network:
    """One of the 25 networks of a sweep."""

    hidden: int  # h
    label: int  # "L"

    @property
    def layers(self) -> int:
        """Number of linear layers."""
        return self.label + 2


NETWORKS = tuple(Network(hidden, label) for label in LABELS for hidden in WIDTHS)


@dataclass(frozen=True)
class Sweep:
    """What the 25 networks of one data set and mode leave, for every seed. Losses in nats, in-sample."""

    dataset: DataSet
    mode: Mode
    source: str  # where the objects came from: the SPEC, and which of its objects
    objects: int  # m
    classes: int
    seeds: tuple[int, ...]
    grid: NDArray[np.int64]  # (G,) values of k at which curves are kept, 1 … m − 10
    constant: NDArray[np.float64]  # (S, 25) C = mean |ℓ_i − L_m|: the whole curve is C/(k + 1)
    drawn: NDArray[np.float64]  # (S, 25, G) mean |d_k| over ORDERS orders, smoothed as in the figures
    accuracy: NDArray[np.float64]  # (S, 25) share of the m objects classified rightly
    largest_loss: NDArray[np.float64]  # (S, 25) M_ℓ
    dead: NDArray[np.bool_]  # (S, 25) flat, those right about every object included
    seconds: float  # of training, losses and curves

    @property
    def name(self) -> str:
        """The sweep's name in files and tables: `mnist-pixels`."""
        return f"{self.dataset}-{self.mode}"
