"""Hugging Face data sets: of the hub, saved to a folder, or in a parquet file; images are read as needed."""

from __future__ import annotations

import errno
import hashlib
import importlib
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sufficient.data.arrow import ArrowTable, damaged_parquet, open_parquet
from sufficient.data.cells import is_missing
from sufficient.data.columns import FIRST_ROWS, Table, TableOptions, column, columns_named
from sufficient.data.hub_client import quiet, why_unreachable
from sufficient.data.labelled import Skipped, UnusableError
from sufficient.data.labels import ClassNames, encode_labels, groups_of_cells, labels_of_cells
from sufficient.data.row_files import RowFiles, row_files
from sufficient.data.row_images import RowSource
from sufficient.data.usual_columns import group_column, usual_label_column
from sufficient.data.walk import printable
from sufficient.errors import DataError, ResourceError, UsageError, first_sentence
from sufficient.notice import Notice

PREFIX = "hf://"
TRAIN = "train"
SAVED = ("state.json", "dataset_info.json")  # what Dataset.save_to_disk leaves
SAVED_SPLITS = "dataset_dict.json"  # what DatasetDict.save_to_disk leaves


class FeatureSet(NamedTuple):
    """A data set without images: a table."""

    table: Table
    label: str | None  # the column of labels, where its kind says so
    classes: ClassNames | None  # that the labels index
    notices: tuple[Notice, ...]


def is_saved(path: Path) -> bool:
    """Whether a folder was written by `save_to_disk` of a Dataset or a DatasetDict."""
    return (path / SAVED_SPLITS).is_file() or all((path / name).is_file() for name in SAVED)


def is_dataset(data: Any) -> bool:
    """Whether an object is a data set of `datasets`, or a dictionary of its splits, by what it can do."""
    return type(data).__module__.split(".")[0] == "datasets" and hasattr(data, "column_names")


def open_hub(spec: str, options: TableOptions) -> RowSource | FeatureSet:
    """Return the data set `hf://datasets/NAME@REVISION`, downloaded into the library's cache if need be.

    Raises DataError: unknown, unreachable, or made by code of its own, which is never run.
    """
    name, _, revision = spec.removeprefix(PREFIX).removeprefix("datasets/").partition("@")
    library = datasets_library(spec)
    if not name or name.startswith("/"):
        raise DataError(f"{spec} names no data set; write hf://datasets/OWNER/NAME or .../NAME@REVISION.")
    if os.path.exists(name):  # which the library would read in place of the hub's
        raise DataError(
            f"{spec} is shadowed by {name} in this directory; run the command in another one, or give the "
            f"path ./{name} to read that."
        )
    with quiet("datasets"):
        silent = why_unreachable(name, "README.md", dataset=True, revision=revision or None)
        offline, library.config.HF_HUB_OFFLINE = library.config.HF_HUB_OFFLINE, bool(silent)
        try:
            loaded = library.load_dataset(name, revision=revision or None, split=options.split)
        except Exception as error:  # the library, its client and the network each have their own
            raise _unreachable(spec, error, silent) from error
        finally:
            library.config.HF_HUB_OFFLINE = offline
    return open_dataset(loaded, replace(options, split=None), spec=spec, folders=_caches(library))


def open_saved(path: Path, options: TableOptions, *, spec: str) -> RowSource | FeatureSet:
    """Return the data set in a folder written by `save_to_disk`. Raises DataError where it is damaged."""
    library = datasets_library(spec)
    try:
        loaded = library.load_from_disk(str(path))
    except Exception as error:  # JSON, Arrow and the system each have their own
        stop_if_machine(error)
        raise DataError(
            f"{spec} cannot be read as a saved data set ({printable(first_sentence(error))}); save it again, "
            "with save_to_disk."
        ) from error
    return open_dataset(loaded, options, spec=spec, folders=[str(path), *_caches(library)])


