"""Advisory locks on files and directories, which end with the process that holds them.

Where the system or the file system has none (Windows, some network disks) all goes on without.
"""

from __future__ import annotations

import contextlib
import errno
import os
import weakref
from collections.abc import Iterator
from pathlib import Path

HELD = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)  # what systems say of a lock that another has


class LockedError(OSError):
    """Another process holds the lock."""


class SharedLock:
    """A lock that several may hold; given back when nothing refers to it, or when the process ends."""

    def __init__(self, handle: int) -> None:
        weakref.finalize(self, os.close, handle)


@contextlib.contextmanager
def exclusive(path: Path, *, wait: bool) -> Iterator[None]:
    """Hold the only lock on a directory, or on a file, which is made if need be.

    Raises LockedError where another process has one and `wait` is False, OSError where it cannot be opened.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError as error:
            if not wait and error.errno in HELD:
                raise LockedError(error.errno, f"{path} is locked") from error
        yield
    finally:
        os.close(handle)


def shared(path: Path) -> SharedLock | None:
    """Return a lock on a directory that keeps exclusive ones off; None where that cannot be had."""
    with contextlib.suppress(ImportError, OSError):
        import fcntl

        handle = os.open(path, os.O_RDONLY)
        lock = SharedLock(handle)
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return lock
    return None
