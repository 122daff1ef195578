"""A record on disk, written stage by stage: what is there is whole, whenever the process was killed.

Below `record/`:

- `record.json`: options, sizes, shares, classes, notices
- `shares.safetensors`: circular order and labels of the used objects
- `stage-0000032.safetensors`: one stage, all replicates, with the loss of every held-out object
- `last-0000032.safetensors`: of the last stage only: weights, replicate 0's loss on every object, and a few
  objects as the networks see them

A stage counts once its `stage-` file is there; its `last-` file is written before it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from sufficient.errors import DataError
from sufficient.files import write_atomically
from sufficient.notice import Notice
from sufficient.study.record import Last, Record, Stage
from sufficient.study.shares import Shares

BESIDE_WEIGHTS = ("all_losses", "sample", "sample_labels")
HEADER = "record.json"
FORMAT = 2  # of the files; raised when an older reader would misread them


def write_record(directory: Path, record: Record) -> None:
    """Write a whole record below `directory`."""
    write_header(directory, record)
    for stage in record.stages[:-1]:
        _write_tensors(_stage_path(directory, stage.size), _stage_tensors(stage))
    if record.stages:
        append_stage(directory, record)


def write_header(directory: Path, record: Record) -> None:
    """Write what is known before the first stage."""
    directory.mkdir(parents=True, exist_ok=True)
    shares = record.shares
    header = {
        "format": FORMAT,
        "options": record.options,
        "sizes": record.sizes,
        "classes": record.classes,
        "shares": {
            "replicates": shares.replicates,
            "k_available": shares.k_available,
            "validation": shares.validation,
            "held_out": shares.held_out,
        },
        "notices": [asdict(notice) for notice in record.notices],
        "data": record.data,
        "features": record.features,
        "model": record.model,
        "computed": record.computed,
    }
    _write_tensors(directory / "shares.safetensors", {"order": shares.order, "labels": record.labels})
    write_atomically(directory / HEADER, (json.dumps(header, indent=2) + "\n").encode())


def append_stage(directory: Path, record: Record) -> None:
    """Write the record's newest stage; what only the last stage keeps is dropped of the one before."""
    stage, last = record.stages[-1], record.last
    if last is not None:
        beside = {name: getattr(last, name) for name in BESIDE_WEIGHTS}
        _write_tensors(_last_path(directory, stage.size), {**last.weights, **beside})
    _write_tensors(_stage_path(directory, stage.size), _stage_tensors(stage))
    for older in directory.glob("last-*.safetensors"):
        if older != _last_path(directory, stage.size):
            older.unlink()


def read_record(directory: Path) -> Record | None:
    """Return the record below `directory`, or None where none was begun. Raises DataError when damaged."""
    header_path = directory / HEADER
    if not header_path.exists():
        return None
    try:
        header = json.loads(header_path.read_text(encoding="utf-8"))
        try:
            return _read(directory, header)
        except FileNotFoundError:  # the run goes on meanwhile and has replaced its last file
            return _read(directory, header)
    except (ValueError, KeyError, TypeError, OSError, SafetensorError) as error:
        raise DataError(
            f"the record in {directory} cannot be read ({error}); run the estimate again into another --out."
        ) from error


def _read(directory: Path, header: dict[str, Any]) -> Record:
    if header["format"] != FORMAT:
        raise ValueError(f"format {header['format']}, this version reads {FORMAT}")
    tensors = load_file(directory / "shares.safetensors")
    sizes = tuple(header["sizes"])
    stages = []
    for size in sizes:
        path = _stage_path(directory, size)
        if not path.exists():
            break
        stages.append(Stage(size=size, **load_file(path)))
    return Record(
        options=header["options"],
        shares=Shares(order=tensors["order"], **header["shares"]),
        labels=tensors["labels"],
        classes=tuple(header["classes"]),
        sizes=sizes,
        stages=tuple(stages),
        last=_read_last(directory, stages[-1].size) if stages else None,
        notices=tuple(Notice(**notice) for notice in header["notices"]),
        data=header["data"],
        features=header["features"],
        model=header["model"],
        computed=header["computed"],
    )


def _read_last(directory: Path, size: int) -> Last:
    tensors = load_file(_last_path(directory, size))
    beside = {name: tensors.pop(name) for name in BESIDE_WEIGHTS}
    return Last(weights=tensors, **beside)


def _stage_tensors(stage: Stage) -> dict[str, NDArray[Any]]:
    return {field.name: getattr(stage, field.name) for field in fields(stage) if field.name != "size"}


def _stage_path(directory: Path, size: int) -> Path:
    return directory / f"stage-{size:07d}.safetensors"


def _last_path(directory: Path, size: int) -> Path:
    return directory / f"last-{size:07d}.safetensors"


def _write_tensors(path: Path, tensors: Mapping[str, NDArray[Any]]) -> None:
    write_atomically(path, save({name: np.ascontiguousarray(value) for name, value in tensors.items()}))
