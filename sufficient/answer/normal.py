"""Intervals of what is normally distributed, and shares that are never quite 0 or 1."""

from __future__ import annotations

from typing import overload

from scipy.special import ndtri

from sufficient.study.record import Floats

Z90 = 1.645  # standard deviations: 90 %
Z95 = float(ndtri(0.975))  # standard deviations: 95 %
PLUS = 2  # right and wrong answers added (Agresti and Coull): no error seen is not no error


@overload
def smoothed_share(p: float, n: float, *, unit: float = 1.0) -> float: ...
@overload
def smoothed_share(p: Floats, n: float, *, unit: float = 1.0) -> Floats: ...
def smoothed_share(p: float | Floats, n: float, *, unit: float = 1.0) -> float | Floats:
    """Return a share p of n answers with 2 right and 2 wrong ones added: (p n + 2)/(n + 4).

    `unit`: what one answer is of n, where n counts in another unit.
    """
    return (p * n + PLUS * unit) / (n + 2 * PLUS * unit)
