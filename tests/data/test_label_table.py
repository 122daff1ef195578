from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sufficient.data.labelled import UnusableError
from sufficient.data.sources import catalogue, read
from sufficient.errors import DataError, UsageError
from tests.data.pictures import noise, save, save_classes

LABELS = ["cat", "dog"] * 4


def pictures(root: Path, count: int = 8) -> Path:
    for i in range(count):
        save(root / "deep" / f"{i}.png" if i % 2 else root / f"{i}.png", noise(i))
    return root


def name(i: int) -> str:
    return f"deep/{i}.png" if i % 2 else f"{i}.png"


def rows(labels=LABELS) -> list[tuple[object, ...]]:
    return [(name(i), label) for i, label in enumerate(labels)]


def write(path: Path, lines: list[tuple[object, ...]], header: str = "file_name,label") -> Path:
    text = [header, *(",".join(map(str, line)) for line in lines)]
    path.write_bytes(os.fsencode("\n".join(text) + "\n"))
    return path


def both(*args, **options):
    """Read and catalogue, which must tell the same of what they found."""
    data, images = read(*args, **options), catalogue(*args, **options)
    assert images.found == len(images.labels) + len(images.skipped)
    assert (images.classes, images.labels.tolist()) == (data.classes, data.labels.tolist())
    assert images.skipped == data.audit.skipped
    assert [n.code for n in images.notices] == [n.code for n in data.audit.notices]
    return data, images


def reasons(data) -> dict[str, str]:
    return {item.name: item.reason for item in data.audit.skipped}


def test_a_table_beside_a_folder(tmp_path):
    root = pictures(tmp_path / "imgs")
    data, images = both(root, labels=write(tmp_path / "labels.csv", rows()))
    assert data.classes == ("cat", "dog")
    order = sorted(map(name, range(8)))
    expected = [LABELS[int(Path(file).stem)] for file in order]
    assert [data.classes[label] for label in data.labels] == expected
    for i, file in enumerate(order):
        pixels = noise(int(Path(file).stem))
        np.testing.assert_array_equal(data.values[i], pixels)
        np.testing.assert_array_equal(np.asarray(images.reader.read(i).image), pixels)
        assert images.name_of(i) == file
    assert (data.audit.found, data.audit.skipped, data.audit.notices) == (8, (), ())


def test_a_table_that_says_what_the_folders_say_gives_the_same(tmp_path):
    root = save_classes(tmp_path / "imgs")
    table = write(tmp_path / "l.csv", [(f"{c}/{i}.png", c) for c in ("cat", "dog") for i in range(4)])
    assert read(root, labels=table).fingerprint == read(root).fingerprint
    by_table, by_folder = catalogue(root, labels=table), catalogue(root)
    assert by_table.fingerprint == by_folder.fingerprint
    assert by_table.labels_fingerprint == by_folder.labels_fingerprint


def as_parquet(path: Path, header: str, lines: list[tuple[object, ...]]) -> Path:
    columns = dict(zip(header.split(","), map(list, zip(*lines, strict=True)), strict=True))
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet", "pandas", "polars"])
def test_every_kind_of_table_says_the_same(tmp_path, kind):
    root = pictures(tmp_path / "imgs")
    expected = read(root, labels=write(tmp_path / "l.csv", rows()))
    frame = {"file_name": [name(i) for i in range(8)], "label": LABELS}
    path = tmp_path / f"l.{kind}"
    if kind == "tsv":
        path.write_text("file_name\tlabel\n" + "".join(f"{a}\t{b}\n" for a, b in rows()))
    elif kind == "jsonl":
        path.write_text("".join(json.dumps({"file_name": a, "label": b}) + "\n" for a, b in rows()))
    elif kind == "parquet":
        as_parquet(path, "file_name,label", rows())
    given = {"pandas": pandas.DataFrame, "polars": polars.DataFrame}.get(kind, lambda _: path)(frame)
    assert read(root, labels=given).fingerprint == expected.fingerprint


