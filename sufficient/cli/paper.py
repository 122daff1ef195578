"""`sufficient paper`: the paper's experiments, with several seeds, beside its published numbers."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated

import typer

from sufficient.cli.live import bar
from sufficient.cli.options import DATA, Json, Root, default_directory, mode
from sufficient.cli.output import Output
from sufficient.cli.screen import Screen
from sufficient.cli.stopping import saved_in
from sufficient.errors import UsageError
from sufficient.rounding import duration, objects

if TYPE_CHECKING:
    from rich.text import Text

    from sufficient.paper.report import NotRun, SweepReport

WHAT, RUN = "What", "Run"


def paper(
    figure: Annotated[
        list[int] | None,
        typer.Option(help="2, 3, 4 or 5; repeatable.", show_default="all", rich_help_panel=WHAT),
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            help="mnist, fashionmnist, cifar10, cifar100 or a NAME of --data; repeatable.",
            show_default="all",
            rich_help_panel=WHAT,
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=SPEC",
            help="Stand in for a data set of the paper, or a data set of your own; repeatable.",
            rich_help_panel=DATA,
        ),
    ] = None,
    features_file: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE",
            help="Features and labels at hand (.npz, .safetensors), for figures 3 and 5; repeatable.",
            rich_help_panel=DATA,
        ),
    ] = None,
    root: Root = None,
    seeds: Annotated[
        int | None, typer.Option(help="Trainings a network.", show_default="5", rich_help_panel=RUN)
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="2 seeds: sooner, with wide intervals.", rich_help_panel=RUN)
    ] = False,
    device: Annotated[
        str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.", rich_help_panel=RUN)
    ] = "auto",
    out: Annotated[
        Path | None,
        typer.Option(help="Directory of the run.", show_default="runs/<UTC time>-paper", rich_help_panel=RUN),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with --out: finished sweeps stay.", rich_help_panel=RUN)
    ] = False,
    json: Json = False,
) -> int:
    """Reproduce the paper's figures 2 to 5 and test its claims over several seeds."""
    output = Output(mode(json=json, quiet=False))
    if quick and seeds is not None:
        raise UsageError("--quick means --seeds 2; give one of the two.")
    if resume and out is None:
        raise UsageError("--resume needs the directory of the run: give --out DIR.")
    directory = out or default_directory("paper")
    from sufficient.paper.plan import DEFAULT_SEEDS, QUICK_SEEDS, PaperOptions, plan
    from sufficient.paper.run import reproduce, require_complete
    from sufficient.paper.text import result_lines

    options = PaperOptions(
        figures=tuple(figure or ()),
        datasets=tuple(dataset or ()),
        data=tuple(data or ()),
        features_files=tuple(features_file or ()),
        root=None if root is None else str(root),
        seeds=seeds if seeds is not None else QUICK_SEEDS if quick else DEFAULT_SEEDS,
        device=device,
    )
    plan(options)  # what cannot be meant is said before a directory is
    output.line(f"run directory: {directory}")
    saved_in(directory)
    with LivePaper(output) as live:
        report = reproduce(options, directory, resume=resume, progress=live)
    output.result(result_lines(report, directory))
    output.json(report.to_dict())
    output.line(f"run directory: {directory}")
    require_complete(report, directory)
    return 0


class LivePaper:
    """Progress that people watch: a live display on a terminal, else one line a sweep on stderr."""

    def __init__(self, output: Output, *, clock: Callable[[], float] = time.monotonic):
        self.output, self._clock = output, clock
        self._screen = Screen(output, self._view, clock)
        self._name, self._position, self._planned, self._over = "", 0, 0, 0
        self._done, self._total, self._what = 0, 0, ""
        self._seconds: list[float] = []  # of the sweeps trained in this sitting
        self._began = self._sweep_began = self._training_began = clock()

    def __enter__(self) -> LivePaper:
        self._screen.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._screen.stop()

    def sweep_started(self, name: str, position: int, planned: int) -> None:
        """Show the sweep that begins."""
        self._name, self._position, self._planned, self._over = name, position, planned, position
        self._done, self._total, self._what = 0, 0, ""
        self._sweep_began = self._clock()
        self._screen.draw(at_once=True)

    def preparing(self, done: int, total: int) -> None:
        """Show how many objects are read."""
        self._done, self._total, self._what = done, total, "objects"
        self._screen.draw()

    def updates(self, done: int, total: int) -> None:
        """Show the updates; drawn at most ten times a second."""
        if self._what != "updates":
            self._training_began = self._clock()
        self._done, self._total, self._what = done, total, "updates"
        self._screen.draw()

    def sweep_done(self, report: SweepReport) -> None:
        """Say the sweep's line."""
        if not report.reused:
            self._seconds.append(self._clock() - self._sweep_began)
        from sufficient.paper.text import sweep_line

        self._said(sweep_line(report))

    def sweep_failed(self, item: NotRun) -> None:
        """Say what is not run, and why."""
        self._said(f"{item.what}  not run: {item.reason}")

    def _said(self, line: str) -> None:
        self._total, self._over = 0, self._position + 1
        self.output.line(line)
        self._screen.draw(at_once=True)

    def _view(self) -> Text:
        from rich.text import Text

        view = Text(no_wrap=True, overflow="ellipsis")
        if self._planned:
            view.append(self._name, style="bold")
            view.append(f", sweep {self._position + 1} of {self._planned}")
            if self._total:
                view.append(f" {bar(self._done / self._total)} ")
                view.append(f"{objects(self._done)} of {objects(self._total)} {self._what}")
            view.append("\n")
        view.append(f"{duration(self._clock() - self._began)} elapsed")
        left = self.time_left()
        if left is not None:
            view.append(f", about {duration(left)} left")
        return view

    def time_left(self) -> float | None:
        """Return the seconds if every sweep left takes as long as those so far; None before one can tell."""
        now = self._clock()
        whole = self._planned - self._over  # sweeps of which nothing is done
        running = 0.0
        expected = list(self._seconds)
        if self._what == "updates" and self._done and self._total:
            running = (now - self._training_began) * (self._total - self._done) / self._done
            expected.append(now - self._sweep_began + running)
            whole -= 1
        return running + whole * sum(expected) / len(expected) if expected else None
