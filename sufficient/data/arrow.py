"""What Arrow reads: parquet files and the tables of Hugging Face's `datasets`. pyarrow is an extra."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sufficient.data.cells import matrix_of_cells
from sufficient.data.columns import FIRST_ROWS, Read, Rows, first_given, unique_names
from sufficient.errors import DataError

COLUMNS_AT_ONCE = 64  # of numbers, to keep memory small


def open_parquet(path: Path, *, spec: str) -> ArrowTable:
    """Return the table in a parquet file. Raises DataError: damaged, or pyarrow is not installed."""
    parquet = pyarrow(spec, "parquet")
    try:
        file = parquet.ParquetFile(path, memory_map=True)
    except pyarrow(spec).ArrowException as error:
        raise damaged_parquet(spec, error) from error
    schema = file.schema_arrow
    return ArrowTable(
        spec,
        unique_names(spec, schema.names),
        lambda names: file.read(columns=list(names)),
        lambda: next(file.iter_batches(batch_size=FIRST_ROWS), file.schema_arrow.empty_table()),
        has_images=any(_holds_images(field.type) for field in schema),
    )


def _holds_images(kind: Any) -> bool:
    """Whether a column is of images: bytes, or a struct of a file's bytes and path, Hugging Face's way."""
    if str(kind) in ("binary", "large_binary", "binary_view"):
        return True
    return {"bytes", "path"} <= {kind.field(i).name for i in range(kind.num_fields)}


def damaged_parquet(spec: str, error: Exception) -> DataError:
    """Return what to say of a parquet file that Arrow cannot read."""
    return DataError(f"{spec} cannot be read as parquet ({error}); it is damaged or cut: save it again.")


def pyarrow(spec: str, module: str | None = None) -> Any:
    """Return pyarrow, or a module of it. Raises DataError with the line that installs it."""
    try:
        return importlib.import_module("pyarrow" if module is None else f"pyarrow.{module}")
    except ImportError as error:
        raise DataError(
            f"{spec} needs pyarrow to be read, which is not installed: "
            "pip install 'sufficient-samples[table]'"
        ) from error


@dataclass(frozen=True)
class ArrowTable:
    """A table that Arrow reads, column by column."""

    spec: str
    names: tuple[str, ...]
    load: Callable[[Sequence[str]], Any]  # names → pyarrow.Table
    head: Callable[[], Any]  # the first rows
    has_images: bool = False

    def first(self) -> dict[str, object]:
        """Return column → its first cell that is not empty."""
        try:
            head = self.head()
        except pyarrow(self.spec).ArrowException as error:
            raise damaged_parquet(self.spec, error) from error
        return {name: first_given(head.column(name).to_pylist()) for name in self.names}

    def read(self, cells: Sequence[str], numbers: Sequence[str]) -> Read:
        """Return columns as Python objects, and others as numbers, a few columns at a time."""
        try:
            table = self.load(list(cells or numbers[:1]))
            if table.num_rows == 0:
                raise DataError(f"{self.spec} names columns but holds no rows; add some.")
            found = {name: table.column(name).to_pylist() for name in cells}
            blocks = [
                self._block(loaded, name)
                for start in range(0, len(numbers), COLUMNS_AT_ONCE)
                for loaded in [self.load(list(numbers[start : start + COLUMNS_AT_ONCE]))]
                for name in loaded.column_names
            ]
        except pyarrow(self.spec).ArrowException as error:
            raise damaged_parquet(self.spec, error) from error
        if not blocks:
            return Read(found, np.empty((table.num_rows, 0), dtype=np.float32))
        values = blocks[0] if len(blocks) == 1 else np.hstack(blocks)
        return Read(found, np.require(values, requirements="W"))  # Arrow's own memory is read-only

    def _block(self, table: Any, name: str) -> Rows:
        """Return a column (N, 1), or one of lists (N, their length)."""
        arrow, types = pyarrow(self.spec), pyarrow(self.spec, "types")
        column = table.column(name).combine_chunks()
        if isinstance(column, arrow.ChunkedArray):  # of no chunk, or of more than one can hold
            column = arrow.concat_arrays(column.chunks)
        if types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if _is_numeric(types, column.type):
            return self._numbers(column)[:, np.newaxis]
        lists = types.is_list(column.type) or types.is_large_list(column.type)
        if lists or types.is_fixed_size_list(column.type):
            compute = pyarrow(self.spec, "compute")
            lengths = compute.unique(compute.list_value_length(column))
            if column.null_count == 0 and len(lengths) == 1 and _is_numeric(types, column.type.value_type):
                return self._numbers(column.flatten()).reshape(len(column), -1)
        return matrix_of_cells(self.spec, name, column.to_pylist())

    def _numbers(self, column: Any) -> Rows:
        plain = column.cast(pyarrow(self.spec).float32(), safe=False).to_numpy(zero_copy_only=False)
        return np.asarray(plain, dtype=np.float32)


def _is_numeric(types: Any, kind: Any) -> bool:
    return bool(types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind))
