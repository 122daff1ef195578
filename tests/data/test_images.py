from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sufficient.data.audit import image_digest
from sufficient.data.images import decode, resize, to_common_size
from sufficient.data.labelled import LargeImagesError, UnusableError
from sufficient.errors import DataError
from tests.data.pictures import image_of, noise, save


def read(path: Path, **options):
    return decode(str(path), name=path.name, **{"size": None, "largest_side": None, **options})


def reason(path: Path) -> str:
    with pytest.raises(UnusableError) as caught:
        read(path)
    return caught.value.reason


@pytest.mark.parametrize(
    ("mode", "suffix", "channels"),
    [
        ("1", "png", 1),
        ("1", "pbm", 1),
        ("L", "png", 1),
        ("L", "JPG", 1),
        ("L", "pgm", 1),
        ("LA", "png", 1),
        ("P", "png", 3),
        ("P", "gif", 3),
        ("RGB", "png", 3),
        ("RGB", "bmp", 3),
        ("RGB", "ppm", 3),
        ("RGB", "tga", 3),
        ("RGB", "jpeg", 3),
        ("RGB", "tiff", 3),
        ("RGB", "webp", 3),
        ("RGBA", "png", 3),
        ("RGBA", "webp", 3),
        ("CMYK", "jpg", 3),
        ("CMYK", "tif", 3),
        ("YCbCr", "jpg", 3),
    ],
)
def test_every_mode_becomes_grey_or_rgb_as_pillow_converts_it(tmp_path, mode, suffix, channels):
    original = image_of(noise(1)).convert(mode)
    path = save(tmp_path / f"picture.{suffix}", original)
    pixels = read(path).pixels
    with Image.open(path) as image:
        expected = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    assert pixels.dtype == np.uint8
    assert pixels.shape == (8, 8, channels)
    np.testing.assert_array_equal(pixels.squeeze(), expected)


@pytest.mark.parametrize(
    ("orientation", "turn"), [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_270)]
)
def test_exif_rotation_is_undone(tmp_path, orientation, turn):
    image = image_of(noise(3, height=6, width=10))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "turned.png", image, exif=exif)
    np.testing.assert_array_equal(read(path).pixels, np.asarray(image.transpose(turn)))


def test_of_several_frames_the_first_is_read(tmp_path):
    frames = [image_of(noise(seed)) for seed in (4, 5)]
    path = save(tmp_path / "pages.tif", frames[0], save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(read(path).pixels, noise(4))


@pytest.mark.parametrize("suffix", ["gif", "tif", "webp", "png", "apng"])
@pytest.mark.parametrize("mode", ["L", "P", "RGB"])
def test_further_frames_are_noticed_and_change_nothing(tmp_path, suffix, mode):
    frames = [image_of(noise(seed)).convert(mode) for seed in (4, 5)]
    more = {"save_all": True, "append_images": frames[1:]}
    several = read(save(tmp_path / f"several.{suffix}", frames[0], **more))
    single = read(save(tmp_path / f"single.{suffix}", frames[0]))
    assert (several.several_frames, single.several_frames) == (True, False)
    if suffix != "webp":  # lossy: an animation and a still are coded differently
        np.testing.assert_array_equal(several.pixels, single.pixels)


def test_damage_after_the_first_frame_of_a_gif_is_no_matter(tmp_path, monkeypatch):
    def fail(_):
        raise ValueError("damaged")

    path = save(tmp_path / "a.gif", image_of(noise(4)))
    monkeypatch.setattr("PIL.GifImagePlugin.GifImageFile.is_animated", property(fail))
    assert not read(path).several_frames


def test_a_phones_multi_picture_jpeg_is_a_jpeg(tmp_path):
    frames = [image_of(noise(seed)) for seed in (4, 5)]
    path = save(tmp_path / "phone.jpg", frames[0], format="MPO", save_all=True, append_images=frames[1:])
    plain = save(tmp_path / "plain.jpg", frames[0], format="JPEG")
    np.testing.assert_array_equal(read(path).pixels, read(plain).pixels)
    assert not read(path).several_frames


def test_empty_html_and_truncated_files_are_told_apart(tmp_path):
    whole = io.BytesIO()
    image_of(noise(6, height=64, width=64)).save(whole, "JPEG")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "page.jpg").write_text("<!DOCTYPE html><html><body>404</body></html>")
    (tmp_path / "cut.jpg").write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    (tmp_path / "cut_in_its_header.jpg").write_bytes(whole.getvalue()[:100])
    assert reason(tmp_path / "cut_in_its_header.jpg") == "truncated"
    assert reason(tmp_path / "empty.jpg") == "empty-file"
    assert reason(tmp_path / "page.jpg") == "not-an-image"
    assert reason(tmp_path / "cut.jpg") == "truncated"


