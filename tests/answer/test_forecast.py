from __future__ import annotations

import math
import time

import numpy as np
import pytest
from scipy import stats

from sufficient.answer.forecast import forecast, more_needed
from sufficient.answer.horizon import extrapolation
from sufficient.answer.interval import measure
from sufficient.answer.trend import trend
from sufficient.study.growth import Growth
from sufficient.study.shares import CommonShares

from .records import record, shares, sizes_to


def of(rec, tol):
    return forecast(Growth(rec.shares), measure(rec), tol=tol)


@pytest.mark.parametrize("times", [1.5, 3, 6])
def test_flat_constant_needs_c_over_tol(times):
    """C flat is Lemma 1's rate: k̂ ≈ C/tol − 1; the prior's slope bends it by a little."""
    rec = record(lambda k: 0.9, noise=1e-3, variance=1e-3, used=4000)
    needed = 0.9 / (0.9 / (rec.stages[-1].size * times))
    found = of(rec, 0.9 / (rec.stages[-1].size * times))
    assert found.k_needed == pytest.approx(needed - 1, rel=0.05)
    assert found.k_interval[0] < found.k_needed < found.k_interval[1]
    assert found.k_interval[0] <= needed <= found.k_interval[1]


@pytest.mark.parametrize("power", [0.05, 0.15, 0.3])
def test_exact_power_of_c_is_followed(power):
    rec = record(lambda k: 2 * k**-power, noise=1e-3, variance=1e-3, used=4000)
    k = 3 * rec.stages[-1].size
    found = of(rec, 2 * k**-power / (k + 1))
    assert found.k_needed == pytest.approx(k, rel=0.08)
    assert found.k_interval[0] <= k <= found.k_interval[1]
    assert found.extrapolation == "within-4x"


def test_ends_solve_the_band_and_round_up():
    rec = record(lambda k: 0.9 * k**-0.1, noise=0.05, used=2000)
    last = rec.stages[-1].size
    tol = rec.stages[-1].constant.mean() / (2.5 * last)
    found, going = of(rec, tol), trend(measure(rec))
    for k, band in zip(
        (found.k_interval[0], found.k_needed, found.k_interval[1]), (-1.645, 0, 1.645), strict=True
    ):
        mean, sd = going.at(np.array([k - 1.0, float(k)]))
        excess = mean + band * sd - np.log(tol * (np.array([k - 1, k]) + 1))
        assert excess[0] > 0 >= excess[1]


def test_never_below_the_last_size_run():
    rec = record(lambda k: 0.9, noise=0.05)
    last = rec.stages[-1].size
    found = of(rec, 0.9 / (last / 4))
    assert (found.k_needed, found.k_interval) == (last, (last, last))
    assert (found.more_needed, found.more_interval) == (0, (0, 0))
    assert found.extrapolation == "none"


def test_the_last_size_run_counts_though_unlearned():
    """The trend ends at the last learned size; k̂ and 10× still start at the largest size run."""
    sizes = [*sizes_to(724), 1024]
    rec = record(lambda k: 0.9, sizes, noise=0.01, unlearned=[1024])
    assert of(rec, 0.9 / 800).k_needed == 1024
    assert of(rec, 0.9 / 800).path[0][0] == 1024
    assert of(rec, 0.9 / 9500).k_needed is not None
    assert of(rec, 0.9 / 12000).k_needed is None


@pytest.mark.parametrize(
    ("times", "word"),
    [(0.9, "none"), (1.5, "within-4x"), (3.6, "within-4x"), (5, "beyond-4x"), (15, "beyond-10x")],
)
def test_extrapolation_names_the_distance(times, word):
    rec = record(lambda k: 0.9, noise=1e-3, variance=1e-3)
    found = of(rec, 0.9 / (rec.stages[-1].size * times))
    assert found.extrapolation == word
    assert (found.k_needed is None) is (word == "beyond-10x")
    assert (found.more_needed is None) is (word == "beyond-10x")


