"""What lies in a folder of class folders: every file found, with its class or the reason to skip it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sufficient.data.labelled import Skipped, SkipReason
from sufficient.data.opening import SUFFIXES
from sufficient.data.walk import printable, walk
from sufficient.notice import Notice
from sufficient.rounding import counted, some

TRAIN_SPLITS = ("train", "training")  # all in lower case; a folder's case does not matter
READ_SPLITS = (*TRAIN_SPLITS, "val", "valid", "validation", "dev")
HELD_BACK_SPLITS = ("test", "testing")
FOLDERS_NAMED = 5  # of each kind, in the notice


@dataclass(frozen=True)
class Listing:
    """Every file found is in `names` or in `skipped`; a hidden or unreadable folder counts as one.

    A million files are 130 MB: names and numbers, no object for each.
    """

    names: list[str]  # (N,) sorted paths relative to the root, "/" between their parts
    labels: NDArray[np.int64]  # (N,) indexes `classes`
    classes: tuple[str, ...]  # names of folders, sorted; those with images
    sizes: NDArray[np.int64]  # (N,) bytes
    times: NDArray[np.int64]  # (N,) of their last change, nanoseconds
    marks: NDArray[np.int64]  # (N,) of their inodes, see `Stamp`
    skipped: tuple[Skipped, ...]
    class_folders: tuple[str, ...]  # sorted; with or without images
    notices: tuple[Notice, ...]
    splits: tuple[str, ...]  # the folders on top that are splits, sorted; none: those on top are classes

    @property
    def class_level(self) -> int:
        """The part of a name that is the class."""
        return 1 if self.splits else 0


def list_folder(root: Path) -> Listing:
    """Return the images below `root`, their class being the first folder level, at any depth below it.

    Where two or more folders on top bear the names of splits, or the only one does, the classes are one
    level further down: train and val are read as one, test is held back, what lies beside them is skipped.
    Links are followed where they stay below `root`. Raises DataError when `root` itself cannot be listed.
    """
    tree = walk(root)
    top_folders = {folder for folder in tree.folders if "/" not in folder}
    splits = _splits(top_folders)
    class_level = 1 if splits else 0
    reasons = [_reason_to_skip(name, splits) for name in tree.files]
    order = sorted((i for i, reason in enumerate(reasons) if reason is None), key=tree.files.__getitem__)
    names = [tree.files[i] for i in order]
    left_out = ((n, why) for n, why in zip(tree.files, reasons, strict=True) if why is not None)
    tree.skipped += [Skipped(printable(name), reason) for name, reason in sorted(left_out)]
    labels, classes = _encode([name.split("/", class_level + 1)[class_level] for name in names])
    class_folders = {
        parts[class_level]
        for parts in (folder.split("/") for folder in tree.folders)
        if len(parts) == class_level + 1 and (not splits or _is_read(parts[0]))
    }
    notices = [_split_notice(splits, sorted(top_folders.difference(splits)), tree.skipped)] if splits else []
    return Listing(
        names=names,
        labels=labels,
        classes=classes,
        sizes=np.array(tree.sizes, dtype=np.int64)[order],
        times=np.array(tree.times, dtype=np.int64)[order],
        marks=np.array(tree.marks, dtype=np.int64)[order],
        skipped=tuple(tree.skipped),
        class_folders=tuple(sorted(class_folders)),
        notices=(*notices, *_outside_notice(tree.skipped)),
        splits=splits,
    )


def _encode(names: list[str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    classes = sorted(set(names))
    code = {name: index for index, name in enumerate(classes)}
    return np.fromiter((code[name] for name in names), dtype=np.int64, count=len(names)), tuple(classes)


def _is_read(folder: str) -> bool:
    return folder.lower() in READ_SPLITS


def _is_held_back(folder: str) -> bool:
    return folder.lower() in HELD_BACK_SPLITS


def _splits(top_folders: set[str]) -> tuple[str, ...]:
    """Return the folders on top that are splits and not classes.

    One such name among others may be a class ("train" beside "bus"); two are taken for splits, and so is
    one that stands alone, since one class is never enough.
    """
    named = sorted(folder for folder in top_folders if _is_read(folder) or _is_held_back(folder))
    return tuple(named) if len(named) > 1 or len(named) == len(top_folders) else ()


def _reason_to_skip(name: str, splits: tuple[str, ...]) -> SkipReason | None:
    depth = name.count("/")
    top = name.partition("/")[0] if splits and depth else ""
    if top and top not in splits:
        return "beside-splits"
    if not name.lower().endswith(SUFFIXES):
        return "unsupported-suffix"
    if top and _is_held_back(top):
        return "held-back-split"
    if depth < (2 if splits else 1):
        return "no-class"
    return None


def _outside_notice(skipped: list[Skipped]) -> list[Notice]:
    outside = sorted(item.name for item in skipped if item.reason == "outside-root")
    if not outside:
        return []
    message = (
        f"not followed: {counted(len(outside), 'link')} out of the folder of the data (the first: "
        f"{outside[0]}); to use what they lead to, copy the folder with its links resolved, "
        "`cp -rL DATA COPY`, and give the copy."
    )
    return [Notice("OUTSIDE-ROOT", message)]


def _split_notice(splits: tuple[str, ...], others: list[str], skipped: list[Skipped]) -> Notice:
    count = Counter(item.reason for item in skipped)
    read = [folder for folder in splits if _is_read(folder)]
    held_back = [folder for folder in splits if _is_held_back(folder)]
    parts = []
    if read:
        parts.append(f"read as one data set: {_named(read)}; the classes are the folders inside")
    if not any(folder.lower() in TRAIN_SPLITS for folder in splits):
        parts.append("there is no train folder")
    if held_back:
        parts.append(f"left out: {_named(held_back)} ({count['held-back-split']:,} images)")
    if others:
        parts.append(f"not read, beside the splits: {_named(others)} ({count['beside-splits']:,} files)")
    return Notice("SPLIT-FOLDERS", f"{'; '.join(parts)}.")


def _named(folders: list[str]) -> str:
    return some((f"{printable(folder)}/" for folder in folders), FOLDERS_NAMED)
