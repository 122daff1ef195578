"""`sufficient cache list` and `clear`."""

import json
import os
import time

import numpy as np
import pytest
import torch

from sufficient.cli.app import run
from sufficient.features.cache_space import stored
from sufficient.features.making import Maker
from tests.features.fakes import FakeBackbone, images


@pytest.fixture
def cache(tmp_path, monkeypatch):
    root = tmp_path / "cache"
    monkeypatch.setenv("SUFFICIENT_CACHE", str(root))
    monkeypatch.setenv("SUFFICIENT_CACHE_LIMIT", "5GB")
    return root


@pytest.fixture
def two(cache):
    """Two entries, the second used last: their keys."""
    for name, ago in (("old\x1b[31m", 10 * 86_400), ("new", 0)):
        before = {entry.key for entry in stored(cache)}
        Maker(images(40), FakeBackbone(name, identity={"kind": name}), device=torch.device("cpu")).make(
            np.arange(40)
        )
        (entry,) = (entry for entry in stored(cache) if entry.key not in before)
        used = time.time() - ago
        os.utime(entry.path / "manifest.json", (used, used))
    new, old = stored(cache)
    return old, new


def test_an_empty_cache_is_no_error(cache, capsys):
    assert run(["cache", "list"]) == 0
    assert run(["cache", "clear"]) == 0
    said = capsys.readouterr()
    assert said.out == f"{cache}: 0 entries, 0 B of 5.0 GB\nremoved 0 entries, 0 B, from {cache}\n"
    assert said.err == ""
    assert not cache.exists()


def test_list_names_model_data_objects_size_and_path(two, cache, capsys):
    old, new = two
    assert run(["cache", "list"]) == 0
    said = capsys.readouterr().out
    lines = said.splitlines()
    assert lines[0].startswith(f"{cache}: 2 entries, ")
    assert lines[1] == f"{new.key[:12]}  new  of made"
    assert lines[2].strip().startswith("40 objects, ")
    assert lines[2].endswith(str(new.path))
    assert lines[3] == f"{old.key[:12]}  old\\x1b[31m  of made"
    assert "\x1b" not in said


def test_entries_of_one_model_and_data_are_told_apart_and_a_folder_has_its_whole_path(
    cache, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vit").mkdir()
    for pooling, commit in (("cls", "0123456789abcdef0"), ("mean", "0123456789abcdef0"), ("cls", "fedcba")):
        network = FakeBackbone("vit", identity={"pooling": pooling, "commit": commit})
        Maker(images(8), network, device=torch.device("cpu")).make(np.arange(8))
    assert run(["cache", "list"]) == 0
    said = capsys.readouterr().out
    for way in ("cls, 0123456789abcdef, float32", "mean, 0123456789abcdef, float32", "cls, fedcba, float32"):
        assert f"{tmp_path / 'vit'} ({way})  of made" in said


def test_list_as_json(two, cache, capsys):
    old, new = two
    assert run(["cache", "list", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["command"], result["limit"], result["root"]) == ("cache list", 5_000_000_000, str(cache))
    assert [entry["key"] for entry in result["entries"]] == [new.key, old.key]
    first = result["entries"][0]
    assert (first["model"], first["data"], first["objects"]) == ("new", "made", 40)
    assert result["bytes"] == sum(entry["bytes"] for entry in result["entries"]) > 0


def test_an_unreadable_manifest_is_listed_as_damaged(two, capsys):
    old, new = two
    (new.path / "manifest.json").write_text("{")
    (old.path / "manifest.json").unlink()
    assert run(["cache", "list"]) == 0
    said = capsys.readouterr().out
    assert f"{new.key[:12]}  damaged (manifest.json: it is not what sufficient writes), " in said
    assert f"{old.key[:12]}  damaged (it has no manifest.json), " in said
    assert f"`sufficient cache clear {old.key[:12]}` removes it" in said
    assert run(["cache", "list", "--json"]) == 0
    entries = {each["key"]: each for each in json.loads(capsys.readouterr().out)["entries"]}
    assert entries[old.key]["damaged"] == "it has no manifest.json"


@pytest.mark.parametrize("command", ["list", "clear"])
def test_a_cache_that_is_a_file_is_said_to_be_one(command, cache, capsys):
    cache.touch()
    assert run(["cache", command]) == 2
    assert f"the cache's folder {cache} is a file" in capsys.readouterr().err


def test_clear_removes_all_and_says_what_was_freed(two, cache, capsys):
    assert run(["cache", "clear"]) == 0
    assert capsys.readouterr().out.startswith("removed 2 entries, ")
    assert list(cache.iterdir()) == []


def test_clear_by_age_and_by_key(two, cache, capsys):
    new = two[1]
    assert run(["cache", "clear", "--older-than", "11"]) == 0
    assert len(stored(cache)) == 2
    assert run(["cache", "clear", "--older-than", "9"]) == 0
    assert stored(cache) == [new]
    assert run(["cache", "clear", new.key[:12]]) == 0
    assert stored(cache) == []
    assert "removed 1 entry, " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("zzz", "no entry's key starts with zzz; `sufficient cache list` shows them."),
        ("", "the KEY is empty; give the start of one, or leave it out to remove all entries."),
    ],
)
def test_a_key_that_names_no_single_entry_is_refused(two, cache, capsys, key, said):
    assert run(["cache", "clear", key]) == 2
    assert said in capsys.readouterr().err
    assert len(stored(cache)) == 2


def test_an_entry_in_use_stays_and_is_named(cache, capsys):
    holder = Maker(images(40), FakeBackbone(), device=torch.device("cpu"))
    holder.make(np.arange(40))
    (entry,) = stored(cache)
    assert run(["cache", "clear"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("removed 0 entries")
    assert str(entry.path) in said.err
    assert entry.path.exists()


def test_a_limit_that_is_no_size_ends_with_usage(cache, monkeypatch, capsys):
    monkeypatch.setenv("SUFFICIENT_CACHE_LIMIT", "much")
    assert run(["cache", "list"]) == 2
    assert "SUFFICIENT_CACHE_LIMIT=much is no size" in capsys.readouterr().err
