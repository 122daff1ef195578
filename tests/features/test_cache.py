"""Features are made once: found again, resumed, shared, checked; a cache that fails stops nobody."""

import json
import multiprocessing
import os
import resource
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from sufficient.errors import ResourceError, UsageError
from sufficient.features import cache as cache_module
from sufficient.features import cache_space, making
from sufficient.features.cache import Entry, Manifest
from sufficient.features.cache_space import cache_root, remove, size_limit, stored
from sufficient.features.made import Gathered, Made
from sufficient.features.making import Maker
from sufficient.features.manifest import read_manifest
from tests.features.fakes import FakeBackbone, images

CPU = torch.device("cpu")
ALL = np.arange(40)
FORK = multiprocessing.get_context("fork")
forked = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="processes are forked on Linux alone"
)


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(making, "SHARD_OBJECTS", 16)


def make(data, backbone=None, objects=ALL):
    maker = Maker(data, backbone or FakeBackbone(), device=CPU)
    return maker.make(objects), [notice.code for notice in maker.notices], maker


def shards(cache):
    return sorted(cache.rglob("*.safetensors"))


def same(made, other):
    assert_array_equal(made.objects, other.objects)
    assert_array_equal(made.rows, other.rows)
    assert_array_equal(made.digests, other.digests)
    assert_array_equal(made.marks, other.marks)
    assert made.skipped == other.skipped


def test_what_was_made_is_found_and_neither_read_nor_computed_again(cache, tmp_path, small_shards):
    more = {
        "looks": [*range(39), 5],
        "unusable": {3: "truncated", 8: "not-an-image"},
        "marks": {6: "reduced"},
    }
    first, said, _ = make(images(**more))
    assert said == []
    assert len(shards(cache)) == 3
    data = images(**more, log=tmp_path / "reads")
    backbone = FakeBackbone()
    again, said, _ = make(data, backbone)
    same(again, first)
    assert (backbone.batches, data.reader.reads(), said) == ([], [], [])
    some = np.array([39, 3, 5, 0])
    assert_array_equal(make(data, backbone, some)[0].objects, [39, 5, 0])
    assert len(stored(cache)) == 1


def test_only_what_is_missing_is_made(tmp_path):
    make(images(60), objects=np.arange(0, 60, 2))
    data = images(60, log=tmp_path / "reads")
    made, _, _ = make(data, objects=np.arange(60))
    assert data.reader.reads() == list(range(1, 60, 2))
    same(made, make(images(60), FakeBackbone(identity={}), np.arange(60))[0])


def test_reasons_that_may_pass_are_not_kept(cache, tmp_path):
    passing = {1: "unreadable", 2: "changed", 3: "vanished", 4: "truncated"}
    assert make(images(40, unusable=passing))[0].skipped.keys() == {1, 2, 3, 4}
    data = images(40, log=tmp_path / "reads")
    assert make(data)[0].skipped.keys() == {4}
    assert data.reader.reads() == [1, 2, 3]


@pytest.mark.parametrize(
    "other",
    [
        {"data": images(40, fingerprint="g")},
        {"backbone": FakeBackbone(identity={"kind": "fake", "weights": "2"})},
        {"backbone": FakeBackbone(draft=None)},
        {"dtype": torch.bfloat16},
        {"max_pixels": 10},
    ],
)
def test_other_data_or_another_model_has_its_own_entry(cache, other):
    make(images(40))
    data, backbone = other.get("data", images(40)), other.get("backbone", FakeBackbone())
    if "max_pixels" in other:
        data.reader.max_pixels = other["max_pixels"]
    maker = Maker(data, backbone, device=CPU)
    maker._dtype = other.get("dtype", torch.float32)
    maker.make(ALL)
    assert sum(backbone.batches) == 40
    assert len(stored(cache)) == 2


def test_a_model_without_identity_is_not_cached(cache):
    make(images(40), FakeBackbone(identity={}))
    assert not cache.exists()


@pytest.mark.parametrize("stopped_by", [KeyboardInterrupt, SystemExit, MemoryError])
def test_a_pass_that_is_stopped_keeps_what_it_made(tmp_path, stopped_by):
    def stop():
        raise stopped_by

    with pytest.raises((stopped_by, ResourceError)):
        make(images(40), FakeBackbone(hooks=dict.fromkeys(range(2, 8), stop)))
    data = images(40, log=tmp_path / "reads")
    make(data)
    assert data.reader.reads() == list(range(32, 40))


