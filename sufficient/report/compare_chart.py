"""Curves of several runs as SVG data: one below another's letter, and what each needs, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from sufficient.answer.answer import CurvePoint
from sufficient.answer.horizon import FARTHEST
from sufficient.report.compare import Comparison, Side
from sufficient.report.compare_text import need_words
from sufficient.report.marks import LEFT_THIRD, Path
from sufficient.report.page_chart import (
    MARGIN,
    SIZE,
    StageMark,
    Width,
    area,
    end_place,
    polyline,
    stage_mark,
)
from sufficient.report.page_scale import Axis, Tick, count_ticks, nats_ticks
from sufficient.report.reference import lower_end, upper_end
from sufficient.rounding import nats, objects, tolerance

COLOURS = 6  # then dashes tell curves apart
LEFT_PART = 0.45  # of the axis: what begins right of it has its words on its left
ROW = 24  # SVG units of one run below the curves
GAP = 62  # between the curves and the first row: axis and heading
TOLD_GAP = 12  # between an interval and its words
BESIDE, ABOVE = 4, -6  # the words' line against the row
CHARACTER = 7.0  # width of one, at most on average
LETTER_ROOM = 16  # SVG units between the letters beside the curves


@dataclass(frozen=True)
class Series:
    """One run's curve. Places in SVG units, `d` strings of SVG paths."""

    letter: str
    colour: int  # 1 to COLOURS
    dash: int  # 0 for the first COLOURS runs
    band: str
    line: str
    ahead: str  # forecast, to where the tolerance is met
    stages: tuple[StageMark, ...]
    letter_x: float
    letter_y: float
    row: float  # place of its row
    size: float | None  # of what it needs, None where no one size is known
    left: float | None  # of the interval; None: nothing is known
    right: float | None
    open_left: bool
    open_right: bool
    told: str  # what it needs, in words
    told_x: float  # their place: beside the interval, else above it
    told_y: float
    told_before: bool  # they end there


@dataclass(frozen=True)
class CompareChart:
    """All curves against the tolerance, and below them what each run needs."""

    kind: Width
    width: int
    height: int
    x: Axis
    y: Axis
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    tolerance: float
    shown: str
    common: float | None
    common_text: str
    common_before: bool  # its text stands left of the line
    heading: float  # place of the rows' heading
    rows_end: float
    series: tuple[Series, ...]
    summary: str


def compare_chart(comparison: Comparison, kind: Width) -> CompareChart:
    """Return the chart of a comparison."""
    width, height = SIZE[kind]
    points = [_measured(side) for side in comparison.sides]
    x, y = _axes(comparison, points, kind)
    shown = tolerance(comparison.tolerance)
    below = y.start + GAP
    letters = _spread([_letter_place(run, x, y) for run in points])
    series = tuple(
        _series(comparison, i, points[i], x, y, below + (i + 0.5) * ROW, letters[i])
        for i in range(len(comparison.sides))
    )
    common = comparison.common_k
    return CompareChart(
        kind=kind,
        width=width,
        height=round(below + len(series) * ROW + 8) if series else height,
        x=x,
        y=y,
        x_ticks=count_ticks(x, dense=kind == "wide"),
        y_ticks=nats_ticks(y),
        tolerance=y.at(comparison.tolerance),
        shown=shown,
        common=None if common is None else x.at(common),
        common_text="" if common is None else f"k = {objects(common)}",
        common_before=common is not None and x.at(common) - x.start > LEFT_THIRD * (x.end - x.start),
        heading=below - 6,
        rows_end=below + len(series) * ROW,
        series=series,
        summary=_summary(comparison, points),
    )


def _measured(side: Side) -> list[CurvePoint]:
    return [p for p in side.estimate.answer.curve if p.difference is not None and p.difference > 0]


def _path(side: Side) -> Path:
    """Return the forecast up to where the tolerance is met, not what lies beyond."""
    forecast, needed = side.estimate.answer.forecast, side.needed
    if forecast is None or needed is None:
        return ()
    reach = needed.k
    return tuple(step for step in forecast.path if reach is None or step[0] <= 1.3 * reach)


