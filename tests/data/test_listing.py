from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from sufficient.data.listing import list_folder
from sufficient.data.walk import printable
from sufficient.errors import DataError, ResourceError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def named(root: Path) -> list[tuple[str, str]]:
    listing = list_folder(root)
    return list(zip(listing.names, labels(root), strict=True))


def labels(root: Path) -> list[str]:
    listing = list_folder(root)
    return [listing.classes[label] for label in listing.labels]


def reasons(root: Path) -> dict[str, str]:
    return {item.name: item.reason for item in list_folder(root).skipped}


def test_class_is_the_first_level_at_any_depth_sorted_by_path(tmp_path):
    touch(tmp_path, "b/2.JPG", "b/1.png", "a/x/y/z.webp", "a/k.TIFF", "c/1.gif")
    assert named(tmp_path) == [
        ("a/k.TIFF", "a"),
        ("a/x/y/z.webp", "a"),
        ("b/1.png", "b"),
        ("b/2.JPG", "b"),
        ("c/1.gif", "c"),
    ]


def test_every_other_file_is_counted_with_a_reason(tmp_path):
    touch(
        tmp_path, "a/1.png", "a/.DS_Store", "__MACOSX/a/._1.png", ".ipynb_checkpoints/a.png", "a/Thumbs.db",
        "top.png", "README.md", "a/notes.txt", "a/drawing.eps", "a/noending",
    )  # fmt: skip
    assert named(tmp_path) == [("a/1.png", "a")]
    assert reasons(tmp_path) == {
        "a/.DS_Store": "hidden",
        "__MACOSX": "hidden",
        ".ipynb_checkpoints": "hidden",
        "a/Thumbs.db": "hidden",
        "top.png": "no-class",
        "README.md": "unsupported-suffix",
        "a/notes.txt": "unsupported-suffix",
        "a/drawing.eps": "unsupported-suffix",
        "a/noending": "unsupported-suffix",
    }


def test_links_are_followed_inside_the_folder_and_loops_end(tmp_path):
    touch(tmp_path, "root/a/1.png", "root/b/1.png", "root/.store/2.png")
    root = tmp_path / "root"
    (root / "c").symlink_to(".store")
    (root / "b" / "3.png").symlink_to("../.store/2.png")
    (root / "a" / "up").symlink_to(root)
    (root / "a" / "self").symlink_to(root / "a")
    (root / "a" / "other").symlink_to(root / "b")
    (root / "b" / "back").symlink_to(root / "a")
    listing = list_folder(root)
    assert {("c/2.png", "c"), ("b/3.png", "b"), ("a/other/1.png", "a")} <= set(named(root))
    loops = {item.name for item in listing.skipped if item.reason == "symlink-loop"}
    assert loops == {"a/up", "a/self", "a/other/back", "b/back/other", "b/back/self", "b/back/up"}
    assert listing.notices == ()


def test_links_that_leave_the_folder_are_skipped_and_named(tmp_path):
    touch(tmp_path, "root/a/1.png", "root/b/1.png", "roots/2.png")
    root = tmp_path / "root"
    (root / "c").symlink_to(tmp_path / "roots")
    (root / "b" / "2.png").symlink_to("../../roots/2.png")
    (root / "b" / "up").symlink_to("../..")
    assert reasons(root) == dict.fromkeys(["c", "b/2.png", "b/up"], "outside-root")
    (notice,) = list_folder(root).notices
    assert (notice.code, notice.message) == (
        "OUTSIDE-ROOT",
        "not followed: 3 links out of the folder of the data (the first: b/2.png); to use what "
        "they lead to, copy the folder with its links resolved, `cp -rL DATA COPY`, and give the copy.",
    )


def test_the_root_itself_may_be_a_link(tmp_path):
    touch(tmp_path, "disk/a/1.png", "disk/b/1.png")
    (tmp_path / "disk" / "b" / "2.png").symlink_to(tmp_path / "disk" / "a" / "1.png")
    (tmp_path / "data").symlink_to("disk")
    assert named(tmp_path / "data") == [("a/1.png", "a"), ("b/1.png", "b"), ("b/2.png", "b")]


