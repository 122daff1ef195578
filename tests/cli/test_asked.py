"""What is asked on the command line: kept with the run, judged again, refused where it cannot be meant."""

import json

import jsonschema
import pytest

import sufficient
from sufficient.answer.answer import CriterionAnswer
from sufficient.answer.criteria import Criterion
from sufficient.cli.app import run
from sufficient.options import RunOptions, differences, read_options
from sufficient.report.export import schema
from tests.cli.test_commands import SMALL

ASKED = ["--target", "accuracy=0.9", "--target", "loss=2", "--rel-tol", "0.5"]
PLAIN = [*SMALL[:2], *SMALL[4:]]  # without --tol


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "digits"
    assert run(["estimate", *PLAIN, *ASKED, "--quiet", "--out", str(out)]) == 0
    return out


def result(directory):
    value = json.loads((directory / "result.json").read_text())
    jsonschema.validate(value, schema("result"))
    return value


def asked(value):
    return [(each["kind"], each["value"]) for each in value["criteria"] if each["asked"]]


def test_all_that_is_asked_is_answered_and_stops_the_study(finished):
    value = result(finished)
    assert value["schema_version"] == 2
    assert asked(value) == [("rel-tol", 0.5), ("accuracy", 0.9), ("loss", 2.0)]
    assert value["criteria"][0]["kind"] == "tol"
    assert value["tolerance"] == 1e-4
    assert value["verdict"] == "sufficient"
    assert {each["verdict"] for each in value["criteria"] if each["asked"]} == {"sufficient"}
    assert value["curve"][-1]["k"] < value["k_available"]
    assert (finished / "figures" / "forecast_accuracy.svg").exists()
    assert (finished / "figures" / "per_class.png").exists()


def test_the_options_are_kept_as_meant(finished):
    options = read_options(finished / "config.toml")
    assert (options.tol, options.rel_tol, options.min_gain) == (None, 0.5, None)
    assert options.targets == ("accuracy=0.9", "loss=2.0")
    assert sufficient.load(finished).answer.asked[1].criterion == Criterion("accuracy", 0.9)
    line = ["estimate", *PLAIN, "--target", "loss=2.0", "--target", "accuracy=.90", "--rel-tol", ".5"]
    assert run([*line, "--quiet", "--out", str(finished), "--resume"]) == 2  # in another order
    line = ["estimate", *PLAIN, "--target", "accuracy=.90", "--target", "loss=2.0", "--rel-tol", ".5"]
    assert run([*line, "--quiet", "--out", str(finished), "--resume"]) == 0


def test_report_judges_for_something_else_and_restores(finished, capsys):
    before = (finished / "figures" / "forecast_accuracy.svg").read_bytes()
    assert run(["report", str(finished), "--target", "error=0.001", "--min-gain", "0.2"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0].startswith("Inconclusive for an error of 1e-3: ")
    assert "\nasked       error 1e-3: inconclusive, " in said.out
    assert "brings the run's own back" in said.err
    assert asked(result(finished)) == [("error", 0.001), ("min-gain", 0.2)]
    assert run(["report", str(finished), "--quiet"]) == 0
    assert capsys.readouterr() == ("sufficient\n", "")
    assert asked(result(finished)) == [("rel-tol", 0.5), ("accuracy", 0.9), ("loss", 2.0)]
    assert (finished / "figures" / "forecast_accuracy.svg").read_bytes() == before


def test_report_asks_how_many_sizes_must_hold(finished, capsys):
    many = str(len(sufficient.load(finished).record.stages) + 1)
    assert run(["report", str(finished), "--confirm", many]) == 0
    assert "brings the run's own back" in capsys.readouterr().err
    value = result(finished)
    assert asked(value) == [("rel-tol", 0.5), ("accuracy", 0.9), ("loss", 2.0)]
    assert value["verdict"] == "inconclusive"
    assert run(["report", str(finished), "--target", "loss=2", "--confirm", many, "--quiet"]) == 0
    assert capsys.readouterr().out == "inconclusive\n"
    assert asked(result(finished)) == [("loss", 2.0)]
    assert run(["report", str(finished), "--confirm", "0"]) == 2
    assert "--confirm 0" in capsys.readouterr().err
    assert run(["report", str(finished), "--quiet"]) == 0
    assert capsys.readouterr().out == "sufficient\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--target", "accuracy=95"], "--target accuracy is 95"),
        (["--target", "f1=0.9"], "'f1' is no criterion"),
        (["--target", "accuracy"], "NAME=NUMBER"),
        (["--target", "tol=0.1"], "--tol 0.1"),
        (["--min-gain", "2"], "--min-gain is 2"),
        (["--rel-tol", "-1"], "--rel-tol is -1"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_read(tmp_path, capsys, arguments, words):
    assert run(["estimate", *PLAIN, *arguments, "--out", str(tmp_path / "run")]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_forecasts_in_python_train_nothing(finished):
    estimate = sufficient.load(finished)
    assert estimate.forecast() == estimate.answer.asked
    (target,) = estimate.forecast("accuracy=0.999")
    assert isinstance(target, CriterionAnswer)
    assert target.verdict == "inconclusive"  # stopped early
    assert target.forecast is not None
    two = estimate.forecast([Criterion("loss", 0.1), "tol=1e-9"])
    assert [each.criterion.kind for each in two] == ["loss", "tol"]
    assert two[1].forecast.k_needed is None
    with pytest.raises(sufficient.UsageError, match="NAME=NUMBER"):
        estimate.forecast("better")
    again = estimate.judged(targets="accuracy=0.999")
    assert again.answer.asked == (target,)
    assert again.options.criteria == (Criterion("accuracy", 0.999),)
    assert "accuracy=0.999" in repr(again)


def test_a_run_of_an_earlier_version_is_read(tmp_path):
    options = RunOptions(data="digits", tol=1e-3)
    older = [
        line
        for line in options.to_toml().splitlines()
        if not any(name in line for name in ("rel_tol", "targets", "min_gain"))
    ]
    (tmp_path / "config.toml").write_text("\n".join(older))
    assert read_options(tmp_path / "config.toml") == options
    assert differences(tmp_path / "config.toml", options) == []
    more = RunOptions(data="digits", tol=1e-3, targets=("loss=0.2",))
    assert differences(tmp_path / "config.toml", more) == ["--target was not set and is loss=0.2"]
    assert RunOptions(data="digits") == RunOptions(data="digits", tol=1e-4)
    assert RunOptions(data="digits", min_gain=0.1).tol is None
