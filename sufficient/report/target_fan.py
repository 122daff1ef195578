"""A target alone: its quantity at every size, where it goes, how surely, and where it meets the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from sufficient.answer.answer import CriterionAnswer, Level
from sufficient.answer.criteria import Criterion
from sufficient.answer.forecast import FARTHEST
from sufficient.answer.measures import Measures
from sufficient.answer.target_words import QUANTITY
from sufficient.answer.verdict import levels
from sufficient.report.criteria_text import forecast_digits
from sufficient.report.display import Display
from sufficient.report.marks import HORIZONS
from sufficient.report.style import FAINT, FORECAST, INK, LIMIT, MEASURED, MET, count_axis, label
from sufficient.rounding import about, ends

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
    def from_estimate(cls, estimate: Estimate, target: str | Criterion) -> Self | None:
        """Return the display of a target such as "accuracy=0.95"; None where no size has learned."""
        (answer,) = estimate.forecast(target)
        points = levels(Measures(estimate.record), answer.criterion)
        return cls(points, answer) if points else None

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
        _forecast(path, last, ax)
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
    ax.fill_between(
        sizes,
        [level.lo for level in values],
        [level.hi for level in values],
        color=MEASURED,
        alpha=0.22,
        linewidth=0,
        label="95 % band",
    )
    ax.plot(
        sizes,
        [level.value for level in values],
        color=MEASURED,
        linewidth=1.8,
        marker="o",
        markersize=5,
        label="measured",
    )


def _forecast(path: Sequence[tuple[int, float, float, float]], last: int, ax: Axes) -> None:
    if not path:
        return
    sizes = [step[0] for step in path]
    low, high = [step[2] for step in path], [step[3] for step in path]
    ax.fill_between(sizes, low, high, color=FORECAST, alpha=0.18, linewidth=0, label="90 % forecast")
    ax.plot(sizes, [step[1] for step in path], color=FORECAST, linewidth=1.8, label="forecast")
    right, top = ax.get_xlim()[1], ax.get_ylim()[1]
    for times in HORIZONS:
        ax.axvspan(times * last, right, color="#000000", alpha=0.035, linewidth=0, zorder=0.5)
        place = (times * last, top)
        label(ax, *place, f"{times} ×", colour=FAINT, va="top", offset=(4, -4), size=9.5)


def _mark(answer: CriterionAnswer, ax: Axes) -> None:
    """Mark k*, or the number needed, with its interval."""
    k, span, colour, text = answer.k_sufficient, answer.k_interval, MET, ""
    if k is not None and span is not None:
        text = f"k* = {about(k)}\n95 % {ends(span, like=k)}"
    elif answer.forecast is not None and answer.forecast.k_needed is not None:
        k, span, colour = answer.forecast.k_needed, answer.forecast.k_interval, FORECAST
        digits = forecast_digits(answer.forecast)
        text = f"forecast: {about(k, digits)} needed\n90 % {ends(span, like=k, digits=digits)}"
    if k is None or span is None:
        return
    left, right = ax.get_xlim()
    low, high = left if span[0] is None else span[0], right if span[1] is None else min(span[1], right)
    ax.axvspan(low, high, color=colour, alpha=0.13, linewidth=0, zorder=1, label="interval")
    value = answer.criterion.value
    ax.plot([k], [value], color=colour, marker="D", markersize=7, linewidth=0, zorder=4, label="needed")
    rising = answer.criterion.kind == "accuracy"
    corner = ax.get_ylim()[0 if rising else 1]
    side = "bottom" if rising else "top"
    after = k < (left * right) ** 0.5
    offset = (7 if after else -7, 7 if rising else -7)
    label(
        ax, k, corner, text, colour=colour, ha="left" if after else "right", va=side, offset=offset, size=11.5
    )
