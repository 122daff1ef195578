"""The directory of one run: who may write to it, and that it holds the same run when it is resumed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from sufficient.errors import ResourceError, UsageError
from sufficient.files import write_atomically
from sufficient.options import RunOptions, differences

CONFIG = "config.toml"
RECORD = "record"


@contextlib.contextmanager
def opened(directory: Path, options: RunOptions, *, resume: bool) -> Iterator[None]:
    """Hold the directory for one run, from `config.toml` on, alone.

    Raises UsageError when it holds something else, ResourceError when another process writes to it.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(f"--out {directory} is a file; give a directory.") from error
    except OSError as error:
        raise ResourceError(f"cannot make --out {directory}: {error.strerror}; choose another.") from error
    with held(directory):
        _admit(directory, options, resume=resume)
        yield


def _admit(directory: Path, options: RunOptions, *, resume: bool) -> None:
    for part in [*directory.glob(".*.part"), *directory.glob("*/.*.part")]:
        part.unlink()  # half a file of a killed run
    config = directory / CONFIG
    if not any(directory.iterdir()):
        write_atomically(config, options.to_toml().encode())
        return
    if not resume:
        raise UsageError(f"--out {directory} is not empty; go on with --resume or give a new directory.")
    if not config.exists():
        raise UsageError(f"--out {directory} holds files but no run (no {CONFIG}); give a new directory.")
    if differing := differences(config, options):
        raise UsageError(
            f"--out {directory} holds a run with other options: {'; '.join(differing)}. "
            "Resume with the same ones or give a new --out."
        )


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
            raise ResourceError(
                f"another process is writing to --out {directory}; wait for it or give another directory."
            ) from error
        yield
    finally:
        os.close(handle)
