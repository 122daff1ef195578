"""Axes of the page's charts: numbers to places, and the ticks between."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sufficient.rounding import money, objects, tolerance

LINEAR_TICKS = 5


@dataclass(frozen=True)
class Axis:
    """A range of numbers laid over a range of places, logarithmically or not."""

    low: float
    high: float
    start: float  # place of `low`, SVG units
    end: float  # place of `high`
    log: bool

    def at(self, value: float) -> float:
        """Return the place of a value, rounded to a tenth of a unit; beyond the ends it goes on."""
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def holds(self, value: float | None) -> bool:
        """Return whether the value lies within the range."""
        return value is not None and self.low <= value <= self.high

    def plain(self) -> dict[str, float | bool]:
        """Return what the page's script needs to do the same."""
        return {"low": self.low, "high": self.high, "start": self.start, "end": self.end, "log": self.log}


@dataclass(frozen=True)
class Tick:
    """One labelled place of an axis."""

    at: float
    text: str


def count_ticks(axis: Axis, *, dense: bool = True) -> tuple[Tick, ...]:
    """Return ticks of an axis of objects; `dense` where there is room for more than powers of ten."""
    if not axis.log:
        return _ticks(axis, _evenly(axis), lambda value: objects(round(value)))
    decades = math.log10(axis.high / axis.low)
    if dense:
        steps = (1, 2, 5) if decades < 2.4 else (1, 3) if decades < 3.6 else (1,)
    else:
        steps = (1, 2, 5) if decades < 1.2 else (1, 3) if decades < 2.3 else (1,)
    return _ticks(axis, _powers(axis, steps), lambda value: objects(round(value)))


def nats_ticks(axis: Axis) -> tuple[Tick, ...]:
    """Return ticks of an axis of nats, written as tolerances are typed."""
    if axis.log:
        return _ticks(axis, _powers(axis, (1,)), tolerance)
    return _ticks(axis, _evenly(axis), lambda value: tolerance(value) if value else "0")


def money_ticks(axis: Axis) -> tuple[Tick, ...]:
    """Return ticks of a linear axis of money."""
    return _ticks(axis, _evenly(axis), money)


def value_ticks(axis: Axis) -> tuple[Tick, ...]:
    """Return ticks of a linear axis of plain values, all with as many decimals."""
    values = _evenly(axis)
    decimals = max((len(f"{value:g}".partition(".")[2]) for value in values), default=0)
    return _ticks(axis, values, lambda value: f"{value:.{decimals}f}")


def _ticks(axis: Axis, values: Iterable[float], show: Callable[[float], str]) -> tuple[Tick, ...]:
    return tuple(Tick(axis.at(value), show(value)) for value in values)


def _powers(axis: Axis, steps: tuple[int, ...]) -> list[float]:
    exponents = range(math.floor(math.log10(axis.low)), math.ceil(math.log10(axis.high)) + 1)
    values = [float(f"{step}e{exponent}") for exponent in exponents for step in steps]
    return [value for value in values if axis.low <= value <= axis.high]


def _evenly(axis: Axis) -> list[float]:
    """Return about five round values over a linear range."""
    rough = (axis.high - axis.low) / LINEAR_TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first = math.ceil(axis.low / step - 1e-9)
    last = math.floor(axis.high / step + 1e-9)
    return [float(f"{i * step:.10g}") for i in range(first, last + 1)]
