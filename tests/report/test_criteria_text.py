"""Sentences and lines for everything that can be asked, from judged records."""

from dataclasses import replace

import pytest

from sufficient.answer.criteria import criteria_of
from sufficient.answer.verdict import judge
from sufficient.notice import Notice
from sufficient.report.criteria_text import class_lines, criterion_lines, deciding, joint_need, needed
from sufficient.report.page_facts import facts
from sufficient.report.text import headline, verdict_line
from tests.answer.records import scored
from tests.report.test_text import DATA, lines


def falling(**options):
    return scored(lambda k: 0.6 * k**-0.3, seed=3, **options)


@pytest.fixture(scope="module")
def record():
    return falling()


def test_one_target_leads_title_and_headline(record):
    answer = judge(record, criteria=criteria_of(targets=["accuracy=0.95"]))
    assert headline(answer).startswith(
        "Insufficient: 1,400 objects available to fit are too few for an accuracy of 0.95; about "
    )
    assert "] objects to fit are needed; with a chance of " in headline(answer)
    assert headline(answer).endswith(" accuracy 0.95 is never reached.")
    assert verdict_line(answer).startswith("insufficient for accuracy 0.95: about ")
    assert verdict_line(answer).endswith(" needed; 1,400 available")


def test_what_is_met_is_named_together(record):
    answer = judge(record, tol=0.01, criteria=criteria_of(targets=["accuracy=0.85"], min_gain=0.1))
    assert headline(answer) == (
        "Sufficient: 1,400 objects are enough for a tolerance of 0.01 nats, an accuracy of 0.85 and gaining "
        "less than 0.1 by doubling; 1,400 are available to fit."
    )


def test_only_what_fails_is_named(record):
    answer = judge(record, tol=0.01, criteria=criteria_of(targets=["accuracy=0.85", "loss=0.05"]))
    assert "too few for a loss of 0.05 nats; " in headline(answer)
    assert [notice.code for notice in deciding(answer)] == ["TARGET-NOT-MET"]
    early = judge(replace(record, stages=record.stages[:6]), criteria=criteria_of(rel_tol=1e-5))
    assert headline(early) == (
        "Inconclusive for a relative tolerance of 1e-5: the study stopped before all objects available were "
        "tried."
    )


def test_one_line_a_criterion(record):
    asked = criteria_of(rel_tol=0.01, targets=["accuracy=0.95", "loss=0.4"], min_gain=0.001)
    answer = judge(record, tol=0.01, criteria=asked)
    labels, texts = zip(*criterion_lines(answer), strict=True)
    assert set(labels) == {"asked"}
    assert texts[0].startswith("rel-tol 0.01: sufficient, ")
    assert " now, k* = " in texts[0]
    assert texts[1].startswith("accuracy 0.95: insufficient, 0.9")
    assert "] to fit (90 %); " in texts[1]
    fitted = dict(criterion_lines(replace(answer, criteria=answer.criteria[2:3]), fitted=0.7))["asked"]
    assert " more to collect, as 70 % of what is collected is fitted, " in fitted
    assert texts[2].startswith("loss 0.4 nats: sufficient, ")
    assert texts[3].startswith("min-gain 1e-3: insufficient, doubling brings 0.0")
    shown = "\n".join(lines(answer))
    assert shown.startswith("tol         k* = ")  # it is met, and decides nothing
    assert "decided" not in shown
    assert shown.index("rel-tol") < shown.index("accuracy 0.95") < shown.index("reason")
    assert "how many    for all that is asked: accuracy 0.95 needs most: about " in shown
    assert "; min-gain 1e-3 has no number of objects" in shown


def test_a_tolerance_that_is_not_asked_has_no_line(record):
    shown = "\n".join(lines(judge(record, criteria=criteria_of(targets=["accuracy=0.85"]))))
    assert "tol" not in shown
    assert "how many" not in shown
    assert "decided" not in shown


