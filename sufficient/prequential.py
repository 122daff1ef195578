"""What the last networks lose on a batch that has just come, before it is added: unseen by construction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from sufficient.data.arrays import checked_features, checked_images, labelled_arrays
from sufficient.data.images import LARGEST_OWN_SIDE, to_common_size
from sufficient.errors import DataError
from sufficient.features.pixels import scaled_pixels
from sufficient.heads.fit import FitOptions
from sufficient.heads.learner import Heads
from sufficient.heads.objects import Objects
from sufficient.study.run import restored
from sufficient.taken import architecture_of

if TYPE_CHECKING:
    from sufficient.result import Estimate

SPEC = "the batch"
WHITE = 255
COLOURS = 3  # channels; a fourth is alpha


@dataclass(frozen=True)
class Prequential:
    """One batch scored by the networks of the largest size run so far."""

    seen: int  # objects that had come before it
    objects: int  # of the batch that were scored: of known classes, no copies of what was fitted or held out
    loss: float  # nats, mean over objects and live replicates
    accuracy: float


def checked_batch(values: NDArray[Any], size: int | None, *, pixels: bool) -> NDArray[Any]:
    """Return images uint8 (N, H, W, C) without alpha, or features float32 (N, d).

    Raises DataError for what cannot be used: it is refused before it is added to anything.
    """
    if values.ndim not in (2, 3, 4) or 0 in values.shape:
        raise DataError(
            f"{SPEC} has shape {values.shape}; give images (N, H, W) or (N, H, W, C), or features (N, d)."
        )
    if values.ndim == 2:
        return checked_features(SPEC, values)
    images = checked_images(SPEC, values)[:, :, :, :COLOURS]
    side = max(images.shape[1:3])
    if side > LARGEST_OWN_SIDE and size is None and not pixels:
        raise DataError(
            f"each image of {SPEC} has {side} pixels on its longer side, more than {LARGEST_OWN_SIDE}: make "
            'features of them and give those, or ask for their raw pixels with features="pixels".'
        )
    return images


class Scorer:
    """The last networks of a study of arrays, and how they see objects."""

    def __init__(self, estimate: Estimate, values: NDArray[Any], labels: NDArray[Any]) -> None:
        """`values`, `labels`: what the study was made of; needed where columns are standardised."""
        record = estimate.record
        assert record.last is not None
        self._size, self._classes = estimate.options.source.size, record.classes
        self._live = record.stages[-1].live
        inputs = record.model["inputs"]
        heads = Heads.over(
            np.zeros((1, inputs), np.float32),
            np.zeros(1, np.int64),
            architecture=architecture_of(estimate.options.study, inputs=inputs, classes=len(record.classes)),
            options=FitOptions(),
            device=torch.device("cpu"),
        )
        self._heads, self._stack = heads, restored(record.last, heads)
        if record.features["scale"] == "standard":
            data = labelled_arrays("arrays", values, labels, size=self._size)
            rows = (
                self._rows(data.values) if record.objects is None else self._rows(data.values)[record.objects]
            )
            replicates = range(record.shares.replicates)
            fitted = np.stack([record.shares.fitted(r, record.stages[-1].size) for r in replicates])
            objects = Objects(torch.from_numpy(rows), torch.from_numpy(record.labels))
            seen = objects.standardised(torch.from_numpy(fitted))
            self._heads = replace(heads, objects=replace(heads.objects, mean=seen.mean, scale=seen.scale))

    def score(self, values: NDArray[Any], names: NDArray[np.str_], *, seen: int) -> Prequential | None:
        """Return what the live networks lose on the objects whose class they know; None: on none."""
        place = {name: number for number, name in enumerate(self._classes)}
        known = np.array([name in place for name in names.tolist()], dtype=bool)
        if not known.any() or not self._live.any():
            return None
        labels = np.array([place[name] for name in names[known].tolist()], dtype=np.int64)
        objects = replace(
            self._heads.objects,
            values=torch.from_numpy(self._rows(values[known])),
            labels=torch.from_numpy(labels),
        )
        index = np.tile(np.arange(len(labels)), (len(self._live), 1))
        scores = replace(self._heads, objects=objects).score(self._stack, index)
        losses, right = scores.losses.numpy()[self._live], scores.predicted.numpy()[self._live] == labels
        return Prequential(seen, len(labels), float(losses.mean(dtype=np.float64)), float(right.mean()))

    def _rows(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return features (N, d) as the study makes them."""
        if values.ndim == 2:
            return np.ascontiguousarray(values, dtype=np.float32)
        return scaled_pixels(to_common_size(values, self._size), white=WHITE)
