"""Numbers as people read them: thousands separators, few digits, `1e-4` rather than `0.0001`."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

Number = TypeVar("Number", int, float)

MINUS = "−"


def objects(count: int) -> str:
    """Return a count in full: `12,345`."""
    return f"{count:,}"


def counted(count: int, noun: str) -> str:
    """Return a count and its noun, to which an s makes the plural: `1 image`, `12,345 images`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def about(count: int, digits: int = 3, *, exact: Collection[int] = ()) -> str:
    """Return a count rounded to `digits` significant digits: `3,612` → `3,610`.

    `exact`: counts that were measured; one of them is given in full, and so is what would be rounded past it.
    """
    return f"{_whole(count, rounded(count, digits), exact):,}"


def rounded(count: int, digits: int, *, like: int | None = None) -> int:
    """Return the count rounded half up to the place where `like` (itself) has `digits` significant digits."""
    scale: int = 10 ** max(0, len(str(abs(count if like is None else like))) - digits)
    return (count + scale // 2) // scale * scale


def _whole(count: int, near: int, exact: Collection[int]) -> int:
    """Return `near`, or the count where one that was measured lies between the two."""
    least, most = min(count, near), max(count, near)
    return count if any(least <= each <= most for each in exact) else near


def ends(
    interval_ends: Sequence[int | None], *, like: int, digits: int = 3, exact: Collection[int] = ()
) -> str:
    """Return the interval of a count, rounded to the same place as the count: `[8,700, 10,400]`.

    `exact` as for `about`.
    """
    return interval(interval_ends, lambda end: objects(_whole(end, rounded(end, digits, like=like), exact)))


def nats(value: float | None, digits: int = 2) -> str:
    """Return a loss difference: `4.2e-4`, `0.021`; `–` where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0 or 0.01 <= abs(value) < 10_000:
        return f"{value:#.{digits}g}".rstrip(".").replace("-", MINUS)
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def tolerance(value: float) -> str:
    """Return the tolerance as it would be typed: `1e-4`, `2.5e-4`, `0.01`."""
    if 0.01 <= value < 10_000:
        return f"{value:g}"
    mantissa, exponent = f"{value:.3e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def share(value: float | None) -> str:
    """Return an accuracy: `0.871`; `–` where there is none."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.3f}"


def signed(value: float, digits: int = 2) -> str:
    """Return a number with a true minus sign: `−1.02`."""
    return f"{value:.{digits}f}".replace("-", MINUS)


def interval(ends: Sequence[Number | None], show: Callable[[Number], str]) -> str:
    """Return `[3,300, 3,900]`; an open end is `…`."""
    return "[" + ", ".join("…" if end is None else show(end) for end in ends) + "]"


def size(count: int) -> str:
    """Return bytes: `512 B`, `1.4 MB`, `20 GB`."""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    return f"{value:.1f} {unit}" if value < 9.95 and unit != "B" else f"{value:.0f} {unit}"


def duration(seconds: float) -> str:
    """Return `3.1 s`, `42 s`, `4 min 05 s` or `2 h 07 min`."""
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
