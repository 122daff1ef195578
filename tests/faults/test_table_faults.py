"""Tables and arrays with something wrong in them, through the command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from tests.data.pictures import noise, save
from tests.faults.account import LITTLE, add_up, failed, ran, whole

RNG_ROWS = np.random.default_rng(0).standard_normal((60, 3)).astype(np.float32)
TWO = np.arange(60) % 2


def npz(root: Path, **arrays) -> list[object]:
    np.savez(root / "x.npz", **arrays)
    return ["--data", root / "x.npz"]


def features(root: Path, values=RNG_ROWS, labels=TWO, **more) -> list[object]:
    return npz(root, features=values, labels=labels, **more)


def with_value(value: float) -> np.ndarray:
    rows = RNG_ROWS.copy()
    rows[7, 1] = value
    return rows


def wide(count: int, *rare: int) -> dict[str, np.ndarray]:
    values = np.random.default_rng(1).standard_normal((count + len(rare), 2)).astype(np.float32)
    return {"values": values, "labels": np.r_[np.arange(count) % 2, np.array(rare, int)]}


def table(root: Path, rows: str, *options: str, header: str = "x,y,label") -> list[object]:
    (root / "x.csv").write_text(f"{header}\n{rows}")
    return ["--data", root / "x.csv", "--label-column", "label", *options]


def grouped(root: Path) -> list[object]:
    """Class c lies in one group, which is held out."""
    rows = (f"{i % 13},{i % 7},{i // 5},{'c' if i // 5 == 7 else 'ab'[i % 2]}\n" for i in range(100))
    return table(root, "".join(rows), "--group-column", "g", header="x,y,g,label")


def labels_table(root: Path) -> list[object]:
    """60 files in one folder, and a table that lacks some, names others, and leaves the folder."""
    for number in range(60):
        save(root / "photos" / f"{number}.png", noise(number))
    save(root / "other.png", noise(900))
    rows = [f"{n}.png,{'ab'[n % 2] if n > 2 else ''}" for n in range(55)]
    rows += ["gone.png,a", "gone.png,a", ",a", ",b", "../other.png,a", "/etc/hostname,b"]
    (root / "labels.csv").write_text("file_name,label\n" + "\n".join(rows) + "\n")
    return ["--data", root / "photos", "--labels", root / "labels.csv", "--features", "pixels"]


def written(root: Path, name: str, content: bytes) -> list[object]:
    (root / name).write_bytes(content)
    return ["--data", root / name]


def spoilt_zip(root: Path) -> list[object]:
    line = features(root)
    content = bytearray((root / "x.npz").read_bytes())
    content[200:260] = bytes(60)
    (root / "x.npz").write_bytes(content)
    return line


@dataclass(frozen=True)
class Given:
    """Data other than a folder of classes, and what is to come of it."""

    name: str
    make: Callable[[Path], list[object]]  # in an empty folder; returns the options
    skipped: dict[str, int] = field(default_factory=dict)
    codes: frozenset[str] = frozenset()
    fails: tuple[str, ...] = ()
    code: int = 3


GIVEN = [
    Given("nan", lambda d: features(d, with_value(np.nan)), fails=("NaN or infinite", "row 7, column 1")),
    Given("infinite", lambda d: features(d, with_value(np.inf)), fails=("NaN or infinite", "row 7")),
    Given("labels-too-short", lambda d: features(d, labels=TWO[:50]), fails=("60 objects but 50 labels",)),
    Given("object-array", lambda d: features(d, labels=TWO.astype(object)), fails=("unpickled", "astype")),
    Given("16-bit-array", lambda d: npz(d, images=np.full((9, 4, 4), 999, np.uint16), labels=TWO[:9]),
          fails=("uint16", "clipped in silence")),
    Given("float-images", lambda d: npz(d, images=np.zeros((9, 4, 4)), labels=TWO[:9]), fails=("float64",)),
    Given("no-labels-array", lambda d: npz(d, features=RNG_ROWS), fails=("array of labels was not found",)),
    Given("two-label-axes", lambda d: features(d, labels=np.eye(2, dtype=int)[TWO]), fails=("labels",)),
    Given("empty-array", lambda d: features(d, RNG_ROWS[:0], TWO[:0]), fails=("empty",)),
    Given("damaged-npz", spoilt_zip, fails=("damaged",)),
    Given("text-as-npz", lambda d: written(d, "x.npz", b"no zip"), fails=("not a zip archive",)),
    Given("text-as-safetensors", lambda d: written(d, "x.safetensors", b"no header"), fails=("damaged",)),
    Given("pickle-as-npz", lambda d: written(d, "x.npz", b"\x80\x04N."), fails=("not a zip archive",)),
    Given("pickle", lambda d: written(d, "x.pkl", b"\x80\x04N."), fails=("pickle",)),
    Given("constant-features", lambda d: features(d, np.ones((60, 3), np.float32)),
          codes=frozenset({"NOTHING-LEARNED", "CONSTANT-FEATURES"})),
    Given("duplicate-columns", lambda d: features(d, np.repeat(RNG_ROWS, 3, axis=1)),
          codes=frozenset({"DUPLICATE-COLUMNS"})),
    Given("one-constant-column", lambda d: features(d, np.c_[RNG_ROWS, np.ones(60)]),
          codes=frozenset({"CONSTANT-FEATURES"})),
    Given("imbalance", lambda d: [*features(d, **wide(30_000, 2, 2, 2)), "--max-samples", "30000"],
          codes=frozenset({"RARE-CLASS"})),
    Given("imbalance-too-rare", lambda d: features(d, **wide(20_000, 2, 2)), {"class-too-small": 2},
          codes=frozenset({"CLASS-TOO-SMALL"})),
    Given("class-only-held-out", grouped, fails=("class 'c' has 5 of 100 objects", "Collect more of it")),
    Given("label-missing", lambda d: table(d, "".join(f"{i % 9},{i % 7},{'ab'[i % 2] * (i > 3)}\n"
                                                      for i in range(60))), {"label-missing": 4}),
    Given("labels-table", labels_table,
          {"label-missing": 3, "not-in-table": 5, "no-file": 4, "outside-root": 2}),
    Given("no-such-column", lambda d: table(d, "1,2,a\n", header="x,y,z"), fails=("label", "x, y, z")),
    Given("text-among-numbers", lambda d: table(d, "1,2,a\noops,2,b\n"), fails=("'oops'", "--drop x")),
    Given("ragged-table", lambda d: table(d, "1,2,a\n1,2\n"), fails=("2 cells in line 3",)),
    Given("header-alone", lambda d: table(d, ""), fails=("holds no rows",)),
    Given("empty-table", lambda d: written(d, "x.csv", b""), fails=("is empty",)),
    Given("binary-table", lambda d: written(d, "x.csv", bytes(range(256))), fails=("no text in UTF-8",)),
    Given("unknown-suffix", lambda d: written(d, "x.abc", b"x"), fails=("no kind of file",)),
    Given("nowhere", lambda d: ["--data", d / "nowhere"], fails=("does not exist",)),
    Given("no-name", lambda d: ["--data", ""], fails=("does not exist",)),
]  # fmt: skip


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("given", GIVEN, ids=[given.name for given in GIVEN])
def test_faults_in_tables_and_arrays(given, tmp_path, capsys):
    (tmp_path / "data").mkdir()
    out = tmp_path / "run"
    done = ran(["estimate", *LITTLE, *given.make(tmp_path / "data"), "--out", out, "--json"], capsys)
    if given.fails:
        failed(done, given.code, *given.fails)
        assert not out.exists()
        return
    assert done.code == 0, done.err
    assert add_up(done.result, out) == Counter(given.skipped)
    assert given.codes <= done.codes | {reason["code"] for reason in done.result["reasons"]}
    whole(out)