def test_no_number_has_its_reason():
    flat = judge(scored(lambda k: 0.3, seed=1), criteria=criteria_of(targets=["accuracy=0.9"]))
    assert "how many are needed cannot be forecast (curve-flat)" in verdict_line(flat)
    assert "cannot be forecast from what was run" in needed(replace(flat.asked[0], forecast=None))


def test_a_least_gain_has_no_number(record):
    answer = judge(record, criteria=criteria_of(min_gain=1e-3))
    assert answer.verdict == "insufficient"
    assert headline(answer).endswith(
        "; this criterion has no number of objects: it asks what doubling brings."
    )


def test_the_headline_gives_what_all_that_is_asked_needs(record):
    answer = judge(record, tol=5e-5, criteria=criteria_of(targets=["accuracy=0.95"], min_gain=1e-3))
    tol, accuracy, _ = answer.asked
    assert tol.verdict == "insufficient"
    assert tol.forecast.k_needed < accuracy.forecast.k_needed  # the tolerance alone would need fewer
    joint = joint_need(answer)
    assert joint.startswith("accuracy 0.95 needs most: about ")
    assert joint.endswith(" accuracy 0.95 is never reached; min-gain 1e-3 has no number of objects")
    assert headline(answer).endswith(f"; {joint}.")
    shown = "\n".join(lines(answer))
    assert "to fit (90 %)" in shown
    assert f"tol 5e-5 nats: about {tol.forecast.k_needed:,}"[:22] in shown
    assert "everything at hand" not in shown
    first = facts(answer, {"used": 2000})[0]
    assert first.name == "needed for all that is asked"
    assert first.note.startswith("accuracy 0.95 needs most; 90 % [")


def test_everything_at_hand_suffices_only_where_it_does_for_all(record):
    data = {**DATA, "used": 10**6}
    asked = criteria_of(targets=["accuracy=0.94"])
    both = judge(record, tol=1e-4, criteria=asked)
    needs = [each.forecast.k_needed for each in both.asked]
    assert needs[0] < needs[1]
    assert "everything at hand (1,000,000 objects)" in "\n".join(lines(both, data))
    assert "everything at hand" not in "\n".join(lines(both, {**data, "used": needs[1] - 1}))
    assert "everything at hand" in "\n".join(lines(judge(record, tol=1e-4), {**data, "used": needs[1] - 1}))


def test_the_worst_classes_are_named():
    hard = (0.5, 1.0, 4.0, 0.2, 2.5)
    answer = judge(falling(hard=hard, used=4000), criteria=criteria_of(targets=["accuracy=0.8"]))
    first, second = class_lines(answer)
    assert first.startswith("more of c and e: ")
    assert first.endswith(" of the remaining error, from 40 % of the objects")
    assert second.startswith("to reach the accuracy asked for, objects in all (90 %): c about ")
    assert "(has 800)" in second
    even = judge(scored(lambda k: 0.3, classes=4), tol=1e-3)
    assert class_lines(even)[0].startswith("the error is spread over most classes; the worst is ")


def test_a_class_that_already_has_its_objects_is_not_listed():
    answer = judge(
        falling(hard=(0.5, 1.0, 4.0, 0.2, 2.5), used=4000), criteria=criteria_of(targets=["accuracy=0.8"])
    )
    assert len(class_lines(answer)) == 2
    enough = [
        replace(each, objects_needed=None if each.objects_needed is None else each.objects)
        for each in answer.per_class
    ]
    assert len(class_lines(replace(answer, per_class=tuple(enough)))) == 1


def test_of_several_that_fail_the_title_names_the_hardest(record):
    answer = judge(record, criteria=criteria_of(targets=["accuracy=0.94", "loss=0.05"]))
    assert [each.verdict for each in answer.asked] == ["insufficient"] * 2
    needs = [each.forecast.k_needed or float("inf") for each in answer.asked]
    title = verdict_line(answer)
    assert ("accuracy 0.94" in title) is (needs[0] > needs[1])
    assert ("loss 0.05 nats" in title) is (needs[1] >= needs[0])


