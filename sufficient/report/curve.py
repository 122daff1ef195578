"""The curve: measured δ_k against the tolerance, Lemma 1's bound and rate, k* or its forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, cast

from sufficient.answer.answer import Answer, CurvePoint
from sufficient.report.display import Display
from sufficient.report.marks import draw_band, draw_forecast, draw_k_star
from sufficient.report.reference import (
    available_line,
    beside,
    bound_line,
    bound_values,
    lower_end,
    rate_line,
    tolerance_line,
    upper_end,
)
from sufficient.report.style import MEASURED, VERDICT_COLOUR, count_axis, label, nats_axis
from sufficient.report.text import verdict_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sufficient.result import Estimate


@dataclass(eq=False)
class CurveDisplay(Display):
    """Measured δ_k with its 95 % band; the numbers are the answer's, in nats over objects."""

    answer: Answer
    titled: bool = True  # the verdict above the axes

    @classmethod
    def from_estimate(cls, estimate: Estimate) -> Self:
        """Return the display of an estimate's curve."""
        return cls(estimate.answer)

    def draw(self, ax: Axes) -> None:
        """Draw the curve, the lines it is read against, and k* or its forecast."""
        _draw(self.answer, ax)
        if self.titled:
            colour = VERDICT_COLOUR[self.answer.verdict]
            ax.set_title(verdict_line(self.answer), color=colour, fontweight="bold", pad=12, wrap=True)


def _draw(answer: Answer, axes: Axes) -> None:
    points = [point for point in answer.curve if point.difference is not None and point.difference > 0]
    axes.set_xscale("log")
    axes.set_yscale("log")
    _limits(answer, points, axes)
    tolerance_line(answer, points, axes)
    available_line(answer, axes)
    if points:
        bound_line(points, answer.tolerance, axes)
        rate_line(points, axes)
        if answer.forecast is not None:
            draw_forecast(answer.forecast, points[-1].k, answer.tolerance, axes)
        _measured(points, answer.tolerance, axes)
    if answer.k_sufficient is not None:
        draw_k_star(answer.k_sufficient, answer.k_interval or (None, None), answer.tolerance, axes)
    axes.set_xlabel("objects fitted k")
    axes.set_ylabel("change of the mean loss by one more object, nats")
    low, high = axes.get_xlim()
    count_axis(axes.xaxis, low, high)
    nats_axis(axes.yaxis)


def _limits(answer: Answer, points: list[CurvePoint], axes: Axes) -> None:
    """Set limits that hold everything marked, with room for the labels below and above."""
    sizes = [point.k for point in answer.curve] or [32]
    right, forecast = max(*sizes, answer.k_available), answer.forecast
    depths = [answer.tolerance, *(lower_end(point) for point in points)]
    if forecast is not None and points:
        last = points[-1].k
        far = [end for end in (forecast.k_needed, *forecast.k_interval) if end is not None]
        reach = 10 * last if forecast.k_needed is None else min(max(far), 10 * last)
        right = max(right, reach)
        depths += [lo for k, _, lo, _ in forecast.path if k <= right]
    tops = [answer.tolerance, *(upper_end(point) for point in points), *bound_values(points)]
    axes.set_xlim(min(sizes) / 1.3, right * 1.7)
    axes.set_ylim(min(depth for depth in depths if depth > 0) / 4.5, max(tops) * 3)


def _measured(points: list[CurvePoint], tol: float, axes: Axes) -> None:
    learned = [point for point in points if point.learned]
    hollow = [point for point in points if not point.learned]
    for group, fill in ((learned, MEASURED), (hollow, "white")):
        if not group:
            continue
        sizes = [point.k for point in group]
        values = [cast(float, point.difference) for point in group]
        ends = [
            [value - lower_end(point) for value, point in zip(values, group, strict=True)],
            [upper_end(point) - value for value, point in zip(values, group, strict=True)],
        ]
        joined = group is learned and len(group) > 1
        if joined:
            draw_band(sizes, [*map(lower_end, group)], [*map(upper_end, group)], axes, zorder=3)
        else:
            axes.errorbar(
                sizes, values, yerr=ends, fmt="none", ecolor=MEASURED, elinewidth=1.2, capsize=3, zorder=3
            )
        axes.plot(
            sizes,
            values,
            color=MEASURED,
            linewidth=1.8 if joined else 0,
            marker="o",
            markersize=5.5,
            markerfacecolor=fill,
            markeredgewidth=1.4,
            zorder=4,
            label="measured" if group is learned else "did not learn",
        )
    shown = learned or hollow
    at = shown[beside([upper_end(point) for point in shown], tol, len(shown) // 2)]
    name = "measured, 95 %" if learned else "measured, 95 %; none learned"
    label(axes, at.k, upper_end(at), name, colour=MEASURED, offset=(8, 9))
    if learned and hollow:
        label(
            axes,
            hollow[-1].k,
            cast(float, hollow[-1].difference),
            "hollow: did not learn",
            colour=MEASURED,
            va="center",
            offset=(9, 0),
        )