def test_truncated_png_is_truncated(tmp_path):
    path = save(tmp_path / "cut.png", noise(7, height=64, width=64))
    path.write_bytes(path.read_bytes()[:5000])
    assert reason(path) == "truncated"


def test_postscript_is_no_image_whatever_its_suffix(tmp_path):
    path = save(tmp_path / "drawing.eps", noise(8))
    assert reason(path.rename(tmp_path / "drawing.png")) == "not-an-image"


def test_unreadable_file(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("sufficient.data.opening.open", refuse, raising=False)
    assert reason(tmp_path / "secret.png") == "unreadable"


def test_disk_error_while_decoding_is_unreadable_not_truncated(tmp_path, monkeypatch):
    def fail(_):
        raise OSError(5, "Input/output error")

    path = save(tmp_path / "a.png", noise(9))
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", fail)
    assert reason(path) == "unreadable"


@pytest.mark.parametrize("limit", [50, 10])  # 64 pixels: Pillow would warn, or raise
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")  # the pool silences it
def test_decompression_bomb(tmp_path, monkeypatch, limit):
    path = save(tmp_path / "bomb.png", noise(10))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    assert reason(path) == "too-many-pixels"


@pytest.mark.parametrize(
    ("array", "suffix"),
    [
        (np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000, "png"),
        (np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000, "tif"),
        (np.arange(64, dtype=np.int32).reshape(8, 8), "tif"),
        (np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8), "tif"),
    ],
)
def test_deep_pixels_stop_with_advice(tmp_path, array, suffix):
    path = save(tmp_path / f"deep.{suffix}", Image.fromarray(array))
    with pytest.raises(DataError, match=r"deep\.\w+ has pixels deeper than 8 bits.*range of your"):
        read(path)


def sixteen_bit_ppm(path: Path) -> Path:
    path.write_bytes(b"P6 8 8 65535\n" + np.arange(192, dtype=">u2").tobytes())
    return path


def sixteen_bit_png(path: Path) -> Path:
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + noise(row, height=1, width=16).tobytes() for row in range(8))
    header = struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    return path


@pytest.mark.parametrize("make", [sixteen_bit_png, sixteen_bit_ppm])
def test_colour_of_sixteen_bits_is_read_and_reported(tmp_path, make):
    decoded = read(make(tmp_path / f"deep{make.__name__[-4:].replace('_', '.')}.png"))
    assert decoded.pixels.shape == (8, 8, 3)
    assert decoded.reduced


def test_eight_bits_are_not_reported_as_reduced(tmp_path):
    assert not read(save(tmp_path / "a.png", noise(11))).reduced


def test_digest_depends_on_pixels_mode_and_shape_but_not_on_the_file(tmp_path):
    png = read(save(tmp_path / "a.png", noise(12)))
    assert png.digest == read(save(tmp_path / "a.bmp", noise(12))).digest
    assert png.digest != read(save(tmp_path / "b.png", noise(13))).digest
    flat = np.full((4, 16, 3), 7, dtype=np.uint8)
    wide, tall = save(tmp_path / "c.png", flat), save(tmp_path / "d.png", flat.reshape(16, 4, 3))
    grey = save(tmp_path / "e.png", flat[:, :, :1])
    assert len({read(path).digest for path in (wide, tall, grey)}) == 3


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "CMYK"])
def test_digest_is_taken_in_the_images_own_mode(tmp_path, mode):
    image = image_of(noise(18)).convert(mode)
    decoded = read(save(tmp_path / "a.tif", image))
    assert decoded.digest == image_digest(np.asarray(image), mode)
    assert not decoded.transparent