@pytest.mark.parametrize(
    ("given", "classes"),
    [
        (["3", "10"], ("3", "10")),
        (["3.0", "10.0"], ("3", "10")),
        (["true", "FALSE"], ("False", "True")),
        (["007", "7"], ("007", "7")),
        (["-1", "1"], ("-1", "1")),
        ([" a", "b "], ("a", "b")),
        (["1", "b"], ("1", "b")),
        (["a|b", "a;b"], ("a;b", "a|b")),
        (["12345678901234567890", "2"], ("12345678901234567890", "2")),
    ],
)
def test_kinds_of_labels(tmp_path, given, classes):
    root = pictures(tmp_path / "imgs")
    if given[0].startswith("123"):
        with pytest.raises(DataError, match="too large a number"):
            read(root, labels=write(tmp_path / "l.csv", rows(given * 4)))
        return
    assert read(root, labels=write(tmp_path / "l.csv", rows(given * 4))).classes == classes


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["0.5", "1.5"] * 4, r"not whole \(0\.5 in line 2\): values to predict \(regression\)"),
        (['"[0, 1]"', '"[1]"'] * 4, r"holds lists \(line 2: \[0, 1\]\): several labels for an object"),
        ([""] * 8, "no label in its column label"),
        (["a"] * 8, "holds 1 class"),
    ],
)
def test_labels_that_are_no_classes(tmp_path, labels, message):
    with pytest.raises(DataError, match=message):
        read(pictures(tmp_path / "imgs"), labels=write(tmp_path / "l.csv", rows(labels)))


def test_whatever_does_not_match_is_counted(tmp_path):
    root = pictures(tmp_path / "imgs", count=11)
    save(tmp_path / "elsewhere.png", noise(99))
    (root / ".cache").mkdir()
    save(root / ".cache" / "x.png", noise(98))
    (root / "notes.txt").write_text("no image")
    lines = [
        *rows(),
        (name(8), ""),
        ("gone.png", "cat"),
        ("../elsewhere.png", "cat"),
        (str(tmp_path / "elsewhere.png"), "cat"),
        (".cache/x.png", "dog"),
        ("", "dog"),
    ]
    data, _ = both(root, labels=write(root / "labels.csv", lines))
    assert reasons(data) == {
        ".cache": "hidden",
        ".cache/x.png": "hidden",
        "gone.png": "no-file",
        "../elsewhere.png": "outside-root",
        str(tmp_path / "elsewhere.png"): "outside-root",
        "line 15": "no-file",
        name(8): "label-missing",
        name(9): "not-in-table",
        name(10): "not-in-table",
        "notes.txt": "unsupported-suffix",
    }
    assert data.audit.found == 8 + 10


def test_paths_as_people_write_them(tmp_path):
    root = pictures(tmp_path / "imgs")
    lines = [
        (f"./{name(0)}", "a"),
        (f"deep/../deep/{1}.png", "b"),
        (str(root / name(2)), "a"),
        *[(name(i), "ab"[i % 2]) for i in range(3, 8)],
    ]
    assert read(root, labels=write(tmp_path / "l.csv", lines)).audit.used == 8


def test_links_count_once_whether_a_row_names_them_or_not(tmp_path):
    root = pictures(tmp_path / "imgs")
    outside = save(tmp_path / "other" / "x.png", noise(50))
    (root / "out.png").symlink_to(outside)
    (root / "folder").symlink_to(outside.parent)
    (root / "broken.png").symlink_to(root / "nowhere")
    (root / "again.png").symlink_to(root / "0.png")
    lines = [
        *rows(),
        ("out.png", "cat"),
        ("folder/x.png", "cat"),
        ("broken.png", "dog"),
        ("again.png", "cat"),
    ]
    data = read(root, labels=write(tmp_path / "l.csv", lines))
    assert reasons(data) == {
        "out.png": "outside-root",
        "folder": "outside-root",
        "folder/x.png": "outside-root",
        "broken.png": "unreadable",
        "again.png": "duplicate",
    }
    (tmp_path / "link").symlink_to(root)
    lines = [(str(root / file), label) for file, label in rows()]
    assert read(tmp_path / "link", labels=write(tmp_path / "m.csv", lines)).audit.used == 8


