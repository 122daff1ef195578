"""The paper's panels and the claims' slopes as SVG data: every number placed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sufficient.paper.claims import Claim, Panel
from sufficient.paper.figures import PanelCurve, PanelDisplay
from sufficient.paper.published import published_slopes
from sufficient.paper.report import SweepReport
from sufficient.paper.text import claim_effect
from sufficient.report.page_chart import area, polyline
from sufficient.report.page_scale import Axis, Tick, count_ticks, nats_ticks, value_ticks
from sufficient.rounding import nats, objects, signed

WIDTH, HEIGHT = 440, 330  # SVG units of a panel
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 22, 46
POINTS = 60  # of a drawn curve: more cannot be seen at this width
ROW = 24  # SVG units of one sweep among the slopes
SLOPES_WIDTH, SLOPES_LEFT = 440, 142


@dataclass(frozen=True)
class DrawnCurve:
    """One network of a panel. `d` strings of SVG paths, "" where there is nothing to draw."""

    name: str
    colour: int  # 1 to 5, darker to lighter as h or L grows
    band: str
    line: str
    closed: str
    published: tuple[tuple[float, float], ...]  # places
    told: str


@dataclass(frozen=True)
class PanelChart:
    """One panel of the paper's figures, ours over the published curves."""

    title: str
    subtitle: str
    width: int
    height: int
    x: Axis
    y: Axis
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    curves: tuple[DrawnCurve, ...]
    published: bool
    paper_inputs: bool
    summary: str


@dataclass(frozen=True)
class Slope:
    """α or β of one sweep with its interval over seeds, and that of the published run."""

    name: str
    finding: str
    row: float
    at: float | None
    low: float | None
    high: float | None
    published: float | None
    told: str


@dataclass(frozen=True)
class SlopeChart:
    """One claim over all sweeps, against 0."""

    title: str
    width: int
    height: int
    x: Axis
    y: Axis
    x_ticks: tuple[Tick, ...]
    zero: float
    slopes: tuple[Slope, ...]
    summary: str


def panel_chart(report: SweepReport, panel: Panel) -> PanelChart:
    """Return one panel of a sweep: every k of the published curves, ours thinned to what can be seen."""
    saved = report.saved
    display = PanelDisplay.from_sweep(saved.sweep, panel, paper_inputs=saved.origin.paper_inputs)
    grid = display.grid
    x = Axis(0.0, 1.01 * float(grid[-1]), LEFT, WIDTH - RIGHT, False)
    y = _nats_axis(display.curves, float(grid[-1]))
    kept = _thinned(grid)
    return PanelChart(
        title=display.title,
        subtitle=display.subtitle,
        width=WIDTH,
        height=HEIGHT,
        x=x,
        y=y,
        x_ticks=count_ticks(x),
        y_ticks=nats_ticks(y),
        curves=tuple(
            _drawn(curve, panel, number, grid, kept, x, y)
            for number, curve in enumerate(display.curves, start=1)
        ),
        published=any(curve.published is not None for curve in display.curves),
        paper_inputs=display.paper_inputs,
        summary=f"{display.title}. " + "; ".join(_told(curve, panel) for curve in display.curves) + ".",
    )


def slope_chart(reports: Sequence[SweepReport], key: str, title: str) -> SlopeChart:
    """Return claim (a) or (b) of every sweep with its interval, and the published run's slope."""
    found = [(report, next(c for c in report.claims.claims if c.key == key)) for report in reports]
    published = [_published(report, key) for report, _ in found]
    ends = [0.0, *(value for value in published if value is not None)]
    for _, claim in found:
        ends += [value for value in (claim.effect, *(claim.interval or ())) if value is not None]
    room = 0.08 * (max(ends) - min(ends)) or 0.5
    height = TOP + len(found) * ROW + 30
    x = Axis(min(ends) - room, max(ends) + room, SLOPES_LEFT, SLOPES_WIDTH - RIGHT, False)
    y = Axis(0.0, 1.0, height - 30, TOP, False)
    return SlopeChart(
        title=title,
        width=SLOPES_WIDTH,
        height=height,
        x=x,
        y=y,
        x_ticks=tuple(Tick(tick.at, tick.text.replace("-", "−")) for tick in value_ticks(x)),
        zero=x.at(0.0),
        slopes=tuple(
            _slope(report, claim, value, TOP + (i + 0.5) * ROW, x)
            for i, ((report, claim), value) in enumerate(zip(found, published, strict=True))
        ),
        summary=f"{title}: "
        + "; ".join(f"{report.saved.sweep.name} {claim_effect(claim)}" for report, claim in found),
    )


