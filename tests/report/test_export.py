"""The result as strict JSON, valid by its schema; CSV that a spreadsheet does not run."""

import csv
import io
import json
from dataclasses import replace

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sufficient.answer.criteria import criteria_of
from sufficient.answer.verdict import judge
from sufficient.data.labelled import Audit, Skipped
from sufficient.report.export import curve_csv, dumps, read_skipped, schema, skipped_csv, to_dict
from tests.answer.records import scored
from tests.report import answers

KEYS = [
    "schema_version",
    "tool",
    "command",
    "verdict",
    "reasons",
    "tolerance",
    "k_available",
    "k_sufficient",
    "k_interval",
    "forecast",
    "criteria",
    "per_class",
    "curve",
    "rate",
    "outlook",
    "data",
    "features",
    "model",
    "environment",
    "artifacts",
    "warnings",
    "resumed",
    "seconds",
]


def audit() -> Audit:
    skipped = (
        Skipped("cat/=HYPERLINK(1).jpg", "truncated", "ends early"),
        Skipped("=cmd()", "duplicate", "-1+2"),
        Skipped("dog/b,\n.jpg", "duplicate"),
    )
    return Audit(12, 7, skipped, {"cat": 4, "dog": 3}, (), not_read=2)


def result(answer, **changes) -> dict:
    given = {
        "command": "estimate", "tool_version": "0.1.0",
        "data": audit().block(spec="folder", fingerprint="ab12", held_out=1, validation=1),
        "features": {"name": "pixels", "scale": None, "reason": "at most 64 pixels", "dimension": 784},
        "model": {"hidden": 64, "layers": 3, "bias": False, "parameters": 54_912, "learning_rate": 1e-3},
        "environment": {"python": "3.12", "torch": "2.6"}, "artifacts": {"curve": "curve.csv"},
        "resumed": False, "seconds": 12.5,
    }  # fmt: skip
    return to_dict(answer, **(given | changes))


def validate(value) -> None:
    jsonschema.Draft202012Validator(schema("result")).validate(value)


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(schema("result"))
    assert schema("result")["required"] == KEYS


@pytest.mark.parametrize("name", answers.ALL)
def test_every_answer_is_valid_and_survives_json(name):
    value = result(answers.ALL[name]())
    validate(value)
    assert list(value) == KEYS
    assert json.loads(dumps(value)) == value


def test_values_stand_where_they_belong():
    value = result(answers.insufficient())
    assert value["forecast"] == {
        "k_needed": 9412, "k_interval": [8690, 10390], "more_needed": 3446, "more_interval": [2415, 4843],
        "extrapolation": "within-4x", "probability_beyond_10x": 0.03, "probability_unreachable": None,
        "notices": [],
    }  # fmt: skip
    assert value["curve"][0]["learned"] is False
    assert value["rate"] == {"exponent": -0.98, "interval": [-1.01, -0.95]}
    assert value["outlook"]["at_double"]["accuracy_interval"] == [0.4187, 0.4431]
    assert value["data"]["skipped"] == {"duplicate": 2, "truncated": 1}
    assert value["data"]["smallest_class"] == {"name": "dog", "objects": 3}
    data = value["data"]
    assert data["found"] == data["used"] + data["not_read"] + sum(data["skipped"].values()) == 12
    assert result(answers.far())["forecast"]["k_interval"] == [31456, None]


def test_what_was_asked_and_the_classes_stand_beside_the_tolerance():
    asked = criteria_of(rel_tol=1e-3, targets=["accuracy=0.95", "loss=0.4"], min_gain=0.01)
    answer = judge(scored(lambda k: 0.6 * k**-0.3, seed=3), criteria=asked)
    value = result(answer)
    validate(value)
    assert json.loads(dumps(value)) == value
    assert [(each["kind"], each["asked"]) for each in value["criteria"]] == [
        ("tol", False), ("rel-tol", True), ("accuracy", True), ("loss", True), ("min-gain", True),
    ]  # fmt: skip
    accuracy = value["criteria"][2]
    assert accuracy["forecast"]["k_needed"] == answer.criteria[2].forecast.k_needed
    assert "path" not in accuracy["forecast"]
    assert accuracy["at_last"]["value"] == answer.criteria[2].at_last.value
    assert accuracy["reason"]["code"] == "TARGET-NOT-MET"
    assert [each["name"] for each in value["per_class"]] == [each.name for each in answer.per_class]
    assert value["per_class"][0]["share_of_error"]["lo"] < value["per_class"][0]["share_of_error"]["value"]
    flat = result(judge(scored(lambda k: 0.3, seed=1), criteria=criteria_of(targets=["accuracy=0.9"])))
    validate(flat)
    assert [notice["code"] for notice in flat["criteria"][1]["forecast"]["notices"]] == ["CURVE-FLAT"]


