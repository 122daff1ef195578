"""What every figure is: stored numbers and `plot(ax=None)`, as scikit-learn's displays are.

| display | shows |
| --- | --- |
| `CurveDisplay` | δ_k against the tolerance, 1/k, Lemma 1's bound, k* or its forecast |
| `AccuracyDisplay` | accuracy on unseen objects, and at twice the largest size |
| `FanDisplay` | the forecast to 10 × the largest size, with its horizons |
| `TargetFanDisplay` | the same for a target: `from_estimate(e, "accuracy=0.95")` |
| `PerClassDisplay` | the share of the remaining error of each class |
| `LadderDisplay` | the ladder of Lemma 1's bounds |
| `PaperViewDisplay` | the paper's own figure for this data |

These are made with `from_estimate(e)`. Four more draw other things: `PlanDisplay` a plan, `ComparisonDisplay`
a comparison of runs, `RunsDisplay` the forecast of somebody else's runs, and
`PanelDisplay.from_sweep(sweep, panel)` the panels of the paper's figures. Each is a name of the package:
`sufficient.CurveDisplay` and so on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from sufficient.report.style import save, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure


class Display(ABC):
    """A figure that has its numbers already. After `plot` it has `ax_` and `figure_`."""

    size: ClassVar[tuple[float, float]] = (8.4, 5.4)  # inches of a new figure
    ax_: Axes
    figure_: Figure | SubFigure

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on `ax`, or on a new figure, in our style whatever the matplotlibrc says; return self."""
        with styled():
            if ax is None:
                from matplotlib.figure import Figure

                ax = Figure(figsize=self.size, layout="constrained").add_subplot()
            self.draw(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def save(self, stem: Path, *, margin: float | None = None) -> list[Path]:
        """Write `stem`.svg and `stem`.png of a new figure and return both; `margin`: inches at its edges.

        Raises ResourceError when the disk says no.
        """
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine

        with styled():
            layout = ConstrainedLayoutEngine(h_pad=margin, w_pad=margin)
            figure = Figure(figsize=self.size, layout=layout)
            self.plot(figure.add_subplot())
            return save(figure, stem)

    @abstractmethod
    def draw(self, ax: Axes) -> None:
        """Draw the stored numbers on `ax`."""
