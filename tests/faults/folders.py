"""Folders of two classes with something wrong in them, and what is to come of each."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from tests.data.pictures import image_of, noise, save

EACH = 20  # images of each of two classes: enough for the three shares
PIXELS, MODEL = "pixels", "model"  # the two ways in which images are read


@dataclass(frozen=True)
class Fault:
    """A folder of two classes with something wrong in it, and what is to come of it."""

    name: str
    make: Callable[[Path], object]  # in the folder, which holds `cat` and `dog`, EACH images each
    skipped: dict[str, int] = field(default_factory=dict)  # reason → files
    pixels: dict[str, int] | None = None  # the same, where pixels alone are read otherwise
    codes: frozenset[str] = frozenset()  # of warnings
    options: tuple[str, ...] = ()
    fails: tuple[str, ...] = ()  # words of the sentence; the exit code is 3

    def expected(self, way: str) -> dict[str, int]:
        return self.pixels if way == PIXELS and self.pixels is not None else self.skipped


def put(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda root: (root / "cat" / name).write_bytes(content)


def jpeg(pixels: np.ndarray, path: Path, **options) -> None:
    save(path, image_of(pixels), **options)


def truncated(root: Path) -> None:
    path = save(root / "cat" / "cut.jpg", noise(5000, height=64, width=64))
    path.write_bytes(path.read_bytes()[:-600])


def header_cut(root: Path) -> None:
    path = save(root / "cat" / "cut.png", noise(5000))
    path.write_bytes(path.read_bytes()[:20])


def link(target: str) -> Callable[[Path], object]:
    return lambda root: (root / "cat" / "link.png").symlink_to(target)


def outside(root: Path) -> None:
    save(root.parent / "other" / "x.png", noise(5000))
    (root / "cat" / "link.png").symlink_to(root.parent / "other" / "x.png")
    (root / "dog" / "links").symlink_to(root.parent / "other")


def inside(root: Path) -> None:
    (root / "cat" / "link.png").symlink_to("0.png")


def listening(root: Path) -> None:
    os.mkfifo(root / "cat" / "pipe.png")
    here = Path.cwd()
    os.chdir(root / "cat")  # the name of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as end:
            end.bind("socket.png")
    finally:
        os.chdir(here)


def unreadable(root: Path) -> None:
    save(root / "cat" / "secret.png", noise(5000)).chmod(0)
    (root / "dog" / "locked").mkdir(mode=0)


def junk(root: Path) -> None:
    for name in (".DS_Store", "Thumbs.db", "cat/.hidden.png"):
        (root / name).write_bytes(b"x")
    (root / "__MACOSX").mkdir()
    (root / "cat" / ".ipynb_checkpoints").mkdir()
    (root / "notes.txt").write_text("x")
    save(root / "above.png", noise(5000))


def odd_names(root: Path) -> None:
    """Files and a class whose names would colour, move, run or break what shows them."""
    for number, name in enumerate(ODD):
        Path(os.fsdecode(os.fsencode(root / "cat") + b"/" + name + b".png")).write_bytes(b"no image")
        save(root / "cat" / f"plain{number}.png", noise(6000 + number))
    folder = os.fsdecode(os.fsencode(root) + b"/" + b"=[red]<script>\x1b[31m\n\xff")
    for number in range(EACH):
        save(Path(folder) / f"{number}.png", noise(7000 + number))


ODD = (
    b"\xff\xfe", b"line\nbreak", b"[bold red]", b"\x1b[31mred\x1b[0m", b"<script>alert(1)<",
    b"=1+1", b"@SUM(1)", b"\r", "right\u202eleft".encode(),
)  # fmt: skip


def bomb(root: Path) -> None:
    Image.new("L", (400, 400)).save(root / "cat" / "bomb.png")


def huge_header(root: Path) -> None:
    """A PNG of 100 bytes that says it is 50,000 × 50,000: beyond Pillow's own limit."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(50)))
    (root / "cat" / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + data + chunk(b"IEND", b""))


def moving(root: Path) -> None:
    frames = [image_of(noise(5000 + i)) for i in range(3)]
    frames[0].save(root / "cat" / "moving.gif", save_all=True, append_images=frames[1:])
    frames[0].save(root / "dog" / "pages.tif", save_all=True, append_images=frames[1:])


def copies(root: Path) -> None:
    shutil.copy(root / "cat" / "0.png", root / "cat" / "copy.png")
    shutil.copy(root / "cat" / "0.png", root / "cat" / "other.png")


def conflicting(root: Path) -> None:
    shutil.copy(root / "cat" / "0.png", root / "dog" / "copy.png")


def tiny_class(root: Path) -> None:
    for number in range(2):
        save(root / "emu" / f"{number}.png", noise(5000 + number))
    (root / "empty").mkdir()


