"""Networks of different widths and depths trained at once, as one stack of zero-padded ones.

Symbols: C networks (configurations) × S seeds · B objects · K classes · H the largest width. Networks are
kept in order of falling depth, so that those with a p-th hidden map are the first ones; axis order is
(network, seed). The first layer is one product per seed, since the networks of a seed see the same batch:

- first   (S, n, Σh): the first layers of all networks of a seed, side by side, without padding
- hidden  one tensor per depth p, (C_p · S, H, H): the p-th hidden-to-hidden maps, zero where a width ends
- last    (C · S, H, K)

A padded weight has an input or an output that is always 0, so its gradient, Adam's moments and its step are
exactly 0: it stays 0. No biases: the paper's networks have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class Ragged:
    """Which networks there are: `widths[c]` units in each hidden layer, `maps[c]` hidden-to-hidden maps."""

    widths: tuple[int, ...]
    maps: tuple[int, ...]
    seeds: int
    inputs: int
    classes: int

    def __post_init__(self) -> None:
        """Depth must fall, so that the networks with a p-th map are a prefix."""
        if list(self.maps) != sorted(self.maps, reverse=True):
            raise ValueError("networks must be given in order of falling depth")

    @property
    def networks(self) -> int:
        """Number of configurations C."""
        return len(self.widths)

    @property
    def widest(self) -> int:
        """H."""
        return max(self.widths)

    def with_map(self, p: int) -> int:
        """Return C_p: how many networks have a p-th hidden map, p from 0."""
        return sum(count > p for count in self.maps)

    @cached_property
    def columns(self) -> Tensor:
        """Where the units of the padded networks stand in the first layer: (Σh,) indices into C · H."""
        return torch.cat(
            [network * self.widest + torch.arange(width) for network, width in enumerate(self.widths)]
        )


@dataclass(frozen=True)
class RaggedStack:
    """The weights; see the module for their shapes."""

    first: Tensor
    hidden: tuple[Tensor, ...]
    last: Tensor

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All tensors."""
        return (self.first, *self.hidden, self.last)

    def of(self, tensors: Sequence[Tensor]) -> RaggedStack:
        """Return a stack of other tensors in the order of `tensors`."""
        first, *hidden, last = tensors
        return RaggedStack(first, tuple(hidden), last)


def packed(shape: Ragged, weights: Sequence[Sequence[Sequence[Tensor]]]) -> RaggedStack:
    """Return the stack of plain networks: `weights[c][s]` lists network c's (in, out) matrices, seed s."""
    C, S, H = shape.networks, shape.seeds, shape.widest
    like = weights[0][0][0]
    first = torch.stack([torch.cat([weights[c][s][0] for c in range(C)], dim=1) for s in range(S)])
    hidden = []
    for p in range(max(shape.maps)):
        padded = like.new_zeros(shape.with_map(p), S, H, H)
        for c in range(shape.with_map(p)):
            h = shape.widths[c]
            for s in range(S):
                padded[c, s, :h, :h] = weights[c][s][p + 1]
        hidden.append(padded.flatten(0, 1))
    last = like.new_zeros(C, S, H, shape.classes)
    for c in range(C):
        for s in range(S):
            last[c, s, : shape.widths[c]] = weights[c][s][-1]
    return RaggedStack(first, tuple(hidden), last.flatten(0, 1))


def unpacked(shape: Ragged, stack: RaggedStack) -> list[list[list[Tensor]]]:
    """Return plain networks again: `[c][s]` lists the (in, out) matrices; what is padded is cut away."""
    networks, start = [], 0
    for c, h in enumerate(shape.widths):
        seeds = []
        for s in range(shape.seeds):
            row = c * shape.seeds + s
            maps = [stack.hidden[p][row, :h, :h] for p in range(shape.maps[c])]
            seeds.append([stack.first[s][:, start : start + h], *maps, stack.last[row, :h]])
        networks.append(seeds)
        start += h
    return networks


def forward(shape: Ragged, stack: RaggedStack, x: Tensor, columns: Tensor) -> list[Tensor]:
    """Return every layer's output for inputs `x` (S, B, n): [a_1, …, a_P, z].

    a_p (C_p · S, B, H) after ReLU, of the networks that have a p-th map (a_1: all); z (C · S, B, K).
    `columns`: `shape.columns` on the device of x.
    """
    S, B, _ = x.shape
    side_by_side = torch.bmm(x, stack.first).relu_()
    a = x.new_zeros(S, B, shape.networks * shape.widest)
    a.index_copy_(2, columns, side_by_side)
    a = a.view(S, B, shape.networks, shape.widest).permute(2, 0, 1, 3).reshape(-1, B, shape.widest)
    outputs = [a]
    for W in stack.hidden:
        outputs.append(torch.bmm(outputs[-1][: len(W)], W).relu_())
    outputs.append(torch.bmm(_deepest(outputs), stack.last))
    return outputs


def _deepest(activations: Sequence[Tensor]) -> Tensor:
    """Return each network's last hidden activation, (C · S, B, H): networks end at different depths."""
    parts, ended = [], 0
    for p in reversed(range(len(activations))):
        a = activations[p]
        parts.append(a[ended:])
        ended = len(a)
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def gradients(
    shape: Ragged, stack: RaggedStack, x: Tensor, labels: Tensor, columns: Tensor, into: RaggedStack
) -> None:
    """Write the gradient of every network's mean cross-entropy over its seed's batch `into` a stack.

    `x` (S, B, n), `labels` (S, B). Written out as in `heads.stack`.
    """
    S, B, _ = x.shape
    *activations, logits = forward(shape, stack, x, columns)
    G = torch.softmax(logits, dim=2)
    index = labels.repeat(shape.networks, 1).unsqueeze(2)
    G.scatter_add_(2, index, G.new_full((), -1.0).expand(*index.shape)).div_(B)
    torch.bmm(_deepest(activations).transpose(1, 2), G, out=into.last)
    ends = torch.bmm(G, stack.last.transpose(1, 2))  # ∂L/∂a at each network's last hidden layer
    G = ends[: len(activations[-1])]
    for p in reversed(range(len(stack.hidden))):
        W = stack.hidden[p]
        G = torch.ops.aten.threshold_backward(G, activations[p + 1], 0)
        torch.bmm(activations[p][: len(W)].transpose(1, 2), G, out=into.hidden[p])
        G = torch.bmm(G, W.transpose(1, 2))
        if len(activations[p]) > len(W):
            G = torch.cat([G, ends[len(W) : len(activations[p])]])
    G = torch.ops.aten.threshold_backward(G, activations[0], 0)
    G = G.view(shape.networks, S, B, shape.widest).permute(1, 2, 0, 3).reshape(S, B, -1)
    torch.bmm(x.transpose(1, 2), G.index_select(2, columns), out=into.first)
