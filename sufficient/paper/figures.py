"""The paper's figures: ours with every seed, the published curve dotted, the closed form beside them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from sufficient.files import make_folder, write_atomically
from sufficient.paper.claims import PANELS, Panel, index_of, live_networks
from sufficient.paper.protocol import DRAWN_LABEL, DRAWN_WIDTH, Network, Sweep
from sufficient.paper.published import PublishedCurve, published_curves
from sufficient.report.display import Display
from sufficient.report.style import FAINT, INK, nats_axis, styled
from sufficient.rounding import counted, objects

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Dark to light as h or L grows: told apart by lightness, so by every kind of colour vision and in grey.
COLOURS = ("#2D1160", "#8C2981", "#D3436E", "#F2834C", "#E3B505")
DOTS = (0, (0.5, 1.6))
FIXED: dict[Panel, str] = {"width": f"L = {DRAWN_LABEL}", "depth": f"h = {DRAWN_WIDTH}"}
VARIED: dict[Panel, str] = {"width": "the hidden width h", "depth": "the depth L"}
INPUTS = {
    "pixels": "pixels",
    "cls": "ViT features, class token",
    "pooler": "ViT features, pooler output",
    "features": "features from a file",
}
TITLES = {"mnist": "MNIST", "fashionmnist": "FashionMNIST", "cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}


@dataclass(frozen=True)
class PanelCurve:
    """One network of a panel; the arrays are None where every seed is dead."""

    network: Network
    live: int  # seeds
    seeds: int
    middle: NDArray[np.float64] | None  # (G,) median of the smoothed curves over live seeds, nats
    low: NDArray[np.float64] | None  # (G,)
    high: NDArray[np.float64] | None  # (G,)
    closed: NDArray[np.float64] | None  # (G,) C/(k + 1), C the median over live seeds
    published: PublishedCurve | None

    def name(self, panel: Panel) -> str:
        """Return `h = 4 (2 of 5 dead)`."""
        value = f"h = {self.network.hidden}" if panel == "width" else f"L = {self.network.label}"
        dead = self.seeds - self.live
        return f"{value} ({dead} of {self.seeds} dead)" if dead else value


@dataclass(eq=False)
class PanelDisplay(Display):
    """One panel of the paper's figures 2 to 5: the numbers that are drawn, and how."""

    size: ClassVar = (7.6, 5.2)
    panel: Panel
    title: str
    subtitle: str
    grid: NDArray[np.int64]  # (G,) k
    curves: tuple[PanelCurve, ...]  # five
    paper_inputs: bool = True  # the paper's own inputs

    @classmethod
    def from_sweep(cls, sweep: Sweep, panel: Panel, *, paper_inputs: bool = True) -> PanelDisplay:
        """Return the display of one panel of a sweep, on the paper's own inputs or on others."""
        return cls(
            panel=panel,
            title=f"{TITLES.get(sweep.dataset, sweep.dataset)}, {INPUTS[sweep.mode]}: {VARIED[panel]}",
            subtitle=f"{objects(sweep.objects)} objects, {FIXED[panel]}, {counted(len(sweep.seeds), 'seed')}",
            grid=sweep.grid,
            curves=tuple(_curve(sweep, panel, network) for network in PANELS[panel]),
            paper_inputs=paper_inputs,
        )

    def draw(self, ax: Axes) -> None:
        """Draw every network's curves and the legends."""
        from matplotlib.ticker import FuncFormatter

        ax.set_yscale("log")
        for curve, colour in zip(self.curves, COLOURS, strict=True):
            self._draw_curve(ax, curve, colour)
        ax.set_title(self.title, color=INK, fontsize=13, fontweight="bold", pad=24)
        ax.text(0, 1.025, self.subtitle, transform=ax.transAxes, color=FAINT, fontsize=10.5)
        ax.set_xlabel("objects k")
        ax.set_ylabel("|L(k+1) − L(k)| at the fitted point, nats")
        ax.set_xlim(0, 1.01 * int(self.grid[-1]))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        nats_axis(ax.yaxis)
        self._legend(ax)

    def _draw_curve(self, axes: Axes, curve: PanelCurve, colour: str) -> None:
        name = curve.name(self.panel)
        if curve.middle is None or curve.low is None or curve.high is None or curve.closed is None:
            axes.plot([], [], color=colour, linewidth=2, label=name)  # its name stands in the legend
        else:
            axes.fill_between(
                self.grid,
                curve.low,
                curve.high,
                color=colour,
                alpha=0.13,
                linewidth=0,
                label=f"{name}: seeds",
            )
            axes.plot(self.grid, curve.middle, color=colour, linewidth=1.8, label=name, zorder=3)
            axes.plot(
                self.grid, curve.closed, color=colour, linewidth=0.7, alpha=0.9, label=f"{name}: closed form"
            )
        if curve.published is not None and curve.published.values is not None:
            axes.plot(
                curve.published.k,
                curve.published.values,
                color=colour,
                linewidth=2,
                linestyle=DOTS,
                dash_capstyle="round",
                marker="o",
                markersize=3,
                label=f"{name}: published",
                zorder=4,
            )

    def _legend(self, axes: Axes) -> None:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        lines = {str(line.get_label()): line for line in axes.lines}
        names = [curve.name(self.panel) for curve in self.curves]
        axes.add_artist(
            axes.legend(
                handles=[lines[name] for name in names if name in lines], loc="upper right", frameon=False
            )
        )
        key: list[Artist] = [Line2D([], [], color=FAINT, linewidth=1.8, label="ours, median of live seeds")]
        if max(curve.live for curve in self.curves) > 1:
            key.append(Patch(color=FAINT, alpha=0.25, linewidth=0, label="ours, all live seeds"))
        key.append(Line2D([], [], color=FAINT, linewidth=0.7, label="closed form C/(k + 1), unsmoothed"))
        if any(curve.published is not None for curve in self.curves):
            key.append(
                Line2D(
                    [], [], color=FAINT, linewidth=2, linestyle=DOTS, dash_capstyle="round",
                    label="published, one training" + ("" if self.paper_inputs else ", on other inputs"),
                )
            )  # fmt: skip
        axes.legend(
            handles=key,
            loc="upper left",
            bbox_to_anchor=(0.15, 1.0),
            frameon=False,
            fontsize=9.5,
            labelcolor=FAINT,
        )


