"""`sufficient plan` on a run that lies on disk: what it prints, writes and refuses."""

from __future__ import annotations

import json
import shutil

import jsonschema
import pytest

import sufficient
from sufficient.cli.app import run
from sufficient.cli.plan import prices
from sufficient.collecting import plan_run
from sufficient.errors import DataError, UsageError
from sufficient.report.export import schema
from tests.report import estimates

TARGET = ["--target", "error=0.07"]  # the error is 2 k^−0.4: 0.11 at the last size


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    directory = tmp_path_factory.mktemp("runs") / "run one"
    estimates.estimate(tol=2e-4).save(directory)
    return directory


@pytest.fixture
def directory(original, tmp_path):
    return shutil.copytree(original, tmp_path / "run one")


def planned(arguments, capsys):
    assert run(["plan", *map(str, arguments)]) == 0
    return capsys.readouterr()


def test_a_plan_is_printed_and_lies_in_the_run(directory, capsys):
    said = planned([directory, *TARGET, "--cost", "0.5", "--rounds", "2", "--budget", "9000"], capsys)
    lines = said.out.splitlines()
    assert lines[0].startswith("plan        collect ")
    labels = [line[:12].strip() for line in lines if line[:12].strip()]
    assert [label for label in labels if label != "warning"] == ["plan", "needed", "instead", "asked", "then"]
    asked = next(line for line in lines if line.startswith("asked"))
    assert asked.endswith(
        "error 0.07 · 0.50 per object · 2 rounds left · budget 9,000 · success 90 % · success: met at two "
        "sizes, the last and one 10 % below it"
    )
    assert said.err.splitlines()[-2:] == [
        f"plan: {directory / 'plan.json'}",
        f"`sufficient report '{directory}'` shows it on the run's page",
    ]
    assert {path.name for path in (directory / "figures").glob("plan.*")} == {"plan.svg", "plan.png"}


def test_json_is_the_file_and_fits_its_schema(directory, capsys):
    jsonschema.Draft202012Validator.check_schema(schema("plan"))
    out = planned([directory, *TARGET, "--tol", "1e-4", "--penalty", "1e4", "--json"], capsys).out
    assert out == (directory / "plan.json").read_text()
    plan = json.loads(out)
    jsonschema.validate(plan, schema("plan"))
    assert [(each["kind"], each["value"]) for each in plan["criteria"]] == [("error", 0.07), ("tol", 1e-4)]
    assert (plan["asked"]["penalty"], plan["asked"]["success"]) == (10_000, None)
    assert plan["best"]["total"] == sum(plan["best"]["quantities"])
    assert [row["objects"] for row in plan["curve"]] == sorted(row["objects"] for row in plan["curve"])
    for wrong in ({"best": None}, {"largest_size": 0}, {"extra": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**plan, **wrong}, schema("plan"))


