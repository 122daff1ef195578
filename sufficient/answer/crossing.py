"""k*: the size from which the curve stays within what it is held against."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sufficient.answer.answer import SizeInterval
from sufficient.answer.series import Reading


def sufficient_size(
    readings: Sequence[Reading], limit: float, *, linear: bool = False
) -> tuple[int, SizeInterval]:
    """Return k* and its interval for a curve that ends within the limit, from its learned readings.

    k* is the crossing of the mean after which it stays ≤ limit, rounded up; the interval is where the edges
    of the 95 % band do the same, None for an edge that does not cross. Met already at the first learned size,
    k* is that size and the interval (None, k*), or (None, crossing of the upper edge).
    """
    levels = [(r.k, r.level) for r in readings if r.learned and r.level is not None]
    sizes = [k for k, _ in levels]
    lower, mean, upper = (
        last_crossing(sizes, edge, limit, linear=linear)
        for edge in zip(*((level.lo, level.value, level.hi) for _, level in levels), strict=True)
    )
    if mean is None:
        return sizes[0], (None, sizes[0] if upper is None else upper)
    return mean, (lower, upper)


def last_crossing(
    sizes: Sequence[int],
    values: Sequence[float],
    limit: float,
    *,
    linear: bool = False,  # between sizes the value is linear in ln k, else ln value is
) -> int | None:
    """Return the size, rounded up, after which the values stay ≤ limit.

    None when they are ≤ limit from the first size on, or above it at the last.
    """
    above = [i for i, value in enumerate(values) if value > limit]
    if not above or above[-1] == len(values) - 1:
        return None
    i = above[-1]
    if linear:
        share = (values[i] - limit) / (values[i] - values[i + 1])
    elif values[i + 1] <= 0:
        return sizes[i + 1]
    else:
        share = math.log(values[i] / limit) / math.log(values[i] / values[i + 1])
    crossing = sizes[i] * math.pow(sizes[i + 1] / sizes[i], share)
    return min(math.ceil(crossing * (1 - 1e-12)), sizes[i + 1])
