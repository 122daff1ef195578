"""A shard of the cache: what came of some objects, as one safetensors file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, save

from sufficient.data.labelled import SkipReason
from sufficient.features.made import DIGEST_BYTES, Made, Reason

SUFFIX = ".safetensors"
REASONS = frozenset(get_args(SkipReason))


class Shard(NamedTuple):
    """A line of the manifest."""

    file: str  # named by its contents: equal shards of two processes are one file
    sha256: str  # hex
    objects: int
    bytes: int


class DamagedError(Exception):
    """A shard that does not hold what was written."""


def packed(made: Made) -> tuple[bytes, Shard]:
    """Return the contents of a shard's file, and its line in the manifest."""
    reasons = json.dumps([[index, *reason] for index, reason in made.skipped.items()])
    content = save(
        {
            "objects": made.objects,
            "rows": np.ascontiguousarray(made.rows),
            "digests": made.digests,
            "marks": made.marks,
            "skipped": np.frombuffer(reasons.encode("utf-8", "surrogatepass"), np.uint8),
        }
    )
    sha256 = hashlib.sha256(content).hexdigest()
    return content, Shard(sha256[:32] + SUFFIX, sha256, len(made), len(content))


def held_by(path: Path) -> NDArray[np.int64]:
    """Return of which objects a shard's file has something, ascending; the rows are not read.

    No checksum is compared: what is found here is only where to look. Raises DamagedError.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            objects, reasons = file.get_tensor("objects"), file.get_tensor("skipped")
        numbers = [int(index) for index, *_ in _reasons(reasons)]
        return np.unique(np.concatenate([objects.astype(np.int64), np.array(numbers, np.int64)]))
    except OSError as error:
        raise DamagedError(error.strerror or str(error)) from error
    except (SafetensorError, ValueError, TypeError, OverflowError) as error:
        raise DamagedError(f"it is no shard ({error})") from error


def unpacked(path: Path, shard: Shard, *, count: int, checked: bool = False) -> Made:
    """Return what a shard's file holds, of a data set of `count` objects; `checked`: its checksum was right.

    Raises DamagedError where that is not what was written, or not of this data set.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DamagedError(error.strerror or str(error)) from error
    if not checked and hashlib.sha256(content).hexdigest() != shard.sha256:
        raise DamagedError("its checksum is another")
    try:
        tensors = load(content)
        skipped = {
            int(index): Reason(reason, str(detail)) for index, reason, detail in _reasons(tensors["skipped"])
        }
        made = Made(tensors["objects"], tensors["rows"], tensors["digests"], tensors["marks"], skipped)
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise DamagedError(f"it is no shard ({error})") from error
    if not _is_of(made, count):
        raise DamagedError("its tables do not fit together, or not to this data")
    return made


def _reasons(packed: NDArray[np.uint8]) -> list[Any]:
    return list(json.loads(packed.tobytes().decode("utf-8", "surrogatepass")))


def _is_of(made: Made, count: int) -> bool:
    numbers = [*made.objects.tolist(), *made.skipped]
    return (
        made.objects.dtype == np.int64
        and made.rows.dtype == np.float32
        and made.digests.dtype == made.marks.dtype == np.uint8
        and made.rows.shape[:1] == made.marks.shape == made.objects.shape
        and made.rows.ndim == 2
        and made.digests.shape == (len(made.objects), DIGEST_BYTES)
        and all(0 <= number < count for number in numbers)
        and all(reason.reason in REASONS for reason in made.skipped.values())
        and bool(np.isfinite(made.rows).all())
    )
