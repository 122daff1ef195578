"""Each rule and code, in an order that would fail if the order or a condition were wrong."""

from __future__ import annotations

import dataclasses
import json
import math
import time

import numpy as np
import pytest

from sufficient.answer.verdict import certain, judge
from sufficient.errors import UsageError
from sufficient.notice import Notice
from sufficient.study.shares import CommonShares

from .records import record, sizes_to

FULL = sizes_to(1400)  # the fit pool of 2,000 used objects


def code(answer):
    return answer.verdict, answer.reasons[0].code


def codes(answer):
    return [notice.code for notice in answer.warnings]


def falling(sizes=FULL, **options):
    return record(lambda k: 0.9 * (k + 1) / k, sizes, **{"noise": 0.02, **options})  # δ = 0.9/k


def test_the_fit_pool_is_what_these_tests_think():
    assert falling().shares.k_available == FULL[-1] == 1400


# (1) nothing learned


def test_nothing_learned_at_any_size():
    answer = judge(falling(unlearned=FULL), tol=1.0)
    assert code(answer) == ("inconclusive", "NOTHING-LEARNED")  # though every δ is within tol
    assert answer.k_sufficient is None
    assert answer.k_interval is None


def test_random_labels_are_never_sufficient():
    """Unseen loss about the entropy, give or take, at every size and every tolerance."""
    for seed in range(20):
        random = np.random.default_rng(seed)
        rec = record(lambda k: 0.05, FULL, seed=seed)
        stages = tuple(
            dataclasses.replace(s, unseen_loss=rec.class_entropy + np.abs(0.01 * random.standard_normal(8)))
            for s in rec.stages
        )
        for tol in (1e-6, 1e-3, 1.0):
            answer = judge(dataclasses.replace(rec, stages=stages), tol=tol)
            assert code(answer) == ("inconclusive", "NOTHING-LEARNED")


def test_all_fitted_but_the_last_size_unlearned():
    """Before rules 2 and 4: neither a small nor a large difference counts then."""
    for tol in (1e-9, 1.0):
        assert code(judge(falling(unlearned=[1400]), tol=tol)) == ("inconclusive", "NOTHING-LEARNED")


def test_last_size_unlearned_before_the_pool_is_fitted_is_stopped_early():
    answer = judge(falling(FULL[:-1], unlearned=FULL[-2:-1]), tol=1.0)
    assert code(answer) == ("inconclusive", "STOPPED-EARLY")


@pytest.mark.parametrize(("dead", "expected"), [(8, "DEAD"), (5, "DEAD"), (4, "NOTHING"), (0, "NOTHING")])
def test_dead_networks_are_most_of_the_last_size(dead, expected):
    rec = falling(unlearned=FULL, dead={1400: dead, 32: 8 - dead})
    name = {"DEAD": "DEAD-NETWORKS", "NOTHING": "NOTHING-LEARNED"}[expected]
    assert code(judge(rec, tol=1.0)) == ("inconclusive", name)


def test_dead_networks_after_learned_sizes():
    assert code(judge(falling(dead={1400: 6}), tol=1e-9)) == ("inconclusive", "DEAD-NETWORKS")


def test_nothing_run():
    answer = judge(dataclasses.replace(falling(), stages=()), tol=1.0)
    assert code(answer) == ("inconclusive", "NOTHING-LEARNED")
    assert codes(answer) == ["STOPPED-EARLY"]
    assert (answer.curve, answer.outlook, answer.rate, answer.forecast) == ((), None, None, None)


# (2) sufficient


def test_sufficient_at_the_last_sizes():
    answer = judge(falling(), tol=5e-3)
    assert code(answer) == ("sufficient", "TOLERANCE-MET")
    assert answer.k_sufficient == pytest.approx(180, abs=2)  # 0.9/k = 5e-3
    lo, hi = answer.k_interval
    assert lo < 180 < hi
    assert answer.forecast is None
    assert answer.warnings == ()


def test_sufficient_before_the_pool_is_fitted():
    """Rule 2 before rule 3: a study that stopped because it was certain is no early stop."""
    rec = falling(FULL[:8])
    assert code(judge(rec, tol=5e-3)) == ("sufficient", "TOLERANCE-MET")
    assert codes(judge(rec, tol=5e-3)) == []
    assert certain(rec, tol=5e-3)


def test_unlearned_stages_with_tiny_differences_never_count():
    sizes = FULL[:5]
    rec = record([0.9, 0.8, 0.7, 1e-6, 1e-6], sizes, unlearned=sizes[3:])
    assert code(judge(rec, tol=1e-3)) == ("inconclusive", "STOPPED-EARLY")
    assert not certain(rec, tol=1e-3)
    half = record([0.9, 0.8, 0.7, 1e-6, 1e-6], sizes, unlearned=[sizes[3]])
    assert not certain(half, tol=1e-3)  # one learned size is not two
    assert certain(half, tol=1e-3, confirm=1)


