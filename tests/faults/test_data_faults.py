"""Whatever may lie in a folder of images: what becomes of it, and that every object is counted."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.data.pictures import image_of, noise, save, save_classes, set_back
from tests.faults.account import LITTLE, add_up, as_anyone, failed, ran, whole
from tests.faults.folders import EPS, FAULTS, MODEL, PIXELS, truncated


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("way", [PIXELS, MODEL])
@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_faults_in_a_folder(fault, way, folder, vit, tmp_path, capsys):
    fault.make(folder)
    found = len(files_of(folder))
    features = PIXELS if way == PIXELS else vit
    out = tmp_path / "run"
    line = ["estimate", "--data", folder, "--features", features, *LITTLE]
    with as_anyone():
        options = [name for name in fault.options if way == MODEL or name != "--all-features"]
        done = ran([*line, *options, "--out", out, "--json"], capsys)
    if fault.fails:
        failed(done, 3, *fault.fails)
        assert not out.exists()
        return
    assert done.code == 0, done.err
    skipped = add_up(done.result, out)
    assert skipped == Counter(fault.expected(way))
    assert done.result["data"]["found"] == found
    assert fault.codes <= done.codes
    whole(out)


def files_of(folder: Path) -> list[str]:
    """The files below a folder, as they must be counted: what is not looked into counts as one."""
    found = []
    for at, folders, files in os.walk(folder):
        closed = [n for n in folders if n.startswith((".", "__")) or n in ("locked", "links", "again")]
        folders[:] = [name for name in folders if name not in closed]
        found += [os.path.join(at, name) for name in (*files, *closed)]
    return found


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_check_counts_what_estimate_counts(fault, folder, capsys):
    fault.make(folder)
    options = [] if fault.name == "twins-all-features" else fault.options
    with as_anyone():
        done = ran(["check", "--data", folder, *options, "--json"], capsys)
    if fault.fails and fault.name != "too-few-objects":
        failed(done, 3, *fault.fails)
        return
    assert done.code == 0, done.err
    assert add_up(done.result) == Counter(fault.expected(PIXELS))


def test_check_keeps_no_pixels(folder, capsys, monkeypatch):
    whole = ran(["check", "--data", folder, "--json"], capsys)
    monkeypatch.setattr("sufficient.data.decoding.to_common_size", lambda *_: pytest.fail("pixels are kept"))
    assert ran(["check", "--data", folder, "--json"], capsys) == whole
    assert whole.code == 0


def changing(monkeypatch, change: Callable[[], object]) -> None:
    """Call `change` after files are listed and before the first is read."""
    from sufficient.data import listing

    def listed(root):
        found = listing.list_folder(root)
        change()
        return found

    monkeypatch.setattr("sufficient.data.folder.list_folder", listed)
    monkeypatch.setattr("sufficient.data.catalogue.list_folder", listed)


def same_size_and_time(path: Path) -> None:
    """Change a picture's last bytes, and set its time back."""
    before = path.stat()
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    set_back(path, before)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("way", [PIXELS, MODEL])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda path: path.unlink(), "vanished"),
        (lambda path: save(path, noise(9000, height=9)), "changed"),
        (lambda path: os.utime(path, ns=(1, 1)), "changed"),
        (lambda path: (path.unlink(), path.mkdir()), "unreadable"),
        (lambda path: (path.unlink(), os.mkfifo(path)), "not-a-file"),
        (same_size_and_time, "changed"),
    ],
    ids=["vanished", "rewritten", "touched", "turned-into-a-folder", "turned-into-a-fifo", "set-back"],
)
def test_a_file_that_changes_after_it_was_listed(
    change, reason, way, folder, vit, tmp_path, capsys, monkeypatch
):
    changing(monkeypatch, lambda: change(folder / "cat" / "3.png"))
    features = PIXELS if way == PIXELS else vit
    done = ran(
        ["estimate", "--data", folder, "--features", features, *LITTLE, "--out", tmp_path / "run", "--json"],
        capsys,
    )
    assert done.code == 0, done.err
    as_found = way == PIXELS and reason == "changed"  # pixels are read once, and are what is read then
    assert add_up(done.result, tmp_path / "run") == ({} if as_found else {reason: 1})


