"""A folder of class folders, read in one pass: listed, decoded in a pool of threads, brought to one size."""

from __future__ import annotations

import os
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sufficient.data.images import SUFFIXES, Decoded, UnusableError, alpha_notice, decode, to_common_size
from sufficient.data.labelled import LabelledData, Progress, Skipped
from sufficient.data.listing import ImageFile, Listing, list_folder, printable
from sufficient.data.stock import NAMED_AT_MOST, fingerprint, take_stock
from sufficient.errors import DataError
from sufficient.notice import Notice

BATCH = 16  # files a task: enough to hide the cost of handing a task to a thread
TASKS_AHEAD = 4  # tasks waiting for each thread: busy threads, few results held


def read_folder(
    root: Path,
    *,
    spec: str,
    size: int | None = None,
    largest_side: int | None = None,
    deduplicate: bool = True,
    progress: Progress | None = None,
) -> LabelledData:
    """Return the images below `root`, class = first folder level, in the order of their paths.

    Raises DataError: no images, fewer than 2 classes, 16-bit or float pixels; LargeImages beyond
    `largest_side`. `progress` is called with (files decoded, files to decode).
    """
    listing = list_folder(root)
    if not listing.images:
        raise _no_images(spec, listing)
    files: list[ImageFile] = []
    images: list[Decoded] = []
    skipped = list(listing.skipped)
    for file, outcome in zip(
        listing.images, _decode_all(root, listing.images, size, largest_side, progress), strict=True
    ):
        if isinstance(outcome, Skipped):
            skipped.append(outcome)
        else:
            files.append(file)
            images.append(outcome)
    labels, classes = _encode([file.label for file in files])
    stock = take_stock(
        spec,
        labels,
        classes=classes,
        name_of=lambda index: printable(files[index].name),
        digests=[image.digest for image in images] if deduplicate else None,
        skipped=skipped,
        notices=[*listing.notices, *_remarks(listing, classes, images)],
    )
    used = [images[index] for index in stock.kept]
    return LabelledData(
        spec=spec,
        kind="images",
        values=to_common_size([image.pixels for image in used], size),
        labels=stock.labels,
        classes=stock.classes,
        audit=stock.audit,
        fingerprint=fingerprint((image.digest for image in used), stock),
        largest_side=max(image.largest_side for image in used),
    )


def _decode_all(
    root: Path,
    files: Sequence[ImageFile],
    size: int | None,
    largest_side: int | None,
    progress: Progress | None,
) -> Iterator[Decoded | Skipped]:
    """Yield the outcome for each file in order; only a bounded number of results wait at any time."""

    def decode_batch(batch: Sequence[ImageFile]) -> list[Decoded | Skipped]:
        return [_decode_or_skip(root, file, size, largest_side) for file in batch]

    batches = (files[start : start + BATCH] for start in range(0, len(files), BATCH))
    threads = _usable_cpus()
    Image.init()  # registers every format once, before threads ask for them
    pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
    with warnings.catch_warnings():  # Pillow warns of oddities of files; what matters is in the audit
        warnings.simplefilter("ignore")
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


def _decode_or_skip(
    root: Path, file: ImageFile, size: int | None, largest_side: int | None
) -> Decoded | Skipped:
    name = printable(file.name)
    try:
        return decode(os.path.join(root, file.name), name=name, size=size, largest_side=largest_side)
    except UnusableError as error:
        return Skipped(name, error.reason, error.detail)


def _usable_cpus() -> int:
    """Return the number of CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _encode(names: list[str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    classes = sorted(set(names))
    code = {name: index for index, name in enumerate(classes)}
    labels = np.fromiter((code[name] for name in names), dtype=np.int64, count=len(names))
    return labels, tuple(printable(name) for name in classes)


def _remarks(listing: Listing, classes: tuple[str, ...], images: list[Decoded]) -> list[Notice]:
    remarks = []
    empty = [name for name in map(printable, listing.class_folders) if name not in classes]
    if empty:
        named = ", ".join(empty)
        remarks.append(
            Notice("EMPTY-CLASS-FOLDER", f"no image could be read in the class folder(s) {named}.")
        )
    reduced = sum(image.reduced for image in images)
    if reduced:
        message = f"{reduced:,} colour image(s) of 16 bits a channel were read as their upper 8 bits."
        remarks.append(Notice("SIXTEEN-BIT-REDUCED", message))
    remarks += alpha_notice(sum(image.transparent for image in images))
    several = sum(image.several_frames for image in images)
    if several:
        message = f"{several:,} image(s) hold several frames or pages; the first of each is used."
        remarks.append(Notice("FIRST-FRAME", message))
    return remarks


def _no_images(spec: str, listing: Listing) -> DataError:
    if listing.splits:
        return _no_split_left(spec, listing)
    found = ""
    if listing.skipped:
        named = ", ".join(f"{item.name} ({item.reason})" for item in listing.skipped[:NAMED_AT_MOST])
        more = ", …" if len(listing.skipped) > NAMED_AT_MOST else ""
        found = f" among {len(listing.skipped):,} file(s) found: {named}{more}"
    return DataError(
        f"{spec} holds no images in class folders{found}. Make one folder for each class and put its "
        f"images inside ({' '.join(SUFFIXES)})."
    )


def _no_split_left(spec: str, listing: Listing) -> DataError:
    held_back = {item.name.split("/")[0] for item in listing.skipped if item.reason == "held-back-split"}
    folder = min(held_back, default=listing.splits[0])
    (notice,) = listing.notices
    return DataError(
        f"{spec} leaves no images in class folders to read ({notice.message.rstrip('.')}). "
        f"Give the path of the split folder itself, {os.path.join(spec, folder)}; "
        "or rename the folders, if these are classes and no splits."
    )
