from __future__ import annotations

import numpy as np
import pytest
import torch

from sufficient.data.arrays import labelled_arrays
from sufficient.data.labelled import LargeImagesError
from sufficient.errors import DataError, UsageError

LABELS = [0, 1] * 5


def images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def read(data, labels=LABELS, **options):
    return labelled_arrays("given", data, labels, **options)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((10, 5, 7), lambda x: x[..., None]),
        ((10, 5, 7, 1), lambda x: x),
        ((10, 5, 7, 3), lambda x: x),
        ((10, 5, 7, 4), lambda x: x[..., :3]),
        ((10, 1, 5, 7), lambda x: x.transpose(0, 2, 3, 1)),
        ((10, 3, 5, 7), lambda x: x.transpose(0, 2, 3, 1)),
        ((10, 3, 5, 3), lambda x: x),  # both could be channels: the last axis is
    ],
)
def test_image_layouts(shape, expected):
    given = images(*shape)
    data = read(given)
    np.testing.assert_array_equal(data.values, expected(given))
    assert (data.kind, data.values.dtype, data.largest_side) == (
        "images",
        np.uint8,
        max(data.values.shape[1:3]),
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64, np.uint8, bool])
def test_numbers_in_rows_are_features(dtype):
    given = np.random.default_rng(0).integers(0, 2, (10, 4)).astype(dtype)
    data = read(given)
    assert (data.kind, data.values.dtype, data.largest_side) == ("features", np.float32, None)
    np.testing.assert_array_equal(data.values, given.astype(np.float32))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.uint8])
def test_tensors(dtype):
    given = torch.arange(40).reshape(10, 4).to(dtype)
    data = read(given.requires_grad_() if dtype == torch.float32 else given, torch.tensor(LABELS))
    np.testing.assert_array_equal(data.values, np.arange(40).reshape(10, 4))
    assert data.labels.tolist() == LABELS


def test_lists():
    assert read([[i, 2.5] for i in range(10)], ["a", "b"] * 5).classes == ("a", "b")


def test_feature_rows_are_never_deduplicated_and_images_are():
    assert read(np.zeros((10, 4))).audit.used == 10
    given = images(10, 4, 4)
    given[8] = given[0]  # same label
    given[9] = given[2]  # another label
    data = read(given)
    assert data.audit.skipped_counts == {"duplicate": 1}
    assert [(s.name, s.detail) for s in data.audit.skipped] == [("row 8", "same pixels as row 0")]
    assert [notice.code for notice in data.audit.notices] == ["CONFLICTING-LABELS"]
    np.testing.assert_array_equal(data.values[..., 0], given[[0, 1, 2, 3, 4, 5, 6, 7, 9]])


def test_the_fourth_channel_tells_images_apart_and_its_loss_is_reported():
    given = np.zeros((10, 4, 4, 4), dtype=np.uint8)
    given[..., 3] = images(10, 4, 4)
    given[8] = given[0]
    given[1, ..., 3] = 255
    data = read(given)
    assert [(s.name, s.detail) for s in data.audit.skipped] == [("row 8", "same pixels as row 0")]
    (notice,) = data.audit.notices
    assert (notice.code, "alpha of 9 images" in notice.message) == ("ALPHA-DROPPED", True)
    given[..., 3] = 255
    given[..., 0] = images(10, 4, 4)
    assert read(given).audit.notices == ()


def test_sizes():
    assert read(images(10, 70, 20)).values.shape == (10, 32, 32, 1)
    assert read(images(10, 70, 20)).largest_side == 70
    assert read(images(10, 9, 9), size=12).values.shape == (10, 12, 12, 1)
    with pytest.raises(LargeImagesError, match="each image of given is 70 pixels"):
        read(images(10, 70, 20), largest_side=64)
    with pytest.raises(UsageError, match="no size in pixels"):
        read(np.zeros((10, 4)), size=12)


def test_constant_and_repeated_features_are_named():
    rows = np.random.default_rng(0).normal(size=(10, 3))
    given = np.c_[rows, np.ones(10), rows[:, 1]]
    assert [(n.code, n.message.split("(")[1]) for n in read(given).audit.notices] == [
        ("CONSTANT-FEATURES", "3)."),
        ("DUPLICATE-COLUMNS", "4)."),
    ]


def test_fingerprint_follows_values_and_labels():
    given = images(10, 4, 4)
    assert read(given).fingerprint == read(given.copy()).fingerprint == read(given, size=9).fingerprint
    assert read(given).fingerprint != read(given[::-1]).fingerprint
    assert read(given).fingerprint != read(given, [1, 0] * 5).fingerprint
    assert read(given).fingerprint != read(given, ["a", "b"] * 5).fingerprint
    rows = given.reshape(10, 16)
    assert read(rows).fingerprint == read(rows.astype(float)).fingerprint
    assert read(rows).fingerprint != read(rows + 1.0).fingerprint


def with_bad(value: float) -> np.ndarray:
    rows = np.zeros((10, 4))
    rows[3, 2] = rows[5, 0] = value
    return rows


@pytest.mark.parametrize(
    ("data", "labels", "message"),
    [
        (images(10, 4, 4), LABELS[:9], "10 objects but 9 labels"),
        (
            images(10, 4, 4).astype(np.uint16),
            LABELS,
            r"dtype uint16 with values from \d+ to 2\d\d; only uint8",
        ),
        (images(10, 4, 4) / 255, LABELS, "dtype float64 with values from"),
        (images(10, 4, 4, 2), LABELS, r"shape \(10, 4, 4, 2\).*C = 1"),
        (images(10), LABELS, r"shape \(10,\); give images"),
        (images(10, 1, 4, 4, 3), LABELS, "give images"),
        (images(0, 4, 4), [], r"shape \(0, 4, 4\): it is empty"),
        (images(10, 0), LABELS, "it is empty"),
        (with_bad(np.nan), LABELS, r"NaN or infinite in float32: 2 of them.*row 3, column 2"),
        (with_bad(np.inf), LABELS, "row 3, column 2"),
        (with_bad(1e300), LABELS, "infinite in float32"),
        (np.full((10, 2), "x"), LABELS, "features of dtype <U1"),
        (np.full((10, 2), None), LABELS, "features of dtype object"),
        ([[1, 2], [3]], [0, 1], "cannot be made one array"),
        (images(10, 4, 4), np.eye(10), "several labels for an object"),
        (images(10, 4, 4), [0] * 10, r"holds 1 class.*At least 2"),
    ],
)
def test_arrays_that_cannot_be_used(data, labels, message):
    with pytest.raises(DataError, match=message):
        read(data, labels)
