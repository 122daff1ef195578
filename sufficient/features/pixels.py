"""Pixels as features: the paper's direct mode."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sufficient.data.images import Pixels


def scaled_pixels(images: Pixels, *, white: int) -> NDArray[np.float32]:
    """Return x / (white / 2) − 1 in [−1, 1], shape (N, C·H·W), channels first.

    `images`: (N, H, W, C), values 0 to `white`. Equal to torchvision's ToTensor and Normalize(0.5, 0.5).
    """
    rows = images.transpose(0, 3, 1, 2).reshape(len(images), -1).astype(np.float32)
    rows /= np.float32(white / 2)
    rows -= np.float32(1)
    return rows