def test_a_data_block_of_an_earlier_version_read_everything():
    block = audit().block(spec="x", fingerprint="", held_out=1, validation=1)
    del block["not_read"]
    value = result(answers.few(), data=block)
    assert value["data"]["not_read"] == 0
    validate(value)


def test_numbers_of_numpy_become_plain_and_not_finite_ones_null():
    odd = replace(
        answers.sufficient().curve[0], lo=float("-inf"), hi=float("inf"), accuracy=np.float32(0.5),
        largest_loss=float("nan"), replicates=np.int64(8),
    )  # fmt: skip
    point = result(replace(answers.sufficient(), curve=(odd,)))["curve"][0]
    assert (point["lo"], point["hi"], point["largest_loss"]) == (None, None, None)
    assert type(point["accuracy"]) is float
    assert type(point["replicates"]) is int
    rate = replace(answers.sufficient().rate, exponent=float("nan"))
    value = result(replace(answers.sufficient(), rate=rate))
    assert value["rate"] is None
    validate(value)


def test_json_is_strict():
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumps({"seconds": float("nan")})
    with pytest.raises(TypeError, match="no place in JSON"):
        result(answers.few(), environment={"path": object()})


def test_names_that_utf8_cannot_hold_survive():
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    text = dumps(result(answers.few(), artifacts={"figure": name}))
    assert json.loads(text.encode("utf-8"))["artifacts"]["figure"] == name


@pytest.mark.parametrize(
    "break_it",
    [
        lambda value: value.update(extra=1),
        lambda value: value.pop("seconds"),
        lambda value: value.update(verdict="maybe"),
        lambda value: value.update(tolerance=0),
        lambda value: value["curve"][0].update(accuracy=1.5),
        lambda value: value["curve"][0].pop("largest_loss"),
        lambda value: value["forecast"].update(k_interval=[1, 2, 3]),
        lambda value: value["reasons"].clear(),
        lambda value: value["data"]["skipped"].update(duplicate=0),
        lambda value: value["warnings"][0].update(code="not a code"),
    ],
)
def test_the_schema_refuses_what_is_not_a_result(break_it):
    value = result(answers.insufficient())
    break_it(value)
    with pytest.raises(jsonschema.ValidationError):
        validate(value)


def test_model_and_environment_may_say_more():
    validate(
        result(answers.few(), environment={}, model={"hidden": 1, "layers": 1, "bias": True, "parameters": 1})
    )


def test_curve_csv_has_a_row_a_size_and_empty_cells_for_nothing():
    rows = list(csv.DictReader(io.StringIO(curve_csv(answers.inconclusive()))))
    assert [int(row["k"]) for row in rows] == [point.k for point in answers.inconclusive().curve]
    assert rows[-1]["difference"] == ""
    assert rows[-1]["learned"] == "false"
    assert float(rows[0]["difference"]) == answers.inconclusive().curve[0].difference


def test_skipped_csv_cannot_run_formulas():
    rows = list(csv.DictReader(io.StringIO(skipped_csv(audit().skipped))))
    assert [row["name"] for row in rows] == ["cat/=HYPERLINK(1).jpg", "'=cmd()", "dog/b,\n.jpg"]
    assert rows[1]["detail"] == "'-1+2"


@given(st.lists(st.text(st.characters(codec="utf-8")) | st.from_regex("'{0,3}[=+@-]x", fullmatch=True)))
def test_skipped_csv_reads_back_as_it_was(tmp_path_factory, names):
    path = tmp_path_factory.mktemp("csv") / "skipped.csv"
    skipped = tuple(Skipped(name, "duplicate", name) for name in names)
    path.write_bytes(skipped_csv(skipped).encode())
    assert read_skipped(path) == skipped
    assert read_skipped(path.with_name("none.csv")) == ()


def test_an_empty_audit_has_no_smallest_class():
    block = Audit(0, 0, (), {}, ()).block(spec="x", fingerprint="", held_out=0, validation=0)
    assert block["smallest_class"] is None
    validate(result(answers.few(), data=block))
