"""The rate of a pass: not before it can be told, then that of the last seconds."""

import pytest

from sufficient.features.pace import Pace


def test_no_rate_before_two_seconds_of_batches():
    pace = Pace()
    assert pace(8, 7.0) == 0, "five seconds to start processes tell nothing"
    assert pace(16, 7.01) == 0, "two processes that were begun together"
    assert pace(40, 9.0) == pytest.approx(16)


def test_the_rate_is_that_of_the_last_ten_seconds():
    pace = Pace()
    for second in range(100):  # 4 images a second
        pace(4 * second, float(second))
    for second in range(100, 115):  # then 40
        rate = pace(400 + 40 * (second - 100), float(second))
    assert rate == pytest.approx(40)


def test_batches_that_are_rare_still_have_a_rate():
    pace = Pace()
    rates = [pace(64 * number, 30.0 * number) for number in range(1, 4)]
    assert rates[0] == 0
    assert rates[1:] == pytest.approx([64 / 30, 64 / 30])
