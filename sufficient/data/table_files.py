"""Files of tables: CSV, JSON lines, parquet. Nothing is guessed of their columns but what the file says."""

from __future__ import annotations

import csv
import json
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np

from sufficient.data.arrow import open_parquet
from sufficient.data.cells import Where, is_list_text, matrix_of_cells, no_numbers, number_of
from sufficient.data.columns import FIRST_ROWS, ColumnTable, Read, Table, unique_names
from sufficient.data.walk import brief
from sufficient.errors import DataError
from sufficient.rounding import counted

TABLE_SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl")
LONGEST_CELL = 2**24  # characters: an embedding of some 500,000 numbers as a JSON list
Record = tuple[int, list[str]]  # the line in which it begins, from 1, and its cells
BINARY = (b"PK\x03\x04", b"\x80", b"\xff\xfe", b"\xfe\xff")  # spreadsheets and torch's, pickles, UTF-16


def open_table(path: Path, *, spec: str, any_delimiter: bool = False) -> Table:
    """Return the table in a file, by its suffix; with `any_delimiter` a .csv may have semicolons or tabs.

    Raises DataError: damaged, two columns of one name.
    """
    suffix = path.suffix.lower()
    with _readable(spec):
        if suffix == ".parquet":
            return open_parquet(path, spec=spec)
        if suffix == ".jsonl":
            return _json_lines(path, spec)
        if suffix in (".csv", ".tsv"):
            return _open_csv(path, spec, "\t" if suffix == ".tsv" else ",", any_delimiter)
    raise DataError(f"{spec} is no table that is read; give a file {', '.join(TABLE_SUFFIXES)}.")


@contextmanager
def _readable(spec: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"the table {spec} cannot be read: {error.strerror or error}; check the path and its permissions."
        ) from error


