"""Lemma 1's curves above the measured one: the valid one solid, the approximate ones dashed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self, cast

from sufficient.answer.ladder import Rung, RungName, StageLadder, ladder
from sufficient.files import make_folder
from sufficient.report.display import Display
from sufficient.report.style import (
    BOUND,
    FAINT,
    FORECAST,
    GUIDE,
    INK,
    LIMIT,
    MEASURED,
    MET,
    count_axis,
    label,
    nats_axis,
    titled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sufficient.result import Estimate

APPROXIMATE = "approximate: rests on Assumption 1 and the G-term"
COLOUR: dict[RungName, str] = {
    "M_ℓ alone": INK,
    "exact": MET,
    "activation": FORECAST,
    "corrected": BOUND,
    "corrected, one M_W": FAINT,
    "printed": LIMIT,
}
NAME: dict[RungName, str] = {
    "M_ℓ alone": r"$M_\ell/(k + 1)$, valid",
    "exact": "exact curvature",
    "activation": "activation",
    "corrected": "corrected",
    "corrected, one M_W": r"corrected, one $M_W$",
    "printed": "as printed",
}
LINE_HEIGHT = 15.0  # points that a name at the right edge needs


@dataclass(eq=False)
class LadderDisplay(Display):
    """Measured δ_k and Lemma 1's bounds on it, nats over objects."""

    size: ClassVar = (9.6, 6.4)
    ladder: tuple[StageLadder, ...]

    @classmethod
    def from_estimate(cls, estimate: Estimate, *, radius: float | None = None) -> Self:
        """Return the display of an estimate's ladder, for the distances moved or for one `radius`."""
        return cls(ladder(estimate.record, radius=radius))

    def draw(self, ax: Axes) -> None:
        """Draw the measured difference and every bound above it."""
        subtitle = f"Black: valid for every network. Dashed: {APPROXIMATE}"
        titled(ax, "Lemma 1 above the measured difference", subtitle, pad=32)
        ax.set_xlabel("objects fitted k")
        ax.set_ylabel("change of the mean loss by one more object, nats")
        measured = [stage for stage in self.ladder if stage.difference]
        if not measured:
            ax.text(0.5, 0.5, "no difference was measured", transform=ax.transAxes, ha="center", color=FAINT)
            return
        ax.set_xscale("log")
        ax.set_yscale("log")
        curves = {name: curve for name in COLOUR if (curve := _curve(measured, name))}
        _limits(measured, curves, ax)
        for name, curve in curves.items():
            _bound(name, curve, ax)
        _measured(measured, ax)
        ends = {name: curve[-1][1].bound or 0.0 for name, curve in curves.items()}
        _names(measured, ends, ax)


def draw_ladder(stages: tuple[StageLadder, ...], directory: Path) -> list[Path]:
    """Write bounds.svg and bounds.png below `directory` and return them.

    Raises ResourceError when the disk says no.
    """
    make_folder(directory, option=None)
    return LadderDisplay(stages).save(directory / "bounds")


def _curve(stages: Sequence[StageLadder], name: RungName) -> list[tuple[int, Rung]]:
    rungs = [(stage.k, stage.rung(name)) for stage in stages]
    return [(k, rung) for k, rung in rungs if rung is not None and rung.bound]


def _limits(
    stages: Sequence[StageLadder], curves: dict[RungName, list[tuple[int, Rung]]], axes: Axes
) -> None:
    """Set limits with room for the names at the right."""
    low, high = stages[0].k, stages[-1].k
    depths = [cast(float, stage.difference) for stage in stages]
    tops = [rung.bound or 0.0 for curve in curves.values() for _, rung in curve]
    axes.set_xlim(low / 1.2, high * 1.2)
    axes.set_ylim(min(depths) / 3, max(tops + depths) * 3)
    count_axis(axes.xaxis, *axes.get_xlim())
    nats_axis(axes.yaxis)


def _bound(name: RungName, curve: Sequence[tuple[int, Rung]], axes: Axes) -> None:
    valid = curve[0][1].valid
    axes.plot(
        [k for k, _ in curve],
        [rung.bound or math.nan for _, rung in curve],
        color=COLOUR[name],
        linewidth=2.0 if valid else 1.5,
        linestyle="-" if valid else (0, (5, 2.5)),
        marker="" if len(curve) > 1 else "_",
        zorder=3 if valid else 2,
        label=name if valid else f"{name} ({APPROXIMATE})",
    )


def _measured(stages: Sequence[StageLadder], axes: Axes) -> None:
    for learned, fill, name in ((True, MEASURED, "measured"), (False, "white", "did not learn")):
        group = [stage for stage in stages if stage.learned is learned]
        if group:
            axes.plot(
                [stage.k for stage in group],
                [cast(float, stage.difference) for stage in group],
                color=MEASURED,
                linewidth=1.8 if learned else 0,
                marker="o",
                markersize=5.5,
                markerfacecolor=fill,
                zorder=4,
                label=name,
            )


def _names(stages: Sequence[StageLadder], ends: dict[RungName, float], axes: Axes) -> None:
    """Name every curve beside its last point, names kept apart where curves meet."""
    k, difference = stages[-1].k, cast(float, stages[-1].difference)
    hollow = "" if all(stage.learned for stage in stages) else "\nhollow: did not learn"
    wanted = [(difference, f"measured{hollow}", MEASURED)]
    wanted += [(end, NAME[name], COLOUR[name]) for name, end in ends.items()]
    wanted.sort(key=lambda item: item[0])
    low, high = axes.get_ylim()
    edge = axes.get_xlim()[1]
    height = axes.get_window_extent().height * 72 / axes.figure.dpi  # points
    gap, above = (high / low) ** (LINE_HEIGHT / height), 0.0
    for end, text, colour in wanted:
        above = max(end, above * gap)
        label(axes, edge, above, text, colour=colour, offset=(6, 0))
        axes.plot([k, edge], [end, above], color=GUIDE, linewidth=0.6, zorder=1, label="_to its name")
