"""How every figure looks, and how it reaches the disk: same numbers, same bytes."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sufficient.answer.answer import Verdict
from sufficient.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart by every kind of colour vision.
MEASURED = "#0072B2"  # blue
LIMIT = "#C04A00"  # vermillion, dark enough for text
FORECAST = "#B07800"  # ochre
MET = "#007A5A"  # green
BOUND = "#8A5A7D"  # plum
GUIDE = "#8C8C8C"
INK = "#222222"
FAINT = "#5F5F5F"

VERDICT_COLOUR: dict[Verdict, str] = {"sufficient": MET, "insufficient": LIMIT, "inconclusive": BOUND}

STYLE = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same glyphs everywhere
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.labelsize": 11.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#9A9A9A",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelsize": 10.5,
    "ytick.labelsize": 10.5,
    "text.color": INK,
    "axes.grid": True,
    "grid.color": "#E9E9E9",
    "grid.linewidth": 0.8,
    "lines.solid_capstyle": "round",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.dpi": 160,
    "svg.hashsalt": "sufficient",  # ids of SVG elements no longer random
    "svg.fonttype": "path",
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw in our style whatever the user's matplotlibrc says, and leave theirs as it was."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        cast(Any, matplotlib.rcParams).update(STYLE)
        yield


def save(figure: Figure, stem: Path) -> list[Path]:
    """Write `stem`.svg and `stem`.png, whole or not at all, and return both. Call inside `styled()`."""
    paths = []
    for suffix, metadata in (("svg", {"Date": None, "Creator": None}), ("png", {"Software": None})):
        content = io.BytesIO()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing")  # a name in a script the font lacks
            figure.savefig(content, format=suffix, metadata=metadata)
        figure.set_layout_engine("none")  # laid out once: the second file would take as long again
        path = stem.with_name(f"{stem.name}.{suffix}")
        write_atomically(path, content.getvalue())
        paths.append(path)
    return paths


def titled(axes: Axes, title: str, subtitle: str, *, pad: float) -> None:
    """Write a title `pad` points above the axes, and what it is about in small letters below it."""
    axes.set_title(title, color=INK, fontsize=14, fontweight="bold", pad=pad)
    axes.text(0, 1.03, subtitle, transform=axes.transAxes, color=FAINT, fontsize=10.5)


def label(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    *,
    colour: str,
    ha: str = "left",
    va: str = "center",
    offset: tuple[float, float] = (0, 0),
    size: float = 10.5,
    rotation: float = 0,
) -> None:
    """Write beside a line, `offset` points away from (x, y), on a white halo that keeps it legible."""
    from matplotlib.patheffects import withStroke

    axes.annotate(
        text,
        (x, y),
        xytext=offset,
        textcoords="offset points",
        color=colour,
        ha=ha,
        va=va,
        fontsize=size,
        rotation=rotation,
        zorder=6,
        annotation_clip=False,
        path_effects=[withStroke(linewidth=3, foreground="white")],
    )


def count_axis(axis: Axis, low: float, high: float) -> None:
    """Label a log axis of objects: 50, 100, 200 … 1,000 where there is room, else powers of ten."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

    decades = math.log10(high / low)
    steps = (
        range(1, 10) if decades < 0.7 else (1, 2, 5) if decades < 2.2 else (1, 3) if decades < 3.2 else (1,)
    )
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**exponent for exponent in exponents for step in steps]
    axis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= high]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axis.set_minor_locator(LogLocator(subs=range(2, 10), numticks=99))
    axis.set_minor_formatter(NullFormatter())


def nats_axis(axis: Axis) -> None:
    """Label a log axis of nats as tolerances are typed: 1e-4, 1e-3, 0.01, 0.1."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    from sufficient.rounding import tolerance

    axis.set_major_locator(LogLocator(numticks=99))
    axis.set_major_formatter(FuncFormatter(lambda value, _: tolerance(value)))
    axis.set_minor_locator(LogLocator(subs=range(2, 10), numticks=99))
    axis.set_minor_formatter(NullFormatter())
