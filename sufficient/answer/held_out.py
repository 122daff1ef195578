"""What each stage's networks were scored on, and how much of it replicates share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sufficient.answer.interval import kappa, shared_held_out
from sufficient.study.record import Floats, Record, Stage
from sufficient.study.shares import Index


class HeldOut:
    """The held-out objects of a record's stages; each held-out share is looked up once."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self._objects: dict[int, Index] = {}  # by the number held out
        self._shared: dict[int, Floats] = {}

    def objects(self, stage: Stage) -> Index:  # (live, held_out)
        """Return the numbers of the objects that live replicates were scored on."""
        count = stage.unseen_losses.shape[1]
        if count not in self._objects:
            self._objects[count] = self.record.held_out_objects(stage)
        return self._objects[count][stage.live]

    def wrong(self, stage: Stage) -> NDArray[np.bool_]:  # (live, held_out)
        """Return which of them were told wrongly."""
        told: NDArray[np.bool_] = stage.predicted[stage.live] != self.record.labels[self.objects(stage)]
        return told

    def overlap(self, stage: Stage) -> float:
        """Return κ of the stage, see `interval`; at least 2 replicates must live."""
        count = stage.unseen_losses.shape[1]
        if count not in self._shared:
            self._shared[count] = shared_held_out(self.record.shares, count)
        return kappa(self.record.shares, self._shared[count], stage.live, held_out=count)
