"""What stands on the curve's figure at a size: k* or its forecast, each with its interval."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sufficient.answer.answer import Answer, Forecast, SizeInterval
from sufficient.report.criteria_text import forecast_digits
from sufficient.report.style import FAINT, FORECAST, MET, label
from sufficient.rounding import about, ends

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HORIZONS = (4, 10)  # times the largest size: beyond the first a rough guide, beyond the second only a bound
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
    k, span, digits = forecast.k_needed, forecast.k_interval, forecast_digits(forecast)
    if k is not None:
        return f"forecast: {about(k, digits)} needed", f"90 % {ends(span, like=k, digits=digits)}"
    return () if span[0] is None else (f"forecast: more than {about(span[0], 2)} needed",)


def first_size(k: int, span: SizeInterval) -> bool:
    """Return whether k* is only the first size that learned."""
    return span[0] is None and span[1] in (None, k)


def draw_forecast(forecast: Forecast, last: int, tol: float, axes: Axes) -> None:
    """Draw the forecast path beyond the `last` size run, and where it meets tol."""
    low, high = axes.get_xlim()
    path = [step for step in forecast.path if step[0] <= high]
    if path:
        sizes = [step[0] for step in path]
        axes.fill_between(
            sizes,
            [step[2] for step in path],
            [step[3] for step in path],
            color=FORECAST,
            alpha=0.18,
            linewidth=0,
            zorder=2.2,
            label="90 % forecast",
        )
        axes.plot(
            sizes, [step[1] for step in path], color=FORECAST, linewidth=1.8, zorder=2.6, label="forecast"
        )
    for times in HORIZONS:
        if times * last < high:
            axes.axvspan(times * last, high, color="#000000", alpha=0.035, linewidth=0, zorder=0.5)
        if times * last < high / 1.25:
            label(
                axes,
                times * last,
                axes.get_ylim()[1],
                f"{times} ×",
                colour=FAINT,
                va="top",
                offset=(4, -18),
                size=9.5,
            )
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
    after = position(axes, k) < LEFT_THIRD
    label(
        axes,
        k,
        axes.get_ylim()[0],
        text,
        colour=colour,
        ha="left" if after else "right",
        va="bottom",
        offset=(7 if after else -7, 7),
        size=11.5,
    )


def position(axes: Axes, k: float) -> float:
    """Return where k stands on the log axis, 0 left to 1 right."""
    low, high = axes.get_xlim()
    return math.log(k / low) / math.log(high / low)