def test_sizes_that_were_run_are_given_in_full(record):
    last = record.stages[-1].size
    odd = replace(record, stages=(*record.stages[:-1], replace(record.stages[-1], size=1238)))
    answer = judge(odd, criteria=criteria_of(min_gain=0.1))
    assert last == 1400
    assert verdict_line(answer) == "sufficient: k* ≤ 1,238 for min-gain 0.1"
    assert headline(answer).startswith("Sufficient: 1,238 objects are enough for gaining ")
    (line,) = [text for _, text in criterion_lines(answer)]
    assert line.endswith(", met at k = 1,238; not looked for earlier")


def test_a_forecast_met_at_the_last_size_is_to_be_confirmed(record):
    forecast = judge(record, criteria=criteria_of(targets=["accuracy=0.95"])).asked[0].forecast
    met = replace(forecast, k_needed=1238, k_interval=(1238, 1238), extrapolation="none")
    asked = judge(record, criteria=criteria_of(targets=["accuracy=0.95"])).asked[0]

    def needed_by(found):
        return needed(replace(asked, forecast=found))

    assert needed_by(met) == "met at k = 1,238 as forecast; one more size is needed to confirm it"
    wide = needed_by(replace(met, k_interval=(1238, 1999)))
    assert wide == "met at k = 1,238 as forecast, 2,000 at most (95 %); one more size is needed to confirm it"
    near = replace(forecast, k_needed=1250, k_interval=(1400, 1777), extrapolation="within-4x")
    assert needed_by(near).endswith("[1,400, 1,780] needed")


@pytest.mark.parametrize("least", [0.001, 0.02, 0.1])
def test_a_least_gain_and_the_outlook_are_one_forecast(record, least):
    answer = judge(record, criteria=criteria_of(min_gain=least))
    assert answer.outlook.at_double.gain == answer.asked[0].at_last
    assert judge(record, tol=1e-3).outlook.at_double == answer.outlook.at_double


def test_names_of_many_classes_are_cut_short():
    hard = [3.0] * 5 + [1.0] * 5
    answer = judge(scored(lambda k: 0.2, classes=10, hard=hard, used=4000, seed=2), tol=1e-3)
    (line,) = class_lines(answer)
    assert line.startswith("more of ")
    some = judge(scored(lambda k: 0.2, classes=10, hard=[2.0] * 4 + [1.4] + [0.2] * 5, used=4000), tol=1e-3)
    assert "more" in class_lines(some)[0]


def test_too_few_wrong_answers_are_said_to_be_few():
    answer = judge(scored(lambda k: 0.02, used=300, seed=1), tol=1e-2)
    assert any("too few were wrong to be sure" in line for line in class_lines(answer))
    nothing = judge(scored(lambda k: -1.0), tol=1e-2)
    assert class_lines(nothing) == []


def test_objects_that_were_not_read_stand_in_the_account(record):
    data = {**DATA, "found": 10_000, "used": 3_800, "not_read": 6_200, "skipped": {}}
    shown = lines(judge(record, tol=1e-3), data)
    assert any(line.endswith("10,000 found = 3,800 used + 6,200 not read") for line in shown)
    both = {**data, "found": 10_100, "skipped": {"truncated": 100}}
    assert "+ 6,200 not read + 100 skipped (100 truncated)" in "\n".join(lines(judge(record, tol=1e-3), both))


def test_a_held_out_share_too_small_is_the_clause(record):
    answer = judge(record, tol=0.01)
    answer = replace(answer, verdict="inconclusive", reasons=(Notice("HELD-OUT-TOO-SMALL", "So: so."),))
    assert headline(answer).endswith(": the held-out share is too small to see it.")