def _axes(comparison: Comparison, points: Sequence[Sequence[CurvePoint]], kind: Width) -> tuple[Axis, Axis]:
    width, height = SIZE[kind]
    left, right, top, bottom = MARGIN[kind]
    flat = [point for run in points for point in run]
    sizes = [point.k for side in comparison.sides for point in side.estimate.answer.curve] or [32]
    far = [float(max(sizes))]
    for side in comparison.sides:
        ends = [] if side.needed is None else [side.needed.k, side.needed.low, side.needed.high]
        far += [float(min(end, FARTHEST * max(sizes))) for end in ends if end is not None]
    depths = [comparison.tolerance, *map(lower_end, flat)]
    depths += [step[1] for side in comparison.sides for step in _path(side)]
    tops = [comparison.tolerance, *map(upper_end, flat)]
    return (
        Axis(min(sizes) / 1.25, max(far) * 1.2, left, width - right - LETTER_ROOM, True),
        Axis(min(depths) / 1.6, max(tops) * 1.6, height - bottom, top, True),
    )


def _series(
    comparison: Comparison,
    i: int,
    points: Sequence[CurvePoint],
    x: Axis,
    y: Axis,
    row: float,
    letter: tuple[float, float],
) -> Series:
    side = comparison.sides[i]
    learned = [point for point in points if point.learned]
    path = [step for step in _path(side) if step[0] <= x.high and y.holds(step[1])]
    need = side.needed
    low, high = (None, None) if need is None else (need.low, need.high)
    left = None if need is None else x.start if low is None else min(x.at(low), x.end)
    right = None if need is None else x.end if high is None else min(x.at(high), x.end)
    told = need_words(side)
    (told_x, above), told_before = _told_place(left, right, len(told) * CHARACTER, x)
    return Series(
        letter=side.letter,
        colour=i % COLOURS + 1,
        dash=i // COLOURS,
        band=area([(x.at(p.k), end_place(y, lower_end(p)), end_place(y, upper_end(p))) for p in learned]),
        line=polyline((x.at(p.k), y.at(cast(float, p.difference))) for p in learned),
        ahead=polyline((x.at(k), y.at(median)) for k, median, _, _ in path),
        stages=tuple(stage_mark(point, x, y) for point in points if y.holds(point.difference)),
        letter_x=letter[0],
        letter_y=letter[1],
        row=round(row, 1),
        size=None if need is None or need.k is None or not x.holds(need.k) else x.at(need.k),
        left=left,
        right=right,
        open_left=low is None,
        open_right=high is None or high > x.high,
        told=told,
        told_x=round(told_x, 1),
        told_y=round(row + above, 1),
        told_before=told_before,
    )


def _told_place(
    left: float | None, right: float | None, width: float, x: Axis
) -> tuple[tuple[float, float], bool]:
    """Return where words of this width stand, from the row, and whether they end there: in the drawing."""
    if left is None or right is None:
        return (x.start + TOLD_GAP, BESIDE), False
    if left - x.start > LEFT_PART * (x.end - x.start):
        return (left - TOLD_GAP, BESIDE), True
    edge = x.end + LETTER_ROOM
    if right + TOLD_GAP + width <= edge:
        return (right + TOLD_GAP, BESIDE), False
    if left - TOLD_GAP - width >= x.start:
        return (left - TOLD_GAP, BESIDE), True
    return (max(right - TOLD_GAP, x.start + width), ABOVE), True


def _letter_place(points: Sequence[CurvePoint], x: Axis, y: Axis) -> tuple[float, float]:
    """Return the place of a curve's letter: right of its last measured size."""
    if not points:
        return x.end + 4, y.end
    last = points[-1]
    return x.at(last.k) + 9, y.at(cast(float, last.difference)) + 4


def _spread(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the places moved up where letters would lie on each other: below them run the forecasts."""
    spread = list(places)
    order = sorted(range(len(places)), key=lambda i: -places[i][1])
    for n, i in enumerate(order):
        for below in order[:n]:
            close = abs(spread[i][0] - spread[below][0]) < LETTER_ROOM
            if close and spread[below][1] - spread[i][1] < LETTER_ROOM:
                spread[i] = (spread[i][0], spread[below][1] - LETTER_ROOM)
    return [(round(px, 1), round(py, 1)) for px, py in spread]


def _summary(comparison: Comparison, points: Sequence[Sequence[CurvePoint]]) -> str:
    told = []
    for side, run in zip(comparison.sides, points, strict=True):
        if run:
            at = f"{nats(run[-1].difference)} nats at k = {objects(run[-1].k)}"
            told.append(f"{side.letter}, {side.name}: {at}, needs {need_words(side)}")
        else:
            told.append(f"{side.letter}, {side.name}: nothing could be measured")
    return (
        "Change of the mean loss by one more object, against objects fitted, for each run; the tolerance is "
        f"{tolerance(comparison.tolerance)} nats. {'; '.join(told)}."
    )
