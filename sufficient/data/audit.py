"""Taking stock: which of the objects found are used, which are skipped, and why. One rule for all sources."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sufficient.data.labelled import Audit, Skipped
from sufficient.data.walk import brief
from sufficient.errors import DataError
from sufficient.notice import Notice
from sufficient.rounding import counted, some

SMALLEST_CLASS = 3  # objects: one to fit, one to validate on, one to hold out
NAMED_AT_MOST = 3  # examples in a message
CLASSES_NAMED_AT_MOST = 10
IDENTITY = 16  # bytes: among 10⁹ objects two agree by chance once in 10²⁰


@dataclass(frozen=True)
class Stock:
    """The objects that are used, and the account of all that were found."""

    kept: NDArray[np.int64]  # (used,) indices into the objects as read, ascending
    labels: NDArray[np.int64]  # (used,) indices into `classes`
    classes: tuple[str, ...]  # those with objects left, in the order given
    audit: Audit
    twins: NDArray[np.int64] | None = None  # (used,) equal numbers: identical images under several labels


def take_stock(
    spec: str,
    labels: NDArray[np.int64],
    *,
    classes: tuple[str, ...],
    name_of: Callable[[int], str],
    digests: list[bytes] | None,
    skipped: Iterable[Skipped] = (),
    notices: Iterable[Notice] = (),
) -> Stock:
    """Return the objects to use, in the order read, and the audit.

    Exact duplicates (same digest, same label) are skipped but for the first; `digests` None: feature rows,
    never deduplicated. Then classes of fewer than 3 objects are skipped, and classes without objects dropped.
    Raises DataError when fewer than 2 classes are left.
    """
    left_out, remarks = list(skipped), list(notices)
    keep = np.ones(len(labels), dtype=bool)
    conflicts: list[list[int]] = []
    if digests is not None:
        repeats, conflicts = _same_pixels(digests, labels)
        keep[[index for index, _ in repeats]] = False
        left_out += [
            Skipped(name_of(index), "duplicate", f"same pixels as {name_of(first)}")
            for index, first in repeats
        ]

    counts = np.bincount(labels[keep], minlength=len(classes))
    small = counts < SMALLEST_CLASS
    too_small = np.flatnonzero(keep & small[labels])
    keep[too_small] = False
    left_out += [
        Skipped(name_of(int(index)), "class-too-small", f"class {classes[labels[index]]}")
        for index in too_small
    ]
    remarks += _small_class_notice(classes, counts)
    kept_groups = ([index for index in group if keep[index]] for group in conflicts)
    conflicts = [group for group in kept_groups if len(group) > 1]
    remarks += conflict_notice(conflicts, name_of)
    remaining = np.flatnonzero(~small)
    if len(remaining) < 2:
        raise _too_few_classes(spec, classes, counts, left_out, remarks)

    kept = np.flatnonzero(keep)
    names = tuple(classes[index] for index in remaining)
    audit = Audit(
        found=len(kept) + len(left_out),
        used=len(kept),
        skipped=tuple(left_out),
        class_counts={name: int(counts[index]) for name, index in zip(names, remaining, strict=True)},
        notices=tuple(remarks),
    )
    return Stock(
        kept=kept,
        labels=np.searchsorted(remaining, labels[kept]).astype(np.int64),
        classes=names,
        audit=audit,
        twins=_twins(kept, conflicts),
    )


def fingerprint(parts: Iterable[bytes], stock: Stock, *, groups: NDArray[np.int64] | None = None) -> str:
    """Return the SHA-256 (hex) of the used objects (`parts`, in order), their labels, classes and groups."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    digest.update(stock.labels.astype("<i8").tobytes())
    digest.update("\0".join(stock.classes).encode())
    digest.update(groups_part(groups))
    return digest.hexdigest()


def groups_part(groups: NDArray[np.int64] | None) -> bytes:
    """Return what a fingerprint takes in of groups, whatever they are called; nothing without any."""
    if groups is None:
        return b""
    return b"\0groups" + np.unique(groups, return_inverse=True)[1].astype("<i8").tobytes()


