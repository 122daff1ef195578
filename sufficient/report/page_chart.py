"""The curve as SVG data: every number of the drawing, placed; the template only writes it down."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from sufficient.answer.answer import Answer, CurvePoint
from sufficient.report.marks import HORIZONS, LEFT_THIRD, Path, horizon_name
from sufficient.report.page_scale import Axis, Tick, count_ticks, nats_ticks
from sufficient.report.page_table import Row
from sufficient.report.reference import bound_values, lower_end, upper_end
from sufficient.rounding import interval, nats, objects, share

Width = Literal["wide", "narrow"]
Scale = Literal["log", "linear"]
MARK_WIDTH = 190  # SVG units: `forecast: 12,100 needed` in the chart's letters; page.js has it, too
NAME_WIDTH = 112  # SVG units: `7,000 available` in the chart's letters
LINEAR_TOP = 25  # × tol, the height of a linear drawing: more would press the tolerance into the axis

SIZE: dict[Width, tuple[int, int]] = {"wide": (940, 460), "narrow": (380, 400)}  # SVG units = CSS pixels
MARGIN: dict[Width, tuple[int, int, int, int]] = {  # left, right, top, bottom
    "wide": (62, 14, 26, 46),
    "narrow": (46, 10, 26, 42),
}


@dataclass(frozen=True)
class StageMark:
    """One measured size."""

    x: float
    y: float
    low: float  # place of the interval's ends
    high: float
    learned: bool
    told: str  # its numbers in words


@dataclass(frozen=True)
class Mark:
    """Where the tolerance is met or forecast to be met. The script moves it."""

    x: float
    left: float  # place of the interval's ends
    right: float
    lines: tuple[str, ...]
    text: float  # where its lines begin or end: beside the interval where there is room
    after: bool  # the text stands right of the mark
    sure: bool  # k*, not a forecast


@dataclass(frozen=True)
class CurveChart:
    """The measured difference against the tolerance. Places in SVG units, `d` strings of SVG paths."""

    key: str  # unique among charts, the same for the same numbers
    kind: Width
    x: Axis
    y: Axis
    width: int
    height: int
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    band: str
    line: str
    stages: tuple[StageMark, ...]
    bound: str
    rate: str
    fan: str
    fan_line: str
    horizons: tuple[Tick, ...]
    available: float | None
    available_text: str
    available_before: bool  # its text stands left of the line
    tolerance: float
    mark_line: float  # where the mark's first line of text stands: where the curve is not
    shown: str
    mark: Mark | None
    lower_bound: tuple[str, ...]  # "forecast: more than …", where there is no mark
    summary: str  # alternative text

    @property
    def scale(self) -> Scale:
        """Return "log" or "linear"."""
        return "log" if self.x.log else "linear"


def stage_words(point: CurvePoint) -> str:
    """Return the numbers of a stage in one line."""
    change = f"{nats(point.difference, 3)} {interval((point.lo, point.hi), lambda end: nats(end, 3))}"
    learned = "" if point.learned else "; did not learn"
    dead = f"; {point.dead} dead" if point.dead else ""
    return (
        f"k = {objects(point.k)}: δ = {change} nats (95 %), C = {nats(point.constant, 3)}, "
        f"accuracy {share(point.accuracy)}, unseen loss {nats(point.unseen_loss, 3)} nats, "
        f"{point.replicates} replicates{dead}{learned}"
    )


def curve_chart(
    answer: Answer, row: Row, path: Path, *, kind: Width, scale: Scale, floor: float
) -> CurveChart:
    """Return the chart for one answer, with room for every tolerance down to `floor` (nats).

    `row` is the answer's row of the table; `path` the forecast beyond the last size, () without one.
    """
    points = [point for point in answer.curve if point.difference is not None and point.difference > 0]
    x, y = _axes(answer, points, path, kind, log=scale == "log", floor=floor)
    learned = [point for point in points if point.learned]
    drawn = [step for step in path if step[0] <= x.high]
    last = answer.curve[-1].k if answer.curve else 0
    key = hashlib.sha256(repr((answer, kind, scale, floor)).encode()).hexdigest()[:8]
    return CurveChart(
        key=f"chart-{kind}-{scale}-{key}",
        kind=kind,
        x=x,
        y=y,
        width=SIZE[kind][0],
        height=SIZE[kind][1],
        x_ticks=count_ticks(x, dense=kind == "wide"),
        y_ticks=nats_ticks(y),
        band=area([(x.at(p.k), end_place(y, lower_end(p)), end_place(y, upper_end(p))) for p in learned]),
        line=polyline((x.at(p.k), y.at(cast(float, p.difference))) for p in learned),
        stages=tuple(stage_mark(point, x, y) for point in points if y.holds(point.difference)),
        bound=_bound(points, x, y),
        rate=_rate(learned, x, y),
        fan=area([(x.at(k), end_place(y, low), end_place(y, high)) for k, _, low, high in drawn]),
        fan_line=polyline((x.at(k), y.at(median)) for k, median, _, _ in drawn),
        horizons=tuple(
            Tick(x.at(times * last), horizon_name(times))
            for times in HORIZONS
            if path and times * last < x.high
        ),
        available=x.at(answer.k_available) if x.holds(answer.k_available) else None,
        available_text=f"{objects(answer.k_available)} available",
        available_before=_left_of_available(answer, row, x),
        tolerance=y.at(answer.tolerance),
        mark_line=y.start - 26 if x.log else y.end + 62,
        shown=row.shown,
        mark=_mark(row, x),
        lower_bound=() if row.k is not None else row.mark,
        summary=_summary(points, row),
    )


def _axes(
    answer: Answer, points: Sequence[CurvePoint], path: Path, kind: Width, *, log: bool, floor: float
) -> tuple[Axis, Axis]:
    """Return axes that hold all that is marked; linear ones look at the measured curve, not far ahead."""
    width, height = SIZE[kind]
    left, right, top, bottom = MARGIN[kind]
    sizes = [point.k for point in answer.curve] or [32]
    far = float(max(*sizes, answer.k_available))
    if log:
        far = max(far, path[-1][0] if path else 0)
        depths = [floor, answer.tolerance, *map(lower_end, points), *(step[2] for step in path)]
        tops = [answer.tolerance, *map(upper_end, points), *bound_values(list(points))]
        return (
            Axis(min(sizes) / 1.25, far * 1.15, left, width - right, True),
            Axis(min(depths) / 1.6, max(tops) * 1.6, height - bottom, top, True),
        )
    needed = answer.forecast.k_needed if answer.forecast is not None else None
    far = max(2 * sizes[-1] if path else far, min(needed or 0, 10 * sizes[-1])) * 1.05
    highest = max([1.2 * answer.tolerance, *(1.05 * upper_end(point) for point in points)])
    highest = min(highest, LINEAR_TOP * answer.tolerance)
    return (
        Axis(0.0, far, left, width - right, False),
        Axis(0.0, highest, height - bottom, top, False),
    )


def stage_mark(point: CurvePoint, x: Axis, y: Axis) -> StageMark:
    """Return a measured size with its interval, placed."""
    return StageMark(
        x=x.at(point.k),
        y=y.at(cast(float, point.difference)),
        low=end_place(y, lower_end(point)),
        high=end_place(y, upper_end(point)),
        learned=point.learned,
        told=stage_words(point),
    )


def _left_of_available(answer: Answer, row: Row, x: Axis) -> bool:
    """Return whether the name of the fit pool stands left of its line: away from the mark, given room."""
    place, marked = x.at(answer.k_available), None if row.k is None else x.at(row.k)
    if place - x.start < LEFT_THIRD * (x.end - x.start):
        return False
    return x.end - place < NAME_WIDTH or marked is None or marked > place


def _bound(points: Sequence[CurvePoint], x: Axis, y: Axis) -> str:
    bounded = [point for point in points if point.largest_loss]
    return polyline(
        (x.at(point.k), y.at(value))
        for point, value in zip(bounded, bound_values(list(bounded)), strict=True)
    )


def _rate(learned: Sequence[CurvePoint], x: Axis, y: Axis) -> str:
    """Return δ k/k′ through the last learned size: a straight line on log axes."""
    if not learned:
        return ""
    k, difference = learned[-1].k, cast(float, learned[-1].difference)
    first = max(x.low, k * difference / (4 * y.high), 1.0)
    steps = [first * (x.high / first) ** (i / 60) for i in range(61)]
    return polyline(
        (x.at(size), y.at(difference * k / size)) for size in ([steps[0], steps[-1]] if x.log else steps)
    )


def _mark(row: Row, x: Axis) -> Mark | None:
    if row.k is None or not x.holds(row.k):
        return None
    place = x.at(row.k)
    left = x.start if row.low is None else max(x.at(row.low), x.start)
    right = x.end if row.high is None else min(x.at(row.high), x.end)
    after = (place - x.start) < LEFT_THIRD * (x.end - x.start)
    if after:
        text = right + 6 if x.end - right > MARK_WIDTH else place + 9
    else:
        text = left - 6 if left - x.start > MARK_WIDTH else place - 9
    return Mark(
        x=place,
        left=left,
        right=right,
        lines=row.mark,
        text=text,
        after=after,
        sure=row.verdict == "sufficient",
    )


def _summary(points: Sequence[CurvePoint], row: Row) -> str:
    if not points:
        return f"No difference could be measured. {row.headline}"
    first, last = points[0], points[-1]
    return (
        "Change of the mean loss by one more object, against objects fitted: "
        f"{nats(first.difference)} nats at k = {objects(first.k)}, {nats(last.difference)} nats at "
        f"k = {objects(last.k)}; the tolerance is {row.shown} nats. {row.headline}"
    )


def end_place(y: Axis, value: float) -> float:
    """Return the place of an interval's end; what a log axis cannot hold stands far below."""
    return y.at(max(value, y.low / 1e3) if y.log else value)


def polyline(places: Iterable[tuple[float, float]]) -> str:
    """Return the path through the places; "" for fewer than 2."""
    steps = [f"{_place(px)},{_place(py)}" for px, py in places]
    return "M" + "L".join(steps) if len(steps) > 1 else ""


def area(steps: Sequence[tuple[float, float, float]]) -> str:
    """Return the outline between low and high ends; "" for fewer than 2 steps."""
    if len(steps) < 2:
        return ""
    there = [(px, high) for px, _, high in steps]
    back = [(px, low) for px, low, _ in reversed(steps)]
    return polyline([*there, *back]) + "Z"


def _place(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if math.isfinite(value) else "0"