def _open_csv(path: Path, spec: str, delimiter: str, any_delimiter: bool) -> CsvTable:
    with open(path, "rb") as file:
        head = file.read(4096)
    if b"\0" in head or head.startswith(BINARY):
        raise DataError(
            f"{spec} is no text in UTF-8 (it begins as a binary file, a spreadsheet or UTF-16 does); "
            "save it as CSV in UTF-8."
        )
    opened = CsvTable(path, spec, delimiter, ())
    with opened.rows() as rows:
        names = next(rows, (0, []))[1]
    if not names:
        raise DataError(f"{spec} is empty; its first line must name its columns.")
    others = [other for other in ";\t" if other in names[0]]
    if len(names) == 1 and delimiter == "," and others:
        if any_delimiter:
            return _open_csv(path, spec, others[0], any_delimiter)
        raise DataError(
            f"{spec} separates its columns by {'semicolons' if others[0] == ';' else 'tabs'}, not commas "
            f"({brief(names[0])}); save it with commas (or tabs, as .tsv)."
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
    def rows(self) -> Iterator[Iterator[tuple[int, list[str]]]]:
        """Yield an iterator over the rows that are not blank, the names first, each with its line."""
        csv.field_size_limit(max(csv.field_size_limit(), LONGEST_CELL))
        with (
            _readable(self.spec),
            open(self.path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file,
        ):
            yield self._records(file)

    def _records(self, file: Iterable[str]) -> Iterator[Record]:
        taken: list[str] = []  # lines of the record

        def lines() -> Iterator[str]:
            for line in file:
                taken.append(line)
                yield line

        reader = csv.reader(lines(), delimiter=self.delimiter)
        start = 1
        try:
            for row in reader:
                if len(taken) > 1:
                    self._require_closed(taken, start)
                if row:
                    yield start, row
                taken.clear()
                start = reader.line_num + 1
        except csv.Error as error:
            raise DataError(
                f"{self.spec} is damaged in line {reader.line_num} ({error}); save it as CSV again."
            ) from error

    def _require_closed(self, taken: list[str], start: int) -> None:
        """Raise DataError where a quotation mark is opened in a record and the file ends before another."""
        try:
            list(csv.reader(taken, delimiter=self.delimiter, strict=True))
        except csv.Error as error:
            if "end of data" in str(error):
                raise DataError(
                    f"{self.spec} has a quotation mark in line {start} that is never closed, so that all "
                    f"lines after it are one cell; close it, or write a mark inside a text twice."
                ) from error

    def first(self) -> dict[str, object]:
        """Return column → its first cell that is not empty."""
        with self.rows() as rows:
            next(rows)
            found: dict[str, object] = dict.fromkeys(self.names)
            empty = dict(zip(self.names, range(len(self.names)), strict=True))
            for _, row in islice(self._whole(rows), FIRST_ROWS):
                given = {name: row[place] for name, place in empty.items() if row[place].strip()}
                found |= given
                empty = {name: place for name, place in empty.items() if name not in given}
                if not empty:
                    break
        return found

    def read(self, cells: Sequence[str], numbers: Sequence[str]) -> Read:
        """Return columns as text, and others as numbers, in one pass."""
        with self.rows() as rows:
            next(rows)
            first = next(rows, None)
            if first is None:
                raise DataError(f"{self.spec} names columns but holds no rows; add some.")
            whole = self._whole(chain([first], rows))
            lists = [
                name for name in numbers if is_list_text(dict(zip(self.names, first[1], strict=False))[name])
            ]
            if lists:
                read = self._columns(whole, [*cells, *lists], [name for name in numbers if name not in lists])
                blocks = [
                    read.values,
                    *(matrix_of_cells(self.spec, n, read.cells[n], read.where) for n in lists),
                ]
                return Read({name: read.cells[name] for name in cells}, np.hstack(blocks), read.where)
            return self._columns(whole, cells, numbers)

    def _whole(self, rows: Iterator[Record]) -> Iterator[Record]:
        for line, row in rows:
            if len(row) != len(self.names):
                raise DataError(
                    f"{self.spec} has {counted(len(row), 'cell')} in line {line}, where "
                    f"{counted(len(self.names), 'column is', 'columns are')} named; correct that line (text "
                    "with commas belongs between double quotes)."
                )
            yield line, row

    def _columns(self, rows: Iterator[Record], cells: Sequence[str], numbers: Sequence[str]) -> Read:
        places = {name: index for index, name in enumerate(self.names)}
        as_text = [(places[name], list[object]()) for name in cells]
        number_places = [places[name] for name in numbers]
        lines, buffer = array("q"), array("f")
        for line, row in rows:
            lines.append(line)
            for place, column_cells in as_text:
                column_cells.append(row[place] or None)
            filled = len(buffer)
            try:
                buffer.extend(map(float, [row[place] for place in number_places]))
            except ValueError:
                del buffer[filled:]
                buffer.extend(self._numbers([(name, row[places[name]]) for name in numbers], line))
        values = np.frombuffer(buffer, dtype=np.float32) if buffer else np.empty(0, dtype=np.float32)
        found = {name: column_cells for name, (_, column_cells) in zip(cells, as_text, strict=True)}
        return Read(found, values.reshape(len(lines), len(number_places)), _in_lines(lines))

    def _numbers(self, named: list[tuple[str, str]], line: int) -> list[float]:
        numbers, text = [], {}
        for name, cell in named:
            number = number_of(cell)
            if number is None:
                text[name] = cell
            else:
                numbers.append(number)
        if text:
            raise no_numbers(self.spec, text, f"line {line}")
        return numbers


def _in_lines(lines: Sequence[int]) -> Where:
    """Return what rows are called of which these are the lines, counted from 1 as editors do."""
    return lambda row: f"line {lines[row]}"


def _json_lines(path: Path, spec: str) -> ColumnTable:
    rows: list[dict[str, object]] = []
    lines = array("q")
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
            lines.append(number)
    names = tuple(dict.fromkeys(chain.from_iterable(rows)))
    return ColumnTable(spec, names, lambda name: [row.get(name) for row in rows], _in_lines(lines))