def open_parquet_set(path: Path, options: TableOptions, *, spec: str) -> RowSource | FeatureSet:
    """Return a parquet file as images, where a column holds some, else as a table of features."""
    table = open_parquet(path, spec=spec)
    if not table.has_images and options.image_column is None:
        return FeatureSet(table, None, None, ())
    library = datasets_library(spec)
    with quiet("datasets"):
        try:
            loaded = library.Dataset.from_parquet(str(path))
        except Exception as error:
            stop_if_machine(error)
            raise damaged_parquet(spec, error) from error
    folders = [os.path.dirname(os.path.abspath(path)), *_caches(library)]
    return open_dataset(loaded, options, spec=spec, folders=folders)


def open_dataset(
    data: Any, options: TableOptions, *, spec: str, folders: Sequence[str] | None = None
) -> RowSource | FeatureSet:
    """Return a data set of `datasets` as images, if a column holds some, else as a table of features.

    `folders`: those in which the files lie that rows may name; None, of one that a program has made: any.
    Raises DataError: streamed, several splits without a train, several labels for an object.
    """
    data, notices = _one_split(data, options.split, spec)
    if not (hasattr(data, "select_columns") and hasattr(data, "__len__")):
        raise DataError(
            f"{spec} is streamed: its objects cannot be counted, nor read in an order of one's own; "
            "load it without streaming=True."
        )
    table = ArrowTable(spec, tuple(data.column_names), _loader(data), lambda: _head(data))
    if len(data) == 0:
        raise DataError(f"{spec} holds no rows; give another --split.")
    image = _image_column(data, table, options, spec)
    label = _label_column(data, table, options, spec)
    classes = getattr(data.features[label], "names", None)
    if image is None:
        return FeatureSet(table, label, classes, notices)
    if options.drop:
        raise UsageError(f"--drop leaves out columns of features, and {spec} holds images; leave it out.")
    group = group_column(table, options, spec=spec)
    cells = table.read(tuple(dict.fromkeys([label, *([group] if group else [])])), ()).cells
    given = cells[label] if classes is None else [None if cell == -1 else cell for cell in cells[label]]
    plain, present, said = labels_of_cells(given, column=label)
    if not present.any():
        raise DataError(f"no row of {spec} has a label in the column {printable(label)}; name another.")
    codes, names = encode_labels(plain, classes)
    files = row_files(data, image, spec=spec, folders=folders)
    files.require_some(spec, printable(image), len(data))
    readable = present.copy()
    readable[list(files.left_out)] = False
    rows = np.flatnonzero(readable).astype(np.int64)
    groups, remarks = (None, []) if group is None else groups_of_cells(cells[group], column=group)
    unlabelled = np.setdiff1d(np.flatnonzero(~present), files.left_out)
    identity = f"{data._fingerprint} {len(data)} {image}"
    return RowSource(
        spec=spec,
        fetch=_fetcher(data, image, files),
        rows=rows,
        labels=codes[readable[present]],
        classes=tuple(map(printable, names)),
        groups=None if groups is None else groups[rows],
        skipped=(*files.skipped, *(Skipped(f"row {row}", "label-missing") for row in unlabelled)),
        notices=(*notices, *said, *remarks, *files.notices()),
        fingerprint=lambda: hashlib.sha256(identity.encode() + files.fingerprint()).hexdigest(),
    )


def datasets_library(spec: str) -> Any:
    """Return the library `datasets`. Raises DataError with the line that installs it."""
    try:
        return importlib.import_module("datasets")
    except ImportError as error:
        raise DataError(
            f"{spec} is read with the library datasets, which is not installed: "
            "pip install 'sufficient-samples[hub]'"
        ) from error


def stop_if_machine(error: Exception) -> None:
    """Raise what is no fault of the data: memory or disk at its end."""
    if isinstance(error, MemoryError):
        raise error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise ResourceError(
            f"the disk is full ({error.strerror}) where the library datasets keeps its cache; free some "
            "space, or point HF_HOME to another disk."
        ) from error


def _one_split(data: Any, split: str | None, spec: str) -> tuple[Any, tuple[Notice, ...]]:
    """Return the split that is asked for, else train, else the only one."""
    if not isinstance(data, dict):
        if split not in (None, str(getattr(data, "split", None))):
            raise UsageError(f"{spec} is one data set, not several splits; leave --split {split} out.")
        return data, ()
    names = [str(name) for name in data]
    chosen = split or (TRAIN if TRAIN in names else names[0] if len(names) == 1 else None)
    if chosen not in names:
        asked = f"no split {printable(split)}" if split else "several splits and none named train"
        has = ", ".join(map(printable, names))
        raise DataError(f"{spec} has {asked}; it has {has}. Name one with --split.")
    others = [name for name in names if name != chosen]
    if split or not others:
        return data[chosen], ()
    message = f"only the split {chosen} is read; left out: {', '.join(map(printable, others))}."
    return data[chosen], (Notice("TRAIN-SPLIT", message),)


