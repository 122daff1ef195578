"""`sufficient forecast` and `forecast_runs`: from a table to a number, or to why there is none."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import numpy as np
import pytest

import sufficient
from sufficient.answer.answer import Level
from sufficient.cli.app import run
from sufficient.errors import DataError, UsageError
from sufficient.report.export import schema
from sufficient.report.runs_figure import RunsDisplay
from sufficient.report.runs_text import needed

KERAS = "train_size,accuracy\n165,0.8071\n330,0.8724\n825,0.9003\n1651,0.9057\n"
SIZES = [100, 200, 400, 800, 1600]


@pytest.fixture
def keras(tmp_path):
    path = tmp_path / "keras.csv"
    path.write_text(KERAS)
    return path


def scores(test_size=2000, folds=3):
    """Scores of scikit-learn's `learning_curve`: accuracy 1 − 1.6 n^−0.35 − 0.03, (sizes, folds)."""
    random = np.random.default_rng(0)
    return np.array([random.binomial(test_size, 0.97 - 1.6 * n**-0.35, folds) / test_size for n in SIZES])


def test_the_keras_example_stays_open(keras, capsys):
    arguments = ["forecast", str(keras), "--target", "accuracy=0.95", "--test-size", "551"]
    assert run(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "needed      accuracy 0.95: probably reached at no size; never 97 %, later than 10 × 2 %"
    )
    assert lines[2] == (
        "measured    0.906 [0.880, 0.931] (95 %) at 1,651; 4 sizes from 165, 1 a size, in accuracy"
    )
    assert run([*arguments, "--json"]) == 0
    (target,) = json.loads(capsys.readouterr().out)["targets"]
    assert target["n_needed"] is target["n_interval"][1] is None
    assert target["extrapolation"] == "beyond-10x"
    assert all(0 <= each["lo"] <= each["value"] <= each["hi"] <= 1 for each in target["ahead"])


def test_json_is_the_file_and_fits_its_schema(keras, tmp_path, capsys):
    jsonschema.Draft202012Validator.check_schema(schema("forecast"))
    out = tmp_path / "answers" / "here"
    arguments = ["--target", "accuracy=0.95", "--target", "error=0.08", "--out", str(out), "--json"]
    assert run(["forecast", str(keras), *arguments]) == 0
    said = capsys.readouterr()
    assert said.out == (out / "forecast.json").read_text()
    found = json.loads(said.out)
    jsonschema.validate(found, schema("forecast"))
    assert [notice["code"] for notice in found["notices"]] == ["ONE-REPLICATE", "TEST-SIZE-UNKNOWN"]
    assert {path.name for path in out.iterdir()} == {
        "forecast.json", "forecast-accuracy-0.95.svg", "forecast-accuracy-0.95.png",
        "forecast-error-0.08.svg", "forecast-error-0.08.png",
    }  # fmt: skip
    for wrong in ({"targets": []}, {"schema_version": 2}, {"extra": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**found, **wrong}, schema("forecast"))


def test_arrays_frames_and_files_say_the_same(tmp_path):
    pandas = pytest.importorskip("pandas")
    columns = {f"test_scores_{i}": scores()[:, i] for i in range(3)}
    frame = pandas.DataFrame({"train_sizes": SIZES, **columns})
    frame.to_csv(tmp_path / "curve.csv")
    said = [
        sufficient.forecast_runs(runs, "accuracy=0.9", test_size=2000).answers
        for runs in ({"train_sizes": SIZES, "test_scores": scores()}, frame, tmp_path / "curve.csv")
    ]
    assert said[0][0].forecast == said[1][0].forecast == said[2][0].forecast
    needed = (0.07 / 1.6) ** (-1 / 0.35)
    lower, upper = said[0][0].forecast.k_interval
    assert lower <= needed <= (upper or np.inf)


def test_lines_of_what_is_met_far_or_without_a_number():
    runs = {"n": SIZES, "accuracy": scores(test_size=100_000)}
    found = sufficient.forecast_runs(runs, ["accuracy=0.8", "accuracy=0.9"], test_size=100_000)
    met, far = [line for line in found.lines() if line.startswith("needed")]
    assert met == "needed      accuracy 0.8: met at 800 objects, and at every size from there (95 %)"
    assert "objects (90 %), a rough guide so far out" in far
    flat = {"n": SIZES, "loss": [0.5, 0.501, 0.499, 0.5, 0.5]}
    text = str(sufficient.forecast_runs(flat, "loss=0.1"))
    assert "needed      loss 0.1 nats: no number can be given (curve-flat)" in text
    assert "[CURVE-FLAT]" in text


def test_met_names_the_first_size_from_which_it_held():
    """Means of 0.60, 0.72, 0.80 …, ± 0.01 at 95 %: 0.71 holds from 200 on, 0.5 always; 0.7 is lost again."""
    spread = np.array([-0.005, 0.005, -0.005, 0.005])
    means = np.array([0.6, 0.722, 0.8, 0.85, 0.88])

    def first(target, means=means, sizes=SIZES):
        runs = {"n": sizes, "accuracy": np.array(means)[:, None] + spread}
        found = sufficient.forecast_runs(runs, f"accuracy={target}")
        return found.answers[0].met_from, needed(found.answers[0]), found.to_dict()["targets"][0]["n_met"]

    assert first(0.5) == (
        100, "met at 100 objects, the smallest size run, and at every size from there (95 %)", 100
    )  # fmt: skip
    assert first(0.71) == (200, "met at 200 objects, and at every size from there (95 %)", 200)
    assert first(0.87) == (1600, "met at the largest size run, 1,600 objects", 1600)
    assert first(0.9)[0] is None
    assert first(0.7, [0.6, 0.75, 0.65, 0.75, 0.8])[0] == 800
    assert first(0.5, means[:2], SIZES[:2])[0] == 100, "two sizes are too few for a forecast, not for this"


