"""The paper's own figure for the user's data: one fitted network, its losses in random orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sufficient.errors import DataError
from sufficient.landscape.difference import ORDERS, mean_absolute_difference, permuted_differences
from sufficient.report.display import Display
from sufficient.report.style import FAINT, LIMIT, MEASURED, label, nats_axis, titled
from sufficient.rounding import nats, objects
from sufficient.study.keys import numpy_generator
from sufficient.study.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sufficient.result import Estimate

DRAWN = 800  # points that are drawn: a page shows no more, and the SVG stays small


@dataclass(eq=False)
class PaperViewDisplay(Display):
    """Mean |L_{k+1}(θ̂) − L_k(θ̂)| over random orders of the losses, and its closed form MAD/(k + 1)."""

    size: ClassVar = (8, 5)
    sizes: NDArray[np.int64]  # (m − 1,) k = 1 … m − 1
    permuted: NDArray[np.float64]  # (m − 1,) mean over the orders, nats
    closed: NDArray[np.float64]  # (m − 1,) nats
    orders: int

    @classmethod
    def from_losses(cls, losses: ArrayLike, *, orders: int = ORDERS, seed: int = 0) -> PaperViewDisplay:
        """Return the display of a vector of at least 2 losses at one fixed θ̂, nats."""
        permuted = permuted_differences(losses, orders, random=numpy_generator("paper view", seed))
        sizes = np.arange(1, len(permuted) + 1)
        return cls(sizes, permuted, mean_absolute_difference(losses, sizes), orders)

    @classmethod
    def from_record(cls, record: Record) -> PaperViewDisplay | None:
        """Return the display of the last stage's first network on its fitted objects; None without one."""
        if record.last is None or not record.stages:
            return None
        fitted = record.shares.fitted(0, record.stages[-1].size)
        if len(fitted) < 2:
            return None
        return cls.from_losses(record.last.all_losses[fitted], seed=int(record.options.get("seed", 0)))

    @classmethod
    def from_estimate(cls, estimate: Estimate) -> PaperViewDisplay:
        """Return the display of an estimate's last stage; DataError where its record holds none."""
        found = cls.from_record(estimate.record)
        if found is None:
            raise DataError(
                "this record keeps no losses of a last size with 2 or more objects, so there is no view of "
                "the paper's to draw; run the study to its end."
            )
        return found

    def draw(self, ax: Axes) -> None:
        """Draw the mean over random orders and the closed form."""
        m = int(self.sizes[-1]) + 1
        subtitle = f"one network fitted on {objects(m)} objects, the losses of these same objects"
        titled(ax, "The paper's view: in-sample, not the verdict", subtitle, pad=30)
        ax.set_xlabel("objects k")
        ax.set_ylabel("|L(k+1) − L(k)| at the fitted point, nats")
        if self.closed[0] <= 0:
            dead = "every loss is the same: all differences are 0 (a dead network)"
            ax.text(0.5, 0.5, dead, transform=ax.transAxes, ha="center", color=FAINT)
        else:
            self._draw_lines(ax, m)

    def _draw_lines(self, ax: Axes, m: int) -> None:
        """Draw both lines and their names, from `m` losses."""
        from matplotlib.ticker import FuncFormatter

        drawn = (
            np.unique(np.r_[np.geomspace(1, m - 1, DRAWN // 4), np.linspace(1, m - 1, DRAWN)].astype(int)) - 1
        )
        orders = f"mean of {self.orders} random orders"
        sizes, permuted, closed = self.sizes[drawn], self.permuted[drawn], self.closed[drawn]
        ax.semilogy(sizes, permuted, color=MEASURED, linewidth=1.0, alpha=0.9, label=orders)
        ax.semilogy(sizes, closed, color=LIMIT, linewidth=2, label="closed form")
        ax.set_xlim(0, m)
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        nats_axis(ax.yaxis)
        at = max(1, 2 * m // 5)
        level = float(self.closed[at - 1])
        label(ax, at, level, orders, colour=MEASURED, offset=(0, 36))
        formula = f"closed form: {nats(2 * self.closed[0])}/(k + 1)"
        label(ax, at, level, formula, colour=LIMIT, ha="right", offset=(0, -36))
