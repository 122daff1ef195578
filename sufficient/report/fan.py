"""The forecast alone: where the measured curve goes, how surely, and how far it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, cast

from sufficient.answer.answer import Answer, CurvePoint, Forecast
from sufficient.answer.horizon import FARTHEST
from sufficient.errors import DataError
from sufficient.report.display import Display
from sufficient.report.marks import draw_band, draw_forecast
from sufficient.report.reference import lower_end, tolerance_line, upper_end
from sufficient.report.style import INK, MEASURED, count_axis, nats_axis
from sufficient.rounding import tolerance

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sufficient.result import Estimate


@dataclass(eq=False)
class FanDisplay(Display):
    """Measured δ_k, its forecast to 10 × the largest size with a 90 % band, and the horizons 4 × and 10 ×."""

    points: tuple[CurvePoint, ...]  # learned sizes
    forecast: Forecast
    answer: Answer

    @classmethod
    def from_estimate(cls, estimate: Estimate) -> Self:
        """Return the display of tol's forecast; DataError where there is none: met, or too few sizes."""
        answer = estimate.answer.of_tolerance
        if answer.forecast is None:
            tol = tolerance(answer.tolerance)
            why = (
                f"tol {tol} nats is met, so nothing is forecast for it; draw CurveDisplay, or another "
                "tolerance with estimate.judged(tol=…)"
                if answer.k_sufficient is not None
                else f"too few sizes learned to forecast what tol {tol} nats needs; CurveDisplay shows what "
                "was measured"
            )
            raise DataError(f"{why}.")
        return cls(tuple(point for point in answer.curve if point.learned), answer.forecast, answer)

    def draw(self, ax: Axes) -> None:
        """Draw the curve, the fan and where it meets the tolerance."""
        last, tol = self.answer.curve[-1].k, self.answer.tolerance
        lows = [low for _, _, low, _ in self.forecast.path] + [lower_end(point) for point in self.points]
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xlim(self.points[0].k / 1.3, FARTHEST * last * 1.4)
        ax.set_ylim(min(*lows, tol) / 3, max(tol, *(upper_end(point) for point in self.points)) * 2)
        tolerance_line(self.answer, list(self.points), ax)
        draw_forecast(self.forecast, last, tol, ax)
        sizes = [point.k for point in self.points]
        draw_band(sizes, [*map(lower_end, self.points)], [*map(upper_end, self.points)], ax)
        ax.plot(
            sizes,
            [cast(float, point.difference) for point in self.points],
            color=MEASURED,
            linewidth=1.8,
            marker="o",
            markersize=5,
            label="measured",
        )
        ax.set_title("Where the curve goes", color=INK, pad=12)
        ax.set_xlabel("objects fitted k")
        ax.set_ylabel("change of the mean loss by one more object, nats")
        count_axis(ax.xaxis, *ax.get_xlim())
        nats_axis(ax.yaxis)
