"""Sentences for every way a study can end."""

from dataclasses import replace

import pytest

from sufficient import rounding
from sufficient.answer.answer import Level
from sufficient.notice import Notice
from sufficient.report.lines import labelled
from sufficient.report.text import explain, headline, verdict_line
from tests.report import answers

DATA = {
    "spec": "mnist.npz", "found": 10_100, "used": 10_000, "held_out": 2_000, "validation": 1_000,
    "skipped": {"duplicate": 60, "truncated": 40},
}  # fmt: skip


RECORD = replace(
    answers.record(answers.sufficient(), used=200),
    features={"name": "pixels", "reason": "pixels in [−1, 1]"},
    model={"description": "784-64-64-10, no bias"},
)


def lines(answer, data=DATA) -> list[str]:
    return labelled(explain(answer, replace(RECORD, data=data)))


def text(answer) -> str:
    return "\n".join(lines(answer))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sufficient", "sufficient: k* = 3,610 [3,310, 3,910] at tol 1e-4 nats"),
        ("met_at_first", "sufficient: k* ≤ 32 at tol 0.05 nats"),
        (
            "insufficient",
            "insufficient at tol 1e-4 nats: about 9,410 [8,690, 10,390] needed; 7,000 available",
        ),
        (
            "far",
            "insufficient at tol 2e-5 nats: about 47,000 [31,000, no upper limit] needed; 7,000 available",
        ),
        (
            "unreachable",
            "insufficient at tol 6e-6 nats: probably more than 70,000 needed (10 × what was run; at least "
            "41,000, 95 %); 7,000 available",
        ),
        ("inconclusive", "inconclusive at tol 1e-4 nats: nothing learned"),
        ("few", "inconclusive at tol 1e-3 nats: stopped early"),
    ],
)
def test_verdict_line(name, expected):
    assert verdict_line(answers.ALL[name]()) == expected


@pytest.mark.parametrize("name", answers.ALL)
def test_headline_is_one_sentence_that_begins_with_the_verdict(name):
    answer = answers.ALL[name]()
    sentence = headline(answer)
    assert sentence.lower().startswith(answer.verdict)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert rounding.tolerance(answer.tolerance) in sentence


@pytest.mark.parametrize("name", answers.ALL)
def test_every_answer_names_model_features_data_reasons_and_warnings(name):
    answer = answers.ALL[name]()
    shown = text(answer)
    assert "784-64-64-10, no bias" in shown
    assert "pixels in [−1, 1]" in shown
    assert "10,100 found = 10,000 used + 100 skipped (60 duplicate, 40 truncated)" in shown
    assert "10,000 used = 7,000 to fit + 1,000 to validate + 2,000 held out" in shown
    for notice in (*answer.reasons, *answer.warnings):
        assert f"{notice.message} [{notice.code}]" in shown


def test_a_forecast_at_hand_says_that_training_on_everything_suffices():
    shown = text(answers.insufficient())
    assert "about 9,410 [8,690, 10,390] to fit (90 %)" in shown
    assert "training on everything at hand (10,000 objects) is forecast to suffice" in shown
    assert "more labelled objects" not in shown


def test_a_far_forecast_says_how_many_more_and_is_marked():
    shown = text(answers.far())
    assert "that is 57,000 [35,000, no upper limit] more labelled objects at the same shares" in shown
    assert "beyond 4 × the largest size run" in shown
    assert "everything at hand" not in shown


def test_beyond_ten_times_there_is_only_a_lower_bound():
    shown = text(answers.unreachable())
    assert "probably more than 70,000 to fit (10 × what was run; at least 41,000, 95 %)" in shown
    assert "that is 49,000 more labelled objects at the least (95 %)" in shown
    assert "87 %" in shown


def test_no_forecast_is_said_plainly():
    assert "cannot be forecast" in verdict_line(replace(answers.insufficient(), forecast=None))
    assert "how many" not in text(answers.sufficient())


@pytest.mark.parametrize(
    ("code", "clause"),
    [
        ("INTERVAL-TOO-WIDE", "nats: the difference cannot be told from it."),
        ("DEAD-NETWORKS", "nats: most networks are dead."),
        ("SOME-LATER-CODE", "nats: some later code."),
    ],
)
def test_inconclusive_headline_gives_the_deciding_reason(code, clause):
    assert headline(replace(answers.wide(), reasons=(Notice(code, "At length."),))).endswith(clause)


