"""k*: the size from which the curve stays within the tolerance."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sufficient.answer.answer import CurvePoint, SizeInterval


def sufficient_size(points: Sequence[CurvePoint], tol: float) -> tuple[int, SizeInterval]:
    """Return k* and its interval for a curve that ends within tol, from its learned points.

    k* is the log–log crossing of the mean after which it stays ≤ tol, rounded up; the interval is where the
    edges of the 95 % band do the same, None for an edge that does not cross. Met already at the first learned
    size, k* is that size and the interval (None, k*), or (None, crossing of the upper edge).
    """
    sizes, means, los, his = [], [], [], []
    for p in points:
        if p.learned and p.difference is not None and p.lo is not None and p.hi is not None:
            sizes.append(p.k)
            means.append(p.difference)
            los.append(p.lo)
            his.append(p.hi)
    mean = last_crossing(sizes, means, tol)
    upper = last_crossing(sizes, his, tol)
    if mean is None:
        return sizes[0], (None, sizes[0] if upper is None else upper)
    return mean, (last_crossing(sizes, los, tol), upper)


def last_crossing(sizes: Sequence[int], values: Sequence[float], tol: float) -> int | None:
    """Return the size, rounded up, after which the values (log–log between sizes) stay ≤ tol.

    None when they are ≤ tol from the first size on, or above it at the last.
    """
    above = [i for i, value in enumerate(values) if value > tol]
    if not above or above[-1] == len(values) - 1:
        return None
    i = above[-1]
    if values[i + 1] <= 0:
        return sizes[i + 1]
    share = math.log(values[i] / tol) / math.log(values[i] / values[i + 1])
    crossing = sizes[i] * math.pow(sizes[i + 1] / sizes[i], share)
    return min(math.ceil(crossing * (1 - 1e-12)), sizes[i + 1])
