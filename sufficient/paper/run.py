"""One run of `sufficient paper`: sweep by sweep, each written when it is done, then the report.

A sweep whose file is there, with the same seeds and objects, is not trained again.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sufficient.environment import environment
from sufficient.errors import DataError, UsageError
from sufficient.heads.device import choose_device
from sufficient.paper.directory import SWEEPS, opened, write_report
from sufficient.paper.objects import Chosen, NoFeaturesError, inputs_of, mode_of, origin, read_objects
from sufficient.paper.plan import PaperOptions, Planned, plan
from sufficient.paper.report import NotRun, PaperReport, SweepReport, in_order
from sufficient.paper.store import Saved, differences, read_sweep, sweep_path, write_sweep

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
    Raises UsageError for options that cannot be meant or other data than the run's, ResourceError for disk,
    memory or device.
    """
    began = time.monotonic()
    planned = plan(options)
    device = choose_device(options.device)
    with opened(out, options, resume=resume):
        done, not_run = _run_all(planned, options, out / SWEEPS, device, progress)
        done += _others(out / SWEEPS, {report.saved.sweep.name for report in done})
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


def _run_all(
    planned: tuple[Planned, ...],
    options: PaperOptions,
    directory: Path,
    device: torch.device,
    progress: Progress,
) -> tuple[list[SweepReport], list[NotRun]]:
    done: list[SweepReport] = []
    not_run: list[NotRun] = []
    read: dict[str, Chosen] = {}  # SPEC → objects: a data set serves pixels and features
    no_features: dict[str | None, NoFeaturesError] = {}  # mode → why: each failed search takes its time
    for position, sweep in enumerate(planned):
        progress.sweep_started(sweep.name, position, len(planned))
        try:
            if sweep.spec not in read:
                read[sweep.spec] = read_objects(sweep.spec, root=options.root, progress=progress.preparing)
            if sweep.mode in no_features and not sweep_path(directory, sweep.name).exists():
                raise no_features[sweep.mode]
            report = _run_one(sweep, read[sweep.spec], options, directory, device, progress)
        except DataError as error:
            if isinstance(error, NoFeaturesError):
                no_features[sweep.mode] = error
            not_run.append(NotRun(sweep.name, " ".join(str(error).split()), _way_on(sweep)))
            progress.sweep_failed(not_run[-1])
        else:
            done.append(report)
            progress.sweep_done(report)
    return done, not_run


def _run_one(
    planned: Planned,
    chosen: Chosen,
    options: PaperOptions,
    directory: Path,
    device: torch.device,
    progress: Progress,
) -> SweepReport:
    mode = mode_of(planned, chosen.data)
    came_from = origin(planned, mode, chosen.data)
    path = sweep_path(directory, f"{planned.dataset}-{mode}")
    if path.exists():
        saved = read_sweep(path)
        if differing := differences(saved, seeds=options.seed_keys, fingerprint=came_from.fingerprint):
            raise UsageError(
                f"{path} holds this sweep with other settings: {'; '.join(differing)}. "
                "Resume with the same ones or give a new --out."
            )
        return SweepReport.of(saved, reused=True)
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
    saved = Saved(sweep, came_from)
    write_sweep(path, saved)
    return SweepReport.of(saved, reused=False)


def _others(directory: Path, known: set[str]) -> list[SweepReport]:
    """Return the sweeps of earlier sittings that this one was not asked for: the report keeps them."""
    paths = sorted(path for path in directory.glob("*.safetensors") if path.stem not in known)
    found = []
    for path in paths:
        with contextlib.suppress(DataError):  # damaged: said when it is asked for again
            found.append(SweepReport.of(read_sweep(path), reused=True))
    return found


def _way_on(planned: Planned) -> str:
    if planned.figure is None or planned.mode == "features":
        return "correct what --data or --features-file names"
    images = f"--data {planned.dataset}=SPEC"
    if planned.mode == "pixels":
        return f"give its images as {images} (a folder of class folders, or a .npz)"
    return (
        f"give features at hand as --features-file {planned.dataset}=FILE, "
        f"or make the pretrained model and the images ({images}) available"
    )
