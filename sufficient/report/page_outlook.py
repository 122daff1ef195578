"""Accuracy and loss on unseen objects as SVG data: measured, and forecast at twice the largest size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sufficient.answer.answer import Answer
from sufficient.answer.criteria import CriterionKind
from sufficient.report.marks import Path
from sufficient.report.page_chart import area, polyline
from sufficient.report.page_scale import Axis, Tick, count_ticks, value_ticks
from sufficient.rounding import interval, nats, objects, share

WIDTH, HEIGHT = 440, 290  # SVG units
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 26, 42


Points = list[tuple[int, float, bool]]  # (k, value, whether it learned)
Ahead = tuple[int, float, tuple[float, float]]  # k, value and its 90 % interval
Show = Callable[[float | None], str]


@dataclass(frozen=True)
class Dot:
    """One measured size."""

    x: float
    y: float
    learned: bool
    told: str


@dataclass(frozen=True)
class Double:
    """The forecast at twice the largest size, with its 90 % interval."""

    x: float
    y: float
    low: float
    high: float
    told: str


@dataclass(frozen=True)
class TargetLine:
    """A target in the quantity of its chart, and its forecast beyond the last size."""

    value: float
    text: str
    path: Path


@dataclass(frozen=True)
class OutlookChart:
    """One quantity over sample size."""

    title: str
    unit: str
    width: int
    height: int
    x: Axis
    y: Axis
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    line: str
    ahead: str  # from the last size to its double
    dots: tuple[Dot, ...]
    double: Double | None
    targets: tuple[Tick, ...]  # what was asked of it, each with its words
    fan: str  # forecast of a target, 90 %
    fan_line: str
    summary: str


def outlook_charts(answer: Answer) -> tuple[OutlookChart, ...]:
    """Return accuracy and unseen loss; none where no size has been run with a live replicate."""
    double = None if answer.outlook is None else answer.outlook.at_double
    accuracy = [(p.k, p.accuracy, p.learned) for p in answer.curve if p.accuracy is not None]
    losses = [(p.k, p.unseen_loss, p.learned) for p in answer.curve if p.unseen_loss is not None]
    if not accuracy or not losses:
        return ()
    return (
        _chart(
            "Accuracy on unseen objects", "", accuracy, share, room=0.1, most=1.0,
            asked=_target_lines(answer, ("accuracy", "error")),
            ahead=None if double is None else (double.k, double.accuracy, double.accuracy_interval),
        ),
        _chart(
            "Loss on unseen objects", "nats", losses, _loss, room=0.05, most=None,
            asked=_target_lines(answer, ("loss",)),
            ahead=None if double is None else (double.k, double.unseen_loss, double.unseen_loss_interval),
        ),
    )  # fmt: skip


def _target_lines(answer: Answer, kinds: Sequence[CriterionKind]) -> list[TargetLine]:
    """Return the targets of these kinds; a share of wrong answers as the accuracy that it leaves."""
    found = []
    for each in answer.asked:
        asked, path = each.criterion, () if each.forecast is None else each.forecast.path
        if asked.kind == "error":
            path = tuple((k, 1 - middle, 1 - high, 1 - low) for k, middle, low, high in path)
        if asked.kind in kinds:
            value = 1 - asked.value if asked.kind == "error" else asked.value
            found.append(TargetLine(value, asked.phrase, path))
    return found


def _chart(
    title: str,
    unit: str,
    points: Points,
    show: Show,
    *,
    room: float,
    most: float | None,
    asked: Sequence[TargetLine],
    ahead: Ahead | None,
) -> OutlookChart:
    """Return a chart; `room`: the least range worth stretching over it, `most`: a value never passed."""
    path: Path = next((line.path for line in asked if line.path), ())
    x, y = _axes(points, asked, path, ahead, room=room, most=most)
    learned = [(x.at(k), y.at(value)) for k, value, counts in points if counts]
    double = None if ahead is None else _double(ahead, x, y, show)
    return OutlookChart(
        title=title,
        unit=unit,
        width=WIDTH,
        height=HEIGHT,
        x=x,
        y=y,
        x_ticks=count_ticks(x, dense=False),
        y_ticks=value_ticks(y),
        line=polyline(learned),
        ahead="" if double is None or not learned or path else polyline([learned[-1], (double.x, double.y)]),
        dots=tuple(
            Dot(
                x.at(k),
                y.at(value),
                counts,
                f"k = {objects(k)}: {show(value)}{'' if counts else '; did not learn'}",
            )
            for k, value, counts in points
        ),
        double=double,
        targets=tuple(Tick(y.at(line.value), line.text) for line in asked),
        fan=area([(x.at(k), y.at(lo), y.at(hi)) for k, _, lo, hi in path]),
        fan_line=polyline((x.at(k), y.at(median)) for k, median, _, _ in path),
        summary=_summary(title, points, show, asked, double),
    )


def _axes(
    points: Points,
    asked: Sequence[TargetLine],
    path: Path,
    ahead: Ahead | None,
    *,
    room: float,
    most: float | None,
) -> tuple[Axis, Axis]:
    """Return the axes that hold everything drawn."""
    sizes = [k for k, _, _ in points] + ([ahead[0]] if ahead else []) + [step[0] for step in path]
    values = [value for _, value, _ in points] + (list(ahead[2]) if ahead else [])
    values += [line.value for line in asked] + [end for _, _, *span in path for end in span]
    span = max(max(values) - min(values), room)
    low = max(0.0, min(values) - 0.08 * span)
    high = max(values) + 0.08 * span
    high = high if most is None else min(most + 0.01 * span, high)
    x = Axis(min(sizes) / 1.2, max(sizes) * 1.2, LEFT, WIDTH - RIGHT, True)
    return x, Axis(low, max(high, low + room), HEIGHT - BOTTOM, TOP, False)


def _double(ahead: Ahead, x: Axis, y: Axis, show: Show) -> Double:
    k, value, (low, high) = ahead
    told = f"forecast at k = {objects(k)}: {show(value)}, 90 % {interval((low, high), show)}"
    return Double(x.at(k), y.at(value), y.at(low), y.at(high), told)


def _summary(
    title: str, points: Points, show: Show, asked: Sequence[TargetLine], double: Double | None
) -> str:
    (first, at_first, _), (last, at_last, _) = points[0], points[-1]
    return (
        f"{title}: {show(at_first)} at k = {objects(first)}, {show(at_last)} at k = {objects(last)}"
        f"{f'; {double.told}' if double else ''}{''.join(f'; asked is {line.text}' for line in asked)}."
    )


def _loss(value: float | None) -> str:
    return nats(value, 3)
