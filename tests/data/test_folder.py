from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sufficient.data.folder import read_folder
from sufficient.data.labelled import LabelledData, LargeImagesError
from sufficient.errors import DataError
from tests.data.pictures import image_of, noise, save, save_classes


def read(root: Path, **options) -> LabelledData:
    return read_folder(root, spec=str(root), **options)


def codes(data: LabelledData) -> list[str]:
    return [notice.code for notice in data.audit.notices]


def test_images_come_in_path_order_with_their_labels(tmp_path):
    data = read(save_classes(tmp_path, each=20))
    names = sorted(f"{i}.png" for i in range(20))
    expected = [noise(1000 * c + int(name[:-4])) for c in (0, 1) for name in names]
    np.testing.assert_array_equal(data.values, expected)
    np.testing.assert_array_equal(data.labels, np.repeat([0, 1], 20))
    assert data.classes == ("cat", "dog")
    assert (data.kind, data.white, data.largest_side) == ("images", 255, 8)
    assert data.audit.class_counts == {"cat": 20, "dog": 20}


def test_real_jpegs_equal_pillow_and_torchvisions_count(real_data):
    from torchvision.datasets import ImageFolder

    root = real_data / "cifar10_folder"
    data = read(root)
    oracle = ImageFolder(str(root))
    assert data.values.shape == (10_000, 32, 32, 3)
    assert data.classes == tuple(oracle.classes)
    np.testing.assert_array_equal(data.labels, oracle.targets)
    for index in range(0, 10_000, 499):
        with Image.open(oracle.samples[index][0]) as image:
            np.testing.assert_array_equal(data.values[index], np.asarray(image))
    assert data.audit.found == data.audit.used == 10_000
    assert data.audit.notices == ()


def test_everything_found_is_accounted_for(tmp_path):
    save_classes(tmp_path)
    (tmp_path / "cat" / "empty.jpg").touch()
    (tmp_path / "cat" / "page.jpg").write_text("<html>not found</html>" * 20)
    (tmp_path / "dog" / "cut.png").write_bytes((tmp_path / "dog" / "0.png").read_bytes()[:150])
    (tmp_path / "dog" / ".DS_Store").touch()
    save(tmp_path / "dog" / "again.png", noise(1000))
    save(tmp_path / "rare" / "1.png", noise(7))
    save(tmp_path / "rare" / "2.png", noise(8))
    os.mkfifo(tmp_path / "dog" / "pipe.png")
    data = read(tmp_path)
    assert data.audit.found == 16
    assert data.audit.used == len(data.values) == 8
    assert data.audit.skipped_counts == {
        "class-too-small": 2,
        "hidden": 1,
        "not-a-file": 1,
        "empty-file": 1,
        "not-an-image": 1,
        "truncated": 1,
        "duplicate": 1,
    }
    assert [(s.name, s.detail) for s in data.audit.skipped if s.reason == "duplicate"] == [
        ("dog/again.png", "same pixels as dog/0.png")
    ]
    assert codes(data) == ["CLASS-TOO-SMALL"]


def test_same_image_under_two_labels_is_kept_and_named(tmp_path):
    save_classes(tmp_path)
    save(tmp_path / "dog" / "cat.bmp", noise(0))
    data = read(tmp_path)
    assert data.audit.used == 9
    (notice,) = data.audit.notices
    assert notice.code == "CONFLICTING-LABELS"
    assert "cat/0.png = dog/cat.bmp" in notice.message


def test_train_and_val_are_merged_and_duplicates_across_them_found(tmp_path):
    save_classes(tmp_path / "train")
    save_classes(tmp_path / "val", each=1)
    save_classes(tmp_path / "test", each=5)
    data = read(tmp_path)
    assert data.classes == ("cat", "dog")
    assert data.audit.used == 8
    assert data.audit.skipped_counts == {"held-back-split": 10, "duplicate": 2}
    assert codes(data) == ["SPLIT-FOLDERS"]


@pytest.mark.parametrize("splits", [("test",), ("Test", "Testing"), ("test", "train")])
def test_nothing_but_held_back_images_stops_with_the_way_on(tmp_path, splits):
    save_classes(tmp_path / splits[0])
    for name in splits[1:]:
        (tmp_path / name).mkdir()
    way_on = rf"leaves no images .*left out: {splits[0]}/.*\(8 images\).*{tmp_path}/{splits[0]};"
    with pytest.raises(DataError, match=way_on):
        read(tmp_path)
    assert read(tmp_path / splits[0]).audit.used == 8