def test_rate_stands_beside_lemma_1():
    shown = text(answers.sufficient())
    assert "k^−1.12 [−1.15, −1.09] (95 %); Lemma 1 of the paper says k^−1" in shown
    assert "Lemma" not in text(answers.inconclusive())


def test_outlook_says_what_doubling_brings():
    shown = text(answers.insufficient())
    assert "at k = 7,000: accuracy 0.402, loss 1.710 nats on unseen objects" in shown
    assert (
        "doubling to k = 14,000 is forecast to raise accuracy by 3.0 points: accuracy 0.431 [0.419, 0.443]"
        in shown
    )
    outlook = answers.insufficient().outlook
    unsure = replace(outlook.at_double, gain=Level(0.0296, 0.0004, 0.0591))
    same = replace(outlook, at_double=unsure)
    assert "no clear gain is forecast from doubling to k = 14,000" in text(
        replace(answers.insufficient(), outlook=same)
    )
    assert "cannot be forecast" in text(answers.few())


def test_all_dead_is_said():
    dead = replace(answers.inconclusive(), curve=(answers.dead(32),))
    assert "no replicate of any size lives" in text(dead)


@pytest.mark.parametrize(
    ("features", "said"),
    [
        ({"reason": "256 numbers an image (as asked).", "made_by_model": False}, False),
        ({"reason": "whatever", "made_by_model": True}, True),
        ({"reason": "ViT, 256 numbers an image (as asked)."}, True),  # of a record before `made_by_model`
        ({"reason": "pixels"}, False),
    ],
)
def test_how_copies_are_told_is_said_where_a_model_made_the_features(features, said):
    record = replace(RECORD, data=DATA, features={"name": "x", **features})
    told = "\n".join(text for _, text in explain(answers.sufficient(), record))
    assert ("copies are told by their files' bytes" in told) is said


def test_labels_stand_in_one_column():
    for line in lines(answers.insufficient()):
        assert line[11] == " "
        assert line[12] != " "


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (rounding.nats(4.24e-4), "4.2e-4"), (rounding.nats(0.0214), "0.021"), (rounding.nats(0.5), "0.50"),
        (rounding.nats(12.0), "12"), (rounding.nats(None), "–"), (rounding.nats(float("nan")), "–"),
        (rounding.tolerance(1e-4), "1e-4"), (rounding.tolerance(2.5e-4), "2.5e-4"),
        (rounding.tolerance(0.01), "0.01"),
        (rounding.percent(0.0), "0 %"), (rounding.percent(0.004), "under 1 %"),
        (rounding.percent(0.125), "12 %"),
        (rounding.percent(0.996), "over 99 %"), (rounding.percent(1.0), "100 %"),
        (rounding.money(12_344), "12,340"), (rounding.money(12.5), "12.50"), (rounding.money(0.042), "0.042"),
        (rounding.counted(1, "class", "classes"), "1 class"),
        (rounding.counted(2_000, "image"), "2,000 images"),
        (rounding.counted(3, "class", "classes"), "3 classes"), (rounding.counted(0, "seed"), "0 seeds"),
        (rounding.listed(["a"]), "a"), (rounding.listed(["a", "b", "c"]), "a, b and c"),
        (rounding.some("ab", 2), "a, b"), (rounding.some(iter("abc"), 2), "a, b, …"),
        (rounding.some("abc", 2, between="; "), "a; b, …"),
        (rounding.about(3_612), "3,610"), (rounding.about(97), "97"), (rounding.about(9_996), "10,000"),
        (rounding.ends((8_690, 10_390), like=9_412, digits=2), "[8,700, 10,400]"),
        (rounding.ends((None, 32), like=32), "[no lower limit, 32]"), (rounding.signed(-1.024), "−1.02"),
        (rounding.duration(3.14), "3.1 s"), (rounding.duration(42), "42 s"), (rounding.duration(245),
        "4 min 05 s"),
        (rounding.duration(7_620), "2 h 07 min"),
    ],
)  # fmt: skip
def test_rounding(shown, expected):
    assert shown == expected