@forked
def test_a_slow_pass_that_is_killed_has_shards_of_its_seconds(tmp_path, monkeypatch):
    """Far fewer objects than a shard holds, but a shard's seconds have gone by."""
    monkeypatch.setattr(making, "SHARD_SECONDS", 0.2)

    def killed():
        slow = {number: lambda: time.sleep(0.25) for number in range(4)}
        slow[4] = lambda: os.kill(os.getpid(), signal.SIGKILL)
        make(images(80), FakeBackbone(hooks=slow), np.arange(80))

    process = FORK.Process(target=killed)
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    data = images(80, log=tmp_path / "reads")
    _, said, _ = make(data, objects=np.arange(80))
    assert said == []
    assert data.reader.reads() == list(range(64, 80)), "each batch took longer than a shard may"


def test_a_pass_that_fails_at_once_leaves_no_entry(cache):
    def fails():
        raise ValueError("at once")

    with pytest.raises(ValueError, match="at once"):
        make(images(40), FakeBackbone(hooks={0: fails}))
    assert not cache.exists()


@forked
def test_a_killed_pass_goes_on_at_its_last_shard(tmp_path, small_shards):
    def killed():
        backbone = FakeBackbone(hooks={3: lambda: os.kill(os.getpid(), signal.SIGKILL)})
        make(images(80), backbone, np.arange(80))

    process = FORK.Process(target=killed)
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    data = images(80, log=tmp_path / "reads")
    made, said, _ = make(data, objects=np.arange(80))
    assert data.reader.reads() == list(range(48, 80))
    assert said == []
    same(made, make(images(80), FakeBackbone(identity={}), np.arange(80))[0])


def test_two_that_write_to_one_entry_keep_what_both_made(cache, tmp_path):
    first, second = (Maker(images(40), FakeBackbone(), device=CPU) for _ in range(2))
    first.make(ALL[:10])  # opens
    second.make(ALL[20:30])
    first.make(ALL[10:20])
    second.make(ALL[30:])
    data = images(40, log=tmp_path / "reads")
    made, said, _ = make(data)
    assert (len(made), data.reader.reads(), said) == (40, [], [])


@forked
def test_processes_that_write_at_once_lose_nothing(tmp_path):
    def write(start):
        for begin in range(start, start + 256, 8):
            make(images(512), objects=np.arange(begin, begin + 8))

    running = [FORK.Process(target=write, args=(start,)) for start in (0, 256)]
    for process in running:
        process.start()
    for process in running:
        process.join(30)
    assert [process.exitcode for process in running] == [0, 0]
    data = images(512, log=tmp_path / "reads")
    made, said, _ = make(data, objects=np.arange(512))
    assert (len(made), data.reader.reads(), said) == (512, [], [])


def cut(path):
    path.write_bytes(path.read_bytes()[:-5])


def flip(path):
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def swap_for_text(path):
    path.write_text("hello")


@pytest.mark.parametrize("damage", [cut, flip, swap_for_text, Path.unlink])
def test_a_damaged_shard_is_named_dropped_and_made_again(cache, tmp_path, small_shards, damage):
    whole, _, _ = make(images(40))
    victim = shards(cache)[1]
    damage(victim)
    data = images(40, log=tmp_path / "reads")
    made, said, maker = make(data)
    same(made, whole)
    assert said == ["CACHE-SHARD-DAMAGED"]
    assert str(victim) in maker.notices[0].message
    assert len(data.reader.reads()) in (8, 16)
    assert make(data)[1] == []


def test_a_shard_of_other_tables_is_damaged_whatever_its_checksum(cache, tmp_path):
    make(images(40))
    data = images(30, log=tmp_path / "reads")  # as if by the same fingerprint: fewer objects
    _, said, _ = make(data, objects=ALL[:30])
    assert said == ["CACHE-SHARD-DAMAGED"]
    assert data.reader.reads() == list(range(30))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[1]",
        b'"x"',
        b'{"format": "another"}',
        b'{"format": "sufficient features 1"}',
        b"\xff\xfe",
    ],
)
def test_a_foreign_manifest_is_named_and_the_entry_made_anew(cache, tmp_path, content):
    make(images(40))
    (manifest,) = cache.rglob("manifest.json")
    manifest.write_bytes(content)
    data = images(40, log=tmp_path / "reads")
    made, said, _ = make(data)
    assert said == ["CACHE-FOREIGN"]
    assert len(data.reader.reads()) == len(made) == 40
    assert make(data)[1] == []
    assert len(data.reader.reads()) == 40


