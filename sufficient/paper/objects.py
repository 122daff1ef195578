"""The objects of one sweep: which of a data set, in what form, and how to say so."""

from __future__ import annotations

import contextlib
import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from sufficient.data.labelled import PAPER_MODEL, LabelledData
from sufficient.data.named import NAMES
from sufficient.data.sources import read
from sufficient.errors import DataError
from sufficient.paper.plan import PlannedSweep
from sufficient.paper.protocol import OBJECTS, Mode
from sufficient.paper.store import Origin
from sufficient.progress import CountProgress
from sufficient.rounding import objects
from sufficient.study.keys import numpy_generator

if TYPE_CHECKING:
    import torch

FEATURE_SEED = 0  # of the pooler's random projection


class WrongKindError(DataError):
    """Features where a sweep needs images, or images where it needs features."""

    def __init__(self, what: str, way_on: str) -> None:
        self.next = way_on
        super().__init__(f"{what}: {way_on}.")


class NoFeaturesError(DataError):
    """The pretrained model cannot be had, or not with the output that a mode needs."""


@dataclass(frozen=True)
class Chosen:
    """The objects that a sweep is trained on, before anything is made of them."""

    data: LabelledData  # at most 10,000 objects
    which: str  # in words: which objects of what


@dataclass(frozen=True)
class Inputs:
    """What the networks of a sweep see."""

    values: NDArray[np.uint8] | NDArray[np.float32]  # (m, d): pixels, or features
    white: int | None  # the largest pixel value; None for features
    what: str  # in words


def read_objects(spec: str, *, root: str | None, progress: CountProgress) -> Chosen:
    """Return the first 10,000 objects of a SPEC, in their order; exact copies are kept, as in the paper.

    Where the first 10,000 would be one-sided, as in a folder sorted by class, 10,000 in a random order.
    Raises DataError for what cannot be read.
    """
    data = read(spec, root=root, deduplicate=False, progress=progress)
    found = len(data.labels)
    if found <= OBJECTS:
        return Chosen(data, f"all {objects(found)} objects of {spec}{_remarks(data)}")
    index, words = np.arange(OBJECTS), "the first"
    if spec not in NAMES and (os.path.isdir(spec) or _misses_classes(data.labels)):
        index = numpy_generator("paper objects").permutation(found)[:OBJECTS]
        words = "in a seeded random order (its own is by class),"
    which = f"{words} {objects(OBJECTS)} of the {objects(found)} objects of {spec}{_remarks(data)}"
    return Chosen(_part(data, index), which)


def mode_of(planned: PlannedSweep, data: LabelledData) -> Mode:
    """Return the sweep's mode. Raises WrongKindError where the data are of the other kind."""
    if planned.mode is None:
        return "pixels" if data.kind == "images" else "features"
    if (data.kind == "features") != (planned.mode == "features"):
        need = "features" if planned.mode == "features" else "images"
        flag = (
            f"--data {planned.dataset}=SPEC"
            if need == "images"
            else f"--features-file {planned.dataset}=FILE"
        )
        raise WrongKindError(
            f"{planned.spec} holds {data.kind}, and {planned.name} needs {need}", f"give {flag}"
        )
    return planned.mode


def origin(planned: PlannedSweep, mode: Mode, data: LabelledData) -> Origin:
    """Return where a sweep's objects came from, with the key under which it is found again."""
    digest = hashlib.sha256(np.ascontiguousarray(data.values).data)
    digest.update(data.labels.astype("<i8").tobytes())
    digest.update(f"{data.values.shape} {len(data.classes)} {mode} {PAPER_MODEL} {FEATURE_SEED}".encode())
    own = planned.spec == planned.dataset and planned.figure is not None
    whole = len(data.labels) == OBJECTS  # a copy cut short is not what the paper used
    return Origin(planned.spec, own and whole and mode in ("pixels", "pooler"), digest.hexdigest())


def inputs_of(chosen: Chosen, mode: Mode, *, device: torch.device, progress: CountProgress) -> Inputs:
    """Return what the networks see. Raises NoFeaturesError when the model cannot be had."""
    data = chosen.data
    if data.kind == "features":
        given = data.values.astype(np.float32, copy=False)
        return Inputs(given, None, f"{given.shape[1]} features as given in the file{_told_by(data.spec)}")
    images = data.values.astype(np.uint8, copy=False)
    height, width, channels = images.shape[1:]
    size = f"{height}×{width} {'grey' if channels == 1 else 'RGB'}"
    if mode == "pixels":
        rows = images.transpose(0, 3, 1, 2).reshape(len(images), -1)  # channels first, as torchvision's
        return Inputs(np.ascontiguousarray(rows), data.white, f"pixels {size} in [−1, 1]")
    from sufficient.features.pretrained import extract

    if data.white != 255:
        images = np.rint(images * (255 / data.white)).astype(np.uint8)
    try:
        extracted = extract(
            images,
            model=PAPER_MODEL,
            pooling="pooler" if mode == "pooler" else "cls",
            seed=FEATURE_SEED,
            device=device,
            progress=progress,
        )
    except DataError as error:
        raise NoFeaturesError(str(error)) from error
    return Inputs(extracted.values, None, f"{size} images through {extracted.note.rstrip('.')}")


def _told_by(spec: str) -> str:
    """Return what a file of features says of how they were made, in words; nothing where it does not."""
    path = Path(spec).expanduser()
    if path.suffix.lower() == ".safetensors":
        with safe_open(path, framework="numpy") as tensors:
            text = (tensors.metadata() or {}).get("origin", "")
    else:
        text = ""
        with np.load(path, allow_pickle=False) as arrays, contextlib.suppress(ValueError):  # not unpickled
            if "origin" in arrays.files and (entry := arrays["origin"]).dtype.kind == "U" and not entry.ndim:
                text = str(entry)
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f", which says of their origin: {words}" if words else ""


def _misses_classes(labels: NDArray[np.int64]) -> bool:
    return len(np.unique(labels[:OBJECTS])) < len(np.unique(labels))


def _part(data: LabelledData, index: NDArray[np.int64]) -> LabelledData:
    return replace(data, values=data.values[index], labels=data.labels[index])


def _remarks(data: LabelledData) -> str:
    """Return what a reader of the sweep must know of how its objects were come by."""
    remarks = []
    if any(notice.code == "TRAIN-SPLIT" for notice in data.audit.notices):
        remarks.append("training split")
    if data.audit.skipped:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in data.audit.skipped_counts.items())
        remarks.append(f"skipped: {reasons}")
    if data.kind == "images" and data.largest_side and data.largest_side > max(data.values.shape[1:3]):
        remarks.append(f"resized from up to {data.largest_side} pixels a side")
    return f" ({'; '.join(remarks)})" if remarks else ""
