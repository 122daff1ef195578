"""A pretrained model's features of images: made as the sizes grow, or all of them first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sufficient.data.audit import take_stock
from sufficient.data.feature_remarks import feature_remarks
from sufficient.data.folder import unreadable_classes
from sufficient.data.labelled import Audit, ImageSet, Skipped
from sufficient.data.walk import brief
from sufficient.errors import DataError
from sufficient.extending import require_same, without
from sufficient.features.backbone import Backbone
from sufficient.features.choose import Features
from sufficient.features.supply import Supplied, Supply
from sufficient.heads.learner import Heads
from sufficient.options import RunOptions
from sufficient.progress import Progress
from sufficient.study.extend import carried, divided, extended, extended_shares, was_of
from sufficient.study.found import CannotExtendError, Found, stored_places
from sufficient.study.groups import plan_common
from sufficient.study.record import Record
from sufficient.study.run import at_once, new_record
from sufficient.study.shares import WINDOW, CommonShares
from sufficient.taken import Intake, described, heads_over, identified, ordered, with_account

if TYPE_CHECKING:
    import torch


OF_ALL_ROWS = {"CONSTANT-FEATURES", "DUPLICATE-COLUMNS"}  # may cease to hold as rows come


@dataclass(frozen=True)
class ByModel:
    """A pretrained model's features of a set of images, and how to say so."""

    options: RunOptions
    images: ImageSet
    network: Backbone
    reason: str  # why this network
    device: torch.device
    progress: Progress
    earlier: Record | None

    @property
    def found(self) -> Found:
        """The images as an extension finds them: copies show only when they are read."""
        images = self.images
        return Found(images.labels, images.classes, images.identities, groups=images.groups)

    def supply(
        self,
        order: Any,
        *,
        fit: int,
        validation: int,
        held_out: int,
        stored: tuple[int, int, int] = (0, 0, 0),
    ) -> Supply:
        """Return the reader of the images in this order."""
        return Supply(
            self.images,
            self.network,
            order=order,
            fit=fit,
            validation=validation,
            held_out=held_out,
            stored=stored,
            device=self.device,
            progress=self.progress.features_progress,
        )

    def chosen(self, supplied: Supplied) -> Features:
        """Return the features as read so far."""
        made = f"{supplied.values.shape[1]:,} numbers an image ({self.reason})"
        return Features(
            supplied.values,
            self.images.labels[supplied.objects],
            self.network.name,
            "standard" if self.options.scale == "standard" else "none",
            f"{self.network.note.removesuffix('.')}, {made}.",
            made_by_model=True,
        )

    def account(self, record: Record, supplied: Supplied) -> Record:
        """Return the record with what was found, used, skipped and not read so far."""
        audit = _audit(self.images, supplied)
        now = (*supplied.notices, *feature_remarks(supplied.values))
        newer = OF_ALL_ROWS | {notice.code for notice in now}  # than what was said of fewer objects
        older = (
            notice
            for notice in record.notices
            if notice.code not in newer and not notice.code.startswith("CACHE-")  # of a process that ended
        )
        notices = (*older, *now)
        fingerprint = f"{self.images.fingerprint}-{self.images.labels_fingerprint}"
        groups = None if self.images.groups is None else self.images.groups[supplied.objects]
        record = replace(record, notices=notices)
        return with_account(record, self.options, audit, fingerprint, groups=groups)


def made_as_sizes_grow(made: ByModel) -> Intake:
    """Return the way of images that are read as sizes need them."""
    options, images = made.options, made.images
    if made.earlier is not None:
        return _grown_further(made, made.earlier)
    plan = plan_common(images.labels, images.groups, options.study, growing=True)
    order, fit, validation, held_out = plan
    planned = new_record(
        images.labels, images.classes, options.study, groups=images.groups, growing=True, plan=plan
    )
    planned = replace(planned, notices=(*images.notices, *made.network.notices, *planned.notices))
    supply = made.supply(order, fit=fit, validation=validation, held_out=held_out)
    growth = _Growth(made, supply)
    grown, heads = growth(planned, planned.sizes[0])
    begun = described(grown, growth.chosen, heads, options, made.device)
    return Intake(begun, growth, growth.skipped)


