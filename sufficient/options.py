"""Every option of one run, resolved: what `config.toml` holds and what a resumed run must match."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from sufficient.answer.criteria import Criterion, asked_of, criteria_of
from sufficient.errors import DataError, UsageError
from sufficient.study.options import StudyOptions

QUICK_REPLICATES = 4  # the interval still covers; the answer comes in about half the time

ONE_SITTING = {
    "time_limit",
    "root",
    "download",
}  # may differ when a run is resumed: no number depends on them
FLAGS = {"targets": "target"}  # options that the command line calls otherwise
SEVERAL = {"targets", "drop"}  # options that take one text or several
Pooling = Literal["cls", "mean", "pooler"]


@dataclass(frozen=True)
class SourceOptions:
    """How the data is read. A wrong value raises UsageError naming the flag."""

    labels: str | None = None  # a table of labels beside a folder of images
    label_column: str | None = None
    image_column: str | None = None
    group_column: str | None = None  # objects of one value stay on one side of every split
    group_level: int | None = None  # the same by a level of folders, 1 the class folders
    drop: tuple[str, ...] = ()  # columns of a table that are no features
    split: str | None = None  # of a Hugging Face data set
    size: int | None = None  # pixels; None: the images' own side up to 64, else 32
    max_pixels: int | None = None  # of one image; None: Pillow's own limit against decompression bombs
    root: str | None = None  # where named data sets lie
    download: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        object.__setattr__(self, "drop", tuple(self.drop))
        for name, floor in (("size", 1), ("max_pixels", 1), ("group_level", 2)):
            value = getattr(self, name)
            object.__setattr__(self, name, value.item() if hasattr(value, "item") else value)
            if value is not None and value < floor:
                flag = name.replace("_", "-")
                raise UsageError(f"--{flag} {value} cannot be used; give a number of at least {floor}.")
        if self.group_column is not None and self.group_level is not None:
            raise UsageError("--group-column and --group-level each name the groups; give one of the two.")


@dataclass(frozen=True)
class RunOptions:
    """The question, the data and the study. A wrong value raises UsageError naming the flag."""

    data: str  # SPEC, or "arrays" for values handed over in Python
    tol: float | None = None  # nats; None: 1e-4 where nothing else is asked, else none is asked
    rel_tol: float | None = None  # δ relative to the unseen loss
    targets: tuple[str, ...] = ()  # such as "accuracy=0.95": all must be met
    min_gain: float | None = None  # of accuracy, by doubling the objects
    confirm: int = 2  # sizes that must hold, so that one lucky size does not decide
    features: str = "auto"
    pooling: Pooling | None = None  # None: the class token where there is one, else the pooled output
    revision: str | None = None  # of the pretrained model
    all_features: bool = False  # make the features of every image, not only of those that the study needs
    scale: str = "auto"
    time_limit: float | None = None  # seconds
    extend: str | None = None  # the run that this one goes on with, its data having grown
    source: SourceOptions = field(default_factory=SourceOptions)
    study: StudyOptions = field(default_factory=StudyOptions)

    def __post_init__(self) -> None:
        """Refuse what cannot be meant; numpy's numbers become Python's."""
        for name in ("tol", "rel_tol", "min_gain", "confirm", "time_limit"):
            value = getattr(self, name)
            object.__setattr__(self, name, value.item() if hasattr(value, "item") else value)
        object.__setattr__(self, "targets", tuple(str(each) for each in criteria_of(targets=self.targets)))
        tolerance, asked = asked_of(self.tol, self.criteria)
        object.__setattr__(self, "tol", tolerance.value if asked else None)
        if self.confirm < 1:
            raise UsageError(f"--confirm {self.confirm} cannot be used; give at least 1 size.")
        if self.pooling not in (None, *get_args(Pooling)):
            raise UsageError(f"--pooling {self.pooling} is unknown; give {', '.join(get_args(Pooling))}.")
        if self.scale not in {"auto", "none", "standard"}:
            raise UsageError(f"--scale {self.scale} is unknown; give auto, none or standard.")
        if self.time_limit is not None and not self.time_limit > 0:
            raise UsageError(
                f"--time-limit {self.time_limit} cannot be used; give a positive number of seconds."
            )

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """What is asked beside a tolerance."""
        return criteria_of(rel_tol=self.rel_tol, targets=self.targets, min_gain=self.min_gain)

    def resolved(self) -> dict[str, Any]:
        """Return name → value, flat, in the order of the fields."""
        flat = asdict(self)
        source, study = flat.pop("source"), flat.pop("study")
        flat["targets"] = list(flat["targets"])
        return {**flat, **source, "drop": list(source["drop"]), **study}

    @classmethod
    def from_keywords(cls, data: str, given: Mapping[str, Any]) -> RunOptions:
        """Return the options as they are given in Python: paths, one text for several, `quick`.

        Raises UsageError for a name that is no option.
        """
        options = {name: str(value) if isinstance(value, Path) else value for name, value in given.items()}
        if options.pop("quick", False):
            if "replicates" in options:
                raise UsageError(f"--quick means --replicates {QUICK_REPLICATES}; give one of the two.")
            options["replicates"] = QUICK_REPLICATES
        for name in SEVERAL & set(options):
            options[name] = (options[name],) if isinstance(options[name], str) else tuple(options[name])
        known = {field.name for kind in (cls, SourceOptions, StudyOptions) for field in fields(kind)}
        if unknown := sorted(set(options) - (known - {"data", "source", "study"})):
            raise UsageError(f"there is no option {', '.join(unknown)}; see help(sufficient.estimate).")
        return cls.of({"data": data, **options})

    @classmethod
    def of(cls, resolved: dict[str, Any]) -> RunOptions:
        """Return the options that `resolved` came from. Raises TypeError for a name that is no option."""
        source = {name: v for name, v in resolved.items() if name in SourceOptions.__dataclass_fields__}
        study = {name: v for name, v in resolved.items() if name in StudyOptions.__dataclass_fields__}
        rest = {name: v for name, v in resolved.items() if name not in source | study}
        return cls(**rest, source=SourceOptions(**source), study=StudyOptions(**study))

    def to_toml(self) -> str:
        """Return the options as TOML; what is not set stands as a comment."""
        lines = ["# every option of this run, as resolved; `--resume` asks for the same"]
        for name, value in self.resolved().items():
            lines.append(f"# {name}: not set" if value is None else f"{name} = {json.dumps(value)}")
        return "\n".join(lines) + "\n"


def read_options(path: Path) -> RunOptions:
    """Return the options in a `config.toml`. Raises DataError where there is none that can be read."""
    try:
        return RunOptions.of(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path} cannot be read as the options of a run ({error}).") from error


def differences(path: Path, options: RunOptions) -> list[str]:
    """Return what differs between a `config.toml` and the options, a phrase each."""
    before = read_options(path).resolved()
    now = {name: value for name, value in options.resolved().items() if name not in ONE_SITTING}
    return [
        f"--{FLAGS.get(name, name).replace('_', '-')} was {_shown(before[name])} and is {_shown(value)}"
        for name, value in now.items()
        if before[name] != value
    ]


def _shown(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value)) or "not set"
    return "not set" if value is None else str(value)