def test_chances_exclude_one_another():
    (answer,) = sufficient.forecast_runs({"n": SIZES, "accuracy": scores()}, "accuracy=0.9").answers
    found = replace(answer.forecast, k_needed=9000, probability_unreachable=0.05, probability_beyond_10x=0.45)
    assert needed(replace(answer, forecast=found)).endswith(
        "; never 5 %, later than 10 × 40 %, within 10 × 55 %"
    )
    surely = replace(found, probability_unreachable=0.0, probability_beyond_10x=0.001)
    assert "10 ×" not in needed(replace(answer, forecast=surely))


def test_one_size_is_said_in_the_singular_and_warns_of_nothing(recwarn):
    text = str(sufficient.forecast_runs({"n": [100], "acc": [0.79]}, "accuracy=0.9"))
    assert "(95 %) at 100; 1 size from 100, 1 a size" in text
    assert "–" not in text
    assert not recwarn.list


def test_rows_without_a_value_are_counted_and_units_are_known():
    falls = [3.0, 2.2, 1.7, None, 1.3]
    rows = {"n": SIZES, "rmse": falls, "val_loss": [3.0, 2.2, 1.7, 1.4, 1.3]}
    plain = sufficient.forecast_runs(rows, "loss=1.2", metric="rmse")
    assert plain.lines()[0].startswith("needed      loss 1.2: ")
    assert [notice.code for notice in plain.notices] == ["ROWS-WITHOUT-VALUE", "ONE-REPLICATE"]
    assert plain.notices[0].message.startswith("1 row of the runs had no size or no value")
    nats = sufficient.forecast_runs(rows, "loss=1.2", metric="val_loss")
    assert nats.lines()[0].startswith("needed      loss 1.2 nats: ")
    assert [notice.code for notice in nats.notices] == ["ONE-REPLICATE"]


def test_met_is_said_in_view_of_what_was_measured():
    runs = {"n": SIZES, "accuracy": scores(test_size=100_000)}
    (answer,) = sufficient.forecast_runs(runs, "accuracy=0.8", test_size=100_000).answers
    level = answer.measured[-1]
    as_likely = replace(answer, measured=(*answer.measured[:-1], replace(level, lo=0.79)))
    assert needed(as_likely) == "met with 1,600 objects, the largest size, as likely as not"
    short = replace(answer, measured=(*answer.measured[:-1], Level(0.78, 0.77, 0.79)))
    assert needed(short) == "a little more than 1,600 objects, the largest size run"


def test_the_figure_shows_runs_fan_target_and_need():
    runs = {"n": SIZES, "accuracy": scores(test_size=100_000)}
    (answer,) = sufficient.forecast_runs(runs, "accuracy=0.88", test_size=100_000).answers
    axes = RunsDisplay(answer).plot().ax_
    marks = {item.get_label(): item for item in axes.lines}
    assert marks["forecast"].get_xdata()[-1] == 16_000
    assert marks["needed"].get_xdata()[0] == answer.forecast.k_needed
    assert marks["asked"].get_ydata()[0] == 0.88
    assert axes.containers[0].get_label() == "measured, 95 %"
    assert [text.get_text() for text in axes.texts] == ["4 × measured", "10 × measured"]
    few = sufficient.forecast_runs({"n": SIZES[:3], "acc": [0.5, 0.6, 0.7]}, "accuracy=0.9").answers[0]
    axes = RunsDisplay(few).plot().ax_
    assert "needed" not in {item.get_label() for item in axes.lines}
    assert axes.get_title(loc="left").endswith("no number can be given (too-few-sizes)")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ([], 2, "no target was given"),
        (["--target", "accuracy=95"], 2, "between 0 and 1"),
        (["--target", "tol=1e-4"], 2, "tol is no target"),
        (["--target", "loss=0.2"], 2, "no column that is known to hold loss"),
        (["--target", "accuracy=0.9", "--test-size", "0"], 2, "--test-size 0"),
        (["--target", "accuracy=0.9", "--n", "rows"], 3, "no column rows (--n)"),
    ],
)
def test_what_cannot_be_meant(keras, options, code, said, capsys):
    assert run(["forecast", str(keras), *options]) == code
    assert said in capsys.readouterr().err


def test_runs_that_cannot_be_read(tmp_path, keras, capsys):
    for name in ("nowhere.csv", ".", "runs.xlsx"):
        (tmp_path / "runs.xlsx").write_bytes(b"PK")
        assert run(["forecast", str(tmp_path / name), "--target", "loss=1"]) == 3
    capsys.readouterr()
    assert run(["forecast", str(keras), "--target", "accuracy=0.9", "--out", str(keras)]) == 2
    assert "is a file" in capsys.readouterr().err
    with pytest.raises(DataError, match=r"different lengths \(n 5, acc 2\)"):
        sufficient.forecast_runs({"n": SIZES, "acc": [0.1, 0.2]}, "accuracy=0.9")
    with pytest.raises(UsageError, match="not list"):
        sufficient.forecast_runs([1, 2], "accuracy=0.9")
