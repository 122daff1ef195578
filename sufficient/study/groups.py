"""Objects that must stay on one side of every split: groups (one patient, one video) and twins.

Twins are identical images kept under two labels. Both are given as numbers (N,): equal ones stay together.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sufficient.errors import DataError
from sufficient.notice import Notice
from sufficient.rounding import counted
from sufficient.study.options import StudyOptions
from sufficient.study.shares import Index, Shares, interleaved_order, share_sizes

# objects, where the shares are read before the first size. 4,000 held out leave C_k a standard error of 1.6 %
# (at a variance of C_k²), below the spread between replicates; 1,000 choose among checks that differ by more.
HELD_OUT_READ, VALIDATION_READ = 4_000, 1_000
LEAST_GROUPS = {1: 1, 2: 2}  # of validation, held out: the variance between groups needs two
ENOUGH_GROUPS = 10  # held out: with 20 the interval covered 94 % or more, with 8 92 %, with 6 but 77 %
LARGEST_SHARE = 2  # × the wanted size: a group that would make a share larger is fitted instead


def plan_common(
    labels: NDArray[np.int64], groups: Index | None, options: StudyOptions, *, growing: bool
) -> tuple[Index, int, int, int]:
    """Return (order, fit, validation, held_out) of shares that all replicates have in common.

    order (N,): candidates for the fit pool first, then for validation, then held out; the last three say how
    many of each. Classes are interleaved. Groups are dealt whole, from the end, until a share has its size;
    one that would more than double a share stays in the fit pool. `growing`: objects are read as sizes need
    them, so that the two shares are capped. Raises DataError where the groups do not make three shares.
    """
    order = interleaved_order(labels, options.seed, groups)
    _, validation, held_out = share_sizes(
        len(labels), held_out=options.held_out, validation=options.validation
    )
    if growing:
        validation, held_out = min(validation, VALIDATION_READ), min(held_out, HELD_OUT_READ)
    if groups is None:
        return order, len(labels) - validation - held_out, validation, held_out
    group = np.unique(groups[order], return_inverse=True)[1]
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    widths = np.diff(starts, append=len(order))
    share = np.zeros(len(starts), dtype=np.int64)  # of each group, in order: 0 fit, 1 validation, 2 held out
    for number, wanted in ((2, held_out), (1, validation)):
        if not deal(share, widths, number, wanted):
            raise _too_few_groups(widths, wanted)
    of = np.repeat(share, widths)
    order = order[np.argsort(of, kind="stable")]
    fit, validation, held_out = (int(count) for count in np.bincount(of, minlength=3))
    return order, fit, validation, held_out


def deal(share: Index, widths: Index, number: int, wanted: int) -> bool:
    """Give undealt groups to share `number`, last first, until it holds `wanted`; return whether it does."""
    held = count = 0
    for place in np.flatnonzero(share == 0)[::-1]:
        if held >= wanted and count >= LEAST_GROUPS[number]:
            break
        if held + widths[place] <= LARGEST_SHARE * wanted:
            share[place] = number
            held, count = held + int(widths[place]), count + 1
    return held >= wanted and count >= LEAST_GROUPS[number] and bool((share == 0).any())


def _too_few_groups(widths: Index, wanted: int) -> DataError:
    return DataError(
        f"{counted(len(widths), 'group')}, the largest of {widths.max():,} of {widths.sum():,} objects, "
        f"cannot be dealt whole into three shares, of which one takes {wanted:,} to "
        f"{LARGEST_SHARE * wanted:,} objects: they are too few, or larger than a share may be. "
        "Group by something of more and smaller groups, change --held-out or --validation, or "
        "collect more groups."
    )


def few_groups(held_out: int) -> tuple[Notice, ...]:
    """Return what to say where this many groups are held out."""
    if held_out >= ENOUGH_GROUPS:
        return ()
    held = f"{counted(held_out, 'group')} {'is' if held_out == 1 else 'are'} held out"
    message = (
        f"{held}, fewer than {ENOUGH_GROUPS}: the interval may be too narrow. "
        "Collect more groups, or raise --held-out."
    )
    return (Notice("FEW-GROUPS", message),)


def united(groups: Index | None, twins: Index | None) -> Index | None:
    """Return numbers that are equal where objects are joined by a chain of groups and twins, shape (N,)."""
    if groups is None or twins is None:
        return twins if groups is None else groups
    group, twin = (np.unique(numbers, return_inverse=True)[1] for numbers in (groups, twins))
    first = int(group.max()) + 1
    nodes = first + int(twin.max()) + 1
    edges = coo_array((np.ones(len(group), np.int8), (group, first + twin)), shape=(nodes, nodes))
    joined: Index = connected_components(edges, directed=False)[1][group].astype(np.int64)
    return joined


def with_twins_together(shares: Shares, twins: Index) -> Shares | None:
    """Return the shares in an order no cut of which parts twins, or None where none was found.

    Twins are moved beside the first of them. A set that a cut would part waits until the next place where it
    fits, and those behind it move up. Without twins the order stays as it is.
    """
    number = np.unique(twins, return_inverse=True)[1]
    size = np.bincount(number)
    if size.max() == 1:
        return shares
    members: dict[int, list[int]] = {}
    for i in shares.order[size[number[shares.order]] > 1].tolist():
        members.setdefault(int(number[i]), []).append(i)
    coming = deque(
        members.get(int(number[i]), [i])
        for i in shares.order.tolist()
        if size[number[i]] == 1 or members[int(number[i])][0] == i
    )
    order = _placed(coming, _uncut(shares))
    return (
        None
        if order is None
        else Shares(order, shares.replicates, shares.k_available, shares.validation, shares.held_out)
    )


def _uncut(shares: Shares) -> Index:
    """Return how many objects can be placed at each position before the next cut, shape (used,)."""
    used = shares.used
    starts = np.arange(shares.replicates) * used // shares.replicates
    offsets = np.array([0, shares.k_available, shares.k_available + shares.validation])
    cuts = np.unique(np.append((starts[:, None] + offsets) % used, used))
    places = np.arange(used)
    room: Index = cuts[np.searchsorted(cuts, places, side="right")] - places
    return room


def _placed(coming: deque[list[int]], room: Index) -> Index | None:
    """Return the sets one after the other, none longer than the room at its place; None if one found none."""
    order: list[int] = []
    waiting: deque[list[int]] = deque()
    while coming or waiting:
        free = int(room[len(order)])
        late = next((i for i, together in enumerate(waiting) if len(together) <= free), None)
        if late is not None:
            order += waiting[late]
            del waiting[late]
        elif not coming:
            return None
        elif len(coming[0]) <= free:
            order += coming.popleft()
        else:
            waiting.append(coming.popleft())
    return np.array(order, dtype=np.int64)