@pytest.mark.filterwarnings("ignore:Palette images with Transparency:UserWarning")  # the pool silences it
def test_palettes_count_in_the_digest_and_their_order_does_not(tmp_path):
    rows = np.arange(64, dtype=np.uint8).reshape(8, 8) % 4
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]], dtype=np.uint8)
    order = np.array([2, 0, 3, 1])

    def with_palette(indices: np.ndarray, palette: np.ndarray) -> Image.Image:
        image = Image.fromarray(indices).convert("P")
        image.putdata(indices.ravel().tolist())
        image.putpalette(palette.tobytes())
        return image

    plain = read(save(tmp_path / "a.png", with_palette(rows, colours)))
    other = read(save(tmp_path / "b.png", with_palette(rows, colours[::-1])))
    same = read(
        save(tmp_path / "c.gif", with_palette(np.argsort(order)[rows].astype(np.uint8), colours[order]))
    )
    flat = read(save(tmp_path / "d.png", colours[rows]))
    seen = read(save(tmp_path / "e.png", with_palette(rows, colours), transparency=2))
    unseen = read(save(tmp_path / "f.png", with_palette(rows, colours), transparency=200))
    assert plain.digest == same.digest == flat.digest == unseen.digest
    assert len({plain.digest, other.digest, seen.digest}) == 3
    assert [item.transparent for item in (plain, unseen, seen)] == [False, False, True]


@pytest.mark.parametrize(("channels", "colour"), [(1, 7), (3, (7, 7, 7))])
def test_a_transparent_colour_is_alpha_where_it_is_used(tmp_path, channels, colour):
    pixels = np.full((8, 8, channels), 9, dtype=np.uint8)
    unused = read(save(tmp_path / "a.png", pixels, transparency=colour))
    assert (unused.transparent, unused.digest) == (False, read(save(tmp_path / "b.png", pixels)).digest)
    pixels[2] = 7
    used = read(save(tmp_path / "c.png", pixels, transparency=colour))
    assert (used.transparent, used.digest != read(save(tmp_path / "d.png", pixels)).digest) == (True, True)
    np.testing.assert_array_equal(used.pixels, pixels)


def test_orientation_comes_before_the_digest(tmp_path):
    image = image_of(noise(3, height=6, width=10, channels=4))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = read(save(tmp_path / "turned.png", image, exif=exif))
    upright = read(save(tmp_path / "upright.png", image.transpose(Image.Transpose.ROTATE_270)))
    assert turned.digest == upright.digest


def test_large_images_shrink_at_once_and_small_ones_stay(tmp_path):
    large = save(tmp_path / "large.png", noise(14, height=100, width=80))
    small = save(tmp_path / "small.png", noise(15, height=64, width=20))
    assert read(large).pixels.shape == (32, 32, 3)
    assert read(large).largest_side == 100
    assert read(large, size=96).pixels.shape == (96, 96, 3)
    assert read(small).pixels.shape == (64, 20, 3)
    assert read(large).digest == read(large, size=96).digest


def test_limit_on_the_side_is_raised_before_decoding(tmp_path):
    path = save(tmp_path / "large.png", noise(16, height=65, width=10))
    path.write_bytes(path.read_bytes()[:200])  # the header is enough
    with pytest.raises(
        LargeImagesError, match=r"large\.png is 65 pixels.*google/vit.*--features pixels"
    ) as caught:
        read(path, largest_side=64)
    assert (caught.value.side, caught.value.limit) == (65, 64)


def test_resize_antialiases():
    stripes = np.zeros((64, 64, 1), dtype=np.uint8)
    stripes[:, ::2] = 200
    inner = resize(stripes, (8, 8))[:, 1:-1]
    assert np.abs(inner.astype(int) - 100).max() <= 3  # without antialiasing: 0 or 200


def test_resize_is_pillows_bilinear():
    pixels = noise(17, height=40, width=30)
    expected = np.asarray(Image.fromarray(pixels).resize((12, 16), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(resize(pixels, (16, 12)), expected)


def test_common_size_is_the_own_one_if_shared_else_32():
    same = [noise(seed, height=10, width=14) for seed in range(3)]
    assert to_common_size(same, None).shape == (3, 10, 14, 3)
    np.testing.assert_array_equal(to_common_size(same, None), np.stack(same))
    assert to_common_size([*same, noise(9)], None).shape == (4, 32, 32, 3)
    assert to_common_size(same, 5).shape == (3, 5, 5, 3)
    assert to_common_size(np.zeros((2, 65, 65, 1), np.uint8), None).shape == (2, 32, 32, 1)


def test_grey_stays_grey_only_if_all_are():
    grey, colour = noise(1, channels=1), noise(2)
    assert to_common_size([grey, grey], None).shape[3] == 1
    mixed = to_common_size([grey, colour], None)
    np.testing.assert_array_equal(mixed[0], np.repeat(grey, 3, axis=2))
    np.testing.assert_array_equal(mixed[1], colour)