def _slope(report: SweepReport, claim: Claim, published: float | None, row: float, x: Axis) -> Slope:
    low, high = claim.interval or (None, None)
    also = "" if published is None else f"; the published run {signed(published)}"
    return Slope(
        name=report.saved.sweep.name,
        finding=claim.finding,
        row=round(row, 1),
        at=None if claim.effect is None else x.at(claim.effect),
        low=None if low is None else x.at(low),
        high=None if high is None else x.at(high),
        published=None if published is None else x.at(published),
        told=f"{report.saved.sweep.name}: {claim.finding}, {claim_effect(claim)}{also}",
    )


def _published(report: SweepReport, key: str) -> float | None:
    slopes = published_slopes(report.saved.sweep.dataset, report.saved.sweep.mode)
    return None if slopes is None else slopes.alpha if key == "a" else slopes.beta


def _nats_axis(curves: Sequence[PanelCurve], last: float) -> Axis:
    """Return an axis for all curves from k = 10 on: what is drawn before runs out at the top."""
    lows, highs = [], []
    for curve in curves:
        drawn = [values for values in (curve.low, curve.closed) if values is not None]
        lows += [float(values[values > 0].min()) for values in drawn if bool((values > 0).any())]
        highs += [] if curve.high is None else [float(curve.high.max())]
        if curve.published is not None and curve.published.values is not None:
            lows.append(float(curve.published.values.min()))
            highs.append(float(curve.published.values.max()))
    low, high = min(lows, default=0.1 / last), max(highs, default=1.0)
    return Axis(low / 1.3, max(high * 1.3, 10 * low), HEIGHT - BOTTOM, TOP, True)


def _thinned(grid: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return places of the grid: dense where the curves are steep, both ends kept."""
    if len(grid) <= POINTS:
        return np.arange(len(grid))
    wanted = np.concatenate(
        [np.geomspace(grid[0], grid[-1], POINTS // 2), np.linspace(grid[0], grid[-1], POINTS // 2)]
    )
    return np.unique(np.abs(grid[None] - wanted[:, None]).argmin(axis=1))


def _drawn(
    curve: PanelCurve,
    panel: Panel,
    number: int,
    grid: NDArray[np.int64],
    kept: NDArray[np.int64],
    x: Axis,
    y: Axis,
) -> DrawnCurve:
    band = line = closed = ""
    if curve.middle is not None and curve.low is not None and curve.high is not None:
        sizes = [x.at(float(k)) for k in grid[kept]]
        low, high, middle = (_heights(values[kept], y) for values in (curve.low, curve.high, curve.middle))
        band = area(list(zip(sizes, low, high, strict=True)))
        line = polyline(zip(sizes, middle, strict=True))
        if curve.closed is not None:
            closed = polyline(zip(sizes, _heights(curve.closed[kept], y), strict=True))
    dots: tuple[tuple[float, float], ...] = ()
    if curve.published is not None and curve.published.values is not None:
        pairs = zip(curve.published.k.tolist(), curve.published.values.tolist(), strict=True)
        dots = tuple((x.at(k), y.at(value)) for k, value in pairs if x.holds(k) and y.holds(value))
    return DrawnCurve(curve.name(panel), number, band, line, closed, dots, _told(curve, panel))


def _heights(values: NDArray[np.float64], y: Axis) -> list[float]:
    return [y.at(float(min(max(value, y.low / 10), y.high * 10))) for value in values]


def _told(curve: PanelCurve, panel: Panel) -> str:
    if curve.middle is None or curve.closed is None:
        ours = "all seeds dead"
    else:
        ours = f"ours {nats(float(curve.middle[-1]))} nats at the last k"
    published = ""
    if curve.published is not None:
        values = curve.published.values
        published = (
            ", not drawn in the paper"
            if values is None
            else f", published {nats(float(values[-1]))} nats at k = {objects(int(curve.published.k[-1]))}"
        )
    return f"{curve.name(panel)}: {ours}{published}"