def test_images_right_inside_split_folders_stop_and_are_no_classes(tmp_path):
    for seed, name in enumerate(("train/1.png", "train/2.png", "train/3.png", "val/1.png", "bus/1.png")):
        save(tmp_path / name, noise(seed))
    with pytest.raises(DataError, match=r"train/, val/;.*bus/ \(1 files\).*rename the folders, if these are"):
        read(tmp_path)


def test_class_folders_without_images_are_named(tmp_path):
    save_classes(tmp_path)
    (tmp_path / "bird").mkdir()
    (tmp_path / "fish").mkdir()
    (tmp_path / "fish" / "0.jpg").touch()
    (notice,) = read(tmp_path).audit.notices
    assert notice.code == "EMPTY-CLASS-FOLDER"
    assert notice.message.endswith("bird, fish.")


def test_empty_folder_stops(tmp_path):
    with pytest.raises(DataError, match=r"holds no images in class folders\. Make one folder for each class"):
        read(tmp_path)


def test_images_without_class_folders_stop_and_are_named(tmp_path):
    save(tmp_path / "1.png", noise(1))
    with pytest.raises(DataError, match=r"among 1 file found: 1.png \(no-class\)"):
        read(tmp_path)


def test_one_class_stops_with_what_was_found_and_is_needed(tmp_path):
    save_classes(tmp_path, classes=("cat",))
    save(tmp_path / "dog" / "1.png", noise(1))
    with pytest.raises(DataError, match=r"holds 1 class.*cat \(4\).*1 class-too-small.*At least 2 such"):
        read(tmp_path)


def test_nothing_but_broken_images_stops(tmp_path):
    save_classes(tmp_path)
    for path in tmp_path.rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match=r"holds 0 class.*8 empty-file"):
        read(tmp_path)


def test_sixteen_bit_grey_stops_the_read_and_names_the_file(tmp_path):
    save_classes(tmp_path)
    save(tmp_path / "cat" / "deep.png", Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8)))
    with pytest.raises(DataError, match=r"cat/deep\.png has pixels deeper than 8 bits"):
        read(tmp_path)


def test_sixteen_bit_colour_is_reported_with_its_count(tmp_path):
    save_classes(tmp_path)
    (tmp_path / "cat" / "deep.ppm").write_bytes(b"P6 8 8 65535\n" + np.arange(192, dtype=">u2").tobytes())
    (notice,) = read(tmp_path).audit.notices
    assert notice.code == "SIXTEEN-BIT-REDUCED"
    assert notice.message.startswith("of 1 colour image")


def test_pillows_warnings_do_not_leak(tmp_path, monkeypatch):
    save_classes(tmp_path)
    save(tmp_path / "cat" / "large.png", noise(5, height=10, width=10))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 90)  # 100 pixels: a warning, not yet an error
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = read(tmp_path)
    assert caught == []
    assert data.audit.skipped_counts == {"too-many-pixels": 1}


def test_palette_with_transparency_gives_no_warning_and_drops_alpha(tmp_path):
    save_classes(tmp_path)
    image = image_of(noise(2)).convert("P")
    save(tmp_path / "cat" / "p.png", image, transparency=bytes(range(256)))
    np.testing.assert_array_equal(read(tmp_path).values[4], np.asarray(image.convert("RGB")))


def silhouette(seed: int) -> Image.Image:
    """Return a black RGBA image whose shape is in its alpha alone."""
    pixels = np.zeros((8, 8, 4), dtype=np.uint8)
    pixels[:, :, 3] = noise(seed, channels=1)[:, :, 0]
    return Image.fromarray(pixels)


