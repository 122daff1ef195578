from __future__ import annotations

import builtins
import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sufficient.data.arrays import labelled_arrays
from sufficient.data.feature_remarks import feature_remarks
from sufficient.data.sources import catalogue, read
from sufficient.errors import DataError, UsageError

VALUES = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)
LABELS = ["a", "b"] * 5
COLUMNS = {"x": VALUES[:, 0], "y": LABELS, "z": VALUES[:, 1], "w": VALUES[:, 2]}


def write(path: Path, columns: dict[str, object]) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pa.table(columns), path)
    else:
        pandas.DataFrame(columns).to_csv(path, index=False)
    return path


def text(path: Path, lines: str) -> Path:
    path.write_text(lines)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_file_of_features(tmp_path, suffix):
    data = read(write(tmp_path / f"t{suffix}", COLUMNS), label_column="y")
    expected = labelled_arrays("x", VALUES, LABELS)
    np.testing.assert_array_equal(data.values, VALUES)
    assert (data.kind, data.values.dtype, data.classes) == ("features", np.float32, ("a", "b"))
    assert data.fingerprint == expected.fingerprint
    assert (data.audit.found, data.audit.notices) == (10, ())


@pytest.mark.parametrize("frame", [pandas.DataFrame, polars.DataFrame])
def test_a_data_frame(frame):
    data = read(frame(COLUMNS), label_column="y")
    assert data.fingerprint == labelled_arrays("x", VALUES, LABELS).fingerprint


def test_a_data_frame_of_features_alone_goes_with_labels():
    frame = pandas.DataFrame(VALUES)
    assert read(frame, labels=LABELS).fingerprint == labelled_arrays("x", VALUES, LABELS).fingerprint


def test_columns_of_a_data_frame_that_are_no_text():
    frame = pandas.DataFrame(VALUES).assign(y=LABELS)
    np.testing.assert_array_equal(read(frame, label_column="y").values, VALUES)


@pytest.mark.parametrize("kind", ["pandas", "arrow", "csv"])
def test_kinds_of_numbers(tmp_path, kind):
    columns = {
        "y": LABELS,
        "integer": list(range(10)),
        "boolean": [True, False] * 5,
        "float": [i / 4 for i in range(10)],
    }
    expected = np.array([columns["integer"], columns["boolean"], columns["float"]], dtype=np.float32).T
    if kind == "pandas":
        frame = pandas.DataFrame(columns).astype({"integer": "Int64", "boolean": "boolean"})
        data = read(frame, label_column="y")
    else:
        path = write(tmp_path / ("t.csv" if kind == "csv" else "t.parquet"), columns)
        data = read(path, label_column="y")
    np.testing.assert_array_equal(data.values, expected)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_dropping_and_grouping(tmp_path, suffix):
    path = write(
        tmp_path / f"t{suffix}",
        {"id": [f"i{i}" for i in range(10)], **COLUMNS, "patient": ["p", "q", "q", "r", "r"] * 2},
    )
    data = read(path, label_column="y", drop=["id", "w"], group_column="patient")
    np.testing.assert_array_equal(data.values, VALUES[:, :2])
    assert data.groups.tolist() == [0, 1, 1, 2, 2] * 2
    plain = read(path, label_column="y", drop=["id", "w", "patient"])
    assert (plain.values == data.values).all()
    assert plain.fingerprint != data.fingerprint


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_rows_without_a_label_are_skipped(tmp_path, suffix):
    path = write(tmp_path / f"t{suffix}", {**COLUMNS, "y": [None, *LABELS[1:]]})
    data = read(path, label_column="y")
    assert [(s.name, s.reason) for s in data.audit.skipped] == [
        ("line 2" if suffix == ".csv" else "row 0", "label-missing")
    ]
    np.testing.assert_array_equal(data.values, VALUES[1:])
    assert data.rows.tolist() == list(range(1, 10))


@pytest.mark.parametrize(
    ("labels", "classes", "missing"),
    [
        (pandas.array([3, 20, None] * 4, dtype="Int64"), ("3", "20"), 4),
        (pandas.Categorical(["b", "a", None] * 4), ("a", "b"), 4),
        (pandas.array([True, False, None] * 4, dtype="boolean"), ("False", "True"), 4),
        (np.array([1.0, 2.0, np.nan] * 4), ("1", "2"), 4),
        (np.array([0, 1, 2] * 4, dtype=np.uint8), ("0", "1", "2"), 0),
        (polars.Series(["b", "a", None] * 4, dtype=polars.Categorical), ("a", "b"), 4),
    ],
)
def test_kinds_of_labels_in_a_data_frame(labels, classes, missing):
    columns = {"x": np.arange(12.0), "y": labels}
    frame = (polars if isinstance(labels, polars.Series) else pandas).DataFrame(columns)
    data = read(frame, label_column="y")
    assert (data.classes, len(data.audit.skipped)) == (classes, missing)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([[0, 1], [1]] * 5, r"holds lists \(row 0: \[0, 1\]\)"),
        ([0.5, 1.5] * 5, "regression"),
        (["a", 1] * 5, "mix kinds"),
        ([None] * 10, "no row of the data frame has a label"),
    ],
)
def test_labels_in_a_data_frame_that_are_no_classes(labels, message):
    with pytest.raises(DataError, match=message):
        read(
            pandas.DataFrame({"x": np.arange(10.0), "y": pandas.Series(labels, dtype=object)}),
            label_column="y",
        )


