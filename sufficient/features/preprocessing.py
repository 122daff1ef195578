"""A model's own preprocessing, cut in two: 8-bit pixels in a worker process, their scaling on the device.

What crosses the process boundary is a fourth of the size, and the scaling is done for a whole batch. Whether
the halves give what the whole gives is tried when the model is loaded; where they do not, the whole runs in
the worker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

Prepare = Callable[[Image.Image], NDArray[Any]]  # RGB image → (3, height, width)

CLOSE = 1e-6  # of the values' scale: what float32 loses in another order of operations
TRIED = ((40, 56), (333, 290))  # height, width: one below and one above what models take, neither square


@dataclass(frozen=True)
class Scaling:
    """(x − mean) / deviation for each channel, in units of 8-bit pixels."""

    mean: Tensor  # (3, 1, 1)
    deviation: Tensor  # (3, 1, 1)

    def __call__(self, pixels: Tensor) -> Tensor:
        """Return float32 of pixels (batch, 3, height, width)."""
        return pixels.float().sub(self.mean.to(pixels.device)).div_(self.deviation.to(pixels.device))


@dataclass(frozen=True)
class Preprocessing:
    """What a worker does with an image, and what is left to do with a batch of them."""

    prepare: Prepare
    scaling: Scaling | None  # None: nothing is left to do

    def finish(self, pixels: Tensor) -> Tensor:
        """Return what the network takes, of the stacked results of `prepare`."""
        return pixels.float() if self.scaling is None else self.scaling(pixels)


def cut_in_two(whole: Prepare, scaling: Scaling | None, *halves: Prepare) -> Preprocessing:
    """Return the first of `halves` that, with `scaling`, gives what `whole` gives; else `whole`."""
    if scaling is not None:
        random = np.random.default_rng(0)
        images = [
            Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8), "RGB") for size in TRIED
        ]
        for half in halves:
            if all(_equal(whole, half, scaling, image) for image in images):
                return Preprocessing(half, scaling)
    return Preprocessing(whole, None)


def _equal(whole: Prepare, half: Prepare, scaling: Scaling, image: Image.Image) -> bool:
    expected = torch.from_numpy(whole(image))
    try:
        pixels = torch.from_numpy(half(image))
        if pixels.dtype != torch.uint8 or pixels.shape != expected.shape:
            return False
        scaled = scaling(pixels[None])[0]
    except Exception:  # whatever a processor with steps of its own raises
        return False
    return bool((scaled - expected).abs().max() <= CLOSE * expected.abs().max().clamp(min=1))


def of_processor(processor: Any) -> Preprocessing:
    """Return the preprocessing of a transformers image processor, equal to calling it on each image."""

    def called(image: Image.Image, **options: bool) -> NDArray[Any]:
        inputs = processor(np.array(image), return_tensors="np", input_data_format="channels_last", **options)
        return np.ascontiguousarray(inputs["pixel_values"][0])

    def whole(image: Image.Image) -> NDArray[Any]:
        return called(image).astype(np.float32, copy=False)

    def unscaled(image: Image.Image) -> NDArray[Any]:
        return called(image, do_rescale=False, do_normalize=False)

    def by_steps(image: Image.Image) -> NDArray[Any]:  # 2 to 4 times as fast: no copy, no validation
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]
        if processor.do_resize:
            pixels = processor.resize(image=pixels, size=processor.size, resample=processor.resample)
        if processor.do_center_crop:
            pixels = processor.center_crop(pixels, processor.crop_size)
        return pixels[0].contiguous().numpy()

    return cut_in_two(whole, _scaling_of(processor), by_steps, unscaled)


def _scaling_of(processor: Any) -> Scaling | None:
    factor = processor.rescale_factor if getattr(processor, "do_rescale", False) else 1.0
    mean, deviation = torch.zeros(3), torch.ones(3)
    try:
        if getattr(processor, "do_normalize", False):
            mean, deviation = torch.tensor(processor.image_mean), torch.tensor(processor.image_std)
        white = 1.0 / factor
        return Scaling((mean * white).reshape(3, 1, 1), (deviation * white).reshape(3, 1, 1))
    except (TypeError, ValueError, RuntimeError, AttributeError, ZeroDivisionError):  # one channel, no factor
        return None


def smallest_side(processor: Any) -> int | None:
    """Return the side in pixels down to which a transformers processor resizes; None where it does not tell.

    Of two different sides the longer, so that no image is decoded smaller than it is used.
    """
    if not getattr(processor, "do_resize", False):
        return None
    size = getattr(processor, "size", None) or {}
    sides = [
        side
        for name in ("height", "width", "shortest_edge", "max_height", "max_width")
        if (side := size.get(name))
    ]
    if not sides:
        return None
    cropped = getattr(processor, "crop_pct", None) or 1.0  # ConvNeXt's resizes to more and crops
    return int(max(sides) / cropped)
