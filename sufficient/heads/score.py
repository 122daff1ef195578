"""Losses, predictions and gradients of M fitted networks; memory bounded by chunks."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sufficient.heads.objects import Objects
from sufficient.heads.stack import Stack, forward, gradients


@dataclass(frozen=True)
class Scores:
    """What M networks make of n objects each."""

    losses: Tensor  # (M, n) cross-entropy, nats
    predicted: Tensor  # (M, n) class


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the loss of each object, (M, n), in nats, from logits (M, n, K) and labels (M, n)."""
    flat = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    return flat.view(labels.shape)


def score(stack: Stack, objects: Objects, index: Tensor) -> Scores:
    """Return losses and predicted classes of `index` (M, n): row m is scored by network m."""
    losses, predicted = [], []
    for piece in objects.chunks(index):
        logits = forward(stack, objects.gather(piece))[-1]
        losses.append(cross_entropy(logits, objects.labels[piece]))
        predicted.append(logits.argmax(dim=2))
    return Scores(torch.cat(losses, dim=1), torch.cat(predicted, dim=1))


def gradient_norm(stack: Stack, objects: Objects, index: Tensor) -> Tensor:
    """Return ‖∇L_k(θ)‖₂ of each network over its objects `index` (M, k), shape (M,)."""
    total = stack.of([torch.zeros_like(tensor) for tensor in stack.tensors])
    part = stack.of([torch.empty_like(tensor) for tensor in stack.tensors])
    for piece in objects.chunks(index):
        gradients(stack, objects.gather(piece), objects.labels[piece], part)
        for whole, share in zip(total.tensors, part.tensors, strict=True):
            whole.add_(share, alpha=piece.shape[1] / index.shape[1])
    return torch.stack([tensor.flatten(1).square().sum(dim=1) for tensor in total.tensors]).sum(dim=0).sqrt()


def distance(stack: Stack, other: Stack) -> Tensor:
    """Return ‖θ − θ'‖₂ of each pair of networks, shape (M,)."""
    pairs = zip(stack.tensors, other.tensors, strict=True)
    return torch.stack([(a - b).flatten(1).square().sum(dim=1) for a, b in pairs]).sum(dim=0).sqrt()
