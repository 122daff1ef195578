"""Files of arrays: `.npz` (numpy) and `.safetensors`. Nothing is unpickled."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sufficient.data.labels import ClassNames
from sufficient.errors import DataError
from sufficient.notice import Notice

DATA_KEYS = ("images", "features", "x", "X", "x_train", "data")
LABEL_KEYS = ("labels", "y", "y_train", "targets")


class Arrays(NamedTuple):
    """What a file holds for one labelled data set."""

    data: NDArray[Any]
    labels: NDArray[Any]
    classes: ClassNames | None
    notices: tuple[Notice, ...]


def read_npz(path: Path, *, spec: str) -> Arrays:
    """Return the arrays of an `.npz`: data and labels under one of their usual names, `classes` optional.

    Raises DataError: damaged, object arrays, names missing or ambiguous.
    """
    if not zipfile.is_zipfile(path):
        raise _damaged(spec, ".npz", "not a zip archive")
    try:
        with np.load(path, allow_pickle=False) as file:
            data_key, label_key = _pick_keys(spec, file.files)
            data, labels = _member(file, data_key, spec), _member(file, label_key, spec)
            classes = _member(file, "classes", spec) if "classes" in file.files else None
            return Arrays(data, labels, classes, _test_notice(file.files))
    except (DataError, MemoryError):
        raise
    except Exception as error:  # zip, zlib, lzma and numpy each have their own for damaged bytes
        raise _damaged(spec, ".npz", str(error)) from error


def read_safetensors(path: Path, *, spec: str) -> Arrays:
    """Return the arrays of a `.safetensors`, named as in an `.npz`; `classes` is a JSON list in its metadata.

    Raises DataError: damaged, names missing or ambiguous, a dtype that numpy lacks.
    """
    from safetensors import safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            data_key, label_key = _pick_keys(spec, list(file.keys()))
            metadata = file.metadata() or {}
            data, labels = file.get_tensor(data_key), file.get_tensor(label_key)
            return Arrays(data, labels, _json_classes(spec, metadata), _test_notice(file.keys()))
    except (DataError, MemoryError):
        raise
    except Exception as error:  # SafetensorError, OSError, or TypeError for bfloat16
        raise _damaged(spec, ".safetensors", str(error)) from error


def _member(file: Any, key: str, spec: str) -> NDArray[Any]:
    try:
        return np.asarray(file[key])
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        raise DataError(
            f"{spec} holds Python objects under '{key}', which would have to be unpickled and could run any "
            "code; save plain arrays instead: numbers as numbers, text with array.astype(str)."
        ) from error


def _pick_keys(spec: str, names: Collection[str]) -> tuple[str, str]:
    return _pick(spec, "data", DATA_KEYS, names), _pick(spec, "labels", LABEL_KEYS, names)


def _pick(spec: str, what: str, usual: Sequence[str], names: Collection[str]) -> str:
    present = [name for name in usual if name in names]
    if len(present) == 1:
        return present[0]
    trouble = f"could be any of {', '.join(present)}" if present else "was not found"
    raise DataError(
        f"{spec} holds the arrays {', '.join(sorted(names)) or '(none)'}; the array of {what} {trouble}. "
        f"Save it under exactly one of {', '.join(usual)}."
    )


def _json_classes(spec: str, metadata: dict[str, str]) -> list[str] | None:
    if "classes" not in metadata:
        return None
    try:
        classes = json.loads(metadata["classes"])
    except json.JSONDecodeError:
        classes = None
    if not (isinstance(classes, list) and all(isinstance(name, str) for name in classes)):
        raise DataError(
            f"{spec} has metadata `classes` that is no JSON list of text; save it with json.dumps(names)."
        )
    return classes


def _test_notice(names: Collection[str]) -> tuple[Notice, ...]:
    if "x_test" not in names:
        return ()
    return (Notice("TRAIN-SPLIT", "only the training arrays are read; x_test is left out."),)


def _damaged(spec: str, suffix: str, cause: str) -> DataError:
    return DataError(
        f"{spec} cannot be read as {suffix} ({cause}); it is damaged or another format: save it again."
    )
