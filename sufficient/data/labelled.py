"""What every source of data gives: objects with labels, and the audit of how they were come by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from sufficient.errors import DataError
from sufficient.notice import Notice

PAPER_MODEL = "google/vit-base-patch16-224"  # the pretrained mode of the paper

SkipReason = Literal[
    "unreadable",  # the operating system would not give the bytes, or a link leads nowhere
    "empty-file",
    "not-an-image",  # the bytes are of no allowed image format
    "truncated",  # an image that does not decode to its end
    "too-many-pixels",  # a decompression bomb, by --max-pixels or Pillow's limit
    "not-a-file",  # FIFO, socket, device
    "unsupported-suffix",
    "hidden",  # .DS_Store, __MACOSX, .ipynb_checkpoints, ...
    "symlink-loop",
    "no-class",  # a file above the class folders
    "held-back-split",  # in a test/ folder on top
    "beside-splits",  # in a folder on top that is no split, where others are
    "outside-root",  # a link, or a path in a table, that leaves the folder of the data
    "vanished",  # gone between listing and reading
    "changed",  # of another size or time than when it was listed
    "not-in-table",  # a file without a row in the table of labels
    "label-missing",  # a row whose label is empty
    "no-file",  # a row whose file does not exist
    "duplicate",  # the same image, the same label, seen before
    "conflicting-copy",  # the same image under another label, which lies in another share
    "class-too-small",  # a class of fewer than 3 objects
]


class UnusableError(Exception):
    """An object that is skipped: the reason code and what the system or Pillow said."""

    def __init__(self, reason: SkipReason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason: SkipReason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Skipped:
    """One object that was found and not used."""

    name: str  # path relative to the root of the data, or "row 17"
    reason: SkipReason
    detail: str = ""


@dataclass(frozen=True)
class Audit:
    """The account of the objects: `found == used + len(skipped) + not_read`, always."""

    found: int
    used: int
    skipped: tuple[Skipped, ...]
    class_counts: dict[str, int]  # class → used objects
    notices: tuple[Notice, ...]  # CONFLICTING-LABELS, SPLIT-FOLDERS, ALPHA-DROPPED, ...
    not_read: int = 0  # objects that a study had no need of

    def __post_init__(self) -> None:
        if self.found != self.used + len(self.skipped) + self.not_read:
            raise AssertionError(
                f"found {self.found} != used {self.used} + skipped {len(self.skipped)} "
                f"+ not read {self.not_read}"
            )

    @property
    def skipped_counts(self) -> dict[str, int]:
        """Reason → number of objects skipped for it, most frequent first."""
        return dict(Counter(item.reason for item in self.skipped).most_common())

    def block(
        self, *, spec: str, fingerprint: str, held_out: int, validation: int, groups: int | None = None
    ) -> dict[str, Any]:
        """Return the account as a record keeps it and the result shows it, under `data`.

        `groups`: how many the used objects are of, where groups stay together.
        """
        counts = self.class_counts
        smallest = min(counts, key=lambda name: counts[name], default=None)
        return {
            "spec": spec,
            "fingerprint": fingerprint,
            "found": self.found,
            "used": self.used,
            "not_read": self.not_read,
            "held_out": held_out,
            "validation": validation,
            "groups": groups,
            "skipped": self.skipped_counts,
            "classes": len(counts),
            "smallest_class": None if smallest is None else {"name": smallest, "objects": counts[smallest]},
        }


@dataclass(frozen=True)
class LabelledData:
    """Objects ready to become features; `labels[i]` indexes `classes`."""

    spec: str  # as the user gave it
    kind: Literal["images", "features"]
    values: NDArray[np.uint8] | NDArray[np.float32]  # images (N, H, W, C), C in {1, 3}; features (N, d)
    labels: NDArray[np.int64]  # (N,)
    classes: tuple[str, ...]
    audit: Audit
    fingerprint: str  # SHA-256 of objects as decoded, labels, classes and groups
    white: int = 255  # the largest pixel value; 16 for scikit-learn's digits
    largest_side: int | None = None  # pixels, of the images as found, before any resizing
    groups: NDArray[np.int64] | None = None  # (N,) equal numbers stay on one side of every split
    twins: NDArray[np.int64] | None = None  # (N,) the same for identical images kept under two labels
    rows: NDArray[np.int64] | None = None  # (N,) the place of each among the objects as found
    identities: NDArray[np.uint8] | None = None  # (N, 16) of each object as decoded, its label left out


@dataclass(frozen=True)
class Opened:
    """One image as read for a pretrained model."""

    image: Image  # the first frame, upright, RGB
    digest: bytes | None  # equal for copies: SHA-256 of a file that another equals in size; None: no copy
    several_frames: bool  # or pages
    transparent: bool  # not fully opaque
    reduced: bool  # 16 bits a channel, of which Pillow gives the upper 8


class ImageReader(Protocol):
    """Reads one listed image; survives a fork into worker processes."""

    def read(self, index: int, *, draft: int | None = None) -> Opened:
        """Return the image, a JPEG decoded no larger than a model needs that resizes it to `draft` pixels.

        Raises UnusableError for an image to be skipped.
        """


@dataclass(frozen=True)
class ImageSet:
    """Labelled images, listed and not yet read: what a pretrained model's features are made from."""

    spec: str
    labels: NDArray[np.int64]  # (N,) indexes `classes`
    classes: tuple[str, ...]
    groups: NDArray[np.int64] | None  # (N,) equal numbers stay on one side of every split
    name_of: Callable[[int], str]  # printable path relative to the root of the data, or "row 17"
    found: int  # N + len(skipped)
    skipped: tuple[Skipped, ...]  # at listing
    notices: tuple[Notice, ...]
    fingerprint: str  # SHA-256 of names, sizes and times of the files, or of arrays' contents; no labels
    labels_fingerprint: str  # SHA-256 of labels, classes and groups
    reader: ImageReader
    identities: NDArray[np.uint8] | None = None  # (N, 16) of name, size and time; None: known once read
    cacheable: bool = True  # the fingerprint tells all apart, so that features can be kept by it


class LargeImagesError(DataError):
    """Images too large to be taken as raw pixels unless asked: read with `largest_side`, raised at the first.

    `--features auto` catches it and goes to the pretrained model; the sentence is for whoever does not.
    """

    def __init__(self, name: str, *, side: int, limit: int) -> None:
        super().__init__(
            f"{name} is {side} pixels on its longer side: images of more than {limit} are not taken as raw "
            f"pixels unless asked. Use the features of a pretrained model, --features {PAPER_MODEL}; "
            "or, for their raw pixels resized to --size (default 32), --features pixels."
        )
        self.side = side
        self.limit = limit
