"""Where the cache lies, what it holds, and how room is made in it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from sufficient.errors import UsageError
from sufficient.features.manifest import MANIFEST, ForeignError, Key, read_manifest
from sufficient.locks import exclusive

ENTRY = re.compile(r"[0-9a-f]{64}")  # names of directories that are the cache's own
REMOVED = re.compile(r"\.[0-9a-f]{64}(\.\d+)*\.removed")  # and of those that are being removed
DEFAULT_LIMIT = "20GB"  # about 6 million objects of a ViT-base
UNITS = "KMGT"
LONGEST_NAME = 16  # characters of a commit, of weights' name or of their SHA-256 that are shown


@dataclass(frozen=True)
class Stored:
    """An entry on disk."""

    path: Path
    bytes: int
    used: float  # when it was used last, seconds since 1970

    @property
    def key(self) -> str:
        """The name by which it is found."""
        return self.path.name


@dataclass(frozen=True)
class Described(Stored):
    """An entry with what its manifest says."""

    model: str
    data: str
    objects: int
    way: str  # by which entries of one model and data differ: pooling, commit or weights, precision
    damaged: str | None = None  # why its manifest cannot be read, in a clause


def cache_root() -> Path:
    """Return $SUFFICIENT_CACHE, else $XDG_CACHE_HOME/sufficient, else ~/.cache/sufficient."""
    if own := os.environ.get("SUFFICIENT_CACHE"):
        return Path(own).expanduser().absolute()
    if common := os.environ.get("XDG_CACHE_HOME"):
        return Path(common).expanduser().absolute() / "sufficient"
    return Path("~/.cache/sufficient").expanduser()


def size_limit() -> int:
    """Return $SUFFICIENT_CACHE_LIMIT in bytes, `5GB` or `500 MB`; by default 20 GB. Raises UsageError."""
    given = os.environ.get("SUFFICIENT_CACHE_LIMIT") or DEFAULT_LIMIT
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?\s*", given, re.IGNORECASE)
    if match is None:
        raise UsageError(f"SUFFICIENT_CACHE_LIMIT={given} is no size; give one such as 5GB or 500MB.")
    thousands = UNITS.index(match[2].upper()) + 1 if match[2] else 0
    unit: int = (1024 if match[3] else 1000) ** thousands
    return round(float(match[1]) * unit)


def stored(root: Path) -> list[Stored]:
    """Return the entries below `root`, the one used last first; none where there is no cache.

    What a kill left of entries that were being removed is removed.
    """
    found = []
    with contextlib.suppress(OSError):
        for path in list(root.iterdir()):
            if path.is_symlink() or not path.is_dir():
                continue
            if REMOVED.fullmatch(path.name):
                shutil.rmtree(path, ignore_errors=True)
            elif ENTRY.fullmatch(path.name):
                found.append(Stored(path, _bytes(path), _used(path)))
    return sorted(found, key=lambda entry: (-entry.used, entry.key))


def described(entry: Stored) -> Described:
    """Return the entry with what its manifest says; dashes, and why, where that cannot be read."""
    why = f"it has no {MANIFEST}"
    try:
        manifest = read_manifest(entry.path)
    except ForeignError as error:
        manifest, why = None, f"{MANIFEST}: {error}"
    if manifest is None:
        return Described(entry.path, entry.bytes, entry.used, "–", "–", 0, "–", damaged=why)
    count = sum(shard.objects for shard in manifest.shards)
    return Described(
        entry.path, entry.bytes, entry.used, manifest.model, manifest.data, count, _way(manifest.key)
    )


def _way(key: Key) -> str:
    model: dict[str, str] = key.get("model", {})
    weights = model.get("commit") or model.get("weights", "").rpartition(".")[2]  # torchvision's by name
    seed = f"seed {model['seed']}" if "seed" in model else ""
    return ", ".join(
        filter(None, [model.get("pooling"), weights[:LONGEST_NAME], seed, str(key.get("dtype", ""))])
    )


def make_room(root: Path, *, limit: int, keep: str) -> None:
    """Remove the entries used longest ago down to `limit` bytes; `keep` and those in use stay."""
    entries = stored(root)
    total = sum(entry.bytes for entry in entries)
    for entry in reversed(entries):
        if total <= limit:
            return
        if entry.key != keep and remove(entry.path):
            total -= entry.bytes


def remove(directory: Path) -> bool:
    """Remove an entry, at once for all who look; return False where a process uses it or the disk refuses."""
    try:
        with exclusive(directory, wait=False):
            return _taken_away(directory)
    except OSError:
        return False


def _taken_away(directory: Path) -> bool:
    beside = directory.with_name(f".{directory.name}.{os.getpid()}.{time.time_ns()}.removed")
    try:
        os.replace(directory, beside)
    except OSError:
        return False
    shutil.rmtree(beside, ignore_errors=True)
    return True


def _bytes(directory: Path) -> int:
    total = 0
    with contextlib.suppress(OSError):
        for path in directory.iterdir():
            with contextlib.suppress(OSError):
                total += path.stat().st_size
    return total


def _used(directory: Path) -> float:
    for path in (directory / MANIFEST, directory):
        with contextlib.suppress(OSError):
            return path.stat().st_mtime
    return 0.0
