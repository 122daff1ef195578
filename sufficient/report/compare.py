"""Runs side by side at one tolerance: what each needs, and what follows where the intervals allow it."""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from sufficient import __version__
from sufficient.answer.answer import Answer, CurvePoint
from sufficient.errors import UsageError
from sufficient.report.compare_names import differing_aspects, names, told_apart
from sufficient.report.local_names import local
from sufficient.report.marks import HORIZONS, first_size
from sufficient.result import Estimate
from sufficient.rounding import listed, objects, tolerance

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sufficient.report.compare_figure import ComparisonDisplay

SCHEMA_VERSION = 1
LETTERS = string.ascii_uppercase  # what runs are called in sentences and beside their curves
OF_A_RUN = (  # parts of a run's result that stand in the comparison as they are
    "verdict", "reasons", "k_available", "k_sufficient", "k_interval", "forecast", "rate", "outlook",
    "data", "features", "model", "warnings", "curve",
)  # fmt: skip

Kind = Literal["k*", "at most", "forecast", "more than"]


@dataclass(frozen=True)
class Needed:
    """How many objects a run has to fit for the tolerance: k* (95 %), or its forecast (90 %)."""

    kind: Kind  # at most: met at the first size that learned, or forecast to be met within the sizes run
    k: int | None  # None where only a lower bound is known
    low: int | None  # interval; None is open
    high: int | None


@dataclass(frozen=True)
class Side:
    """One run of a comparison."""

    letter: str
    name: str  # what differs from the other runs
    estimate: Estimate  # judged at the comparison's tolerance
    needed: Needed | None  # None where nothing can be said
    common: CurvePoint | None  # at the comparison's common size


@dataclass(frozen=True)
class Difference:
    """Two runs of which one needs fewer objects beyond doubt: their intervals do not overlap."""

    fewer: str  # letter
    more: str
    times: float  # how many times fewer
    at_least: bool  # `times` is a lower bound


