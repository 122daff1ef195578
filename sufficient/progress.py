"""What a study says while it runs. The terminal listens with `sufficient.cli.live`, Python with silence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sufficient.answer.answer import CurvePoint


CountProgress = Callable[[int, int], None]  # (done, in all), of objects or updates


class Progress(Protocol):
    """A listener. Its methods return at once and never raise."""

    def opened(self, directory: Path) -> None:
        """The run writes to this directory, which is there."""

    def data_progress(self, done: int, total: int) -> None:
        """`done` of `total` objects are read."""

    def model_loading(self, name: str) -> None:
        """The pretrained model of this name is about to be loaded."""

    def features_progress(self, done: int, total: int, rate: float) -> None:
        """`done` of the `total` objects that are wanted now have features; `rate` images a second, or 0."""

    def resumed(self, points: Sequence[CurvePoint]) -> None:
        """The study begins, with the stages of an earlier sitting; none in a first one."""

    def stage_started(self, size: int, position: int, planned_sizes: Sequence[int]) -> None:
        """The stage at `planned_sizes[position]` = `size` objects begins; `position` counts from 0."""

    def updates(self, done: int, active_replicates: int) -> None:
        """`done` updates of this stage are over; `active_replicates` still train. May be called often."""

    def stage_done(self, point: CurvePoint, seconds: float) -> None:
        """The stage is over; `point` is what the verdict sees of it."""


class SilentProgress:
    """Says nothing: the Python API's default."""

    def opened(self, directory: Path) -> None:
        """Say nothing."""

    def data_progress(self, done: int, total: int) -> None:
        """Say nothing."""

    def model_loading(self, name: str) -> None:
        """Say nothing."""

    def features_progress(self, done: int, total: int, rate: float) -> None:
        """Say nothing."""

    def resumed(self, points: Sequence[CurvePoint]) -> None:
        """Say nothing."""

    def stage_started(self, size: int, position: int, planned_sizes: Sequence[int]) -> None:
        """Say nothing."""

    def updates(self, done: int, active_replicates: int) -> None:
        """Say nothing."""

    def stage_done(self, point: CurvePoint, seconds: float) -> None:
        """Say nothing."""
