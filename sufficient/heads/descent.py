"""Adam on weights whose gradients are written by a function; on CUDA one step is one launch.

Nothing here waits for the device: the loop around it looks at results only where it must.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from sufficient.heads.capture import captured

# The moments of a unit that never fires decay by 0.9 an update, after 800 into numbers so small that a CPU
# takes ten times as long for them. Swept to 0 below 1e-30 every 100 updates they never get there, and a step
# that is 1e-22 at most is lost.
SWEEP_BELOW, SWEEP_EVERY = 1e-30, 100

Moments = list[
    dict[str, Tensor]
]  # a tensor's `step`, `exp_avg` and `exp_avg_sq`, in the order of the tensors


class Descent:
    """One fused Adam over `tensors`; `write_gradients(batch)` fills their `gradients` from object indices."""

    def __init__(
        self,
        tensors: Sequence[Tensor],
        gradients: Sequence[Tensor],
        write_gradients: Callable[[Tensor], None],
        *,
        lr: float,
        moments: Moments | None = None,
    ) -> None:
        self.tensors = tuple(tensors)
        self.device = self.tensors[0].device
        for tensor, gradient in zip(self.tensors, gradients, strict=True):
            tensor.grad = gradient
        self.adam = torch.optim.Adam(self.tensors, lr=lr, fused=True, capturable=self.device.type == "cuda")
        if moments is not None:
            for tensor, state in zip(self.tensors, moments, strict=True):
                self.adam.state[tensor] = state
        self._write_gradients = write_gradients
        self._steps: dict[torch.Size, tuple[Tensor, Callable[[], None]]] = {}
        self._done = 0

    def step(self, batch: Tensor) -> None:
        """Take one step on a batch of object indices; batches of one shape share one captured step."""
        if batch.shape not in self._steps:
            self._steps[batch.shape] = self._prepared(batch)
        indices, take = self._steps[batch.shape]
        indices.copy_(batch)
        take()
        self._done += 1
        if self._done % SWEEP_EVERY == 0:
            for state in self.adam.state.values():
                mean = state["exp_avg"]
                mean.copy_(torch.nn.functional.hardshrink(mean, SWEEP_BELOW))

    def moments(self, rows: Tensor) -> Moments:
        """Return copies of Adam's moments of some rows of every tensor; the step count is common to all."""
        return [
            {name: value if name == "step" else value[rows].clone() for name, value in state.items()}
            for state in (self.adam.state[tensor] for tensor in self.tensors)
        ]

    def _prepared(self, batch: Tensor) -> tuple[Tensor, Callable[[], None]]:
        indices = batch.clone()

        def take() -> None:
            self._write_gradients(indices)
            self.adam.step()

        return indices, captured(take, self.device, self._snapshot)

    def _snapshot(self) -> Callable[[], None]:
        """Return a function that puts weights and moments back to what they are now, where they are."""
        weights = [tensor.clone() for tensor in self.tensors]
        states = [
            {name: value.clone() for name, value in self.adam.state.get(tensor, {}).items()}
            for tensor in self.tensors
        ]

        def undo() -> None:
            for tensor, weight, state in zip(self.tensors, weights, states, strict=True):
                tensor.copy_(weight)
                for name, value in self.adam.state[tensor].items():
                    value.copy_(state[name]) if state else value.zero_()

        return undo
