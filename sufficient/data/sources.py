"""From a SPEC, or arrays, to labelled data: the one door into this room."""

from __future__ import annotations

import os
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from sufficient.data.array_files import Arrays, read_npz, read_safetensors
from sufficient.data.arrays import labelled_arrays
from sufficient.data.catalogue import catalogue_arrays, catalogue_folder
from sufficient.data.columns import TableOptions
from sufficient.data.folder import read_folder
from sufficient.data.images import Side
from sufficient.data.labelled import ImageSet, LabelledData
from sufficient.data.named import DEFAULT_ROOT, NAMES, read_named
from sufficient.data.python_words import in_python_words
from sufficient.data.routes import ALL_OPTIONS, catalogue_route, read_route, refuse_options, route
from sufficient.errors import DataError, UsageError
from sufficient.progress import CountProgress

ARRAY_READERS = {".npz": read_npz, ".safetensors": read_safetensors}
SPECS = (
    f"a folder of class folders, {', '.join(NAMES)}, a file .npz or .safetensors, a table .csv or .parquet, "
    "or hf://datasets/NAME"
)


@in_python_words
def read(
    data: Any,
    *,
    labels: Any = None,
    size: int | None = None,
    largest_side: int | None = None,
    root: str | Path | None = None,
    download: bool = False,
    deduplicate: bool = True,
    max_pixels: int | None = None,
    label_column: str | None = None,
    image_column: str | None = None,
    group_column: str | None = None,
    group_level: int | None = None,
    drop: Sequence[str] = (),
    split: str | None = None,
    keep_pixels: bool = True,
    progress: CountProgress | None = None,
) -> LabelledData:
    """Return labelled objects with their audit, from a SPEC (text or Path) or from arrays with `labels`.

    A known name wins over a folder of that name: write `./mnist` for the folder.
    `size`: side in pixels to which images are resized (None: their own if they share one of at most 64,
    else 32). `largest_side`: raise LargeImagesError at the first image with a longer side, in pixels.
    `root`, `download`: where the named data sets lie, and whether they may be fetched.
    `deduplicate`: skip exact copies of an image; the paper's sweeps keep them, as its authors did.
    `label_column`, `image_column`, `group_column`, `drop`: columns of a table, or of a Hugging Face data set,
    of which `split` is read; beside a folder, `labels` is a table (a path or a data frame) of its files.
    `max_pixels`: of a file that is decoded (None: Pillow's limit). `group_level`: the level of folders that
    names groups, 2 the first inside a class. `keep_pixels` False, for an account alone: of images that are
    decoded nothing but one brightness is kept. `progress`: called with (done, total) while files are decoded.
    Raises DataError for input that cannot be used, UsageError for arguments that do not go together.
    """
    if size is not None and size < 1:
        raise UsageError(f"--size is {size}; images need a side of at least 1 pixel.")
    folder = _folder(data, labels, max_pixels)
    options = TableOptions(label_column, image_column, group_column, tuple(drop), split)
    found = route(data, labels, options)
    if found is not None:
        _refuse_level(data, group_level)
        return read_route(
            found,
            size=size,
            largest_side=largest_side,
            deduplicate=deduplicate,
            max_pixels=max_pixels,
            keep_pixels=keep_pixels,
            progress=progress,
        )
    refuse_options(options, ALL_OPTIONS, _what(data))
    if folder is not None:
        return read_folder(
            folder,
            spec=str(data),
            size=size,
            largest_side=largest_side,
            deduplicate=deduplicate,
            max_pixels=max_pixels,
            group_level=group_level,
            keep_pixels=keep_pixels,
            progress=progress,
        )
    _refuse_level(data, group_level)
    return _read_arrays(
        data,
        labels,
        size=size,
        largest_side=largest_side,
        root=root,
        download=download,
        deduplicate=deduplicate,
    )