def _grown_further(made: ByModel, earlier: Record) -> Intake:
    """Return the way of images that came to a run: what it has read comes first in each share."""
    options, found = made.options, made.found
    division = divided(earlier, found, options.study, growing=True)
    parts = (division.fit, division.validation, division.held_out)
    fit, validation, held_out = (len(part) for part in parts)
    supply = made.supply(
        np.concatenate(parts), fit=fit, validation=validation, held_out=held_out, stored=division.stored
    )
    growth = _Growth(made, supply)
    supplied = growth.read(max(WINDOW * earlier.stages[-1].size, division.stored[0]))
    shares = replace(
        extended_shares(earlier, division),
        k_available=supplied.pool,
        validation=supplied.validation,
        held_out=supplied.held_out,
        not_read=0 if supplied.exhausted else supply.unread,
    )
    was = was_of(division, supplied.objects)
    if np.count_nonzero(was >= 0) < len(earlier.labels):
        raise CannotExtendError(
            f"{len(earlier.labels) - np.count_nonzero(was >= 0):,} of the {len(earlier.labels):,} images of "
            "the run can no longer be read as they were; put them back, or run anew without --extend."
        )
    record = carried(earlier, found, options.study, objects=supplied.objects, was=was, shares=shares)
    notices = (*made.images.notices, *made.network.notices, *record.notices)
    grown, heads = growth(replace(record, notices=notices), earlier.stages[-1].size)
    begun = described(grown, growth.chosen, heads, options, made.device)
    require_same(earlier, begun)
    return Intake(begun, growth, growth.skipped)


class _Growth:
    """Grows a record of common shares, and the heads with it."""

    def __init__(self, made: ByModel, supply: Supply) -> None:
        self._made, self._supply = made, supply
        self._heads: Heads | None = None
        self.chosen: Features  # as read so far

    def read(self, pool: int) -> Supplied:
        """Return what is there once `pool` fit objects are read."""
        return self._supply.until(pool)

    def skipped(self) -> tuple[Skipped, ...]:
        """Return what was listed or read and is not used."""
        return (*self._made.images.skipped, *self._supply.skipped)

    def __call__(self, record: Record, size: int) -> tuple[Record, Heads]:
        """Return the record and the heads with all objects that the size takes."""
        made, images = self._made, self._made.images
        supplied = self.read(WINDOW * size)
        if supplied.exhausted and not record.stages:
            self._made, record = _of_readable_classes(made, record, supplied)
            made, images = self._made, self._made.images
            _require_readable(images, supplied)
        assert isinstance(record.shares, CommonShares)
        shares = CommonShares(
            made.options.study.replicates,
            supplied.pool,
            supplied.validation,
            supplied.held_out,
            not_read=0 if supplied.exhausted else self._supply.unread,
            settled=record.shares.settled,
        )
        objects = supplied.objects
        grown = replace(
            record,
            shares=shares,
            labels=images.labels[objects],
            objects=objects,
            groups=None if images.groups is None else images.groups[objects],
            identities=None if images.identities is None else images.identities[objects],
        )
        if self._heads is None or len(self.chosen.labels) != len(objects):
            self.chosen = made.chosen(supplied)
            self._heads = heads_over(self.chosen, grown, made.options.study, made.device)
        return made.account(grown, supplied), self._heads


def all_made_first(made: ByModel) -> Intake:
    """Return the way of images that are all read before the first size."""
    options, images, earlier = made.options, made.images, made.earlier
    count = len(images.labels)
    order = np.arange(count)
    if earlier is not None:  # a copy that came never takes the place of the image that is stored
        places = stored_places(earlier, made.found)
        order = np.concatenate([places, np.setdiff1d(order, places)])
    supply = made.supply(order, fit=count, validation=0, held_out=0)
    supplied = supply.until(count)
    made, supplied = _of_large_classes(made, supplied)
    images = made.images
    chosen = made.chosen(supplied)
    groups = None if images.groups is None else images.groups[supplied.objects]
    identities = None if images.identities is None else images.identities[supplied.objects]
    copies = np.arange(0)
    if earlier is None:
        record = new_record(chosen.labels, images.classes, options.study, groups=groups, twins=supplied.twins)
        record = identified(record, identities)
    else:
        found = Found(chosen.labels, images.classes, identities, groups=groups, twins=supplied.twins)
        record, copies = extended(earlier, found, options.study)
    record = replace(record, notices=(*images.notices, *made.network.notices, *record.notices))
    used = without(supplied, copies, images.name_of)
    record = made.account(record, used)
    chosen = ordered(chosen, record)
    heads = heads_over(chosen, record, options.study, made.device)
    record = described(record, chosen, heads, options, made.device)
    if earlier is not None:
        require_same(earlier, record)
    skipped = (*images.skipped, *used.skipped)
    return Intake(record, at_once(heads), lambda: skipped)


