"""What every source of data gives: objects with labels, and the audit of how they were come by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sufficient.errors import DataError
from sufficient.notice import Notice

PAPER_MODEL = "google/vit-base-patch16-224"  # the pretrained mode of the paper

Progress = Callable[[int, int], None]  # (done, total) objects

SkipReason = Literal[
    "unreadable",  # the operating system would not give the bytes
    "empty-file",
    "not-an-image",  # the bytes are of no allowed image format
    "truncated",  # an image that does not decode to its end
    "too-many-pixels",  # a decompression bomb by Pillow's limit
    "not-a-file",  # FIFO, socket, device
    "unsupported-suffix",
    "hidden",  # .DS_Store, __MACOSX, .ipynb_checkpoints, ...
    "symlink-loop",
    "no-class",  # a file above the class folders
    "held-back-split",  # in a test/ folder on top
    "beside-splits",  # in a folder on top that is no split, where others are
    "duplicate",  # same decoded pixels, same label, seen before in path order
    "class-too-small",  # a class of fewer than 3 objects
]


@dataclass(frozen=True)
class Skipped:
    """One object that was found and not used."""

    name: str  # path relative to the root of the data, or "row 17"
    reason: SkipReason
    detail: str = ""


@dataclass(frozen=True)
class Audit:
    """The account of the objects: `found == used + len(skipped)`, always."""

    found: int
    used: int
    skipped: tuple[Skipped, ...]
    class_counts: dict[str, int]  # class → used objects
    notices: tuple[Notice, ...]  # CONFLICTING-LABELS, SPLIT-FOLDERS, ALPHA-DROPPED, ...

    def __post_init__(self) -> None:
        if self.found != self.used + len(self.skipped):
            raise AssertionError(f"found {self.found} != used {self.used} + skipped {len(self.skipped)}")

    @property
    def skipped_counts(self) -> dict[str, int]:
        """Reason → number of objects skipped for it, most frequent first."""
        return dict(Counter(item.reason for item in self.skipped).most_common())


@dataclass(frozen=True)
class LabelledData:
    """Objects ready to become features; `labels[i]` indexes `classes`."""

    spec: str  # as the user gave it
    kind: Literal["images", "features"]
    values: NDArray[np.uint8] | NDArray[np.float32]  # images (N, H, W, C), C in {1, 3}; features (N, d)
    labels: NDArray[np.int64]  # (N,)
    classes: tuple[str, ...]
    audit: Audit
    fingerprint: str  # SHA-256 of objects as decoded, labels and classes
    white: int = 255  # the largest pixel value; 16 for scikit-learn's digits
    largest_side: int | None = None  # pixels, of the images as found, before any resizing


class LargeImages(DataError):  # noqa: N818 - named for what was found, which callers catch
    """Images too large to be taken as raw pixels unless asked: read with `largest_side`, raised at the first.

    The whole sentence stands here because both the readers and the choice of features raise it.
    """

    def __init__(self, name: str, *, side: int, limit: int) -> None:
        super().__init__(
            f"{name} is {side} pixels on its longer side: images of more than {limit} go through a "
            f"pretrained model ({PAPER_MODEL}), which this version does not build yet; "
            "to study their raw pixels, resized to --size (default 32), add --features pixels."
        )
