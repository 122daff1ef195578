"""Images decoded by a pool of threads, in order, and what comes of them as labelled data."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypedDict, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sufficient.data.audit import fingerprint, identities, take_stock
from sufficient.data.images import (
    Decoded,
    Outline,
    Pixels,
    outline,
    outlined,
    reading_notices,
    to_common_size,
)
from sufficient.data.labelled import LabelledData, Skipped
from sufficient.data.opening import pillow_settings
from sufficient.machine import usable_cpus
from sufficient.notice import Notice
from sufficient.progress import CountProgress

NO_PIXELS: Pixels = np.empty((0, 0, 0), dtype=np.uint8)

Item = TypeVar("Item")
Outcome = Decoded | Skipped


class ReadOptions(TypedDict, total=False):
    """How images are read."""

    size: int | None
    largest_side: int | None
    deduplicate: bool
    max_pixels: int | None
    keep_pixels: bool
    progress: CountProgress | None


def decode_all(
    items: Iterable[Item],
    decode: Callable[[Item], Outcome],
    *,
    total: int,
    batch: int,  # items a task
    ahead: int,  # tasks that wait for each thread
    max_pixels: int | None,
    progress: CountProgress | None,
) -> Iterator[Outcome]:
    """Yield the outcome for each item in order; only a bounded number of them wait at any time.

    `items` is iterated by the calling thread alone, `decode` is called by several. `progress` is called with
    (items decoded, `total`).
    """

    def decode_batch(batch: list[Item]) -> list[Outcome]:
        return [decode(item) for item in batch]

    rest = iter(items)
    batches = iter(lambda: list(islice(rest, batch)), [])
    threads = usable_cpus()
    Image.init()  # registers every format once, before threads ask for them
    pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
    with pillow_settings(max_pixels):
        try:
            waiting = deque(pool.submit(decode_batch, some) for some in islice(batches, threads * ahead))
            done = 0
            while waiting:
                outcomes = waiting.popleft().result()
                waiting.extend(pool.submit(decode_batch, some) for some in islice(batches, 1))
                yield from outcomes
                done += len(outcomes)
                if progress is not None:
                    progress(done, total)
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class Listed:
    """Objects as listed, none of them read."""

    spec: str
    labels: NDArray[np.int64]  # (N,) indexes `classes`
    classes: tuple[str, ...]
    groups: NDArray[np.int64] | None  # (N,)
    rows: NDArray[np.int64]  # (N,) of the source
    name_of: Callable[[int], str]  # object → what it is called
    skipped: tuple[Skipped, ...]
    notices: Callable[[set[str]], list[Notice]]  # what to say where images of these classes could be read


def labelled_images(
    listed: Listed, outcomes: Iterable[Outcome], *, size: int | None, deduplicate: bool, keep_pixels: bool
) -> LabelledData:
    """Return the images of the objects listed, of which `outcomes` are what was decoded, in their order.

    Without `keep_pixels` they are counted, compared and forgotten: `values` has the shape that the images
    would have, and holds the brightest pixel of them all throughout. Raises DataError: fewer than 2 classes.
    """
    read: list[int] = []  # places in the listing
    images: list[Decoded] = []
    outlines: list[Outline] = []
    skipped = list(listed.skipped)
    for place, outcome in enumerate(outcomes):
        if isinstance(outcome, Skipped):
            skipped.append(outcome)
            continue
        read.append(place)
        if not keep_pixels:
            outlines.append(outline(outcome.pixels, size))
        images.append(outcome if keep_pixels else replace(outcome, pixels=NO_PIXELS))
    labels = listed.labels[read]
    readable = {listed.classes[label] for label in np.unique(labels)}
    stock = take_stock(
        listed.spec,
        labels,
        classes=listed.classes,
        name_of=lambda index: listed.name_of(read[index]),
        digests=[image.digest for image in images] if deduplicate else None,
        skipped=skipped,
        notices=[*listed.notices(readable), *_image_remarks(images)],
    )
    used = [images[index] for index in stock.kept]
    places = np.array(read, dtype=np.int64)[stock.kept]
    groups = None if listed.groups is None else listed.groups[places]
    if keep_pixels:
        values = to_common_size([image.pixels for image in used], size)
    else:
        values = outlined([outlines[index] for index in stock.kept], size)
    return LabelledData(
        spec=listed.spec,
        kind="images",
        values=values,
        labels=stock.labels,
        classes=stock.classes,
        audit=stock.audit,
        fingerprint=fingerprint((image.digest for image in used), stock, groups=groups),
        identities=identities(image.digest for image in used),
        largest_side=max(image.largest_side for image in used),
        groups=groups,
        twins=stock.twins,
        rows=listed.rows[places],
    )


def _image_remarks(images: list[Decoded]) -> list[Notice]:
    """Return what to say of decoded images: how many lost bits, alpha or further frames."""
    return reading_notices(
        reduced=sum(image.reduced for image in images),
        transparent=sum(image.transparent for image in images),
        several_frames=sum(image.several_frames for image in images),
    )