def test_confirm_asks_for_as_many_of_the_last_sizes():
    rec = falling(FULL[:8])
    tol = 0.9 / 180  # met from 181 on, but not quite at 181
    held = [p.hi <= tol for p in judge(rec, tol=tol).curve]
    run = len(held) - 1 - max(i for i, h in enumerate(held) if not h)
    for confirm in range(1, 6):
        assert certain(rec, tol=tol, confirm=confirm) is (confirm <= run)
        assert (judge(rec, tol=tol, confirm=confirm).verdict == "sufficient") is (confirm <= run)


def test_fewer_sizes_run_than_must_confirm():
    rec = record([1e-4, 1e-4], [32, 45], used=2000)
    assert certain(rec, tol=1e-3, confirm=2)
    assert not certain(rec, tol=1e-3, confirm=3)
    assert not certain(dataclasses.replace(rec, stages=()), tol=1e-3)


def test_the_mean_within_tol_is_not_enough():
    rec = falling(FULL[:8], noise=0.3)
    point = judge(rec, tol=1.0).curve[-1]
    tol = (point.difference + point.hi) / 2
    assert point.difference < tol < point.hi
    assert not certain(rec, tol=tol, confirm=1)


def test_k_star_is_the_last_crossing():
    """Met at 45, lost again at 64, met for good later."""
    constants = {k: 0.9 for k in FULL}
    constants[45] = 1e-3
    rec = record([constants[k] for k in FULL], FULL, noise=0.02)
    answer = judge(rec, tol=5e-3)
    assert answer.verdict == "sufficient"
    assert answer.k_sufficient == pytest.approx(180, abs=2)


def test_k_star_ignores_unlearned_sizes():
    """Sizes that learned nothing, with a large δ in the middle of a curve within tol, do not move k*."""
    plain = judge(falling(), tol=5e-3)
    constants = [100.0 if k == 362 else 0.9 * (k + 1) / k for k in FULL]
    marred = judge(record(constants, FULL, noise=0.02, unlearned=[362]), tol=5e-3)
    assert marred.k_sufficient == plain.k_sufficient


def test_met_at_the_first_learned_size():
    answer = judge(falling(unlearned=[32, 45]), tol=0.5)
    assert (answer.verdict, answer.k_sufficient, answer.k_interval) == ("sufficient", 64, (None, 64))
    assert codes(answer) == ["MET-AT-FIRST-SIZE"]


def test_met_at_the_first_size_but_for_its_upper_edge():
    rec = falling(noise=0.3)
    first = judge(rec, tol=1.0).curve[0]
    tol = (first.difference + first.hi) / 2
    answer = judge(rec, tol=tol)
    assert answer.k_sufficient == 32
    assert answer.k_interval[0] is None
    assert answer.k_interval[1] > 32
    assert codes(answer) == ["MET-AT-FIRST-SIZE"]


# (3) stopped early


def test_stopped_early_before_insufficient():
    for tol in (1e-9, 0.9 / FULL[7]):  # far above tol, and about at it
        answer = judge(falling(FULL[:8]), tol=tol)
        assert code(answer) == ("inconclusive", "STOPPED-EARLY")
        assert answer.k_sufficient is None


def test_stopped_early_stands_beside_another_reason():
    assert codes(judge(falling(FULL[:8], unlearned=FULL), tol=1.0)) == ["STOPPED-EARLY"]
    assert codes(judge(falling(unlearned=FULL), tol=1.0)) == []
    assert codes(judge(falling(FULL[:8]), tol=1e-9)) == []  # it is the reason, no need to say it twice


# (4) insufficient


def test_insufficient_above_tol_at_all_objects():
    answer = judge(falling(), tol=0.9 / 2800)
    assert code(answer) == ("insufficient", "TOLERANCE-NOT-MET")
    assert (answer.k_sufficient, answer.k_interval) == (None, None)
    assert answer.forecast.k_needed == pytest.approx(2800, rel=0.1)


def test_never_the_whole_pool_as_k_star_when_tol_is_unmet():
    rec = falling(noise=0.1)
    for tol in np.geomspace(1e-5, 0.1, 30):
        answer = judge(rec, tol=float(tol))
        if answer.curve[-1].hi > tol:
            assert answer.verdict != "sufficient"
            assert answer.k_sufficient is None
        else:
            assert answer.verdict == "sufficient" or code(answer)[1] == "TOO-FEW-SIZES"


