"""The lines that the measured curve is read against: tolerance, bound, rate, what is available."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

from sufficient.answer.answer import Answer, CurvePoint
from sufficient.report.marks import position
from sufficient.report.style import BOUND, FAINT, GUIDE, LIMIT, label
from sufficient.rounding import objects, tolerance

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CLEAR = 0.9  # of ln δ between a label and the tolerance line


def lower_end(point: CurvePoint) -> float:
    """Return the lower end of δ_k's interval, δ_k itself where it is open, nats."""
    return point.lo if point.lo else cast(float, point.difference)


def upper_end(point: CurvePoint) -> float:
    """Return the upper end of δ_k's interval, δ_k itself where it is open, nats."""
    return point.hi if point.hi else cast(float, point.difference)


def bound_values(points: list[CurvePoint]) -> list[float]:
    """Return M_ℓ/(k + 1): Lemma 1 with R = 0, without the printed factor 2; valid for every network."""
    return [(point.largest_loss or math.nan) / (point.k + 1) for point in points if point.largest_loss]


def tolerance_line(answer: Answer, points: list[CurvePoint], axes: Axes) -> None:
    """Draw tol, named on the side where the curve is farther away."""
    tol = answer.tolerance
    axes.axhline(tol, color=LIMIT, linewidth=1.8, zorder=2.5, label="tol")
    low, high = axes.get_xlim()
    gaps = [abs(math.log(cast(float, point.difference) / tol)) for point in (points[:1] + points[-1:])]
    left = not gaps or gaps[0] >= gaps[-1]
    label(
        axes,
        low if left else high,
        tol,
        f"tol {tolerance(tol)} nats",
        colour=LIMIT,
        ha="left" if left else "right",
        va="bottom",
        offset=(6 if left else -4, 3),
    )


def available_line(answer: Answer, axes: Axes) -> None:
    """Mark the size of the fit pool."""
    k = answer.k_available
    axes.axvline(k, color=GUIDE, linewidth=1.2, linestyle=(0, (1, 2)), zorder=1.5, label="available")
    label(  # upright, so that it does not lie over the band of k*
        axes,
        k,
        axes.get_ylim()[1],
        f"{objects(k)} available",
        colour=FAINT,
        ha="right",
        va="top",
        offset=(-2, -2),
        size=9.5,
        rotation=90,
    )


def bound_line(points: list[CurvePoint], tol: float, axes: Axes) -> None:
    """Draw Lemma 1's bound at θ_k, named where the tolerance line is not in the way."""
    bounded = [point for point in points if point.largest_loss]
    if not bounded:
        return
    sizes, values = [point.k for point in bounded], bound_values(bounded)
    axes.plot(
        sizes,
        values,
        color=BOUND,
        linewidth=1.5,
        linestyle=(0, (6, 2)),
        zorder=2,
        label="bound",
        marker="" if len(bounded) > 1 else "_",
    )
    at = beside(values, tol, len(bounded) // 3)
    label(axes, sizes[at], values[at], "Lemma 1's bound, M/(k + 1)", colour=BOUND, offset=(7, 9))


def rate_line(points: list[CurvePoint], axes: Axes) -> None:
    """Draw Lemma 1's rate 1/k through the last learned point."""
    learned = [point for point in points if point.learned]
    if not learned:
        return
    k, difference = learned[-1].k, cast(float, learned[-1].difference)
    low, high = axes.get_xlim()
    axes.plot(
        [low, high],
        [difference * k / low, difference * k / high],
        color=GUIDE,
        linewidth=1.1,
        linestyle=(0, (4, 3)),
        zorder=1.8,
        label="1/k",
    )
    reach = 0.38 * position(axes, k) if position(axes, k) > 0.4 else 0.6
    at = low * (high / low) ** reach
    label(axes, at, difference * k / at, "rate 1/k", colour=FAINT, ha="right", va="top", offset=(-8, -3))


def beside(levels: list[float], tol: float, wanted: int) -> int:
    """Return the place nearest to `wanted` where a label above it keeps clear of the tolerance line."""
    nearest = sorted(range(len(levels)), key=lambda i: abs(i - wanted))
    clear = [i for i in nearest if abs(math.log(1.5 * levels[i] / tol)) > CLEAR]
    return clear[0] if clear else wanted
