from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from sufficient.data.listing import list_folder
from sufficient.errors import DataError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def named(root: Path) -> list[tuple[str, str]]:
    return [tuple(image) for image in list_folder(root).images]


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


def test_links_to_folders_are_followed_and_loops_end(tmp_path):
    touch(tmp_path, "outside/1.png", "root/a/1.png", "root/b/1.png")
    root = tmp_path / "root"
    (root / "c").symlink_to(tmp_path / "outside")
    (root / "a" / "up").symlink_to(root)
    (root / "a" / "self").symlink_to(root / "a")
    (root / "a" / "other").symlink_to(root / "b")
    (root / "b" / "back").symlink_to(root / "a")
    listing = list_folder(root)
    assert ("c/1.png", "c") in named(root)
    assert ("a/other/1.png", "a") in named(root)
    loops = {item.name for item in listing.skipped if item.reason == "symlink-loop"}
    assert loops == {"a/up", "a/self", "a/other/back", "b/back/other", "b/back/self", "b/back/up"}


def test_broken_and_circular_links_are_unreadable(tmp_path):
    touch(tmp_path, "a/1.png")
    (tmp_path / "a" / "gone.png").symlink_to("nowhere.png")
    (tmp_path / "a" / "round.png").symlink_to("round.png")
    assert reasons(tmp_path) == {"a/gone.png": "unreadable", "a/round.png": "unreadable"}


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
    assert [image.label for image in listing.images] == ["a", "b", "a"]
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


def test_a_class_called_test_stays_a_class(tmp_path):
    touch(tmp_path, "train/1.png", "test/1.png", "bus/1.png")
    assert [image.label for image in list_folder(tmp_path).images] == ["bus", "test", "train"]
    assert list_folder(tmp_path).notices == ()


def test_names_that_are_not_utf8_are_escaped_in_the_account(tmp_path):
    touch(tmp_path, "a/1.png")
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/a/\xff.txt"))).touch()
    assert reasons(tmp_path) == {"a/\\xff.txt": "unsupported-suffix"}
