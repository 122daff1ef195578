from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from sufficient.data.sources import read
from sufficient.errors import DataError

IMAGES = np.random.default_rng(0).integers(0, 256, (8, 5, 5), dtype=np.uint8)
LABELS = np.array([0, 2] * 4)


def write(tmp_path, suffix: str, arrays: dict, metadata: dict | None = None) -> str:
    path = tmp_path / f"x{suffix}"
    if suffix == ".npz":
        np.savez_compressed(path, **arrays)
    else:
        save_file(arrays, path, metadata=metadata)
    return str(path)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@pytest.mark.parametrize("data_key", ["images", "features", "x", "X", "x_train", "data"])
@pytest.mark.parametrize("label_key", ["labels", "y", "y_train", "targets"])
def test_usual_names(tmp_path, suffix, data_key, label_key):
    data = read(write(tmp_path, suffix, {data_key: IMAGES, label_key: LABELS}))
    np.testing.assert_array_equal(data.values[..., 0], IMAGES)
    assert data.classes == ("0", "2")


def test_classes_name_the_labels(tmp_path):
    arrays = {"x": IMAGES, "y": LABELS}
    npz = write(tmp_path, ".npz", {**arrays, "classes": np.array(["cat", "cow", "dog"])})
    safetensors = write(tmp_path, ".safetensors", arrays, {"classes": json.dumps(["cat", "cow", "dog"])})
    for path in (npz, safetensors):
        assert read(path).classes == ("cat", "dog")  # cow has no objects
    assert read(npz).fingerprint == read(safetensors).fingerprint


def test_test_arrays_are_left_out_and_said_so(tmp_path):
    path = write(tmp_path, ".npz", {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES, "y_test": LABELS})
    assert [notice.code for notice in read(path).audit.notices] == ["TRAIN-SPLIT"]


def test_real_images_with_class_names(real_data):
    path = real_data / "cifar100_10k.npz"
    data = read(path)
    assert data.values.shape == (10_000, 32, 32, 3)
    assert set(data.audit.class_counts.values()) == {100}
    with np.load(path) as file:
        assert [data.classes[label] for label in data.labels[:50]] == list(
            file["classes"][file["labels"][:50]]
        )


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"x": IMAGES},
            r"holds the arrays x; the array of labels was not found.*labels, y, y_train",
        ),
        ({"y": LABELS, "pictures": IMAGES}, "holds the arrays pictures, y; the array of data was not found"),
        ({"x": IMAGES, "X": IMAGES, "y": LABELS}, "array of data could be any of x, X"),
        ({"x": IMAGES, "y": LABELS[:3]}, "8 objects but 3 labels"),
    ],
)
def test_wrong_arrays(tmp_path, suffix, arrays, message):
    with pytest.raises(DataError, match=message):
        read(write(tmp_path, suffix, arrays))


@pytest.mark.parametrize("key", ["x", "y", "classes"])
def test_object_arrays_are_never_unpickled(tmp_path, key):
    arrays = {"x": IMAGES, "y": LABELS, key: np.array([{"a": 1}, None] * 4, dtype=object)}
    with pytest.raises(DataError, match=rf"Python objects under '{key}'.*astype\(str\)"):
        read(write(tmp_path, ".npz", arrays))


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@pytest.mark.parametrize("damage", ["empty", "foreign", "cut", "flipped"])
def test_damaged_files(tmp_path, suffix, damage):
    path = tmp_path / f"x{suffix}"
    write(tmp_path, suffix, {"x": IMAGES, "y": LABELS})
    content = path.read_bytes()
    middle = 8 if suffix == ".safetensors" else 100
    flipped = (
        content[:middle] + bytes(255 - b for b in content[middle : middle + 40]) + content[middle + 40 :]
    )
    path.write_bytes(
        {"empty": b"", "foreign": b"<html>" * 50, "cut": content[:-60], "flipped": flipped}[damage]
    )
    with pytest.raises(DataError, match="cannot be read as"):
        read(path)


@pytest.mark.parametrize("classes", ["no json", '{"a": 1}', "[[1], [2, 3]]"])
def test_metadata_classes_must_be_a_list_of_text(tmp_path, classes):
    path = write(tmp_path, ".safetensors", {"x": IMAGES, "y": LABELS}, {"classes": classes})
    with pytest.raises(DataError, match="no JSON list of text"):
        read(path)
