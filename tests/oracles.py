"""The slow, obvious versions that the tests hold the fast ones against."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import Tensor, nn

from sufficient.heads.stack import Stack


def module_of(stack: Stack, model: int) -> nn.Sequential:
    """Return network `model` of a stack as plain torch modules."""
    layers: list[nn.Module] = []
    for p, W in enumerate(stack.weights):
        inputs, outputs = W.shape[1:]
        linear = nn.Linear(inputs, outputs, bias=bool(stack.biases), dtype=W.dtype)
        with torch.no_grad():
            linear.weight.copy_(W[model].T)
            if stack.biases:
                linear.bias.copy_(stack.biases[p][model, 0])
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def fit_alone(
    network: nn.Sequential,
    x: Tensor,
    y: Tensor,
    *,
    fitted: Tensor,
    validated: Tensor,
    generator: torch.Generator,
    lr: float,
    batch_size: int,
    patience: int,
    cap: int,
) -> tuple[nn.Sequential, float, int]:
    """Fit one network with early stopping, by autograd and a plain loop; return it at its best."""
    size = len(fitted)
    every = max(-(-size // batch_size), 20)
    adam = torch.optim.Adam(network.parameters(), lr=lr)
    criterion = nn.CrossEntropyLoss()

    def validation() -> float:
        with torch.no_grad():
            return float(criterion(network(x[validated]), y[validated]))

    best, best_loss, best_update, stale, done = copy.deepcopy(network), validation(), 0, 0, 0
    pending: list[Tensor] = []
    while done < cap and stale < patience:
        if not pending:
            order = fitted[torch.randperm(size, generator=generator)]
            pending = list(order.split(batch_size))
        batch = pending.pop(0)
        adam.zero_grad()
        criterion(network(x[batch]), y[batch]).backward()
        adam.step()
        done += 1
        if done % every == 0 or done == cap:
            loss = validation()
            stale += 1
            if loss < best_loss:
                best, best_loss, best_update, stale = copy.deepcopy(network), loss, done, 0
    return best, best_loss, best_update


def blobs(
    count: int, *, classes: int = 3, inputs: int = 5, noise: float = 1.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return Gaussian classes: features (N, d) float32 and labels (N,)."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(classes, inputs)) * 1.5
    labels = random.integers(classes, size=count)
    values = centres[labels] + noise * random.normal(size=(count, inputs))
    return values.astype(np.float32), labels.astype(np.int64)
