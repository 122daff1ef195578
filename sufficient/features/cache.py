"""Features that were made before: one entry for each data set, model and way of making them.

An entry is a directory named by the SHA-256 of its key: `manifest.json` (the key in clear, and which shards
there are) and safetensors shards, each written whole before the manifest names it. Several processes may
write to one entry.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import PIL
import torch
from numpy.typing import NDArray

from sufficient.data.labelled import ImageSet
from sufficient.errors import ResourceError
from sufficient.features.cache_space import cache_root, make_room, size_limit
from sufficient.features.made import Made
from sufficient.features.manifest import FORMAT, MANIFEST, ForeignError, Key, Manifest, read_manifest
from sufficient.features.shards import DamagedError, Shard, held_by, packed, unpacked
from sufficient.files import write_atomically
from sufficient.locks import exclusive, shared
from sufficient.notice import Notice

if TYPE_CHECKING:
    from sufficient.features.backbone import Backbone

LOCK = "lock"
LEFT_OVER = re.compile(
    r"[0-9a-f]{32}\.safetensors|\..+\.part"
)  # shards dropped, and files cut short by a kill
# Why an image was skipped that may be readable tomorrow: never kept.
PASSING = frozenset({"unreadable", "vanished", "changed", "outside-root", "no-file"})


def entry(images: ImageSet, backbone: Backbone, dtype: torch.dtype) -> Entry | None:
    """Return the cache's entry for these features; None where data or model cannot be told from others."""
    if not backbone.identity or not images.cacheable:
        return None
    key: Key = {
        "data": images.fingerprint,
        "max_pixels": getattr(images.reader, "max_pixels", None),  # decides which images are skipped
        "model": dict(sorted(backbone.identity.items())),
        "dtype": str(dtype).removeprefix("torch."),
        "draft": backbone.draft,
        "pillow": PIL.__version__,
    }
    name = hashlib.sha256(json.dumps([FORMAT, key], sort_keys=True).encode()).hexdigest()
    model = os.path.abspath(backbone.name) if os.path.isdir(backbone.name) else backbone.name
    manifest = Manifest(key, model, images.spec)
    return Entry(cache_root() / name, manifest, count=len(images.labels))


class Entry:
    """The features of one key: those that were found, and those to be added.

    Rows are read when they are asked for, of the shards that hold them alone. A disk that will not have it or
    a shard that is damaged stops nobody: `notices` say so, and the run goes on without. Raises UsageError for
    a limit of the cache that is no size.
    """

    def __init__(self, directory: Path, manifest: Manifest, *, count: int) -> None:
        self._directory, self._fresh, self._count = directory, manifest, count
        self._limit = size_limit()
        self.notices: list[Notice] = []
        self._writes = True
        self._indexed: dict[Shard, NDArray[np.int64]] = {}  # what each shard found holds, ascending
        self._checked: set[Shard] = set()  # those whose checksum was right
        self._lock = shared(directory)  # if there is one: while this entry lives, nobody makes room by it
        self._open()

    def found(self, objects: NDArray[np.int64]) -> Iterator[Made]:
        """Yield what the shards hold that have some of the objects; a damaged one is named and dropped."""
        wanted, damaged = np.sort(objects), list[Shard]()
        for shard, inside in list(self._indexed.items()):
            if not _meet(wanted, inside):
                continue
            try:
                checked = shard in self._checked
                made = unpacked(self._directory / shard.file, shard, count=self._count, checked=checked)
            except DamagedError as error:
                damaged.append(shard)
                self._say_damaged(shard, error)
                continue
            self._checked.add(shard)
            yield made
        self._drop(damaged)

    def add(self, made: Made) -> None:
        """Write what was made as one more shard."""
        lasting = {index: why for index, why in made.skipped.items() if why.reason not in PASSING}
        made = replace(made, skipped=lasting)
        if not self._writes or len(made) == 0:
            return
        content, shard = packed(made)
        with self._writing():
            self._directory.mkdir(parents=True, exist_ok=True)  # the first shard, or cleared meanwhile
            self._lock = self._lock or shared(self._directory)
            with exclusive(self._directory / LOCK, wait=True):
                write_atomically(self._directory / shard.file, content)
                self._rewrite(added=shard)

    def make_room(self) -> None:
        """Remove what was used longest ago, where the cache outgrew its limit; never this entry."""
        make_room(self._directory.parent, limit=self._limit, keep=self._directory.name)

    def _open(self) -> None:
        try:
            manifest = read_manifest(self._directory)
            if manifest is not None and manifest.key != self._fresh.key:
                raise ForeignError("it is of other data or another model")
        except ForeignError as error:
            self._say(
                "CACHE-FOREIGN",
                f"the manifest in {self._directory} is not used ({error}): these features are made anew.",
            )
            manifest = None
        damaged = []
        for shard in () if manifest is None else manifest.shards:
            try:
                self._indexed[shard] = held_by(self._directory / shard.file)
            except DamagedError as error:
                damaged.append(shard)
                self._say_damaged(shard, error)
        self._drop(damaged)
        with contextlib.suppress(OSError):
            os.utime(self._directory / MANIFEST)  # when it was used last

    def _drop(self, damaged: list[Shard]) -> None:
        for shard in damaged:
            self._indexed.pop(shard, None)
        if damaged:
            with self._writing(), exclusive(self._directory / LOCK, wait=True):
                self._rewrite(dropped=damaged)

    def _rewrite(self, *, added: Shard | None = None, dropped: list[Shard] | tuple[Shard, ...] = ()) -> None:
        """Bring the manifest up to date; the lock is held. What another process added meanwhile stays."""
        try:
            now = read_manifest(self._directory)
        except ForeignError:
            now = None
        shards = () if now is None or now.key != self._fresh.key else now.shards
        kept = [shard for shard in shards if shard not in dropped and shard != added]
        kept += [] if added is None else [added]
        write_atomically(self._directory / MANIFEST, replace(self._fresh, shards=tuple(kept)).to_json())
        if self._directory.is_symlink():  # what lies elsewhere is not the cache's to clear
            return
        named = {shard.file for shard in kept}
        for path in self._directory.iterdir():
            if path.name not in named and LEFT_OVER.fullmatch(path.name):
                path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Say once that the disk refuses, and write nothing further."""
        if not self._writes:
            return
        try:
            yield
        except (OSError, ResourceError) as error:
            cause = error.__cause__ if isinstance(error, ResourceError) else error
            self._writes = False
            self._say(
                "CACHE-NOT-WRITTEN",
                f"the features are not kept in {self._directory} "
                f"({getattr(cause, 'strerror', None) or cause}): the run goes on, and the next one makes "
                "them again; free some space there, or set SUFFICIENT_CACHE to another folder.",
            )

    def _say_damaged(self, shard: Shard, error: DamagedError) -> None:
        self._say(
            "CACHE-SHARD-DAMAGED",
            f"the cached features in {self._directory / shard.file} are damaged ({error}): those of "
            f"its {shard.objects:,} objects are made again.",
        )

    def _say(self, code: str, message: str) -> None:
        self.notices.append(Notice(code, message))


def _meet(wanted: NDArray[np.int64], inside: NDArray[np.int64]) -> bool:
    """Return whether two ascending arrays have a number in common."""
    if len(wanted) == 0 or len(inside) == 0:
        return False
    places = np.minimum(np.searchsorted(wanted, inside), len(wanted) - 1)
    return bool((wanted[places] == inside).any())
