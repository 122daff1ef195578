"""The face of this room: fit M networks on M subsets, and say what each loses on any object.

A study knows whatever it trains by two verbs, `fit` and `score`, and by what it records of the networks:
losses of one of them on everything, gradient norms, weights. Another learner offers the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from sufficient.heads import score as scoring
from sufficient.heads.fit import FitOptions, Fitted, Watch, fit
from sufficient.heads.objects import Objects
from sufficient.heads.stack import Architecture, Stack, initial_stack

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Heads:
    """Fully connected heads over objects resident on a device."""

    architecture: Architecture
    options: FitOptions
    objects: Objects
    standardise: bool = False  # columns by each model's own fitted objects

    @classmethod
    def over(
        cls,
        values: NDArray[np.float32],
        labels: Index,
        *,
        architecture: Architecture,
        options: FitOptions,
        device: torch.device,
        standardise: bool = False,
    ) -> Heads:
        """Return the learner over features (N, d) and labels (N,), moved to the device once."""
        objects = Objects(torch.from_numpy(values).to(device), torch.from_numpy(labels).to(device))
        return cls(architecture, options, objects, standardise)

    def fit(
        self,
        fitted: Index,
        validated: Index,
        *,
        initial: Sequence[torch.Generator],
        order: Sequence[torch.Generator],
        watch: Watch,
    ) -> tuple[Fitted, Heads]:
        """Return M networks fitted on `fitted` (M, k), and the learner that sees objects as they do."""
        index = self._index(fitted)
        view = self.objects.standardised(index) if self.standardise else self.objects
        stack = initial_stack(self.architecture, initial).to(self.objects.device)
        networks = fit(stack, view, index, self._index(validated), order, self.options, watch)
        return networks, Heads(self.architecture, self.options, view, self.standardise)

    def score(self, stack: Stack, index: Index) -> scoring.Scores:
        """Return losses and predictions of network m on the objects `index[m]`, shapes (M, n)."""
        return scoring.score(stack, self.objects, self._index(index))

    def score_one(self, stack: Stack, model: int, index: Index) -> scoring.Scores:
        """Return losses and predictions of one network on the objects `index` (n,), shapes (1, n)."""
        rows = slice(model, model + 1)
        return scoring.score(stack.rows(rows), self.objects.models(rows), self._index(index[None]))

    def inputs(self, index: Index) -> torch.Tensor:
        """Return the objects `index` (M, n) as network m sees them, shape (M, n, inputs)."""
        return self.objects.gather(self._index(index))

    def gradient_norm(self, stack: Stack, index: Index) -> torch.Tensor:
        """Return ‖∇L_k(θ)‖₂ of each network over `index` (M, k), shape (M,)."""
        return scoring.gradient_norm(stack, self.objects, self._index(index))

    def _index(self, index: Index) -> torch.Tensor:
        return torch.from_numpy(index).to(self.objects.device)
