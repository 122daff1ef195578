"""Images listed and not yet read, for a pretrained model: the files of a folder, or the rows of an array."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sufficient.data.audit import Stock, groups_part, identities, image_digest, take_stock
from sufficient.data.folder import empty_class_notice, no_images
from sufficient.data.grouping import folder_groups
from sufficient.data.images import Pixels
from sufficient.data.labelled import ImageSet, LabelledData, Opened, UnusableError
from sufficient.data.listing import Listing, list_folder
from sufficient.data.opening import (
    Stamp,
    converted,
    has_several_frames,
    has_sixteen_bits,
    in_own_mode,
    is_transparent,
    load_upright,
    open_file,
    open_image,
    pillow_settings,
)
from sufficient.data.walk import printable
from sufficient.errors import UsageError

SAMPLED_FILES, SAMPLED_BYTES = 16, 65536  # of which contents the fingerprint takes in, of each so many
DRAFT_MARGIN = 2  # a JPEG keeps twice the side that it is resized to, so that the resize still dominates


def opened(image: Image.Image, *, digest: bytes | None, draft: int | None) -> Opened:
    """Return an image that is open, decoded to its end for a model that resizes it to `draft` pixels.

    Raises UnusableError where it is cut.
    """
    if draft is not None and image.format in ("JPEG", "MPO"):
        image.draft(None, (DRAFT_MARGIN * draft, DRAFT_MARGIN * draft))
    reduced = has_sixteen_bits(image)
    load_upright(image)
    several_frames = has_several_frames(image)
    own = in_own_mode(image)
    return Opened(converted(own, "RGB"), digest, several_frames, is_transparent(own), reduced)


@dataclass(frozen=True)
class FileReader:
    """Reads listed files, each checked to be as it was when it was listed."""

    root: str
    names: Sequence[str]  # (N,) relative to the root
    sizes: NDArray[np.int64]  # (N,) bytes
    times: NDArray[np.int64]  # (N,) of their last change, nanoseconds
    marks: NDArray[np.int64]  # (N,) of their inodes, see `Stamp`
    shared: NDArray[np.bool_]  # (N,) another file has the same size, so that it may be a copy
    max_pixels: int | None  # of an image; None: Pillow's limit

    def read(self, index: int, *, draft: int | None = None) -> Opened:
        """Return the image of one file, a JPEG at 1/2, 1/4 or 1/8 where that leaves twice `draft` pixels.

        Raises UnusableError to skip it, DataError for 16-bit grey or float, ResourceError when the machine
        is at its end.
        """
        name = self.name(index)
        with pillow_settings(self.max_pixels), self._open(index) as file:
            if not self.shared[index]:
                return opened(
                    open_image(file, name=name, max_pixels=self.max_pixels), digest=None, draft=draft
                )
            content = file.read()
            image = open_image(io.BytesIO(content), name=name, max_pixels=self.max_pixels)
            return opened(image, digest=hashlib.sha256(content).digest(), draft=draft)

    def name(self, index: int) -> str:
        """Return the printable path of a file."""
        return printable(self.names[index])

    def beginning(self, index: int) -> bytes:
        """Return the first bytes of a file, none of one that will be skipped."""
        try:
            with self._open(index) as file:
                return file.read(SAMPLED_BYTES)
        except (UnusableError, OSError):
            return b""

    def _open(self, index: int) -> BufferedReader:
        listed = Stamp(int(self.sizes[index]), int(self.times[index]), int(self.marks[index]))
        return open_file(os.path.join(self.root, self.names[index]), listed=listed)


@dataclass(frozen=True)
class ArrayReader:
    """Gives the rows of an array as images."""

    images: Pixels  # (N, H, W, C), C in {1, 3}
    white: int  # the largest pixel value
    copied: NDArray[np.bool_]  # (N,) another one is identical, under another label

    def read(self, index: int, *, draft: int | None = None) -> Opened:
        """Return one image, in 8 bits; there is nothing to draft."""
        pixels = self.images[index]
        if self.white != 255:
            pixels = np.rint(pixels * (255 / self.white)).astype(np.uint8)
        image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).convert("RGB")
        digest = image_digest(self.images[index], "") if self.copied[index] else None
        return Opened(image, digest, several_frames=False, transparent=False, reduced=False)


def catalogue_folder(
    root: Path, *, spec: str, max_pixels: int | None = None, group_level: int | None = None
) -> ImageSet:
    """Return the images below `root`, class = first folder level, none of them decoded.

    Raises DataError: no images, fewer than 2 classes of 3 files.
    """
    listing = list_folder(root)
    if not listing.names:
        raise no_images(spec, listing)
    groups = folder_groups(spec, listing.names, class_level=listing.class_level, level=group_level)
    return catalogue_listing(root, listing, spec=spec, groups=groups, max_pixels=max_pixels)


def catalogue_listing(
    root: Path,
    listing: Listing,
    *,
    spec: str,
    groups: NDArray[np.int64] | None = None,  # (N,) of the listed files
    max_pixels: int | None = None,
) -> ImageSet:
    """Return the listed images of `root` as a set, in their order. Raises DataError: fewer than 2 classes."""
    classes = tuple(map(printable, listing.classes))
    stock = take_stock(
        spec,
        listing.labels,
        classes=classes,
        name_of=lambda index: printable(listing.names[index]),
        digests=None,
        skipped=listing.skipped,
        notices=[*listing.notices, *empty_class_notice(listing, classes)],
    )
    reader = _reader(root, listing, stock, max_pixels)
    groups = None if groups is None else groups[stock.kept]
    return ImageSet(
        spec=spec,
        labels=stock.labels,
        classes=stock.classes,
        groups=groups,
        name_of=reader.name,
        found=stock.audit.found,
        skipped=stock.audit.skipped,
        notices=stock.audit.notices,
        fingerprint=_files_fingerprint(reader),
        labels_fingerprint=labels_fingerprint(stock.labels, stock.classes, groups),
        reader=reader,
        identities=identities(
            os.fsencode(f"{name}\0{size} {time}")
            for name, size, time in zip(reader.names, reader.sizes, reader.times, strict=True)
        ),
    )


def catalogue_arrays(data: LabelledData) -> ImageSet:
    """Return images that are in memory, at their own size, as a set; the account of reading them stays.

    Raises UsageError for features.
    """
    if data.kind != "images":
        raise UsageError(
            f"{data.spec} holds features, not images, so that no pretrained model can be run on them; "
            "leave --features out."
        )
    images = data.values.astype(np.uint8, copy=False)
    rows = np.arange(len(images)) if data.rows is None else data.rows
    several = np.zeros(len(images), bool) if data.twins is None else np.bincount(data.twins)[data.twins] > 1
    return ImageSet(
        spec=data.spec,
        labels=data.labels,
        classes=data.classes,
        groups=data.groups,
        name_of=lambda index: f"row {rows[index]}",
        found=data.audit.found,
        skipped=data.audit.skipped,
        notices=data.audit.notices,
        fingerprint=_images_fingerprint(images, data.white),
        labels_fingerprint=labels_fingerprint(data.labels, data.classes, data.groups),
        reader=ArrayReader(images, data.white, several),
        identities=data.identities,
    )


def labels_fingerprint(
    labels: NDArray[np.int64], classes: Iterable[str], groups: NDArray[np.int64] | None
) -> str:
    """Return the SHA-256 (hex) of labels, classes and groups."""
    digest = hashlib.sha256(labels.astype("<i8").tobytes())
    digest.update("\0".join(classes).encode("utf-8", "surrogatepass"))
    digest.update(groups_part(groups))
    return digest.hexdigest()


def _reader(root: Path, listing: Listing, stock: Stock, max_pixels: int | None) -> FileReader:
    sizes = listing.sizes[stock.kept]
    _, which, counts = np.unique(sizes, return_inverse=True, return_counts=True)
    return FileReader(
        root=str(root),
        names=[listing.names[index] for index in stock.kept],
        sizes=sizes,
        times=listing.times[stock.kept],
        marks=listing.marks[stock.kept],
        shared=(counts > 1)[which],
        max_pixels=max_pixels,
    )


def _files_fingerprint(reader: FileReader) -> str:
    """Return the SHA-256 (hex) of names, sizes and times, and of what a few of the files hold.

    The few tell apart two data sets of equal names, sizes and times, as archives make them of numbered
    bitmaps.
    """
    digest = hashlib.sha256()
    for name in reader.names:
        digest.update(os.fsencode(name) + b"\0")
    digest.update(reader.sizes.astype("<i8").tobytes())
    digest.update(reader.times.astype("<i8").tobytes())
    for index in np.linspace(0, len(reader.names) - 1, SAMPLED_FILES).astype(int):
        digest.update(reader.beginning(int(index)))
    return digest.hexdigest()


def _images_fingerprint(images: Pixels, white: int) -> str:
    digest = hashlib.sha256(f"{images.shape} {white} ".encode())
    for image in images:
        digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()
