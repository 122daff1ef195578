"""What a running study shows: a live display on a terminal, else one line a stage on stderr."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from sufficient.answer.answer import CurvePoint
from sufficient.cli.output import Output
from sufficient.cli.screen import Screen
from sufficient.rounding import duration, interval, nats, objects, share, tolerance

if TYPE_CHECKING:
    from rich.text import Text

BASE = 700  # objects' worth of time that a stage takes whatever its size: checks, scores, the ladder
DATA_PAUSE = 10.0  # seconds between two lines about reading where there is no terminal
PLOT_MARGIN = 20  # characters beside the plot: its scale on the left, the tolerance's label on the right
PLOT_WIDTH, PLOT_HEIGHT = 56, 10  # characters; with the lines around it fits a terminal of 80 × 24


class LiveStudy:
    """A `Progress` that people watch. Use as a context manager around the study; silent when quiet."""

    def __init__(
        self, output: Output | None = None, *, tol: float, clock: Callable[[], float] = time.monotonic
    ):
        self.output, self.tol = output or Output(), tol
        self._clock = clock
        self._screen = Screen(self.output, self._view, clock)
        self._points: list[tuple[CurvePoint, float]] = []  # with the seconds each stage took
        self._earlier: list[CurvePoint] = []  # of an earlier sitting
        self._planned: tuple[int, ...] = ()
        self._position = 0
        self._updates, self._active = 0, 0
        self._reading: tuple[int, int] | None = None
        self._making: str | None = None
        self._started = self._stage_started = self._said = clock()
        self._over = False

    def __enter__(self) -> LiveStudy:
        self._started = self._said = self._clock()
        self._screen.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        self._screen.draw(at_once=True)
        self._screen.stop()

    def opened(self, directory: Path) -> None:
        """Say where the run is written to."""
        self.output.line(f"run directory: {directory}")

    def data_progress(self, done: int, total: int) -> None:
        """Show how many objects are read; without a terminal, a line now and then and at the end."""
        self._reading = None if done >= total else (done, total)
        if self._screen.on:
            self._screen.draw()
        elif self._clock() - self._said > DATA_PAUSE or (done >= total and self._said > self._started):
            self.output.line(f"read {objects(done)} of {objects(total)} objects")
            self._said = self._clock()

    def model_loading(self, name: str) -> None:
        """Show that the model is loaded, which may take a while."""
        self._making = f"loading {name}"
        if self._screen.on:
            self._screen.draw(at_once=True)
        else:
            self.output.line(self._making)

    def features_progress(self, done: int, total: int, rate: float) -> None:
        """Show how many objects have features; without a terminal, a line now and then."""
        self._making = None if done >= total else features_line(done, total, rate)
        if self._screen.on:
            self._screen.draw()
        elif self._clock() - self._said > DATA_PAUSE:
            self.output.line(features_line(done, total, rate))
            self._said = self._clock()

    def resumed(self, points: Sequence[CurvePoint]) -> None:
        """Show the stages of an earlier sitting in the curve."""
        self._earlier = list(points)
        if points:
            self.output.line(f"resumed: {len(points)} sizes up to k = {objects(points[-1].k)} are there")

    def stage_started(self, size: int, position: int, planned_sizes: Sequence[int]) -> None:
        """Show the stage that begins."""
        self._planned, self._position = tuple(planned_sizes), position
        self._updates, self._active = 0, 0
        self._making = None
        self._stage_started = self._clock()
        self._screen.draw(at_once=True)

    def updates(self, done: int, active_replicates: int) -> None:
        """Show the updates of this stage; drawn at most ten times a second."""
        self._updates, self._active = done, active_replicates
        self._screen.draw()

    def stage_done(self, point: CurvePoint, seconds: float) -> None:
        """Add the stage to the curve, or say its line."""
        self._points.append((point, seconds))
        if not self._screen.on:
            self.output.line(stage_line(point, seconds))
        else:
            self._screen.draw(at_once=True)

    def _view(self) -> Text:
        from rich.text import Text

        view = Text(no_wrap=True, overflow="ellipsis")
        if self._reading is not None:
            done, total = self._reading
            view.append(f"reading {objects(done)} of {objects(total)} objects {bar(done / total)}\n")
        if self._making is not None:
            view.append(f"{self._making}\n")
        if self._planned:
            size = self._planned[min(self._position, len(self._planned) - 1)]
            view.append(f"k = {objects(size)}", style="bold")
            view.append(
                f" of {objects(self._planned[-1])}, size {self._position + 1} of {len(self._planned)}"
            )
            if self._active and not self._over:
                view.append(f", {objects(self._updates)} updates, {self._active} replicates still train")
            view.append("\n")
        if self._points:
            points = [*self._earlier, *(point for point, _ in self._points)]
            room = min(PLOT_WIDTH, max(self.output.console.width - PLOT_MARGIN, 10))
            plot = plot_text(points, self.tol, largest=self._planned[-1:], width=room)
            for line in plot:
                view.append(line + "\n", style="red" if "─ tol" in line else "cyan")
            view.append(stage_line(*self._points[-1]) + "\n", style="dim")
        view.append(f"{duration(self._clock() - self._started)} elapsed")
        left = self._time_left()
        if left is not None:
            view.append(f", at most {duration(left)} left")
        return view

    def _time_left(self) -> float | None:
        """Return the seconds if every planned size is run: a stage costs about as k + 700."""
        if self._over or not self._points or self._position >= len(self._planned):
            return None
        recent = self._points[-3:]
        pace = sum(seconds for _, seconds in recent) / sum(point.k + BASE for point, _ in recent)
        last = recent[-1][0].k
        running = self._planned[self._position] > last
        spent = self._clock() - self._stage_started if running else 0.0
        return max(0.0, pace * sum(size + BASE for size in self._planned if size > last) - spent)


def stage_line(point: CurvePoint, seconds: float) -> str:
    """Return `k = 1,024  δ = 4.2e-4 [3.9e-4, 4.6e-4]  C = 0.43  learned  accuracy 0.871  3.1 s`."""
    state = "dead" if point.difference is None else "learned" if point.learned else "not learned"
    return "  ".join(
        [
            f"k = {objects(point.k)}",
            f"δ = {nats(point.difference)} {interval((point.lo, point.hi), nats)}",
            f"C = {nats(point.constant)}",
            state,
            f"accuracy {share(point.accuracy)}",
            duration(seconds),
        ]
    )


def features_line(done: int, total: int, rate: float) -> str:
    """Return `features 1,234 of 8,000 · 41 images/s · 2 min 45 s left`; no rate where it is 0."""
    made = f"features {objects(done)} of {objects(total)}"
    if rate <= 0:
        return made
    pace = objects(round(rate)) if rate >= 9.95 else f"{rate:.1f}"
    left = f" · {duration((total - done) / rate)} left" if done < total else ""
    return f"{made} · {pace} images/s{left}"


def bar(part: float, width: int = 24) -> str:
    """Return a bar of `width` characters, `part` of it full."""
    full = round(width * min(max(part, 0), 1))
    return "━" * full + "╌" * (width - full)


def plot_text(
    points: Sequence[CurvePoint],
    tol: float,
    *,
    largest: Sequence[int] = (),
    width: int = PLOT_WIDTH,
    height: int = PLOT_HEIGHT,
) -> list[str]:
    """Return a log–log plot of δ_k against tol as lines of text: ● learned, ○ not, ─ the tolerance."""
    shown = [(point.k, point.difference, point.learned) for point in points if point.difference]
    if not shown:
        return []
    levels = [math.log(value) for _, value, _ in shown] + [math.log(tol)]
    low, high = min(levels), max(levels)
    left, right = math.log(shown[0][0]), math.log(max(shown[-1][0], *largest, shown[0][0] + 1))

    def row(value: float) -> int:
        return round((height - 1) * (high - math.log(value)) / max(high - low, 1e-9))

    canvas = [[" "] * width for _ in range(height)]
    canvas[row(tol)] = ["─"] * width
    for k, value, learned in shown:
        column = round((width - 1) * (math.log(k) - left) / (right - left))
        canvas[row(value)][column] = "●" if learned else "○"
    names = {0: nats(math.exp(high)), height - 1: nats(math.exp(low))}
    lines = [f"{names.get(i, ''):>8} │{''.join(cells)}" for i, cells in enumerate(canvas)]
    lines[row(tol)] = f"{'':>8} │{''.join(canvas[row(tol)])}─ tol {tolerance(tol)}"
    first, last = f"k = {objects(shown[0][0])}", objects(round(math.exp(right)))
    return [*lines, f"{'':>8} └{'─' * width}", f"{'':>10}{first}{last:>{width - len(first)}}"]
