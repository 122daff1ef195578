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
from sufficient.data.stock import image_digest
from sufficient.errors import DataError
from sufficient.notice import Notice

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
ALPHA_MODES = ("LA", "RGBA")
SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"RIFF", b"II*\x00", b"MM\x00*")  # of cut files too
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
    digest: bytes  # of the image in its own mode, before any resizing
    largest_side: int  # pixels, before any resizing
    reduced: bool  # its file has 16 bits a channel, of which Pillow gives the upper 8
    transparent: bool  # not fully opaque
    several_frames: bool  # or pages, of which this is the first


def decode(path: str, *, name: str, size: int | None, largest_side: int | None) -> Decoded:
    """Return the first frame of the file at `path`, decoded to its end and upright.

    Grey stays one channel; palettes, CMYK and all else become RGB; alpha is dropped, as `convert("RGB")`
    does, and reported. The image is resized at once to `size` (None: to 32 if a side exceeds 64), so that
    memory stays small. Raises UnusableError (skip it), LargeImages (beyond `largest_side`) and DataError
    (16-bit, float).
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
        _load_upright(image)
        several_frames = _has_several_frames(image)
        own, pixels = _own_mode_and_pixels(image)
    native = max(pixels.shape[:2])
    if size is None and native > LARGEST_OWN_SIDE:
        size = DEFAULT_SIDE
    return Decoded(
        pixels=pixels if size is None else resize(pixels, (size, size)),
        digest=image_digest(np.asarray(own), own.mode),
        largest_side=native,
        reduced=reduced,
        transparent=_is_transparent(own),
        several_frames=several_frames,
    )


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
            file.seek(0)
            begun = file.read(8).startswith(SIGNATURES)  # cut before its header ends
            raise _why(error, otherwise="truncated" if begun else "not-an-image") from error
        yield image


def _load_upright(image: Image.Image) -> None:
    """Decode the image to its end and turn it as its EXIF says."""
    try:
        image.load()
    except Exception as error:
        raise _why(error, otherwise="truncated") from error
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except (OSError, SyntaxError, ValueError, KeyError, TypeError):
        return  # damaged EXIF beside whole pixels: shown as stored, as every viewer does


def _own_mode_and_pixels(image: Image.Image) -> tuple[Image.Image, Pixels]:
    """Return the image in the mode by which it is told from others, and as pixels (H, W, C), C in {1, 3}."""
    target = "L" if image.mode in GREY_MODES else "RGB"
    try:
        own = _own_mode(image)
        pixels = np.asarray(own if own.mode == target else image.convert(target))
    except ValueError as error:  # colours that Pillow cannot turn into RGB, such as LAB
        raise UnusableError("not-an-image", str(error)) from error
    return own, pixels[:, :, np.newaxis] if pixels.ndim == 2 else pixels


def _own_mode(image: Image.Image) -> Image.Image:
    """Return the image in its own mode; palettes looked up, and a transparent colour made alpha if used."""
    if image.mode in ALPHA_MODES:
        return image
    if image.has_transparency_data and _is_transparent(with_alpha := image.convert("RGBA")):
        return with_alpha
    return image.convert("RGB") if image.mode in ("P", "PA") else image


def _is_transparent(image: Image.Image) -> bool:
    return image.mode in ALPHA_MODES and image.getchannel("A").getextrema()[0] != 255


def _has_several_frames(image: Image.Image) -> bool:
    """Whether the file is an animation or has further pages; damage after the first frame is no matter."""
    if image.format == "MPO":  # a phone's JPEG: what follows is a preview or a depth map, not another frame
        return False
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # a GIF is read on to its second frame
        return False


def _why(error: Exception, *, otherwise: SkipReason) -> UnusableError:
    """Return what a failure means. Pillow's decoders raise whatever a damaged file makes them raise."""
    if isinstance(error, MemoryError):
        raise error
    if isinstance(error, UnidentifiedImageError):
        return UnusableError(otherwise)
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


def alpha_notice(transparent: int) -> list[Notice]:
    """Return what to say of so many images that are not fully opaque; nothing of none."""
    if not transparent:
        return []
    message = (
        f"the alpha of {transparent:,} image(s) is dropped: their transparent pixels count with the colour "
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


def _common_shape(own_shapes: set[tuple[int, int]], size: int | None) -> tuple[int, int]:
    if size is not None:
        return size, size
    first = next(iter(own_shapes))
    return first if len(own_shapes) == 1 and max(first) <= LARGEST_OWN_SIDE else (DEFAULT_SIDE, DEFAULT_SIDE)
