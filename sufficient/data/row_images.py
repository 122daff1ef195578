"""Images that lie in rows and not in files: of a Hugging Face data set, of a torch Dataset."""

from __future__ import annotations

import hashlib
import io
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sufficient.data.catalogue import labels_fingerprint, opened
from sufficient.data.folder import image_remarks, usable_cpus
from sufficient.data.images import Decoded, decoded, to_common_size
from sufficient.data.labelled import ImageSet, LabelledData, Opened, Progress, Skipped, UnusableError
from sufficient.data.opening import EXPLICIT_RANGE, in_own_mode, open_image, pillow_settings
from sufficient.data.stock import fingerprint, identities, image_digest, take_stock
from sufficient.errors import DataError
from sufficient.notice import Notice

TASKS_AHEAD = 64  # images fetched and not yet decoded, at most: a few hundred megabytes of photographs

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
    fingerprint: str  # of the source: other images, another one
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
    progress: Progress | None = None,
) -> LabelledData:
    """Return the images of all rows, decoded as those of a folder are.

    Raises DataError: fewer than 2 classes, 16-bit or float pixels; LargeImages beyond `largest_side`.
    """
    read: list[int] = []
    images: list[Decoded] = []
    skipped = list(source.skipped)
    for index, outcome in enumerate(_decode_all(source, size, largest_side, max_pixels)):
        if isinstance(outcome, Skipped):
            skipped.append(outcome)
        else:
            read.append(index)
            images.append(outcome)
        if progress is not None:
            progress(index + 1, len(source.rows))
    stock = take_stock(
        source.spec,
        source.labels[read],
        classes=source.classes,
        name_of=lambda index: source.name(read[index]),
        digests=[image.digest for image in images] if deduplicate else None,
        skipped=skipped,
        notices=[*source.notices, *image_remarks(images)],
    )
    used = [images[index] for index in stock.kept]
    places = np.array(read, dtype=np.int64)[stock.kept]
    return LabelledData(
        spec=source.spec,
        kind="images",
        values=to_common_size([image.pixels for image in used], size),
        labels=stock.labels,
        classes=stock.classes,
        audit=stock.audit,
        fingerprint=fingerprint((image.digest for image in used), stock),
        identities=identities(image.digest for image in used),
        largest_side=max(image.largest_side for image in used),
        groups=None if source.groups is None else source.groups[places],
        twins=stock.twins,
        rows=source.rows[places],
    )


def catalogue_rows(source: RowSource, *, max_pixels: int | None = None) -> ImageSet:
    """Return the images of all rows, none of them read. Raises DataError: fewer than 2 classes of 3 rows."""
    stock = take_stock(
        source.spec,
        source.labels,
        classes=source.classes,
        name_of=source.name,
        digests=None,
        skipped=source.skipped,
        notices=source.notices,
    )
    reader = RowReader(source, stock.kept, max_pixels)
    digest = hashlib.sha256(source.fingerprint.encode())
    digest.update(source.rows[stock.kept].astype("<i8").tobytes())
    return ImageSet(
        spec=source.spec,
        labels=stock.labels,
        classes=stock.classes,
        groups=None if source.groups is None else source.groups[stock.kept],
        name_of=reader.name,
        found=stock.audit.found,
        skipped=stock.audit.skipped,
        notices=stock.audit.notices,
        fingerprint=digest.hexdigest(),
        labels_fingerprint=labels_fingerprint(stock.labels, stock.classes),
        reader=reader,
    )


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


def _decode_all(
    source: RowSource, size: int | None, largest_side: int | None, max_pixels: int | None
) -> Iterator[Decoded | Skipped]:
    """Yield the outcome for each row in order: fetched by this thread alone, then decoded by several."""

    def decode_one(given: Given, name: str) -> Decoded | Skipped:
        try:
            image = _image(given, name=name, max_pixels=max_pixels)
            return decoded(image, name=name, size=size, largest_side=largest_side)
        except UnusableError as error:
            return Skipped(name, error.reason, error.detail)

    def submitted() -> Iterator[Future[Decoded | Skipped]]:
        for index, row in enumerate(source.rows):
            name = source.name(index)
            try:
                yield pool.submit(decode_one, source.fetch(int(row)), name)
            except UnusableError as error:
                future: Future[Decoded | Skipped] = Future()
                future.set_result(Skipped(name, error.reason, error.detail))
                yield future

    Image.init()  # registers every format once, before threads ask for them
    pool = ThreadPoolExecutor(usable_cpus(), thread_name_prefix="decode")
    with pillow_settings(max_pixels):
        try:
            tasks = submitted()
            waiting = deque(islice(tasks, TASKS_AHEAD))
            while waiting:
                yield waiting.popleft().result()
                waiting.extend(islice(tasks, 1))
        finally:
            pool.shutdown(cancel_futures=True)


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