def _of_large_classes(made: ByModel, supplied: Supplied) -> tuple[ByModel, Supplied]:
    """Return both without the classes of which fewer than 3 objects were usable, as of pixels.

    Raises DataError where fewer than 2 classes are left.
    """
    images, objects = made.images, supplied.objects
    stock = take_stock(
        images.spec,
        images.labels[objects],
        classes=images.classes,
        name_of=lambda place: images.name_of(int(objects[place])),
        digests=None,
        skipped=(*images.skipped, *supplied.skipped),
    )
    if stock.classes == images.classes:
        return made, supplied
    number = {name: label for label, name in enumerate(stock.classes)}
    renumbered = np.array([number.get(name, -1) for name in images.classes], dtype=np.int64)
    used = replace(
        supplied,
        objects=objects[stock.kept],
        values=supplied.values[stock.kept],
        twins=None if supplied.twins is None else supplied.twins[stock.kept],
        skipped=stock.audit.skipped[len(images.skipped) :],
        notices=(*supplied.notices, *stock.audit.notices),
    )
    images = replace(images, labels=renumbered[images.labels], classes=stock.classes)
    return replace(made, images=images), used


def _of_readable_classes(made: ByModel, record: Record, supplied: Supplied) -> tuple[ByModel, Record]:
    """Return both without the classes of which everything was read and nothing is usable, as of pixels.

    As they are where fewer than 2 classes would be left.
    """
    images = made.images
    usable = np.bincount(images.labels[supplied.objects], minlength=len(images.classes)) > 0
    if usable.all() or usable.sum() < 2:
        return made, record
    names = np.array(images.classes, dtype=object)
    number = np.where(usable, np.cumsum(usable) - 1, -1)  # -1: of no object that is used
    images = replace(images, labels=number[images.labels], classes=tuple(names[usable].tolist()))
    notices = (*record.notices, *unreadable_classes(names[~usable].tolist()))
    return replace(made, images=images), replace(record, classes=images.classes, notices=notices)


def _require_readable(images: ImageSet, supplied: Supplied) -> None:
    """Raise DataError for a class of which all was read and nothing that could be fitted is usable."""
    fit = supplied.objects[supplied.held_out + supplied.validation :]
    fitted = np.bincount(images.labels[fit], minlength=len(images.classes))
    reasons = {item.name: item.reason for item in supplied.skipped}
    for label in np.flatnonzero(fitted == 0).tolist():
        names = [images.name_of(int(index)) for index in np.flatnonzero(images.labels == label)]
        why = Counter(reasons[name] for name in names if name in reasons)
        if why:
            counts = ", ".join(f"{count:,} {reason}" for reason, count in why.most_common())
            raise DataError(
                f"class '{brief(images.classes[label])}' has nothing to be fitted on: of its "
                f"{len(names):,} objects {why.total():,} cannot be used ({counts}). Mend them "
                "or take the class out, or give --all-features, with which a class of fewer than 3 "
                "usable objects is skipped."
            )


def _audit(images: ImageSet, supplied: Supplied) -> Audit:
    used = len(supplied.objects)
    skipped = (*images.skipped, *supplied.skipped)
    counts = Counter(images.labels[supplied.objects].tolist())
    return Audit(
        found=images.found,
        used=used,
        skipped=skipped,
        class_counts={name: counts[label] for label, name in enumerate(images.classes)},
        notices=supplied.notices,
        not_read=images.found - used - len(skipped),
    )