@pytest.mark.parametrize("kind", ["csv", "parquet", "pandas", "polars"])
@pytest.mark.parametrize(
    ("column", "message"),
    [
        (
            [1.0, None, *range(8)],
            r"missing, NaN or infinite in float32: 1 of them.*(row 1|line 3), column w; .*(--drop w|drop=)",
        ),
        ([1.0, float("inf"), *range(8)], "(row 1|line 3), column w"),
        ([1.0, 1e300, *range(8)], "infinite in float32"),
        (["u", "v"] * 5, r"hold no numbers.* w \('u'\).*(--drop w|drop=)"),
    ],
)
def test_features_that_are_none(tmp_path, kind, column, message):
    columns = {**COLUMNS, "w": column}
    if kind in ("pandas", "polars"):
        given = (pandas if kind == "pandas" else polars).DataFrame(columns)
    else:
        given = write(tmp_path / f"t.{kind}", columns)
    with pytest.raises(DataError, match=message):
        read(given, label_column="y")


def test_every_column_of_text_is_named_at_once(tmp_path):
    path = write(tmp_path / "t.csv", {"id": ["u"] * 10, **COLUMNS, "name": ["v"] * 10})
    with pytest.raises(DataError, match=r"id \('u'\), name \('v'\).*--drop id --drop name"):
        read(path, label_column="y")


def test_a_missing_value_in_a_row_that_is_skipped_does_no_harm(tmp_path):
    path = text(tmp_path / "t.csv", "x,y\n,\n" + "".join(f"{i},{i % 2}\n" for i in range(8)))
    assert read(path, label_column="y").audit.used == 8


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, DataError, r"the columns x, y, z, w; which of them holds labels is not known.* --label-column"),
        ({"label_column": "nope"}, DataError, r"no column nope \(--label-column\); it has the column"),
        ({"label_column": "y", "drop": ["nope"]}, DataError, r"no column nope \(--drop\)"),
        ({"label_column": "y", "group_column": "nope"}, DataError, r"no column nope \(--group-column\)"),
        ({"label_column": "y", "drop": ["y"]}, UsageError, "column y holds the labels"),
        ({"label_column": "y", "group_column": "y"}, UsageError, "column y holds the labels"),
        ({"label_column": "y", "drop": ["x", "z", "w"]}, DataError, "no column left for features"),
        ({"label_column": "x", "drop": ["y"]}, DataError, "regression"),
        ({"label_column": "y", "split": "train"}, UsageError, "--split does not go with a table"),
        ({"label_column": "y", "group_level": 2}, UsageError, "--group-level"),
        ({"label_column": "y", "size": 32}, UsageError, "no size in pixels"),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_options_that_cannot_be_meant(tmp_path, suffix, options, error, message):
    with pytest.raises(error, match=message):
        read(write(tmp_path / f"t{suffix}", COLUMNS), **options)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("x,y\n", "holds no rows"),
        ("x,x,y\n1,2,a\n", "several columns named x"),
        (",x,y\n0,1,a\n", r"a column without a name \(number 1\).*index=False"),
        ("x,y\n1\n", "1 cell in line 2, where 2 columns are named"),
        ('x,y\n0,a\n1,"a\n2,b\n', "a quotation mark in line 3 that is never closed"),
        ("x\ty\n1\ta\n", "by tabs, not commas"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        read(text(tmp_path / "t.csv", content), label_column="y")


def test_a_damaged_parquet(tmp_path):
    path = write(tmp_path / "t.parquet", COLUMNS)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"t\.parquet cannot be read as parquet"):
        read(path, label_column="y")


