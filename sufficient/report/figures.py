"""The figures of a run, written to disk: same numbers, same bytes."""

from __future__ import annotations

from pathlib import Path

from sufficient.answer.answer import Answer
from sufficient.errors import ResourceError
from sufficient.report.accuracy import AccuracyDisplay
from sufficient.report.curve import CurveDisplay
from sufficient.report.paper_view import PaperViewDisplay
from sufficient.report.style import FAINT, VERDICT_COLOUR, save, styled
from sufficient.report.text import verdict_line
from sufficient.study.record import Record

__all__ = ["AccuracyDisplay", "CurveDisplay", "PaperViewDisplay", "draw_all"]

LONGEST_TITLE = 130  # characters that fit on one line


def draw_all(answer: Answer, record: Record, directory: Path, *, title: str) -> list[Path]:
    """Write curve.svg, curve.png, paper_view.svg and paper_view.png below `directory` and return them.

    `title` says what was studied, e.g. "digits · 64-64-64-10 on pixels". The paper's view is left out
    where the record holds no last stage. Raises ResourceError when the disk says no.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResourceError(
            f"cannot make the folder {directory}: {error.strerror}; choose another --out"
        ) from error
    paths = _draw_curve(answer, directory, title)
    view = PaperViewDisplay.from_record(record)
    if view is not None:
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine

        with styled():
            figure = Figure(figsize=(8.4, 5.4), layout=ConstrainedLayoutEngine(h_pad=0.12, w_pad=0.12))
            view.plot(figure.add_subplot())
            paths += save(figure, directory / "paper_view")
    return paths


def _draw_curve(answer: Answer, directory: Path, title: str) -> list[Path]:
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(13, 6.2))
        left, right = figure.subplots(1, 2, width_ratios=[1.75, 1])
        figure.subplots_adjust(left=0.068, right=0.985, bottom=0.105, top=0.79, wspace=0.16)
        CurveDisplay(answer).plot(left, title=False)
        left.set_title("How much does one more object change the mean loss?", pad=12)
        AccuracyDisplay(answer).plot(right)
        verdict = verdict_line(answer)
        figure.text(
            0.012,
            0.945,
            verdict[0].upper() + verdict[1:],
            color=VERDICT_COLOUR[answer.verdict],
            fontsize=17,
            fontweight="bold",
            va="center",
        )
        short = title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1] + "…"
        figure.text(0.0125, 0.9, short, color=FAINT, fontsize=11.5, va="center", parse_math=False)
        return save(figure, directory / "curve")
