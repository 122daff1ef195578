from __future__ import annotations

import errno
import hashlib
import multiprocessing
import os
import resource
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from sufficient.data.audit import image_digest
from sufficient.data.folder import read_folder
from sufficient.data.labelled import ImageSet, UnusableError
from sufficient.data.listing import list_folder
from sufficient.data.opening import pillow_settings
from sufficient.data.sources import catalogue, read
from sufficient.errors import DataError, ResourceError, UsageError
from tests.data.pictures import image_of, noise, save, save_classes, set_back


def opened(images: ImageSet, name: str, **options):
    """Return what the reader gives for the file of that name."""
    (index,) = [i for i in range(len(images.labels)) if images.name_of(i) == name]
    return images.reader.read(index, **options)


def reason(images: ImageSet, name: str) -> str:
    with pytest.raises(UnusableError) as caught:
        opened(images, name)
    return caught.value.reason


def names(images: ImageSet) -> list[str]:
    return [images.name_of(i) for i in range(len(images.labels))]


def photograph(height: int, width: int) -> Image.Image:
    """Return a smooth image, of which JPEG keeps most."""
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(
        np.stack([x * 255 // width, y * 255 // height, (x + y) % 256], -1).astype(np.uint8)
    )


def test_a_folder_is_listed_with_its_labels_and_nothing_is_decoded(tmp_path, monkeypatch):
    save_classes(tmp_path, each=3)
    monkeypatch.setattr("PIL.Image.open", lambda *_, **__: pytest.fail("decoded"))
    images = catalogue(tmp_path)
    assert names(images) == ["cat/0.png", "cat/1.png", "cat/2.png", "dog/0.png", "dog/1.png", "dog/2.png"]
    assert images.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert (images.classes, images.found, images.groups) == (("cat", "dog"), 6, None)
    assert (images.skipped, images.notices) == ((), ())


def test_every_image_equals_what_raw_pixels_are_read_from(tmp_path):
    save_classes(tmp_path)
    save(tmp_path / "cat" / "grey.png", noise(70, channels=1))
    save(tmp_path / "cat" / "alpha.png", image_of(noise(71)).convert("RGBA"))
    save(tmp_path / "dog" / "palette.png", image_of(noise(72)).convert("P"))
    save(tmp_path / "dog" / "cmyk.jpg", image_of(noise(73)).convert("CMYK"))
    save(tmp_path / "dog" / "turned.jpg", photograph(8, 5), exif=exif(6))
    images, data = catalogue(tmp_path), read(tmp_path, size=8)
    for index, expected in enumerate(data.values):
        image = images.reader.read(index).image
        assert image.mode == "RGB"
        square = image.resize((8, 8), Image.Resampling.BILINEAR)
        np.testing.assert_array_equal(np.asarray(square), expected)


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def test_everything_found_is_listed_or_skipped(tmp_path):
    save_classes(tmp_path)
    save(tmp_path / "rare" / "1.png", noise(7))
    save(tmp_path / "rare" / "2.png", noise(8))
    (tmp_path / "none").mkdir()
    (tmp_path / "cat" / "notes.txt").touch()
    images = catalogue(tmp_path)
    assert images.found == len(images.labels) + len(images.skipped) == 11
    assert [(s.name, s.reason) for s in images.skipped] == [
        ("cat/notes.txt", "unsupported-suffix"),
        ("rare/1.png", "class-too-small"),
        ("rare/2.png", "class-too-small"),
    ]
    assert [notice.code for notice in images.notices] == ["EMPTY-CLASS-FOLDER", "CLASS-TOO-SMALL"]


def test_one_class_and_an_empty_folder_stop(tmp_path):
    with pytest.raises(DataError, match="holds no images in class folders"):
        catalogue(tmp_path)
    save_classes(tmp_path, classes=("cat",))
    with pytest.raises(DataError, match=r"holds 1 class.*cat \(4\)"):
        catalogue(tmp_path)


def test_digests_are_taken_only_where_two_files_are_of_one_size(tmp_path):
    for name, seed in (("cat/a", 1), ("cat/b", 2), ("dog/a", 3), ("dog/b", 4)):
        save(tmp_path / f"{name}.bmp", noise(seed))
    save(tmp_path / "cat" / "large.bmp", noise(5, width=9))
    save(tmp_path / "dog" / "larger.bmp", noise(6, width=30))
    shutil.copy(tmp_path / "cat" / "a.bmp", tmp_path / "dog" / "copy.bmp")
    images = catalogue(tmp_path)
    assert opened(images, "cat/large.bmp").digest is None
    assert opened(images, "dog/larger.bmp").digest is None
    assert opened(images, "cat/a.bmp").digest == opened(images, "dog/copy.bmp").digest
    assert (
        opened(images, "cat/b.bmp").digest == hashlib.sha256((tmp_path / "cat/b.bmp").read_bytes()).digest()
    )


@pytest.mark.parametrize(
    ("draft", "size"),
    [(None, (800, 640)), (160, (400, 320)), (161, (800, 640)), (80, (200, 160)), (40, (100, 80)),
     (4, (100, 80))],
)  # fmt: skip
def test_a_jpeg_is_drafted_while_both_sides_keep_twice_what_the_model_takes(tmp_path, draft, size):
    save_classes(tmp_path)
    save(tmp_path / "cat" / "large.jpg", photograph(640, 800), quality=95)
    image = opened(catalogue(tmp_path), "cat/large.jpg", draft=draft).image
    assert image.size == size
    whole = photograph(640, 800).resize(size, Image.Resampling.BOX)
    assert np.abs(np.asarray(image, dtype=int) - np.asarray(whole)).mean() < 3


def test_a_draft_keeps_the_turn_and_leaves_other_formats_alone(tmp_path):
    save_classes(tmp_path)
    save(tmp_path / "cat" / "turned.jpg", photograph(640, 800), exif=exif(6))
    save(tmp_path / "cat" / "large.png", photograph(640, 800))
    images = catalogue(tmp_path)
    assert opened(images, "cat/turned.jpg", draft=160).image.size == (320, 400)
    assert opened(images, "cat/large.png", draft=40).image.size == (800, 640)


def test_what_is_odd_about_an_image_is_told(tmp_path):
    save_classes(tmp_path)
    frames = [image_of(noise(seed)) for seed in (4, 5)]
    save(tmp_path / "cat" / "film.gif", frames[0], save_all=True, append_images=frames[1:])
    pixels = np.dstack([noise(9), np.full((8, 8), 100, np.uint8)])
    save(tmp_path / "cat" / "glass.png", Image.fromarray(pixels))
    (tmp_path / "cat" / "deep.ppm").write_bytes(b"P6 8 8 65535\n" + np.arange(192, dtype=">u2").tobytes())
    images = catalogue(tmp_path)

    def told(name):
        one = opened(images, name)
        return one.several_frames, one.transparent, one.reduced

    assert told("cat/0.png") == (False, False, False)
    assert told("cat/film.gif") == (True, False, False)
    assert told("cat/glass.png") == (False, True, False)
    assert told("cat/deep.ppm") == (False, False, True)
    np.testing.assert_array_equal(np.asarray(opened(images, "cat/glass.png").image), noise(9))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:150])