@pytest.mark.usefixtures("undrawn")
def test_a_run_is_not_gone_on_with_where_files_changed(folder, vit, tmp_path, capsys):
    line = ["estimate", "--data", folder, "--features", vit, *LITTLE, "--out", tmp_path / "run", "--json"]
    before = ran(line, capsys).out
    os.utime(folder / "cat" / "3.png", ns=(1, 1))
    failed(ran([*line, "--resume"], capsys), 2, "the data is not that of the run", "fingerprint")
    assert (tmp_path / "run" / "result.json").read_text() == before


PHOTOGRAPHS = 300


@pytest.fixture(scope="module")
def large_photographs(tmp_path_factory):
    """300 JPEG files of 1,500 × 1,000 in 3 classes, some of them spoilt, and two files that are no images.

    All are one of six pictures with another quantum of brightness in the header: quick to make, none alike.
    """
    root = tmp_path_factory.mktemp("large") / "photos"
    names = [root / "abc"[i % 3] / f"{i:03}.jpg" for i in range(PHOTOGRAPHS)]
    for number in range(6):
        small = image_of(noise(number, height=10, width=15))
        save(names[number], small.resize((1500, 1000), Image.Resampling.BICUBIC), quality=80)
    pictures = [path.read_bytes() for path in names[:6]]
    for i, path in enumerate(names):
        picture = bytearray(pictures[i % 6])
        picture[picture.index(b"\xff\xdb") + 5] = 1 + i // 6
        path.write_bytes(picture)
    for path in names[10:13]:
        path.write_bytes(path.read_bytes()[:5000])  # truncated
    names[20].write_bytes(b"")
    names[21].write_bytes(b"<html>429</html>")
    names[22].write_bytes(EPS)
    shutil.copy(names[32], names[35])  # duplicate: both of class c
    names[40].unlink()
    names[40].symlink_to("nowhere.jpg")
    names[41].unlink()
    os.mkfifo(names[41])
    Image.new("RGB", (4000, 3000)).save(names[42])  # beyond --max-pixels
    names[43].unlink()
    names[43].symlink_to(save(root.parent / "outside.jpg", noise(77)))
    shutil.copy(names[50], root / "a" / ".hidden.jpg")
    (root / "b" / "notes.txt").write_text("x")
    return root


LARGE = {
    "truncated": 3, "empty-file": 1, "not-an-image": 2, "duplicate": 1, "unreadable": 1, "not-a-file": 1,
    "too-many-pixels": 1, "outside-root": 1, "hidden": 1, "unsupported-suffix": 1,
}  # fmt: skip


@pytest.mark.usefixtures("undrawn")
def test_300_photographs_with_faults(large_photographs, vit, tmp_path, capsys):
    line = [
        "estimate", "--data", large_photographs, *LITTLE, "--max-pixels", "2000000", "--features", vit,
        "--json", "--start", "32", "--max-samples", "64",
    ]  # fmt: skip
    grown = ran([*line, "--out", tmp_path / "grown"], capsys)
    assert grown.code == 0, grown.err
    assert add_up(grown.result, tmp_path / "grown") == LARGE
    assert grown.result["data"]["found"] == PHOTOGRAPHS + 2
    assert grown.result["data"]["not_read"] == 0, "k = 64 asks for a window of 256 objects"
    raw = ran([*line, "--features", "pixels", "--out", tmp_path / "raw"], capsys)
    assert raw.code == 0, raw.err
    assert add_up(raw.result, tmp_path / "raw") == LARGE


@pytest.mark.usefixtures("undrawn")
def test_what_no_size_needs_is_not_read_and_counted(vit, tmp_path, capsys):
    root = save_classes(tmp_path / "photos", each=120)
    truncated(root)
    line = ["estimate", "--data", root, "--features", vit, *LITTLE, "--json"]
    done = ran([*line, "--out", tmp_path / "run"], capsys)
    assert done.code == 0, done.err
    add_up(done.result, tmp_path / "run")
    assert done.result["data"]["not_read"] == 241 - 48 - 48 - 4 * 11
    every = ran([*line, "--all-features", "--out", tmp_path / "every"], capsys)
    assert add_up(every.result, tmp_path / "every") == {"truncated": 1}
    assert every.result["data"]["not_read"] == 0