@in_python_words
def catalogue(
    data: Any,
    *,
    labels: Any = None,
    root: str | Path | None = None,
    download: bool = False,
    max_pixels: int | None = None,
    label_column: str | None = None,
    image_column: str | None = None,
    group_column: str | None = None,
    group_level: int | None = None,
    drop: Sequence[str] = (),
    split: str | None = None,
) -> ImageSet:
    """Return the images of a SPEC, or of arrays with `labels`, listed and not decoded; options as in `read`.

    Raises DataError for input that cannot be used, UsageError for features and arguments that do not go
    together.
    """
    folder = _folder(data, labels, max_pixels)
    options = TableOptions(label_column, image_column, group_column, tuple(drop), split)
    found = route(data, labels, options)
    if found is not None:
        _refuse_level(data, group_level)
        return catalogue_route(found, max_pixels=max_pixels)
    refuse_options(options, ALL_OPTIONS, _what(data))
    if folder is not None:
        return catalogue_folder(folder, spec=str(data), max_pixels=max_pixels, group_level=group_level)
    _refuse_level(data, group_level)
    return catalogue_arrays(_read_arrays(data, labels, size="own", root=root, download=download))


def _what(data: Any) -> str:
    return f"{data}, which is no table" if isinstance(data, str | Path) else "arrays"


def _folder(data: Any, labels: Any, max_pixels: int | None) -> Path | None:
    """Return the folder that `data` names, None where it is none."""
    if max_pixels is not None and max_pixels < 1:
        raise UsageError(f"--max-pixels is {max_pixels}; give the largest image to read, in pixels.")
    if not isinstance(data, str | Path) or data in NAMES:
        return None
    path = Path(os.path.expanduser(data))
    return path if str(data) and labels is None and os.path.isdir(path) else None


def _refuse_level(data: Any, group_level: int | None) -> None:
    if group_level is not None:
        what = f"{data} is" if isinstance(data, str | Path) else "arrays are"
        raise UsageError(f"--group-level goes with a folder of class folders, and {what} none; leave it out.")


def _read_arrays(
    data: Any,
    labels: Any,
    *,
    size: Side | None,
    largest_side: int | None = None,
    root: str | Path | None,
    download: bool,
    deduplicate: bool = True,
) -> LabelledData:
    """Return what is read all at once: arrays, a file of them, or a data set known by name."""
    if not isinstance(data, str | Path):
        if labels is None:
            raise UsageError("arrays need labels: give one label for each object as `labels`.")
        return labelled_arrays(
            "arrays", data, labels, size=size, largest_side=largest_side, deduplicate=deduplicate
        )
    if labels is not None:
        raise UsageError(f"`labels` go with arrays only; {data} is read with the labels that it holds.")
    if isinstance(data, str) and data in NAMES:
        return read_named(
            data,
            root=DEFAULT_ROOT if root is None else Path(root),
            download=download,
            size=size,
            largest_side=largest_side,
            deduplicate=deduplicate,
        )
    arrays = _array_file(str(data))
    return labelled_arrays(
        str(data),
        arrays.data,
        arrays.labels,
        classes=arrays.classes,
        size=size,
        largest_side=largest_side,
        deduplicate=deduplicate,
        notices=arrays.notices,
    )


def _array_file(spec: str) -> Arrays:
    """Return what a file of arrays holds. Raises DataError for a SPEC that leads nowhere."""
    path = Path(os.path.expanduser(spec))
    suffix = path.suffix.lower()
    if not spec or not os.path.exists(path):
        close = get_close_matches(spec.lower(), NAMES, n=1)
        meant = f" Did you mean {close[0]}?" if close else ""
        raise DataError(f"'{spec}' does not exist, and no data set goes by that name; give {SPECS}.{meant}")
    if suffix not in ARRAY_READERS or not os.path.isfile(path):
        raise DataError(f"{spec} is no kind of file that is read; give {SPECS}.")
    if not os.access(path, os.R_OK):
        raise DataError(f"{spec} may not be read by this user; check its permissions.")
    return ARRAY_READERS[suffix](path, spec=spec)
