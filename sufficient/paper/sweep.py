"""The 25 networks of a data set, for every seed, trained at once by the paper's protocol."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import lfilter
from torch import Tensor

from sufficient.device import full_float32
from sufficient.heads.descent import Descent
from sufficient.heads.fit import batches
from sufficient.heads.ragged import Ragged, RaggedStack, forward, gradients, packed
from sufficient.heads.score import cross_entropy
from sufficient.landscape.difference import ORDERS, flat, permuted_differences
from sufficient.paper.protocol import (
    BATCH_SIZE,
    EPOCHS,
    LEARNING_RATE,
    NETWORKS,
    SMOOTHING,
    Mode,
    Network,
    Sweep,
)
from sufficient.paper.published import published_grid
from sufficient.progress import CountProgress
from sufficient.study.keys import numpy_generator, torch_generator

ORDER = tuple(sorted(range(len(NETWORKS)), key=lambda c: -NETWORKS[c].label))  # the stack's, by falling depth
CURVE_POINTS = 160  # values of k at which curves are kept, evenly spaced in k and in log k
SCORED_AT_ONCE = 1_000  # objects


@dataclass(frozen=True)
class DeviceInputs:
    """The objects of one sweep, resident on the device; pixels stay bytes until they are used."""

    values: Tensor  # (m, d) uint8 pixels or float features
    labels: Tensor  # (m,)
    white: int | None  # the largest pixel value; None for features
    dtype: torch.dtype = torch.float32

    def gather(self, index: Tensor) -> Tensor:
        """Return inputs (S, B, d) of `index` (S, B): pixels in [−1, 1], features as they are."""
        rows = self.values.index_select(0, index.reshape(-1)).to(self.dtype)
        if self.white is not None:
            rows = rows.div_(self.white / 2).sub_(1)
        return rows.view(*index.shape, -1)


def train_sweep(
    values: NDArray[np.uint8] | NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    dataset: str,
    mode: Mode,
    source: str,
    classes: int,
    white: int | None,
    seeds: Sequence[int],
    device: torch.device,
    progress: CountProgress = lambda done, total: None,
) -> Sweep:
    """Return the sweep of one data set: pixels (m, d) uint8 with their `white`, or features (m, d) float."""
    began = time.perf_counter()
    inputs = DeviceInputs(torch.tensor(values, device=device), torch.tensor(labels, device=device), white)
    shape = ragged(NETWORKS, inputs=values.shape[1], classes=classes, seeds=len(seeds))
    start = initial(shape, seeds)
    start = start.of([tensor.to(device) for tensor in start.tensors])
    with full_float32(device):
        stack = train(shape, start, inputs, seeds, EPOCHS, progress)
        losses, right = score(shape, stack, inputs)
    back = np.argsort(ORDER)  # from the stack's order to that of NETWORKS
    losses, right = losses[back], right[back]  # (25, S, m)
    grid = curve_grid(len(labels))
    drawn = smoothed(permuted_differences(losses, ORDERS, random=numpy_generator("paper orders")))
    return Sweep(
        dataset=dataset,
        mode=mode,
        source=source,
        objects=len(labels),
        classes=classes,
        seeds=tuple(seeds),
        grid=grid,
        constant=np.abs(losses - losses.mean(axis=2, keepdims=True)).mean(axis=2).T,
        drawn=drawn[..., grid - 1].transpose(1, 0, 2),
        accuracy=right.mean(axis=2).T,
        largest_loss=losses.max(axis=2).T,
        dead=flat(losses).T,
        seconds=time.perf_counter() - began,
    )


def ragged(networks: Sequence[Network], *, inputs: int, classes: int, seeds: int) -> Ragged:
    """Return the shape of the stack that trains `networks`, in order of falling depth, for every seed."""
    order = sorted(range(len(networks)), key=lambda c: -networks[c].label)
    return Ragged(
        widths=tuple(networks[c].hidden for c in order),
        maps=tuple(networks[c].label for c in order),
        seeds=seeds,
        inputs=inputs,
        classes=classes,
    )


def initial(shape: Ragged, seeds: Sequence[int]) -> RaggedStack:
    """Return initial weights as torch's `Linear` draws them, keyed by seed, width and depth."""
    return packed(
        shape,
        [
            [_linear_layers(shape, width, maps, _generator("initial", seed, width, maps)) for seed in seeds]
            for width, maps in zip(shape.widths, shape.maps, strict=True)
        ],
    )


