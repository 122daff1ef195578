"""A part of the terminal that is drawn again in place; where there is no terminal, nothing is drawn."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from sufficient.cli.output import Output

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

PAUSE = 0.1  # seconds between two drawings: smooth to the eye, free for the study


class Screen:
    """Shows what `view()` returns, at most ten times a second."""

    def __init__(self, output: Output, view: Callable[[], Text], clock: Callable[[], float]) -> None:
        self._output, self._view, self._clock = output, view, clock
        self._live: Live | None = None
        self._drawn = -math.inf

    @property
    def on(self) -> bool:
        """Whether there is something to draw on."""
        return self._live is not None

    def start(self) -> None:
        """Take the lines below the cursor, if there is a terminal and talk is wanted."""
        if self._output.live:
            from rich.live import Live

            self._live = Live(
                self._view(), console=self._output.console, auto_refresh=False, redirect_stdout=False
            )
            self._live.start()

    def draw(self, *, at_once: bool = False) -> None:
        """Draw anew, if the last drawing is long enough ago or it must be `at_once`."""
        now = self._clock()
        if self._live is not None and (at_once or now - self._drawn >= PAUSE):
            self._drawn = now
            self._live.update(self._view(), refresh=True)

    def stop(self) -> None:
        """Leave the last drawing where it stands."""
        if self._live is not None:
            self._live.stop()
            self._live = None
