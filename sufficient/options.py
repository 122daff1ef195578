"""Every option of one run, resolved: what `config.toml` holds and what a resumed run must match."""

from __future__ import annotations

import json
import math
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sufficient.errors import DataError, UsageError
from sufficient.study.options import StudyOptions

QUICK_REPLICATES = 4  # the interval still covers; the answer comes in about half the time

ONE_SITTING = {
    "time_limit",
    "root",
    "download",
}  # may differ when a run is resumed: no number depends on them


@dataclass(frozen=True)
class RunOptions:
    """The question, the data and the study. A wrong value raises UsageError naming the flag."""

    data: str  # SPEC, or "arrays" for values handed over in Python
    tol: float = 1e-4  # nats
    confirm: int = 2  # sizes that must hold, so that one lucky size does not decide
    features: str = "auto"
    size: int | None = None  # pixels; None: the images' own side up to 64, else 32
    scale: str = "auto"
    root: str | None = None  # where named data sets lie
    download: bool = False
    time_limit: float | None = None  # seconds
    study: StudyOptions = field(default_factory=StudyOptions)

    def __post_init__(self) -> None:
        """Refuse what cannot be meant; numpy's numbers become Python's."""
        for name in ("tol", "confirm", "size", "time_limit"):
            value = getattr(self, name)
            object.__setattr__(self, name, value.item() if hasattr(value, "item") else value)
        if not isinstance(self.tol, int | float):
            raise UsageError(f"--tol {self.tol!r} is no number; give a positive number of nats.")
        if not (math.isfinite(self.tol) and self.tol > 0):
            raise UsageError(f"--tol {self.tol} is no tolerance; give a positive, finite number of nats.")
        if self.confirm < 1:
            raise UsageError(f"--confirm {self.confirm} cannot be used; give at least 1 size.")
        if self.size is not None and self.size < 1:
            raise UsageError(f"--size {self.size} cannot be used; give the side in pixels, at least 1.")
        if self.scale not in {"auto", "none", "standard"}:
            raise UsageError(f"--scale {self.scale} is unknown; give auto, none or standard.")
        if self.time_limit is not None and not self.time_limit > 0:
            raise UsageError(
                f"--time-limit {self.time_limit} cannot be used; give a positive number of seconds."
            )

    def resolved(self) -> dict[str, Any]:
        """Return name → value, flat, in the order of the fields."""
        flat = asdict(self)
        return {**{name: value for name, value in flat.items() if name != "study"}, **flat["study"]}

    @classmethod
    def of(cls, resolved: dict[str, Any]) -> RunOptions:
        """Return the options that `resolved` came from."""
        study = {name: value for name, value in resolved.items() if name in StudyOptions.__dataclass_fields__}
        rest = {name: value for name, value in resolved.items() if name not in study}
        return cls(**rest, study=StudyOptions(**study))

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
        f"--{name.replace('_', '-')} was {_shown(before[name])} and is {_shown(value)}"
        for name, value in now.items()
        if before[name] != value
    ]


def _shown(value: object) -> str:
    return "not set" if value is None else str(value)
