"""One image file to one array of 8-bit pixels, or the reason why not; and images to one common size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sufficient.data.audit import image_digest
from sufficient.data.labelled import LargeImagesError
from sufficient.data.opening import (
    converted,
    has_several_frames,
    has_sixteen_bits,
    in_own_mode,
    is_transparent,
    load_upright,
    open_file,
    open_image,
)
from sufficient.notice import Notice
from sufficient.rounding import counted

LARGEST_OWN_SIDE = 64  # pixels; beyond it images are not kept at their own size unless --size asks for it
DEFAULT_SIDE = 32  # pixels, where the images share no size of their own
GREY_MODES = ("1", "L", "LA")

Pixels = NDArray[np.uint8]
Side = int | Literal["own"]  # pixels to which images are resized, or as they are


@dataclass(frozen=True, slots=True)
class Decoded:
    """An image as read."""

    pixels: Pixels  # (H, W, C), C in {1, 3}; resized already if it was large
    digest: bytes  # of the image in its own mode, before any resizing
    largest_side: int  # pixels, before any resizing
    reduced: bool  # its file has 16 bits a channel, of which Pillow gives the upper 8
    transparent: bool  # not fully opaque
    several_frames: bool  # or pages, of which this is the first


class Outline(NamedTuple):
    """What is kept of an image's pixels where they are not kept themselves."""

    shape: tuple[int, int, int]  # (H, W, C)
    brightest: int  # pixel value
    resized: int  # the same of the image at the size that images take which share none


def decode(
    path: str, *, name: str, size: int | None, largest_side: int | None, max_pixels: int | None = None
) -> Decoded:
    """Return the first frame of the file at `path`, decoded to its end and upright.

    Grey stays one channel; palettes, CMYK and all else become RGB; alpha is dropped, as `convert("RGB")`
    does, and reported. The image is resized at once to `size` (None: to 32 if a side exceeds 64), so that
    memory stays small. Raises UnusableError (skip it), LargeImagesError (beyond `largest_side`) and DataError
    (16-bit, float).
    """
    with open_file(path) as file:
        image = open_image(file, name=name, max_pixels=max_pixels)
        return decoded(image, name=name, size=size, largest_side=largest_side)


def decoded(image: Image.Image, *, name: str, size: int | None, largest_side: int | None) -> Decoded:
    """Return an image that is open, decoded as `decode` says."""
    if largest_side is not None and max(image.size) > largest_side:
        raise LargeImagesError(name, side=max(image.size), limit=largest_side)
    reduced = has_sixteen_bits(image)
    load_upright(image)
    several_frames = has_several_frames(image)
    own = in_own_mode(image)
    pixels = _pixels(own, grey=image.mode in GREY_MODES)
    native = max(pixels.shape[:2])
    if size is None and native > LARGEST_OWN_SIDE:
        size = DEFAULT_SIDE
    return Decoded(
        pixels=pixels if size is None else resize(pixels, (size, size)),
        digest=image_digest(np.asarray(own), own.mode),
        largest_side=native,
        reduced=reduced,
        transparent=is_transparent(own),
        several_frames=several_frames,
    )


def _pixels(own: Image.Image, *, grey: bool) -> Pixels:
    """Return the image as (H, W, C): one channel if it is grey, else RGB."""
    pixels = np.asarray(converted(own, "L" if grey else "RGB"))
    return pixels[:, :, np.newaxis] if pixels.ndim == 2 else pixels


def resize(pixels: Pixels, shape: tuple[int, int]) -> Pixels:
    """Return the image (H, W, C) at `shape` (height, width), bilinear with antialiasing (Pillow's)."""
    height, width = shape
    if pixels.shape[:2] == shape:
        return pixels
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR)).reshape(height, width, -1)


def reading_notices(*, reduced: int, transparent: int, several_frames: int) -> list[Notice]:
    """Return what to say of so many images that were not read in full; nothing of none."""
    remarks = []
    if reduced:
        message = f"of {counted(reduced, 'colour image')} of 16 bits a channel the upper 8 bits were read."
        remarks.append(Notice("SIXTEEN-BIT-REDUCED", message))
    remarks += alpha_notice(transparent)
    if several_frames:
        message = f"of {counted(several_frames, 'image')} with several frames or pages the first one is used."
        remarks.append(Notice("FIRST-FRAME", message))
    return remarks


def alpha_notice(transparent: int) -> list[Notice]:
    """Return what to say of so many images that are not fully opaque; nothing of none."""
    if not transparent:
        return []
    message = (
        f"the alpha of {counted(transparent, 'image')} is dropped: transparent pixels count with the colour "
        "hidden under them; flatten them onto a background if that is not meant."
    )
    return [Notice("ALPHA-DROPPED", message)]


def to_common_size(images: Sequence[Pixels] | Pixels, size: int | None) -> Pixels:
    """Return all images as one array (N, H, W, C), grey repeated over RGB unless all are grey.

    Both sides are `size`; None: their own if they share one (H, W) of at most 64 pixels, else 32.
    """
    shape = _common_shape({(image.shape[0], image.shape[1]) for image in images}, size)
    if isinstance(images, np.ndarray) and images.shape[1:3] == shape:
        return images
    channels = max(image.shape[2] for image in images)
    result = np.empty((len(images), *shape, channels), dtype=np.uint8)
    for row, image in zip(result, images, strict=True):
        row[...] = resize(image, shape)  # one channel broadcasts over three
    return result


def outline(pixels: Pixels, size: int | None) -> Outline:
    """Return what `outlined` needs of an image (H, W, C)."""
    height, width, channels = pixels.shape
    side = DEFAULT_SIDE if size is None else size
    return Outline((height, width, channels), int(pixels.max()), int(resize(pixels, (side, side)).max()))


def outlined(outlines: Sequence[Outline], size: int | None) -> Pixels:
    """Return an array of the shape that `to_common_size` gives the images, its brightest pixel throughout.

    It takes no memory.
    """
    own_shapes = {found.shape[:2] for found in outlines}
    shape = _common_shape(own_shapes, size)
    as_they_are = own_shapes == {shape}
    brightest = max(found.brightest if as_they_are else found.resized for found in outlines)
    channels = max(found.shape[2] for found in outlines)
    return np.broadcast_to(np.uint8(brightest), (len(outlines), *shape, channels))


def _common_shape(own_shapes: set[tuple[int, int]], size: int | None) -> tuple[int, int]:
    if size is not None:
        return size, size
    first = next(iter(own_shapes))
    return first if len(own_shapes) == 1 and max(first) <= LARGEST_OWN_SIDE else (DEFAULT_SIDE, DEFAULT_SIDE)
