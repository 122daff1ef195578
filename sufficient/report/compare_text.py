"""A comparison in words: strings only, no colour, no printing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sufficient.answer.answer import CurvePoint
from sufficient.report.compare import Comparison, Difference, Needed, Side, ranked
from sufficient.report.criteria_text import forecast_digits
from sufficient.rounding import about, ends, interval, listed, nats, objects, share, signed, tolerance

ABREAST = 3  # runs beside each other on a terminal
GAP = 2  # spaces between columns


def conclusions(comparison: Comparison) -> list[str]:
    """Return what follows, a sentence each, differences first: which run needs fewer objects, if one does."""
    order = ranked(comparison.sides)
    differing = {difference.more for difference in comparison.differences}
    others = sorted(order[1:], key=lambda side: side.letter not in differing)  # stable
    said = [_against(comparison, order[0], other) for other in others]
    silent = [side.letter for side in comparison.sides if side.needed is None]
    if silent:
        verb = "needs" if len(silent) == 1 else "need"
        said.append(f"What {listed(silent)} {verb} cannot be told at this tolerance.")
    if len(order) == 1:
        only, tol = order[0], tolerance(comparison.tolerance)
        said.insert(0, f"{only.letter} needs {need_words(only)} objects for tol {tol}.")
    return said


def lines(comparison: Comparison) -> list[str]:
    """Return the conclusions, which run is which, the table, and the notes."""
    told = conclusions(comparison)
    width = max(len(label) for label, _ in rows(comparison)) + GAP
    shown = [*told, ""]
    shown += [f"{side.letter:<{width}}{side.name}" for side in comparison.sides]
    for start in range(0, len(comparison.sides), ABREAST):
        shown += ["", *_table(comparison, slice(start, start + ABREAST), width)]
    if comparison.notes:
        shown.append("")
        for position, note in enumerate(comparison.notes):
            shown.append(f"{'' if position else 'note':<{width}}{note}")
    return shown


def rows(comparison: Comparison) -> list[tuple[str, tuple[str, ...]]]:
    """Return label → one cell a run: everything that runs are held against each other by."""
    at = "" if comparison.common_k is None else f" at k = {objects(comparison.common_k)}"
    cells: list[tuple[str, Callable[[Side], str]]] = [
        ("verdict", lambda side: side.estimate.answer.verdict),
        (f"objects for tol {tolerance(comparison.tolerance)}", _need_with_level),
        ("available to fit", lambda side: objects(side.estimate.answer.k_available)),
    ]
    if at:
        cells += [
            (f"C{at}, nats", lambda side: _constant(side.common)),
            (f"accuracy{at}", lambda side: share(None if side.common is None else side.common.accuracy)),
            (
                f"unseen loss{at}",
                lambda side: nats(None if side.common is None else side.common.unseen_loss, 3),
            ),
        ]
    cells += [
        ("rate exponent", _rate),
        ("accuracy at the last size", _accuracy),
        ("with twice as many", _double),
    ]
    return [(label, tuple(cell(side) for side in comparison.sides)) for label, cell in cells]


def need_words(side: Side) -> str:
    """Return `k* 3,610 [3,310, 3,910]`, `about 9,410 [8,690, 10,400]`, or a bound."""
    need = side.needed
    if need is None:
        return "cannot be told"
    if need.kind == "more than":
        return f"more than {about(need.low or 0, 2)}"
    assert need.k is not None
    if need.kind == "at most":
        return f"at most {about(need.high or need.k)}"
    digits = _digits(side)
    return f"{'k* ' if need.kind == 'k*' else 'about '}{about(need.k, digits)} {_span(need, digits)}"


def _need_with_level(side: Side) -> str:
    need = side.needed
    level = 95 if side.estimate.answer.k_sufficient is not None else 90
    return need_words(side) + ("" if need is None else f" ({level} %)")


def _against(comparison: Comparison, first: Side, other: Side) -> str:
    found = next((d for d in comparison.differences if d.more == other.letter), None)
    tol = tolerance(comparison.tolerance)
    if found is None:
        one, two = sorted((first, other), key=lambda side: side.letter)
        return (
            f"{one.letter} and {two.letter} cannot be told apart at tol {tol}: {need_words(one)} against "
            f"{need_words(two)} ({_why(first, other)})."
        )
    return (
        f"{found.fewer} needs {_times(found)} fewer objects than {found.more} for tol {tol}: "
        f"{need_words(first)} against {need_words(other)} (intervals do not overlap)"
        f"{_sooner(first, other)}."
    )


def _why(first: Side, other: Side) -> str:
    """Return why no difference follows; `first` is the one that seems to need fewer."""
    high, low = first.needed and first.needed.high, other.needed and other.needed.low
    return "an interval is open" if high is None or low is None else "intervals overlap"


def _sooner(first: Side, other: Side) -> str:
    """Say so where the run that settles sooner classifies fewer objects rightly."""
    ours, theirs = first.common, other.common
    if ours is None or theirs is None or not (ours.learned and theirs.learned):
        return ""
    if ours.accuracy is None or theirs.accuracy is None or ours.accuracy >= theirs.accuracy:
        return ""
    return (
        f"; but it classifies fewer unseen objects rightly at k = {objects(ours.k)}, "
        f"{share(ours.accuracy)} against {share(theirs.accuracy)}"
    )


def _times(difference: Difference) -> str:
    times = difference.times
    shown = f"{times:.0f}" if times >= 9.95 else f"{times:.1f}" if times >= 1.095 else f"{times:.2f}"
    return f"{'at least ' if difference.at_least else ''}{shown} times"


def _digits(side: Side) -> int:
    forecast = side.estimate.answer.forecast
    return 3 if forecast is None else forecast_digits(forecast.extrapolation)


def _span(need: Needed, digits: int) -> str:
    return ends((need.low, need.high), like=need.k or 0, digits=digits)


def _constant(point: CurvePoint | None) -> str:
    if point is None:
        return "–"
    times = point.k + 1
    low, high = (None if end is None else end * times for end in (point.lo, point.hi))
    told = f"{nats(point.constant, 3)} {interval((low, high), lambda end: nats(end, 3))}"
    return told if point.learned else f"{told}, did not learn"


def _rate(side: Side) -> str:
    rate = side.estimate.answer.rate
    return "–" if rate is None else f"{signed(rate.exponent)} {interval(rate.interval, signed)}"


def _accuracy(side: Side) -> str:
    outlook = side.estimate.answer.outlook
    if outlook is None or outlook.accuracy is None:
        return "–"
    return f"{share(outlook.accuracy)} at k = {objects(outlook.k)}"


def _double(side: Side) -> str:
    outlook = side.estimate.answer.outlook
    double = None if outlook is None else outlook.at_double
    if double is None:
        return "–"
    return f"{share(double.accuracy)} {interval(double.accuracy_interval, share)}"


def _table(comparison: Comparison, part: slice, width: int) -> Iterator[str]:
    """Yield the table of some of the runs, its columns as wide as their cells."""
    table = [("", tuple(side.letter for side in comparison.sides)), *rows(comparison)]
    columns = list(zip(*(cells[part] for _, cells in table), strict=True))
    widths = [max(len(cell) for cell in column) + GAP for column in columns]
    for label, cells in table:
        padded = "".join(f"{cell:<{wide}}" for cell, wide in zip(cells[part], widths, strict=True))
        yield f"{label:<{width}}{padded}".rstrip()
