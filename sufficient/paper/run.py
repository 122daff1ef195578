"""One run of `sufficient paper`: sweep by sweep, each written when it is done, then the report.

A sweep whose file is there is not trained again. Before anything is trained or written, all sweeps that are
there are held against the seeds and objects asked for now: what differs is refused.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sufficient.device import choose_device
from sufficient.environment import environment
from sufficient.errors import DataError
from sufficient.paper.directory import SWEEPS, opened, write_report
from sufficient.paper.earlier import Earlier, differing, earlier_sweeps, unchecked
from sufficient.paper.objects import (
    Chosen,
    NoFeaturesError,
    WrongKindError,
    inputs_of,
    mode_of,
    origin,
    read_objects,
)
from sufficient.paper.plan import PaperOptions, PlannedSweep, plan
from sufficient.paper.report import NotRun, PaperReport, SweepReport, in_order
from sufficient.paper.store import DamagedSweepError, Saved, sweep_path, write_sweep

if TYPE_CHECKING:
    import torch


class Progress(Protocol):
    """A listener. Its methods return at once and never raise."""

    def sweep_started(self, name: str, position: int, planned: int) -> None:
        """Sweep `position`, counted from 0, of `planned` begins: its objects are read."""

    def preparing(self, done: int, total: int) -> None:
        """`done` of `total` objects are read, or have gone through the pretrained model."""

    def updates(self, done: int, total: int) -> None:
        """`done` of `total` updates of this sweep are over."""

    def sweep_done(self, report: SweepReport) -> None:
        """The sweep is trained and written, or was there already."""

    def sweep_failed(self, item: NotRun) -> None:
        """The sweep cannot be run; the others go on."""


def reproduce(options: PaperOptions, out: Path, *, resume: bool, progress: Progress) -> PaperReport:
    """Return the report of all sweeps that are asked for, having written it below `out`.

    A sweep whose data or model cannot be had is listed in `not_run`; the others are run.
    Raises UsageError for options that cannot be meant or other seeds or data than the run's, ResourceError
    for disk, memory or device.
    """
    began = time.monotonic()
    planned = plan(options)
    device = choose_device(options.device)
    sweeps, read = out / SWEEPS, _Reader(options.root, progress)

    def differ() -> list[str]:
        return differing(earlier_sweeps(sweeps), planned, seeds=options.seed_keys, read=read)

    with opened(out, options, resume=resume, differing=differ):
        earlier = earlier_sweeps(sweeps)
        done, not_run = _run_all(planned, options, sweeps, earlier, read, device, progress)
        known = {report.saved.sweep.name for report in done}
        done += [
            SweepReport.of(saved, reused=True) for name, saved in earlier.whole.items() if name not in known
        ]
        report = PaperReport(
            sweeps=in_order(done),
            not_run=tuple(not_run),
            environment=environment(str(device)),
            seconds=time.monotonic() - began,
            artifacts={},
        )
        return write_report(report, out)


def require_complete(report: PaperReport, out: Path) -> None:
    """Raise DataError, naming the way on, where something was not run."""
    if report.not_run:
        missing, first = len(report.not_run), report.not_run[0]
        names = ", ".join(item.what for item in report.not_run)
        raise DataError(
            f"{missing} of {missing + len(report.sweeps)} sweeps were not run: {names}; the reasons stand "
            f"above and in {out}/report.md. For {first.what} {first.next}; then the same command with "
            f"--out {out} --resume runs only what is missing."
        )


class _Reader:
    """The objects of each SPEC, read once: a data set serves pixels and features. So is what went wrong."""

    def __init__(self, root: str | None, progress: Progress) -> None:
        self._root, self._progress = root, progress
        self._read: dict[str, Chosen | DataError] = {}

    def __call__(self, spec: str) -> Chosen:
        if spec not in self._read:
            try:
                self._read[spec] = read_objects(spec, root=self._root, progress=self._progress.preparing)
            except DataError as error:
                self._read[spec] = error
        found = self._read[spec]
        if isinstance(found, DataError):
            raise found
        return found


def _run_all(
    planned: tuple[PlannedSweep, ...],
    options: PaperOptions,
    directory: Path,
    earlier: Earlier,
    read: _Reader,
    device: torch.device,
    progress: Progress,
) -> tuple[list[SweepReport], list[NotRun]]:
    done: list[SweepReport] = []
    not_run: list[NotRun] = []
    no_features: dict[str | None, NoFeaturesError] = {}  # mode → why: each failed search takes its time
    for position, sweep in enumerate(planned):
        progress.sweep_started(sweep.name, position, len(planned))
        try:
            report = _reused(sweep, earlier, read)
            if report is None:
                if sweep.mode in no_features:
                    raise no_features[sweep.mode]
                report = _trained(sweep, read(sweep.spec), options, directory, device, progress)
        except DataError as error:
            if isinstance(error, NoFeaturesError):
                no_features[sweep.mode] = error
            not_run.append(NotRun(sweep.name, " ".join(str(error).split()), _way_on(sweep, error)))
            progress.sweep_failed(not_run[-1])
        else:
            done.append(report)
            progress.sweep_done(report)
    return done, not_run


def _reused(planned: PlannedSweep, earlier: Earlier, read: _Reader) -> SweepReport | None:
    """Return the sweep of an earlier sitting; None where it is yet to be trained."""
    try:
        data = read(planned.spec).data
    except DataError:
        there = earlier.unread(planned)
        if there is None:
            raise
        return SweepReport.of(unchecked(there, planned.spec), reused=True)
    saved = earlier.named(f"{planned.dataset}-{mode_of(planned, data)}")
    return None if saved is None else SweepReport.of(saved, reused=True)


def _trained(
    planned: PlannedSweep,
    chosen: Chosen,
    options: PaperOptions,
    directory: Path,
    device: torch.device,
    progress: Progress,
) -> SweepReport:
    mode = mode_of(planned, chosen.data)
    from sufficient.paper.sweep import train_sweep

    inputs = inputs_of(chosen, mode, device=device, progress=progress.preparing)
    sweep = train_sweep(
        inputs.values,
        chosen.data.labels,
        dataset=planned.dataset,
        mode=mode,
        source=f"{chosen.which}: {inputs.what}",
        classes=len(chosen.data.classes),
        white=inputs.white,
        seeds=options.seed_keys,
        device=device,
        progress=progress.updates,
    )
    saved = Saved(sweep, origin(planned, mode, chosen.data))
    write_sweep(sweep_path(directory, sweep.name), saved)
    return SweepReport.of(saved, reused=False)


def _way_on(planned: PlannedSweep, error: DataError) -> str:
    """Return the next step: the error's own where it has one, else what else can be given."""
    if isinstance(error, DamagedSweepError | WrongKindError):
        return error.next
    if planned.figure is None or planned.mode == "features":
        return "correct what --data or --features-file names"
    images = f"--data {planned.dataset}=SPEC"
    if planned.mode == "pixels":
        return f"give its images as {images} (a folder of class folders, or a .npz)"
    return (
        f"give features at hand as --features-file {planned.dataset}=FILE, "
        f"or make the pretrained model and the images ({images}) available"
    )
