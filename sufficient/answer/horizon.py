"""How far ahead a forecast goes, in multiples of the largest size, and what it is called there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sufficient.answer.answer import Extrapolation

NEAR = 4  # × the largest size: beyond it a forecast is a rough guide, and marked
FARTHEST = 10  # × the largest size: beyond it only a lower bound is worth giving
AHEAD = (2, NEAR, FARTHEST)  # × the largest size: where a forecast is read off
PATH_POINTS = 40


def extrapolation(needed: int | None, last: float) -> Extrapolation:
    """Return how far beyond the `last` size a forecast lies; `needed` None: past the farthest."""
    if needed is None:
        return "beyond-10x"
    if needed <= last:
        return "none"
    return "within-4x" if needed <= NEAR * last else "beyond-4x"


def path_sizes(last: float) -> NDArray[np.int64]:
    """Return the sizes at which a forecast is drawn, from the last to the farthest, log-spaced."""
    return np.unique(np.rint(np.geomspace(last, FARTHEST * last, PATH_POINTS)).astype(np.int64))
