import inspect
import json
import os
import signal
import subprocess
import sys
import time

import jsonschema
import numpy as np
import pytest

import sufficient
from sufficient.answer.criteria import TOL
from sufficient.answer.verdict import judge
from sufficient.cli.app import run
from sufficient.cli.estimate import estimate
from sufficient.cli.options import default_directory
from sufficient.heads.fit import FitOptions
from sufficient.heads.stack import Architecture
from sufficient.options import RunOptions, read_options
from sufficient.report.export import schema
from sufficient.study.options import StudyOptions
from sufficient.study.store import read_record
from tests.test_api import steady

SMALL = [
    "--data", "digits", "--tol", "1e-3", "--hidden", "16", "--replicates", "3", "--start", "64",
    "--patience", "3", "--device", "cpu",
]  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "digits"
    assert run(["estimate", *SMALL, "--out", str(out), "--quiet"]) == 0
    return out


def program(arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "sufficient", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_a_person_reads_the_verdict_first_and_talk_goes_to_stderr(tmp_path, capsys):
    assert run(["estimate", *SMALL, "--out", str(tmp_path / "run")]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0].startswith("Sufficient: ")
    assert "\x1b" not in said.out + said.err
    talk = said.err.splitlines()
    assert talk[0] == talk[-1] == f"run directory: {tmp_path / 'run'}"
    stages = [line for line in talk if line.startswith("k = ")]
    assert len(stages) == len(read_record(tmp_path / "run" / "record").stages)


def test_json_is_one_strict_object_the_same_as_the_file(tmp_path, capsys):
    assert run(["estimate", *SMALL, "--out", str(tmp_path / "run"), "--json"]) == 0
    out = capsys.readouterr().out
    assert out == (tmp_path / "run" / "result.json").read_text()
    jsonschema.validate(json.loads(out), schema("result"))


def test_quiet_prints_one_word(finished, capsys):
    assert run(["report", str(finished), "--quiet"]) == 0
    said = capsys.readouterr()
    assert said.out == "sufficient\n"
    assert said.err == ""


def test_report_judges_again_and_restores(finished, capsys):
    def drawn():
        return (finished / "curve.csv").read_bytes(), (finished / "figures" / "curve.svg").read_bytes()

    before = drawn()
    assert run(["report", str(finished), "--tol", "1e-6", "--json"]) == 0
    strict = json.loads(capsys.readouterr().out)
    assert (strict["verdict"], strict["tolerance"], strict["command"]) == ("inconclusive", 1e-6, "report")
    assert drawn()[1] != before[1]
    assert run(["report", str(finished)]) == 0
    assert (
        (finished / "curve.csv").read_bytes(),
        (finished / "figures" / "curve.svg").read_bytes(),
    ) == before


@pytest.mark.parametrize(("tol", "code"), [("0.01", 0), ("1e-9", 11)], ids=["sufficient", "inconclusive"])
def test_exit_code_tells_the_verdict_when_asked(tmp_path, tol, code):
    line = [
        "estimate",
        *SMALL,
        "--tol",
        tol,
        "--max-samples",
        "400",
        "--quiet",
        "--out",
        str(tmp_path / "run"),
    ]
    assert run([*line, "--exit-code"]) == code
    assert run([*line, "--resume"]) == 0


def test_exit_code_insufficient(tmp_path):
    line = [
        "estimate",
        "--data",
        "digits",
        "--hidden",
        "4",
        "--layers",
        "1",
        "--replicates",
        "2",
        "--start",
        "400",
    ]
    assert run([*line, "--tol", "1e-9", "--quiet", "--exit-code", "--out", str(tmp_path / "run")]) == 10


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["estimate", "--data", "nowhere"], 3, "does not exist"),
        (["estimate", *SMALL, "--tol", "0"], 2, "--tol"),
        (["estimate", *SMALL, "--tol", "-1"], 2, "--tol"),
        (["estimate", *SMALL, "--validation", "0.9"], 2, "--validation 0.9"),
        (["estimate", *SMALL, "--start", "5000"], 3, "5,000"),
        (["estimate", *SMALL, "--features", "vit"], 3, "--features pixels"),
        (["estimate", *SMALL, "--features", ""], 3, "--features"),
        (["estimate", *SMALL, "--features", "torchvision:resnot"], 3, "names no classifier"),
        (["estimate", *SMALL, "--features", "nowhere:embed"], 3, "cannot be imported"),
        (["estimate", *SMALL, "--features", "json:absent"], 3, "cannot be imported"),
        (["estimate", *SMALL, "--features", "torchvision:resnet18", "--revision", "x"], 3, "no weights"),
        (["estimate", *SMALL, "--features", "torchvision:resnet18", "--pooling", "cls"], 2, "--pooling cls"),
        (["estimate", *SMALL, "--features", "pixels", "--pooling", "cls"], 2, "--pooling cls"),
        (["estimate", *SMALL, "--pooling", "middle"], 2, "--pooling middle is unknown"),
        (["estimate", *SMALL, "--json", "--quiet"], 2, "one of the two"),
        (["estimate", *SMALL, "--quick"], 2, "--quick"),
        (["estimate", *SMALL, "--resume"], 2, "--out"),
        (["estimate", *SMALL, "--device", "abacus"], 2, "abacus"),
        (["estimate", *SMALL, "--scale", "loud"], 2, "--scale"),
        (["estimate"], 2, "--data"),
        (["estimate", "--hidden", "many", "--data", "digits"], 2, "--hidden"),
        (["guess"], 2, "guess"),
        (["report", "nowhere"], 3, "nowhere"),
    ],
)
def test_known_errors_are_one_sentence(arguments, code, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == code
    said = capsys.readouterr()
    assert words in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


FLAGS = {
    "tol": 2e-3, "rel_tol": 0.5, "min_gain": 0.2, "confirm": 1,
    "features": "pixels", "size": 6, "scale": "standard", "root": "elsewhere",
    "hidden": 5, "layers": 2, "bias": True, "lr": 0.01, "batch_size": 16, "patience": 2, "max_updates": 25,
    "replicates": 2, "held_out": 0.3, "validation": 0.2, "start": 50, "growth": 2.0, "max_samples": 90,
    "time_limit": 50.0, "device": "cpu", "seed": 3, "download": True,
}  # fmt: skip


def test_every_flag_reaches_the_study(tmp_path):
    line = ["estimate", "--data", "digits", "--out", str(tmp_path / "run"), "--quiet"]
    for name, value in FLAGS.items():
        flag = f"--{name.replace('_', '-')}"
        line += [flag] if value is True else [flag, str(value)]
    assert run([*line, "--target", "loss=9", "--target", "accuracy=0.2"]) == 0
    options = read_options(tmp_path / "run" / "config.toml").resolved()
    assert {name: options[name] for name in FLAGS} == FLAGS
    assert options["targets"] == ["loss=9.0", "accuracy=0.2"]
    stage = read_record(tmp_path / "run" / "record").stages[-1]
    assert stage.updates.max() == 25
    assert stage.weight_norms.shape == (2, 2)


def test_defaults_are_the_same_everywhere():
    flags = {name: parameter.default for name, parameter in inspect.signature(estimate).parameters.items()}
    resolved = RunOptions(data="digits").resolved()
    for name, value in resolved.items():
        flag = flags["target" if name == "targets" else name] if name != "data" else value
        if name not in ("replicates", "tol"):  # None: --quick, and what else is asked, decide
            assert (flag or []) == value if isinstance(value, list) else flag == value, name
    assert (flags["tol"], flags["replicates"], resolved["tol"]) == (None, None, TOL)
    python = inspect.signature(sufficient.estimate).parameters
    for name, value in resolved.items():
        if name in python and name not in ("data", "tol"):
            default = python[name].default
            assert (list(default) if isinstance(value, list) else default) == value, name
    study = StudyOptions()
    fit = {name: getattr(study, name) for name in ("lr", "batch_size", "patience", "max_updates")}
    assert FitOptions() == FitOptions(**fit)
    assert Architecture(1, 2) == Architecture(1, 2, study.hidden, study.layers, study.bias)
    assert inspect.signature(judge).parameters["confirm"].default == resolved["confirm"]


def test_a_failed_start_leaves_nothing_behind(tmp_path):
    out = tmp_path / "run"
    assert run(["estimate", "--data", "digitz", "--out", str(out)]) == 3
    assert not out.exists()
    (out / "sub").mkdir(parents=True)
    for name in (".movie.part", ".film.7.part", "sub/.x.1.part"):
        (out / name).write_text("mine")
    assert run(["estimate", *SMALL, "--out", str(out)]) == 2
    assert sorted(path.name for path in out.rglob("*.part")) == [".film.7.part", ".movie.part", ".x.1.part"]


def test_an_error_leaves_no_run_directory_with_a_verdict(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["estimate", "--data", "nowhere"]) == 3
    assert not list(tmp_path.rglob("result.json"))


def test_debug_shows_the_traceback(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUFFICIENT_DEBUG", "1")
    assert run(["check", "--data", "nowhere"]) == 3
    said = capsys.readouterr().err
    assert said.startswith("Traceback")
    assert said.splitlines()[-1].startswith("error: ")


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (MemoryError("12 GiB"), 4, "out of memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), 4, "out of memory"),
        (OSError(28, "No space left on device"), 4, "No space left"),
        (KeyboardInterrupt(), 130, "stopped before anything was finished: give the same command again."),
        (ImportError("libtorch.so: failed to map segment from shared object"), 4, "do not fit into memory"),
        (ImportError("no module of this name"), 1, "bug"),
        (RuntimeError("surprise"), 1, "bug"),
    ],
)
def test_what_is_not_ours_has_its_exit_code(error, code, words, capsys, monkeypatch, tmp_path):
    def fail(*given, **named):
        raise error

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sufficient.api.estimate", fail)
    assert run(["estimate", "--data", "digits"]) == code
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--out", "file"], 2, "--out file is a file"),
        (["--out", "file/below"], 2, "--out file/below is a file, or lies below one"),
        (["--out", "full"], 2, "--out full is not empty and holds no run"),
        (["--out", "new", "--pooling", "max"], 2, "--pooling max is unknown"),
        (["--out", "new", "--device", "nosuch"], 2, "--device nosuch is unknown"),
        (["--out", "new", "--device", "cpu:1"], 2, "--device cpu:1 is unknown"),
    ],
)
def test_options_are_refused_before_torch_is_loaded_and_a_directory_is_named(options, code, words, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    script = (
        "import sys; from sufficient.cli.app import run;"
        "code = run(sys.argv[1:]); assert 'torch' not in sys.modules; sys.exit(code)"
    )
    line = [sys.executable, "-c", script, "estimate", "--data", "digits", *options]
    done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == code
    assert done.stderr.startswith(f"error: {words}")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "new").exists()