def postscript(path: Path) -> None:
    save(path.with_suffix(".eps"), noise(8)).rename(path)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda path: path.write_bytes(b""), "empty-file"),
        (lambda path: path.write_text("<html>not found</html>" * 20), "not-an-image"),
        (postscript, "not-an-image"),
        (truncate, "truncated"),
    ],
)
def test_a_spoilt_file_is_skipped_alike_by_both_ways_of_reading(tmp_path, spoil, expected):
    save_classes(tmp_path)
    spoil(tmp_path / "cat" / "0.png")
    assert reason(catalogue(tmp_path), "cat/0.png") == expected
    data = read(tmp_path)
    assert [(s.name, s.reason) for s in data.audit.skipped] == [("cat/0.png", expected)]
    assert (data.audit.found, data.audit.used) == (8, 7)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (os.unlink, "vanished"),
        (lambda path: shutil.rmtree(path.parent), "vanished"),
        (lambda path: save(path, noise(99, width=20)), "changed"),
        (lambda path: os.utime(path, ns=(0, 0)), "changed"),
        (lambda path: path.write_bytes(b""), "changed"),
    ],
)
def test_a_file_that_changes_after_it_is_listed_is_never_read_in_silence(tmp_path, change, expected):
    images = catalogue(save_classes(tmp_path))
    change(tmp_path / "cat" / "0.png")
    assert reason(images, "cat/0.png") == expected


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_a_machine_at_its_end_stops_and_no_file_is_called_unreadable(tmp_path, monkeypatch, code):
    images = catalogue(save_classes(tmp_path))

    def refuse(*_, **__):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("sufficient.data.opening.open", refuse, raising=False)
    with pytest.raises(ResourceError):
        images.reader.read(0)
    with pytest.raises(ResourceError):
        read(tmp_path)


