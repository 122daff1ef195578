"""`sufficient watch`: a folder that grows between two looks."""

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from sufficient.cli import app
from sufficient.cli import watch as command
from sufficient.options import read_options

SMALL = [
    "--hidden",
    "8",
    "--layers",
    "2",
    "--quick",
    "--start",
    "128",
    "--patience",
    "2",
    "--device",
    "cpu",
    "--every",
    "0",
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The data, and a way to let it grow when the watch sleeps: each entry is what one sleep does."""
    images, labels = load_digits(return_X_y=True)
    data, coming = tmp_path / "data", []

    def write(first, last, shift=0):
        for i in range(first, last):
            path = data / str(labels[i] + shift) / f"{(i * 7919) % 10007:05d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((images[i].reshape(8, 8) * 15).astype(np.uint8)).save(path)

    def sleep(seconds):
        assert seconds == 0
        if not coming:
            raise KeyboardInterrupt
        coming.pop(0)()

    monkeypatch.setattr(command.time, "sleep", sleep)
    monkeypatch.setattr("sufficient.report.figures.draw_all", lambda *args, **kwargs: [])  # seconds a run
    write(0, 30)
    return data, write, coming


def run(data, out, *options):
    return app.run(["watch", str(data), "--out", str(out), *SMALL, *options])


def test_it_waits_checks_extends_and_ends_when_sufficient(folder, tmp_path, capsys):
    data, write, coming = folder
    out = tmp_path / "runs"
    coming += [lambda: write(30, 250), lambda: None, lambda: write(250, 255), lambda: write(255, 400)]
    code = run(data, out, "--tol", "1e-6", "--min-new", "10", "--max-checks", "3", "--exit-when-sufficient")
    assert code in (10, 11)
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 3
    assert "30 files  waiting: " in said[0]
    assert "250 files  " in said[1]
    assert said[1].endswith("runs/0001")
    assert "400 files  " in said[2]
    assert said[2].endswith("runs/0002")
    assert read_options(out / "0002" / "config.toml").extend == str(out / "0001")
    code = run(data, out, "--tol", "0.5", "--exit-when-sufficient")
    assert code == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert "Sufficient" in line
    assert read_options(out / "0003" / "config.toml").extend == str(out / "0002")


def test_it_is_interrupted_by_the_keyboard_and_what_it_says_then_works(folder, tmp_path, capsys):
    data, write, _ = folder
    write(30, 250)
    out = tmp_path / "runs"
    assert run(data, out, "--tol", "1e-6") == 130
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith(f"saved in {out}: go on with the same command and --out {out}.")
    assert run(data, out, "--tol", "1e-6", "--max-checks", "1") == 0
    assert read_options(out / "0002" / "config.toml").extend == str(out / "0001")


def test_a_new_class_begins_a_new_study(folder, tmp_path, capsys):
    data, write, coming = folder
    write(30, 250)
    coming += [lambda: write(250, 300, shift=3)]
    assert run(data, tmp_path / "runs", "--tol", "1e-6", "--max-checks", "2") == 0
    assert "a new study is begun" in capsys.readouterr().err
    assert read_options(tmp_path / "runs" / "0002" / "config.toml").extend is None


@pytest.mark.parametrize(
    ("options", "code"),
    [(["--every", "-1"], 2), (["--min-new", "0"], 2), (["--max-checks", "0"], 2), (["--hidden", "0"], 2)],
)
def test_options_that_cannot_be_meant(folder, tmp_path, options, code, capsys):
    assert run(folder[0], tmp_path / "runs", *options) == code
    assert options[0] in capsys.readouterr().err


def test_a_folder_that_is_none(tmp_path, capsys):
    assert app.run(["watch", str(tmp_path / "x.csv")]) == 3
    assert "is no folder" in capsys.readouterr().err


def test_estimate_takes_a_run_to_extend(folder, tmp_path, capsys):
    data, write, _ = folder
    write(30, 250)
    small = [option for option in SMALL if option not in ("--every", "0")]
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    assert app.run(["estimate", "--data", str(data), *small, "--tol", "1e-6", "--out", one, "--quiet"]) == 0
    write(250, 400)
    assert app.run(["estimate", "--data", str(data), "--extend", one, "--out", two]) == 0
    found = capsys.readouterr()
    assert "[EXTENDED]" in found.out
    assert "resumed: " in found.err
    assert (
        app.run(["estimate", "--data", str(data), "--extend", one, "--hidden", "9", "--out", two + "x"]) == 2
    )
    assert "--hidden was 8 and is 9" in capsys.readouterr().err