def test_insufficient_before_curve_not_falling():
    rec = record(lambda k: 0.9 * k / 32, FULL, noise=0.02)  # δ flat: the exponent is 0
    assert code(judge(rec, tol=1e-3)) == ("insufficient", "TOLERANCE-NOT-MET")


# (5) too few sizes


def test_within_tol_at_the_last_size_only():
    constants = [0.9] * (len(FULL) - 1) + [0.3]
    rec = record(constants, FULL, noise=0.02)
    tol = 0.5 / 1400
    answer = judge(rec, tol=tol)
    assert code(answer) == ("inconclusive", "TOO-FEW-SIZES")
    assert answer.k_sufficient is None
    assert judge(rec, tol=tol, confirm=1).verdict == "sufficient"


def test_too_few_sizes_before_curve_not_falling():
    before = 1e-3 * FULL[-2] / 32  # δ rises in proportion to k, then halves
    constants = [1e-3 * k / 32 * (k + 1) for k in FULL[:-1]] + [0.5 * before * 1401]
    rec = record(constants, FULL, noise=0.02)
    assert rate_is_not_falling(judge(rec, tol=0.75 * before))
    assert code(judge(rec, tol=0.75 * before)) == ("inconclusive", "TOO-FEW-SIZES")


def rate_is_not_falling(answer):
    return answer.rate.interval[1] >= 0


# (6) tol inside the interval


def test_interval_too_wide():
    rec = falling(noise=0.1)
    answer = judge(rec, tol=0.9 / 1400)
    assert answer.curve[-1].lo < answer.tolerance < answer.curve[-1].hi
    assert code(answer) == ("inconclusive", "INTERVAL-TOO-WIDE")
    assert answer.forecast is not None


def test_curve_not_falling():
    rec = record(lambda k: 0.9 * (k + 1) / 32, FULL, noise=0.1)
    point = judge(rec, tol=1.0).curve[-1]
    answer = judge(rec, tol=point.difference)
    assert rate_is_not_falling(answer)
    assert code(answer) == ("inconclusive", "CURVE-NOT-FALLING")


def test_without_a_rate_the_interval_is_to_blame():
    rec = record([0.9], [1400])
    answer = judge(rec, tol=0.9 / 1401)
    assert answer.rate is None
    assert code(answer) == ("inconclusive", "INTERVAL-TOO-WIDE")


def test_a_difference_of_zero_meets_every_tolerance():
    """Every replicate is right about every object, in a stage that learned: nothing is left to vary."""
    answer = judge(record([0.9] * (len(FULL) - 2) + [0.0, 0.0], FULL), tol=1e-3)
    assert answer.verdict == "sufficient"
    assert (answer.curve[-1].lo, answer.curve[-1].hi) == (0.0, 0.0)
    assert answer.k_sufficient is not None
    assert answer.k_sufficient <= FULL[-2]


# warnings, messages, options


def test_notices_of_the_study_come_through_first():
    rare = Notice("RARE-CLASS", "The smallest size is 45, because of class 'e'.")
    rec = falling(notices=(rare,), capped={1400: 3, 32: 1}, dead={64: 2})
    answer = judge(rec, tol=5e-3)
    assert answer.warnings[0] == rare
    assert codes(answer) == ["RARE-CLASS", "UPDATE-CAP", "DEAD-REPLICATES"]
    cap, dead = answer.warnings[1:]
    assert "k = 32 (1 of 8 replicates) and k = 1,400 (3 of 8 replicates)" in cap.message
    assert "2 trained networks" in dead.message
    assert "k = 64 (2 of 8 replicates)" in dead.message


def test_a_dead_replicates_cap_is_no_warning():
    """Its training could not have improved."""
    rec = falling(capped={64: 8}, dead={64: 3})
    assert "k = 64 (5 of 8 replicates)" in judge(rec, tol=5e-3).warnings[0].message


def every_message():
    yield judge(falling(), tol=5e-3)
    yield judge(falling(), tol=1e-6)
    yield judge(falling(unlearned=FULL), tol=1.0)
    yield judge(falling(unlearned=[1400]), tol=1.0)
    yield judge(falling(dead={1400: 8}), tol=1.0)
    yield judge(falling(FULL[:8], unlearned=FULL), tol=1.0)
    yield judge(falling(FULL[:8]), tol=1e-6)
    yield judge(falling(noise=0.1), tol=0.9 / 1400)
    yield judge(record([0.9] * (len(FULL) - 1) + [0.3], FULL, noise=0.02), tol=0.5 / 1400)
    yield judge(falling(), tol=0.5)
    yield judge(dataclasses.replace(falling(), stages=()), tol=1.0)