def test_ends_past_ten_times_are_open():
    rec = record(lambda k: 0.9, noise=0.1)
    last = rec.stages[-1].size
    far = of(rec, 0.9 / (last * 12))
    assert far.k_needed is None
    assert far.more_needed is None
    assert last < far.k_interval[0] <= 10 * last
    assert far.k_interval[1] is None
    assert far.more_interval == (more_needed(Growth(rec.shares), far.k_interval[0]), None)
    near = of(rec, 0.9 / (last * 8))
    assert near.k_needed is not None
    assert near.k_interval[1] is None
    assert of(rec, 1e-9).k_interval == (None, None)


def test_probability_beyond_ten_times_is_the_bands():
    rec = record(lambda k: 0.9, noise=0.1)
    last = rec.stages[-1].size
    mean, sd = trend(measure(rec)).at(np.array([10.0 * last]))
    for times in (5, 10, 12):
        tol = 0.9 / (last * times)
        expected = stats.norm.sf(math.log(tol * (10 * last + 1)), mean[0], sd[0])
        assert of(rec, tol).probability_beyond_10x == pytest.approx(expected, rel=1e-9)


def test_path_runs_from_the_last_size_to_ten_times_it():
    rec = record(lambda k: 0.9 * k**-0.05, noise=0.1)
    path = of(rec, 1e-5).path
    last = rec.stages[-1].size
    assert (path[0][0], path[-1][0], len(path)) == (last, 10 * last, 40)
    mean, sd = trend(measure(rec)).at(np.array([float(k) for k, *_ in path]))
    for (k, median, lo, hi), m, s in zip(path, mean, sd, strict=True):
        assert median * (k + 1) == pytest.approx(math.exp(m))
        assert lo * (k + 1) == pytest.approx(math.exp(m - 1.645 * s))
        assert hi * (k + 1) == pytest.approx(math.exp(m + 1.645 * s))
    assert path[-1][3] / path[-1][2] > path[0][3] / path[0][2]  # the band widens


def test_more_needed_is_what_an_extension_takes():
    division = Growth(shares(1000))  # 600 fitted, 200 validation, 200 held out
    assert more_needed(division, 600) == 0
    assert more_needed(division, 601) == 1  # validation stays at its floor of 200
    assert more_needed(division, 1200) == 749  # of 1,749: 349 held out, 200 to validate on; not 1,000
    assert more_needed(division, 100) == 0
    assert more_needed(division, None) is None
    capped = Growth(shares(60_000))  # 48,000 fitted: both other shares are as large as they become
    assert more_needed(capped, 96_000) == 48_000


def test_more_needed_counts_what_was_not_read_as_there():
    read = Growth(CommonShares(8, 600, 200, 200))
    assert more_needed(read, 1200) == 749
    growing = Growth(CommonShares(8, 600, 1_000, 4_000, not_read=20_000), growing=True)  # of 25,600
    assert more_needed(growing, 20_600) == 0
    assert more_needed(growing, 30_600) == 10_000  # read as needed: no more is held out


def test_more_needed_of_many_sizes_is_that_of_each():
    growth = Growth(shares(1000))
    sizes = np.arange(1.0, 9_001.0, 97)
    assert more_needed(growth, sizes).tolist() == [more_needed(growth, int(k)) for k in sizes]
    assert more_needed(growth, np.array([np.inf])).tolist() == [np.inf]


def test_none_with_fewer_than_six_learned_sizes():
    assert of(record(lambda k: 0.9, [32, 45, 64, 91, 128]), 1e-4) is None
    assert of(record(lambda k: 0.9, [32, 45, 64, 91, 128, 181]), 1e-4) is not None


def test_replicates_that_agree_exactly_still_forecast():
    found = of(record(lambda k: 0.9, noise=0.0, variance=0.0), 1e-4)
    assert all(np.isfinite(row).all() for row in np.array(found.path))


def test_fast_enough_to_be_asked_at_every_stage():
    rec = record(lambda k: 0.9, noise=0.05)
    measured = measure(rec)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        forecast(Growth(rec.shares), measured, tol=1e-4)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05


@pytest.mark.parametrize(
    ("needed", "name"),
    [(None, "beyond-10x"), (1000, "none"), (1001, "within-4x"), (4000, "within-4x"), (4001, "beyond-4x")],
)
def test_extrapolation_is_named_by_its_distance(needed, name):
    assert extrapolation(needed, 1000) == name