def test_an_absent_device_is_refused_before_a_directory_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    line = ["estimate", "--data", "digits", "--device", "cuda", "--out", str(tmp_path / "run")]
    assert run(line) == 4
    assert "run directory" not in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_check_says_where_estimate_stops(tmp_path, capsys):
    values = np.random.default_rng(0).standard_normal((60, 3)).round(6)
    rows = [f"{a},{b},{c},{'cat' if i % 2 else 'dog'},p" for i, (a, b, c) in enumerate(values.tolist())]
    table = tmp_path / "x.csv"
    table.write_text("\n".join(["a,b,c,label,patient", *rows]))
    line = ["--data", str(table), "--label-column", "label", "--group-column", "patient"]
    assert run(["check", *line]) == 0
    said = capsys.readouterr().out
    assert run(["estimate", *line, "--out", str(tmp_path / "run")]) == 3
    error = capsys.readouterr().err.splitlines()[-1].removeprefix("error: ")
    assert f"`sufficient estimate` stops on these data: {error}" in said


def test_check_accounts_for_every_object(tmp_path, capsys):
    images = np.zeros((40, 4, 4), np.uint8)
    images[:, 0, 0] = np.arange(40)
    images[9] = images[3]
    np.savez(tmp_path / "x.npz", images=images, labels=np.repeat(["[red]cat", "dog"], 20))
    assert run(["check", "--data", str(tmp_path / "x.npz"), "--json"]) == 0
    account = json.loads(capsys.readouterr().out)
    assert (account["found"], account["used"], account["skipped"]) == (40, 39, {"duplicate": 1})
    assert account["classes"] == {"[red]cat": 19, "dog": 20}
    assert account["skipped_objects"] == [
        {"name": "row 9", "reason": "duplicate", "detail": account["skipped_objects"][0]["detail"]}
    ]
    assert run(["check", "--data", str(tmp_path / "x.npz")]) == 0
    said = capsys.readouterr().out
    assert "40 found = 39 used + 1 skipped" in said
    assert "[red]cat" in said