def _linear_layers(shape: Ragged, width: int, maps: int, generator: torch.Generator) -> list[Tensor]:
    widths = [shape.inputs, *[width] * (maps + 1), shape.classes]
    return [(torch.rand(a, b, generator=generator) * 2 - 1) * a**-0.5 for a, b in itertools.pairwise(widths)]


def train(
    shape: Ragged,
    stack: RaggedStack,
    inputs: DeviceInputs,
    seeds: Sequence[int],
    epochs: int,
    progress: CountProgress = lambda done, total: None,
) -> RaggedStack:
    """Return the stack after `epochs` of Adam; the networks of a seed see the same batches in one order."""
    stack = stack.of([tensor.to(inputs.dtype, copy=True) for tensor in stack.tensors])
    gradient = stack.of([torch.zeros_like(tensor) for tensor in stack.tensors])
    columns = shape.columns.to(stack.first.device)

    def write_gradients(batch: Tensor) -> None:
        gradients(shape, stack, inputs.gather(batch), inputs.labels[batch], columns, gradient)

    descent = Descent(stack.tensors, gradient.tensors, write_gradients, lr=LEARNING_RATE)
    generators = [_generator("batches", seed) for seed in seeds]
    objects = len(inputs.labels)
    updates = epochs * -(-objects // BATCH_SIZE)
    everything = torch.arange(objects, device=stack.first.device).expand(len(seeds), -1)
    for done, batch in enumerate(islice(batches(everything, BATCH_SIZE, generators), updates), start=1):
        descent.step(batch)
        progress(done, updates)
    return stack


def score(
    shape: Ragged, stack: RaggedStack, inputs: DeviceInputs
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the loss of every object and whether it is classified rightly, each (C, S, m)."""
    columns = shape.columns.to(stack.first.device)
    losses, right = [], []
    objects = torch.arange(len(inputs.labels), device=stack.first.device)
    for piece in torch.split(objects, SCORED_AT_ONCE):
        x = inputs.gather(piece[None]).expand(shape.seeds, -1, -1)
        logits = forward(shape, stack, x, columns)[-1]
        labels = inputs.labels[piece].expand(len(logits), -1)
        losses.append(cross_entropy(logits, labels).cpu())
        right.append((logits.argmax(dim=2) == labels).cpu())
    whole = (shape.networks, shape.seeds, -1)
    return torch.cat(losses, 1).double().view(whole).numpy(), torch.cat(right, 1).view(whole).numpy()


def smoothed(curves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the figures' exponential moving average along the last axis, started at the first value."""
    started = (SMOOTHING * curves[..., :1]).astype(np.float64)
    averaged, _ = lfilter([1 - SMOOTHING], [1, -SMOOTHING], curves, axis=-1, zi=started)
    return np.asarray(averaged)


def curve_grid(objects: int) -> NDArray[np.int64]:
    """Return the values of k at which curves are kept: up to m − 10, where the published ones end too."""
    last = max(objects - 10, 1)
    even = np.linspace(1, last, CURVE_POINTS // 2)
    logarithmic = np.geomspace(1, last, CURVE_POINTS // 2)
    known = [k for k in published_grid() if k <= last]
    return np.unique(np.concatenate([even, logarithmic, known]).round().astype(np.int64))


def _generator(purpose: str, *parts: int) -> torch.Generator:
    return torch_generator(f"paper {purpose}", *parts)
