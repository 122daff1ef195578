from __future__ import annotations

import numpy as np
import pytest

from sufficient.data.audit import image_digest, take_stock
from sufficient.data.labelled import Skipped
from sufficient.errors import DataError


def stock_of(labels, digests=None, **options):
    classes = tuple("abcdef"[: max(labels) + 1])
    return take_stock(
        "spec", np.array(labels), classes=classes, name_of="row {}".format, digests=digests, **options
    )


def naive_kept(labels: list[int], digests: list[bytes]) -> list[int]:
    kept = [i for i, pair in enumerate(zip(labels, digests, strict=True))
            if pair not in list(zip(labels, digests, strict=True))[:i]]  # fmt: skip
    counts = {label: sum(labels[i] == label for i in kept) for label in labels}
    return [i for i in kept if counts[labels[i]] >= 3]


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_the_slow_obvious_rule(seed):
    random = np.random.default_rng(seed)
    labels = [0, 0, 0, 1, 1, 1, *random.integers(0, 5, 30).tolist()]
    digests = [bytes([i]) for i in range(6)] + [bytes([d]) for d in random.integers(0, 12, 30)]
    stock = stock_of(labels, digests)
    kept = naive_kept(labels, digests)
    assert stock.kept.tolist() == kept
    assert [stock.classes[c] for c in stock.labels] == ["abcdef"[labels[i]] for i in kept]
    assert stock.audit.found == 36 == stock.audit.used + len(stock.audit.skipped)
    assert sum(stock.audit.class_counts.values()) == stock.audit.used


def test_rows_without_digests_are_never_duplicates():
    assert stock_of([0, 0, 0, 1, 1, 1]).audit.skipped == ()


def test_unused_classes_are_dropped_and_labels_follow():
    stock = stock_of([0, 0, 0, 2, 2, 2, 4, 5, 5, 5])
    assert stock.classes == ("a", "c", "f")
    assert stock.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert stock.audit.skipped == (Skipped("row 6", "class-too-small", "class e"),)
    (notice,) = stock.audit.notices
    assert (notice.code, "e (1)" in notice.message) == ("CLASS-TOO-SMALL", True)


def test_duplicates_can_make_a_class_too_small():
    digests = [b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"7"]
    stock = stock_of([0, 0, 0, 1, 1, 1, 2, 2, 2], digests)
    assert stock.classes == ("a", "b")
    assert stock.audit.skipped_counts == {"class-too-small": 2, "duplicate": 1}


def test_many_conflicts_are_counted_and_a_few_named():
    digests = [bytes([i % 5]) for i in range(10)]
    (notice,) = stock_of([0] * 5 + [1] * 5, digests).audit.notices
    assert notice.code == "CONFLICTING-LABELS"
    assert "5 images (" in notice.message
    assert "row 0 = row 5; row 1 = row 6; row 2 = row 7, …" in notice.message


def test_a_conflict_with_a_skipped_class_is_none():
    digests = [b"0", b"1", b"2", b"3", b"4", b"5", b"0"]
    assert [notice.code for notice in stock_of([0, 0, 0, 1, 1, 1, 2], digests).audit.notices] == [
        "CLASS-TOO-SMALL"
    ]


@pytest.mark.parametrize("seed", range(20))
def test_twins_are_the_identical_images_that_are_kept(seed):
    random = np.random.default_rng(seed)
    labels = [0, 0, 0, 1, 1, 1, *random.integers(0, 5, 30).tolist()]
    digests = [bytes([i]) for i in range(6)] + [bytes([d]) for d in random.integers(0, 12, 30)]
    stock = stock_of(labels, digests)
    kept = [digests[i] for i in stock.kept]
    together = stock.twins[:, None] == stock.twins[None, :]
    np.testing.assert_array_equal(together, [[one == other for other in kept] for one in kept])
    assert len(set(kept)) < len(kept)


def test_there_are_no_twins_where_no_image_stands_under_two_labels():
    digests = [b"0", b"1", b"2", b"3", b"4", b"5", b"5", b"0"]  # the last: of a class that is skipped
    assert stock_of([0, 0, 0, 1, 1, 1, 1, 2], digests).twins is None
    assert stock_of([0, 0, 0, 1, 1, 1]).twins is None


def test_two_classes_are_needed():
    with pytest.raises(DataError, match=r"spec holds 1 class.* \(a \(3\)\); skipped: 2 class-too-small"):
        stock_of([0, 0, 0, 1, 1])


def test_digest_is_sha256_of_mode_shape_and_bytes():
    import hashlib

    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert image_digest(image, "RGB") == hashlib.sha256(b"RGB 2 2 " + bytes(range(12))).digest()
    assert image_digest(image, "YCbCr") == hashlib.sha256(b"YCbCr 2 2 " + bytes(range(12))).digest()
