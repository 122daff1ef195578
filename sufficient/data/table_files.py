"""Files of tables: CSV, JSON lines, parquet. Nothing is guessed of their columns but what the file says."""

from __future__ import annotations

import csv
import json
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from sufficient.data.arrow import open_parquet
from sufficient.data.cells import is_list_text, matrix_of_cells, no_numbers
from sufficient.data.columns import ColumnTable, Read, Table, unique_names
from sufficient.data.walk import printable
from sufficient.errors import DataError

TABLE_SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl")
LONGEST_CELL = 2**24  # characters: an embedding of some 500,000 numbers as a JSON list
BINARY = (b"PK\x03\x04", b"\x80", b"\xff\xfe", b"\xfe\xff")  # spreadsheets and torch's, pickles, UTF-16


def open_table(path: Path, *, spec: str) -> Table:
    """Return the table in a file, by its suffix. Raises DataError: damaged, two columns of one name."""
    suffix = path.suffix.lower()
    with _readable(spec):
        if suffix == ".parquet":
            return open_parquet(path, spec=spec)
        if suffix == ".jsonl":
            return _json_lines(path, spec)
        if suffix in (".csv", ".tsv"):
            return _open_csv(path, spec, "\t" if suffix == ".tsv" else ",")
    raise DataError(f"{spec} is no table that is read; give a file {', '.join(TABLE_SUFFIXES)}.")


@contextmanager
def _readable(spec: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"the table {spec} cannot be read: {error.strerror or error}; check the path and its permissions."
        ) from error


def _open_csv(path: Path, spec: str, delimiter: str) -> CsvTable:
    with open(path, "rb") as file:
        head = file.read(4096)
    if b"\0" in head or head.startswith(BINARY):
        raise DataError(
            f"{spec} is no text in UTF-8 (it begins as a binary file, a spreadsheet or UTF-16 does); "
            "save it as CSV in UTF-8."
        )
    opened = CsvTable(path, spec, delimiter, ())
    with opened.rows() as rows:
        names = next(rows, [])
    if not names:
        raise DataError(f"{spec} is empty; its first line must name its columns.")
    if len(names) == 1 and delimiter == "," and (";" in names[0] or "\t" in names[0]):
        raise DataError(
            f"{spec} separates its columns ({printable(names[0])}) by something else than commas; "
            "save it with commas (or tabs, as .tsv)."
        )
    return CsvTable(path, spec, delimiter, unique_names(spec, names))


@dataclass(frozen=True)
class CsvTable:
    """Text with a line of names first, in UTF-8; other bytes are kept, since a file's name may hold any."""

    path: Path
    spec: str
    delimiter: str
    names: tuple[str, ...]

    @contextmanager
    def rows(self) -> Iterator[Iterator[list[str]]]:
        """Yield an iterator over the rows that are not blank, the names first."""
        csv.field_size_limit(max(csv.field_size_limit(), LONGEST_CELL))
        with (
            _readable(self.spec),
            open(self.path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file,
        ):
            reader = csv.reader(file, delimiter=self.delimiter)
            try:
                yield (row for row in reader if row)
            except csv.Error as error:
                raise DataError(
                    f"{self.spec} is damaged in line {reader.line_num} ({error}); save it as CSV again."
                ) from error

    def read(self, cells: Sequence[str], numbers: Sequence[str]) -> Read:
        """Return columns as text, and others as numbers, in one pass."""
        with self.rows() as rows:
            next(rows)
            first = next(rows, None)
            if first is None:
                raise DataError(f"{self.spec} names columns but holds no rows; add some.")
            whole = self._whole(chain([first], rows))
            lists = [
                name for name in numbers if is_list_text(dict(zip(self.names, first, strict=False))[name])
            ]
            if lists:
                read = self._columns(whole, [*cells, *lists], [name for name in numbers if name not in lists])
                blocks = [read.values, *(matrix_of_cells(self.spec, n, read.cells[n]) for n in lists)]
                return Read({name: read.cells[name] for name in cells}, np.hstack(blocks))
            return self._columns(whole, cells, numbers)

    def _whole(self, rows: Iterator[list[str]]) -> Iterator[list[str]]:
        for index, row in enumerate(rows):
            if len(row) != len(self.names):
                raise DataError(
                    f"{self.spec} has {len(row):,} cells in row {index}, where {len(self.names):,} columns "
                    "are named; correct that row (text with commas belongs between double quotes)."
                )
            yield row

    def _columns(self, rows: Iterator[list[str]], cells: Sequence[str], numbers: Sequence[str]) -> Read:
        places = {name: index for index, name in enumerate(self.names)}
        as_text = [(places[name], list[object]()) for name in cells]
        number_places = [places[name] for name in numbers]
        buffer = array("f")
        count = 0
        for count, row in enumerate(rows, start=1):
            for place, column_cells in as_text:
                column_cells.append(row[place] or None)
            filled = len(buffer)
            try:
                buffer.extend(map(float, [row[place] for place in number_places]))
            except ValueError:
                del buffer[filled:]
                buffer.extend(self._numbers([(name, row[places[name]]) for name in numbers], count - 1))
        values = np.frombuffer(buffer, dtype=np.float32) if buffer else np.empty(0, dtype=np.float32)
        found = {name: column_cells for name, (_, column_cells) in zip(cells, as_text, strict=True)}
        return Read(found, values.reshape(count, len(number_places)))

    def _numbers(self, named: list[tuple[str, str]], row: int) -> list[float]:
        numbers, text = [], {}
        for name, cell in named:
            number = _number(cell)
            if number is None:
                text[name] = cell
            else:
                numbers.append(number)
        if text:
            raise no_numbers(self.spec, text, row)
        return numbers


def _number(cell: str) -> float | None:
    plain = cell.strip().lower()
    if plain in ("", "na", "n/a", "null", "none"):
        return float("nan")
    if plain in ("true", "false"):
        return float(plain == "true")
    try:
        return float(plain)
    except ValueError:
        return None


def _json_lines(path: Path, spec: str) -> ColumnTable:
    rows: list[dict[str, object]] = []
    with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise DataError(f"{spec} is damaged in line {number} ({error}); save it again.") from error
            if not isinstance(row, dict):
                raise DataError(f"{spec} has no JSON object in line {number}; write one object a line.")
            rows.append(row)
    names = tuple(dict.fromkeys(chain.from_iterable(rows)))
    return ColumnTable(spec, names, lambda name: [row.get(name) for row in rows])
