"""A folder of class folders, read in one pass: listed, decoded in a pool of threads, brought to one size."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from sufficient.data.audit import CLASSES_NAMED_AT_MOST, NAMED_AT_MOST
from sufficient.data.decoding import Listed, ReadOptions, decode_all, labelled_images
from sufficient.data.grouping import folder_groups
from sufficient.data.images import Decoded, decode
from sufficient.data.labelled import LabelledData, Skipped, UnusableError
from sufficient.data.listing import READ_SPLITS, TRAIN_SPLITS, Listing, list_folder
from sufficient.data.opening import SUFFIXES
from sufficient.data.table_files import TABLE_SUFFIXES
from sufficient.data.walk import brief, printable
from sufficient.errors import DataError
from sufficient.notice import Notice
from sufficient.progress import CountProgress
from sufficient.rounding import counted, some

BATCH = 16  # files a task: enough to hide the cost of handing a task to a thread
TASKS_AHEAD = 4  # tasks waiting for each thread: busy threads, few results held


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
    keep_pixels: bool = True,
    progress: CountProgress | None = None,
) -> LabelledData:
    """Return the listed images of `root`, in their order.

    Raises DataError: fewer than 2 classes, 16-bit or float pixels; LargeImagesError beyond `largest_side`.
    `max_pixels`: of an image that is decoded (None: Pillow's limit). `keep_pixels`: see `labelled_images`.
    `progress` is called with (files decoded, files to decode).
    """
    listed = Listed(
        spec=spec,
        labels=listing.labels,
        classes=tuple(map(printable, listing.classes)),
        groups=groups,
        rows=np.arange(len(listing.names)),
        name_of=lambda index: printable(listing.names[index]),
        skipped=listing.skipped,
        notices=lambda readable: [*listing.notices, *empty_class_notice(listing, readable)],
    )
    outcomes = decode_all(
        listing.names,
        _Decoder(str(root), size, largest_side, max_pixels),
        total=len(listing.names),
        batch=BATCH,
        ahead=TASKS_AHEAD,
        max_pixels=max_pixels,
        progress=progress,
    )
    return labelled_images(listed, outcomes, size=size, deduplicate=deduplicate, keep_pixels=keep_pixels)


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


def empty_class_notice(listing: Listing, readable: Collection[str]) -> list[Notice]:
    """Return what to say of the class folders that are not among the `readable` classes; nothing of none."""
    return unreadable_classes(
        [name for name in map(printable, listing.class_folders) if name not in readable]
    )


def unreadable_classes(empty: Sequence[str]) -> list[Notice]:
    """Return what to say of classes without an image that could be read; nothing of none."""
    if not empty:
        return []
    named = some(map(brief, empty), CLASSES_NAMED_AT_MOST)
    message = f"no image could be read in the class folder{'' if len(empty) == 1 else 's'} {named}."
    return [Notice("EMPTY-CLASS-FOLDER", message)]


def no_images(spec: str, listing: Listing) -> DataError:
    """Return what to say of a folder in which no file can be an image of a class."""
    if listing.splits:
        return _no_split_left(spec, listing)
    found = ""
    if listing.skipped:
        named = some((f"{item.name} ({item.reason})" for item in listing.skipped), NAMED_AT_MOST)
        found = f" among {counted(len(listing.skipped), 'file')} found: {named}"
    why = "".join(f" ({notice.message.rstrip('.')})" for notice in listing.notices)
    files = [item.name for item in listing.skipped]
    tables = sorted(name for name in files if "/" not in name and name.lower().endswith(TABLE_SUFFIXES))
    table = brief(os.path.join(spec, tables[0])) if tables else "TABLE.csv"
    which = f", such as {tables[0]} in it" if tables else ""
    return DataError(
        f"{spec} holds no images in class folders{found}{why}. Make one folder for each class and put its "
        f"images inside ({' '.join(SUFFIXES)}), or give a table of file_name,label{which}: --labels {table}."
    )


def _no_split_left(spec: str, listing: Listing) -> DataError:
    tops = {
        reason: {item.name.split("/")[0] for item in listing.skipped if item.reason == reason}
        for reason in ("no-class", "held-back-split")
    }
    flat = [name for name in listing.splits if name in tops["no-class"] and name.lower() in READ_SPLITS]
    held_back = min(tops["held-back-split"], default=listing.splits[0])
    folder = min(flat, key=lambda name: name.lower() not in TRAIN_SPLITS, default=held_back)
    why = "; ".join(notice.message.rstrip(".") for notice in listing.notices)
    return DataError(
        f"{spec} leaves no images in class folders to read ({why}). "
        f"Give the path of the split folder itself, {os.path.join(spec, folder)}; "
        "or rename the folders, if these are classes and no splits."
    )
