"""What must hold of every run, whatever went wrong in it."""

from __future__ import annotations

import contextlib
import csv
import ctypes
import io
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open

from sufficient.cli.app import run

# The smallest study there is: what is tried here does not depend on how well its networks learn.
LITTLE = [
    "--hidden", "4", "--layers", "2", "--replicates", "2", "--start", "8", "--patience", "1",
    "--max-updates", "20", "--max-samples", "11", "--device", "cpu",
]  # fmt: skip


@dataclass(frozen=True)
class Ran:
    """A command that ended: its exit code and what it said."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        """The JSON on stdout."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The sentence after `error: `, the only one of its kind."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.err
        return lines[0].removeprefix("error: ")

    @property
    def codes(self) -> set[str]:
        """The codes of the warnings in the result."""
        return {warning["code"] for warning in self.result["warnings"]}


def ran(arguments, capsys) -> Ran:
    """Return what a command line did, in this process."""
    capsys.readouterr()
    code = run([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return Ran(code, said.out, said.err)


def failed(done: Ran, code: int, *words: str) -> None:
    """Assert a failure as documented: its exit code, one sentence that says these words, no traceback."""
    assert done.code == code, done
    assert "Traceback" not in done.err + done.out, done
    for word in words:
        assert word in done.error, done.error
    assert done.out == ""


def add_up(result: dict[str, Any], out: Path | None = None) -> Counter[str]:
    """Assert that no object is lost in the account of `check` or `estimate`; return reason → count."""
    if "data" not in result:  # of `check`
        skipped = Counter(item["reason"] for item in result["skipped_objects"])
        assert skipped == result["skipped"]
        assert result["found"] == result["used"] + skipped.total()
        assert result["used"] == sum(result["classes"].values())
        return skipped
    data = result["data"]
    skipped = Counter(data["skipped"])
    assert data["found"] == data["used"] + skipped.total() + data["not_read"]
    assert data["used"] == result["k_available"] + data["held_out"] + data["validation"]
    if out is not None:
        with (out / "skipped.csv").open(newline="", encoding="utf-8") as file:
            assert Counter(row["reason"] for row in csv.DictReader(file)) == skipped
    return skipped


def whole(folder: Path) -> None:
    """Assert that what lies below a folder can be read whole, and that nothing half written is left."""
    for path in folder.rglob("*"):
        assert not path.name.endswith(".part"), path
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".safetensors":
            with safe_open(path, framework="numpy") as file:
                assert [file.get_tensor(name) for name in file.keys()]  # noqa: SIM118 - no mapping
        elif path.suffix == ".csv":
            rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
            assert len({len(row) for row in rows}) == 1, path
        elif path.suffix == ".png":
            assert path.read_bytes().endswith(b"IEND\xaeB`\x82"), path
        elif path.suffix in (".svg", ".html"):
            assert path.read_text(encoding="utf-8").rstrip().endswith(f"</{path.suffix[1:]}>"), path


@contextlib.contextmanager
def as_anyone() -> Iterator[None]:
    """Lay aside the privilege of root to read and write whatever a file's permissions say."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, held = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, held) == 0
    less = (ctypes.c_uint32 * 6)(*held)
    less[0] &= ~0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH of the effective set
    assert libc.capset(header, less) == 0
    try:
        yield
    finally:
        assert libc.capset(header, held) == 0
