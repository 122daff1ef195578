"""The small form of `benchmarks/interval_coverage.py`: the same code, one law, fewer data sets."""

from dataclasses import replace

from benchmarks.interval_coverage import OPTIONS, Setting, coverage


def test_the_interval_covers_the_truth_below_at_half_of_and_at_all_of_the_fit_pool():
    found = coverage(Setting(objects=200, classes=2, noise=1.0), pools=60, fresh=60, options=OPTIONS)
    assert found.sizes == (32, 64, 120)
    assert (found.ours >= 0.9).all(), found
    assert (found.width > 1.1).all(), (
        "the interval must be wider than one that takes replicates as independent"
    )
    assert (found.width < 3).all(), "and not so wide that it would cover anything"


FEWER_SIZES = replace(OPTIONS, growth=2.0, max_updates=400)


def test_it_covers_with_common_shares_where_the_naive_interval_does_not():
    """Many held out and windows of 4k: what the replicates' common training objects add must be there."""
    setting = Setting(objects=300, classes=2, noise=1.2, common=True, held_out=0.5)
    found = coverage(setting, pools=30, fresh=30, options=FEWER_SIZES)
    assert found.sizes == (32, 32, 32, 90)
    assert (found.ours >= 0.9).all(), found
    assert found.naive.mean() < 0.7, found
    assert (found.width < 15).all(), "and not so wide that it would cover anything"


def test_it_covers_where_objects_come_in_groups():
    setting = Setting(objects=400, classes=2, noise=0.7, members=10, group_noise=1.0)
    found = coverage(setting, pools=40, fresh=40, options=FEWER_SIZES)
    assert (found.ours >= 0.9).all(), found
    assert found.naive.mean() < 0.7, found
