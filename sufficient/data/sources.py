"""From a SPEC, or arrays, to labelled data: the one door into this room."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from sufficient.data.array_files import read_npz, read_safetensors
from sufficient.data.arrays import labelled_arrays
from sufficient.data.folder import read_folder
from sufficient.data.labelled import LabelledData, Progress
from sufficient.data.named import DEFAULT_ROOT, NAMES, read_named
from sufficient.errors import DataError, UsageError

ARRAY_READERS = {".npz": read_npz, ".safetensors": read_safetensors}
SPECS = f"a folder of class folders, {', '.join(NAMES)}, or a file .npz or .safetensors"


def read(
    data: Any,
    *,
    labels: Any = None,
    size: int | None = None,
    largest_side: int | None = None,
    root: str | Path | None = None,
    download: bool = False,
    deduplicate: bool = True,
    progress: Progress | None = None,
) -> LabelledData:
    """Return labelled objects with their audit, from a SPEC (text or Path) or from arrays with `labels`.

    A known name wins over a folder of that name: write `./mnist` for the folder.
    `size`: side in pixels to which images are resized (None: their own if they share one of at most 64,
    else 32). `largest_side`: raise LargeImages at the first image with a longer side, in pixels.
    `root`, `download`: where the named data sets lie, and whether they may be fetched.
    `deduplicate`: skip exact copies of an image; the paper's sweeps keep them, as its authors did.
    `progress`: called with (done, total) while the files of a folder are decoded.
    Raises DataError for input that cannot be used, UsageError for arguments that do not go together.
    """
    if size is not None and size < 1:
        raise UsageError(f"--size is {size}; images need a side of at least 1 pixel.")
    if not isinstance(data, (str, Path)):
        if labels is None:
            raise UsageError("arrays need labels: give one label for each object as `labels`.")
        return labelled_arrays(
            "arrays", data, labels, size=size, largest_side=largest_side, deduplicate=deduplicate
        )
    if labels is not None:
        raise UsageError(f"`labels` go with arrays only; {data} is read with the labels that it holds.")
    if isinstance(data, str) and data in NAMES:
        folder = DEFAULT_ROOT if root is None else Path(root)
        return read_named(
            data,
            root=folder,
            download=download,
            size=size,
            largest_side=largest_side,
            deduplicate=deduplicate,
        )
    return _read_path(
        str(data), size=size, largest_side=largest_side, deduplicate=deduplicate, progress=progress
    )


def _read_path(
    spec: str,
    *,
    size: int | None,
    largest_side: int | None,
    deduplicate: bool,
    progress: Progress | None,
) -> LabelledData:
    path = Path(os.path.expanduser(spec))
    suffix = path.suffix.lower()
    if spec.startswith("hf://") or suffix in (".csv", ".parquet"):
        raise DataError(
            f"{spec} is a table or a data set of the Hugging Face hub, which this version does not read yet; "
            f"give {SPECS}."
        )
    if not spec or not os.path.exists(path):
        close = get_close_matches(spec.lower(), NAMES, n=1)
        meant = f" Did you mean {close[0]}?" if close else ""
        raise DataError(f"'{spec}' does not exist, and no data set goes by that name; give {SPECS}.{meant}")
    if os.path.isdir(path):
        return read_folder(
            path,
            spec=spec,
            size=size,
            largest_side=largest_side,
            deduplicate=deduplicate,
            progress=progress,
        )
    if suffix not in ARRAY_READERS or not os.path.isfile(path):
        raise DataError(f"{spec} is no kind of file that is read; give {SPECS}.")
    if not os.access(path, os.R_OK):
        raise DataError(f"{spec} may not be read by this user; check its permissions.")
    arrays = ARRAY_READERS[suffix](path, spec=spec)
    return labelled_arrays(
        spec,
        arrays.data,
        arrays.labels,
        classes=arrays.classes,
        size=size,
        largest_side=largest_side,
        deduplicate=deduplicate,
        notices=arrays.notices,
    )