def test_a_manifest_with_another_key_or_a_path_in_it_is_foreign(cache):
    make(images(40))
    (path,) = cache.rglob("manifest.json")
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "key": {"data": "other"}}))
    assert make(images(40))[1] == ["CACHE-FOREIGN"]
    content["shards"][0]["file"] = "../other.safetensors"
    path.write_text(json.dumps(content))
    assert make(images(40))[1] == ["CACHE-FOREIGN"]


def test_what_a_kill_left_behind_is_cleared(cache, small_shards):
    make(images(40), objects=ALL[:16])
    (entry,) = stored(cache)
    (entry.path / ".x.safetensors.1.part").write_text("half")
    (entry.path / f"{'0123' * 8}.safetensors").write_text("not in the manifest")
    (entry.path / "mine.safetensors").write_text("not ours")
    (entry.path / "notes.txt").write_text("not ours")
    make(images(40))
    named = {shard.file for shard in read_manifest(entry.path).shards}
    assert {path.name for path in entry.path.iterdir()} == named | {
        "manifest.json", "lock", "mine.safetensors", "notes.txt"
    }  # fmt: skip


def test_nothing_is_cleared_through_a_link(cache, tmp_path, small_shards):
    make(images(40), objects=ALL[:16])
    (entry,) = stored(cache)
    entry.path.rename(tmp_path / "elsewhere")
    entry.path.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / f"{'0123' * 8}.safetensors").write_text("another's")
    make(images(40))
    assert (tmp_path / "elsewhere" / f"{'0123' * 8}.safetensors").exists()


def test_what_a_kill_left_of_a_removal_goes_and_stops_none(cache):
    make(images(40))
    (entry,) = stored(cache)
    for left in (f".{entry.key}.removed", f".{'a' * 64}.12.345.removed"):
        (cache / left).mkdir()
        (cache / left / "big.safetensors").write_text("left")
    assert remove(entry.path)
    assert stored(cache) == []
    assert list(cache.iterdir()) == []


def test_data_without_a_fingerprint_of_its_own_are_not_kept(cache):
    data = replace(images(20), cacheable=False)
    make(data, objects=ALL[:20])
    assert not cache.exists()


def test_only_shards_that_hold_what_is_wanted_are_read(cache, small_shards, monkeypatch):
    make(images(80), objects=np.arange(80))
    read = []
    plain = cache_module.unpacked
    monkeypatch.setattr(
        cache_module,
        "unpacked",
        lambda path, *given, **named: (read.append(path), plain(path, *given, **named))[1],
    )
    maker = Maker(images(80), FakeBackbone(), device=CPU)
    maker.make(np.array([70, 66]))
    assert len(shards(cache)) == 5
    assert len(read) == 1
    maker.make(np.array([0, 79]))
    assert len(read) == 3


def test_a_cache_that_cannot_be_made_is_said_once(cache, small_shards):
    cache.write_text("a file in its place")
    made, said, maker = make(images(40))
    assert len(made) == 40
    assert said == ["CACHE-NOT-WRITTEN"]
    assert "SUFFICIENT_CACHE" in maker.notices[0].message


def test_a_full_disk_is_said_once_and_leaves_nothing_half(cache, small_shards):
    make(images(40), objects=ALL[:16])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        made, said, _ = make(images(40))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(made) == 40
    assert said == ["CACHE-NOT-WRITTEN"]
    assert len(shards(cache)) == 1
    assert not list(cache.rglob("*.part"))
    assert make(images(40))[1] == []


def test_an_entry_cleared_meanwhile_is_begun_again(cache, tmp_path, small_shards):
    maker = Maker(images(40), FakeBackbone(), device=CPU)
    maker.make(ALL[:16])
    (entry,) = stored(cache)
    for path in entry.path.iterdir():
        path.unlink()
    entry.path.rmdir()
    maker.make(ALL[16:])
    assert maker.notices == ()
    data = images(40, log=tmp_path / "reads")
    make(data)
    assert data.reader.reads() == list(range(16))