def test_python_plans_the_same(directory, capsys):
    costs = ["--cost", "a=1", "--cost", "b=2", "--cost", "c=3", "--cost", "d=4", "--cost", "e=5"]
    plan = json.loads(planned([directory, *TARGET, *costs, "--rounds", "2", "--json"], capsys).out)
    found = sufficient.load(directory).plan(
        cost={"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}, rounds=2, targets="error=0.07"
    )
    assert plan["best"]["quantities"] == list(found.best.quantities)
    assert plan["best"]["expected_cost"] == pytest.approx(found.best.expected_cost)
    assert plan["now_by_class"] == dict(found.now_by_class)
    assert sum(plan["now_by_class"].values()) == found.best.now
    assert found.goal.success == 0.9


def test_what_the_run_was_asked_is_planned_for(directory, capsys):
    plan = json.loads(planned([directory, "--json"], capsys).out)
    assert plan["criteria"] == [{"kind": "tol", "value": 2e-4}]
    assert plan["asked"]["cost_per_object"] == 1


def test_the_next_commands_can_be_typed(directory, capsys):
    arguments = [directory, *TARGET, "--cost", "0.5", "--rounds", "3", "--round-cost", "7", "--budget", "5e4"]
    plan = json.loads(planned([*arguments, "--json"], capsys).out)
    extend, again = plan["next"]
    assert extend == f"sufficient estimate --extend '{directory}' --data digits --target error=0.07 --out NEW"
    best = plan["best"]
    left = (0.9 - best["reached"][0]) / (1 - best["reached"][0])
    money = 5e4 - 0.5 * best["now"] - 7
    assert again == (
        f"sufficient plan NEW --cost 0.5 --rounds 2 --round-cost 7 --budget {money:.6g} "
        f"--success {1 - float(f'{1 - left:.3g}'):.15g} "
        "--target error=0.07"
    )
    alone = json.loads(planned([directory, *TARGET, "--json"], capsys).out)["next"]
    assert len(alone) == 1  # no round is left to plan
    assert json.loads(planned([directory, "--tol", "1", "--json"], capsys).out)["next"] == []


def test_a_run_on_arrays_goes_on_in_python(tmp_path):
    estimates.estimate(spec="arrays", tol=2e-4).save(tmp_path / "run")
    (following,) = plan_run(tmp_path / "run", cost=1.0, targets=["error=0.07", "tol=1e-4"]).next
    assert following.startswith("in Python: sufficient.estimate(data, labels, extend='")
    assert following.endswith("run', tol=0.0001, targets=['error=0.07'], out='NEW')")


def test_where_training_is_forecast_to_suffice_the_money_is_for_seeing_it(directory, capsys):
    needs = sufficient.load(directory).forecast("tol=1.5e-4")[0].forecast
    assert 1400 < needs.k_needed <= 2000
    first, second = planned([directory, "--tol", "1.5e-4"], capsys).out.splitlines()[:2]
    assert first.startswith(
        "to train    nothing need be bought: training on all 2,000 is forecast to suffice; "
    )
    assert second.startswith("plan        collect ")


def test_a_study_that_stopped_is_finished_before_it_is_planned(tmp_path, capsys):
    estimates.estimate(estimates.stopped(), tol=1e-3).save(tmp_path / "run")
    assert run(["plan", str(tmp_path / "run"), "--tol", "1e-4"]) == 3
    said = capsys.readouterr().err
    assert "the study stopped at k = 181 of 1,400 objects at hand" in said
    assert "raise --max-samples (or --time-limit) first" in said
    needs = sufficient.load(tmp_path / "run").forecast("tol=1.2e-3")[0].forecast
    assert 181 < needs.k_interval[1] <= 1400  # what is at hand is enough
    assert "[NOTHING-NEEDED]" in planned([tmp_path / "run", "--tol", "1.2e-3"], capsys).out


def test_no_chance_is_no_plan_and_an_open_cost_is_a_least_one(directory, capsys):
    nothing = planned([directory, *TARGET, "--budget", "0"], capsys).out
    assert nothing.startswith("plan        no plan · expected cost 0 · success 0 %")
    hard = planned([directory, "--target", "error=0.04", "--shortage", "5"], capsys).out
    assert " · expected cost with misses at least " in hard
    assert "at least" not in planned([directory, "--target", "error=0.04", "--penalty", "5"], capsys).out


def test_a_success_close_to_one_is_said_and_asked_for_as_it_was_typed(directory, capsys):
    arguments = [directory, "--tol", "1.5e-4", "--success", "0.9999", "--rounds", "2"]
    said = planned(arguments, capsys).out
    assert " · success 99.99 % · " in said
    again = said.split("sufficient plan NEW ")[1]
    left = float(again.split("--success ")[1].split()[0])
    assert 0.99 < left < 0.9999


def test_what_is_out_of_reach_is_no_order(directory, capsys):
    hard = [directory, "--target", "error=0.047", "--success", "0.99", "--cost", "0.5"]
    lines = planned(hard, capsys).out.splitlines()
    assert lines[0].startswith("plan        no plan reaches 99 %: the most this forecast can vouch for is ")
    assert lines[1].lstrip().startswith("success 50 %: collect ")
    assert not any(line.startswith(("instead", "then")) for line in lines)
    plan = json.loads((directory / "plan.json").read_text())
    jsonschema.validate(plan, schema("plan"))
    assert (plan["best"]["now"], plan["next"]) == (0, [])
    assert [rung["success"] for rung in plan["ladder"]] == sorted(r["success"] for r in plan["ladder"])
    assert plan["notices"][0]["code"] == "SUCCESS-OUT-OF-REACH"
    assert run(["report", str(directory)]) == 0
    assert "in reach" in (directory / "report.html").read_text()


def test_what_is_met_needs_nothing_and_no_warning(directory, capsys):
    lines = planned([directory, "--tol", "1"], capsys).out.splitlines()
    assert lines[0] == "plan        already met: collect nothing"
    assert [line[:12].strip() for line in lines] == ["plan", "asked"]


def test_that_training_suffices_is_said_where_nothing_is_bought_too(directory, capsys):
    lines = planned([directory, "--tol", "1.5e-4", "--penalty", "1"], capsys).out.splitlines()
    assert lines[0] == "to train    nothing need be bought: training on all 2,000 is forecast to suffice"
    assert lines[1].startswith("plan        collect nothing")


def test_a_report_shows_the_plan_until_the_run_goes_on(directory, capsys):
    planned([directory, *TARGET], capsys)
    assert run(["report", str(directory), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    whole = schema("result")
    jsonschema.validate(result["plan"], {**whole["properties"]["plan"], "$defs": whole["$defs"]})
    assert "plan" not in whole["required"]
    plan = json.loads((directory / "plan.json").read_text())
    assert result["plan"]["best"] == plan["best"]
    assert "curve" not in result["plan"]
    assert result["artifacts"]["plan"] == "plan.json"
    (directory / "plan.json").write_text(json.dumps({**plan, "largest_size": 64}))
    assert sufficient.load(directory).planned is None
    (directory / "plan.json").write_text("{")
    assert "plan" not in sufficient.load(directory).to_dict()


def test_out_leaves_the_run_alone(directory, tmp_path, capsys):
    before = {path: path.stat().st_mtime_ns for path in directory.rglob("*")}
    out = tmp_path / "plans" / "plan.json"
    said = planned([directory, *TARGET, "--out", out], capsys)
    assert json.loads(out.read_text())["best"]["now"] > 0
    assert {path: path.stat().st_mtime_ns for path in directory.rglob("*")} == before
    assert said.err.splitlines()[-1] == f"plan: {out}"


def test_costs_are_one_amount_or_one_of_each_class():
    assert prices(["0.12"]) == 0.12
    assert prices(["cat=0.5", "a=b=2"]) == {"cat": 0.5, "a=b": 2.0}
    for wrong in (["1", "2"], ["cat=1", "2"], ["cat=1", "cat=2"], ["cheap"], ["cat="]):
        with pytest.raises(UsageError, match="--cost"):
            prices(wrong)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--cost", "cheap"], 2, "--cost cheap is no amount of money"),
        (["--cost", "a=1"], 2, "no cost for b, c, d, e"),
        (["--cost", "0"], 2, "above 0"),
        (["--success", "1.5"], 2, "no probability"),
        (["--success", "0.9", "--penalty", "5"], 2, "2 of success, penalty and shortage"),
        (["--rounds", "0"], 2, "at least 1"),
        (["--budget", "-1"], 2, "not an amount"),
        (["--target", "min-gain=0.01"], 2, "no number of objects answers, so there is nothing"),
        (["--target", "speed=3"], 2, "'speed' is no criterion"),
        (["--out", "plan.txt"], 2, "ends in .json"),
    ],
)
def test_what_cannot_be_meant(original, options, code, said, capsys):
    assert run(["plan", str(original), *options]) == code
    assert said in capsys.readouterr().err
    assert not (original / "plan.json").exists()


def test_runs_that_say_too_little(tmp_path, capsys):
    assert run(["plan", str(tmp_path / "nowhere")]) == 3
    assert "is no directory" in capsys.readouterr().err
    assert run(["plan", str(tmp_path)]) == 3
    assert "no finished stage" in capsys.readouterr().err
    few = estimates.estimate(estimates.few(3), tol=1e-4)
    with pytest.raises(DataError, match="tol 1e-4 nats has no forecast"):
        few.plan(cost=1.0)
    with pytest.raises(DataError, match="TOO-FEW-SIZES"):
        few.plan(cost=1.0, targets=["accuracy=0.99"])
