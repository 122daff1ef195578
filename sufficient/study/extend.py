"""A record for data that has grown: what is stored stays in its share and order, what is new comes after.

A stage rests on a prefix of each replicate's fit pool, its validation objects and the first of its held-out
ones. None of these is changed by objects that are appended, so that every stage stays as valid as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sufficient.notice import Notice
from sufficient.rounding import counted
from sufficient.study.found import CannotExtendError, Found, newcomers, stored_places
from sufficient.study.groups import deal, few_groups, united
from sufficient.study.growth import new_shares
from sufficient.study.options import StudyOptions
from sufficient.study.record import Last, Record, Stage
from sufficient.study.schedule import REPLACED_WITHIN, sizes_grown, sizes_up_to
from sufficient.study.shares import (
    AnyShares,
    CommonShares,
    ExtendedShares,
    Index,
    Shares,
    interleaved_order,
)

OF_THE_STUDY = ("RARE-CLASS", "COMMON-SHARES", "RESUMED-ELSEWHERE")  # notices that still hold
FIT, VALIDATION, HELD_OUT = 0, 1, 2


@dataclass(frozen=True)
class Division:
    """Places in the data, share by share: those stored first, in their order, then those appended."""

    fit: Index
    validation: Index
    held_out: Index
    stored: tuple[int, int, int]  # how many of the fit, validation and held-out ones were there before
    copies: Index  # new images identical to another one, under another label: not used


def extended(earlier: Record, found: Found, options: StudyOptions) -> tuple[Record, Index]:
    """Return the record with all objects and the stages that are there, and which objects are not used.

    Features and labels follow in the order of `record.objects`. Not used are new images identical to another
    one under another label: they would lie on two sides of a split. Raises CannotExtendError when stored
    objects are gone or carry another label, and for classes that the run does not know.
    """
    if isinstance(earlier.shares, CommonShares):
        division = divided(earlier, found, options)
        objects = np.concatenate([division.held_out, division.validation, division.fit])
        shares: AnyShares = extended_shares(earlier, division)
        was = was_of(division, objects)
        grown = carried(earlier, found, options, objects=objects, was=was, shares=shares)
        return grown, division.copies
    places = stored_places(earlier, found)
    new, copies = newcomers(places, found)
    objects = np.concatenate([places, new])
    was = np.where(np.arange(len(objects)) < len(places), np.arange(len(objects)), -1)
    shares = _rotating(earlier.shares, found.labels[new], options)
    return carried(earlier, found, options, objects=objects, was=was, shares=shares), copies


def _wanted(shares: AnyShares, used: int, options: StudyOptions, *, growing: bool = False) -> tuple[int, int]:
    """Return how many new objects are validated on and held out."""
    validation, held_out = new_shares(
        shares, np.array(used), held_out=options.held_out, validation=options.validation, growing=growing
    )
    return int(validation), int(held_out)


def _rotating(
    shares: Shares | ExtendedShares, labels: NDArray[np.int64], options: StudyOptions
) -> Shares | ExtendedShares:
    """Return the shares with a round of new objects, numbered after those stored, of these labels."""
    count = len(labels)
    if not count:
        return shares
    validation, held_out = _wanted(shares, shares.used + count, options)
    held_out = min(held_out, count)
    validation = min(validation, count - held_out)
    rounds = shares.rounds if isinstance(shares, ExtendedShares) else (shares,)
    order = shares.used + interleaved_order(labels, options.seed, extension=len(rounds))
    fit = count - validation - held_out
    return ExtendedShares((*rounds, Shares(order, shares.replicates, fit, validation, held_out)))


def divided(earlier: Record, found: Found, options: StudyOptions, *, growing: bool = False) -> Division:
    """Return what common shares become; new objects of a stored group go to its share.

    `growing`: objects that the run had not read count as new. Raises CannotExtendError as `extended` does,
    and for groups that join objects of two shares.
    """
    shares = earlier.shares
    assert isinstance(shares, CommonShares)
    places = stored_places(earlier, found)
    new, copies = newcomers(places, found)
    validation, held_out = _wanted(shares, len(places) + len(new), options, growing=growing)
    of_stored = np.repeat(
        [HELD_OUT, VALIDATION, FIT], [shares.held_out, shares.validation, len(places) - shares.first_fitted]
    )
    together = _together(earlier, found, np.concatenate([places, new]))
    order, share = _dealt(
        found.labels[new],
        None if together is None else (together[len(places) :], together[: len(places)], of_stored),
        (validation, held_out),
        seed=options.seed,
        extension=len(shares.settled) + 1,
    )
    fit, checks, held = (
        np.concatenate([places[of_stored == number], new[order[share == number]]])
        for number in (FIT, VALIDATION, HELD_OUT)
    )
    stored = (len(places) - shares.first_fitted, shares.validation, shares.held_out)
    return Division(fit, checks, held, stored=stored, copies=copies)


def _together(earlier: Record, found: Found, objects: Index) -> Index | None:
    """Return numbers that are equal where these objects must stay on one side, where the run has any."""
    if earlier.groups is None:
        return None
    groups = None if found.groups is None else found.groups[objects]
    return united(groups, None if found.twins is None else found.twins[objects])


def _dealt(
    labels: NDArray[np.int64],
    groups: tuple[Index, Index, Index] | None,  # of the new, of the stored, shares of the stored
    wanted: tuple[int, int],  # to validate on, to hold out
    *,
    seed: int,
    extension: int,
) -> tuple[Index, Index]:
    """Return an order of the new objects, classes interleaved, and the share of each in that order."""
    order = interleaved_order(labels, seed, None if groups is None else groups[0], extension=extension)
    if groups is None:
        share = np.full(len(order), FIT, dtype=np.int64)
        held_out = min(wanted[1], len(order))
        validation = min(wanted[0], len(order) - held_out)
        share[len(order) - held_out - validation :] = VALIDATION
        share[len(order) - held_out :] = HELD_OUT
        return order, share
    share_of = _share_of_groups(groups[1], groups[2])
    group = groups[0][order]
    share = np.array([share_of.get(number, -1) for number in group.tolist()], dtype=np.int64)
    free = np.flatnonzero(share < 0)
    starts = np.flatnonzero(np.diff(group[free], prepend=-1))
    widths = np.diff(starts, append=len(free))
    of_group = np.full(len(starts), FIT, dtype=np.int64)
    for number, count in ((HELD_OUT, wanted[1]), (VALIDATION, wanted[0])):
        lacking = count - int((share == number).sum())
        if lacking > 0:
            deal(of_group, widths, number, lacking)
    share[free] = np.repeat(of_group, widths)
    return order, share


def _share_of_groups(groups: Index, shares: Index) -> dict[int, int]:
    share_of: dict[int, int] = {}
    for group, share in zip(groups.tolist(), shares.tolist(), strict=True):
        if share_of.setdefault(group, share) != share:
            raise CannotExtendError(
                "a group of the data now joins objects that the run has on two sides of a split; group as "
                "before, or run anew without --extend."
            )
    return share_of


def extended_shares(earlier: Record, division: Division) -> CommonShares:
    """Return common shares of all that is divided; sizes run keep their window."""
    shares = earlier.shares
    assert isinstance(shares, CommonShares)
    return CommonShares(
        shares.replicates,
        len(division.fit),
        len(division.validation),
        len(division.held_out),
        settled=(*shares.settled, (earlier.stages[-1].size, shares.pool)),
    )


def was_of(division: Division, objects: Index) -> Index:
    """Return the number in the earlier record of each of these objects of the data; −1: it is new."""
    fit, validation, held_out = division.stored
    stored = np.concatenate(
        [division.held_out[:held_out], division.validation[:validation], division.fit[:fit]]
    )
    places = [*division.held_out, *division.validation, *division.fit]
    number = np.full(max(places) + 1, -1, dtype=np.int64)
    number[stored] = np.arange(len(stored))
    return number[objects]


def carried(
    earlier: Record, found: Found, options: StudyOptions, *, objects: Index, was: Index, shares: AnyShares
) -> Record:
    """Return the earlier record over these objects of the data, its stages kept and the next sizes planned.

    `was`: their numbers in the earlier record, −1 for new ones.
    """
    assert found.identities is not None
    stages = kept_stages(earlier, options)
    grown = replace(
        earlier,
        shares=shares,
        labels=found.labels[objects],
        identities=found.identities[objects],
        groups=_together(earlier, found, objects),
        objects=objects,
        stages=stages,
        last=None if earlier.last is None else renumbered(earlier.last, was),
        sizes=planned(stages, shares, options),
        notices=tuple(notice for notice in earlier.notices if notice.code in OF_THE_STUDY),
    )
    few: tuple[Notice, ...] = ()
    if grown.groups is not None:
        few = few_groups(len(np.unique(grown.groups[shares.held_out_objects(0)])))
    return replace(grown, notices=(*grown.notices, *few, said(earlier, grown)))


def kept_stages(earlier: Record, options: StudyOptions) -> tuple[Stage, ...]:
    """Return the stages that are re-used: all but a whole pool of then, within 10 % below a later stage."""
    kept: list[Stage] = []
    grid = sizes_up_to(earlier.stages[-1].size, start=options.start, growth=options.growth)[:-1]
    for stage in reversed(earlier.stages):
        if not kept or stage.size in grid or stage.size <= kept[-1].size * (1 - REPLACED_WITHIN):
            kept.append(stage)
    return tuple(reversed(kept))


def planned(stages: tuple[Stage, ...], shares: AnyShares, options: StudyOptions) -> tuple[int, ...]:
    """Return the sizes run, and those beyond them up to the whole fit pool, the last one confirmed."""
    done = tuple(stage.size for stage in stages)
    last = min(shares.pool, options.max_samples or shares.pool)
    return done + sizes_grown(done, last, start=options.start, growth=options.growth)


def renumbered(last: Last, was: Index) -> Last:
    """Return it with the losses by today's numbers, NaN for objects that replicate 0 was not scored on."""
    known = (was >= 0) & (was < len(last.all_losses))
    losses = np.full(len(was), np.nan, dtype=np.float32)
    losses[known] = last.all_losses[was[known]]
    return replace(last, all_losses=losses)


def said(earlier: Record, grown: Record) -> Notice:
    """Return what the extension did, in a sentence."""
    now, before = grown.shares, earlier.shares
    count = len(grown.stages)
    return Notice(
        "EXTENDED",
        f"{now.all_objects - before.all_objects:,} objects came to {before.all_objects:,}: "
        f"{now.pool - before.pool:,} to fit, "
        f"{now.validation - before.validation:,} to validate on, {now.held_out - before.held_out:,} held "
        f"out; {counted(count, 'size')} up to k = {grown.stages[-1].size:,} taken from the earlier run.",
    )