def filled(cache, name, *, used):
    """An entry that nobody holds."""
    backbone = FakeBackbone(identity={"kind": name})
    make(images(40), backbone)
    newest = stored(cache)[0]
    os.utime(newest.path / "manifest.json", (used, used))
    return newest


def test_the_least_recently_used_make_room_never_the_one_in_use(cache, monkeypatch):
    now = time.time()
    old, older = filled(cache, "old", used=now - 100), filled(cache, "older", used=now - 200)
    holder = Maker(images(40), FakeBackbone(identity={"kind": "held"}), device=CPU)
    holder.make(ALL)
    (held,) = (entry for entry in stored(cache) if entry.key not in (old.key, older.key))
    os.utime(held.path / "manifest.json", (now - 300, now - 300))
    monkeypatch.setenv("SUFFICIENT_CACHE_LIMIT", str(3 * old.bytes + 500))
    make(images(40))
    keys = {entry.key for entry in stored(cache)}
    assert older.key not in keys
    assert {old.key, held.key} < keys
    monkeypatch.setenv("SUFFICIENT_CACHE_LIMIT", "0")
    own = make(images(40, fingerprint="new"))[2]
    assert {entry.key for entry in stored(cache)} == {held.key, own._entry._directory.name}
    assert not remove(held.path)
    del holder
    assert remove(held.path)


def test_finding_counts_as_use(cache):
    old = filled(cache, "old", used=1_000)
    make(images(40), FakeBackbone(identity={"kind": "old"}))
    assert {entry.key: entry.used for entry in stored(cache)}[old.key] > time.time() - 60


def test_where_the_cache_lies(monkeypatch, tmp_path):
    monkeypatch.setenv("SUFFICIENT_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "common"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_root() == tmp_path / "own"
    monkeypatch.delenv("SUFFICIENT_CACHE")
    assert cache_root() == tmp_path / "common" / "sufficient"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_root() == tmp_path / "home" / ".cache" / "sufficient"


@pytest.mark.parametrize(
    ("given", "size"),
    [("5GB", 5e9), ("500 mb", 5e8), ("1.5T", 1.5e12), ("1000", 1000), ("0", 0), ("2KiB", 2048), ("", 20e9)],
)
def test_size_limit(monkeypatch, given, size):
    monkeypatch.setenv("SUFFICIENT_CACHE_LIMIT", given)
    assert size_limit() == size


@pytest.mark.parametrize("given", ["much", "-1", "5XB", "GB", "1e9"])
def test_a_limit_that_is_no_size_is_refused(monkeypatch, given):
    monkeypatch.setenv("SUFFICIENT_CACHE_LIMIT", given)
    with pytest.raises(UsageError, match="is no size"):
        size_limit()


def test_other_directories_in_the_root_are_left_alone(cache, monkeypatch):
    make(images(40))
    (cache / "notes").mkdir()
    (cache / ("a" * 64)).write_text("a file")
    monkeypatch.setenv("SUFFICIENT_CACHE_LIMIT", "0")
    make(images(40, fingerprint="new"))
    assert (cache / "notes").is_dir()
    assert (cache / ("a" * 64)).is_file()
    assert cache_space.stored(cache / "absent") == []


def test_eight_thousand_rows_are_found_within_a_second(cache):
    wide = np.random.default_rng(0).standard_normal((8192, 768)).astype(np.float32)
    entry = Entry(cache / ("b" * 64), Manifest({}, "m", "d"), count=8192)
    for start in range(0, 8192, 1024):
        part = slice(start, start + 1024)
        entry.add(
            Made(
                np.arange(start, start + 1024),
                wide[part],
                np.zeros((1024, 32), np.uint8),
                np.zeros(1024, np.uint8),
            )
        )
    began = time.perf_counter()
    gathered = Gathered(np.arange(8192))
    for made in Entry(cache / ("b" * 64), Manifest({}, "m", "d"), count=8192).found(np.arange(8192)):
        gathered.take(made)
    assert time.perf_counter() - began < 1
    assert_array_equal(gathered.made().rows, wide)
