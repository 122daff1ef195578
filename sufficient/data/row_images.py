"""Images that lie in rows and not in files: of a Hugging Face data set, of a torch Dataset."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sufficient.data.audit import image_digest, take_stock
from sufficient.data.catalogue import labels_fingerprint, opened
from sufficient.data.decoding import Listed, decode_all, labelled_images
from sufficient.data.images import Decoded, decoded
from sufficient.data.labelled import ImageSet, LabelledData, Opened, Skipped, UnusableError
from sufficient.data.opening import EXPLICIT_RANGE, in_own_mode, open_image, pillow_settings
from sufficient.errors import DataError
from sufficient.notice import Notice
from sufficient.progress import CountProgress

TASKS_AHEAD = 4  # images fetched for each thread and not yet decoded: megabytes each, if photographs

Given = bytes | Image.Image | NDArray[np.uint8]  # a file's bytes, a picture, or its pixels (H, W[, C])


@dataclass(frozen=True)
class RowSource:
    """The rows of a source that have a label; nothing of their images is read yet."""

    spec: str
    fetch: Callable[[int], Given]  # row → its image; raises UnusableError; survives a fork
    rows: NDArray[np.int64]  # (N,) of the source
    labels: NDArray[np.int64]  # (N,) indexes `classes`
    classes: tuple[str, ...]
    groups: NDArray[np.int64] | None  # (N,)
    skipped: tuple[Skipped, ...]
    notices: tuple[Notice, ...]
    fingerprint: Callable[[], str]  # of the source: other images, another one
    sampled: int | None = None  # images of which it takes in the contents; None: it tells all apart
    name_of: Callable[[int], str] = "row {}".format  # row → what it is called

    def name(self, index: int) -> str:
        """Return what an object is called."""
        return self.name_of(int(self.rows[index]))


def read_rows(
    source: RowSource,
    *,
    size: int | None = None,
    largest_side: int | None = None,
    deduplicate: bool = True,
    max_pixels: int | None = None,
    keep_pixels: bool = True,
    progress: CountProgress | None = None,
) -> LabelledData:
    """Return the images of all rows, decoded as those of a folder are; fetched by this thread alone.

    Raises DataError: fewer than 2 classes, 16-bit or float pixels; LargeImagesError beyond `largest_side`.
    """

    def decode_one(fetched: tuple[str, Given | UnusableError]) -> Decoded | Skipped:
        name, given = fetched
        try:
            if isinstance(given, UnusableError):
                raise given
            image = _image(given, name=name, max_pixels=max_pixels)
            return decoded(image, name=name, size=size, largest_side=largest_side)
        except UnusableError as error:
            return Skipped(name, error.reason, error.detail)

    listed = Listed(
        spec=source.spec,
        labels=source.labels,
        classes=source.classes,
        groups=source.groups,
        rows=source.rows,
        name_of=source.name,
        skipped=source.skipped,
        notices=lambda readable: list(source.notices),
    )
    outcomes = decode_all(
        _fetched(source),
        decode_one,
        total=len(source.rows),
        batch=1,
        ahead=TASKS_AHEAD,
        max_pixels=max_pixels,
        progress=progress,
    )
    return labelled_images(listed, outcomes, size=size, deduplicate=deduplicate, keep_pixels=keep_pixels)


def _fetched(source: RowSource) -> Iterator[tuple[str, Given | UnusableError]]:
    for index, row in enumerate(source.rows):
        try:
            yield source.name(index), source.fetch(int(row))
        except UnusableError as error:
            yield source.name(index), error


def catalogue_rows(source: RowSource, *, max_pixels: int | None = None) -> ImageSet:
    """Return the images of all rows, none of them read. Raises DataError: fewer than 2 classes of 3 rows."""
    stock = take_stock(
        source.spec,
        source.labels,
        classes=source.classes,
        name_of=source.name,
        digests=None,
        skipped=source.skipped,
        notices=(*source.notices, *_sampled_notice(source)),
    )
    reader = RowReader(source, stock.kept, max_pixels)
    digest = hashlib.sha256(source.fingerprint().encode())
    digest.update(source.rows[stock.kept].astype("<i8").tobytes())
    groups = None if source.groups is None else source.groups[stock.kept]
    return ImageSet(
        spec=source.spec,
        labels=stock.labels,
        classes=stock.classes,
        groups=groups,
        name_of=reader.name,
        found=stock.audit.found,
        skipped=stock.audit.skipped,
        notices=stock.audit.notices,
        fingerprint=digest.hexdigest(),
        labels_fingerprint=labels_fingerprint(stock.labels, stock.classes, groups),
        reader=reader,
        cacheable=source.sampled is None,
    )


def _sampled_notice(source: RowSource) -> list[Notice]:
    if source.sampled is None:
        return []
    message = (
        f"of the {len(source.rows):,} images of {source.spec} only {source.sampled} and the labels were "
        "taken in to know it by: features are not kept for another run, and a run that is resumed would not "
        "notice a change of the other images."
    )
    return [Notice("SAMPLED-FINGERPRINT", message)]


@dataclass(frozen=True)
class RowReader:
    """Reads the image of one row."""

    source: RowSource
    kept: NDArray[np.int64]  # (N,) places in the source
    max_pixels: int | None  # of an image; None: Pillow's limit

    def read(self, index: int, *, draft: int | None = None) -> Opened:
        """Return the image, a JPEG at 1/2, 1/4 or 1/8 where that leaves twice `draft` pixels.

        Raises UnusableError to skip it, DataError for 16-bit grey or float.
        """
        place = int(self.kept[index])
        with pillow_settings(self.max_pixels):
            given = self.source.fetch(int(self.source.rows[place]))
            image = _image(given, name=self.name(index), max_pixels=self.max_pixels)
            if isinstance(given, bytes):
                return opened(image, digest=hashlib.sha256(given).digest(), draft=draft)
            own = in_own_mode(image)
            return opened(image, digest=image_digest(np.asarray(own), own.mode), draft=None)

    def name(self, index: int) -> str:
        """Return what an object is called."""
        return self.source.name(int(self.kept[index]))


def _image(given: Given, *, name: str, max_pixels: int | None) -> Image.Image:
    """Return the image, of which no pixel need be decoded yet. Raises UnusableError and DataError."""
    if isinstance(given, bytes):
        if not given:
            raise UnusableError("empty-file")
        return open_image(io.BytesIO(given), name=name, max_pixels=max_pixels)
    image = given if isinstance(given, Image.Image) else Image.fromarray(given)
    if image.mode.startswith(("I", "F")):
        raise DataError(
            f"{name} has pixels deeper than 8 bits (Pillow's mode {image.mode}): their range is not known, "
            f"and they are never clipped in silence. {EXPLICIT_RANGE}."
        )
    return image
