"""`sufficient watch DIR`: check again whenever a folder has grown, by extension of the last check."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sufficient.cli.options import (
    ANSWER,
    AllFeatures,
    Device,
    Features,
    GroupColumn,
    GroupLevel,
    Hidden,
    ImageColumn,
    LabelColumn,
    Labels,
    Layers,
    MaxPixels,
    MinGain,
    Patience,
    Pooling,
    Quick,
    RelTol,
    Revision,
    Scale,
    Seed,
    Size,
    Start,
    Target,
    TimeLimit,
    Tol,
    default_directory,
    verdict_code,
)
from sufficient.cli.output import Output
from sufficient.cli.stopping import saved_in
from sufficient.errors import DataError, UsageError
from sufficient.rounding import objects

if TYPE_CHECKING:
    from sufficient.answer.answer import Verdict
    from sufficient.result import Estimate

RUN = re.compile(r"\d{4,}")
WATCH = "Watching"


def watch(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of images that grows.")],
    every: Annotated[
        float, typer.Option(help="Seconds between two looks at the folder.", rich_help_panel=WATCH)
    ] = 30.0,
    min_new: Annotated[
        int, typer.Option(help="New or changed files from which to check again.", rich_help_panel=WATCH)
    ] = 1,
    max_checks: Annotated[
        int | None, typer.Option(help="End after so many checks.", rich_help_panel=WATCH)
    ] = None,
    exit_when_sufficient: Annotated[
        bool,
        typer.Option(
            "--exit-when-sufficient",
            help="End with 0 once the data is sufficient; with --max-checks, else with 10 or 11.",
            rich_help_panel=WATCH,
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Directory of the runs 0001, 0002, …; those in it are gone on with.",
            show_default="runs/<UTC time>-<DIR>-watch",
            rich_help_panel=ANSWER,
        ),
    ] = None,
    tol: Tol = None,
    rel_tol: RelTol = None,
    target: Target = None,
    min_gain: MinGain = None,
    labels: Labels = None,
    label_column: LabelColumn = None,
    image_column: ImageColumn = None,
    group_column: GroupColumn = None,
    group_level: GroupLevel = None,
    max_pixels: MaxPixels = None,
    features: Features = "auto",
    pooling: Pooling = None,
    revision: Revision = None,
    all_features: AllFeatures = False,
    size: Size = None,
    scale: Scale = "auto",
    hidden: Hidden = 64,
    layers: Layers = 3,
    patience: Patience = 10,
    quick: Quick = False,
    start: Start = 32,
    time_limit: TimeLimit = None,
    device: Device = "auto",
    seed: Seed = 0,
) -> int:
    """Check a folder again as it grows: stages that hold are not trained again. One line a check."""
    _validate(directory, every=every, min_new=min_new, max_checks=max_checks)
    output = Output()
    base = out or default_directory(f"{directory.resolve().name}-watch")
    output.line(f"runs: {base}")
    saved_in(base, resume="")  # the next check extends the last run, whatever stages that has
    options = {
        "tol": tol, "rel_tol": rel_tol, "targets": target or (), "min_gain": min_gain,
        "labels": labels, "label_column": label_column, "image_column": image_column,
        "group_column": group_column, "group_level": group_level, "max_pixels": max_pixels,
        "features": features, "pooling": pooling, "revision": revision, "all_features": all_features,
        "size": size, "scale": scale, "hidden": hidden, "layers": layers, "patience": patience,
        "quick": quick, "start": start, "time_limit": time_limit, "device": device, "seed": seed,
    }  # fmt: skip
    watched = _Watched(directory, base, options, output)
    verdict, checks = None, 0
    while max_checks is None or checks < max_checks:
        if watched.came() >= min_new or not checks:
            verdict, checks = watched.check(), checks + 1
            if exit_when_sufficient and verdict == "sufficient":
                return 0
        if max_checks is None or checks < max_checks:
            time.sleep(every)
    if not exit_when_sufficient:
        return 0
    return verdict_code(verdict)


def _validate(directory: Path, *, every: float, min_new: int, max_checks: int | None) -> None:
    if not directory.is_dir():
        raise DataError(f"{directory} is no folder; give the folder of images that grows.")
    if not 0 <= every < float("inf"):
        raise UsageError(f"--every {every} cannot be used; give seconds, at least 0.")
    if min_new < 1:
        raise UsageError(f"--min-new {min_new} cannot be used; give at least 1 file.")
    if max_checks is not None and max_checks < 1:
        raise UsageError(f"--max-checks {max_checks} cannot be used; give at least 1.")


@dataclass
class _Watched:
    """The folder, what it held at the last check, and the runs so far."""

    directory: Path
    base: Path
    options: dict[str, Any]
    output: Output
    listed: dict[str, tuple[int, int]] = field(default_factory=dict)  # file → its size and time

    def came(self) -> int:
        """Return how many files are new or changed since the last check; 1 at least where some are gone."""
        now = self._list()
        new = sum(self.listed.get(name) != stamp for name, stamp in now.items())
        return new or int(len(now) < len(self.listed))

    def check(self) -> Verdict | None:
        """Say one line; return the verdict, None while there is not enough to run a study."""
        self.listed = self._list()
        moment = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z  {objects(len(self.listed))} files"
        before, number = self._runs()
        out = self.base / f"{number:04d}"
        try:
            result = self._estimate(out, before)
        except UsageError:
            raise
        except DataError as error:
            self.output.result([f"{moment}  waiting: {' '.join(str(error).split())}"])
            return None
        from sufficient.report.text import headline

        self.output.result([f"{moment}  {headline(result.answer)} {out}"])
        return result.verdict

    def _estimate(self, out: Path, before: Path | None) -> Estimate:
        from sufficient import api
        from sufficient.study.found import CannotExtendError

        options = dict(self.options)
        labels = options.pop("labels")
        try:
            return api.estimate(self.directory, labels, out=out, extend=before, **options)
        except CannotExtendError as error:
            self.output.line(f"a new study is begun: {error}")
            return api.estimate(self.directory, labels, out=out, **options)

    def _list(self) -> dict[str, tuple[int, int]]:
        from sufficient.data.walk import walk

        found = walk(self.directory)
        stamps = zip(found.sizes.tolist(), found.times.tolist(), strict=True)
        return dict(zip(found.files, stamps, strict=True))

    def _runs(self) -> tuple[Path | None, int]:
        """Return the last run that can be extended, and the number of the next one."""
        from sufficient.run_directory import RECORD
        from sufficient.study.store import read_record

        if not self.base.is_dir():
            return None, 1
        runs = sorted((path for path in self.base.iterdir() if RUN.fullmatch(path.name)), key=_number)
        for path in reversed(runs):
            record = read_record(path / RECORD)
            if record is not None and record.stages:
                return path, _number(runs[-1]) + 1
        return None, _number(runs[-1]) + 1 if runs else 1


def _number(path: Path) -> int:
    return int(path.name)
