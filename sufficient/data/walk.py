"""Every file below a folder with its size and time; links are followed where they stay inside."""

from __future__ import annotations

import errno
import os
import re
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from sufficient.data.faults import GONE, stop_if_exhausted
from sufficient.data.labelled import Skipped, SkipReason
from sufficient.data.opening import Stamp
from sufficient.errors import DataError

BRIEF = 60  # characters of a name in a message
JUNK = ("__macosx", "thumbs.db", "desktop.ini")  # in lower case; names that start with a dot are hidden too

Identity = tuple[int, int]  # (st_dev, st_ino)
Folder = tuple[str, tuple[Identity, ...]]  # relative path; the folder itself and those above it
Kind = Literal["file", "folder", "not-a-file", "hidden", "unreadable", "outside-root"]

# Control characters, those that turn the direction of text or end a line, and bytes that are not UTF-8.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(name: str) -> str:
    """Return a name as text that any output can carry: control characters and stray bytes become escapes."""
    return name if name.isascii() and name.isprintable() else UNPRINTABLE.sub(_escape, name)


def brief(name: str) -> str:
    """Return a name for a message: printable, and no longer than can be read at a glance."""
    shown = printable(name[: BRIEF + 1])
    return shown if len(name) <= BRIEF and len(shown) <= 2 * BRIEF else f"{shown[:BRIEF]}…"


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as Python keeps it
        return f"\\x{code - 0xDC00:02x}"
    return match[0].encode("unicode_escape").decode("ascii")


def walk(root: Path) -> Walk:
    """Return what lies below `root`.

    Raises DataError when it cannot be listed, ResourceError when too many files are open or memory is out.
    """
    found = Walk(root)
    try:
        pending: list[Folder] = [("", (_identity(root),))]
        os.scandir(root).close()
    except OSError as error:
        stop_if_exhausted(error)
        raise DataError(
            f"{root} cannot be listed: {error.strerror or error}; check its permissions."
        ) from error
    while pending:
        pending += found.list_one(*pending.pop())
    return found


class Walk:
    """What lies below a folder, unsorted, as paths relative to it."""

    def __init__(self, root: Path) -> None:
        self.files: list[str] = []
        self.sizes = array("q")  # bytes, of the files
        self.times = array("q")  # of their last change, nanoseconds
        self.marks = array("q")  # of their inodes, see `Stamp`
        self.folders: list[str] = []
        self.skipped: list[Skipped] = []
        self._root = str(root)
        self._inside = os.path.join(os.path.realpath(root), "")

    def list_one(self, folder: str, ancestors: tuple[Identity, ...]) -> Iterator[Folder]:
        """Take in one folder; yield the folders in it, each with itself and those above it."""
        prefix = f"{folder}/" if folder else ""
        try:
            with os.scandir(os.path.join(self._root, folder)) as entries:
                for entry in entries:
                    name = prefix + entry.name
                    kind = self._kind(entry)
                    if kind == "file":
                        self._add(entry, name)
                    elif kind == "unreadable":
                        self._skip_unreadable(entry, name)
                    elif kind != "folder":
                        self._skip(name, kind)
                    elif (identity := self._identity_of(entry, name)) is None:
                        continue
                    elif identity in ancestors:
                        self._skip(name, "symlink-loop")
                    else:
                        self.folders.append(name)
                        yield name, (*ancestors, identity)
        except OSError as error:
            self._fail(folder, error)

    def _identity_of(self, entry: os.DirEntry[str], name: str) -> Identity | None:
        try:
            return _identity(entry.path)
        except OSError as error:
            self._fail(name, error)
            return None

    def _add(self, entry: os.DirEntry[str], name: str) -> None:
        try:
            status = entry.stat()
        except OSError as error:
            self._fail(name, error)
            return
        size, time, mark = Stamp.of(status)
        self.files.append(name)
        self.sizes.append(size)
        self.times.append(time)
        self.marks.append(mark)

    def _kind(self, entry: os.DirEntry[str]) -> Kind:
        """Return what an entry is, links followed; a link to nowhere (or to itself) is unreadable."""
        if entry.name.startswith(".") or entry.name.lower() in JUNK:
            return "hidden"
        kind: Kind
        try:
            if entry.is_file():
                kind = "file"
            elif entry.is_dir():
                kind = "folder"
            else:
                return "not-a-file" if os.path.exists(entry.path) else "unreadable"
        except OSError as error:
            stop_if_exhausted(error)
            return "unreadable"
        return "outside-root" if entry.is_symlink() and self._leaves(entry.path) else kind

    def _skip_unreadable(self, entry: os.DirEntry[str], name: str) -> None:
        """Take in what the system gives no status of: a link to nowhere, or that leads back to itself."""
        try:
            os.stat(entry.path)
        except OSError as error:
            if error.errno == errno.ELOOP:
                self._skip(name, "symlink-loop", "a link that leads back to itself")
                return
            link = entry.is_symlink() and error.errno in GONE
            said = "a link to a file that does not exist" if link else error.strerror or str(error)
            self._skip(name, "unreadable", said)
        else:
            self._skip(name, "unreadable")

    def _leaves(self, link: str) -> bool:
        return not os.path.join(os.path.realpath(link), "").startswith(self._inside)

    def _skip(self, name: str, reason: SkipReason, detail: str = "") -> None:
        self.skipped.append(Skipped(printable(name), reason, detail))

    def _fail(self, name: str, error: OSError) -> None:
        stop_if_exhausted(error)
        reason: SkipReason = "vanished" if error.errno in GONE else "unreadable"
        self._skip(name, reason, error.strerror or str(error))


def _identity(path: str | Path) -> Identity:
    status = os.stat(path)
    return status.st_dev, status.st_ino
