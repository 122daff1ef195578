"""Small pictures on disk for the tests of this room."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def noise(seed: int, *, height: int = 8, width: int = 8, channels: int = 3) -> np.ndarray:
    """Return a seeded random image (H, W, C) uint8; no two seeds give the same."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def image_of(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def save(path: Path, image: Image.Image | np.ndarray, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    (image_of(image) if isinstance(image, np.ndarray) else image).save(path, **options)
    return path


def save_classes(
    root: Path, *, each: int = 4, classes: tuple[str, ...] = ("cat", "dog"), **shape: int
) -> Path:
    """Fill `root` with class folders of distinct PNG files."""
    for c, name in enumerate(classes):
        for i in range(each):
            save(root / name / f"{i}.png", noise(1000 * c + i, **shape))
    return root


def set_back(path: Path, before: os.stat_result) -> None:
    """Give a file that was changed its former time of change; that of its inode moves on in ticks."""
    while True:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        if path.stat().st_ctime_ns != before.st_ctime_ns:
            return
