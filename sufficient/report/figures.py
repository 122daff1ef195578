"""The figures of a run, written to disk: same numbers, same bytes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from sufficient.answer.answer import Answer
from sufficient.answer.criteria import TARGETS
from sufficient.answer.measures import Measures
from sufficient.answer.verdict import levels
from sufficient.files import make_folder
from sufficient.report.accuracy import AccuracyDisplay
from sufficient.report.curve import CurveDisplay
from sufficient.report.display import Display
from sufficient.report.paper_view import PaperViewDisplay
from sufficient.report.per_class_figure import PerClassDisplay
from sufficient.report.style import FAINT, VERDICT_COLOUR, save, styled
from sufficient.report.target_fan import TargetFanDisplay
from sufficient.report.text import verdict_line
from sufficient.study.record import Record

MARGIN = 0.12  # inches at the edges of a figure of its own
LONGEST_TITLE = 130  # characters that fit on one line


def draw_all(answer: Answer, record: Record, directory: Path, *, title: str) -> list[Path]:
    """Write the figures below `directory`, each as .svg and .png, and return their paths.

    `curve`, with `title` saying what was studied, e.g. "digits · 64-64-64-10 on pixels"; `paper_view` where
    the record holds a last stage; `per_class` where the answer holds classes that err; and for each target
    asked `forecast_accuracy`, `forecast_error` or `forecast_loss`, where a size learned. Raises ResourceError
    when the disk says no.
    """
    make_folder(directory, option=None)
    paths = _draw_curve(answer, directory, title)
    for name, display in _alone(answer, record):
        paths += display.save(directory / name, margin=MARGIN)
    _clear(directory, set(paths))
    return paths


def _clear(directory: Path, drawn: Collection[Path]) -> None:
    """Remove figures of targets that were asked before and are not now."""
    for suffix in (".svg", ".png"):
        for path in directory.glob(f"forecast_*{suffix}"):
            if path not in drawn:
                path.unlink(missing_ok=True)


def _alone(answer: Answer, record: Record) -> Iterator[tuple[str, Display]]:
    """Yield each figure of its own with its name."""
    view = PaperViewDisplay.from_record(record)
    if view is not None:
        yield "paper_view", view
    if answer.per_class and answer.per_class[0].share_of_error is not None:
        yield "per_class", PerClassDisplay(answer.per_class)
    measures, drawn = Measures(record), set[str]()
    for each in answer.asked:
        kind = each.criterion.kind
        points = levels(measures, each.criterion) if kind in TARGETS else ()
        if points:
            again = f"_{each.criterion.value:g}" if kind in drawn else ""
            yield f"forecast_{kind}{again}", TargetFanDisplay(points, each)
            drawn.add(kind)


def _draw_curve(answer: Answer, directory: Path, title: str) -> list[Path]:
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(13, 6.2))
        left, right = figure.subplots(1, 2, width_ratios=[1.75, 1])
        figure.subplots_adjust(left=0.068, right=0.985, bottom=0.105, top=0.79, wspace=0.16)
        CurveDisplay(answer.of_tolerance, titled=False).plot(left)
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
