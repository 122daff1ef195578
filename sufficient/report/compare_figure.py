"""Curves of several runs on one figure: δ_k with its 95 % band, and what each needs for the tolerance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from sufficient.answer.answer import CurvePoint
from sufficient.report import style
from sufficient.report.compare import Comparison, Side
from sufficient.report.compare_text import need_words
from sufficient.report.display import Display
from sufficient.report.reference import lower_end, upper_end
from sufficient.rounding import tolerance

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's hues without the vermillion of the tolerance; every curve also has its letter.
COLOURS = (style.MEASURED, style.FORECAST, style.MET, style.BOUND, "#3A3F46", "#2A8CC4")
DASHES = ("-", "--", ":", "-.", (0, (9, 4)))  # one more for every COLOURS runs: 26 letters need five


@dataclass(eq=False)
class ComparisonDisplay(Display):
    """All measured curves of a comparison; a diamond with its interval where each meets the tolerance.

    A triangle that points left where only an upper bound is known.
    """

    size: ClassVar = (9.2, 5.8)
    comparison: Comparison

    def draw(self, ax: Axes) -> None:
        """Draw every curve, the tolerance, and what each run needs."""
        ax.set_xscale("log")
        ax.set_yscale("log")
        tol = self.comparison.tolerance
        for i, side in enumerate(self.comparison.sides):
            _curve(side, COLOURS[i % len(COLOURS)], DASHES[i // len(COLOURS)], ax)
            _needed(side, COLOURS[i % len(COLOURS)], tol, ax)
        ax.axhline(tol, color=style.LIMIT, linewidth=1.6, zorder=2)
        low, high = ax.get_xlim()
        style.label(
            ax, low, tol, f"tol {tolerance(tol)} nats", colour=style.LIMIT, va="bottom", offset=(6, 3)
        )
        ax.set_xlabel("objects fitted k")
        ax.set_ylabel("change of the mean loss by one more object, nats")
        style.count_axis(ax.xaxis, low, high)
        style.nats_axis(ax.yaxis)
        for text in ax.legend(frameon=False, fontsize=10.5).get_texts():
            text.set_parse_math(False)


def _curve(side: Side, colour: str, dash: object, axes: Axes) -> None:
    points = [p for p in side.estimate.answer.curve if p.difference is not None and p.difference > 0]
    learned = [point for point in points if point.learned]
    sizes = [point.k for point in learned]
    axes.fill_between(
        sizes, [*map(lower_end, learned)], [*map(upper_end, learned)], color=colour, alpha=0.15, linewidth=0
    )
    name = f"{side.letter}  {side.name}: {need_words(side)}"
    axes.plot(
        sizes, _differences(learned), color=colour, linestyle=dash, marker="o", markersize=4, label=name
    )
    hollow = [point for point in points if not point.learned]
    axes.plot(
        [point.k for point in hollow],
        _differences(hollow),
        color=colour,
        marker="o",
        markerfacecolor="white",
        linestyle="none",
        markersize=4,
    )
    if points:
        last = points[-1]
        style.label(
            axes, last.k, cast(float, last.difference), side.letter, colour=colour, offset=(7, 0), size=12
        )


def _needed(side: Side, colour: str, tol: float, axes: Axes) -> None:
    need = side.needed
    if need is None or need.k is None:
        return
    marker = "<" if need.kind == "at most" else "D"
    axes.plot([need.k], [tol], marker=marker, color=colour, markeredgecolor="white", markersize=8, zorder=5)
    if need.low is not None and need.high is not None:
        axes.plot([need.low, need.high], [tol, tol], color=colour, linewidth=4, alpha=0.5, zorder=4)


def _differences(points: list[CurvePoint]) -> list[float]:
    return [cast(float, point.difference) for point in points]
