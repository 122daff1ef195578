"""Verdicts for everything that can be asked, alone and together."""

import dataclasses
import json
import time
from dataclasses import replace

import numpy as np
import pytest

from sufficient.answer.criteria import Criterion, criteria_of
from sufficient.answer.measures import Measures
from sufficient.answer.needs import believed, gain
from sufficient.answer.verdict import answered, certain, judge, judge_each

from .records import record, scored, sizes_to

FULL = sizes_to(1400)


def falling(sizes=None, **options):
    """Accuracy 0.79 at 32 objects, 0.93 at all 1,400; loss 0.75 and 0.17 nats."""
    return scored(lambda k: 0.6 * k**-0.3, sizes, **{"seed": 3, **options})


def of(rec, text, **options):
    (answer,) = [each for each in judge(rec, criteria=[_of(text)], **options).criteria if each.asked]
    return answer


def _of(text):
    kind, value = text.split("=")
    return Criterion(kind, float(value))


@pytest.mark.parametrize(
    ("text", "verdict", "code"),
    [
        ("accuracy=0.85", "sufficient", "TARGET-MET"),
        ("accuracy=0.97", "insufficient", "TARGET-NOT-MET"),
        ("error=0.15", "sufficient", "TARGET-MET"),
        ("error=0.03", "insufficient", "TARGET-NOT-MET"),
        ("loss=0.4", "sufficient", "TARGET-MET"),
        ("loss=0.08", "insufficient", "TARGET-NOT-MET"),
        ("rel-tol=0.01", "sufficient", "RELATIVE-TOLERANCE-MET"),
        ("rel-tol=1e-4", "insufficient", "RELATIVE-TOLERANCE-NOT-MET"),
        ("min-gain=0.1", "sufficient", "LITTLE-TO-GAIN"),
        ("min-gain=0.001", "insufficient", "MORE-TO-GAIN"),
    ],
)
def test_each_criterion_decides(text, verdict, code):
    answer = of(falling(), text)
    assert (answer.verdict, answer.reason.code) == (verdict, code)
    assert (answer.k_sufficient is not None) is (verdict == "sufficient")
    assert answer.at_last.lo <= answer.at_last.value <= answer.at_last.hi
    assert (answer.forecast is None) is (verdict == "sufficient" or answer.criterion.kind == "min-gain")


def test_accuracy_is_read_the_right_way_up():
    rec = falling()
    answer = of(rec, "accuracy=0.97")
    assert answer.at_last.value == pytest.approx(rec.stages[-1].accuracy.mean())
    assert answer.at_last.hi < 0.97
    error = of(rec, "error=0.03")
    assert error.at_last.value == pytest.approx(1 - answer.at_last.value)
    near, same = of(rec, "accuracy=0.95").forecast, of(rec, "error=0.05").forecast
    assert abs(near.k_needed - same.k_needed) <= 1
    last = near.path[0]
    assert last[2] <= last[1] <= last[3] <= 1
    assert last[1] == pytest.approx(answer.at_last.value, abs=0.01)


def test_k_star_is_where_the_mean_crosses_for_good():
    rec = falling()
    answer = of(rec, "accuracy=0.85")
    k, mean = [s.size for s in rec.stages], [s.accuracy.mean() for s in rec.stages]
    walk = np.arange(k[0], k[-1] + 1)
    inside = np.interp(np.log(walk), np.log(k), mean) >= 0.85
    first = walk[np.flatnonzero(~inside)[-1] + 1]
    assert abs(answer.k_sufficient - first) <= 1
    lo, hi = answer.k_interval
    assert lo is None or lo <= answer.k_sufficient
    assert hi >= answer.k_sufficient