def identities(parts: Iterable[bytes]) -> NDArray[np.uint8]:
    """Return by what objects are known again when the data has grown: SHA-256, cut, shape (N, 16)."""
    found = b"".join(hashlib.sha256(part).digest()[:IDENTITY] for part in parts)
    return np.frombuffer(found, dtype=np.uint8).reshape(-1, IDENTITY)


def image_digest(pixels: NDArray[np.uint8] | NDArray[np.bool_], mode: str) -> bytes:
    """Return the SHA-256 of a decoded image: of its mode (Pillow's name), its height and width, its bytes."""
    height, width = pixels.shape[:2]
    digest = hashlib.sha256(f"{mode} {height} {width} ".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.digest()


def _same_pixels(
    digests: list[bytes], labels: NDArray[np.int64]
) -> tuple[list[tuple[int, int]], list[list[int]]]:
    """Return repeats as (index, first index) and, for images under several labels, the indices kept."""
    first_seen: dict[bytes, dict[int, int]] = {}  # digest → label → first index
    repeats = []
    for index, (digest, label) in enumerate(zip(digests, labels.tolist(), strict=True)):
        first = first_seen.setdefault(digest, {}).setdefault(label, index)
        if first != index:
            repeats.append((index, first))
    return repeats, [list(firsts.values()) for firsts in first_seen.values() if len(firsts) > 1]


def _twins(kept: NDArray[np.int64], conflicts: list[list[int]]) -> NDArray[np.int64] | None:
    """Return for each kept object its own number, but the first one's for those identical to it."""
    if not conflicts:
        return None
    twins = np.arange(len(kept), dtype=np.int64)
    for group in conflicts:
        places = np.searchsorted(kept, group)
        twins[places] = places[0]
    return twins


def conflict_notice(conflicts: list[list[int]], name_of: Callable[[int], str]) -> list[Notice]:
    """Return what to say of images that are kept under several labels; nothing of none."""
    if not conflicts:
        return []
    named = some(
        (" = ".join(map(name_of, group)) for group in conflicts),
        NAMED_AT_MOST,
        between="; ",
    )
    message = f"kept, though under more than one label: {counted(len(conflicts), 'image')} ({named})."
    return [Notice("CONFLICTING-LABELS", message)]


def _small_class_notice(classes: tuple[str, ...], counts: NDArray[np.int64]) -> list[Notice]:
    small = [(classes[i], int(n)) for i, n in enumerate(counts) if 0 < n < SMALLEST_CLASS]
    if not small:
        return []
    named = some((f"{brief(name)} ({count})" for name, count in small), CLASSES_NAMED_AT_MOST)
    what, verb = counted(len(small), "class", "classes"), "is" if len(small) == 1 else "are"
    message = f"{what} of fewer than {SMALLEST_CLASS} objects {verb} skipped: {named}."
    return [Notice("CLASS-TOO-SMALL", message)]


def _too_few_classes(
    spec: str,
    classes: tuple[str, ...],
    counts: NDArray[np.int64],
    skipped: list[Skipped],
    remarks: list[Notice],
) -> DataError:
    large = [f"{brief(classes[i])} ({n:,})" for i, n in enumerate(counts) if n >= SMALLEST_CLASS]
    named = f" ({some(large, CLASSES_NAMED_AT_MOST)})" if large else ""
    reasons = Counter(item.reason for item in skipped).most_common()
    left_out = ", ".join(f"{count:,} {reason}" for reason, count in reasons)
    also = f"; skipped: {left_out}" if left_out else ""
    why = "".join(f" ({remark.message.rstrip('.')})" for remark in remarks)
    held = counted(len(large), "class", "classes")
    return DataError(
        f"{spec} holds {held} of at least {SMALLEST_CLASS} usable objects{named}{also}{why}. "
        "At least 2 such classes are needed: add objects of another class "
        "(in a folder: one folder for each class, its images inside)."
    )
