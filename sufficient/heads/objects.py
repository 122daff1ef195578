"""Objects resident on one device, gathered by index; columns standardised per model where asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

CHUNK_BYTES = 64 * 2**20  # of gathered inputs at a time: above this nothing gets faster, memory grows


@dataclass(frozen=True)
class Objects:
    """All objects of a study; nothing is copied to the device again."""

    values: Tensor  # (N, d) float
    labels: Tensor  # (N,) int64
    mean: Tensor | None = None  # (M, 1, d), of each model's fitted objects
    scale: Tensor | None = None  # (M, 1, d)

    @property
    def device(self) -> torch.device:
        """Where the objects live."""
        return self.values.device

    def gather(self, index: Tensor) -> Tensor:
        """Return the inputs of `index` (M, B), shape (M, B, d)."""
        rows = self.values.index_select(0, index.reshape(-1)).view(*index.shape, -1)
        if self.mean is None or self.scale is None:
            return rows
        return rows.sub_(self.mean).div_(self.scale)

    def standardised(self, fitted: Tensor) -> Objects:
        """Return the objects with each model's columns scaled by its own fitted objects (M, k).

        Columns that are constant in a prefix are centred and left at their scale.
        """
        means, scales = [], []
        for index in fitted:
            rows = self.values.index_select(0, index)
            deviation = rows.std(dim=0, correction=0)
            means.append(rows.mean(dim=0))
            scales.append(torch.where(deviation > 0, deviation, torch.ones_like(deviation)))
        return Objects(self.values, self.labels, torch.stack(means)[:, None], torch.stack(scales)[:, None])

    def models(self, rows: Tensor | slice) -> Objects:
        """Return the objects as some of the models see them."""
        if self.mean is None or self.scale is None:
            return self
        return Objects(self.values, self.labels, self.mean[rows], self.scale[rows])

    def chunks(self, index: Tensor) -> Iterator[Tensor]:
        """Yield `index` (M, n) in pieces along n whose gathered inputs fit CHUNK_BYTES."""
        models, columns = len(index), self.values.shape[1]
        step = max(1, CHUNK_BYTES // (models * columns * self.values.element_size()))
        yield from torch.split(index, step, dim=1)
