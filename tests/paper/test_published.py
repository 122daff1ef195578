import numpy as np
import pytest

from sufficient.paper.protocol import NETWORKS, Network, Sweep
from sufficient.paper.published import compare, count, published_curves, published_slopes, smoothed_at
from tests.paper.sweeps import made_up


def with_drawn(sweep, network, at_end):
    """Return the sweep with C of one network, k·value at k = 9,990, set seed by seed."""
    sweep.drawn[:, NETWORKS.index(network), list(sweep.grid).index(9990)] = np.array(at_end) / 9990
    return sweep


def test_ten_curves_a_data_set_and_mode_with_the_values_in_the_figures():
    for dataset in ("mnist", "fashionmnist", "cifar10", "cifar100"):
        for mode in ("pixels", "pooler", "cls", "features"):
            assert len(published_curves(dataset, mode)) == 10
    constants = [
        curve.constant(9990) for curve in published_curves("mnist", "pixels") if curve.panel == "width"
    ]
    assert constants == pytest.approx([0.47, 0.75, 0.54, 0.39, 0.27], abs=0.005)
    assert published_curves("mine", "pixels") == ()
    assert compare(made_up(dataset="mine")) == ()


@pytest.mark.parametrize(
    ("ours", "outcome"),
    [
        ([0.40, 0.50], "within"),
        ([0.4719276 * 1.149, 0.9], "within"),  # 15 % below our lowest
        ([0.4719276 * 1.151, 0.9], "outside"),
        ([0.2, 0.4719276 / 1.149], "within"),
        ([0.2, 0.4719276 / 1.151], "outside"),
    ],
)
def test_range_of_live_seeds_widened_by_15_percent(ours, outcome):
    narrow = Network(4, 5)
    sweep = with_drawn(made_up(seeds=2), narrow, ours)
    comparison = compare(sweep)[0]
    assert (comparison.panel, comparison.network, comparison.k) == ("width", narrow, 9990)
    assert comparison.published == pytest.approx(0.4719276)  # 9,990 · 4.724e-05
    assert (comparison.low, comparison.high) == pytest.approx((min(ours), max(ours)))
    assert comparison.outcome == outcome


def test_dead_seeds_leave_the_range():
    narrow = Network(4, 5)
    sweep = made_up(seeds=3, dead=[(0, narrow)])
    comparison = compare(with_drawn(sweep, narrow, [0.0, 0.46, 0.48]))[0]
    assert (comparison.low, comparison.live, comparison.seeds) == (pytest.approx(0.46), 2, 3)
    every = made_up(seeds=2, dead=[(0, narrow), (1, narrow)])
    dead = compare(every)[0]
    assert (dead.outcome, dead.low, dead.high, dead.live) == ("all seeds dead", None, None, 0)


def test_a_curve_that_the_paper_does_not_draw_is_listed_and_not_counted():
    comparisons = compare(made_up(dataset="cifar100", mode="pooler"))
    assert comparisons[0].outcome == "not drawn (dead)"
    assert comparisons[0].published is None
    total = count(comparisons)
    assert (total.compared, total.not_drawn) == (9, 1)
    assert total.words == f"{total.within} of 9"


def test_fewer_objects_are_compared_at_the_last_published_k_that_is_there():
    sweep = made_up(objects=1_800)
    comparison = compare(sweep)[1]
    published = next(c for c in published_curves("mnist", "pixels") if c.network == Network(8, 5))
    assert comparison.k == 1500
    assert comparison.published == pytest.approx(1500 * published.values[list(published.k).index(1500)])
    at = list(sweep.grid).index(1500)
    assert comparison.low == pytest.approx(1500 * sweep.drawn[:, NETWORKS.index(Network(8, 5)), at].min())
    assert smoothed_at(sweep, Network(8, 5), 1500) == pytest.approx(
        sweep.drawn[:, NETWORKS.index(Network(8, 5)), at]
    )


def test_no_common_k_is_no_comparison():
    sweep = made_up()
    short = Sweep(**{**vars(sweep), "grid": sweep.grid + 10_000})
    assert {item.outcome for item in compare(short)} == {"too few objects"}
    assert count(compare(short)).compared == 0


def test_published_slopes_say_where_the_paper_reverses():
    alpha, beta, networks = published_slopes("cifar100", "pixels")
    assert networks == 9
    assert alpha > 0.2
    assert beta < -0.2
    alpha, beta, _ = published_slopes("mnist", "pixels")
    assert alpha < 0 < beta
    assert published_slopes("cifar100", "pooler").networks == 8  # one is dead
    assert published_slopes("mine", "pixels") is None


def test_a_network_that_both_panels_draw_enters_the_published_slopes_once():
    readings = {}
    for curve in published_curves("mnist", "pixels"):
        readings.setdefault((curve.network.hidden, curve.network.layers), []).append(curve.constant(9990))
    assert len(readings) == 9
    assert len(readings[16, 7]) == 2
    design = np.log([[np.e, width, layers] for width, layers in readings])
    constants = np.log([np.mean(values) for values in readings.values()])
    _, alpha, beta = np.linalg.solve(design.T @ design, design.T @ constants)
    assert published_slopes("mnist", "pixels") == pytest.approx((alpha, beta, 9))
