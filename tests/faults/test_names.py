"""Names that would colour, move, run or break what shows them: escaped wherever they are shown."""

from __future__ import annotations

import csv
import io
import os
import shutil
from pathlib import Path

from sufficient.report.page import page
from sufficient.stored import load
from tests.data.pictures import noise, save
from tests.faults.account import LITTLE, ran, whole
from tests.faults.folders import ODD, odd_names


def test_names_are_escaped_wherever_they_are_shown(folder, vit, tmp_path, capsys, monkeypatch):
    """In the terminal, in JSON, in CSV and on the page: for files, classes and the folder itself."""
    odd_names(folder)
    for number in range(2):
        save(folder / "=cmd|' /C calc'!A0" / f"{number}.png", noise(9100 + number))
    root = folder.rename(tmp_path / "=<b>$x^{[red]\x1b[31m\n")
    out = tmp_path / "run"
    done = ran(["estimate", "--data", root, "--features", vit, *LITTLE, "--out", out], capsys)
    assert done.code == 0, done.err
    shown = done.out + done.err
    assert "\x1b" not in shown
    assert "\\x1b[31m\\n" in shown
    shown = ran(["check", "--data", root], capsys).out
    for name in (
        "\\xff\\xfe.png",
        "line\\nbreak.png",
        "[bold red].png",
        "\\x1b[31mred\\x1b[0m.png",
        "\\u202e",
    ):
        assert name in shown, name
    with (out / "skipped.csv").open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert len(load(out).skipped) == len(ODD) + 2
    html = page(load(out))
    assert "<script>\\x1b" not in html
    assert "<b>$" not in html
    assert "&lt;script&gt;" in html
    whole(out)


def test_a_folder_whose_own_name_is_no_text(photographs, tmp_path, capsys):
    """Not UTF-8, and a line break: the run is written, drawn, gone on with and reported on all the same."""
    root = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\nphotos"))
    shutil.copytree(photographs, root)
    out = tmp_path / "run"
    line = ["estimate", "--data", root, "--features", "pixels", *LITTLE, "--out", out, "--json"]
    done = ran(line, capsys)
    assert done.code == 0, done.err
    assert done.result["data"]["spec"].endswith("\\xff\\nphotos")
    whole(out)
    again = ran([*line, "--resume"], capsys)
    assert again.code == 0, again.err
    assert again.result["curve"] == done.result["curve"]
    assert ran(["report", out], capsys).code == 0


def test_names_are_shown_as_they_are_on_a_terminal(folder, capsys, monkeypatch):
    from sufficient.cli.output import Output

    odd_names(folder)
    done = ran(["check", "--data", folder], capsys)
    screen = io.StringIO()
    screen.isatty = lambda: True
    monkeypatch.setenv("TERM", "xterm")
    Output(stdout=screen).result(done.out.splitlines())
    drawn = screen.getvalue()
    assert "\x1b[31m" not in drawn
    assert "[bold red].png" in drawn.replace("\n", "")