def test_images_that_differ_in_alpha_alone_are_no_duplicates_and_its_loss_is_reported(tmp_path):
    for seed in range(4):
        save(tmp_path / "cat" / f"{seed}.png", silhouette(seed))
        save(tmp_path / "dog" / f"{seed}.png", silhouette(10 + seed))
    save(tmp_path / "cat" / "again.tga", silhouette(2))
    save(tmp_path / "dog" / "opaque.png", image_of(noise(5)).convert("RGBA"))
    data = read(tmp_path)
    assert data.audit.used == 9
    assert [(s.name, s.detail) for s in data.audit.skipped] == [("cat/again.tga", "same pixels as cat/2.png")]
    (notice,) = data.audit.notices
    assert notice.code == "ALPHA-DROPPED"
    assert notice.message == (
        "the alpha of 9 images is dropped: transparent pixels count with the colour hidden under "
        "them; flatten them onto a background if that is not meant."
    )


def test_files_of_several_frames_are_counted(tmp_path):
    save_classes(tmp_path)
    frames = [image_of(noise(seed)) for seed in (4, 5)]
    for suffix in ("gif", "tif"):
        save(tmp_path / "cat" / f"film.{suffix}", frames[0], save_all=True, append_images=frames[1:])
    (notice,) = read(tmp_path).audit.notices
    assert notice.code == "FIRST-FRAME"
    assert notice.message == "of 2 images with several frames or pages the first one is used."


def test_the_first_image_beyond_the_limit_ends_the_read(tmp_path):
    save_classes(tmp_path, each=3)
    save(tmp_path / "cat" / "9.png", noise(5, height=65, width=10))
    save(tmp_path / "dog" / "9.png", noise(6, height=66, width=10))
    with pytest.raises(LargeImagesError, match=r"cat/9\.png is 65 pixels"):
        read(tmp_path, largest_side=64)


def test_sizes_mix_to_32_unless_asked(tmp_path):
    save_classes(tmp_path)
    save(tmp_path / "cat" / "9.png", noise(5, height=90, width=70))
    assert read(tmp_path).values.shape == (9, 32, 32, 3)
    assert read(tmp_path).largest_side == 90
    assert read(tmp_path, size=20).values.shape == (9, 20, 20, 3)


def test_grey_only_stays_one_channel(tmp_path):
    save_classes(tmp_path, channels=1)
    assert read(tmp_path).values.shape == (8, 8, 8, 1)


def test_progress_ends_at_the_number_of_files(tmp_path):
    calls = []
    read(save_classes(tmp_path, each=20), progress=lambda done, total: calls.append((done, total)))
    assert calls == [(16, 40), (32, 40), (40, 40)]


def test_fingerprint_follows_pixels_and_labels_not_files(tmp_path):
    one, same, other = (save_classes(tmp_path / name) for name in ("one", "same", "other"))
    save(same / "cat" / "0.bmp", noise(0))
    (same / "cat" / "0.png").unlink()
    (other / "cat" / "0.png").rename(other / "dog" / "a.png")
    assert read(one).fingerprint == read(same).fingerprint == read(one, size=16).fingerprint
    assert read(one).fingerprint != read(other).fingerprint


SHAPES = {
    "alike": [{}] * 4,
    "mixed": [{}, {"height": 70, "width": 90}, {"channels": 1}, {"height": 20}],
    "alike-of-32": [{"height": 32, "width": 32}] * 4,
    "large": [{"height": 100, "width": 80}] * 4,
    "grey": [{"channels": 1}] * 4,
}


@pytest.mark.parametrize("size", [None, 5])
@pytest.mark.parametrize("shapes", SHAPES.values(), ids=SHAPES)
def test_without_pixels_the_account_and_the_shape_are_the_same(tmp_path, shapes, size):
    for i, shape in enumerate(shapes * 3):
        save(tmp_path / "ab"[i % 2] / f"{i}.png", noise(i, **shape) // 5)
    save(tmp_path / "a" / "copy.png", noise(0, **shapes[0]) // 5)
    save(tmp_path / "rare" / "bright.png", noise(99))  # skipped: no pixel of it counts
    whole, bare = read(tmp_path, size=size), read(tmp_path, size=size, keep_pixels=False)
    assert bare.values.shape == whole.values.shape
    assert bare.values.max() == whole.values.max()
    assert bare.values.strides == (0, 0, 0, 0)
    for name in ("audit", "classes", "fingerprint", "largest_side", "kind"):
        assert getattr(bare, name) == getattr(whole, name)
    np.testing.assert_array_equal(bare.labels, whole.labels)