def draw_panels(sweep: Sweep, directory: Path, *, paper_inputs: bool = True) -> list[Path]:
    """Write both panels of a sweep as PDF, SVG and PNG below `directory`; return their paths."""
    make_folder(directory, option=None)
    paths = []
    for panel in PANELS:
        display = PanelDisplay.from_sweep(sweep, panel, paper_inputs=paper_inputs)
        stem = directory / f"{sweep.name}-{panel}"
        paths += display.save(stem)
        with styled():
            paths.append(_save_pdf(cast("Figure", display.figure_), stem))  # save() made it: no subfigure
    return paths


def _save_pdf(figure: Figure, stem: Path) -> Path:
    """Write `stem`.pdf without date or program, so that the same numbers give the same bytes."""
    content = io.BytesIO()
    figure.savefig(content, format="pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None})
    path = stem.with_name(f"{stem.name}.pdf")
    write_atomically(path, content.getvalue())
    return path


def _curve(sweep: Sweep, panel: Panel, network: Network) -> PanelCurve:
    at = index_of(network)
    live = live_networks(sweep)[:, at]
    curves, constants = sweep.drawn[live, at], sweep.constant[live, at]
    seen = bool(live.any())
    return PanelCurve(
        network=network,
        live=int(live.sum()),
        seeds=len(sweep.seeds),
        middle=np.median(curves, axis=0) if seen else None,
        low=curves.min(axis=0) if seen else None,
        high=curves.max(axis=0) if seen else None,
        closed=float(np.median(constants)) / (sweep.grid + 1) if seen else None,
        published=next(
            (
                curve
                for curve in published_curves(sweep.dataset, sweep.mode)
                if (curve.panel, curve.network) == (panel, network)
            ),
            None,
        ),
    )
