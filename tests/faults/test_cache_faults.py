"""A cache of features that is damaged, foreign or not to be written: named, made again, never in the way."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.account import failed


@dataclass(frozen=True)
class Harm:
    """Something done to the cache's entry, and the code of the warning that names it."""

    name: str
    do: Callable[[Path], object]  # to the entry
    code: str | None


def shard(entry: Path) -> Path:
    return next(entry.glob("*.safetensors"))


def flipped(entry: Path) -> None:
    content = bytearray(shard(entry).read_bytes())
    content[-5] ^= 1
    shard(entry).write_bytes(content)


def foreign(entry: Path) -> None:
    manifest = json.loads((entry / "manifest.json").read_text())
    manifest["key"]["data"] = "another"
    (entry / "manifest.json").write_text(json.dumps(manifest))


HARM = [
    Harm("nothing", lambda entry: None, None),
    Harm("a-flipped-bit", flipped, "CACHE-SHARD-DAMAGED"),
    Harm("a-cut-shard", lambda entry: os.truncate(shard(entry), 100), "CACHE-SHARD-DAMAGED"),
    Harm("an-empty-shard", lambda entry: os.truncate(shard(entry), 0), "CACHE-SHARD-DAMAGED"),
    Harm("a-missing-shard", lambda entry: shard(entry).unlink(), "CACHE-SHARD-DAMAGED"),
    Harm("of-other-data", foreign, "CACHE-FOREIGN"),
    Harm("no-json", lambda entry: (entry / "manifest.json").write_text("{"), "CACHE-FOREIGN"),
    Harm("a-list", lambda entry: (entry / "manifest.json").write_text("[1]"), "CACHE-FOREIGN"),
    Harm("no-manifest", lambda entry: (entry / "manifest.json").unlink(), None),
    Harm("removed", shutil.rmtree, None),
    Harm(
        "a-file-in-its-place",
        lambda entry: (shutil.rmtree(entry), entry.write_text("x")),
        "CACHE-NOT-WRITTEN",
    ),
]


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("harm", HARM, ids=[harm.name for harm in HARM])
def test_a_damaged_cache_is_named_and_made_again(harm, estimated, vit, cache):
    before = estimated("--features", vit)
    (entry,) = [path for path in cache.iterdir() if path.is_dir()]
    harm.do(entry)
    after = estimated("--features", vit)
    assert after.code == 0, after.err
    assert after.codes - before.codes == ({harm.code} if harm.code else set())
    assert after.result["curve"] == before.result["curve"]
    third = estimated("--features", vit)
    if harm.code != "CACHE-NOT-WRITTEN":  # mended
        assert third.codes == before.codes
    assert third.result["curve"] == before.result["curve"]


def below_a_file(root: Path) -> Path:
    root.write_text("x")
    return root / "cache"


def read_only(root: Path) -> Path:
    root.mkdir(mode=0o500)
    return root / "cache"


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("place", [below_a_file, read_only], ids=["below-a-file", "read-only"])
def test_a_cache_that_cannot_be_written_costs_time_alone(place, estimated, vit, tmp_path, monkeypatch):
    plain = estimated("--features", vit)
    monkeypatch.setenv("SUFFICIENT_CACHE", str(place(tmp_path / "spoilt")))
    done = estimated("--features", vit)
    assert done.code == 0, done.err
    assert done.codes - plain.codes == {"CACHE-NOT-WRITTEN"}
    assert done.result["curve"] == plain.result["curve"]


@pytest.mark.usefixtures("undrawn")
def test_a_limit_of_the_cache_that_is_no_size(estimated, vit, monkeypatch):
    monkeypatch.setenv("SUFFICIENT_CACHE_LIMIT", "plenty")
    failed(estimated("--features", vit), 2, "SUFFICIENT_CACHE_LIMIT=plenty", "5GB")
