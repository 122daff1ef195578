"""Which reader a table, a folder with one, a Hugging Face data set or a torch Dataset goes to."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple, Unpack

from sufficient.data.catalogue import catalogue_listing
from sufficient.data.columns import TableOptions, column_name, frame_table, is_frame
from sufficient.data.decoding import ReadOptions
from sufficient.data.folder import read_listing
from sufficient.data.hub import (
    PREFIX,
    FeatureSet,
    is_dataset,
    is_saved,
    open_dataset,
    open_hub,
    open_parquet_set,
    open_saved,
)
from sufficient.data.label_table import LabelTable, label_table, list_by_table, metadata_of
from sufficient.data.labelled import ImageSet, LabelledData
from sufficient.data.named import NAMES
from sufficient.data.python_inputs import is_torch_dataset, open_torch
from sufficient.data.row_images import RowSource, catalogue_rows, read_rows
from sufficient.data.table import read_table
from sufficient.data.table_files import TABLE_SUFFIXES, open_table
from sufficient.data.table_layout import paths_alone
from sufficient.errors import DataError, UsageError

PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".joblib", ".ckpt", ".bin")
ALL_OPTIONS = tuple(field.name for field in fields(TableOptions))


class TabledFolder(NamedTuple):
    """A folder of images and the table of their labels."""

    root: Path
    table: LabelTable
    spec: str


Route = TabledFolder | RowSource | LabelledData


def route(data: Any, labels: Any, options: TableOptions) -> Route | None:
    """Return what `data` is, opened, features read already; None: a folder of class folders, or arrays.

    Raises DataError for what cannot be read, UsageError for options that do not go with it.
    """
    if isinstance(data, str | Path):
        return _path_route(data, labels, options)
    if is_frame(data) and (labels is None or _is_table(labels)):
        refuse_options(options, ("split",), "a data frame")
        table = frame_table(data, spec="the data frame")
        if (paths := paths_alone(table, options)) is not None:
            raise DataError(
                f"the data frame names images ({column_name(paths)}) and holds no features; give the "
                'folder that they start from, and the frame as its labels: estimate("folder", labels=df).'
            )
        return read_table(table, options, spec="the data frame", labels=labels)
    if labels is not None:
        return None
    if is_dataset(data):
        return _features_read(open_dataset(data, options, spec="the Dataset"), options, "the Dataset")
    if is_torch_dataset(data):
        refuse_options(options, ALL_OPTIONS, "a torch Dataset")
        return open_torch(data)
    return None


def read_route(found: Route, **options: Unpack[ReadOptions]) -> LabelledData:
    """Return the labelled objects of a route, decoded. Options as of `sources.read`."""
    if isinstance(found, LabelledData):
        if options.get("size") is not None:
            raise UsageError(f"{found.spec} holds features, which have no size in pixels; leave --size out.")
        return found
    if isinstance(found, TabledFolder):
        listing, groups = list_by_table(found.root, found.table, spec=found.spec)
        return read_listing(found.root, listing, spec=found.spec, groups=groups, **options)
    return read_rows(found, **options)


def catalogue_route(found: Route, *, max_pixels: int | None) -> ImageSet:
    """Return the images of a route, none decoded. Raises UsageError for features."""
    if isinstance(found, LabelledData):
        raise UsageError(
            f"{found.spec} holds features, not images, so that no pretrained model can be run on them; "
            "leave --features out."
        )
    if isinstance(found, TabledFolder):
        listing, groups = list_by_table(found.root, found.table, spec=found.spec)
        return catalogue_listing(found.root, listing, spec=found.spec, groups=groups, max_pixels=max_pixels)
    return catalogue_rows(found, max_pixels=max_pixels)


def refuse_options(options: TableOptions, names: Collection[str], what: str) -> None:
    """Raise UsageError for the first of the named options that is given, since it does not go with `what`."""
    for name in names:
        if getattr(options, name):
            flag = name.replace("_", "-")
            raise UsageError(f"--{flag} does not go with {what}; leave it out.")


def _path_route(data: str | Path, labels: Any, options: TableOptions) -> Route | None:
    spec = str(data)
    if not spec or (isinstance(data, str) and data in NAMES):
        return None
    if spec.startswith(PREFIX):
        _refuse_labels(spec, labels)
        return _features_read(open_hub(spec, options), options, spec)
    path = Path(os.path.expanduser(spec))
    if os.path.isdir(path):
        return _folder_route(path, spec, labels, options)
    if not os.path.isfile(path):
        return None
    suffix = path.suffix.lower()
    if suffix in PICKLES:
        raise DataError(
            f"{spec} is a pickle, by its name, which can run any code when it is loaded, and is not read; "
            "save its arrays as .npz or .safetensors (images or features, and labels)."
        )
    if suffix not in TABLE_SUFFIXES:
        return None
    refuse_options(options, ("split",), "a table")
    if suffix == ".parquet" and labels is None:
        return _features_read(open_parquet_set(path, options, spec=spec), options, spec)
    return read_table(open_table(path, spec=spec), options, spec=spec, labels=labels)


def _folder_route(path: Path, spec: str, labels: Any, options: TableOptions) -> Route | None:
    if is_saved(path):
        _refuse_labels(spec, labels)
        return _features_read(open_saved(path, options, spec=spec), options, spec)
    if labels is not None and not _is_table(labels):
        raise UsageError(
            f"`labels` beside the folder {spec} are a table (a path or a data frame) that names its files."
        )
    table = metadata_of(path, options) if labels is None else label_table(labels, options)
    if table is None:
        return None
    refuse_options(options, ("drop", "split"), "a folder of images")
    return TabledFolder(path, table, spec)


def _features_read(opened: RowSource | FeatureSet, options: TableOptions, spec: str) -> Route:
    if isinstance(opened, RowSource):
        return opened
    return read_table(
        opened.table,
        replace(options, label_column=opened.label or options.label_column),
        spec=spec,
        classes=opened.classes,
        notices=opened.notices,
    )


def _is_table(labels: Any) -> bool:
    return isinstance(labels, str | Path) or is_frame(labels)


def _refuse_labels(spec: str, labels: Any) -> None:
    if labels is not None:
        raise UsageError(f"--labels goes with a folder or a table; {spec} has labels of its own.")
