"""M fully connected networks as one stack: weights, forward pass and exact gradients.

Symbols: M models · B objects · K classes · p = 1…layers · W_p (M, in, out) · b_p (M, 1, out) ·
a_p input of layer p, a_1 = x · z logits. ReLU after every layer but the last.
The gradients are written out because their buffers can then be reused: through autograd one step of a
stack of eight 784-64-64-10 networks takes 1.4 times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Architecture:
    """A fully connected network: `layers` linear maps, `layers − 1` hidden layers of `hidden` units."""

    inputs: int
    classes: int
    hidden: int = 64
    layers: int = 3
    bias: bool = False

    @property
    def widths(self) -> tuple[int, ...]:
        """Units from input to output: (inputs, hidden, …, classes)."""
        return (self.inputs, *[self.hidden] * (self.layers - 1), self.classes)

    @property
    def parameters(self) -> int:
        """Number of weights and biases of one network."""
        pairs = zip(self.widths, self.widths[1:], strict=False)
        return sum(a * b + (b if self.bias else 0) for a, b in pairs)


@dataclass(frozen=True)
class Stack:
    """The weights of M networks of one architecture."""

    weights: tuple[Tensor, ...]  # each (M, in, out)
    biases: tuple[Tensor, ...] = ()  # each (M, 1, out), or none at all

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All tensors, weights first; each has the model as its first axis."""
        return self.weights + self.biases

    @property
    def models(self) -> int:
        """Number of networks."""
        return len(self.weights[0])

    def of(self, tensors: Sequence[Tensor]) -> Stack:
        """Return a stack of other tensors in the order of `tensors`."""
        return Stack(tuple(tensors[: len(self.weights)]), tuple(tensors[len(self.weights) :]))

    def rows(self, models: Tensor | slice) -> Stack:
        """Return a copy of some of the networks."""
        return self.of([tensor[models].clone() for tensor in self.tensors])

    def to(self, device: torch.device | str) -> Stack:
        """Return the stack on a device."""
        return self.of([tensor.to(device) for tensor in self.tensors])


def initial_stack(architecture: Architecture, generators: Sequence[torch.Generator]) -> Stack:
    """Return one network per generator, drawn as torch's `Linear` draws: U(−1/√in, 1/√in)."""
    shapes = list(zip(architecture.widths, architecture.widths[1:], strict=False))
    drawn = []
    for generator in generators:
        weights = [_uniform((a, b), a, generator) for a, b in shapes]
        biases = [_uniform((1, b), a, generator) for a, b in shapes] if architecture.bias else []
        drawn.append(weights + biases)
    stacked = [torch.stack(tensors) for tensors in zip(*drawn, strict=True)]
    return Stack(tuple(stacked[: len(shapes)]), tuple(stacked[len(shapes) :]))


def _uniform(shape: tuple[int, int], inputs: int, generator: torch.Generator) -> Tensor:
    limit = inputs**-0.5
    return torch.rand(shape, generator=generator).mul_(2 * limit).sub_(limit)


def forward(stack: Stack, x: Tensor) -> list[Tensor]:
    """Return [a_1 = x, a_2, …, z]: every layer's input, then the logits; each (M, B, ·)."""
    inputs = [x]
    last = len(stack.weights) - 1
    for p, W in enumerate(stack.weights):
        z = torch.baddbmm(stack.biases[p], inputs[p], W) if stack.biases else torch.bmm(inputs[p], W)
        inputs.append(z if p == last else z.relu_())
    return inputs


def gradients(stack: Stack, x: Tensor, labels: Tensor, into: Stack) -> None:
    """Write the gradient of every network's mean cross-entropy over B objects `into` a stack.

    `x` (M, B, in), `labels` (M, B). With G_p = ∂L/∂z_p: ∂L/∂W_p = a_pᵀ G_p, G_{p−1} = (G_p W_pᵀ) ⊙ [a_p > 0].
    """
    *inputs, logits = forward(stack, x)
    G = torch.softmax(logits, dim=2)
    G.scatter_add_(2, labels.unsqueeze(2), G.new_full((), -1.0).expand(*labels.shape, 1))
    G.div_(labels.shape[1])
    for p in reversed(range(len(stack.weights))):
        torch.bmm(inputs[p].transpose(1, 2), G, out=into.weights[p])
        if stack.biases:
            torch.sum(G, dim=1, keepdim=True, out=into.biases[p])
        if p > 0:
            G = torch.bmm(G, stack.weights[p].transpose(1, 2))
            G = torch.ops.aten.threshold_backward(G, inputs[p], 0)  # ⊙ [a_p > 0], as autograd does it