@pytest.mark.parametrize("name", ["x.pt", "x.pth", "x.pkl", "x.pickle", "x.joblib", "x.ckpt"])
def test_pickles_are_never_opened(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x80\x04cos\nsystem\n")
    with pytest.raises(DataError, match="is a pickle, by its name, which can run any code"):
        read(tmp_path / name)


def test_a_pickle_under_another_name(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"\x80\x04\x95")
    with pytest.raises(DataError, match="no text in UTF-8"):
        read(tmp_path / "x.csv", label_column="y")


def test_constant_and_repeated_columns_are_kept_and_named(tmp_path):
    columns = {**COLUMNS, "one": [1.0] * 10, "again": VALUES[:, 0], "two": [2] * 10}
    data = read(write(tmp_path / "t.csv", columns), label_column="y")
    assert data.values.shape == (10, 6)
    assert [(n.code, n.message.split("(")[1]) for n in data.audit.notices] == [
        ("CONSTANT-FEATURES", "one, two)."),
        ("DUPLICATE-COLUMNS", "again)."),
    ]
    assert feature_remarks(VALUES) == []


@pytest.mark.parametrize("count", [10, 1000])
def test_columns_that_differ_in_one_row_alone_are_no_copies(count):
    values = np.random.default_rng(0).normal(size=(count, 100)).astype(np.float32)
    values[:, 80] = values[:, 70] = values[:, 3]
    values[:, 90] = values[:, 5]
    values[:, 91] = values[:, 6]
    values[1, 91] += 1  # a row that is not among those compared first, where there are 1,000
    (notice,) = feature_remarks(values)
    assert (notice.code, notice.message.split("(")[1]) == ("DUPLICATE-COLUMNS", "70, 80, 90).")


def test_no_pretrained_model_on_features(tmp_path):
    with pytest.raises(UsageError, match="holds features, not images"):
        catalogue(write(tmp_path / "t.csv", COLUMNS), label_column="y")


# embeddings of other tools


def embedding(tmp_path: Path, header: str, *, label: bool, list_column: bool = False) -> Path:
    lines = [header]
    for i, row in enumerate(VALUES):
        values = f'"{json.dumps(row.tolist())}"' if list_column else ",".join(map(repr, row.tolist()))
        lines.append(f"deep/{i}.jpg,{values}" + (f",{LABELS[i]}" if label else ""))
    return text(tmp_path / "e.csv", "\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("header", "list_column"),
    [
        ("filenames,embedding_0,embedding_1,embedding_2,labels", False),
        ("filename,embedding_0,embedding_1,embedding_2,label", False),
        ("filepath,embedding,ground_truth", True),
        ("filepath,embedding,ground_truth.label", True),
    ],
)
def test_embeddings_are_recognised(tmp_path, header, list_column):
    data = read(embedding(tmp_path, header, label=True, list_column=list_column))
    np.testing.assert_array_equal(data.values, VALUES)
    assert data.classes == ("a", "b")
    (notice,) = data.audit.notices
    path = header.split(",")[0]
    assert (notice.code, f"no features are: {path} ({path} names the images)" in notice.message) == (
        "COLUMNS-LEFT-OUT",
        True,
    )


def test_columns_beside_an_embedding_are_no_features(tmp_path):
    path = write(
        tmp_path / "e.csv",
        {
            "filepath": [f"{i}.jpg" for i in range(10)],
            "width": range(10),
            "mime_type": ["image/jpeg"] * 10,
            "embedding": [json.dumps(row.tolist()) for row in VALUES],
            "label": LABELS,
        },
    )
    data = read(path)
    np.testing.assert_array_equal(data.values, VALUES)
    assert "filepath, width, mime_type" in data.audit.notices[0].message


@pytest.mark.parametrize("kind", ["list", "fixed", "polars", "pandas"])
def test_an_embedding_in_one_column_of_lists(tmp_path, kind):
    rows = VALUES.tolist()
    if kind in ("list", "fixed"):
        width = 3 if kind == "fixed" else -1
        column = pa.array(rows, type=pa.list_(pa.float32(), width))
        given = write(tmp_path / "e.parquet", {"embedding": column, "label": LABELS})
    else:
        given = (polars if kind == "polars" else pandas).DataFrame({"embedding": rows, "label": LABELS})
    values = read(given).values
    np.testing.assert_array_equal(values, VALUES)
    assert values.flags.writeable  # torch warns of memory that is not


def test_a_wide_parquet_is_read_a_few_columns_at_a_time(tmp_path):
    wide = np.random.default_rng(0).normal(size=(10, 150)).astype(np.float32)
    columns = {f"c{i}": wide[:, i] for i in range(150)}
    data = read(write(tmp_path / "t.parquet", {**columns, "y": LABELS}), label_column="y")
    np.testing.assert_array_equal(data.values, wide)


def test_lists_of_different_lengths(tmp_path):
    rows = [[1.0, 2.0]] * 9 + [[1.0]]
    with pytest.raises(DataError, match="1 number in column embedding, row 9, where 2 numbers are needed"):
        read(write(tmp_path / "e.parquet", {"embedding": rows, "label": LABELS}))


@pytest.mark.parametrize("zeros", [False, True])
def test_labels_of_their_own_are_joined_to_embeddings(tmp_path, zeros):
    """lightly-train writes no labels, or zeros in their place."""
    header = "filenames,embedding_0,embedding_1,embedding_2"
    path = embedding(tmp_path, header, label=False)
    if zeros:
        lines = path.read_text().splitlines()
        path.write_text("\n".join([f"{lines[0]},labels", *(f"{line},0" for line in lines[1:])]))
    names = [f"deep/{i}.jpg" for i in range(9)]
    labels = ["", *LABELS[1:9]]
    table = write(
        tmp_path / "l.csv", {"file_name": [*names[::-1], "gone.jpg"], "label": [*labels[::-1], "a"]}
    )
    data = read(path, labels=table)
    np.testing.assert_array_equal(data.values, VALUES[1:9])
    assert [data.classes[label] for label in data.labels] == LABELS[1:9]
    assert {s.name: s.reason for s in data.audit.skipped} == {
        "deep/0.jpg": "label-missing",
        "deep/9.jpg": "not-in-table",
        "gone.jpg": "no-file",
    }
    with pytest.raises(DataError, match="holds 1 class" if zeros else "labels is not known"):
        read(path)
    conflict = write(tmp_path / "c.csv", {"file_name": ["deep/1.jpg"] * 2, "label": ["a", "b"]})
    with pytest.raises(DataError, match=r"gives deep/1\.jpg two labels"):
        read(path, labels=conflict)


def test_joined_labels_by_rows_that_repeat_lack_or_miss(tmp_path):
    path = embedding(tmp_path, "filenames,embedding_0,embedding_1,embedding_2", label=False)
    path.write_text(path.read_text().replace("deep/9.jpg", ""))
    names = [f"deep/{i}.jpg" for i in range(9)]
    table = write(
        tmp_path / "l.csv",
        {
            "file_name": [names[4], *names, names[5], "gone.jpg", "gone.jpg", "", ""],
            "label": ["", *LABELS[:9], "", "a", "a", "a", "b"],
        },
    )
    data = read(path, labels=table)
    assert [data.classes[label] for label in data.labels] == LABELS[:9]
    assert sorted((s.name, s.reason, s.detail) for s in data.audit.skipped) == [
        ("gone.jpg", "no-file", "line 13"),
        ("gone.jpg", "no-file", "line 14"),
        ("line 11", "not-in-table", "line 11"),
        ("line 15", "no-file", "line 15"),
        ("line 16", "no-file", "line 16"),
    ]


def test_labels_cannot_be_joined_to_rows_without_paths(tmp_path):
    table = write(tmp_path / "l.csv", {"file_name": ["1.jpg"], "label": ["a"]})
    with pytest.raises(DataError, match="none of which names images"):
        read(write(tmp_path / "t.csv", COLUMNS), labels=table)


@pytest.mark.parametrize("options", [{}, {"label_column": "label"}, {"image_column": "file_name"}])
def test_a_table_of_labels_in_the_place_of_the_images(tmp_path, options):
    path = write(tmp_path / "labels.csv", {"file_name": ["1.jpg"], "label": ["a"]})
    with pytest.raises(DataError, match="give the folder of the images as --data and this table as --labels"):
        read(path, **options)


# extras, and what is not loaded


def test_without_pyarrow_the_line_that_installs_it(tmp_path, monkeypatch):
    path = write(tmp_path / "t.parquet", COLUMNS)

    def missing(name: str, *rest: object) -> object:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return original(name, *rest)

    original = importlib.import_module
    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(DataError, match=r"pip install 'sufficient-samples\[table\]'"):
        read(path, label_column="y")


def test_a_csv_needs_no_extra(tmp_path):
    path = write(tmp_path / "t.csv", COLUMNS)
    code = (
        "import sys; from sufficient.data.sources import read; "
        f"read({str(path)!r}, label_column='y'); "
        "sys.exit(bool({'torch', 'pandas', 'pyarrow', 'datasets'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_row_of_a_million_cells_is_one_pass(tmp_path, monkeypatch):
    """A wide table is opened for its names, for what its columns hold, and for all of its rows."""
    opened = []
    original = builtins.open

    def counting(file, *args, **options):
        if str(file).endswith("t.csv"):
            opened.append(file)
        return original(file, *args, **options)

    path = write(tmp_path / "t.csv", COLUMNS)
    monkeypatch.setattr(builtins, "open", counting)
    read(path, label_column="y")
    assert len(opened) == 4  # the bytes it begins with, its names, its first row, its rows
