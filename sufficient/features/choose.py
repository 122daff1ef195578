"""Which numbers a head is fitted on: the choice, and the reason for it in one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sufficient.data.images import LARGEST_OWN_SIDE, to_common_size
from sufficient.data.labelled import LabelledData, LargeImagesError
from sufficient.errors import UsageError
from sufficient.features.pixels import scaled_pixels
from sufficient.notice import Notice

SCALES_DIFFER = 10.0  # largest over smallest standard deviation of a column, beyond which `auto` standardises
COLUMNS_AT_ONCE = 64  # columns in float64 at a time, to keep memory small

Scale = Literal["none", "standard"]
ScaleChoice = Literal["auto", "none", "standard"]


@dataclass(frozen=True)
class Features:
    """What the study fits heads on. `scale` only decides: it is fitted on each prefix, by the study."""

    values: NDArray[np.float32]  # (N, d)
    labels: NDArray[np.int64]  # (N,)
    name: str  # "pixels 28×28 grey"
    scale: Scale
    reason: str  # one sentence: why this choice
    made_by_model: bool = False  # by a pretrained one, so that copies are told by their files


def choose(
    data: LabelledData,
    *,
    features: Literal["auto", "pixels"] = "auto",
    size: int | None = None,
    scale: ScaleChoice = "auto",
) -> Features:
    """Return the features of labelled data that need no model.

    `auto`: features as they are; images of at most 64 pixels as pixels. `size`: side in pixels to which
    images are resized. Raises LargeImagesError where `auto` meets larger images, UsageError for pixels of
    data that are no images.
    """
    if data.kind == "features":
        if features == "pixels":
            raise UsageError(
                f"{data.spec} holds features, not images, so there are no pixels; use --features auto."
            )
        return _given_features(data, scale)
    if features == "auto":
        _require_small(data)
    return _pixel_features(data, asked=features == "pixels", size=size, scale=scale)


def _given_features(data: LabelledData, scale: ScaleChoice) -> Features:
    values = data.values.astype(np.float32, copy=False)
    reason = "the data are features already and are taken as they are"
    if scale == "auto":
        ratio = spread_ratio(values)
        scale = "standard" if ratio > SCALES_DIFFER else "none"
        if scale == "standard":
            reason = (
                f"the data are features whose columns' scales differ {ratio:,.0f}×, so they are standardised"
            )
    elif scale == "standard":
        reason = "the data are features and are standardised as asked"
    return Features(values, data.labels, f"{values.shape[1]} given features", scale, f"{reason}.")


def _pixel_features(data: LabelledData, *, asked: bool, size: int | None, scale: ScaleChoice) -> Features:
    images = to_common_size(data.values.astype(np.uint8, copy=False), size)
    height, width, channels = images.shape[1:]
    why = "as asked" if asked else f"no image exceeds {LARGEST_OWN_SIDE} pixels a side"
    standardised = scale == "standard"
    asked_scale = ", standardised as asked" if standardised else ""
    name = f"pixels {height}×{width} {'grey' if channels == 1 else 'RGB'}"
    span = "" if data.white == 255 else f", from 0 to {data.white}"
    return Features(
        scaled_pixels(images, white=data.white),
        data.labels,
        name,
        "standard" if standardised else "none",
        f"{name} in [−1, 1]{span}: {why}{asked_scale}.",
    )


def remarks(data: LabelledData) -> tuple[Notice, ...]:
    """Return what the pixels of the data give reason to doubt: a range of which they fill a small part."""
    if data.kind != "images" or (brightest := int(data.values.max())) * 4 > data.white:
        return ()
    return (
        Notice(
            "LOW-CONTRAST",
            f"the brightest pixel is {brightest} where {data.white} is white, so that all lie close together "
            "and train slowly: if the images have another range, stretch it to 0 … 255 first.",
        ),
    )


def _require_small(data: LabelledData) -> None:
    height, width = data.values.shape[1:3]
    largest = data.largest_side or max(height, width)
    if largest > LARGEST_OWN_SIDE:
        raise LargeImagesError(f"the largest image of {data.spec}", side=largest, limit=LARGEST_OWN_SIDE)


def spread_ratio(values: NDArray[np.float32]) -> float:
    """Return the largest over the smallest standard deviation of the columns (N, d) that are not constant."""
    spreads = np.concatenate(
        [
            values[:, start : start + COLUMNS_AT_ONCE].std(axis=0, dtype=np.float64)
            for start in range(0, values.shape[1], COLUMNS_AT_ONCE)
        ]
    )
    varying = spreads[values.min(axis=0) < values.max(axis=0)]
    return float(varying.max() / varying.min()) if len(varying) else 1.0
