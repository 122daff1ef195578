"""The small form of `benchmarks/interval_coverage.py`: the same code, one law, fewer data sets."""

from benchmarks.interval_coverage import OPTIONS, Setting, coverage


def test_the_interval_covers_the_truth_below_at_half_of_and_at_all_of_the_fit_pool():
    found = coverage(Setting(objects=200, classes=2, noise=1.0), pools=60, fresh=60, options=OPTIONS)
    assert found.sizes == (32, 64, 120)
    assert (found.ours >= 0.9).all(), found
    assert (found.width > 1.1).all(), (
        "the interval must be wider than one that takes replicates as independent"
    )
    assert (found.width < 3).all(), "and not so wide that it would cover anything"
