"""Class by class: how well each is told, and how much of the error it makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from sufficient.answer.answer import ClassAnswer, Level
from sufficient.answer.per_class import worst
from sufficient.errors import DataError
from sufficient.report.display import Display
from sufficient.report.style import FAINT, INK, LIMIT, MEASURED, label
from sufficient.rounding import objects

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sufficient.result import Estimate

MOST_BARS = 20  # classes: more bars than this are not read one by one
LONGEST_NAME = 24  # characters


@dataclass(eq=False)
class PerClassDisplay(Display):
    """Share of the remaining error of the worst classes, 95 % intervals, with the objects that each has."""

    size: ClassVar = (8.4, 6.4)
    classes: tuple[ClassAnswer, ...]  # the largest share first

    @classmethod
    def from_estimate(cls, estimate: Estimate) -> Self:
        """Return the display of an estimate's classes; DataError where nothing is wrong or was learned."""
        classes = estimate.answer.per_class
        if not classes or classes[0].share_of_error is None:
            why = "no unseen object was told wrongly" if classes else "no size of this study learned"
            raise DataError(
                f"{why}, so there is no error to share among the classes; AccuracyDisplay shows accuracy."
            )
        return cls(classes)

    def draw(self, ax: Axes) -> None:
        """Draw one bar a class, the worst on top, beside its share of the objects."""
        shown, everything = self.classes[:MOST_BARS], sum(each.objects for each in self.classes)
        named = {each.name for each in worst(self.classes)}
        shares = [each.share_of_error or Level(0.0, 0.0, 0.0) for each in shown]
        rows = range(len(shown))
        ax.barh(
            rows,
            [100 * level.value for level in shares],
            xerr=[
                [100 * max(level.value - level.lo, 0.0) for level in shares],
                [100 * max(level.hi - level.value, 0.0) for level in shares],
            ],
            color=[LIMIT if each.name in named else MEASURED for each in shown],
            ecolor=INK,
            error_kw={"elinewidth": 1.1, "capsize": 2.5},
            height=0.66,
            label="share of the error",
        )
        ax.plot(
            [100 * each.objects / everything for each in shown],
            rows,
            linewidth=0,
            marker="|",
            markersize=13,
            markeredgewidth=2,
            color=FAINT,
            label="share of the objects",
        )
        _labels(ax, shown, shares, left_out=len(self.classes) - len(shown))


def _labels(ax: Axes, shown: Sequence[ClassAnswer], shares: Sequence[Level], *, left_out: int) -> None:
    ax.set_yticks(range(len(shown)), [_name(each.name) for each in shown], parse_math=False)
    ax.invert_yaxis()
    ax.grid(visible=False, axis="y")
    right = max(ax.dataLim.x1, 100 * max(level.hi for level in shares))  # the marks of the objects among it
    ax.set_xlim(0, right * 1.5)
    for row, each in enumerate(shown):
        told = "" if each.accuracy is None else f"accuracy {each.accuracy.value:.3f}, "
        label(
            ax,
            right,
            row,
            f"{told}{objects(each.objects)} objects",
            colour=FAINT,
            offset=(6, 0),
            size=9.5,
        )
    ax.set_title("Which classes is the remaining error in?", color=INK, pad=12)
    rest = f"; {objects(left_out)} classes with less are left out" if left_out else ""
    ax.set_xlabel(f"% of all wrong answers, 95 % intervals (grey: % of the objects){rest}")


def _name(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
