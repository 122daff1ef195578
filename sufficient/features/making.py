"""The pass: a pretrained model's features of listed images, decoded beside the model, kept in the cache."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sufficient.data.labelled import ImageSet
from sufficient.errors import DataError
from sufficient.features.cache import Entry, entry
from sufficient.features.compute import Halving
from sufficient.features.made import DIGEST_BYTES, NOTHING, Gathered, Made, Reason, joined
from sufficient.features.pace import Pace
from sufficient.features.workers import (
    Outcome,
    Preparation,
    Prepared,
    Refused,
    computed,
    deaths_told,
    prepared,
    workers_for,
)
from sufficient.machine import usable_cpus
from sufficient.notice import Notice
from sufficient.rounding import counted

if TYPE_CHECKING:
    from sufficient.features.backbone import Backbone

FeaturesProgress = Callable[[int, int, float], None]  # (done, total, images a second; 0: not known yet)

GPU_BATCH = 64  # images: ViT-base's matrices then have 12,608 rows, which keep a large GPU busy
CPU_BATCH = 8  # images a thread: measured, 106 a second by 16 on two threads, 91 by 4, 84 by 32
LARGEST_CPU_BATCH = 64  # images
FORKED = ("transformers", "torchvision")  # networks that may run in a forked process; a user's own may not
SHARD_OBJECTS, SHARD_SECONDS = 1024, 10.0  # whichever comes first: what a killed pass may lose


class Maker:
    """Makes the rows of objects, or takes them from the cache where they were made before.

    A row is made in a batch of as many images as the machine and the device say, whatever is skipped between.
    """

    def __init__(
        self,
        images: ImageSet,
        backbone: Backbone,
        *,
        device: torch.device,
        progress: FeaturesProgress | None = None,
    ) -> None:
        self._images, self._backbone, self._device = images, backbone, device
        self._dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        self._progress = progress
        self._halving = Halving(backbone.name, device, first_batch(device))
        self._width: int | None = None  # numbers in a row, once one is there
        self._entry: Entry | None = None
        self._opened = False

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What there is to say of the cache so far."""
        return () if self._entry is None else tuple(self._entry.notices)

    def make(self, objects: NDArray[np.int64]) -> Made:
        """Return what comes of the objects (n,), in this order.

        Raises DataError for a row that is not finite and for what the reader refuses, ResourceError where
        one image does not fit into memory or the system kills a process.
        """
        gathered = Gathered(objects)
        if (cache := self._cache()) is not None:
            for part in cache.found(objects):
                if len(part.objects):
                    self._of_one_width(part.rows)
                gathered.take(part)
        missing = gathered.missing()
        if len(missing):
            with deaths_told():
                self._pass(missing, gathered, total=len(objects))
            if cache is not None:
                cache.make_room()
        return gathered.made()

    def _cache(self) -> Entry | None:
        if not self._opened:
            self._opened = True
            self._entry = entry(self._images, self._backbone, self._dtype)
        return self._entry

    def _pass(self, objects: NDArray[np.int64], gathered: Gathered, *, total: int) -> None:
        """Gather what comes of objects that nothing is known of; kept in the cache as it is made."""
        unkept: list[Made] = []
        saved, pace = time.monotonic(), Pace()
        done = total - len(objects)
        try:
            with closing(self._batches(objects)) as batches:
                for part in batches:
                    gathered.take(part)
                    unkept.append(part)
                    done += len(part)
                    now = time.monotonic()
                    if self._progress is not None:
                        self._progress(done, total, pace(done, now))
                    if sum(map(len, unkept)) >= SHARD_OBJECTS or now - saved >= SHARD_SECONDS:
                        self._keep(unkept)
                        saved = now
        finally:
            self._keep(unkept)  # also where the pass was stopped

    def _keep(self, unkept: list[Made]) -> None:
        if self._entry is not None and unkept:
            self._entry.add(joined(unkept))
        unkept.clear()

    def _batches(self, objects: NDArray[np.int64]) -> Generator[Made, None, None]:
        """Yield what comes of the objects, a batch of the model at a time; to be closed: it has processes."""
        preparation = Preparation(self._images, self._backbone)
        workers, size = workers_for(len(objects)), self._halving.size
        if workers and self._device.type == "cpu" and self._backbone.identity.get("kind") in FORKED:
            batch = min(size, CPU_BATCH)
            yield from computed(preparation, objects.tolist(), self._made_of, workers=workers, batch=batch)
            return
        waiting, refused = list[Prepared](), dict[int, Reason]()
        with closing(prepared(preparation, objects.tolist(), workers=workers, batch=size)) as outcomes:
            for outcome in outcomes:
                if isinstance(outcome, Refused):
                    refused[outcome.index] = outcome.reason
                    continue
                waiting.append(outcome)
                if len(waiting) == size:
                    yield self._made(waiting, refused)
                    waiting, refused = [], {}
        if waiting or refused:
            yield self._made(waiting, refused)

    def _made_of(self, outcomes: Sequence[Outcome]) -> Made:
        refused = {one.index: one.reason for one in outcomes if isinstance(one, Refused)}
        return self._made([one for one in outcomes if isinstance(one, Prepared)], refused)

    def _made(self, batch: Sequence[Prepared], refused: dict[int, Reason]) -> Made:
        if not batch:
            return Made(NOTHING.objects, NOTHING.rows, NOTHING.digests, NOTHING.marks, refused)
        rows = self._rows([image.value for image in batch])
        if not (finite := np.isfinite(rows).all(axis=1)).all():
            name = self._images.name_of(batch[int(np.argmin(finite))].index)
            raise DataError(
                f"--features {self._backbone.name} gives values that are not finite for {name}, so no head "
                "can be fitted on them; its checkpoint is damaged or overflows: take another model."
            )
        digests = np.zeros((len(batch), DIGEST_BYTES), np.uint8)
        for place, image in enumerate(batch):
            if image.digest is not None:
                digests[place] = np.frombuffer(image.digest, np.uint8)
        return Made(
            np.array([image.index for image in batch], np.int64),
            rows,
            digests,
            np.array([image.marks for image in batch], np.uint8),
            refused,
        )

    def _rows(self, values: list[object]) -> NDArray[np.float32]:
        """Return the rows (len(values), d)."""

        def compute(batch: list[object]) -> Tensor:
            return self._backbone.rows(batch, self._device, self._dtype)

        return np.concatenate([self._of_one_width(rows) for rows in self._halving.rows(values, compute)])

    def _of_one_width(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the rows; raises DataError where earlier ones had another number of numbers."""
        width = rows.shape[1]
        self._width = self._width or width
        if width != self._width:
            remade = "" if self._entry is None else ", or give it another `identity` where it was changed"
            raise DataError(
                f"--features {self._backbone.name} returned rows of {counted(width, 'number')} where "
                f"earlier ones had {self._width:,}; mend the function{remade}."
            )
        return rows


def first_batch(device: torch.device) -> int:
    """Return how many images the model takes at a time, while memory allows."""
    if device.type == "cpu":
        return min(CPU_BATCH * max(2, min(torch.get_num_threads(), usable_cpus())), LARGEST_CPU_BATCH)
    return GPU_BATCH