def splits(root: Path) -> None:
    for split, first in (("train", 0), ("val", 1000), ("test", 2000)):
        for c, name in enumerate(("cat", "dog")):
            for number in range(10):
                save(root / split / name / f"{number}.png", noise(8000 + first + 100 * c + number))
    shutil.rmtree(root / "cat")
    shutil.rmtree(root / "dog")


def colours(root: Path) -> None:
    """Every way to store a colour that is read."""
    image = image_of(noise(5000, height=16, width=16))
    image.convert("CMYK").save(root / "cat" / "cmyk.jpg")
    image.convert("P").save(root / "cat" / "palette.gif")
    image.convert("L").save(root / "cat" / "GREY.PNG")
    image.convert("1").save(root / "cat" / "bits.bmp")
    image.save(root / "dog" / "webp.webp")
    image.save(root / "dog" / "ppm.ppm")
    turned = Image.Exif()
    turned[0x0112] = 6
    image.save(root / "dog" / "turned.jpg", exif=turned)


def transparent(root: Path) -> None:
    save(root / "cat" / "alpha.png", Image.fromarray(noise(5000, channels=4)))


def sixteen(root: Path) -> None:
    Image.fromarray(np.full((8, 8), 40_000, np.uint16)).save(root / "cat" / "deep.png")


def floating(root: Path) -> None:
    Image.fromarray(np.full((8, 8), 0.5, np.float32)).save(root / "cat" / "float.tif")


def one_class(root: Path) -> None:
    shutil.rmtree(root / "dog")


def emptied(root: Path) -> None:
    shutil.rmtree(root / "dog")
    shutil.rmtree(root / "cat")


def no_images(root: Path) -> None:
    emptied(root)
    (root / "cat").mkdir()
    (root / "cat" / "notes.txt").write_text("x")


def too_few(root: Path) -> None:
    for path in root.glob("*/1*.png"):
        path.unlink()
    for path in root.glob("*/[6-9].png"):
        path.unlink()


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n(x) run\n%%EOF\n"

FAULTS = [
    Fault("nothing-wrong", lambda root: None),
    Fault("truncated", truncated, {"truncated": 1}),
    Fault("header-cut", header_cut, {"truncated": 1}),
    Fault("empty-file", put("empty.jpg", b""), {"empty-file": 1}),
    Fault("html-as-jpg", put("page.jpg", b"<!doctype html><html>404</html>"), {"not-an-image": 1}),
    Fault("eps-as-jpg", put("drawing.jpg", EPS), {"not-an-image": 1}),
    Fault("eps", put("drawing.eps", EPS), {"unsupported-suffix": 1}),
    Fault("fifo-and-socket", listening, {"not-a-file": 2}),
    Fault("symlink-loop", lambda root: (root / "cat" / "again").symlink_to(".."), {"symlink-loop": 1}),
    Fault("symlink-to-itself", link("link.png"), {"symlink-loop": 1}),
    Fault("broken-symlink", link("nowhere.png"), {"unreadable": 1}),
    Fault("symlinks-out-of-the-root", outside, {"outside-root": 2}, codes=frozenset({"OUTSIDE-ROOT"})),
    Fault("symlink-inside", inside, {"duplicate": 1}),
    Fault("unreadable", unreadable, {"unreadable": 2}),
    Fault("junk", junk, {"hidden": 5, "unsupported-suffix": 1, "no-class": 1}),
    Fault("odd-names", odd_names, {"not-an-image": len(ODD)}),
    Fault("bomb-by-max-pixels", bomb, {"too-many-pixels": 1}, options=("--max-pixels", "100000")),
    Fault("bomb-by-default", huge_header, {"too-many-pixels": 1}),
    Fault("animated-and-multi-page", moving, codes=frozenset({"FIRST-FRAME"})),
    Fault("duplicates", copies, {"duplicate": 2}),
    Fault("twins-in-two-classes", conflicting, {"conflicting-copy": 1}, pixels={}),
    Fault(
        "twins-all-features",
        conflicting,
        codes=frozenset({"CONFLICTING-LABELS"}),
        options=("--all-features",),
    ),
    Fault("tiny-class", tiny_class, {"class-too-small": 2}, codes=frozenset({"CLASS-TOO-SMALL"})),
    Fault("splits-on-top", splits, {"held-back-split": 20}, codes=frozenset({"SPLIT-FOLDERS"})),
    Fault("every-colour", colours),
    Fault("transparent", transparent, codes=frozenset({"ALPHA-DROPPED"})),
    Fault("grey-of-16-bits", sixteen, fails=("deep.png", "deeper than 8 bits", "never clipped")),
    Fault("floating-point", floating, fails=("float.tif", "deeper than 8 bits")),
    Fault("one-class", one_class, fails=("At least 2 such classes", "cat (20)")),
    Fault("no-class-folders", emptied, fails=("holds no images in class folders",)),
    Fault("no-images", no_images, fails=("notes.txt", "unsupported-suffix")),
    Fault("too-few-objects", too_few, fails=("10 usable objects", "At these shares 12 objects are needed")),
]
