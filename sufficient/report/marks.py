"""What stands on the curve's figure at a size: k* or its forecast, each with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sufficient.answer.answer import Answer, Forecast, SizeInterval
from sufficient.answer.horizon import FARTHEST, NEAR
from sufficient.report.criteria_text import at_least, farthest, forecast_digits
from sufficient.report.style import FAINT, FORECAST, MEASURED, MET, label
from sufficient.rounding import about, ends

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Path = Sequence[tuple[int, float, float, float]]  # (k, median, low, high)
HORIZONS = (NEAR, FARTHEST)  # times the largest size
NAME = 0.36  # of the width: what the name of a mark takes
LEFT_THIRD = 0.34  # a label goes to the right of what stands left of it


def mark_lines(answer: Answer) -> tuple[str, ...]:
    """Return what the mark of an answer is called: k* or its forecast, each with its interval."""
    if answer.k_sufficient is not None:
        return k_star_lines(answer.k_sufficient, answer.k_interval or (None, None))
    return () if answer.forecast is None else forecast_lines(answer.forecast)


def k_star_lines(k: int, span: SizeInterval) -> tuple[str, ...]:
    """Return `k* = 3,520`, `95 % [3,280, 3,790]`; met at the first size it is an upper bound only."""
    if first_size(k, span):
        return (f"k* ≤ {about(k)}",)
    return f"k* = {about(k)}", f"95 % {ends(span, like=k)}"


def forecast_lines(forecast: Forecast) -> tuple[str, ...]:
    """Return `forecast: 8,810 needed`, `90 % [8,400, 9,300]`, or a lower bound, or nothing."""
    k, span, digits = forecast.k_needed, forecast.k_interval, forecast_digits(forecast.extrapolation)
    if forecast.notices:
        return ()
    if k is None:
        sure = "" if span[0] is None else "probably "
        return f"forecast: {sure}more than {farthest(forecast)} needed", at_least(forecast)
    if forecast.extrapolation == "none":
        return "forecast: met at the last size", "one more size to confirm it"
    return f"forecast: {about(k, digits)} needed", f"90 % {ends(span, like=k, digits=digits)}"


def first_size(k: int, span: SizeInterval) -> bool:
    """Return whether k* is only the first size that learned."""
    return span[0] is None and span[1] in (None, k)


def horizon_name(times: int) -> str:
    """Return what a horizon is called: `4 × measured`."""
    return f"{times} × measured"


def draw_forecast(forecast: Forecast, last: int, tol: float, axes: Axes) -> None:
    """Draw the forecast path beyond the `last` size run, and where it meets tol."""
    low, high = axes.get_xlim()
    draw_fan([step for step in forecast.path if step[0] <= high], axes)
    draw_horizons(last, axes)
    text = "\n".join(forecast_lines(forecast))
    if forecast.k_needed is not None:
        _mark(axes, forecast.k_needed, forecast.k_interval, tol, text, colour=FORECAST)
    elif forecast.k_interval[0] is not None:
        lower = forecast.k_interval[0]
        if low < lower < high:
            axes.axvspan(lower, high, color=FORECAST, alpha=0.10, linewidth=0, zorder=1)
        label(
            axes,
            high,
            axes.get_ylim()[0],
            text,
            colour=FORECAST,
            ha="right",
            va="bottom",
            offset=(-6, 8),
            size=11.5,
        )


def draw_fan(path: Path, axes: Axes) -> None:
    """Draw a forecast path with its 90 % band; nothing of an empty one."""
    if not path:
        return
    sizes, middle, low, high = zip(*path, strict=True)
    axes.fill_between(
        sizes, low, high, color=FORECAST, alpha=0.18, linewidth=0, zorder=2.2, label="90 % forecast"
    )
    axes.plot(sizes, middle, color=FORECAST, linewidth=1.8, zorder=2.6, label="forecast")


def draw_horizons(last: int, axes: Axes) -> None:
    """Shade what lies beyond each horizon, named above the axes, where nothing else stands."""
    high, top = axes.get_xlim()[1], axes.get_ylim()[1]
    for times in HORIZONS:
        if times * last < high:
            axes.axvspan(times * last, high, color="#000000", alpha=0.035, linewidth=0, zorder=0.5)
            ha = "right" if times == NEAR else "center"  # the two are 0.4 decades apart
            name = horizon_name(times)
            label(axes, times * last, top, name, colour=FAINT, ha=ha, va="bottom", offset=(0, 1.5), size=8.5)


def draw_band(
    sizes: Sequence[int], low: Sequence[float], high: Sequence[float], axes: Axes, *, zorder: float = 1
) -> None:
    """Draw the 95 % band of what was measured."""
    axes.fill_between(
        sizes, low, high, color=MEASURED, alpha=0.22, linewidth=0, zorder=zorder, label="95 % band"
    )


def draw_k_star(k: int, span: SizeInterval, tol: float, axes: Axes) -> None:
    """Mark k* with its interval."""
    text = "\n".join(k_star_lines(k, span))
    _mark(axes, k, (None, k) if first_size(k, span) else span, tol, text, colour=MET)


def _mark(axes: Axes, k: int, span: SizeInterval, tol: float, text: str, *, colour: str) -> None:
    """Mark where tol is met, with its interval over the whole height, named at the bottom."""
    left, right = axes.get_xlim()
    low, high = span
    axes.axvspan(
        left if low is None else low,
        right if high is None else min(high, right),
        color=colour,
        alpha=0.13,
        linewidth=0,
        zorder=1,
        label="interval",
    )
    axes.plot(
        [k, k],
        [axes.get_ylim()[0], tol],
        color=colour,
        linewidth=2,
        zorder=2.4,
        marker="D",
        markevery=[1],
        markersize=7,
        label=text.splitlines()[0],
    )
    name_mark(axes, k, span, axes.get_ylim()[0], text, colour=colour)


def name_mark(
    axes: Axes, k: int, span: SizeInterval, y: float, text: str, *, colour: str, below: bool = False
) -> None:
    """Write the name of a mark at the height y, beside its interval where there is room, else beside k."""
    after, (low, high) = position(axes, k) < LEFT_THIRD, span
    if after and high is not None and position(axes, high) < 1 - NAME:
        k = high
    elif not after and low is not None and position(axes, low) > NAME:
        k = low
    offset = (7 if after else -7, -7 if below else 7)
    ha, va = "left" if after else "right", "top" if below else "bottom"
    label(axes, k, y, text, colour=colour, ha=ha, va=va, offset=offset, size=11.5)


def position(axes: Axes, k: float) -> float:
    """Return where k stands on the log axis, 0 left to 1 right."""
    low, high = axes.get_xlim()
    return math.log(k / low) / math.log(high / low)