def test_broken_and_circular_links_have_reasons(tmp_path):
    touch(tmp_path, "a/1.png")
    (tmp_path / "a" / "gone.png").symlink_to("nowhere.png")
    (tmp_path / "a" / "round.png").symlink_to("round.png")
    assert reasons(tmp_path) == {"a/gone.png": "unreadable", "a/round.png": "symlink-loop"}
    assert all(item.detail for item in list_folder(tmp_path).skipped)


def test_fifo_and_socket_are_never_opened(tmp_path):
    touch(tmp_path, "a/1.png")
    os.mkfifo(tmp_path / "a" / "pipe.png")
    (tmp_path / "a" / "to_pipe.png").symlink_to("pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "a" / "s.png"))
        assert reasons(tmp_path) == dict.fromkeys(["a/pipe.png", "a/to_pipe.png", "a/s.png"], "not-a-file")


def test_unreadable_folder_is_counted(tmp_path, monkeypatch):
    touch(tmp_path, "a/1.png", "b/1.png")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("b"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr("os.scandir", refuse)
    listing = list_folder(tmp_path)
    assert [(item.name, item.reason, item.detail) for item in listing.skipped] == [
        ("b", "unreadable", "Permission denied")
    ]
    assert listing.class_folders == ("a", "b")


def test_root_that_cannot_be_listed(tmp_path):
    with pytest.raises(DataError, match="cannot be listed: No such file"):
        list_folder(tmp_path / "nowhere")


def test_splits_on_top_are_never_classes(tmp_path):
    touch(
        tmp_path, "train/a/1.png", "train/b/2.png", "val/a/3.png", "test/a/4.png", "test/5.png", "train/6.png"
    )
    (tmp_path / ".git").mkdir()
    listing = list_folder(tmp_path)
    assert labels(tmp_path) == ["a", "b", "a"]
    assert reasons(tmp_path) == {
        ".git": "hidden",
        "test/5.png": "held-back-split",
        "test/a/4.png": "held-back-split",
        "train/6.png": "no-class",
    }
    assert listing.class_folders == ("a", "b")
    (notice,) = listing.notices
    assert notice.code == "SPLIT-FOLDERS"
    assert notice.message == (
        "read as one data set: train/, val/; the classes are the folders inside; left out: test/ (2 images)."
    )


def test_a_class_called_train_stays_a_class(tmp_path):
    touch(tmp_path, "train/1.png", "bicycle/1.png", "bus/1.png")
    assert labels(tmp_path) == ["bicycle", "bus", "train"]
    assert (list_folder(tmp_path).splits, list_folder(tmp_path).notices) == ((), ())


@pytest.mark.parametrize(
    ("others", "account"),
    [
        ([], "annotations/ (0 files)"),
        (["annotations/a/1.png", "annotations/1.xml", "extra/README"], "annotations/, extra/ (3 files)"),
    ],
)
def test_folders_beside_the_splits_do_not_make_splits_classes(tmp_path, others, account):
    touch(tmp_path, "train/cat/1.png", "train/dog/2.png", "test/cat/3.png", "test/dog/4.png", *others)
    (tmp_path / "annotations").mkdir(exist_ok=True)
    listing = list_folder(tmp_path)
    assert named(tmp_path) == [("train/cat/1.png", "cat"), ("train/dog/2.png", "dog")]
    assert listing.class_folders == ("cat", "dog")
    assert listing.splits == ("test", "train")
    held_back = dict.fromkeys(["test/cat/3.png", "test/dog/4.png"], "held-back-split")
    assert reasons(tmp_path) == held_back | dict.fromkeys(others, "beside-splits")
    (notice,) = listing.notices
    assert notice.message == (
        "read as one data set: train/; the classes are the folders inside; left out: test/ (2 images); "
        f"not read, beside the splits: {account}."
    )


@pytest.mark.parametrize(
    ("read", "held_back"),
    [
        ("Training", "Testing"),
        ("TRAIN", "Test"),
        ("dev", "test"),
        ("valid", "testing"),
        ("Validation", "TEST"),
    ],
)
def test_splits_go_by_several_names_in_any_case(tmp_path, read, held_back):
    touch(tmp_path, f"{read}/cat/1.png", f"{read}/dog/2.png", f"{held_back}/cat/3.png")
    assert named(tmp_path) == [(f"{read}/cat/1.png", "cat"), (f"{read}/dog/2.png", "dog")]
    assert reasons(tmp_path) == {f"{held_back}/cat/3.png": "held-back-split"}


def test_val_is_read_without_train_and_the_notice_says_so(tmp_path):
    touch(tmp_path, "val/cat/1.png", "val/dog/2.png", "test/cat/3.png")
    assert labels(tmp_path) == ["cat", "dog"]
    (notice,) = list_folder(tmp_path).notices
    assert notice.message == (
        "read as one data set: val/; the classes are the folders inside; there is no train folder; "
        "left out: test/ (1 images)."
    )


@pytest.mark.parametrize("split", ["train", "Training", "val"])
def test_a_split_alone_is_no_class(tmp_path, split):
    touch(tmp_path, f"{split}/cat/1.png", f"{split}/dog/2.png", "README.md")
    assert labels(tmp_path) == ["cat", "dog"]
    assert ("there is no train" in list_folder(tmp_path).notices[0].message) == (split == "val")


def test_of_many_folders_beside_the_splits_a_few_are_named(tmp_path):
    touch(tmp_path, "train/cat/1.png", "test/cat/2.png", *(f"more{i}/1.png" for i in range(7)))
    (notice,) = list_folder(tmp_path).notices
    assert "beside the splits: more0/, more1/, more2/, more3/, more4/, … (7 files)" in notice.message


def test_sizes_and_times_follow_the_order_of_the_names(tmp_path):
    touch(tmp_path, "b/1.png", "a/2.png", "a-/3.png")
    for size, name in enumerate(("a-/3.png", "a/2.png", "b/1.png")):
        (tmp_path / name).write_bytes(b"x" * size)
        os.utime(tmp_path / name, ns=(7, 10**18 + size))
    listing = list_folder(tmp_path)
    assert listing.names == ["a-/3.png", "a/2.png", "b/1.png"]
    assert listing.sizes.tolist() == [0, 1, 2]
    assert listing.times.tolist() == [10**18, 10**18 + 1, 10**18 + 2]


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_a_machine_at_its_end_stops_and_is_no_fault_of_a_folder(tmp_path, monkeypatch, code):
    touch(tmp_path, "a/1.png", "b/1.png")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("b"):
            raise OSError(code, os.strerror(code))
        return scandir(path)

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(ResourceError, match="out of memory" if code == errno.ENOMEM else "ulimit -n 4096"):
        list_folder(tmp_path)


def test_what_vanishes_while_it_is_listed_costs_nothing_beside_it(tmp_path, monkeypatch):
    touch(tmp_path, "a/1.png", "b/1.png", "c/1.png")
    stat = os.stat

    def gone(path, **options):
        if str(path).endswith("/b"):
            raise FileNotFoundError(2, "No such file or directory")
        return stat(path, **options)

    monkeypatch.setattr("os.stat", gone)
    assert named(tmp_path) == [("a/1.png", "a"), ("c/1.png", "c")]
    assert reasons(tmp_path) == {"b": "vanished"}


def test_names_that_are_not_utf8_are_escaped_in_the_account(tmp_path):
    touch(tmp_path, "a/1.png")
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/a/\xff.txt"))).touch()
    assert reasons(tmp_path) == {"a/\\xff.txt": "unsupported-suffix"}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain é 漢字\u3000.png", "plain é 漢字\u3000.png"),
        ("[red]<script>=1+1.png", "[red]<script>=1+1.png"),
        ("two\nlines\t.png", "two\\nlines\\t.png"),
        ("\x1b[31mred\x9b\x7f", "\\x1b[31mred\\x9b\\x7f"),
        ("gpj\u202e.exe\u2066\u2028", "gpj\\u202e.exe\\u2066\\u2028"),
        ("\udcff\udc80é", "\\xff\\x80é"),
        ("\ud800", "\\ud800"),
    ],
)
def test_names_are_printable_and_lose_nothing_that_can_be_seen(name, shown):
    assert printable(name) == shown
    shown.encode("utf-8")