def test_too_many_open_files_say_what_to_do(tmp_path):
    images = catalogue(save_classes(tmp_path))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [open(os.devnull) for _ in range(3)]  # noqa: SIM115
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(file.fileno() for file in taken) + 1, hard))
    try:
        while True:
            try:
                taken.append(open(os.devnull))  # noqa: SIM115
            except OSError:
                break
        with pytest.raises(ResourceError, match=r"Too many open files.*ulimit -n 4096"):
            images.reader.read(0)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for file in taken:
            file.close()


def test_the_limit_on_pixels_is_a_choice(tmp_path, monkeypatch):
    save_classes(tmp_path)
    save(tmp_path / "cat" / "bomb.png", noise(1, height=20, width=20))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert reason(catalogue(tmp_path, max_pixels=399), "cat/bomb.png") == "too-many-pixels"
        assert read(tmp_path, max_pixels=399).audit.skipped_counts == {"too-many-pixels": 1}
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 150)  # Pillow would refuse 400
        assert reason(catalogue(tmp_path), "cat/bomb.png") == "too-many-pixels"
        assert opened(catalogue(tmp_path, max_pixels=400), "cat/bomb.png").image.size == (20, 20)
        assert read(tmp_path, max_pixels=400).audit.used == 9
    assert Image.MAX_IMAGE_PIXELS == 150
    with pytest.raises(UsageError, match="--max-pixels is 0"):
        catalogue(tmp_path, max_pixels=0)


def test_pillows_settings_are_as_they_were_when_the_last_thread_is_done():
    before, filters = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    first, second = pillow_settings(7), pillow_settings(None)
    first.__enter__()
    second.__enter__()
    assert Image.MAX_IMAGE_PIXELS == 7
    first.__exit__(None, None, None)
    assert warnings.filters[0][0] == "ignore"
    second.__exit__(None, None, None)
    assert (Image.MAX_IMAGE_PIXELS, list(warnings.filters)) == (before, filters)


def test_the_reader_works_in_forked_processes(tmp_path):
    images = catalogue(save_classes(tmp_path))
    with multiprocessing.get_context("fork").Pool(2) as pool:
        read_there = pool.map(images.reader.read, range(8))
    for index, one in enumerate(read_there):
        assert one.image.tobytes() == images.reader.read(index).image.tobytes()


def test_names_of_any_bytes_can_be_read_and_shown(tmp_path):
    save_classes(tmp_path)
    for seed, name in enumerate(
        (b"\xff.png", b"two\nlines.png", b"\x1b[31m.png", b"[red]<script>.png", b"=1.png")
    ):
        save(Path(os.fsdecode(os.fsencode(tmp_path) + b"/cat/" + name)), noise(50 + seed))
    images = catalogue(tmp_path)
    assert sorted(names(images))[4:9] == [
        "cat/=1.png", "cat/[red]<script>.png", "cat/\\x1b[31m.png", "cat/\\xff.png", "cat/two\\nlines.png",
    ]  # fmt: skip
    assert all(images.reader.read(index).image.size == (8, 8) for index in range(13))
    assert read(tmp_path).audit.used == 13


def test_fingerprints_tell_images_from_labels(tmp_path):
    one = save_classes(tmp_path / "one")
    for path in one.rglob("*.png"):
        os.utime(path, ns=(0, 5))
    copy = Path(shutil.copytree(one, tmp_path / "copy"))
    first, same = catalogue(one), catalogue(copy)
    assert first.fingerprint == same.fingerprint
    assert first.labels_fingerprint == same.labels_fingerprint
    os.utime(copy / "cat" / "0.png", ns=(0, 6))
    later = catalogue(copy)
    assert (later.fingerprint != first.fingerprint) is True
    assert later.labels_fingerprint == first.labels_fingerprint
    (copy / "cat" / "0.png").unlink()
    assert catalogue(copy).labels_fingerprint != first.labels_fingerprint


def test_equal_names_sizes_and_times_do_not_make_equal_fingerprints(tmp_path):
    for folder, shift in (("one", 0), ("two", 10)):
        for seed in range(6):
            path = save(tmp_path / folder / "ab"[seed % 2] / f"{seed}.bmp", noise(shift + seed))
            os.utime(path, ns=(0, 0))
    assert catalogue(tmp_path / "one").fingerprint != catalogue(tmp_path / "two").fingerprint


