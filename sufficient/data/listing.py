"""What lies in a folder of class folders: every file found, with its class or the reason to skip it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from sufficient.data.images import SUFFIXES
from sufficient.data.labelled import Skipped, SkipReason
from sufficient.errors import DataError
from sufficient.notice import Notice

TRAIN_SPLITS = ("train", "training")  # all in lower case; a folder's case does not matter
READ_SPLITS = (*TRAIN_SPLITS, "val", "valid", "validation", "dev")
HELD_BACK_SPLITS = ("test", "testing")
FOLDERS_NAMED = 5  # of each kind, in the notice
JUNK = ("__macosx", "thumbs.db", "desktop.ini")  # in lower case; names that start with a dot are hidden too

Identity = tuple[int, int]  # (st_dev, st_ino)


class ImageFile(NamedTuple):
    """A file that may be an image, by its suffix."""

    name: str  # path relative to the root, "/" between its parts
    label: str


@dataclass(frozen=True)
class Listing:
    """Every file found is in `images` or in `skipped`; a hidden or unreadable folder counts as one."""

    images: tuple[ImageFile, ...]  # sorted by name
    skipped: tuple[Skipped, ...]
    class_folders: tuple[str, ...]  # sorted; with or without images
    notices: tuple[Notice, ...]
    splits: tuple[str, ...]  # the folders on top that are splits, sorted; none: those on top are classes


class _Tree(NamedTuple):
    files: list[str]
    folders: list[str]
    skipped: list[Skipped]


def list_folder(root: Path) -> Listing:
    """Return the images below `root`, their class being the first folder level, at any depth below it.

    Where two or more folders on top bear the names of splits, or the only one does, the classes are one
    level further down: train and val are read as one, test is held back, what lies beside them is skipped.
    Raises DataError when `root` itself cannot be listed.
    """
    files, folders, skipped = _walk(root)
    files.sort()
    top_folders = {folder for folder in folders if "/" not in folder}
    splits = _splits(top_folders)
    class_level = 1 if splits else 0
    images = []
    for name in files:
        reason = _reason_to_skip(name, splits)
        if reason is None:
            images.append(ImageFile(name, name.split("/")[class_level]))
        else:
            skipped.append(Skipped(printable(name), reason))
    class_folders = {
        parts[class_level]
        for parts in (folder.split("/") for folder in folders)
        if len(parts) == class_level + 1 and (not splits or _is_read(parts[0]))
    }
    notices = (_split_notice(splits, sorted(top_folders.difference(splits)), skipped),) if splits else ()
    return Listing(tuple(images), tuple(skipped), tuple(sorted(class_folders)), notices, splits)


def printable(name: str) -> str:
    """Return a file name as text that any output can carry: bytes that are not UTF-8 become escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _walk(root: Path) -> _Tree:
    """Return all files and folders below `root`, unsorted, as relative paths. Nothing is opened."""
    tree = _Tree([], [], [])
    try:
        pending: list[tuple[str, tuple[Identity, ...]]] = [("", (_identity(root),))]  # with its ancestors
        os.scandir(root).close()
    except OSError as error:
        raise DataError(
            f"{root} cannot be listed: {error.strerror or error}; check its permissions."
        ) from error
    while pending:
        folder, ancestors = pending.pop()
        try:
            for entry, name in _entries(root, folder):
                kind = _kind(entry)
                if _is_hidden(entry.name):
                    tree.skipped.append(Skipped(printable(name), "hidden"))
                elif kind == "file":
                    tree.files.append(name)
                elif kind != "folder":
                    tree.skipped.append(Skipped(printable(name), kind))
                elif (identity := _identity(entry.path)) in ancestors:
                    tree.skipped.append(Skipped(printable(name), "symlink-loop"))
                else:
                    tree.folders.append(name)
                    pending.append((name, (*ancestors, identity)))
        except OSError as error:
            tree.skipped.append(Skipped(printable(folder), "unreadable", error.strerror or str(error)))
    return tree


def _entries(root: Path, folder: str) -> Iterator[tuple[os.DirEntry[str], str]]:
    prefix = f"{folder}/" if folder else ""
    with os.scandir(os.path.join(root, folder)) as entries:
        for entry in entries:
            yield entry, prefix + entry.name


def _kind(entry: os.DirEntry[str]) -> Literal["file", "folder", "not-a-file", "unreadable"]:
    """Return what an entry is, links followed; a link to nowhere (or to itself) is unreadable."""
    try:
        if entry.is_file():
            return "file"
        if entry.is_dir():
            return "folder"
    except OSError:
        return "unreadable"
    return "not-a-file" if os.path.exists(entry.path) else "unreadable"


def _identity(path: str | Path) -> Identity:
    status = os.stat(path)
    return status.st_dev, status.st_ino


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in JUNK


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
    top, *below = name.split("/")
    if splits and below and top not in splits:
        return "beside-splits"
    if os.path.splitext(name)[1].lower() not in SUFFIXES:
        return "unsupported-suffix"
    if splits and below and _is_held_back(top):
        return "held-back-split"
    if len(below) < (2 if splits else 1):
        return "no-class"
    return None


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
    more = ", …" if len(folders) > FOLDERS_NAMED else ""
    return ", ".join(f"{printable(folder)}/" for folder in folders[:FOLDERS_NAMED]) + more
