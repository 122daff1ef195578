"""Which sample sizes are run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sufficient.errors import DataError
from sufficient.notice import Notice
from sufficient.study.options import StudyOptions
from sufficient.study.shares import Shares, share_sizes

LEAST_VALIDATION, LEAST_HELD_OUT = 1, 2  # objects: a variance needs two
FARTHEST_SEARCH = 10**12  # objects

REPLACED_WITHIN = 0.1  # the last size replaces a grid size this close below it


def sizes_up_to(last: int, *, start: int, growth: float) -> tuple[int, ...]:
    """Return round(start · growth^i) below `last`, then `last` itself, which replaces one within 10 %."""
    grid, power = [], 0
    while (size := round(start * growth**power)) < last:
        if size not in grid:
            grid.append(size)
        power += 1
    return (*[size for size in grid if size <= last * (1 - REPLACED_WITHIN)], last)


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


def planned_sizes(
    shares: Shares, labels: NDArray[np.int64], classes: Sequence[str], options: StudyOptions
) -> tuple[tuple[int, ...], tuple[Notice, ...]]:
    """Return the sizes to run and what there is to say of them.

    Raises DataError when the data holds fewer objects to fit than one size needs.
    """
    if not _enough(shares.used, options):
        raise DataError(
            f"{shares.used:,} usable objects leave {max(shares.k_available, 0):,} to fit, "
            f"{shares.validation:,} to validate and {shares.held_out:,} held out; {options.start:,} "
            f"(--start), {LEAST_VALIDATION} and {LEAST_HELD_OUT} are the least. {_remedy(options)}"
        )
    last = min(shares.k_available, options.max_samples or shares.k_available)
    grid = sizes_up_to(last, start=options.start, growth=options.growth)
    complete, rarest = smallest_complete_size(shares, labels)
    sizes = tuple(size for size in grid if complete and size >= complete)
    count = int((labels == rarest).sum())
    if not sizes:
        capped = complete and options.max_samples is not None
        raise DataError(
            f"class {classes[rarest]!r} has {count:,} of {shares.used:,} objects: up to k = {last:,} some "
            "replicate would be fitted without it. Collect more of it"
            f"{', raise --max-samples' if capped else ''} or leave the class out."
        )
    if sizes == grid:
        return sizes, ()
    message = (
        f"the smallest size run is {sizes[0]:,}: below it some replicate would see nothing of class "
        f"{classes[rarest]!r} ({count:,} of {shares.used:,} objects)."
    )
    return sizes, (Notice("RARE-CLASS", message),)


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
