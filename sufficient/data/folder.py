"""A folder of class folders, read in one pass: listed, decoded in a pool of threads, brought to one size."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sufficient.data.grouping import folder_groups
from sufficient.data.images import Decoded, decode, reading_notices, to_common_size
from sufficient.data.labelled import LabelledData, Progress, Skipped, UnusableError
from sufficient.data.listing import Listing, list_folder
from sufficient.data.opening import SUFFIXES, pillow_settings
from sufficient.data.stock import NAMED_AT_MOST, fingerprint, identities, take_stock
from sufficient.data.walk import printable
from sufficient.errors import DataError
from sufficient.notice import Notice

BATCH = 16  # files a task: enough to hide the cost of handing a task to a thread
TASKS_AHEAD = 4  # tasks waiting for each thread: busy threads, few results held


class ReadOptions(TypedDict, total=False):
    """What `read_listing` can be told."""

    size: int | None
    largest_side: int | None
    deduplicate: bool
    max_pixels: int | None
    progress: Progress | None


def read_folder(
    root: Path, *, spec: str, group_level: int | None = None, **options: Unpack[ReadOptions]
) -> LabelledData:
    """Return the images below `root`, class = first folder level, in the order of their paths.

    `group_level`: the level of folders that names groups. Raises what `read_listing` raises, and DataError
    where there are no images.
    """
    listing = list_folder(root)
    if not listing.names:
        raise no_images(spec, listing)
    groups = folder_groups(spec, listing.names, class_level=listing.class_level, level=group_level)
    return read_listing(root, listing, spec=spec, groups=groups, **options)


def read_listing(
    root: Path,
    listing: Listing,
    *,
    spec: str,
    groups: NDArray[np.int64] | None = None,  # (N,) of the listed files
    size: int | None = None,
    largest_side: int | None = None,
    deduplicate: bool = True,
    max_pixels: int | None = None,
    progress: Progress | None = None,
) -> LabelledData:
    """Return the listed images of `root`, in their order.

    Raises DataError: fewer than 2 classes, 16-bit or float pixels; LargeImages beyond `largest_side`.
    `max_pixels`: of an image that is decoded (None: Pillow's limit). `progress` is called with (files
    decoded, files to decode).
    """
    read: list[int] = []  # places in the listing
    images: list[Decoded] = []
    skipped = list(listing.skipped)
    decoder = _Decoder(str(root), size, largest_side, max_pixels)
    for place, outcome in enumerate(_decode_all(decoder, listing.names, progress)):
        if isinstance(outcome, Skipped):
            skipped.append(outcome)
        else:
            read.append(place)
            images.append(outcome)
    labels, classes = listing.labels[read], tuple(map(printable, listing.classes))
    readable = {classes[label] for label in np.unique(labels)}
    stock = take_stock(
        spec,
        labels,
        classes=classes,
        name_of=lambda index: printable(listing.names[read[index]]),
        digests=[image.digest for image in images] if deduplicate else None,
        skipped=skipped,
        notices=[*listing.notices, *empty_class_notice(listing, readable), *image_remarks(images)],
    )
    used = [images[index] for index in stock.kept]
    rows = np.array(read, dtype=np.int64)[stock.kept]
    return LabelledData(
        spec=spec,
        kind="images",
        values=to_common_size([image.pixels for image in used], size),
        labels=stock.labels,
        classes=stock.classes,
        audit=stock.audit,
        fingerprint=fingerprint((image.digest for image in used), stock),
        identities=identities(image.digest for image in used),
        largest_side=max(image.largest_side for image in used),
        groups=None if groups is None else groups[rows],
        twins=stock.twins,
        rows=rows,
    )


@dataclass(frozen=True)
class _Decoder:
    """Decodes a file of the folder, or says why not."""

    root: str
    size: int | None
    largest_side: int | None
    max_pixels: int | None

    def __call__(self, file: str) -> Decoded | Skipped:
        name = printable(file)
        try:
            return decode(
                os.path.join(self.root, file),
                name=name,
                size=self.size,
                largest_side=self.largest_side,
                max_pixels=self.max_pixels,
            )
        except UnusableError as error:
            return Skipped(name, error.reason, error.detail)


def _decode_all(
    decoder: _Decoder, files: Sequence[str], progress: Progress | None
) -> Iterator[Decoded | Skipped]:
    """Yield the outcome for each file in order; only a bounded number of results wait at any time."""

    def decode_batch(batch: Sequence[str]) -> list[Decoded | Skipped]:
        return [decoder(file) for file in batch]

    batches = (files[start : start + BATCH] for start in range(0, len(files), BATCH))
    threads = usable_cpus()
    Image.init()  # registers every format once, before threads ask for them
    pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
    with pillow_settings(decoder.max_pixels):
        try:
            waiting: deque[Future[list[Decoded | Skipped]]] = deque(
                pool.submit(decode_batch, batch) for batch in islice(batches, threads * TASKS_AHEAD)
            )
            done = 0
            while waiting:
                outcomes = waiting.popleft().result()
                waiting.extend(pool.submit(decode_batch, batch) for batch in islice(batches, 1))
                yield from outcomes
                done += len(outcomes)
                if progress is not None:
                    progress(done, len(files))
        finally:
            pool.shutdown(cancel_futures=True)


def usable_cpus() -> int:
    """Return the number of CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def empty_class_notice(listing: Listing, readable: Collection[str]) -> list[Notice]:
    """Return what to say of the class folders that are not among the `readable` classes; nothing of none."""
    empty = [name for name in map(printable, listing.class_folders) if name not in readable]
    if not empty:
        return []
    message = f"no image could be read in the class folder(s) {', '.join(empty)}."
    return [Notice("EMPTY-CLASS-FOLDER", message)]


def image_remarks(images: list[Decoded]) -> list[Notice]:
    """Return what to say of decoded images: how many lost bits, alpha or further frames."""
    return reading_notices(
        reduced=sum(image.reduced for image in images),
        transparent=sum(image.transparent for image in images),
        several_frames=sum(image.several_frames for image in images),
    )


def no_images(spec: str, listing: Listing) -> DataError:
    """Return what to say of a folder in which no file can be an image of a class."""
    if listing.splits:
        return _no_split_left(spec, listing)
    found = ""
    if listing.skipped:
        named = ", ".join(f"{item.name} ({item.reason})" for item in listing.skipped[:NAMED_AT_MOST])
        more = ", …" if len(listing.skipped) > NAMED_AT_MOST else ""
        found = f" among {len(listing.skipped):,} file(s) found: {named}{more}"
    why = "".join(f" ({notice.message.rstrip('.')})" for notice in listing.notices)
    return DataError(
        f"{spec} holds no images in class folders{found}{why}. Make one folder for each class and put its "
        f"images inside ({' '.join(SUFFIXES)})."
    )


def _no_split_left(spec: str, listing: Listing) -> DataError:
    held_back = {item.name.split("/")[0] for item in listing.skipped if item.reason == "held-back-split"}
    folder = min(held_back, default=listing.splits[0])
    why = "; ".join(notice.message.rstrip(".") for notice in listing.notices)
    return DataError(
        f"{spec} leaves no images in class folders to read ({why}). "
        f"Give the path of the split folder itself, {os.path.join(spec, folder)}; "
        "or rename the folders, if these are classes and no splits."
    )
