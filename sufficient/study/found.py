"""The data as it is now, and where in it the objects of an earlier run are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sufficient.errors import UsageError
from sufficient.study.record import Record
from sufficient.study.shares import Index


class CannotExtendError(UsageError):
    """The run cannot go on with this data: its objects are not all there, or it has other classes."""


@dataclass(frozen=True)
class Found:
    """The data as it is now."""

    labels: NDArray[np.int64]  # (N,) indexes `classes`
    classes: tuple[str, ...]
    identities: NDArray[np.uint8] | None  # (N, 16)
    groups: Index | None = None  # (N,) equal numbers stay on one side of every split
    twins: Index | None = None  # (N,) equal numbers: identical images under several labels


def stored_places(earlier: Record, found: Found) -> Index:
    """Return where each of the run's objects is in the data, shape (used,). Raises CannotExtendError."""
    if earlier.identities is None:
        raise CannotExtendError(
            "the run keeps nothing to know its objects again by: it was made by an older version, or of "
            "images that are told apart only once they are read. Run anew without --extend."
        )
    if found.identities is None:
        raise CannotExtendError(
            "the objects of this data are told apart only once they are read, so that those of the run "
            "cannot be found among them: give files, a table or arrays, or run anew without --extend."
        )
    _require_classes(earlier.classes, found.classes)
    at: dict[tuple[bytes, int], list[int]] = defaultdict(list)
    for place in range(len(found.labels) - 1, -1, -1):
        at[found.identities[place].tobytes(), int(found.labels[place])].append(place)
    places = np.full(len(earlier.labels), -1, dtype=np.int64)
    for number, label in enumerate(earlier.labels.tolist()):
        if same := at.get((earlier.identities[number].tobytes(), label)):
            places[number] = same.pop()
    if (places < 0).any():
        raise _lost(earlier, found, np.flatnonzero(places < 0))
    return places


def _require_classes(before: tuple[str, ...], now: tuple[str, ...]) -> None:
    if new := [name for name in now if name not in before]:
        raise CannotExtendError(
            f"the data has {len(new)} class(es) that the run does not know, the first {new[0]!r}: its "
            "networks have no output for them. Run anew without --extend, or leave these classes out."
        )
    if gone := [name for name in before if name not in now]:
        raise CannotExtendError(
            f"{len(gone)} class(es) of the run are no longer in the data, the first {gone[0]!r}. Put their "
            "objects back, or run anew without --extend."
        )
    if before != now:
        raise CannotExtendError(
            "the classes come in another order than in the run; run anew without --extend."
        )


def _lost(earlier: Record, found: Found, numbers: Index) -> CannotExtendError:
    assert earlier.identities is not None
    assert found.identities is not None
    label_now = {row.tobytes(): int(label) for row, label in zip(found.identities, found.labels, strict=True)}
    first = int(numbers[0])
    name = earlier.classes[int(earlier.labels[first])]
    now = label_now.get(earlier.identities[first].tobytes())
    fate = "is no longer there as it was" if now is None else f"carries the label {found.classes[now]!r} now"
    relabelled = sum(earlier.identities[number].tobytes() in label_now for number in numbers.tolist())
    return CannotExtendError(
        f"{len(numbers):,} of the {len(earlier.labels):,} objects of the run are gone or changed, "
        f"{relabelled:,} of them relabelled; the first, number {first} of class {name!r}, {fate}. What was "
        "fitted on them holds no longer: put them back as they were, or run anew without --extend."
    )


def newcomers(places: Index, found: Found) -> tuple[Index, Index]:
    """Return which objects came to those stored, and which of those that came are copies, not to be used."""
    stored = np.zeros(len(found.labels), dtype=bool)
    stored[places] = True
    new = np.flatnonzero(~stored)
    if found.twins is None:
        return new, new[:0]
    seen, copies = set(found.twins[places].tolist()), []
    for place, twin in zip(new.tolist(), found.twins[new].tolist(), strict=True):
        if twin in seen:
            copies.append(place)
        seen.add(twin)
    return np.setdiff1d(new, copies), np.array(copies, dtype=np.int64)
