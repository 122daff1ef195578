"""What lies in a folder of class folders: every file found, with its class or the reason to skip it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from sufficient.data.images import SUFFIXES
from sufficient.data.labelled import Skipped, SkipReason
from sufficient.errors import DataError
from sufficient.notice import Notice

READ_SPLITS = ("train", "val", "valid", "validation")
HELD_BACK_SPLITS = ("test",)
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


class _Tree(NamedTuple):
    files: list[str]
    folders: list[str]
    skipped: list[Skipped]


def list_folder(root: Path) -> Listing:
    """Return the images below `root`, their class being the first folder level, at any depth below it.

    With `train/` on top and no other folders but splits, the classes are one level further down: train
    and val are read as one, test is held back. Raises DataError when `root` itself cannot be listed.
    """
    files, folders, skipped = _walk(root)
    files.sort()
    splits = _splits({folder for folder in folders if "/" not in folder})
    class_level = 1 if splits else 0
    images = []
    for name in files:
        reason = _reason_to_skip(name, class_level)
        if reason is None:
            images.append(ImageFile(name, name.split("/")[class_level]))
        else:
            skipped.append(Skipped(printable(name), reason))
    class_folders = {
        parts[class_level]
        for parts in (folder.split("/") for folder in folders)
        if len(parts) == class_level + 1 and not (splits and _is_held_back(parts[0]))
    }
    held_back = sum(item.reason == "held-back-split" for item in skipped)
    notices = (_split_notice(splits, held_back),) if splits else ()
    return Listing(tuple(images), tuple(skipped), tuple(sorted(class_folders)), notices)


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


def _is_held_back(folder: str) -> bool:
    return folder.lower() in HELD_BACK_SPLITS


def _splits(top_folders: set[str]) -> list[str]:
    """Return the folders on top if they are splits and not classes, else nothing."""
    names = {folder.lower() for folder in top_folders}
    return sorted(top_folders) if "train" in names and names <= {*READ_SPLITS, *HELD_BACK_SPLITS} else []


def _reason_to_skip(name: str, class_level: int) -> SkipReason | None:
    if os.path.splitext(name)[1].lower() not in SUFFIXES:
        return "unsupported-suffix"
    if class_level and _is_held_back(name.split("/", 1)[0]):
        return "held-back-split"
    if name.count("/") <= class_level:
        return "no-class"
    return None


def _split_notice(splits: list[str], held_back: int) -> Notice:
    read = [f"{name}/" for name in splits if not _is_held_back(name)]
    left_out = [f"{name}/" for name in splits if _is_held_back(name)]
    message = f"read as one data set: {', '.join(read)}; the classes are the folders inside"
    if left_out:
        message += f"; left out: {', '.join(left_out)} ({held_back:,} images)"
    return Notice("SPLIT-FOLDERS", f"{message}.")
