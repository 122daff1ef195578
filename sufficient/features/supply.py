"""Images read and made into features as a study grows: what its shares are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from sufficient.data.audit import conflict_notice
from sufficient.data.images import reading_notices
from sufficient.data.labelled import ImageSet, Skipped, SkipReason
from sufficient.features.made import NOTHING, REDUCED, SEVERAL_FRAMES, TRANSPARENT, Made, joined
from sufficient.features.making import FeaturesProgress, Maker
from sufficient.notice import Notice

if TYPE_CHECKING:
    from sufficient.features.backbone import Backbone

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Supplied:
    """The objects that are read and usable so far, in reading order: held out, validation, fit pool."""

    objects: Index  # (n,) indices into the ImageSet; n = held_out + validation + pool
    values: NDArray[np.float32]  # (n, d)
    held_out: int
    validation: int
    pool: int  # objects of the fit pool
    exhausted: bool  # nothing of the fit pool is left unread
    twins: Index | None  # (n,) equal numbers: identical images kept under two labels; None: there are none
    skipped: tuple[Skipped, ...]  # at reading
    notices: tuple[Notice, ...]


class Supply:
    """Reads an ImageSet in a given order, no further than is asked for.

    Of identical files the first read is used. A later one of the same label is skipped as `duplicate`; one of
    another label is kept where both lie in one share, else skipped as `conflicting-copy`: identical images
    never lie on two sides of a split. Which are skipped depends on the order alone.
    """

    def __init__(
        self,
        images: ImageSet,
        backbone: Backbone,
        *,
        order: Index,  # (N,) the fit candidates, then the validation ones, then the held-out ones
        fit: int,
        validation: int,
        held_out: int,
        stored: tuple[int, int, int] = (
            0,
            0,
            0,
        ),  # of each, how many an earlier run has: read before all others
        device: torch.device,
        progress: FeaturesProgress | None = None,
    ) -> None:
        if not fit + validation + held_out == len(order) == len(images.labels):
            raise AssertionError(f"{fit} + {validation} + {held_out} shares of {len(order)} objects")
        self._images = images
        self._maker = Maker(images, backbone, device=device, progress=progress)
        self._candidates = order[:fit]
        self._first = {"held-out": order[fit + validation :], "validation": order[fit : fit + validation]}
        self._stored = stored
        self._stock = _Stock(images)
        self._asked = 0  # fit candidates, of which something came

    @property
    def unread(self) -> int:
        """Number of fit candidates that were not read so far."""
        return len(self._candidates) - self._asked

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """The objects that were read and skipped so far."""
        return tuple(self._stock.skipped)

    def until(self, pool: int) -> Supplied:
        """Return what is there once `pool` usable objects of the fit pool are read, or all of it.

        The first call also reads the held-out and validation shares, whole. Raises what `Maker.make` raises.
        """
        if self._first:
            fit, *others = self._stored
            first = {"held-out": others[1], "validation": others[0]}
            if any(self._stored):
                self._read({share: order[: first[share]] for share, order in self._first.items()}, wanted=fit)
            rest = {share: order[first[share] :] for share, order in self._first.items()}
            self._read(rest, wanted=pool - self._stock.counts["fit"])
            self._first = {}
        while (lacking := pool - self._stock.counts["fit"]) > 0 and self.unread:
            self._read({}, wanted=lacking)
        return self._stock.supplied(exhausted=not self.unread, notices=self._maker.notices)

    def _read(self, shares: dict[str, Index], *, wanted: int) -> None:
        """Read these shares and as many fit candidates as are wanted, in one pass."""
        candidates = self._candidates[self._asked : self._asked + max(wanted, 0)]
        shares = {**shares, "fit": candidates}
        made = self._maker.make(np.concatenate([*shares.values()]))
        self._asked += len(candidates)
        self._stock.take(made, shares)


class _Stock:
    """What is used of what was read, and why the rest is not."""

    def __init__(self, images: ImageSet) -> None:
        self._images = images
        self.skipped: list[Skipped] = []
        self.counts = {"held-out": 0, "validation": 0, "fit": 0}
        self._used = NOTHING  # in reading order; grows at its end alone once it was supplied
        self._new: list[tuple[str, Made]] = []  # what is not in it yet
        self._copies: dict[bytes, dict[int, int]] = {}  # digest → label → the object that is used
        self._share: dict[bytes, str] = {}  # digest → where its images lie

    def take(self, made: Made, shares: dict[str, Index]) -> None:
        """Use what came of the objects of each share, in their order."""
        place_of = {index: place for place, index in enumerate(made.objects.tolist())}
        for share, objects in shares.items():
            kept = []
            for index in objects.tolist():
                if index in made.skipped:
                    self._skip(index, *made.skipped[index])
                elif self._admitted(index, made.digests[place_of[index]].tobytes(), share):
                    kept.append(place_of[index])
            self.counts[share] += len(kept)
            self._new.append((share, _rows_of(made, kept)))

    def supplied(self, *, exhausted: bool, notices: Sequence[Notice]) -> Supplied:
        """Return everything that is used so far; `notices`: what else there is to say."""
        new, self._new = self._new, []
        parts = [part for share in self.counts for of, part in new if of == share]
        if any(len(part.objects) for part in parts):
            self._used = joined([self._used, *parts])
        used = self._used
        return Supplied(
            objects=used.objects,
            values=used.rows,
            held_out=self.counts["held-out"],
            validation=self.counts["validation"],
            pool=self.counts["fit"],
            exhausted=exhausted,
            twins=self._twins(used.objects),
            skipped=tuple(self.skipped),
            notices=(*self._remarks(used.marks), *notices),
        )

    def _admitted(self, index: int, digest: bytes, share: str) -> bool:
        """Return whether an object is used; else it is skipped as a copy of one that is."""
        if not any(digest):
            return True
        label, copies = int(self._images.labels[index]), self._copies.setdefault(digest, {})
        if label in copies:
            self._skip(index, "duplicate", f"same file as {self._images.name_of(copies[label])}")
        elif copies and self._share[digest] != share:
            other = self._images.name_of(next(iter(copies.values())))
            self._skip(index, "conflicting-copy", f"same file as {other}, of another label and share")
        else:
            copies[label], self._share[digest] = index, share
            return True
        return False

    def _skip(self, index: int, reason: SkipReason, detail: str) -> None:
        self.skipped.append(Skipped(self._images.name_of(index), reason, detail))

    def _conflicts(self) -> list[list[int]]:
        """Return the objects of each image that is kept under several labels."""
        return [list(copies.values()) for copies in self._copies.values() if len(copies) > 1]

    def _twins(self, objects: Index) -> Index | None:
        conflicts = self._conflicts()
        if not conflicts:
            return None
        place_of = {index: place for place, index in enumerate(objects.tolist())}
        twins = np.arange(len(objects), dtype=np.int64)
        for group in conflicts:
            places = [place_of[index] for index in group]
            twins[places] = min(places)
        return twins

    def _remarks(self, marks: NDArray[np.uint8]) -> list[Notice]:
        return [
            *reading_notices(
                reduced=int(np.count_nonzero(marks & REDUCED)),
                transparent=int(np.count_nonzero(marks & TRANSPARENT)),
                several_frames=int(np.count_nonzero(marks & SEVERAL_FRAMES)),
            ),
            *conflict_notice(self._conflicts(), self._images.name_of),
        ]


def _rows_of(made: Made, places: list[int]) -> Made:
    """Return what came at these places; not copied where that is all there is, in its order."""
    if places == list(range(len(made.objects))):
        return replace(made, skipped={})
    return Made(made.objects[places], made.rows[places], made.digests[places], made.marks[places])
