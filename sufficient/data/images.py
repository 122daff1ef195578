"""One image file to one array of 8-bit pixels, or the reason why not; and images to one common size."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from sufficient.data.labelled import LargeImages, SkipReason
from sufficient.data.stock import image_digests
from sufficient.errors import DataError

# Raster formats that Pillow decodes by itself. Not EPS, PDF and the like (they start other programs or
# render at a size of their choosing), nor JPEG 2000 and AVIF, whose deeper pixels Pillow cuts to 8 bits
# without a sign by which that could be reported.
FORMATS = ("BMP", "DIB", "GIF", "JPEG", "PNG", "PPM", "TGA", "TIFF", "WEBP")
SUFFIXES = (
    *(".bmp", ".dib", ".gif", ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".tif", ".tiff", ".webp"),
)
LARGEST_OWN_SIDE = 64  # pixels; beyond it images are not kept at their own size unless --size asks for it
DEFAULT_SIDE = 32  # pixels, where the images share no size of their own
GREY_MODES = ("1", "L", "LA")
EXPLICIT_RANGE = "Convert to 8 bits with a range of your choice, (x - low) / (high - low) * 255"

Pixels = NDArray[np.uint8]


class UnusableError(Exception):
    """A file that is skipped: the reason code and what the system or Pillow said."""

    def __init__(self, reason: SkipReason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason: SkipReason = reason
        self.detail = detail


@dataclass(frozen=True)
class Decoded:
    """An image as read."""

    pixels: Pixels  # (H, W, C), C in {1, 3}; resized already if it was large
    digest: bytes  # of the image before any resizing
    largest_side: int  # pixels, before any resizing
    reduced: bool  # its file has 16 bits a channel, of which Pillow gives the upper 8


def decode(path: str, *, name: str, size: int | None, largest_side: int | None) -> Decoded:
    """Return the first frame of the file at `path`, decoded to its end and upright.

    Grey stays one channel; palettes, CMYK and all else become RGB; alpha is dropped, as `convert("RGB")`
    does. The image is resized at once to `size` (None: to 32 if a side exceeds 64), so that memory stays
    small. Raises UnusableError (skip it), LargeImages (beyond `largest_side`) and DataError (16-bit, float).
    """
    with _opened(path) as image:
        if image.width * image.height > (Image.MAX_IMAGE_PIXELS or float("inf")):
            raise UnusableError("too-many-pixels", f"{image.width}×{image.height}")
        if largest_side is not None and max(image.size) > largest_side:
            raise LargeImages(name, side=max(image.size), limit=largest_side)
        if image.mode.startswith(("I", "F")):
            raise DataError(
                f"{name} has pixels deeper than 8 bits (Pillow's mode {image.mode}): their range is not "
                f"known, and they are never clipped in silence. {EXPLICIT_RANGE}, and save it again."
            )
        reduced = _has_sixteen_bits(image)
        pixels = _upright_pixels(image)
    (digest,) = image_digests([pixels])
    native = max(pixels.shape[:2])
    if size is None and native > LARGEST_OWN_SIDE:
        size = DEFAULT_SIDE
    return Decoded(pixels if size is None else resize(pixels, (size, size)), digest, native, reduced)


@contextmanager
def _opened(path: str) -> Iterator[Image.Image]:
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below; only its own failure is caught here
    except OSError as error:
        raise UnusableError("unreadable", error.strerror or str(error)) from error
    with file:
        if os.fstat(file.fileno()).st_size == 0:
            raise UnusableError("empty-file")
        try:
            image = Image.open(file, formats=FORMATS)
        except Exception as error:
            raise _why(error, otherwise="not-an-image") from error
        yield image


def _upright_pixels(image: Image.Image) -> Pixels:
    """Return the decoded image, turned as its EXIF says, shape (H, W, 1) if grey, else (H, W, 3)."""
    try:
        image.load()
    except Exception as error:
        raise _why(error, otherwise="truncated") from error
    _turn(image)
    try:
        upright = image.convert("L" if image.mode in GREY_MODES else "RGB")
    except ValueError as error:  # colours that Pillow cannot turn into RGB, such as LAB
        raise UnusableError("not-an-image", str(error)) from error
    pixels = np.asarray(upright)
    return pixels[:, :, np.newaxis] if pixels.ndim == 2 else pixels


def _turn(image: Image.Image) -> None:
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except (OSError, SyntaxError, ValueError, KeyError, TypeError):
        return  # damaged EXIF beside whole pixels: shown as stored, as every viewer does


def _why(error: Exception, *, otherwise: SkipReason) -> UnusableError:
    """Return what a failure means. Pillow's decoders raise whatever a damaged file makes them raise."""
    if isinstance(error, MemoryError):
        raise error
    if isinstance(error, UnidentifiedImageError):
        return UnusableError("not-an-image")
    if isinstance(error, Image.DecompressionBombError):
        return UnusableError("too-many-pixels", str(error))
    if isinstance(error, OSError) and error.errno is not None:
        return UnusableError("unreadable", error.strerror or str(error))
    return UnusableError(otherwise, str(error))


def _has_sixteen_bits(image: Image.Image) -> bool:
    """Whether a colour image is stored with more bits a channel than the 8 that Pillow will give."""
    for tile in getattr(image, "tile", []):
        arguments = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
        raw_mode = str(arguments[0])
        if ";16" in raw_mode and raw_mode.startswith(("RGB", "LA", "CMYK")):  # not BGR;16, a 5-6-5 bitmap
            return True
        if tile[0].startswith("ppm") and len(arguments) > 1 and arguments[1] > 255:
            return True
    return False


def resize(pixels: Pixels, shape: tuple[int, int]) -> Pixels:
    """Return the image (H, W, C) at `shape` (height, width), bilinear with antialiasing (Pillow's)."""
    height, width = shape
    if pixels.shape[:2] == shape:
        return pixels
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR)).reshape(height, width, -1)


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


def _common_shape(own_shapes: set[tuple[int, int]], size: int | None) -> tuple[int, int]:
    if size is not None:
        return size, size
    first = next(iter(own_shapes))
    return first if len(own_shapes) == 1 and max(first) <= LARGEST_OWN_SIDE else (DEFAULT_SIDE, DEFAULT_SIDE)
