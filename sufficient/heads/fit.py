"""One Adam over a stack of networks, each stopped by its own validation loss and kept at its best.

The budget decides what a curve means: a fixed number of epochs leaves small samples untrained, a fixed
number of updates memorises them. Early stopping lets every sample size give its best network.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from sufficient.heads.descent import Descent, Moments
from sufficient.heads.objects import Objects
from sufficient.heads.score import cross_entropy, score
from sufficient.heads.stack import Stack, forward, gradients

KEEP_GATHERED_BYTES = 256 * 2**20  # validation inputs up to this size are gathered once, not at every check


@dataclass(frozen=True)
class FitOptions:
    """How a network is fitted; the reasons for the defaults stand with `StudyOptions`."""

    lr: float = 1e-3
    batch_size: int = 64
    patience: int = 10  # checks without improvement
    max_updates: int | None = None  # None: 200 epochs or 20,000 updates, whichever is larger

    def updates_per_epoch(self, size: int) -> int:
        """Return ⌈k / batch⌉."""
        return math.ceil(size / self.batch_size)

    def check_every(self, size: int) -> int:
        """Return the number of updates between two looks at the validation loss."""
        return max(self.updates_per_epoch(size), 20)

    def cap(self, size: int) -> int:
        """Return the number of updates after which training ends in any case."""
        return self.max_updates or max(200 * self.updates_per_epoch(size), 20_000)


@dataclass(frozen=True)
class Fitted:
    """Each network at its best validation loss."""

    stack: Stack
    validation_loss: Tensor  # (M,) nats
    updates: Tensor  # (M,) updates done
    best_update: Tensor  # (M,) updates up to the best weights; 0 = the initial weights were best
    capped: Tensor  # (M,) bool, the cap ended the training


Watch = Callable[[int, int], None]  # (updates done, networks still training); may raise to abandon the fit


def batches(fitted: Tensor, batch_size: int, generators: Sequence[torch.Generator]) -> Iterator[Tensor]:
    """Yield batches of `fitted` (M, k), shape (M, ≤ batch), epoch after epoch, each model in its order."""
    size = fitted.shape[1]
    while True:
        order = torch.stack([torch.randperm(size, generator=generator) for generator in generators])
        yield from torch.split(fitted.gather(1, order.to(fitted.device)), batch_size, dim=1)


class _Training:
    """The networks that still train, with their optimiser; rows leave together when they stop."""

    def __init__(self, stack: Stack, objects: Objects, validated: Tensor, options: FitOptions) -> None:
        self.options = options
        self.objects = objects
        self.validated = validated
        inputs = validated.numel() * objects.values.shape[1] * objects.values.element_size()
        self.inputs = objects.gather(validated) if inputs <= KEEP_GATHERED_BYTES else None
        self._start(stack.rows(slice(None)), moments=None)

    def _start(self, stack: Stack, moments: Moments | None) -> None:
        gradient = stack.of([torch.zeros_like(tensor) for tensor in stack.tensors])
        objects = self.objects

        def write_gradients(batch: Tensor) -> None:
            gradients(stack, objects.gather(batch), objects.labels[batch], gradient)

        self.stack = stack
        self.descent = Descent(
            stack.tensors, gradient.tensors, write_gradients, lr=self.options.lr, moments=moments
        )

    def update(self, batch: Tensor) -> None:
        """Take one Adam step on a batch (M, B) of object indices."""
        self.descent.step(batch)

    def validation_loss(self) -> Tensor:
        """Return the mean loss on each network's validation objects, shape (M,), nats."""
        if self.inputs is None:
            return score(self.stack, self.objects, self.validated).losses.mean(dim=1)
        logits = forward(self.stack, self.inputs)[-1]
        return cross_entropy(logits, self.objects.labels[self.validated]).mean(dim=1)

    def keep(self, rows: Tensor) -> None:
        """Go on with some of the networks; their moments and step count go with them."""
        moments = self.descent.moments(rows)
        self.objects = self.objects.models(rows)
        self.validated = self.validated[rows]
        self.inputs = None if self.inputs is None else self.inputs[rows]
        self._start(self.stack.rows(rows), moments)


def fit(
    stack: Stack,
    objects: Objects,
    fitted: Tensor,
    validated: Tensor,
    generators: Sequence[torch.Generator],
    options: FitOptions,
    watch: Watch = lambda updates, training: None,
) -> Fitted:
    """Return the stack fitted on `fitted` (M, k), each network at the best loss on `validated` (M, v).

    `generators` draw each network's batch order. A network whose validation loss has not improved for
    `patience` checks is frozen. `watch` is called at every check.
    """
    size = fitted.shape[1]
    every, cap = options.check_every(size), options.cap(size)
    training = _Training(stack, objects, validated, options)
    active = torch.arange(stack.models, device=fitted.device)
    best = stack.rows(slice(None))
    best_loss = training.validation_loss()
    best_update, updates = torch.zeros_like(active), torch.zeros_like(active)
    stale = torch.zeros_like(active)
    source = batches(fitted, options.batch_size, generators)
    done = 0
    while done < cap and len(active):
        for batch in islice(source, min(every, cap - done)):
            training.update(batch if len(active) == len(batch) else batch[active])
            done += 1
        loss = training.validation_loss()
        improved = loss < best_loss[active]
        better = active[improved]
        for kept, now in zip(best.tensors, training.stack.tensors, strict=True):
            kept[better] = now[improved]
        best_loss[better], best_update[better] = loss[improved], done
        updates[active] = done
        stale[active] += 1
        stale[better] = 0
        watch(done, len(active))
        going = stale[active] < options.patience
        if not bool(going.all()):
            active = active[going]
            if len(active):
                training.keep(going.nonzero().flatten())
    capped = torch.zeros_like(stale, dtype=torch.bool)
    capped[active] = True
    return Fitted(best, best_loss, updates, best_update, capped)