def test_messages_are_one_sentence_with_a_next_step():
    for answer in every_message():
        for notice in (*answer.reasons, *answer.warnings):
            assert notice.message.endswith(".")
            assert ". " not in notice.message
            assert ": " in notice.message
            assert "None" not in notice.message


def test_answers_are_strict_json():
    for answer in every_message():
        json.dumps(dataclasses.asdict(answer), allow_nan=False)


@pytest.mark.parametrize("tol", [0.0, -1e-4, math.nan, math.inf])
def test_tolerance_must_be_finite_and_above_zero(tol):
    for ask in (judge, certain):
        with pytest.raises(UsageError, match="tol is"):
            ask(falling(), tol=tol)


@pytest.mark.parametrize("confirm", [0, -1])
def test_at_least_one_size_must_confirm(confirm):
    for ask in (judge, certain):
        with pytest.raises(UsageError, match="confirm"):
            ask(falling(), tol=1e-3, confirm=confirm)


def test_certain_is_exactly_sufficient():
    for seed in range(4):
        for n in (3, 8, len(FULL)):
            rec = falling(FULL[:n], noise=0.3, seed=seed, unlearned=FULL[seed % 4 : seed % 3 + 2])
            for tol in np.geomspace(1e-4, 0.1, 10):
                assert certain(rec, tol=tol) is (judge(rec, tol=tol).verdict == "sufficient")


def test_well_under_a_second():
    rec = record(lambda k: 0.9 * k**-0.05, used=130_000)
    assert len(rec.stages) == 25
    assert rec.shares.held_out == 10_000
    start = time.perf_counter()
    judge(rec, tol=1e-7)
    assert time.perf_counter() - start < 0.5


# shares that all replicates have in common: the fit pool may not all have been read


def partly_read(sizes, *, not_read, options=None):
    rec = falling(sizes)
    shares = CommonShares(8, 1400, 200, 400, not_read=not_read)
    return dataclasses.replace(rec, shares=shares, options=options or {})


def test_insufficient_only_when_the_whole_pool_was_run():
    assert code(judge(partly_read(FULL, not_read=0), tol=1e-5)) == ("insufficient", "TOLERANCE-NOT-MET")
    answer = judge(partly_read(FULL, not_read=1), tol=1e-5)
    assert code(answer) == ("inconclusive", "STOPPED-EARLY")
    assert answer.k_available == 1400


def test_sufficient_needs_no_more_than_was_read():
    assert judge(partly_read(FULL[:8], not_read=100_000), tol=1.0).verdict == "sufficient"


def test_the_last_size_unlearned_says_nothing_of_what_was_not_read():
    rec = partly_read(FULL, not_read=5_000)
    stages = list(rec.stages)
    stages[-1] = dataclasses.replace(stages[-1], unseen_loss=np.full(8, 9.0))
    answer = judge(dataclasses.replace(rec, stages=tuple(stages)), tol=1e-5)
    assert code(answer) == ("inconclusive", "STOPPED-EARLY")


def test_stopping_early_says_what_was_not_read_and_why():
    said = judge(partly_read(FULL[:8], not_read=98_600), tol=1e-5).reasons[0].message
    assert "of 100,000 available objects" in said
    assert "98,600 of them were not even read (--all-features" in said
    assert said.endswith("let it run on to all of them.")
    capped = partly_read(FULL[:8], not_read=98_600, options={"max_samples": FULL[7]})
    assert judge(capped, tol=1e-5).reasons[0].message.endswith(f"raise --max-samples ({FULL[7]:,}).")
    slow = partly_read(FULL[:7], not_read=98_600, options={"max_samples": FULL[7]})
    assert judge(slow, tol=1e-5).reasons[0].message.endswith("let it run on to all of them.")
    assert "not even read" not in judge(falling(FULL[:8]), tol=1e-5).reasons[0].message


def test_labels_are_blamed_only_where_the_loss_is_no_better_than_the_frequencies():
    """One replicate of four is worse than guessing: not learned, but nothing is wrong with the labels."""

    def last(losses):
        rec = record(lambda k: 0.9, [64], replicates=4, classes=2, used=200)
        return dataclasses.replace(
            rec, stages=(dataclasses.replace(rec.stages[0], unseen_loss=np.array(losses)),)
        )

    small = judge(last([0.246, 0.469, 0.148, 0.957]))
    assert [reason.code for reason in small.reasons] == ["NOTHING-LEARNED"]
    assert (
        "cannot yet be told from the class frequencies with 40 held-out objects" in small.reasons[0].message
    )
    assert "collect more objects" in small.reasons[0].message
    assert "labels" not in small.reasons[0].message
    assert "check the labels" in judge(last([0.7, 0.71, 0.69, 0.72])).reasons[0].message