def test_a_forecast_counts_objects_to_fit_and_to_collect():
    rec = falling()
    forecast = of(rec, "accuracy=0.95").forecast
    assert forecast.k_needed > 1400
    assert forecast.k_interval[0] <= forecast.k_needed
    assert 0 < forecast.more_needed <= -(-forecast.k_needed * 2000 // 1400) - 2000  # validation is capped
    assert 0 <= forecast.probability_unreachable <= forecast.probability_beyond_10x < 1
    assert forecast.path[0][0] == 1400
    assert forecast.path[-1][0] == 14_000
    assert max(high for *_, high in forecast.path) <= 1


def test_too_wide_to_tell_and_stopped_early():
    rec = falling()
    now = 1 - of(rec, "accuracy=0.97").at_last.value
    assert of(rec, f"error={now}").reason.code == "INTERVAL-TOO-WIDE"
    early = falling(FULL[:8])
    answer = of(early, "accuracy=0.97")
    assert (answer.verdict, answer.reason.code) == ("inconclusive", "STOPPED-EARLY")
    assert "accuracy on unseen objects is" in answer.reason.message
    assert of(early, "accuracy=0.5").verdict == "sufficient"


def test_unlearned_and_dead_come_first():
    for rec, code in (
        (record(lambda k: 0.9, FULL, unlearned=FULL), "NOTHING-LEARNED"),
        (record(lambda k: 0.9, FULL, dead={1400: 8}), "DEAD-NETWORKS"),
    ):
        for text in ("accuracy=0.1", "loss=9", "rel-tol=9", "min-gain=0.9"):
            answer = of(rec, text)
            assert (answer.verdict, answer.reason.code, answer.k_sufficient) == ("inconclusive", code, None)
    nothing = of(replace(falling(), stages=()), "accuracy=0.9")
    assert (nothing.reason.code, nothing.at_last) == ("NOTHING-LEARNED", None)


def test_a_flat_curve_gets_its_code_and_no_number():
    rec = scored(lambda k: 0.3, seed=1)
    forecast = of(rec, "accuracy=0.9").forecast
    assert [notice.code for notice in forecast.notices] == ["CURVE-FLAT"]
    assert (forecast.k_needed, forecast.extrapolation, forecast.path) == (None, None, ())
    assert forecast.probability_beyond_10x is None


def test_a_peaking_curve_gets_its_code_and_no_gain():
    rec = scored(lambda k: 0.2 if k < 100 else 0.6 if k < 400 else 0.3, seed=1)
    assert of(rec, "accuracy=0.9").forecast.notices[0].code == "CURVE-NOT-MONOTONE"
    assert of(rec, "min-gain=0.1").reason.code == "GAIN-UNKNOWN"


def test_a_flat_curve_has_little_to_gain():
    assert of(scored(lambda k: 0.3, seed=1), "min-gain=0.05").verdict == "sufficient"


def test_a_gain_is_that_of_the_laws():
    found = gain(Measures(falling()))
    assert found.value == pytest.approx(0.6 * (1400**-0.3 - 2800**-0.3), abs=0.004)
    assert found.lo < found.value < found.hi
    assert of(falling(FULL[:3]), "min-gain=0.01").verdict == "inconclusive"


def test_all_must_hold_and_the_largest_size_counts():
    rec = falling()
    both = judge(rec, tol=0.01, criteria=criteria_of(targets=["accuracy=0.85", "loss=0.4"]))
    assert both.verdict == "sufficient"
    assert both.k_sufficient == max(each.k_sufficient for each in both.criteria)
    lower, upper = zip(*(each.k_interval for each in both.criteria), strict=True)
    assert both.k_interval == (max(end for end in lower if end is not None), max(upper))
    assert both.k_interval[1] > max(both.criteria, key=lambda each: each.k_sufficient).k_interval[1]
    one = judge(rec, tol=0.01, criteria=criteria_of(targets=["accuracy=0.85", "loss=0.08"]))
    assert one.verdict == "insufficient"
    assert (one.k_sufficient, one.k_interval) == (None, None)
    assert [reason.code for reason in one.reasons] == ["TARGET-NOT-MET", "TOLERANCE-MET", "TARGET-MET"]
    assert one.of_tolerance.k_sufficient == one.criteria[0].k_sufficient is not None
    tie = judge(rec, tol=0.01, criteria=criteria_of(targets=[f"error={1 - rec.stages[-1].accuracy.mean()}"]))
    assert tie.verdict == "inconclusive"


def test_a_tolerance_that_is_not_asked_decides_nothing():
    rec = falling()
    answer = judge(rec, criteria=criteria_of(targets=["accuracy=0.85"]))
    tolerance, target = answer.criteria
    assert (tolerance.criterion, tolerance.asked) == (Criterion("tol", 1e-4), False)
    assert tolerance.verdict == "insufficient"
    assert answer.asked == (target,)
    assert answer.verdict == "sufficient"
    assert answer.k_sufficient == target.k_sufficient
    assert answer.tolerance == 1e-4
    assert answer.forecast == tolerance.forecast is not None
    assert all("TOLERANCE" not in reason.code for reason in answer.reasons)


def test_alone_a_tolerance_is_what_it_was():
    rec = falling()
    alone = judge(rec, tol=1e-3)
    (own,) = alone.criteria
    assert own.asked
    assert (own.verdict, own.reason) == (alone.verdict, alone.reasons[0])
    assert alone.of_tolerance == alone


def test_certain_is_exactly_sufficient():
    asked = ["accuracy=0.85", "accuracy=0.9", "loss=0.4", "rel-tol=0.01", "min-gain=0.05", "min-gain=0.01"]
    for stages in (1, 4, 9, len(FULL)):
        rec = falling(FULL[:stages])
        for text in asked:
            criteria = [_of(text)]
            assert certain(rec, criteria=criteria) is (judge(rec, criteria=criteria).verdict == "sufficient")
        together = [_of(asked[0]), _of(asked[2])]
        assert certain(rec, tol=0.01, criteria=together) is (
            judge(rec, tol=0.01, criteria=together).verdict == "sufficient"
        )


def test_confirm_counts_for_targets_too():
    rec = falling()
    held = [each.level is not None and each.level.hi <= 0.12 for each in Measures(rec).readings("error")]
    run = len(held) - 1 - max(i for i, h in enumerate(held) if not h)
    assert run >= 1
    assert of(rec, "error=0.12", confirm=run).verdict == "sufficient"
    assert of(rec, "error=0.12", confirm=run + 1).reason.code == "TOO-FEW-SIZES"


def test_messages_are_one_sentence_with_a_next_step():
    texts = ["accuracy=0.85", "accuracy=0.97", "loss=0.08", "rel-tol=1e-4", "rel-tol=0.1", "min-gain=0.1"]
    texts += ["min-gain=0.001", "error=0.07", "accuracy=0.999"]
    for rec in (falling(), falling(FULL[:2]), falling(FULL[:8])):
        for text in texts:
            answer = judge(rec, criteria=[_of(text)])
            for notice in (*answer.reasons, *answer.warnings):
                assert notice.message.endswith(".")
                assert ". " not in notice.message
                assert ": " in notice.message
                assert "None" not in notice.message
            json.dumps(dataclasses.asdict(answer), allow_nan=False)


def test_well_under_a_second():
    rec = scored(lambda k: 0.6 * k**-0.3, used=60_000, classes=10)
    measures = Measures(rec)
    start = time.process_time()
    judge_each(rec, np.geomspace(1e-6, 1e-2, 120).tolist())
    judge(rec, criteria=criteria_of(targets=["accuracy=0.95"]))
    assert time.process_time() - start < 2.5  # measured 0.4 s
    start = time.process_time()
    answered(measures, Criterion("loss", 0.2))
    answered(measures, Criterion("loss", 0.3))  # the curves believed are at hand
    assert time.process_time() - start < 1


def test_what_is_plainly_met_has_a_number_though_the_curve_is_flat():
    curves = Measures(scored(lambda k: 0.05, seed=1)).belief("error")
    assert curves[0] is not None  # flat, or too noisy
    met = believed(curves, Criterion("accuracy", 0.8))
    assert (met.k_needed, met.k_interval) == (1400, (1400, 1400))
    assert believed(curves, Criterion("accuracy", 0.99)).notices == (curves[0],)
