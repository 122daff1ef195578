"""The forecast of runs made elsewhere: measured, where it goes, how surely, and where it meets the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sufficient.answer.elsewhere import AHEAD, RunsAnswer
from sufficient.report.display import Display
from sufficient.report.marks import HORIZONS
from sufficient.report.runs_text import in_nats, needed, phrase
from sufficient.report.style import (
    FAINT,
    FORECAST,
    INK,
    LIMIT,
    MEASURED,
    MET,
    count_axis,
    label,
    save,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(eq=False)
class RunsDisplay(Display):
    """Measured values with 95 % intervals, and the forecast to 10 × the largest size with a 90 % band."""

    answer: RunsAnswer

    def draw(self, ax: Axes) -> None:
        """Draw the runs, the fan and the target."""
        answer, last = self.answer, self.answer.last
        ax.set_xscale("log")
        low, high = float(answer.curve.n[0]) / 1.3, AHEAD[-1] * last * 1.3
        ax.set_xlim(low, high)
        _fan(answer, ax)
        values = [level.value for level in answer.measured]
        ends = [
            [level.value - level.lo for level in answer.measured],
            [level.hi - level.value for level in answer.measured],
        ]
        ax.errorbar(
            answer.curve.n.tolist(), values, yerr=ends, color=MEASURED, marker="o", markersize=5,
            linewidth=1.6, elinewidth=1.2, capsize=3, zorder=4, label="measured, 95 %",
        )  # fmt: skip
        ax.axhline(
            answer.criterion.value, color=LIMIT, linewidth=1.2, linestyle="--", zorder=2, label="asked"
        )
        _horizons(last, ax)
        found = answer.forecast.k_needed
        if found is not None:
            ax.plot([found], [answer.criterion.value], "D", color=MET, markersize=7, zorder=5, label="needed")
        ax.set_title(f"{phrase(answer)}: {needed(answer)}", color=INK, pad=12, wrap=True)
        ax.set_xlabel("objects trained on")
        ax.set_ylabel(f"{answer.criterion.kind}{', nats' if in_nats(answer) else ''}")
        count_axis(ax.xaxis, low, high)
        ax.legend(loc="best", fontsize=10, framealpha=0.9, edgecolor="none", labelcolor=FAINT)


def draw_runs(answers: Sequence[RunsAnswer], directory: Path) -> list[Path]:
    """Write forecast-KIND-VALUE.svg and .png of each target below `directory` and return them."""
    from matplotlib.figure import Figure

    paths = []
    for answer in answers:
        with styled():
            figure = Figure(figsize=RunsDisplay.size, layout="constrained")
            RunsDisplay(answer).plot(figure.add_subplot())
            name = f"forecast-{answer.criterion.kind}-{answer.criterion.value:g}"
            paths += save(figure, directory / name)
    return paths


def _fan(answer: RunsAnswer, ax: Axes) -> None:
    path = answer.forecast.path
    if not path:
        return
    sizes = [step[0] for step in path]
    ax.fill_between(
        sizes, [step[2] for step in path], [step[3] for step in path], color=FORECAST, alpha=0.18,
        linewidth=0, zorder=2.2, label="90 % forecast",
    )  # fmt: skip
    ax.plot(sizes, [step[1] for step in path], color=FORECAST, linewidth=1.8, zorder=2.6, label="forecast")


def _horizons(last: int, ax: Axes) -> None:
    """Shade what lies beyond 4 × and 10 × the largest size."""
    high, top = ax.get_xlim()[1], ax.get_ylim()[1]
    for times in HORIZONS:
        ax.axvspan(times * last, high, color="#000000", alpha=0.035, linewidth=0, zorder=0.5)
        label(ax, times * last, top, f"{times} ×", colour=FAINT, va="top", offset=(4, -6), size=9.5)
