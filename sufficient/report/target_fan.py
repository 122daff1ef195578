"""A target alone: its quantity at every size, where it goes, how surely, and where it meets the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from sufficient.answer.answer import CriterionAnswer, Level
from sufficient.answer.criteria import Criterion
from sufficient.answer.horizon import FARTHEST
from sufficient.answer.measures import Measures
from sufficient.answer.target_words import QUANTITY
from sufficient.answer.verdict import levels
from sufficient.errors import DataError, UsageError
from sufficient.report.display import Display
from sufficient.report.marks import (
    draw_band,
    draw_fan,
    draw_horizons,
    forecast_lines,
    k_star_lines,
    name_mark,
)
from sufficient.report.style import FORECAST, INK, LIMIT, MEASURED, MET, count_axis, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sufficient.result import Estimate

ROOM = 0.06  # of the height of what is drawn, above and below


@dataclass(eq=False)
class TargetFanDisplay(Display):
    """Measured accuracy, error or loss with its 95 % band, its forecast with a 90 % band, and the target."""

    points: tuple[tuple[int, Level], ...]  # (k, level) of learned sizes
    answer: CriterionAnswer

    @classmethod
    def from_estimate(cls, estimate: Estimate, target: str | Criterion) -> Self:
        """Return the display of a target such as "accuracy=0.95"; DataError where no size learned."""
        (answer,) = estimate.forecast(target)
        asked = answer.criterion
        if asked.kind not in QUANTITY:
            raise UsageError(
                f"{asked.phrase} has no curve of its own to draw; give an accuracy, an error, a loss or a "
                "rel-tol, or draw FanDisplay for tol and AccuracyDisplay for what doubling brings."
            )
        points = levels(Measures(estimate.record), asked)
        if not points:
            raise DataError(
                f"no size of this study learned, so {asked.phrase} has no curve to draw; CurveDisplay shows "
                "what was measured."
            )
        return cls(points, answer)

    def draw(self, ax: Axes) -> None:
        """Draw the curve, the fan and where it meets the target."""
        asked, last = self.answer.criterion, self.points[-1][0]
        path = () if self.answer.forecast is None else self.answer.forecast.path
        ax.set_xscale("log")
        ax.set_xlim(self.points[0][0] / 1.3, (FARTHEST if path else 1) * last * 1.4)
        edges = [asked.value, *(end for _, level in self.points for end in (level.lo, level.hi))]
        edges += [end for _, _, low, high in path for end in (low, high)]
        room = ROOM * (max(edges) - min(edges))
        ax.set_ylim(min(edges) - room, max(edges) + room)
        _measured(self.points, ax)
        draw_fan(path, ax)
        draw_horizons(last, ax)
        ax.axhline(asked.value, color=LIMIT, linewidth=1.8, zorder=2.5, label="target")
        label(ax, ax.get_xlim()[0], asked.value, asked.phrase, colour=LIMIT, va="bottom", offset=(6, 3))
        _mark(self.answer, ax)
        quantity = QUANTITY[asked.kind].removeprefix("the ")
        ax.set_title(f"Where {quantity} goes", color=INK, pad=12)
        ax.set_xlabel("objects fitted k")
        ax.set_ylabel(quantity + (", nats" if asked.kind == "loss" else ""))
        count_axis(ax.xaxis, *ax.get_xlim())


def _measured(points: Sequence[tuple[int, Level]], ax: Axes) -> None:
    sizes, values = [k for k, _ in points], [level for _, level in points]
    draw_band(sizes, [level.lo for level in values], [level.hi for level in values], ax)
    ax.plot(
        sizes,
        [level.value for level in values],
        color=MEASURED,
        linewidth=1.8,
        marker="o",
        markersize=5,
        label="measured",
    )


def _mark(answer: CriterionAnswer, ax: Axes) -> None:
    """Mark k*, or the number needed, with its interval."""
    k, span, forecast = answer.k_sufficient, answer.k_interval, answer.forecast
    if k is not None and span is not None:
        colour, lines = MET, k_star_lines(k, span)
    elif forecast is not None and forecast.k_needed is not None:
        k, span = forecast.k_needed, forecast.k_interval
        colour, lines = FORECAST, forecast_lines(forecast)
    else:
        return
    left, right = ax.get_xlim()
    low, high = left if span[0] is None else span[0], right if span[1] is None else min(span[1], right)
    ax.axvspan(low, high, color=colour, alpha=0.13, linewidth=0, zorder=1, label="interval")
    value = answer.criterion.value
    ax.plot([k], [value], color=colour, marker="D", markersize=7, linewidth=0, zorder=4, label="needed")
    rising = answer.criterion.kind == "accuracy"
    corner = ax.get_ylim()[0 if rising else 1]
    name_mark(ax, k, span, corner, "\n".join(lines), colour=colour, below=not rising)