@dataclass(frozen=True)
class Comparison:
    """Two or more runs, judged at one tolerance (nats)."""

    tolerance: float
    common_k: int | None  # largest size that all have run, with learned networks if there is such a size
    sides: tuple[Side, ...]
    differences: tuple[Difference, ...]  # of the run that needs fewest, against each of the others
    notes: tuple[str, ...]  # what to know before reading differences

    def lines(self) -> list[str]:
        """Return the comparison in words: what follows, who is who, the table, notes."""
        from sufficient.report.compare_text import lines

        return lines(self)

    def plot(self, axes: Axes | None = None) -> ComparisonDisplay:
        """Draw all curves on matplotlib axes (new ones unless given); return the display."""
        from sufficient.report.compare_figure import ComparisonDisplay

        return ComparisonDisplay(self).plot(axes)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain JSON values, in the form of `compare.schema.json`."""
        from sufficient.report.compare_text import conclusions

        return {
            "schema_version": SCHEMA_VERSION,
            "tool": {"name": "sufficient", "version": __version__},
            "command": "compare",
            "tolerance": self.tolerance,
            "common_k": self.common_k,
            "conclusions": conclusions(self),
            "differences": [asdict(difference) for difference in self.differences],
            "notes": list(self.notes),
            "runs": [_run(side) for side in self.sides],
        }

    def to_html(self) -> str:
        """Return the comparison as one HTML file that needs no network."""
        from sufficient.report.compare_page import compare_page

        return compare_page(self)

    def __str__(self) -> str:
        return "\n".join(self.lines())


def compare(estimates: Sequence[Estimate], *, tol: float | None = None) -> Comparison:
    """Return the runs side by side, all judged at `tol` (nats), the first run's own unless given.

    Raises UsageError for fewer than 2 runs, more than there are letters for, or a tolerance that is none.
    """
    if len(estimates) < 2:
        raise UsageError(
            f"a comparison needs 2 runs or more, and {len(estimates)} was given; name another one."
        )
    if len(estimates) > len(LETTERS):
        raise UsageError(
            f"{len(estimates)} curves cannot be told apart on one figure; give at most {len(LETTERS)} runs."
        )
    asked = estimates[0].answer.tolerance if tol is None else tol
    specs = told_apart([str(estimate.record.data["spec"]) for estimate in estimates])
    judged = [
        _shown(estimate.judged(tol=asked), spec) for estimate, spec in zip(estimates, specs, strict=True)
    ]
    common = _common_size([estimate.answer for estimate in judged])
    sides = tuple(
        Side(letter, name, estimate, needed(estimate.answer), _at(estimate.answer, common))
        for letter, name, estimate in zip(LETTERS, names(judged), judged, strict=False)
    )
    return Comparison(
        tolerance=asked,
        common_k=common,
        sides=sides,
        differences=tuple(_differences(sides)),
        notes=tuple(_notes(estimates, judged, asked, common)),
    )


def needed(answer: Answer) -> Needed | None:
    """Return how many objects the answer's tolerance needs; None where no size and no bound is known.

    A forecast never lies below the last size run. Where that size does not rule the tolerance out, such an
    end bounds nothing: it is left open.
    """
    if answer.k_sufficient is not None:
        k, span = answer.k_sufficient, answer.k_interval or (None, None)
        return Needed("at most", k, None, k) if first_size(k, span) else Needed("k*", k, *span)
    if answer.forecast is None:
        return None
    k_needed, (low, high) = answer.forecast.k_needed, answer.forecast.k_interval
    last = answer.curve[-1]
    if k_needed is None:
        if answer.forecast.extrapolation != "beyond-10x":
            return None
        return Needed("more than", None, low or HORIZONS[-1] * last.k, None)
    ruled_out = last.lo is not None and last.lo > answer.tolerance
    if not ruled_out and low is not None and low <= last.k:
        low = None
    met_before = k_needed <= last.k and not ruled_out and high is not None
    return Needed("at most" if met_before else "forecast", k_needed, low, high)


def ranked(sides: Sequence[Side]) -> list[Side]:
    """Return the runs of which something is known, the one that needs fewest objects first."""
    known = [side for side in sides if side.needed is not None]
    return sorted(known, key=_place)


def _place(side: Side) -> tuple[bool, int, str]:
    assert side.needed is not None
    size = side.needed.k if side.needed.k is not None else side.needed.low
    return side.needed.k is None, size or 0, side.letter


def _differences(sides: Sequence[Side]) -> Iterator[Difference]:
    order = ranked(sides)
    for other in order[1:]:
        difference = _difference(order[0], other)
        if difference is not None:
            yield difference


def _difference(first: Side, second: Side) -> Difference | None:
    """Return by how much the first needs fewer objects; None where the intervals overlap or are open."""
    fewer, more = first.needed, second.needed
    if fewer is None or more is None or fewer.high is None or more.low is None or fewer.high >= more.low:
        return None
    if fewer.kind != "at most" and fewer.k and more.k:
        return Difference(first.letter, second.letter, more.k / fewer.k, at_least=False)
    return Difference(first.letter, second.letter, more.low / fewer.high, at_least=True)


def _common_size(answers: Sequence[Answer]) -> int | None:
    """Return the largest size at which all learned; failing that, at which all have live networks."""
    for wanted in (lambda point: point.learned, lambda point: point.difference is not None):
        sizes = [{point.k for point in answer.curve if wanted(point)} for answer in answers]
        if shared := set.intersection(*sizes):
            return max(shared)
    return None


def _at(answer: Answer, k: int | None) -> CurvePoint | None:
    return next((point for point in answer.curve if point.k == k), None)


def _shown(estimate: Estimate, spec: str) -> Estimate:
    """Return the estimate without paths of its machine, its data under this name."""
    shown = local(estimate)
    return replace(shown, record=replace(shown.record, data={**shown.record.data, "spec": spec}))


def _notes(
    given: Sequence[Estimate], judged: Sequence[Estimate], asked: float, common: int | None
) -> Iterator[str]:
    """Yield what a reader has to know before acting on a difference."""
    others = [
        f"{letter} was run for {tolerance(estimate.answer.tolerance)}"
        for letter, estimate in zip(LETTERS, given, strict=False)
        if estimate.answer.tolerance != asked
    ]
    if others:
        yield f"all are judged at tol {tolerance(asked)} nats; {', '.join(others)}."
    if len({estimate.options.confirm for estimate in judged}) > 1:
        yield "the runs ask for different numbers of sizes to confirm a verdict (--confirm)."
    if common is None:
        yield "no size was run by all: C, accuracy and loss cannot be held against each other."
    elif not all(point.learned for e in judged if (point := _at(e.answer, common))):
        yield f"at k = {objects(common)} not all had learned, and C of those says nothing."
    if len({len(estimate.record.classes) for estimate in judged}) > 1:
        yield "the runs have different numbers of classes: their losses and accuracies are on other scales."
    differing = differing_aspects(judged)
    if len(differing) > 1:
        yield f"the runs differ in {listed(differing)}: a difference cannot be laid to one of these alone."


def _run(side: Side) -> dict[str, Any]:
    result = side.estimate.to_dict()
    common = side.common
    return {
        "letter": side.letter,
        "name": side.name,
        "needed": None if side.needed is None else asdict(side.needed),
        "at_common": None if common is None else next(p for p in result["curve"] if p["k"] == common.k),
    } | {name: result[name] for name in OF_A_RUN}
