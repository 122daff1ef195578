"""`sufficient bounds` on a small real run."""

import json
import shutil

import pytest
from safetensors.numpy import load_file, save_file

from sufficient.cli.app import run

SMALL = [
    "--data", "digits", "--tol", "1e-3", "--hidden", "8", "--replicates", "2", "--start", "200",
    "--patience", "2", "--max-samples", "400", "--device", "cpu",
]  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "digits"
    assert run(["estimate", *SMALL, "--out", str(out), "--quiet"]) == 0
    return out


def contents(directory):
    return {
        path: path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and not path.name.startswith("bounds.")
    }


def test_lines_on_stdout_and_the_figure_in_the_run(finished, capsys):
    before = contents(finished)
    assert run(["bounds", str(finished)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("At k = 400 one more object changes the mean loss by ")
    assert "approximate: all others" in said.out
    assert "\x1b" not in said.out + said.err
    assert said.err == f"figure: {finished / 'figures' / 'bounds.svg'}\n"
    assert (finished / "figures" / "bounds.svg").read_bytes().startswith(b"<?xml")
    assert (finished / "figures" / "bounds.png").read_bytes().startswith(b"\x89PNG")
    assert contents(finished) == before


def test_json_is_one_strict_object(finished, capsys):
    assert run(["bounds", str(finished), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["command"] == "bounds"
    assert [stage["k"] for stage in result["stages"]] == [200, 283, 400]
    assert result["artifacts"] == {"bounds_svg": "figures/bounds.svg", "bounds_png": "figures/bounds.png"}
    for stage in result["stages"]:
        rungs = {rung["name"]: rung for rung in stage["rungs"]}
        assert rungs["M_ℓ alone"]["loose"] >= 1
        exact, activation, corrected, common = (
            rungs[name]["curvature"] for name in ("exact", "activation", "corrected", "corrected, one M_W")
        )
        assert 0 < exact <= activation <= corrected <= common
    assert result["stages"][0]["radius"] is None
    assert result["stages"][1]["radius"] > 0
    assert result["hessians"]["full_over_gterm"]["q50"] == pytest.approx(1, abs=0.2)


def test_a_radius_changes_the_approximate_curves_alone(finished, capsys):
    def bounds(*options):
        assert run(["bounds", str(finished), "--json", *options]) == 0
        (*_, last) = json.loads(capsys.readouterr().out)["stages"]
        return {rung["name"]: rung["bound"] for rung in last["rungs"]}

    own, given = bounds(), bounds("--radius", "0.5")
    assert own["M_ℓ alone"] == given["M_ℓ alone"]
    assert own["exact"] != given["exact"]
    assert run(["bounds", str(finished), "--radius", "-1"]) == 2
    assert "radius is -1.0" in capsys.readouterr().err


def test_what_is_no_run_is_refused(tmp_path, capsys):
    assert run(["bounds", str(tmp_path / "nowhere")]) == 3
    assert "is no directory" in capsys.readouterr().err
    assert run(["bounds", str(tmp_path)]) == 3
    assert "holds no finished stage" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("file", "tensor"), [("stage-0000283", "norm_exact"), ("last-0000400", "sample")])
def test_a_record_without_the_tensors_is_refused(finished, tmp_path, capsys, file, tensor):
    old = tmp_path / "old"
    shutil.copytree(finished, old)
    path = old / "record" / f"{file}.safetensors"
    tensors = load_file(path)
    del tensors[tensor]
    save_file(tensors, path)
    assert run(["bounds", str(old)]) == 3
    error = capsys.readouterr().err
    assert tensor in error
    assert "run the estimate again" in error
