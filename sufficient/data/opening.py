"""One image file opened and decoded, or the reason why not: what raw pixels and pretrained models share."""

from __future__ import annotations

import os
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from typing import BinaryIO, NamedTuple

from PIL import Image, ImageOps, UnidentifiedImageError

from sufficient.data.faults import unusable
from sufficient.data.labelled import SkipReason, UnusableError
from sufficient.errors import DataError

# Raster formats that Pillow decodes by itself. Not EPS, PDF and the like (they start other programs or
# render at a size of their choosing), nor JPEG 2000 and AVIF, whose deeper pixels Pillow cuts to 8 bits
# without a sign by which that could be reported.
FORMATS = ("BMP", "DIB", "GIF", "JPEG", "PNG", "PPM", "TGA", "TIFF", "WEBP")
SUFFIXES = (
    *(".bmp", ".dib", ".gif", ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".tif", ".tiff", ".webp"),
)
ALPHA_MODES = ("LA", "RGBA")
SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"RIFF", b"II*\x00", b"MM\x00*")  # of cut files too
EXPLICIT_RANGE = "Convert to 8 bits with a range of your choice, (x - low) / (high - low) * 255"


class Stamp(NamedTuple):
    """By what a change of a file is noticed."""

    size: int  # bytes
    time: int  # of its last change, nanoseconds
    mark: int  # of its inode and when that last changed, which `utime` cannot set back; 0 on Windows

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        """Return the stamp of a file by its status, links followed."""
        mark = hash((status.st_ino, status.st_ctime_ns)) if os.name == "posix" else 0
        return cls(status.st_size, status.st_mtime_ns, mark)


def open_file(path: str, *, listed: Stamp | None = None) -> BufferedReader:
    """Return the file at `path`, open. Raises UnusableError: gone, no file, empty, not as it was `listed`.

    ResourceError where too many files are open.
    """
    try:
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - the caller closes it
    except OSError as error:
        raise unusable(error) from error
    status = os.fstat(file.fileno())
    try:
        if not stat.S_ISREG(status.st_mode):  # a FIFO in its place would be waited for without end
            raise UnusableError("not-a-file")
        if listed is not None and listed != Stamp.of(status):
            raise UnusableError("changed", "its size or time is not as when it was listed")
        if status.st_size == 0:
            raise UnusableError("empty-file")
    except UnusableError:
        file.close()
        raise
    return file


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # `flags` has O_CLOEXEC, or O_BINARY, itself


def open_image(file: BinaryIO, *, name: str, max_pixels: int | None) -> Image.Image:
    """Return the image in `file`, its header read and no pixel decoded.

    Raises UnusableError (skip it), and DataError where its pixels have no known range (16-bit grey, float).
    """
    try:
        image = Image.open(file, formats=FORMATS)
    except Exception as error:
        file.seek(0)
        begun = file.read(8).startswith(SIGNATURES)  # cut before its header ends
        raise _why(error, otherwise="truncated" if begun else "not-an-image") from error
    limit = Image.MAX_IMAGE_PIXELS if max_pixels is None else max_pixels
    if image.width * image.height > (limit or float("inf")):
        raise UnusableError("too-many-pixels", f"{image.width}×{image.height}")
    if image.mode.startswith(("I", "F")):
        raise DataError(
            f"{name} has pixels deeper than 8 bits (Pillow's mode {image.mode}): their range is not "
            f"known, and they are never clipped in silence. {EXPLICIT_RANGE}, and save it again."
        )
    return image


def load_upright(image: Image.Image) -> None:
    """Decode the image to its end and turn it as its EXIF says. Raises UnusableError if it is cut."""
    try:
        image.load()
    except Exception as error:
        raise _why(error, otherwise="truncated") from error
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except (OSError, SyntaxError, ValueError, KeyError, TypeError):
        return  # damaged EXIF beside whole pixels: shown as stored, as every viewer does


def in_own_mode(image: Image.Image) -> Image.Image:
    """Return the image in its own mode; palettes looked up, and a transparent colour made alpha if used."""
    if image.mode in ALPHA_MODES:
        return image
    if image.has_transparency_data and is_transparent(with_alpha := converted(image, "RGBA")):
        return with_alpha
    return image.convert("RGB") if image.mode in ("P", "PA") else image


def converted(image: Image.Image, mode: str) -> Image.Image:
    """Return the image in another mode; "L", "RGB" drop alpha. Raises UnusableError where Pillow cannot."""
    try:
        return image if image.mode == mode else image.convert(mode)
    except ValueError as error:  # colours that Pillow cannot turn into RGB, such as LAB
        raise UnusableError("not-an-image", str(error)) from error


def is_transparent(image: Image.Image) -> bool:
    """Whether an image in its own mode is not fully opaque."""
    return image.mode in ALPHA_MODES and image.getchannel("A").getextrema()[0] != 255


def has_several_frames(image: Image.Image) -> bool:
    """Whether the file is an animation or has further pages; damage after the first frame is no matter."""
    if image.format == "MPO":  # a phone's JPEG: what follows is a preview or a depth map, not another frame
        return False
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # a GIF is read on to its second frame
        return False


def has_sixteen_bits(image: Image.Image) -> bool:
    """Whether a colour image is stored with more bits a channel than the 8 that Pillow will give."""
    for tile in getattr(image, "tile", []):
        arguments = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
        raw_mode = str(arguments[0])
        if ";16" in raw_mode and raw_mode.startswith(("RGB", "LA", "CMYK")):  # not BGR;16, a 5-6-5 bitmap
            return True
        if tile[0].startswith("ppm") and len(arguments) > 1 and arguments[1] > 255:
            return True
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
        return unusable(error)
    return UnusableError(otherwise, str(error))


class _Settings:
    """Pillow's process-wide settings while images are read, by however many threads."""

    lock = threading.Lock()
    users = 0
    limit: int | None = None  # pixels, as it was before the first of them
    silence = warnings.catch_warnings()


@contextmanager
def pillow_settings(max_pixels: int | None) -> Iterator[None]:
    """Silence Pillow's warnings of oddities of files (what matters is in the audit) and set its limit."""
    with _Settings.lock:
        if _Settings.users == 0:
            _Settings.limit = Image.MAX_IMAGE_PIXELS
            _Settings.silence = warnings.catch_warnings()
            _Settings.silence.__enter__()
            warnings.simplefilter("ignore")
        _Settings.users += 1
        if max_pixels is not None:
            Image.MAX_IMAGE_PIXELS = max_pixels
    try:
        yield
    finally:
        with _Settings.lock:
            _Settings.users -= 1
            if _Settings.users == 0:
                _Settings.silence.__exit__(None, None, None)
                Image.MAX_IMAGE_PIXELS = _Settings.limit
