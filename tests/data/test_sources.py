from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sufficient.data.sources import read
from sufficient.errors import DataError, UsageError
from tests.data.pictures import save_classes


def test_a_folder_by_text_or_path(tmp_path):
    save_classes(tmp_path)
    assert read(tmp_path).fingerprint == read(str(tmp_path)).fingerprint
    assert read(str(tmp_path)).spec == str(tmp_path)


def test_names_win_over_folders_unless_written_as_a_path(tmp_path, monkeypatch):
    save_classes(tmp_path / "digits")
    monkeypatch.chdir(tmp_path)
    assert read("digits").audit.used == 1797
    assert read("./digits").audit.used == read(Path("digits")).audit.used == 8


@pytest.mark.parametrize("labels", [None, [0, 1] * 3])
def test_arrays_need_labels(labels):
    given = np.arange(12).reshape(6, 2)
    if labels is None:
        with pytest.raises(UsageError, match="arrays need labels"):
            read(given)
    else:
        assert read(given, labels=labels).spec == "arrays"


def test_labels_do_not_go_with_a_named_set():
    with pytest.raises(UsageError, match="go with arrays only; digits is read with the labels that it holds"):
        read("digits", labels=[0, 1])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            "nowhere/at/all",
            "does not exist, and no data set goes by that name; give a folder of",
        ),
        ("MNIST", r"does not exist.*Did you mean mnist\?"),
        ("fashion-mnist", r"Did you mean fashionmnist\?"),
        ("", "'' does not exist"),
        ("x" * 5000, "does not exist"),
        ("~nobody-by-this-name/x", "does not exist"),
        ("missing.npz", "'missing.npz' does not exist"),
    ],
)
def test_specs_that_lead_nowhere(spec, message):
    with pytest.raises(DataError, match=message):
        read(spec)


def test_a_file_of_another_kind(tmp_path):
    (tmp_path / "x.zip").touch()
    with pytest.raises(DataError, match=r"x\.zip is no kind of file that is read"):
        read(tmp_path / "x.zip")


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    (tmp_path / "x.npz").touch()
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(DataError, match="check its permissions"):
        read(tmp_path / "x.npz")


def test_size_must_be_positive():
    with pytest.raises(UsageError, match="--size is 0"):
        read("digits", size=0)


def test_reading_loads_no_torch(tmp_path):
    save_classes(tmp_path)
    code = (
        "import sys; from sufficient.data.sources import read; "
        f"read({str(tmp_path)!r}); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