def patients(root: Path) -> Path:
    """Fill a folder: class / patient / session / image; one image lies above the patients."""
    files = (
        "ill/anna/1/a",
        "ill/anna/2/b",
        "ill/bert/1/c",
        "ill/d",
        "well/anna/1/e",
        "well/carl/1/f",
        "well/g",
    )
    for seed, name in enumerate(files):
        save(root / f"{name}.png", noise(seed))
    return root


@pytest.mark.parametrize(
    ("level", "groups"),
    [(2, ["anna", "anna", "bert", "d", "anna", "carl", "g"]),
     (3, ["anna 1", "anna 2", "bert 1", "d", "anna 1", "carl 1", "g"])],
)  # fmt: skip
@pytest.mark.parametrize("inside", ["", "train"])
def test_a_level_of_folders_names_the_groups(tmp_path, level, groups, inside):
    patients(tmp_path / inside)
    for data in (catalogue(tmp_path, group_level=level), read(tmp_path, group_level=level)):
        assert data.groups.dtype == np.int64
        together = data.groups[:, None] == data.groups[None, :]
        expected = np.array(groups)[:, None] == np.array(groups)[None, :]
        np.testing.assert_array_equal(together, expected)


def test_groups_follow_the_objects_that_are_left(tmp_path):
    save(tmp_path / "a" / "x" / "0.png", noise(0))
    patients(tmp_path)
    (tmp_path / "ill" / "anna" / "2" / "b.png").write_bytes(b"")
    data = read(tmp_path, group_level=2)
    assert data.audit.skipped_counts == {"empty-file": 1, "class-too-small": 1}
    assert len(data.groups) == len(data.labels) == 6
    assert data.groups[0] == data.groups[3]  # anna, ill and well
    assert len(np.unique(data.groups)) == 5


def test_other_groups_are_other_data_and_none_leave_the_fingerprints_as_they_were(tmp_path):
    patients(tmp_path)
    plain, by_patient, by_session = (catalogue(tmp_path, group_level=level) for level in (None, 2, 3))
    assert len({images.fingerprint for images in (plain, by_patient, by_session)}) == 1
    assert len({images.labels_fingerprint for images in (plain, by_patient, by_session)}) == 3
    assert len({read(tmp_path, group_level=level).fingerprint for level in (None, 2, 3)}) == 3
    labels = plain.labels.astype("<i8").tobytes() + b"ill\0well"
    assert plain.labels_fingerprint == hashlib.sha256(labels).hexdigest()
    pixels = b"".join(image_digest(noise(seed), "RGB") for seed in range(7))
    assert read(tmp_path).fingerprint == hashlib.sha256(pixels + labels).hexdigest()


@pytest.mark.parametrize("source", [catalogue, read])
def test_a_level_that_names_no_groups_stops(tmp_path, source):
    with pytest.raises(UsageError, match="level 1 is the class folder"):
        source(patients(tmp_path), group_level=1)
    with pytest.raises(DataError, match=r"no image of .* lies so deep"):
        source(tmp_path, group_level=4)
    with pytest.raises(UsageError, match=r"--group-level goes with a folder.*digits is none"):
        source("digits", group_level=2)


def test_twins_of_a_folder_are_the_images_under_two_labels(tmp_path):
    save_classes(tmp_path, classes=("cat", "dog", "fox"))
    for name in ("dog/a.bmp", "fox/a.bmp", "cat/again.bmp"):
        save(tmp_path / name, noise(0))  # cat/0.png
    data = read(tmp_path)
    (twin,) = np.flatnonzero(np.bincount(data.twins) > 1)
    assert np.flatnonzero(data.twins == twin).tolist() == [0, 8, 13]
    assert len(np.unique(data.twins)) == 14 - 2
    assert read(tmp_path, deduplicate=False).twins is None
    assert catalogue(tmp_path).found == data.audit.found == 15


