"""Files are written beside their target, flushed, then renamed: a reader sees all of a file or none."""

from __future__ import annotations

import os
from pathlib import Path

from sufficient.errors import ResourceError, UsageError


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by `content`, whole or not at all. Raises ResourceError when the disk says no."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(beside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ResourceError(
            f"cannot write {path}: {error.strerror or error}; what was written before it is valid. "
            "Free some space or choose another --out, then run again with --resume."
        ) from error


def make_folder(path: Path, *, option: str | None = "--out") -> None:
    """Make the folder and those above it, where they are not there.

    `option`: what the user named it by; None for a folder inside one that is ours.
    Raises UsageError where a file stands in the way of a named one, ResourceError when the disk says no.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if option is None:
            raise ResourceError(
                f"cannot make the folder {path}: {error.strerror}; make room for it."
            ) from error
        if isinstance(error, FileExistsError | NotADirectoryError):
            raise UsageError(f"{option} {path} is a file, or lies below one; give a directory.") from error
        raise ResourceError(f"cannot make {option} {path}: {error.strerror}; choose another.") from error


def write_named(path: Path, text: str) -> None:
    """Write the file that --out names, with the folders above it. Raises UsageError, ResourceError."""
    if path.is_dir():
        raise UsageError(f"--out {path} is a directory; give a file.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"--out {path} cannot be written, {path.parent} is no directory and cannot be made one "
            f"({error.strerror}); give another file."
        ) from error
    write_atomically(path, text.encode())
