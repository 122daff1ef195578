"""The pass: a pretrained model's features of listed images, decoded beside the model, kept in the cache."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from sufficient.data.labelled import ImageSet
from sufficient.errors import DataError
from sufficient.features.cache import Entry, entry
from sufficient.features.compute import does_not_fit, out_of_memory
from sufficient.features.made import DIGEST_BYTES, NOTHING, Made, Reason, joined
from sufficient.features.workers import (
    Outcome,
    Preparation,
    Prepared,
    Refused,
    computed,
    deaths_told,
    prepared,
    usable_cpus,
    workers_for,
)
from sufficient.notice import Notice

if TYPE_CHECKING:
    from sufficient.features.backbone import Backbone

FeaturesProgress = Callable[[int, int, float], None]  # (done, total, images per second)

GPU_BATCH = 64  # images: ViT-base's matrices then have 12,608 rows, which keep a large GPU busy
CPU_BATCH = 8  # images a thread: measured, 106 a second by 16 on two threads, 91 by 4, 84 by 32
LARGEST_CPU_BATCH = 64  # images
FORKED = ("transformers", "torchvision")  # networks that may run in a forked process; a user's own may not
SHARD_OBJECTS, SHARD_SECONDS = 1024, 20.0  # whichever comes first: what a killed pass may lose


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
        self._batch = first_batch(device)
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
        known = self._known(objects)
        missing = objects[~np.isin(objects, np.concatenate([known.objects, _numbers(known.skipped)]))]
        if len(missing) == 0:
            return known.of(objects)
        with deaths_told():
            new = self._passed(missing, total=len(objects))
        if self._entry is not None:
            self._entry.make_room()
        return joined([known, new]).of(objects)

    def _known(self, objects: NDArray[np.int64]) -> Made:
        if not self._opened:
            self._opened = True
            self._entry = entry(self._images, self._backbone, self._dtype)
        return NOTHING if self._entry is None else self._entry.of(objects)

    def _passed(self, objects: NDArray[np.int64], *, total: int) -> Made:
        """Return what comes of objects that nothing is known of; kept in the cache as it is made."""
        parts, kept = [], 0
        began = saved = time.monotonic()
        done = earlier = total - len(objects)
        try:
            for part in self._batches(objects):
                parts.append(part)
                done += len(part)
                now = time.monotonic()
                if self._progress is not None:
                    self._progress(done, total, (done - earlier) / max(now - began, 1e-9))
                if sum(map(len, parts[kept:])) >= SHARD_OBJECTS or now - saved >= SHARD_SECONDS:
                    kept, saved = self._keep(parts, kept), now
        finally:
            self._keep(parts, kept)  # also where the pass was stopped
        return joined(parts)

    def _keep(self, parts: list[Made], kept: int) -> int:
        if self._entry is not None and kept < len(parts):
            self._entry.add(joined(parts[kept:]))
        return len(parts)

    def _batches(self, objects: NDArray[np.int64]) -> Iterator[Made]:
        """Yield what comes of the objects, a batch of the model at a time."""
        preparation = Preparation(self._images, self._backbone)
        workers, size = workers_for(len(objects)), self._batch
        if workers and self._device.type == "cpu" and self._backbone.identity.get("kind") in FORKED:
            batch = min(size, CPU_BATCH)
            yield from computed(preparation, objects.tolist(), self._made_of, workers=workers, batch=batch)
            return
        outcomes = prepared(preparation, objects.tolist(), workers=workers, batch=size)
        waiting, refused = list[Prepared](), dict[int, Reason]()
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
        """Return the rows (len(values), d); a batch that does not fit into memory is halved, for good."""
        rows: list[NDArray[np.float32]] = []
        done = 0
        while done < len(values):
            batch = values[done : done + self._batch]
            part = self._fitting(batch)
            if part is None:
                self._batch = self._half_of(len(batch))
                continue
            rows.append(part)
            done += len(part)
        return np.concatenate(rows)

    def _fitting(self, values: list[object]) -> NDArray[np.float32] | None:
        """Return the rows, or None where the batch does not fit into memory."""
        try:
            rows = self._backbone.rows(values, self._device, self._dtype)
            return np.asarray(rows.numpy(), np.float32)
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
        if self._device.type == "cuda":  # after the handler, whose traceback holds the batch
            torch.cuda.empty_cache()
        return None

    def _half_of(self, batch: int) -> int:
        if batch > 1:
            return batch // 2
        raise does_not_fit(self._backbone.name, self._device)


def first_batch(device: torch.device) -> int:
    """Return how many images the model takes at a time, while memory allows."""
    if device.type == "cpu":
        return min(CPU_BATCH * max(2, min(torch.get_num_threads(), usable_cpus())), LARGEST_CPU_BATCH)
    return GPU_BATCH


def _numbers(objects: dict[int, Reason] | object) -> NDArray[np.int64]:
    return np.fromiter(objects, np.int64)  # type: ignore[arg-type]
