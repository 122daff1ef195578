"""Tables as people hand them over: labels joined in a text, spaces, other cases, data frames, bytes."""

import numpy as np
import pytest

from sufficient.data.labels import labels_of_cells
from sufficient.data.python_words import python_words
from sufficient.data.sources import read
from sufficient.errors import DataError
from tests.data.pictures import noise, save

pandas = pytest.importorskip("pandas")


def pictures(root, count=8):
    for i in range(count):
        save(root / f"{i}.png", noise(i))
    return root


def table(path, header="file_name,label", cells=lambda i: f"{i}.png,{'ab'[i % 2]}"):
    path.write_text("\n".join([header, *(cells(i) for i in range(8))]) + "\n")
    return path


@pytest.mark.parametrize("separator", "|;,")
def test_joined_labels_whose_parts_stand_alone_are_refused(separator):
    cells = ["cat", f"cat{separator}pet", f"pet{separator}dog", "dog"] * 3
    with pytest.raises(DataError, match="several labels for an object are not read"):
        labels_of_cells(cells, column="y")


def test_joined_labels_with_one_part_in_common_are_said():
    found = labels_of_cells(["cat|pet", "dog|pet"] * 4, column="y")
    assert [notice.code for notice in found.notices] == ["JOINED-LABELS"]
    assert "8 objects" in found.notices[0].message


@pytest.mark.parametrize(
    "cells", [["Doe, John", "Smith, Ann"], ["a", "b", "c", "d", "e", "a|b"], ["-1", "1"]]
)
def test_names_with_commas_are_classes(cells):
    assert labels_of_cells(cells * 4, column="y").notices == ()


@pytest.mark.parametrize("cell", ["['cat', 'pet']", "('cat', 'pet')", '["cat"]'])
def test_lists_in_text_are_refused(cell):
    with pytest.raises(DataError, match="holds lists"):
        labels_of_cells([cell] * 4, column="y")


def test_a_class_called_nan_and_bytes_that_are_no_utf8_are_said():
    found = labels_of_cells(["NaN", "ch\udce4t"] * 3, column="y")
    assert [notice.code for notice in found.notices] == ["CLASS-LIKE-NO-LABEL", "NOT-UTF-8"]


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("File_Name,Label", lambda i: f"{i}.png,{'ab'[i % 2]}"),
        ("file_name, label", lambda i: f"{i}.png , {'ab'[i % 2]} "),
    ],
)
def test_spaces_and_case_lose_nothing(tmp_path, header, cells):
    data = read(pictures(tmp_path / "imgs"), labels=table(tmp_path / "l.csv", header, cells))
    assert (data.audit.found, data.audit.used, data.classes) == (8, 8, ("a", "b"))


def test_a_data_frame_needs_no_label_column_by_option():
    frame = pandas.DataFrame({"x": np.arange(8.0), "label": list("abababab")})
    assert read(frame).classes == ("a", "b")
    with pytest.raises(DataError, match=r'estimate\("folder", labels=df\)'):
        read(pandas.DataFrame({"path": ["0.png"] * 8, "label": list("abababab")}))


def test_words_of_a_command_in_python():
    assert (
        python_words("x (--drop a --drop 'b c') or --label-column") == "x (drop=['a', 'b c']) or label_column"
    )


def test_the_one_column_of_lists_beside_text_is_the_embedding(tmp_path):
    path = table(
        tmp_path / "e.csv",
        "filepath,ground_truth.label,clip,id,tags",
        lambda i: f'/x/{i}.jpg,{"ab"[i % 2]},"[{i}.5 1.0]",{i:024d},[]',
    )
    data = read(path)
    np.testing.assert_array_equal(data.values, [[i + 0.5, 1] for i in range(8)])
    (notice, _) = data.audit.notices
    assert "no features are: filepath, id, tags" in notice.message


def test_an_empty_cell_among_lists(tmp_path):
    path = table(tmp_path / "e.csv", "embedding,label", lambda i: f"{'' if i == 3 else [i]},{'ab'[i % 2]}")
    with pytest.raises(DataError, match="nothing in column embedding, line 5"):
        read(path)


def test_messages_stay_short(tmp_path):
    path = tmp_path / "w.csv"
    path.write_text(";".join(f"feature_{i}" for i in range(768)) + "\n")
    with pytest.raises(DataError, match="by semicolons") as caught:
        read(path)
    assert len(str(caught.value)) < 400 + len(str(path))


def test_images_as_bytes_in_a_parquet(tmp_path):
    pytest.importorskip("datasets")
    given = [(pictures(tmp_path / "imgs") / f"{i}.png").read_bytes() for i in range(8)]
    path = tmp_path / "t.parquet"
    pandas.DataFrame({"image": given, "label": list("abababab")}).to_parquet(path)
    assert read(path).values.shape[0] == 8
    rows = [{"bytes": None, "path": f"gone/{i}.png"} for i in range(8)]
    pandas.DataFrame({"image": rows, "label": list("abababab")}).to_parquet(path)
    with pytest.raises(DataError, match=r"column image begins with gone/0\.png; they are looked for in"):
        read(path)


def test_a_flat_folder_names_the_table_in_it(tmp_path):
    root = pictures(tmp_path / "imgs")
    with pytest.raises(DataError, match=r"--labels TABLE\.csv"):
        read(root)
    table(root / "labels.csv")
    with pytest.raises(DataError, match=r"such as labels\.csv in it: --labels"):
        read(root)


def test_splits_without_class_folders_name_train_first(tmp_path):
    for split in ("train", "test"):
        table(pictures(tmp_path / split) / "metadata.csv")
    with pytest.raises(DataError, match=rf"split folder itself, {tmp_path}/train"):
        read(tmp_path)
