"""Which sample sizes are run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sufficient.errors import DataError
from sufficient.notice import Notice
from sufficient.study.options import StudyOptions
from sufficient.study.record import Floats, Record
from sufficient.study.shares import WINDOW, AnyShares, CommonShares, Index, Shares, share_sizes

LEAST_VALIDATION, LEAST_HELD_OUT = 1, 2  # objects: a variance needs two
FARTHEST_SEARCH = 10**12  # objects

REPLACED_WITHIN = 0.1  # the last size replaces a grid size this close below it
CONFIRMED_AT = (9, 10)  # of the last size of an extension: as close as sizes come to one another


def sizes_up_to(last: int, *, start: int, growth: float) -> tuple[int, ...]:
    """Return round(start · growth^i) below `last`, then `last` itself, which replaces one within 10 %."""
    grid, power = [], 0
    while (size := round(start * growth**power)) < last:
        if size not in grid:
            grid.append(size)
        power += 1
    return (*[size for size in grid if size <= last * (1 - REPLACED_WITHIN)], last)


def sizes_beyond(done: Sequence[int], grid: Sequence[int]) -> tuple[int, ...]:
    """Return the sizes of the grid that are still to run, its last one in any case where it is larger.

    A size run that is not on the grid was the whole fit pool before the data grew: it replaces one that
    lies within 10 % above it.
    """
    largest = max(done, default=0)
    floor = largest if largest in grid else largest / (1 - REPLACED_WITHIN)
    return tuple(size for size in grid if size > largest and (size >= floor or size == grid[-1]))


def confirming(last: int) -> int:
    """Return the size that confirms what is seen at `last`: 10 % below it."""
    return last * CONFIRMED_AT[0] // CONFIRMED_AT[1]


def confirmed_by(sizes: Floats) -> Floats:  # (S,), (S,)
    """Return the least last size that each of these sizes, or a larger one, confirms."""
    larger: Floats = np.ceil(sizes * CONFIRMED_AT[1] / CONFIRMED_AT[0] * (1 - 1e-12))
    return larger


def sizes_grown(done: Sequence[int], last: int, *, start: int, growth: float) -> tuple[int, ...]:
    """Return the sizes that a study of grown data has still to run: of the grid, one that confirms, the last.

    Two sizes make a verdict, and the grid's second to last may lie 30 % below: it would have to be met there.
    The confirming size replaces one of the grid within 10 % below it, and is left out where one between it
    and the last was run already.
    """
    later = sizes_beyond(done, sizes_up_to(last, start=start, growth=growth))
    middle = confirming(last)
    if not later or max(done, default=0) >= middle:
        return later
    return (*[size for size in later[:-1] if size <= middle * (1 - REPLACED_WITHIN)], middle, last)


def smallest_complete_size(shares: Shares, labels: NDArray[np.int64]) -> tuple[int, int]:
    """Return (k, class): the size from which no prefix misses a class, and the class that sets it.

    k is 0 where a class is missing from a replicate's whole fit pool.
    """
    size, rarest = 0, -1
    for replicate in range(shares.replicates):
        pool = labels[shares.fitted(replicate, shares.k_available)]
        for label in np.unique(labels):
            first = np.flatnonzero(pool == label)[:1]
            if len(first) == 0:
                return 0, int(label)
            if first[0] + 1 > size:
                size, rarest = int(first[0]) + 1, int(label)
    return size, rarest


def missed_class(shares: AnyShares, labels: NDArray[np.int64], size: int, classes: int) -> int | None:
    """Return a class of which some replicate would see nothing at this size, or None."""
    for replicate in range(shares.replicates):
        seen = np.bincount(labels[shares.fitted(replicate, size)], minlength=classes)
        if not seen.all():
            return int(np.argmin(seen))
    return None


def planned_sizes(
    shares: AnyShares,
    labels: NDArray[np.int64],
    classes: Sequence[str],
    options: StudyOptions,
    *,
    groups: Index | None = None,
) -> tuple[tuple[int, ...], tuple[Notice, ...]]:
    """Return the sizes to run and what there is to say of them.

    `groups` (N,): equal numbers stay together. Raises DataError when the data holds fewer objects to fit
    than one size needs.
    """
    _require_enough(shares, options, groups)
    last = min(shares.k_available, options.max_samples or shares.k_available)
    grid = sizes_up_to(last, start=options.start, growth=options.growth)
    if isinstance(shares, Shares):
        complete, rarest = smallest_complete_size(shares, labels)
        sizes = tuple(size for size in grid if complete and size >= complete)
    else:  # the window moves with the size: a class may be missed after it was there
        missed = {size: missed_class(shares, labels, size, len(classes)) for size in grid}
        sizes = tuple(size for size in grid if missed[size] is None)
        rarest = next((label for label in reversed(missed.values()) if label is not None), -1)
        complete = int((labels[shares.fitted(0, shares.k_available)] == rarest).any())
    if not sizes:
        raise _without(
            classes[rarest], labels == rarest, last, bool(complete) and options.max_samples is not None
        )
    if sizes == grid:
        return sizes, ()
    count = f"{int((labels == rarest).sum()):,} of {shares.used:,} objects"
    if isinstance(shares, Shares):
        said = (
            f"the smallest size run is {sizes[0]:,}: below it some replicate would see nothing of class "
            f"{classes[rarest]!r} ({count})."
        )
    else:
        left_out = ", ".join(f"{size:,}" for size in grid if size not in sizes)
        said = _not_run(left_out, classes[rarest], count)
    return sizes, (Notice("RARE-CLASS", said),)


def replanned(record: Record, size: int, options: StudyOptions) -> Record:
    """Return the record with the sizes from `size` on planned by what has been read by now.

    The last size is the whole fit pool as far as it is known; sizes run already stay. `size` itself is taken
    out, with a notice, where some replicate would see nothing of a class. The record itself is returned where
    nothing changes. Raises DataError when no size is left and none was run.
    """
    shares, classes = record.shares, record.classes
    if not isinstance(shares, CommonShares):
        return record
    if shares.not_read and shares.k_available < WINDOW * size:
        raise AssertionError(f"k = {size} needs {WINDOW * size} fit objects read, not {shares.k_available}")
    whole = replace(shares, k_available=shares.pool)
    _require_enough(whole, options, record.groups)
    done = tuple(stage.size for stage in record.stages)
    last = min(shares.pool, options.max_samples or shares.pool)
    if shares.settled:  # the run was extended; what was planned to confirm it moves with the last size
        grown = sizes_grown(done, last, start=options.start, growth=options.growth)
        later = tuple(k for k in grown if k >= min(size, confirming(last)))
    else:
        grid = sizes_up_to(last, start=options.start, growth=options.growth)
        later = tuple(k for k in sizes_beyond(done, grid) if k >= size or k == last)
    notices = record.notices
    if size in later and (rare := missed_class(shares, record.labels, size, len(classes))) is not None:
        later = tuple(k for k in later if k != size)
        has = record.labels == rare
        if not later and not done:
            raise _without(classes[rare], has, last, has.any() and options.max_samples is not None)
        count = f"{int(has.sum()):,} of the {shares.used:,} objects read so far"
        notices = (*notices, Notice("RARE-CLASS", _not_run(f"{size:,}", classes[rare], count)))
    if done + later == record.sizes and notices == record.notices:
        return record
    return replace(record, sizes=done + later, notices=notices)


def _not_run(sizes: str, name: str, count: str) -> str:
    return f"k = {sizes} is not run: some replicate would see nothing of class {name!r} ({count})."


def _without(name: str, has: NDArray[np.bool_], last: int, capped: bool) -> DataError:
    return DataError(
        f"class {name!r} has {int(has.sum()):,} of {len(has):,} objects: up to k = {last:,} some "
        "replicate would be fitted without it. Collect more of it"
        f"{', raise --max-samples' if capped else ''} or leave the class out."
    )


def _require_enough(shares: AnyShares, options: StudyOptions, groups: Index | None) -> None:
    if (
        shares.k_available < options.start
        or shares.validation < LEAST_VALIDATION
        or shares.held_out < LEAST_HELD_OUT
    ):
        of = "" if groups is None else f" in {len(np.unique(groups)):,} groups"
        whole = "" if groups is None else ", because groups are not split"
        remedy = _remedy(options) if groups is None else "Add groups, or lower --start or the shares."
        raise DataError(
            f"{shares.used:,} usable objects{of} leave {max(shares.k_available, 0):,} to fit, "
            f"{shares.validation:,} to validate and {shares.held_out:,} held out{whole}; {options.start:,} "
            f"(--start), {LEAST_VALIDATION} and {LEAST_HELD_OUT} are the least. {remedy}"
        )


def _enough(used: int, options: StudyOptions) -> bool:
    fitted, validation, held = share_sizes(used, held_out=options.held_out, validation=options.validation)
    return fitted >= options.start and validation >= LEAST_VALIDATION and held >= LEAST_HELD_OUT


def _remedy(options: StudyOptions) -> str:
    """Return how many usable objects these shares need, found by doubling and halving, and what to do."""
    high = options.start
    while not _enough(high, options):
        high *= 2
        if high > FARTHEST_SEARCH:
            return "Give smaller shares: at these no number of objects would do."
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _enough(middle, options) else (middle, high)
    return f"At these shares {high:,} objects are needed: collect more, or change --start or the shares."
