"""Arrays of images or features with labels, from Python or from a file, checked once and taken stock of."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sufficient.data.audit import fingerprint, identities, image_digest, take_stock
from sufficient.data.feature_remarks import feature_remarks
from sufficient.data.images import Pixels, Side, alpha_notice, to_common_size
from sufficient.data.labelled import LabelledData, LargeImagesError
from sufficient.data.labels import ClassNames, encode_labels
from sufficient.data.opening import EXPLICIT_RANGE
from sufficient.errors import DataError, UsageError
from sufficient.notice import Notice

MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # channels → Pillow's name

FeatureRows = NDArray[np.float32]


def labelled_arrays(
    spec: str,
    data: Any,
    labels: Any,
    *,
    classes: ClassNames | None = None,
    size: Side | None = None,
    largest_side: int | None = None,
    white: int = 255,
    deduplicate: bool = True,
    notices: Sequence[Notice] = (),
) -> LabelledData:
    """Return images or features with their labels; rows are named "row 0", "row 1", ...

    `data`: images uint8 (N, H, W), (N, H, W, C) or (N, C, H, W), the last axis being taken for C where both
    could be, alpha dropped and reported; or features (N, d), any real numbers. `labels`: (N,). Arrays,
    lists or tensors. `size`: pixels; "own": as they are; None: as they are if at most 64, else 32.
    Raises DataError for what cannot be used, LargeImagesError beyond `largest_side` pixels.
    """
    values, given_labels = as_array(data, "data"), as_array(labels, "labels")
    if values.ndim not in (2, 3, 4):
        raise DataError(
            f"{spec} has data of shape {values.shape}; give images (N, H, W) or (N, H, W, C), "
            "or features (N, d)."
        )
    if 0 in values.shape:
        raise DataError(f"{spec} has data of shape {values.shape}: it is empty; give at least 2 classes.")
    if given_labels.ndim == 1 and len(given_labels) != len(values):
        raise DataError(
            f"{spec} has {len(values):,} objects but {len(given_labels):,} labels; "
            "give one label for each object."
        )
    codes, names = encode_labels(given_labels, classes)
    if values.ndim == 2:
        if size not in (None, "own"):
            raise UsageError(f"{spec} holds features, which have no size in pixels; leave --size out.")
        return _features(spec, checked_features(spec, values), codes, names, notices)
    images = checked_images(spec, values)
    if values.ndim == 4 and images.shape != values.shape:
        message = f"the images' second axis was taken for the channels: {values.shape} as (N, C, H, W)."
        notices = (*notices, Notice("CHANNELS-FIRST", message))
    side = max(images.shape[1:3])
    if largest_side is not None and side > largest_side:
        raise LargeImagesError(f"each image of {spec}", side=side, limit=largest_side)
    return _images(spec, images, codes, names, notices, size=size, white=white, deduplicate=deduplicate)


def as_array(given: Any, what: str) -> NDArray[Any]:
    """Return an array, list or tensor (on any device) as a numpy array. Raises DataError if it is ragged."""
    torch = sys.modules.get("torch")  # a tensor can only come from a program that has loaded torch
    if torch is not None and isinstance(given, torch.Tensor):
        given = given.detach().cpu()
        if given.dtype == torch.bfloat16:  # numpy has none
            given = given.float()
        return np.asarray(given.numpy())
    try:
        return np.asarray(given)
    except ValueError as error:
        raise DataError(f"the {what} cannot be made one array ({error}); give rows of one length.") from error


def checked_features(spec: str, values: NDArray[Any]) -> FeatureRows:
    """Return features as float32 (N, d). Raises DataError for values that are no finite float32."""
    if values.dtype.kind not in "biuf":
        raise DataError(
            f"{spec} has features of dtype {values.dtype}; give real numbers, float32 or float64."
        )
    with np.errstate(over="ignore"):  # beyond float32 becomes infinite, and is named below
        features = values.astype(np.float32)
    bad = np.argwhere(~np.isfinite(features))
    if len(bad):
        row, column = bad[0]
        raise DataError(
            f"{spec} has features that are NaN or infinite in float32: {len(bad):,} of them, the first in "
            f"row {row}, column {column}; fill them in or leave these rows out."
        )
    return features


def checked_images(spec: str, values: NDArray[Any]) -> Pixels:
    """Return images as uint8 (N, H, W, C), C in {1, 3, 4}. Raises DataError for other depths or shapes."""
    if values.dtype != np.uint8:
        raise DataError(
            f"{spec} has images of dtype {values.dtype} with values from {values.min()} to {values.max()}; "
            "only uint8, 0 to 255, is read, and nothing is clipped in silence. "
            f"{EXPLICIT_RANGE}, rounded, .astype('uint8')."
        )
    if values.ndim == 3:
        return values[:, :, :, np.newaxis]
    if values.shape[3] in MODES:
        return values
    if values.shape[1] in (1, 3):
        return values.transpose(0, 2, 3, 1)
    raise DataError(
        f"{spec} has images of shape {values.shape}; "
        "give (N, H, W, C) with C = 1 (grey), 3 (RGB) or 4 (RGBA)."
    )


def _features(
    spec: str,
    values: FeatureRows,
    labels: NDArray[np.int64],
    classes: tuple[str, ...],
    notices: Sequence[Notice],
) -> LabelledData:
    notices = [*notices, *feature_remarks(values)]
    stock = take_stock(spec, labels, classes=classes, name_of=_row, digests=None, notices=notices)
    used = values if len(stock.kept) == len(values) else values[stock.kept]
    return LabelledData(
        spec=spec,
        kind="features",
        rows=stock.kept,
        values=used,
        labels=stock.labels,
        classes=stock.classes,
        audit=stock.audit,
        fingerprint=fingerprint((row.tobytes() for row in used), stock),
        identities=identities(row.tobytes() for row in used),
    )


def _images(
    spec: str,
    images: Pixels,
    labels: NDArray[np.int64],
    classes: tuple[str, ...],
    notices: Sequence[Notice],
    *,
    size: Side | None,
    white: int,
    deduplicate: bool,
) -> LabelledData:
    mode = MODES[images.shape[3]]
    digests = [image_digest(image, mode) for image in images]
    if mode == "RGBA":
        transparent = (images[:, :, :, 3] < 255).any(axis=(1, 2))
        notices = [*notices, *alpha_notice(int(transparent.sum()))]
        images = images[:, :, :, :3]
    stock = take_stock(
        spec,
        labels,
        classes=classes,
        name_of=_row,
        digests=digests if deduplicate else None,
        notices=notices,
    )
    used = images if len(stock.kept) == len(images) else images[stock.kept]
    return LabelledData(
        spec=spec,
        kind="images",
        values=np.ascontiguousarray(used if size == "own" else to_common_size(used, size)),
        labels=stock.labels,
        classes=stock.classes,
        audit=stock.audit,
        fingerprint=fingerprint((digests[index] for index in stock.kept), stock),
        identities=identities(digests[index] for index in stock.kept),
        white=white,
        largest_side=max(images.shape[1:3]),
        twins=stock.twins,
        rows=stock.kept,
    )


def _row(index: int) -> str:
    return f"row {index}"
