"""Accuracy and loss on unseen objects as SVG data: measured, and forecast at twice the largest size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sufficient.answer.answer import Answer
from sufficient.report.page_chart import polyline
from sufficient.report.page_scale import Axis, Tick, count_ticks, value_ticks
from sufficient.rounding import interval, nats, objects, share

WIDTH, HEIGHT = 440, 290  # SVG units
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 18, 42


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
            ahead=None if double is None else (double.k, double.accuracy, double.accuracy_interval),
        ),
        _chart(
            "Loss on unseen objects", "nats", losses, _loss, room=0.05, most=None,
            ahead=None if double is None else (double.k, double.unseen_loss, double.unseen_loss_interval),
        ),
    )  # fmt: skip


def _chart(
    title: str,
    unit: str,
    points: list[tuple[int, float, bool]],
    show: Callable[[float | None], str],
    *,
    room: float,
    most: float | None,
    ahead: tuple[int, float, tuple[float, float]] | None,
) -> OutlookChart:
    """Return a chart; `room`: the least range worth stretching over it, `most`: a value never passed."""
    sizes = [k for k, _, _ in points] + ([ahead[0]] if ahead else [])
    values = [value for _, value, _ in points] + (list(ahead[2]) if ahead else [])
    span = max(max(values) - min(values), room)
    low = max(0.0, min(values) - 0.08 * span)
    high = max(values) + 0.08 * span
    high = high if most is None else min(most + 0.01 * span, high)
    x = Axis(min(sizes) / 1.2, max(sizes) * 1.2, LEFT, WIDTH - RIGHT, True)
    y = Axis(low, max(high, low + room), HEIGHT - BOTTOM, TOP, False)
    learned = [(x.at(k), y.at(value)) for k, value, counts in points if counts]
    double = None
    if ahead is not None:
        told = f"{show(ahead[1])}, 90 % {interval(ahead[2], show)}"
        double = Double(
            x.at(ahead[0]), y.at(ahead[1]), y.at(ahead[2][0]), y.at(ahead[2][1]),
            f"forecast at k = {objects(ahead[0])}: {told}",
        )  # fmt: skip
    first, last = points[0], points[-1]
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
        ahead="" if double is None or not learned else polyline([learned[-1], (double.x, double.y)]),
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
        summary=f"{title}: {show(first[1])} at k = {objects(first[0])}, {show(last[1])} at "
        f"k = {objects(last[0])}{f'; {double.told}' if double else ''}.",
    )


def _loss(value: float | None) -> str:
    return nats(value, 3)
