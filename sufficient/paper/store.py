"""A sweep on disk: one file, whole or not there. What is there is not trained again."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from sufficient.errors import DataError
from sufficient.files import make_folder, write_atomically
from sufficient.paper.protocol import EPOCHS, NETWORKS, Sweep

FORMAT = 1  # of the file; raised when an older reader would misread it
ORIGIN = ("spec", "of_the_paper", "fingerprint")  # as the file names the fields of `Origin`
ARRAYS = ("grid", "constant", "drawn", "accuracy", "largest_loss", "dead")


class DamagedSweepError(DataError):
    """A file that holds no sweep which this version reads."""

    def __init__(self, path: Path, cause: Exception) -> None:
        self.next = f"delete {path}"
        super().__init__(
            f"the sweep in {path} cannot be read ({cause}); delete this file and go on with --resume: "
            "it is trained again."
        )


@dataclass(frozen=True)
class Origin:
    """Which objects a sweep was trained on."""

    spec: str  # as the user gave it
    paper_inputs: bool  # the very objects of the paper, and inputs made as its authors made them
    fingerprint: str  # SHA-256 of the objects, their labels and what was made of them


@dataclass(frozen=True)
class Saved:
    """A sweep with its origin: what one file holds."""

    sweep: Sweep
    origin: Origin
    epochs: int = EPOCHS


def sweep_path(directory: Path, name: str) -> Path:
    """Return where the sweep of that name lies below a directory of sweeps."""
    return directory / f"{name}.safetensors"


def write_sweep(path: Path, saved: Saved) -> None:
    """Write a sweep, whole or not at all. Raises ResourceError when the disk says no."""
    sweep = saved.sweep
    header = {
        "format": FORMAT,
        "sweep": {name: value for name, value in vars(sweep).items() if name not in ARRAYS},
        "origin": dict(zip(ORIGIN, astuple(saved.origin), strict=True)),
        "epochs": saved.epochs,
    }
    arrays = {name: np.ascontiguousarray(getattr(sweep, name)) for name in ARRAYS}
    make_folder(path.parent, option=None)
    write_atomically(path, save(arrays, metadata={"sweep": json.dumps(header)}))


def read_sweep(path: Path) -> Saved:
    """Return the sweep in a file. Raises DamagedSweepError when it is damaged or of another version."""
    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {})["sweep"])
            arrays = {name: file.get_tensor(name) for name in ARRAYS}
        if header["format"] != FORMAT:
            raise ValueError(f"format {header['format']}, this version reads {FORMAT}")
        return Saved(
            _sweep(header["sweep"], arrays),
            Origin(*(header["origin"][name] for name in ORIGIN)),
            header["epochs"],
        )
    except (ValueError, KeyError, TypeError, OSError, SafetensorError) as error:
        raise DamagedSweepError(path, error) from error


def differences(saved: Saved, *, seeds: tuple[int, ...]) -> list[str]:
    """Return which settings of a saved sweep differ from those asked for now, a phrase each."""
    found = []
    if saved.sweep.seeds != seeds:
        found.append(f"--seeds was {len(saved.sweep.seeds)} and is {len(seeds)}")
    if saved.epochs != EPOCHS:
        found.append(f"its epochs were {saved.epochs} and are {EPOCHS}")
    return found


def _sweep(fields: dict[str, Any], arrays: dict[str, Any]) -> Sweep:
    sweep = Sweep(**{**fields, "seeds": tuple(fields["seeds"])}, **arrays)
    networks, points = (len(sweep.seeds), len(NETWORKS)), len(sweep.grid)
    for name in ARRAYS[1:]:
        shape = (*networks, points) if name == "drawn" else networks
        if arrays[name].shape != shape:
            raise ValueError(f"{name} has shape {arrays[name].shape}, not {shape}")
    return sweep
