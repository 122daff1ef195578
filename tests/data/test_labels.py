from __future__ import annotations

import numpy as np
import pytest

from sufficient.data.labels import encode_labels
from sufficient.errors import DataError


@pytest.mark.parametrize(
    ("labels", "codes", "classes"),
    [
        (np.array([7, 3, 7, 12]), [1, 0, 1, 2], ("3", "7", "12")),
        (np.array([2, 0], dtype=np.uint8), [1, 0], ("0", "2")),
        (np.array([-1, 1]), [0, 1], ("-1", "1")),
        (np.array([1.0, 0.0, 2.0]), [1, 0, 2], ("0", "1", "2")),
        (np.array([1, 0, 2], dtype=np.float16), [1, 0, 2], ("0", "1", "2")),
        (np.array([True, False]), [1, 0], ("False", "True")),
        (np.array(["b", "a", "b"]), [1, 0, 1], ("a", "b")),
        (np.array([b"b", "é".encode()]), [0, 1], ("b", "é")),
        (np.array(["b", "a"], dtype=object), [1, 0], ("a", "b")),
        (np.array([5, 4], dtype=object), [1, 0], ("4", "5")),
    ],
)
def test_labels_of_every_kind_become_indices(labels, codes, classes):
    encoded, names = encode_labels(labels)
    assert encoded.dtype == np.int64
    assert encoded.tolist() == codes
    assert names == classes


def test_integers_index_the_classes_given():
    codes, names = encode_labels(np.array([2, 0, 2]), ["z", "y", "x"])
    assert (codes.tolist(), names) == ([2, 0, 2], ("z", "y", "x"))


def test_text_is_looked_up_in_the_classes_given():
    codes, names = encode_labels(np.array(["x", "z"]), np.array([b"z", b"y", b"x"]))
    assert (codes.tolist(), names) == ([2, 0], ("z", "y", "x"))


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        (np.eye(3), None, r"shape \(3, 3\).*several labels"),
        (np.array(0), None, r"shape \(\)"),
        (np.array(["a", "", " "]), None, r"row 1 is missing \(empty text\), 2 row"),
        (np.array([0, np.nan, np.nan]), None, r"row 1 is missing \(NaN\), 2 row"),
        (np.array(["a", None], dtype=object), None, "row 1 is missing"),
        (np.array(["a", float("nan")], dtype=object), None, "row 1 is missing"),
        (np.array(["a", 3], dtype=object), None, "mix kinds"),
        (np.array([1.0, 2.5]), None, "row 1 is not a whole number"),
        (np.array([1, 2**63], dtype=np.uint64), None, "row 1 is too large"),
        (np.array([1.0, np.inf]), None, "row 1 is too large"),
        (np.array([1j, 2]), None, "dtype complex128"),
        (np.array([b"\xff", b"a"]), None, "not UTF-8"),
        (np.array([0, 3]), ["a", "b"], r"row 1 is not an index into the 2 `classes` \(0 to 1\)"),
        (np.array([-1, 0]), ["a", "b"], "row 0 is not an index"),
        (np.array(["a", "c"]), ["a", "b"], "row 1 is not among the 2 `classes`"),
        (np.array([0, 1]), ["a", "a"], "names a more than once"),
        (np.array([0, 1]), np.array([["a", "b"]]), r"`classes` has shape \(1, 2\)"),
    ],
)
def test_labels_that_cannot_be_classes(labels, classes, message):
    with pytest.raises(DataError, match=message):
        encode_labels(labels, classes)
