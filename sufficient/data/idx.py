"""The idx format of MNIST's original files, plain or gzip: magic number, lengths, bytes."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sufficient.errors import DataError

UNSIGNED_BYTE = 0x08  # the only element type that MNIST's files use


def read_idx(path: Path, *, dimensions: int) -> NDArray[np.uint8]:
    """Return the array of an idx file of unsigned bytes. Raises DataError if magic or length are wrong."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, str(error)) from error
    header = 4 + 4 * dimensions  # bytes
    if content[:4] != bytes([0, 0, UNSIGNED_BYTE, dimensions]) or len(content) < header:
        raise _damaged(path, f"it does not start as an idx file of {dimensions}-dimensional bytes")
    shape = tuple(int(n) for n in np.frombuffer(content, dtype=">u4", count=dimensions, offset=4))
    if len(content) - header != math.prod(shape):
        raise _damaged(
            path, f"{len(content) - header:,} bytes where its header promises {math.prod(shape):,}"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


def _damaged(path: Path, cause: str) -> DataError:
    return DataError(f"{path} cannot be read ({cause}); fetch the file again.")
