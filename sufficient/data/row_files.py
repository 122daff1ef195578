"""Files that rows of a data set name in the place of images: which may be read, and how they were found."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sufficient.data.arrow import pyarrow
from sufficient.data.labelled import Skipped
from sufficient.data.opening import Stamp, open_file
from sufficient.data.walk import brief, printable
from sufficient.errors import DataError
from sufficient.notice import Notice
from sufficient.rounding import counted


@dataclass(frozen=True)
class RowFiles:
    """The files named by rows that hold no bytes themselves."""

    listed: dict[int, tuple[str, Stamp]]  # row → its file as it was found
    skipped: tuple[Skipped, ...]  # rows that name a file that is not to be had, or not to be read
    left_out: tuple[int, ...]  # the same rows
    folder: str | None = None  # to which paths are relative; None: the directory of the program

    def notices(self) -> list[Notice]:
        """Return what to say of rows that name files outside of the folders; nothing of none."""
        outside = [item for item in self.skipped if item.reason == "outside-root"]
        if not outside:
            return []
        message = (
            f"not read: {counted(len(outside), 'file')} outside of the data's folder, named by its rows (the "
            f"first: {outside[0].detail}); put the files below that folder, or save the data set again with "
            "the images inside."
        )
        return [Notice("OUTSIDE-ROOT", message)]

    def require_some(self, spec: str, column: str, rows: int) -> None:
        """Raise DataError where every one of the rows names a file, and none of these is to be had."""
        if len(self.left_out) < rows or not self.skipped:
            return
        first = self.skipped[0]
        looked = (
            f"they are looked for in {self.folder}, none of which exists"
            if self.folder is not None
            else "none of which exists"
        )
        trouble = "all outside of the data's folder" if first.reason == "outside-root" else looked
        raise DataError(
            f"{spec} holds no images but the names of files: its column {brief(column)} begins with "
            f"{first.detail}; {trouble}. Put the table where these paths start from, or save it again with "
            "the images inside."
        )

    def read(self, row: int) -> bytes | None:
        """Return what the file of a row holds; None: it names none. Raises UnusableError where it changed."""
        if row not in self.listed:
            return None
        path, stamp = self.listed[row]
        with open_file(path, listed=stamp) as file:
            return file.read()

    def fingerprint(self) -> bytes:
        """Return the SHA-256 of rows, paths, sizes and times; nothing where no row names a file."""
        if not self.listed:
            return b""
        digest = hashlib.sha256()
        for row, (path, stamp) in self.listed.items():
            digest.update(os.fsencode(f"{row}\0{path}\0{stamp.size} {stamp.time}\0"))
        return digest.digest()


def row_files(data: Any, name: str, *, spec: str, folders: Sequence[str] | None) -> RowFiles:
    """Return the files that a column of images names, found below `folders`; None: wherever they lie.

    A path that is relative is so to the first of the folders. A table from elsewhere could name any file of
    this machine: one outside of them is left out.
    """
    inside = None if folders is None else [os.path.join(os.path.realpath(folder), "") for folder in folders]
    listed: dict[int, tuple[str, Stamp]] = {}
    skipped: list[Skipped] = []
    left_out: list[int] = []
    for row, given in _paths(data, name, spec=spec):
        try:
            path = os.path.realpath(given if inside is None else os.path.join(inside[0], given))
            if inside is not None and not path.startswith(tuple(inside)):
                skipped.append(Skipped(f"row {row}", "outside-root", printable(given)))
                left_out.append(row)
            else:
                listed[row] = path, Stamp.of(os.stat(path))
        except (OSError, ValueError):
            skipped.append(Skipped(f"row {row}", "no-file", printable(given)))
            left_out.append(row)
    folder = None if folders is None else printable(folders[0])
    return RowFiles(listed, tuple(skipped), tuple(left_out), folder)


def _paths(data: Any, name: str, *, spec: str) -> list[tuple[int, str]]:
    """Return the rows that hold a path and no bytes; of no row are the bytes read."""
    column = data.data.table.column(name)
    types, compute = pyarrow(spec, "types"), pyarrow(spec, "compute")
    if not (types.is_struct(column.type) and column.type.get_field_index("path") >= 0):
        return []
    paths = compute.struct_field(column, "path")
    alone = compute.and_(
        compute.is_null(compute.struct_field(column, "bytes")), compute.not_equal(paths, "")
    ).fill_null(False)
    mask = np.concatenate(
        [np.zeros(0, bool), *(chunk.to_numpy(zero_copy_only=False) for chunk in alone.chunks)]
    )
    places = np.arange(len(mask)) if data._indices is None else data._indices.column(0).to_numpy()
    rows = np.flatnonzero(mask[places])
    return list(zip(rows.tolist(), paths.take(places[rows]).to_pylist(), strict=True))
