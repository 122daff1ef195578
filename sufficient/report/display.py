"""What every figure is: stored numbers, and `plot(ax=None)`, as scikit-learn's displays are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Self

from sufficient.report.style import styled

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

    @abstractmethod
    def draw(self, ax: Axes) -> None:
        """Draw the stored numbers on `ax`."""
