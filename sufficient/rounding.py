"""Numbers as people read them: thousands separators, few digits, `1e-4` rather than `0.0001`."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import islice
from typing import TypeVar

Number = TypeVar("Number", int, float)

MINUS = "−"


def objects(count: int) -> str:
    """Return a count in full: `12,345`."""
    return f"{count:,}"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return a count and its noun, an s making the plural unless one is given: `1 image`, `3 classes`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def listed(parts: Sequence[str]) -> str:
    """Return `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def some(names: Iterable[str], most: int, *, between: str = ", ") -> str:
    """Return no more than the first `most` names: `a, b, …`."""
    first = list(islice(names, most + 1))
    return between.join(first[:most]) + (", …" if len(first) > most else "")


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

    An open end is named: `[24,000, no upper limit]`. `exact` as for `about`.
    """
    lower, upper = (
        None if end is None else objects(_whole(end, rounded(end, digits, like=like), exact))
        for end in interval_ends
    )
    return f"[{lower or 'no lower limit'}, {upper or 'no upper limit'}]"


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


def percent(probability: float) -> str:
    """Return a chance: `91 %`, `over 99 %`, `under 1 %`; `0 %` and `100 %` only where it is that."""
    if probability <= 0 or probability >= 1:
        return f"{100 * min(max(probability, 0.0), 1.0):.0f} %"
    if probability > 0.99:
        return "over 99 %"
    return "under 1 %" if probability < 0.01 else f"{100 * probability:.0f} %"


def money(amount: float) -> str:
    """Return an amount without its currency: `1,250`, `12.50`, `0.04`."""
    if amount >= 100 or amount == round(amount):
        return f"{rounded(round(amount), 4):,}"
    return f"{amount:.2f}" if amount >= 0.1 else f"{amount:.2g}"


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