def test_a_file_that_changes_between_listing_and_reading(tmp_path):
    root = pictures(tmp_path / "imgs")
    images = catalogue(root, labels=write(tmp_path / "l.csv", rows()))
    save(root / "0.png", noise(70, height=20))
    os.remove(root / "2.png")
    for file, reason in [("0.png", "changed"), ("2.png", "vanished")]:
        index = next(i for i in range(8) if images.name_of(i) == file)
        with pytest.raises(UnusableError) as caught:
            images.reader.read(index)
        assert caught.value.reason == reason


@pytest.mark.parametrize("column", ["filename", "path", "image", "file", "filepath"])
def test_other_names_of_columns(tmp_path, column):
    root = pictures(tmp_path / "imgs")
    assert read(root, labels=write(tmp_path / "l.csv", rows(), f"{column},class")).audit.used == 8


def test_columns_named_by_options(tmp_path):
    root = pictures(tmp_path / "imgs")
    lines = [(name(i), label, "x", i // 4) for i, label in enumerate(LABELS)]
    table = write(tmp_path / "l.csv", lines, "id,species,label,patient")
    data, images = both(root, labels=table, label_column="species", image_column="id", group_column="patient")
    assert data.classes == ("cat", "dog")
    by_name = {images.name_of(i): group for i, group in enumerate(images.groups)}
    assert [by_name[name(i)] for i in range(8)] == [0] * 4 + [1] * 4
    assert images.groups.tolist() == data.groups.tolist()


def test_an_empty_group_is_a_group_of_its_own(tmp_path):
    root = pictures(tmp_path / "imgs")
    lines = [(name(i), label, "p" if i < 5 else "") for i, label in enumerate(LABELS)]
    data = read(root, labels=write(tmp_path / "l.csv", lines, "file,label,g"), group_column="g")
    assert sorted(np.unique(data.groups, return_counts=True)[1].tolist()) == [1, 1, 1, 5]
    assert [n.code for n in data.audit.notices] == ["GROUP-MISSING"]


def test_a_repeated_row_counts_once_and_another_label_is_refused(tmp_path):
    root = pictures(tmp_path / "imgs")
    data, _ = both(root, labels=write(tmp_path / "l.csv", [*rows(), (name(0), "cat")]))
    assert data.audit.found == data.audit.used == 8
    assert [n.code for n in data.audit.notices] == ["REPEATED-ROWS"]
    with pytest.raises(DataError, match=r"gives 0\.png two labels \(line 2 and line 10: cat and dog\)"):
        read(root, labels=write(tmp_path / "l.csv", [*rows(), (name(0), "dog")]))


def test_every_row_that_leads_nowhere_counts(tmp_path):
    root = pictures(tmp_path / "imgs")
    lines = [*rows(), *[("", "cat")] * 3, *[("gone.png", "dog")] * 2, *[("../x.png", "dog")] * 2]
    data, images = both(root, labels=write(tmp_path / "l.csv", lines))
    expected = [(10, "no-file"), (11, "no-file"), (12, "no-file"), (13, "no-file"), (14, "no-file")]
    expected += [(15, "outside-root"), (16, "outside-root")]
    for skipped in (data.audit.skipped, images.skipped):
        assert [(int(s.detail.removeprefix("line ")), s.reason) for s in skipped] == expected
    assert data.audit.found == images.found == 8 + 7


def test_metadata_in_the_folder_is_used_by_itself(tmp_path):
    root = pictures(tmp_path / "imgs")
    write(root / "metadata.csv", rows())
    data, _ = both(root)
    assert data.classes == ("cat", "dog")
    (notice,) = data.audit.notices
    assert (notice.code, "column label of metadata.csv" in notice.message) == ("METADATA-LABELS", True)
    os.remove(root / "metadata.csv")
    (root / "metadata.jsonl").write_text(
        "".join(json.dumps({"file_name": a, "label": int(b == "dog")}) + "\n" for a, b in rows())
    )
    assert read(root).classes == ("0", "1")


def test_metadata_without_labels_leaves_the_class_folders(tmp_path):
    for i in range(8):
        save(tmp_path / "ab"[i % 2] / f"{i}.png", noise(i))
    write(tmp_path / "metadata.csv", [("a/0.png", "a small cat")], "file_name,text")
    assert read(tmp_path).classes == ("a", "b")
    with pytest.raises(DataError, match="no column nothing"):
        read(tmp_path, label_column="nothing")


def test_hostile_names(tmp_path):
    root = tmp_path / "imgs"
    names = ["[red]x.png", "=1+1.png", "\x1b[31m.png", "a\udcff.png", "<script>.png", "ü.png"]
    for i, file in enumerate(names):
        save(root / file, noise(i))
    lines = [(file, "ab"[i % 2]) for i, file in enumerate(names)]
    data, images = both(root, labels=write(tmp_path / "l.csv", [*lines, ("\udcfe\x07.png", "a")]))
    assert data.audit.used == 6
    assert reasons(data) == {"\\xfe\\x07.png": "no-file"}
    assert {images.name_of(i) for i in range(6)} >= {"\\x1b[31m.png", "a\\xff.png"}


def test_a_broken_image_is_skipped_as_in_folders(tmp_path):
    root = pictures(tmp_path / "imgs")
    (root / "0.png").write_bytes(b"\x89PNG\r\n")
    data = read(root, labels=write(tmp_path / "l.csv", rows()))
    assert reasons(data) == {"0.png": "truncated"}


def test_the_fingerprint_follows_files_and_not_labels(tmp_path):
    root = pictures(tmp_path / "imgs")
    one = catalogue(root, labels=write(tmp_path / "a.csv", rows()))
    other = catalogue(root, labels=write(tmp_path / "b.csv", rows(["dog", "cat"] * 4)))
    assert one.fingerprint == other.fingerprint
    assert one.labels_fingerprint != other.labels_fingerprint
    save(root / "0.png", noise(50, height=9))
    assert catalogue(root, labels=tmp_path / "a.csv").fingerprint != one.fingerprint


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; its first line must name its columns"),
        (b"file_name,label\n", "holds no rows"),
        (b"0.png,cat\n2.png,cat\n", r"has the columns 0\.png, cat; .* labels is not known"),
        (b"file_name,label,labels\na,b,c\n", "could be any of label, labels"),
        (b"file_name,label,label\na,b,c\n", "several columns named label"),
        (b"file_name;label\na;b\n", "by semicolons, not commas"),
        (b"file_name,label\na,b,c\n", "3 cells in line 2, where 2 columns are named"),
        (
            b"file_name,label\nimgs/0.png,cat\n",
            r"begins with imgs/0\.png, where there is, for example, 0\.png",
        ),
        ("file_name,label\n".encode("utf-16"), "no text in UTF-8"),
        (b"PK\x03\x04\x00\x00", "no text in UTF-8"),
        (b"\x80\x04\x95", "no text in UTF-8"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, content, message):
    (tmp_path / "l.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(pictures(tmp_path / "imgs"), labels=tmp_path / "l.csv")


@pytest.mark.parametrize("content", ['{"a": 1', "[1]"])
def test_damaged_json_lines(tmp_path, content):
    (tmp_path / "l.jsonl").write_text(content)
    with pytest.raises(DataError, match="line 1"):
        read(pictures(tmp_path / "imgs"), labels=tmp_path / "l.jsonl")


def test_tables_that_are_not_there(tmp_path):
    root = pictures(tmp_path / "imgs")
    with pytest.raises(DataError, match=r"none\.csv cannot be read: No such file"):
        read(root, labels=tmp_path / "none.csv")
    with pytest.raises(DataError, match="is no table that is read"):
        read(root, labels=root / "0.png")
    with pytest.raises(UsageError, match="are a table"):
        read(root, labels=[0, 1])


@pytest.mark.parametrize(("option", "value"), [("drop", ["x"]), ("split", "train"), ("group_level", 2)])
def test_options_that_do_not_go_with_it(tmp_path, option, value):
    root = pictures(tmp_path / "imgs")
    with pytest.raises(UsageError, match=f"--{option.replace('_', '-')}"):
        read(root, labels=write(tmp_path / "l.csv", rows()), **{option: value})


def test_a_thousand_rows_a_moment(tmp_path):
    """The matching is by a dictionary: 100,000 rows that match nothing take no quadratic time."""
    root = pictures(tmp_path / "imgs")
    lines = [*rows(), *((f"none/{i}.png", "cat") for i in range(20_000))]
    images = catalogue(root, labels=write(tmp_path / "l.csv", lines))
    assert (images.found, len(images.labels)) == (20_008, 8)
