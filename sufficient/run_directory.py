"""The directory of one run: who may write to it, and that it holds the same run when it is resumed."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

from sufficient.errors import ResourceError, UsageError
from sufficient.files import write_atomically
from sufficient.options import RunOptions, differences
from sufficient.study.store import HEADER

CONFIG = "config.toml"
RECORD, FIGURES = "record", "figures"
UNFINISHED = re.compile(r"\..+\.\d+\.part")  # as `files.write_atomically` names them


@contextlib.contextmanager
def opened(directory: Path, options: RunOptions, *, resume: bool) -> Iterator[None]:
    """Hold the directory for one run, alone; one that was made and stayed empty is taken away again.

    Raises UsageError when it holds something else, ResourceError when another process writes to it.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(f"--out {directory} is a file, or lies below one; give a directory.") from error
    except OSError as error:
        raise ResourceError(f"cannot make --out {directory}: {error.strerror}; choose another.") from error
    with held(directory):
        _admit(directory, options, resume=resume)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                directory.rmdir()  # refused, as it should be, where anything was written


def begin(directory: Path, options: RunOptions) -> None:
    """Write what a run begins with: its options."""
    write_atomically(directory / CONFIG, options.to_toml().encode())


def _admit(directory: Path, options: RunOptions, *, resume: bool) -> None:
    present = {path.name for path in directory.iterdir() if not UNFINISHED.fullmatch(path.name)}
    if not (directory / RECORD / HEADER).exists():
        if present - {CONFIG, RECORD}:
            raise UsageError(f"--out {directory} is not empty and holds no run; give a new directory.")
        return
    if not resume:
        raise UsageError(f"--out {directory} is not empty; go on with --resume or give a new directory.")
    if differing := differences(directory / CONFIG, options):
        raise UsageError(
            f"--out {directory} holds a run with other options: {'; '.join(differing)}. "
            "Resume with the same ones or give a new --out."
        )
    for folder in (directory, directory / RECORD, directory / FIGURES):
        for path in folder.glob(".*.part"):
            if UNFINISHED.fullmatch(path.name):
                path.unlink()  # half a file of a killed run


@contextlib.contextmanager
def held(directory: Path) -> Iterator[None]:
    """Hold an advisory lock on the directory itself: no lock file is left behind by a killed run."""
    try:
        import fcntl
    except ImportError:  # Windows has no flock; there two runs on one --out are not told apart
        yield
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
                yield  # a file system without locks
                return
            raise ResourceError(
                f"another process is writing to --out {directory}; wait for it or give another directory."
            ) from error
        yield
    finally:
        os.close(handle)