def rewritten(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def replaced(path: Path) -> None:
    shutil.copy(path, path.with_name("new"))
    os.replace(path.with_name("new"), path)


@pytest.mark.skipif(os.name != "posix", reason="the time of an inode's change is POSIX's")
@pytest.mark.parametrize("change", [rewritten, replaced])
def test_a_file_of_the_same_size_and_time_is_changed(tmp_path, change):
    images, path = catalogue(save_classes(tmp_path)), tmp_path / "cat" / "1.png"
    before = path.stat()
    change(path)
    set_back(path, before)
    assert reason(images, "cat/1.png") == "changed"
    assert opened(images, "cat/2.png").image.size == (8, 8)


@pytest.mark.parametrize("way", ["listed", "pixels"])
def test_a_file_that_became_a_fifo_is_not_waited_for(tmp_path, monkeypatch, way):
    images = catalogue(save_classes(tmp_path))
    listing = list_folder(tmp_path)
    (tmp_path / "cat" / "1.png").unlink()
    os.mkfifo(tmp_path / "cat" / "1.png")
    if way == "listed":
        assert reason(images, "cat/1.png") == "not-a-file"
        return
    monkeypatch.setattr("sufficient.data.folder.list_folder", lambda root: listing)
    assert [(s.name, s.reason) for s in read(tmp_path).audit.skipped] == [("cat/1.png", "not-a-file")]


def test_a_class_whose_files_all_fail_is_counted_and_named(tmp_path):
    save_classes(tmp_path)
    for name in "abc":
        (tmp_path / "fish").mkdir(exist_ok=True)
        (tmp_path / "fish" / f"{name}.png").write_bytes(b"no image")
    images, data = catalogue(tmp_path), read(tmp_path)
    assert (images.classes, images.found, images.skipped) == (("cat", "dog", "fish"), 11, ())
    assert (data.classes, data.audit.found, data.audit.used) == (("cat", "dog"), 11, 8)
    assert data.audit.skipped_counts == {"not-an-image": 3}
    assert data.audit.notices[0].message == "no image could be read in the class folder fish."


def test_a_file_gone_while_a_folder_is_read_has_vanished(tmp_path, monkeypatch):
    from sufficient.data import folder

    listed = folder.list_folder

    def then_gone(root):
        listing = listed(root)
        (root / "cat" / "0.png").unlink()
        return listing

    monkeypatch.setattr("sufficient.data.folder.list_folder", then_gone)
    data = read_folder(save_classes(tmp_path), spec="spec")
    assert [(s.name, s.reason) for s in data.audit.skipped] == [("cat/0.png", "vanished")]
    assert (data.audit.found, data.audit.used) == (8, 7)


def test_arrays_give_their_images_whole_with_the_account_of_reading(tmp_path):
    values = np.stack([noise(seed, height=100, width=70) for seed in (0, 1, 2, 3, 0, 5, 6, 2)])
    labels = [0, 0, 0, 1, 0, 1, 1, 1]
    images = catalogue(values, labels=labels)
    assert (images.found, len(images.labels)) == (8, 7)
    assert [(s.name, s.reason) for s in images.skipped] == [("row 4", "duplicate")]
    assert names(images) == [f"row {i}" for i in (0, 1, 2, 3, 5, 6, 7)]
    for index, row in enumerate((0, 1, 2, 3, 5, 6, 7)):
        np.testing.assert_array_equal(np.asarray(images.reader.read(index, draft=2).image), values[row])
    digests = [images.reader.read(index).digest for index in range(7)]
    assert digests[2] == digests[6] is not None  # row 2 = row 7, under two labels
    assert [digest is None for digest in digests] == [True, True, False, True, True, True, False]
    np.savez(tmp_path / "x.npz", images=values, labels=labels)
    assert catalogue(tmp_path / "x.npz").fingerprint == images.fingerprint
    relabelled = catalogue(values, labels=[0, 0, 0, 1, 0, 1, 1, 0])
    assert relabelled.labels_fingerprint != images.labels_fingerprint


def test_named_images_are_whitened_and_upright_rgb():
    images, data = catalogue("digits"), read("digits")
    assert (images.classes, len(images.labels)) == (data.classes, data.audit.used)
    one = images.reader.read(3).image
    assert (one.mode, one.size) == ("RGB", (8, 8))
    np.testing.assert_array_equal(
        np.asarray(one)[:, :, 1], np.rint(data.values[3, :, :, 0] / 16 * 255).astype(np.uint8)
    )


def test_features_are_no_images():
    with pytest.raises(UsageError, match="holds features, not images"):
        catalogue(np.arange(12.0).reshape(6, 2), labels=[0, 1] * 3)


def test_pillows_own_turn_agrees(tmp_path):
    save_classes(tmp_path)
    path = save(tmp_path / "cat" / "turned.jpg", photograph(12, 20), exif=exif(8))
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(np.asarray(opened(catalogue(tmp_path), "cat/turned.jpg").image), expected)