def test_env_and_version(capsys):
    import torch

    assert run(["env", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["libraries"]["torch"] == torch.__version__.split("+")[0]
    assert run(["env"]) == 0
    assert "python" in capsys.readouterr().out
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("sufficient 0.")


def test_help_loads_no_torch():
    code = (
        "import sys; from sufficient.cli.app import run; run(['--help']); run(['estimate', '--help']);"
        "assert not {'torch', 'numpy', 'matplotlib', 'sklearn'} & set(sys.modules), sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_default_directory_is_dated_and_named():
    assert default_directory("./My Photos/cats").as_posix().endswith("Z-cats")
    assert default_directory("/data/x.npz").name.endswith("Z-x")


@pytest.mark.parametrize("after", [1, 4])
def test_sigkill_and_resume_end_as_an_uninterrupted_run(finished, tmp_path, after):
    out = tmp_path / "run"
    with program(["estimate", *SMALL, "--out", str(out)]) as killed:
        deadline = time.monotonic() + 120
        while len(list((out / "record").glob("stage-*"))) < after and time.monotonic() < deadline:
            time.sleep(0.005)
        os.kill(killed.pid, signal.SIGKILL)
    assert not (out / "result.json").exists()
    assert run(["estimate", *SMALL, "--out", str(out), "--resume", "--quiet"]) == 0
    result, whole = (json.loads((path / "result.json").read_text()) for path in (out, finished))
    whole["command"] = result["command"]  # `finished` may have been reported on
    assert result["resumed"]
    assert steady(result) == steady(whole)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_run_says_how_to_go_on(tmp_path, number, code):
    out = tmp_path / "run"
    line = ["estimate", "--data", "digits", "--tol", "1e-9", "--out", str(out)]
    with program(line) as stopped:
        deadline = time.monotonic() + 120
        while not list((out / "record").glob("stage-*")) and time.monotonic() < deadline:
            time.sleep(0.005)
        os.kill(stopped.pid, number)
        _, said = stopped.communicate()
    assert stopped.returncode == code
    assert "--resume" in said
    assert "Traceback" not in said
    assert read_record(out / "record").stages
