import io
import json

import pytest

from sufficient.cli.app import run
from sufficient.cli.output import Output
from sufficient.cli.paper import LivePaper
from sufficient.paper.report import NotRun, SweepReport
from tests.paper.conftest import no_model, trainer  # noqa: F401 - fixtures
from tests.paper.sweeps import made_up, saved

MINE = ["paper", "--dataset", "mine", "--data", "mine=digits", "--device", "cpu"]


def test_a_person_reads_the_claims_and_talk_goes_to_stderr(tmp_path, capsys, trainer):  # noqa: F811
    assert run([*MINE, "--quick", "--out", str(tmp_path / "run")]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("mine-pixels: 1,797 objects, 2 seeds, 0 of 50 trainings dead\n")
    assert "(c) rate 1/k          identity" in said.out
    assert f"{tmp_path / 'run'}: report.html, report.md" in said.out
    talk = said.err.splitlines()
    assert talk[0] == talk[-1] == f"run directory: {tmp_path / 'run'}"
    assert talk[1].startswith("mine-pixels  0 of 50 dead  (a) ")
    assert "\x1b" not in said.out + said.err


def test_json_is_one_strict_object_the_same_as_the_file(tmp_path, capsys, trainer):  # noqa: F811
    assert run([*MINE, "--seeds", "1", "--out", str(tmp_path / "run"), "--json"]) == 0
    out = capsys.readouterr().out
    assert out == (tmp_path / "run" / "report.json").read_text()
    assert json.loads(out)["command"] == "paper"


def test_what_was_not_run_ends_with_3_and_the_way_on(tmp_path, capsys, trainer, no_model):  # noqa: F811
    line = ["paper", "--figure", "2", "--figure", "3", "--data", "mnist=digits", "--quick", "--device", "cpu"]
    assert run([*line, "--out", str(tmp_path / "run")]) == 3
    said = capsys.readouterr()
    assert "mnist-pixels: 1,797 objects" in said.out
    assert "not run       mnist-pooler, mnist-cls: google/vit-base-patch16-224 is not here" in said.out
    assert "error: 2 of 3 sweeps were not run: mnist-pooler, mnist-cls" in said.err
    assert f"--out {tmp_path / 'run'} --resume" in said.err
    assert len(trainer.calls) == 1
    assert run([*line, "--out", str(tmp_path / "run"), "--resume"]) == 3
    assert len(trainer.calls) == 1
    assert "there already" in capsys.readouterr().err


def test_a_damaged_sweep_ends_with_3_and_what_to_delete(tmp_path, capsys, trainer):  # noqa: F811
    line = [*MINE, "--quick", "--out", str(tmp_path / "run")]
    assert run(line) == 0
    path = tmp_path / "run" / "sweeps" / "mine-pixels.safetensors"
    path.write_bytes(b"")
    assert run([*line, "--resume"]) == 3
    said = capsys.readouterr().err
    assert f"For mine delete {path}; then the same command" in said
    assert "correct what --data" not in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["paper", "--figure", "1"], "--figure 1 shows no sweep"),
        (["paper", "--dataset", "digits"], "--data digits=SPEC"),
        (["paper", "--quick", "--seeds", "3"], "--quick means --seeds 2"),
        (["paper", "--resume"], "--resume needs"),
        (["paper", "--data", "mine"], "has no value"),
        ([*MINE, "--device", "abacus"], "--device abacus is unknown"),
        (["paper", "--seeds", "two"], "'--seeds'"),
    ],
)
def test_usage_errors(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_default_directory(tmp_path, monkeypatch, trainer):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    assert run([*MINE, "--seeds", "1"]) == 0
    (directory,) = (tmp_path / "runs").iterdir()
    assert directory.name.endswith("Z-paper")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_sees_progress_and_the_time_left(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    now = [0.0]
    screen = Terminal()
    with LivePaper(Output(stderr=screen), clock=lambda: now[0]) as live:
        live.sweep_started("mnist-pixels", 0, 3)
        live.preparing(5, 10)
        assert live.time_left() is None
        now[0] = 2.0  # reading took 2 s
        live.updates(0, 100)
        assert live.time_left() is None
        now[0] = 12.0
        live.updates(50, 100)
        assert live.time_left() == pytest.approx(10 + 2 * 22)
        now[0] = 22.0
        live.sweep_done(SweepReport.of(saved(made_up(seeds=2)), reused=False))
        live.sweep_started("mnist-cls", 1, 3)
        live.sweep_failed(NotRun("mnist-cls", "no model.", "x"))
        live.sweep_started("mine", 2, 3)
        assert live.time_left() == pytest.approx(22)
    shown = screen.getvalue()
    assert "50 of 100 updates" in shown
    assert "about 54 s left" in shown
    assert "mnist-pixels  0 of 50 dead" in shown
    assert "mnist-cls  not run: no model." in shown
