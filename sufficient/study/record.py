"""What a study leaves: everything asked later is a pure function of it. `store` puts it on disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sufficient.notice import Notice
from sufficient.study.shares import AnyShares, Index

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Stage:
    """One sample size with all its replicates, at θ_k. Losses in nats."""

    size: int  # k, objects fitted
    constant: Floats  # (R,) C_k^r = mean over held-out of |loss − train_loss|, nats
    variance: Floats  # (R,) variance over held-out of |loss − train_loss|, nats²
    train_loss: Floats  # (R,) L_k(θ_k)
    validation_loss: Floats  # (R,)
    unseen_loss: Floats  # (R,) mean over held-out
    accuracy: Floats  # (R,) share of held-out objects classified rightly
    updates: NDArray[np.int64]  # (R,) updates done until training stopped
    best_update: NDArray[np.int64]  # (R,) updates up to θ_k; 0: the initial weights were best
    capped: NDArray[np.bool_]  # (R,) the cap on updates ended the training
    gradient_norm: Floats  # (R,) ‖∇L_k(θ_k)‖₂
    largest_seen: Floats  # (R,) largest loss of a fitted object
    largest_unseen: Floats  # (R,) largest loss of a held-out object
    weight_norms: Floats  # (R, layers) ‖W_p‖₂
    norm_exact: Floats  # (R, probed) ‖FᵀAF‖₂ of some fitted, then some held-out objects
    norm_activation: Floats  # (R, probed) bounds on it, see `landscape.probe`
    norm_corrected: Floats  # (R, probed)
    norm_common: Floats  # (R, probed)
    norm_printed: Floats  # (R,) Theorem 1 as printed, M_x over the probed objects
    distance: Floats  # (R,) ‖θ_k − θ of the previous stage‖₂, NaN at the first
    dead: NDArray[np.bool_]  # (R,) the losses differ by less than 1e-6, and are not all below it
    unseen_losses: NDArray[
        np.float32
    ]  # (R, held_out then) of each held-out object, as `Record.held_out_objects` names them
    predicted: NDArray[np.int64]  # (R, held_out then) predicted class

    @property
    def live(self) -> NDArray[np.bool_]:
        """Replicates that count, shape (R,)."""
        return ~self.dead


@dataclass(frozen=True)
class Last:
    """What only the last stage keeps."""

    weights: dict[str, NDArray[np.float32]]  # "weight.0": (R, in, out), "bias.0": (R, 1, out)
    all_losses: NDArray[np.float32]  # (used,) replicate 0's loss on every used object, by object index
    sample: NDArray[np.float32]  # (R, few, inputs) held-out objects as each network sees them
    sample_labels: NDArray[np.int64]  # (R, few)


@dataclass(frozen=True)
class Record:
    """The one expensive thing."""

    options: dict[str, Any]  # every resolved option of the run
    shares: AnyShares
    labels: NDArray[np.int64]  # (used,)
    classes: tuple[str, ...]
    sizes: tuple[int, ...]  # the sizes planned, in order; stages hold those run
    objects: Index | None = None  # (used,) their numbers in the source of the data; None: 0, 1, 2, …
    groups: Index | None = None  # (used,) equal numbers stay on one side of every split; None: none do
    identities: NDArray[np.uint8] | None = None  # (used, 16) by which an extension knows objects again
    stages: tuple[Stage, ...] = ()
    last: Last | None = None
    notices: tuple[Notice, ...] = field(default=())
    data: dict[str, Any] = field(default_factory=dict)  # what was found, used and skipped
    features: dict[str, Any] = field(default_factory=dict)  # which, why, how scaled
    model: dict[str, Any] = field(default_factory=dict)  # what was fitted
    computed: dict[str, Any] = field(default_factory=dict)  # version, device and threads it was begun with

    def held_out_objects(self, stage: Stage) -> Index:
        """Return the objects that a stage's networks were scored on, in its order, shape (R, held_out then).

        An extension appends to the held-out shares; a stage that it re-uses knows the first ones.
        """
        held = stage.unseen_losses.shape[1]
        return np.stack([self.shares.held_out_objects(r)[:held] for r in range(self.shares.replicates)])

    @property
    def class_entropy(self) -> float:
        """Entropy of the class frequencies of all used objects, nats: the loss of knowing only those."""
        frequency = np.bincount(self.labels) / len(self.labels)
        frequency = frequency[frequency > 0]
        return float(-(frequency * np.log(frequency)).sum())
