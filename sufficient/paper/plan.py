"""What `sufficient paper` runs: the sweeps of the paper's figures 2 to 5, and the user's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sufficient.errors import UsageError
from sufficient.paper.protocol import Mode

PAPER_SETS = ("mnist", "fashionmnist", "cifar10", "cifar100")
FIGURES: dict[int, tuple[tuple[str, ...], bool]] = {  # figure → its data sets, whether of features
    2: (PAPER_SETS[:1], False),
    3: (PAPER_SETS[:1], True),
    4: (PAPER_SETS[1:], False),
    5: (PAPER_SETS[1:], True),
}
EXTRACTED: tuple[Mode, ...] = ("pooler", "cls")  # pooler: as the authors did
QUICK_SEEDS, DEFAULT_SEEDS = 2, 5
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")  # it names files and stands in tables


@dataclass(frozen=True)
class PaperOptions:
    """What to reproduce, and from which data. A wrong value raises UsageError naming the flag."""

    figures: tuple[int, ...] = ()  # none: all
    datasets: tuple[str, ...] = ()  # none: all
    data: tuple[str, ...] = ()  # NAME=SPEC
    features_files: tuple[str, ...] = ()  # NAME=FILE
    root: str | None = None  # where named data sets lie
    seeds: int = DEFAULT_SEEDS  # 5: the least with which a t interval is not mostly its own width
    device: str = "auto"

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.seeds < 1:
            raise UsageError(f"--seeds {self.seeds} cannot be used; give at least 1, and 2 for an interval.")
        if wrong := [figure for figure in self.figures if figure not in FIGURES]:
            raise UsageError(f"--figure {wrong[0]} shows no sweep; give {_listed(FIGURES)}.")
        given, files = pairs("--data", self.data), pairs("--features-file", self.features_files)
        known = {*PAPER_SETS, *given, *files}
        if unknown := [name for name in self.datasets if paper_name(name) not in known]:
            raise UsageError(
                f"--dataset {unknown[0]} is none of {_listed(sorted(known))}; "
                f"a data set of your own is given as --data {unknown[0]}=SPEC."
            )
        if both := [name for name in given if name in files and name not in PAPER_SETS]:
            raise UsageError(
                f"{both[0]} is given by --data and by --features-file; name the two sweeps differently."
            )

    @property
    def seed_keys(self) -> tuple[int, ...]:
        """The seeds themselves, counted from 0."""
        return tuple(range(self.seeds))


@dataclass(frozen=True)
class PlannedSweep:
    """One sweep to run."""

    dataset: str
    mode: Mode | None  # None: pixels or features, as the user's data are
    spec: str  # of the objects, or the file of features
    figure: int | None  # of the paper; None for the user's own

    @property
    def name(self) -> str:
        """The sweep's name before its data are read: `mnist-pixels`, or `mine`."""
        return self.dataset if self.mode is None else f"{self.dataset}-{self.mode}"


def paper_name(name: str) -> str:
    """Return the paper's own name of a data set that is its but for case: `CIFAR10` is `cifar10`."""
    return name.casefold() if name.casefold() in PAPER_SETS else name


def pairs(flag: str, given: Sequence[str]) -> dict[str, str]:
    """Return NAME → value of repeated NAME=VALUE options. Raises UsageError for any other form.

    A NAME that is the paper's but for case becomes the paper's.
    """
    found: dict[str, str] = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not (separator and value):
            raise UsageError(
                f"{flag} {text} has no value; give {flag} NAME=PATH, such as {flag} mine=folder."
            )
        if not NAME.fullmatch(name):
            raise UsageError(f"{flag} {text}: the name '{name}' may hold letters, digits and _ only.")
        if name.casefold() in (other.casefold() for other in found):
            raise UsageError(f"{flag} is given twice for {name}; give it once, or under another name.")
        found[paper_name(name)] = value
    return found


def plan(options: PaperOptions) -> tuple[PlannedSweep, ...]:
    """Return the sweeps to run: the paper's by figure, then the user's own.

    Raises UsageError when nothing is left to run, or something was given that no sweep of the plan uses.
    """
    data = pairs("--data", options.data)
    files = pairs("--features-file", options.features_files)
    sweeps = [
        planned
        for figure in sorted(set(options.figures) or FIGURES)
        for dataset in FIGURES[figure][0]
        for planned in _of_the_paper(figure, dataset, data, files)
    ]
    sweeps += [PlannedSweep(name, None, spec, None) for name, spec in data.items() if name not in PAPER_SETS]
    sweeps += [
        PlannedSweep(name, "features", path, None) for name, path in files.items() if name not in PAPER_SETS
    ]
    if options.datasets:
        wanted = {paper_name(name) for name in options.datasets}
        sweeps = [planned for planned in sweeps if planned.dataset in wanted]
    if not sweeps:
        raise UsageError(
            f"no figure among {_listed(options.figures)} shows {_listed(options.datasets)}; "
            "leave --figure or --dataset out."
        )
    _require_used("--data", data, {(planned.dataset, planned.spec) for planned in sweeps})
    _require_used("--features-file", files, {(planned.dataset, planned.spec) for planned in sweeps})
    return tuple(sweeps)


def _of_the_paper(
    figure: int, dataset: str, data: dict[str, str], files: dict[str, str]
) -> list[PlannedSweep]:
    spec = data.get(dataset, dataset)
    if not FIGURES[figure][1]:
        return [PlannedSweep(dataset, "pixels", spec, figure)]
    if dataset in files:
        return [PlannedSweep(dataset, "features", files[dataset], figure)]
    return [PlannedSweep(dataset, mode, spec, figure) for mode in EXTRACTED]


def _require_used(flag: str, given: dict[str, str], used: set[tuple[str, str]]) -> None:
    for name, value in given.items():
        if (name, value) not in used:
            raise UsageError(
                f"{flag} {name}={value} is used by no sweep that is asked for; "
                "leave it out, or change --figure and --dataset."
            )


def _listed(names: Iterable[object]) -> str:
    return ", ".join(str(name) for name in names)
