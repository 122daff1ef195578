"""The forecast of runs made elsewhere: measured, where it goes, how surely, and where it meets the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sufficient.answer.external_runs import RunsAnswer
from sufficient.answer.horizon import FARTHEST
from sufficient.report.display import Display
from sufficient.report.marks import draw_fan, draw_horizons
from sufficient.report.runs_text import in_nats, needed, phrase
from sufficient.report.style import FAINT, INK, LIMIT, MEASURED, MET, count_axis

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
        low, high = float(answer.curve.n[0]) / 1.3, FARTHEST * last * 1.3
        ax.set_xlim(low, high)
        draw_fan(answer.forecast.path, ax)
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
        draw_horizons(last, ax)
        found = answer.met_from or answer.forecast.k_needed
        if found is not None:
            ax.plot([found], [answer.criterion.value], "D", color=MET, markersize=7, zorder=5, label="needed")
        ax.set_title(f"{phrase(answer)}: {needed(answer)}", color=INK, pad=12, wrap=True)
        ax.set_xlabel("objects trained on")
        ax.set_ylabel(f"{answer.criterion.kind}{', nats' if in_nats(answer) else ''}")
        count_axis(ax.xaxis, low, high)
        ax.legend(loc="best", fontsize=10, framealpha=0.9, edgecolor="none", labelcolor=FAINT)


def draw_runs(answers: Sequence[RunsAnswer], directory: Path) -> list[Path]:
    """Write forecast-KIND-VALUE.svg and .png of each target below `directory` and return them."""
    paths = []
    for answer in answers:
        name = f"forecast-{answer.criterion.kind}-{answer.criterion.value:g}"
        paths += RunsDisplay(answer).save(directory / name)
    return paths