def _loader(data: Any) -> Callable[[Sequence[str]], Any]:
    return lambda names: data.select_columns(list(names)).with_format("arrow")[:]


def _head(data: Any) -> Any:
    return data.select(range(min(len(data), FIRST_ROWS))).with_format("arrow")[:]


def _is_image(feature: Any) -> bool:
    """Whether a column is of images: the library's own kind, or a struct with the bytes of a file."""
    return type(feature).__name__ == "Image" or (isinstance(feature, dict) and "bytes" in feature)


def _is_bytes(feature: Any) -> bool:
    """Whether a column is of bytes, which can be nothing but files."""
    return getattr(feature, "dtype", None) in ("binary", "large_binary", "binary_view")


def _image_column(data: Any, table: Table, options: TableOptions, spec: str) -> str | None:
    if options.image_column is not None:
        name = column(table, options.image_column, spec=spec, option="--image-column")
        feature = data.features[name]
        if _is_image(feature) or _is_bytes(feature):
            return name
        raise DataError(
            f"the column {printable(name)} of {spec} holds no images ({feature}); "
            f"it has {columns_named(table.names)}."
        )
    found = [name for name, feature in data.features.items() if _is_image(feature)]
    found = found or [name for name, feature in data.features.items() if _is_bytes(feature)]
    if len(found) > 1:
        named = ", ".join(map(printable, found))
        raise DataError(f"{spec} has several columns of images ({named}); name one with --image-column.")
    return found[0] if found else None


def _label_column(data: Any, table: Table, options: TableOptions, spec: str) -> str:
    kinds = [name for name, feature in data.features.items() if type(feature).__name__ == "ClassLabel"]
    if options.label_column is None and len(kinds) == 1:
        return str(kinds[0])
    return usual_label_column(table, options, spec=spec)


def _caches(library: Any) -> tuple[str, ...]:
    """Return the folders in which the library keeps what it downloads and unpacks."""
    config = library.config
    hub = importlib.import_module("huggingface_hub").constants
    return str(config.HF_DATASETS_CACHE), str(config.DOWNLOADED_DATASETS_PATH), str(hub.HF_HUB_CACHE)


def _fetcher(data: Any, name: str, files: RowFiles) -> Callable[[int], bytes]:
    """Return what fetches the bytes of one image, which the library leaves as they are."""
    images = data.select_columns([name]).with_format(None)
    if type(images.features[name]).__name__ == "Image":
        images = images.cast_column(name, type(images.features[name])(decode=False))

    def fetch(row: int) -> bytes:
        content = files.read(row)
        if content is not None:
            return content
        given = images[row][name]
        if isinstance(given, dict):
            given = given.get("bytes")
        if is_missing(given):
            raise UnusableError("unreadable", "the row holds no image")
        return bytes(given)

    return fetch


def _unreachable(spec: str, error: Exception, silent: str) -> Exception:
    stop_if_machine(error)
    if "script" in str(error) and "supported" in str(error):
        return DataError(
            f"{spec} is made by code of its own, which is never run; look for a revision with parquet files "
            f"({spec.partition('@')[0]}@refs/convert/parquet), or save it elsewhere with save_to_disk."
        )
    if silent and isinstance(error, ConnectionError):
        way = "unset HF_HUB_OFFLINE" if "OFFLINE" in silent else "check the network"
        return DataError(
            f"{spec} cannot be had (it is not in the local cache, and {silent}); {way}, or fetch it where "
            "there is a network, save it with save_to_disk and give that folder."
        )
    return DataError(
        f"{spec} cannot be had ({printable(first_sentence(error))}); check its name and --split, or fetch it "
        "elsewhere, save it with save_to_disk and give that folder."
    )
