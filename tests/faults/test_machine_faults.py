"""A machine that says no: its disk, its open files, its memory, its processes."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import resource
import signal
import subprocess
from pathlib import Path

import pytest

from sufficient import files
from sufficient.data.catalogue import FileReader
from sufficient.features.transformers_backbone import TransformersBackbone
from tests.faults.account import LITTLE, add_up, as_anyone, failed, ran, whole
from tests.test_api import steady


@pytest.fixture
def line(photographs, vit):
    return ["estimate", "--data", photographs, "--features", vit, *LITTLE, "--json"]


@pytest.fixture
def expected(line, tmp_path, capsys, undrawn):
    """What the run gives where nothing goes wrong."""
    done = ran([*line, "--out", tmp_path / "expected"], capsys)
    assert done.code == 0, done.err
    return steady(done.result)


def resumed(line, out, capsys, expected) -> None:
    """Assert that a run which failed is gone on with, and ends as if it had not."""
    whole(out) if out.exists() else None
    done = ran([*line, "--out", out, "--resume"], capsys)
    assert done.code == 0, done.err
    add_up(done.result, out)
    assert steady(done.result) == expected
    whole(out)


def locked_parent(root: Path) -> Path:
    (root / "parent").mkdir(mode=0o500)
    return root / "parent" / "run"


def locked(root: Path) -> Path:
    (root / "run").mkdir(mode=0o500)
    return root / "run"


def a_file(root: Path) -> Path:
    (root / "run").write_text("mine")
    return root / "run"


def below_a_file(root: Path) -> Path:
    return a_file(root) / "run"


def not_empty(root: Path) -> Path:
    (root / "run").mkdir()
    (root / "run" / "letter.txt").write_text("mine")
    return root / "run"


def name_too_long(root: Path) -> Path:
    return root / ("x" * 300)


OUTS = [
    (locked_parent, 4, ("cannot make --out", "Permission denied", "choose another")),
    (locked, 4, ("cannot write", "Permission denied", "--out")),
    (a_file, 2, ("is a file",)),
    (below_a_file, 2, ("is a file, or lies below one",)),
    (not_empty, 2, ("is not empty and holds no run",)),
    (name_too_long, 4, ("cannot make --out", "File name too long")),
]


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(("make", "code", "words"), OUTS, ids=[make.__name__ for make, _, _ in OUTS])
def test_a_run_directory_that_cannot_be_used(make, code, words, line, tmp_path, capsys):
    out = make(tmp_path)
    with as_anyone():
        failed(ran([*line, "--out", out], capsys), code, *words)
    left = {path.name for path in tmp_path.rglob("*")} - {"cache", *os.listdir(tmp_path)}
    assert not {name for name in left if name.endswith((".part", ".json", ".toml", ".csv"))} - _cached(
        tmp_path
    )


def _cached(root: Path) -> set[str]:
    return {path.name for path in (root / "cache").rglob("*")}


@pytest.mark.usefixtures("undrawn")
def test_a_run_directory_that_another_process_writes_to(line, tmp_path, capsys):
    (tmp_path / "run").mkdir()
    handle = os.open(tmp_path / "run", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        failed(ran([*line, "--out", tmp_path / "run"], capsys), 4, "another process is writing to --out")
    finally:
        os.close(handle)


def test_a_disk_that_is_full_at_any_file(line, tmp_path, capsys, expected, monkeypatch):
    """Every second file that a run writes is refused; what is there stays whole, and is gone on with."""
    fsync, left = os.fsync, 0

    def refuse(handle):
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    monkeypatch.setattr(files.os, "fsync", refuse)
    codes = []
    for writes in range(0, 40, 2):
        monkeypatch.setenv("SUFFICIENT_CACHE", str(tmp_path / f"cache{writes}"))  # so that the pass is made
        out, left = tmp_path / f"run{writes}", writes
        done = ran([*line, "--out", out], capsys)
        codes.append(done.code)
        if done.code == 0:
            break
        assert done.code == 4
        assert "No space left on device" in done.error
        assert "--resume" in done.error
        assert "Traceback" not in done.err
        left = 1000
        resumed(line, out, capsys, expected)
    assert codes == [4] * (len(codes) - 1) + [0]
    assert len(codes) > 5


@contextlib.contextmanager
def full_disk(at: Path, size: int):
    """A disk of `size` bytes at a folder: a real one where this user may mount, else a limit on each file."""
    at.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(at)]
    if os.geteuid() == 0 and subprocess.run(mount, check=False, stderr=subprocess.DEVNULL).returncode == 0:
        try:
            yield
        finally:
            subprocess.run(["umount", str(at)], check=True)
        return
    with limited(resource.RLIMIT_FSIZE, 0 if size <= 4096 else size // 8):
        yield


@contextlib.contextmanager
def limited(kind: int, most: int):
    soft, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(kind, (soft, hard))


@pytest.mark.parametrize("size", [4096, 20_480, 40_960])
def test_a_small_disk(size, line, tmp_path, capsys, undrawn):
    with full_disk(tmp_path / "disk", size):
        done = ran([*line, "--out", tmp_path / "disk" / "run"], capsys)
        assert done.code == 4
        assert "No space left" in done.error or "File too large" in done.error
        whole(tmp_path / "disk")


def test_a_cache_on_a_full_disk_costs_time_alone(line, tmp_path, capsys, expected, monkeypatch):
    monkeypatch.setenv("SUFFICIENT_CACHE", str(tmp_path / "disk" / "cache"))
    with full_disk(tmp_path / "disk", 4096):
        done = ran([*line, "--out", tmp_path / "run"], capsys)
    assert done.code == 0, done.err
    assert "CACHE-NOT-WRITTEN" in done.codes
    assert done.result["curve"] == expected["curve"]


@pytest.mark.parametrize("most", [0, 1000, 3000])
def test_files_of_limited_size(most, line, tmp_path, capsys, expected, monkeypatch):
    """RLIMIT_FSIZE, as quotas and queueing systems set it."""
    monkeypatch.setenv("SUFFICIENT_CACHE", str(tmp_path / "another"))  # so that the pass is made
    with limited(resource.RLIMIT_FSIZE, most):
        done = ran([*line, "--out", tmp_path / "run"], capsys)
    assert done.code == 4
    assert "File too large" in done.error
    resumed(line, tmp_path / "run", capsys, expected)


@contextlib.contextmanager
def open_files(more: int):
    """Let this process open `more` files beside those that are open, and no further one."""
    most = max(int(name) for name in os.listdir("/proc/self/fd"))
    gaps = []
    try:
        while (handle := os.open(os.devnull, os.O_RDONLY)) <= most:
            gaps.append(handle)
        os.close(handle)
        with limited(resource.RLIMIT_NOFILE, handle + more):
            yield
    finally:
        for handle in gaps:
            os.close(handle)


@pytest.mark.parametrize("way", ["pixels", "model"])
def test_too_many_open_files(way, line, tmp_path, capsys, expected, monkeypatch):
    """However many may be open, the run fails as a whole or ends as ever: no image is called unreadable."""
    line = [*line, "--features", "pixels"] if way == "pixels" else line
    codes = []
    for more in (0, 1, 2, 3, 5, 8, 12, 16, 24, 32):
        out = tmp_path / f"run{more}"
        monkeypatch.setenv("SUFFICIENT_CACHE", str(tmp_path / f"cache{more}"))  # so that the pass is made
        with open_files(more):
            done = ran([*line, "--out", out], capsys)
        codes.append(done.code)
        if done.code:
            failed(done, 4, "oo many")
            assert "Exception ignored" not in done.err
        else:
            assert done.result["data"]["skipped"] == {}
    assert codes[0] == 4
    assert codes[-1] == 0
    assert codes == sorted(codes, reverse=True)


@pytest.mark.usefixtures("undrawn")
def test_a_process_that_is_killed_for_memory(line, tmp_path, capsys, monkeypatch):
    read, here = FileReader.read, os.getpid()

    def killed(self, index, *, draft=None):
        if index == 17 and os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return read(self, index, draft=draft)

    monkeypatch.setattr(FileReader, "read", killed)
    failed(ran([*line, "--out", tmp_path / "run"], capsys), 4, "ended by the system", "what was made is kept")


@pytest.mark.usefixtures("undrawn")
def test_memory_that_ends_while_an_image_is_decoded(line, tmp_path, capsys, monkeypatch):
    def exhausted(self, index, *, draft=None):
        raise MemoryError

    monkeypatch.setattr(FileReader, "read", exhausted)
    failed(ran([*line, "--out", tmp_path / "run"], capsys), 4, "out of memory", "--max-pixels")


@pytest.mark.usefixtures("undrawn")
def test_the_pass_needs_no_shared_memory(line, tmp_path, capsys, monkeypatch):
    """Containers have 64 MB of /dev/shm. Semaphores lie there too, of 32 bytes each."""
    rows, log = TransformersBackbone.rows, tmp_path / "maps"

    def watched(self, prepared, device, dtype):
        for process in {os.getpid(), os.getppid(), here}:
            with contextlib.suppress(OSError), log.open("a") as file:
                file.write(f"/ {process}\n" + Path(f"/proc/{process}/maps").read_text())
        return rows(self, prepared, device, dtype)

    here = os.getpid()
    monkeypatch.setattr(TransformersBackbone, "rows", watched)
    assert ran([*line, "--out", tmp_path / "run"], capsys).code == 0
    mapped = [entry[entry.index("/") :] for entry in log.read_text().splitlines() if "/" in entry]
    assert f"/ {here}" in mapped
    assert len(mapped) > 100
    shared = {name for name in mapped if name.startswith(("/dev/shm", "/torch_"))}
    assert {name for name in shared if not name.startswith("/dev/shm/sem.")} == set()


def header_cut(out: Path) -> None:
    os.truncate(out / "record" / "record.json", 50)


def stage_cut(out: Path) -> None:
    os.truncate(next((out / "record").glob("stage-*")), 50)


def options_cut(out: Path) -> None:
    os.truncate(out / "config.toml", 10)


def other_options(out: Path) -> None:
    path = out / "config.toml"
    path.write_text(path.read_text().replace("seed = 0", "seed = 1"))


SPOILT = [(header_cut, 3), (stage_cut, 3), (options_cut, 3), (other_options, 2)]


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(("harm", "code"), SPOILT, ids=[harm.__name__ for harm, _ in SPOILT])
def test_a_damaged_run_is_not_gone_on_with(harm, code, line, tmp_path, capsys):
    out = tmp_path / "run"
    assert ran([*line, "--out", out], capsys).code == 0
    result = json.loads((out / "result.json").read_text())
    harm(out)
    failed(ran([*line, "--out", out, "--resume"], capsys), code, str(out))
    assert json.loads((out / "result.json").read_text()) == result
