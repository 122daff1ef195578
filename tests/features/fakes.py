"""Small stand-ins: images that are made on demand, and a model that is a fixed projection of pixels."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image

from sufficient.data.labelled import ImageSet, Opened, UnusableError

DIMENSION = 5


@dataclass
class FakeReader:
    """Object i is an image of the seed `looks[i]`; equal looks are copies."""

    looks: Sequence[int]
    unusable: dict[int, str] = field(default_factory=dict)  # object → reason
    errors: dict[int, BaseException] = field(default_factory=dict)
    hooks: dict[int, object] = field(default_factory=dict)  # object → called before it is read
    marks: dict[int, str] = field(default_factory=dict)  # object → a field of Opened that is true
    log: object = None  # a file, to which each read appends a line, from whatever process

    def read(self, index, *, draft=None):
        if self.log is not None:
            with open(self.log, "a") as file:
                file.write(f"{index}\n")
        if index in self.hooks:
            self.hooks[index]()
        if index in self.errors:
            raise self.errors[index]
        if index in self.unusable:
            raise UnusableError(self.unusable[index], f"of {index}")
        look = self.looks[index]
        pixels = np.random.default_rng(look).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        digest = hashlib.sha256(pixels).digest() if list(self.looks).count(look) > 1 else None
        flags = {name: self.marks.get(index) == name for name in ("several_frames", "transparent", "reduced")}
        return Opened(Image.fromarray(pixels), digest, **flags)

    def reads(self):
        return sorted(map(int, self.log.read_text().split())) if self.log.exists() else []


@dataclass
class FakeBackbone:
    """Rows are a fixed projection of the pixels; more than `most` images run out of memory."""

    name: str = "fake"
    identity: dict[str, str] = field(default_factory=lambda: {"kind": "fake", "weights": "1"})
    draft: int | None = 8
    notices: tuple = ()
    note: str = "fake."
    most: int = 10**9
    batches: list[int] = field(default_factory=list)
    poisoned: int | None = None  # the look whose row is not finite
    hooks: dict[int, object] = field(default_factory=dict)  # number of the call → called in it

    def prepare(self, image):
        return np.asarray(image, np.float32).reshape(-1) / 255

    def rows(self, prepared, device, dtype):
        if len(prepared) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB.")
        if len(self.batches) in self.hooks:
            self.hooks[len(self.batches)]()
        self.batches.append(len(prepared))
        rows = torch.stack([project(value) for value in prepared])
        if self.poisoned is not None:
            poisoned = self.prepare(FakeReader([self.poisoned]).read(0).image)
            rows[[bool((value == poisoned).all()) for value in prepared]] = float("nan")
        return rows


def project(value):
    matrix = torch.from_numpy(np.random.default_rng(7).standard_normal((DIMENSION, 192)).astype(np.float32))
    return matrix @ torch.from_numpy(value)


def row(look):
    """The row that an image must get, by itself."""
    return project(FakeBackbone().prepare(FakeReader([look]).read(0).image)).numpy()


def images(count=None, *, labels=None, fingerprint="f", **reader):
    looks = reader.pop("looks", None) or list(range(count))
    labels = np.arange(len(looks)) % 2 if labels is None else np.asarray(labels)
    return ImageSet(
        spec="made",
        labels=labels.astype(np.int64),
        classes=("cat", "dog"),
        groups=None,
        name_of=lambda index: f"row {index}",
        found=len(looks),
        skipped=(),
        notices=(),
        fingerprint=fingerprint,
        labels_fingerprint="l",
        reader=FakeReader(looks, **reader),
    )
