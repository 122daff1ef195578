"""The second panel: accuracy on unseen objects, and what twice the data would bring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from sufficient.answer.answer import Answer, AtDouble
from sufficient.report.display import Display
from sufficient.report.style import FORECAST, INK, MEASURED, count_axis, label
from sufficient.rounding import interval, objects, share

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sufficient.result import Estimate


@dataclass(eq=False)
class AccuracyDisplay(Display):
    """Accuracy on unseen objects at each size, and its forecast at twice the largest."""

    size: ClassVar = (5.4, 5)
    answer: Answer

    @classmethod
    def from_estimate(cls, estimate: Estimate) -> Self:
        """Return the display of an estimate's accuracy."""
        return cls(estimate.answer)

    def draw(self, ax: Axes) -> None:
        """Draw the accuracies and the forecast."""
        _draw(self.answer, ax)


def _draw(answer: Answer, axes: Axes) -> None:
    points = [
        (point.k, point.accuracy, point.learned) for point in answer.curve if point.accuracy is not None
    ]
    double = answer.outlook.at_double if answer.outlook is not None else None
    axes.set_xscale("log")
    axes.set_title("Accuracy on unseen objects", color=INK, pad=12)
    axes.set_xlabel("objects fitted k")
    sizes = [k for k, _, _ in points] + ([double.k] if double else [])
    if not sizes:
        return
    low, high = min(sizes) / 1.3, max(sizes) * 1.5
    axes.set_xlim(low, high)
    count_axis(axes.xaxis, low, high)
    learned = [(k, accuracy) for k, accuracy, counts in points if counts]
    hollow = [(k, accuracy) for k, accuracy, counts in points if not counts]
    for group, fill, name in ((learned, MEASURED, "measured"), (hollow, "white", "did not learn")):
        if group:
            axes.plot(
                *zip(*group, strict=True),
                color=MEASURED,
                marker="o",
                markersize=5.5,
                zorder=3,
                label=name,
                linewidth=1.8 if fill == MEASURED else 0,
                markerfacecolor=fill,
                markeredgewidth=1.4,
            )
    ends = double.accuracy_interval if double else ()
    _accuracy_limits(axes, [accuracy for _, accuracy, _ in points] + list(ends))
    if points:
        k, accuracy, _ = points[-1]
        label(
            axes,
            k,
            accuracy,
            f"{share(accuracy)} at {objects(k)}",
            colour=MEASURED,
            ha="right",
            va="bottom",
            offset=(2, 7),
        )
        if double:
            _at_double(axes, k, accuracy, double)


def _accuracy_limits(axes: Axes, values: list[float]) -> None:
    """Set limits around the values with room for labels; never above 1 by more than a marker."""
    low, high = min(values), max(values)
    room = max(high - low, 0.1)  # noise is not stretched to look like a curve
    axes.set_ylim(max(-0.02, low - 0.25 * room), min(1.02, high + 0.25 * room))


def _at_double(axes: Axes, k: int, accuracy: float, double: AtDouble) -> None:
    low, high = double.accuracy_interval
    axes.plot(
        [k, double.k],
        [accuracy, double.accuracy],
        color=FORECAST,
        linewidth=1.6,
        linestyle=(0, (3, 2)),
        zorder=2,
        label="forecast",
    )
    axes.errorbar(
        [double.k],
        [double.accuracy],
        yerr=[[double.accuracy - low], [high - double.accuracy]],
        color=FORECAST,
        fmt="D",
        markersize=5.5,
        elinewidth=1.6,
        capsize=4,
        zorder=3,
        label="at double, 90 %",
    )
    corner, bottom = axes.get_xlim()[1], axes.get_ylim()[0]  # where a rising curve never is
    forecast = f"{share(double.accuracy)}, 90 % {interval((low, high), share)}"
    text = f"forecast at {objects(double.k)}, twice as many:\n{forecast}"
    label(axes, corner, bottom, text, colour=FORECAST, ha="right", va="bottom", offset=(-4, 7))
