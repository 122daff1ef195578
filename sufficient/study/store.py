"""A record on disk, written stage by stage: what is there is whole, whenever the process was killed.

Below `record/`:

- `record.json`: options, sizes, shares, classes, notices
- `shares-1f0a….safetensors`: labels of the used objects, their circular order or their numbers in the source,
  their identities and groups; `record.json` names it, so that both change in one step as a record grows
- `stage-0000032.safetensors`: one stage, all replicates, with the loss of every held-out object
- `last-0000032.safetensors`: of the last stage only: weights, replicate 0's loss on every object, and a few
  objects as the networks see them

A stage counts once its `stage-` file is there; its `last-` file is written before it.
"""

from __future__ import annotations

import hashlib
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
from sufficient.files import make_folder, write_atomically
from sufficient.notice import Notice
from sufficient.study.record import Last, Record, Stage
from sufficient.study.shares import AnyShares, CommonShares, ExtendedShares, Index, Shares

BESIDE_WEIGHTS = ("all_losses", "sample", "sample_labels")
HEADER = "record.json"
FORMAT = 3  # of the files; raised when an older reader would misread them
FORMAT_EXTENDED = 4  # of a run that was extended
FORMATS_READ = (2, FORMAT, FORMAT_EXTENDED)  # 2: shares that rotate, in SHARES_OF_2
SHARES_OF_2 = "shares.safetensors"
PER_OBJECT = ("labels", "objects", "groups", "identities")


def write_record(directory: Path, record: Record) -> None:
    """Write a whole record below `directory`; until all is there, it reads as one without stages."""
    write_header(directory, record)
    if record.stages:
        append_stage(directory, record)
    for stage in reversed(record.stages[:-1]):
        _write_tensors(_stage_path(directory, stage.size), _stage_tensors(stage))


def write_header(directory: Path, record: Record) -> None:
    """Write all but the stages: before the first one, and again whenever the record has grown."""
    make_folder(directory, option=None)
    shares = record.shares
    order = _order(shares)
    numbers = {name: value for name in PER_OBJECT if (value := getattr(record, name)) is not None}
    content = save({name: np.ascontiguousarray(value) for name, value in (order | numbers).items()})
    beside = f"shares-{hashlib.sha256(content).hexdigest()[:16]}.safetensors"
    header = {
        "format": FORMAT_EXTENDED if _is_extended(shares) else FORMAT,
        "options": record.options,
        "sizes": record.sizes,
        "classes": record.classes,
        "shares_file": beside,
        "shares": _numbers(shares),
        "notices": [asdict(notice) for notice in record.notices],
        "data": record.data,
        "features": record.features,
        "model": record.model,
        "computed": record.computed,
    }
    write_atomically(directory / beside, content)
    write_atomically(directory / HEADER, (json.dumps(header, indent=2) + "\n").encode())
    for older in directory.glob("shares*.safetensors"):
        if older.name != beside:
            older.unlink()


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
        try:
            return _read(directory)
        except FileNotFoundError:  # the run goes on meanwhile and has replaced a file
            return _read(directory)
    except (ValueError, KeyError, TypeError, OSError, SafetensorError) as error:
        raise DataError(
            f"the record in {directory} cannot be read ({error}); run the estimate again into another --out."
        ) from error


def _read(directory: Path) -> Record:
    header = json.loads((directory / HEADER).read_text(encoding="utf-8"))
    if header["format"] not in FORMATS_READ:
        raise ValueError(
            f"format {header['format']}, this version reads {' and '.join(map(str, FORMATS_READ))}"
        )
    tensors = load_file(directory / header.get("shares_file", SHARES_OF_2))
    sizes = tuple(header["sizes"])
    stages = []
    for size in sizes:
        path = _stage_path(directory, size)
        if not path.exists():
            break
        stages.append(Stage(size=size, **load_file(path)))
    return Record(
        options=header["options"],
        shares=_shares(tensors.get("order"), header["shares"]),
        labels=tensors["labels"],
        objects=tensors.get("objects"),
        groups=tensors.get("groups"),
        identities=tensors.get("identities"),
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


def _is_extended(shares: AnyShares) -> bool:
    return isinstance(shares, ExtendedShares) or (isinstance(shares, CommonShares) and bool(shares.settled))


def _order(shares: AnyShares) -> dict[str, Index]:
    """Return the circular order, those of several rounds one after the other; common shares have none."""
    rounds = shares.rounds if isinstance(shares, ExtendedShares) else (shares,)
    orders = [part.order for part in rounds if isinstance(part, Shares)]
    return {"order": np.concatenate(orders)} if orders else {}


def _numbers(shares: AnyShares) -> dict[str, Any]:
    """Return everything of the shares but their order, as plain values."""
    if isinstance(shares, ExtendedShares):
        return {"rounds": [{"used": part.used, **_numbers(part)} for part in shares.rounds]}
    return {field.name: getattr(shares, field.name) for field in fields(shares) if field.name != "order"}


def _shares(order: Index | None, numbers: dict[str, Any]) -> AnyShares:
    if order is None:
        settled = tuple((int(size), int(pool)) for size, pool in numbers.pop("settled", ()))
        return CommonShares(**numbers, settled=settled)
    if "rounds" not in numbers:
        return Shares(order=order, **numbers)
    ends = np.cumsum([part.pop("used") for part in numbers["rounds"]])[:-1]
    orders = np.split(order, ends)
    return ExtendedShares(tuple(Shares(o, **n) for o, n in zip(orders, numbers["rounds"], strict=True)))


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
