"""What the page's slider moves over: many tolerances, each judged alone, in the words of the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sufficient.answer.answer import Answer, SizeInterval, Verdict
from sufficient.answer.verdict import judge_each
from sufficient.report.marks import first_size, mark_lines
from sufficient.report.text import explain, headline
from sufficient.result import Estimate
from sufficient.rounding import tolerance

STEPS = 120  # log-spaced tolerances: each moves the line by a few pixels
DIGITS = 3  # of a tolerance in the table, so that what is read off the slider can be typed
ROUND = (1, 2, 5)  # times powers of ten: what people ask for
BEYOND = 12  # δ falls about as 1/k: the least tolerance lies just past what 10 × the objects bring
MOVING = ("decided", "measured", "reason", "how many", "warning")  # labels of lines that tol changes


@dataclass(frozen=True)
class Row:
    """One tolerance of the table."""

    tolerance: float  # nats
    shown: str  # as it would be typed
    verdict: Verdict
    headline: str
    mark: tuple[str, ...]  # lines beside the mark on the curve
    k: int | None  # where the mark stands: k*, or k needed
    low: int | None  # its interval
    high: int | None
    lines: tuple[tuple[str, str], ...]  # (label, text) of what tol changes, warnings apart
    warnings: tuple[tuple[str, str], ...]  # (code, message)

    def plain(self) -> dict[str, Any]:
        """Return the row as JSON values."""
        return asdict(self)


def rows(estimate: Estimate, answers: Iterable[Answer]) -> tuple[Row, ...]:
    """Return one row an answer."""
    return tuple(_row(estimate, answer) for answer in answers)


def answers(estimate: Estimate) -> tuple[Answer, ...]:
    """Return the record judged for a range of tolerances, each alone as `sufficient report RUN --tol` does.

    In increasing order, the estimate's own among them.
    """
    return judge_each(
        estimate.record,
        tolerances(estimate.answer),
        confirm=estimate.options.confirm,
    )


def tolerances(answer: Answer) -> tuple[float, ...]:
    """Return tolerances over the measured curve and its forecast to 10× the largest size, nats.

    Log-spaced, with the answer's own and 1, 2, 5 times powers of ten.
    """
    low, high = _reach(answer)
    spaced = [low * (high / low) ** (i / (STEPS - 1)) for i in range(STEPS)]
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    rounds = [float(f"{step}e{exponent}") for exponent in exponents for step in ROUND]
    typed = {float(f"{value:.{DIGITS - 1}e}") for value in spaced}
    return tuple(sorted({answer.tolerance, *typed, *(value for value in rounds if low <= value <= high)}))


def is_round(value: float) -> bool:
    """Return whether the tolerance is 1, 2 or 5 times a power of ten."""
    return f"{value:.{DIGITS}e}".startswith(tuple(f"{step}.000e" for step in ROUND))


def _row(estimate: Estimate, answer: Answer) -> Row:
    k, (low, high) = _place(answer)
    return Row(
        tolerance=answer.tolerance,
        shown=tolerance(answer.tolerance),
        verdict=answer.verdict,
        headline=headline(answer),
        mark=mark_lines(answer),
        k=k,
        low=low,
        high=high,
        lines=tuple(
            (label, text)
            for label, text in explain(answer, estimate.record)
            if label in MOVING and label != "warning"
        ),
        warnings=tuple((notice.code, notice.message) for notice in answer.warnings),
    )


def _place(answer: Answer) -> tuple[int | None, SizeInterval]:
    """Return where the mark stands, and its interval."""
    if answer.k_sufficient is not None:
        span = answer.k_interval or (None, None)
        return answer.k_sufficient, (None, answer.k_sufficient) if first_size(
            answer.k_sufficient, span
        ) else span
    if answer.forecast is not None:
        return answer.forecast.k_needed, answer.forecast.k_interval
    return None, (None, None)


def _reach(answer: Answer) -> tuple[float, float]:
    """Return the least and the largest tolerance worth asking for, nats."""
    tops = [point.hi or point.difference for point in answer.curve if point.difference]
    depths = [point.difference / BEYOND for point in answer.curve if point.difference]
    ends = [answer.tolerance, *tops, *depths]
    return min(end for end in ends if end) / 1.5, max(end for end in ends if end) * 1.5
