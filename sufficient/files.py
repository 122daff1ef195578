"""Files are written beside their target, flushed, then renamed: a reader sees all of a file or none."""

from __future__ import annotations

import os
from pathlib import Path

from sufficient.errors import ResourceError


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
