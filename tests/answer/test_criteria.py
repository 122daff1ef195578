"""What can be asked, and what cannot be meant."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sufficient.answer.criteria import TOL, Criterion, asked_of, criteria_of, criterion
from sufficient.errors import UsageError


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("accuracy=0.95", "accuracy", 0.95), (" Loss = .2", "loss", 0.2), ("error=5e-2", "error", 0.05),
        ("tol=1e-4", "tol", 1e-4), ("rel-tol=2", "rel-tol", 2.0), ("min-gain=0.01", "min-gain", 0.01),
    ],
)  # fmt: skip
def test_texts_are_read(text, kind, value):
    assert criterion(text) == Criterion(kind, value)
    assert criterion(Criterion(kind, value)) == Criterion(kind, value)


@given(st.sampled_from(["accuracy", "error", "min-gain", "loss", "tol"]), st.floats(1e-9, 0.999))
def test_a_criterion_reads_back_from_its_text(kind, value):
    assert criterion(str(Criterion(kind, value))) == Criterion(kind, value)


@pytest.mark.parametrize("text", ["accuracy", "accuracy=", "0.95", "f1=0.9", "accuracy=high", ""])
def test_texts_that_ask_for_nothing(text):
    with pytest.raises(UsageError, match="give"):
        criterion(text)


@pytest.mark.parametrize("kind", ["accuracy", "error", "min-gain"])
@pytest.mark.parametrize("value", [0, 1, -0.1, 95, math.nan, True, "0.9"])
def test_shares_lie_between_0_and_1(kind, value):
    with pytest.raises(UsageError, match=f"{kind} is .* between 0 and 1"):
        Criterion(kind, value)


@pytest.mark.parametrize("kind", ["tol", "rel-tol", "loss"])
@pytest.mark.parametrize("value", [0, -1e-4, math.nan, math.inf])
def test_the_others_are_finite_and_above_0(kind, value):
    with pytest.raises(UsageError, match=f"{kind} is .* above 0"):
        Criterion(kind, value)


def test_errors_name_the_option():
    with pytest.raises(UsageError, match=r"^--rel-tol is 0"):
        criteria_of(rel_tol=0)
    with pytest.raises(UsageError, match=r"^--target accuracy is 95"):
        criteria_of(targets=["accuracy=95"])
    with pytest.raises(UsageError, match=r"^tol is no target: give it as --tol 0\.1"):
        criteria_of(targets=["tol=0.1"])


def test_each_thing_is_asked_once_in_the_order_of_the_options():
    asked = criteria_of(min_gain=0.01, targets=["loss=0.2", "accuracy=0.9", "loss=0.20"], rel_tol=1e-3)
    assert [str(each) for each in asked] == ["rel-tol=0.001", "loss=0.2", "accuracy=0.9", "min-gain=0.01"]
    assert criteria_of(targets="accuracy=0.9") == (Criterion("accuracy", 0.9),)
    assert criteria_of() == ()


def test_the_tolerance_decides_where_it_is_given_or_nothing_else_is():
    other = (Criterion("accuracy", 0.9),)
    assert asked_of(None, ()) == (Criterion("tol", TOL), True)
    assert asked_of(None, other) == (Criterion("tol", TOL), False)
    assert asked_of(1e-3, other) == (Criterion("tol", 1e-3), True)


def test_numbers_of_numpy_become_plain_and_phrases_have_units():
    assert type(Criterion("loss", np.float32(0.5)).value) is float
    assert Criterion("loss", 0.2).phrase == "loss 0.2 nats"
    assert Criterion("tol", 1e-4).phrase == "tol 1e-4 nats"
    assert Criterion("accuracy", 0.95).phrase == "accuracy 0.95"


@pytest.mark.parametrize(
    ("text", "said"),
    [("accuracy=95%", "95% is no number: write accuracy=0.95"), ("error= 5 %", "write error=0.05")],
)
def test_percent_is_told_how_to_be_written(text, said):
    with pytest.raises(UsageError, match=said):
        criterion(text)
