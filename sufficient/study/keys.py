"""Randomness keyed by what it is for, never by when it runs: resume and reordering change nothing."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def key(purpose: str, *parts: int) -> int:
    """Return a 63-bit seed for one purpose and its coordinates, e.g. `key("batches", seed, replicate, k)`."""
    text = ":".join([purpose, *map(str, parts)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def numpy_generator(purpose: str, *parts: int) -> np.random.Generator:
    """Return numpy's generator for the key."""
    return np.random.default_rng(key(purpose, *parts))


def torch_generator(purpose: str, *parts: int) -> torch.Generator:
    """Return torch's CPU generator for the key: the same numbers whatever the device."""
    import torch

    return torch.Generator().manual_seed(key(purpose, *parts))
