import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression

from sufficient.paper.claims import (
    BY_CONSTRUCTION,
    IDENTITY,
    drawn_constants,
    judge_claims,
    live_networks,
    slopes,
    t_interval,
    trend,
)
from sufficient.paper.protocol import NETWORKS, Network
from tests.paper.sweeps import LAYERS, H, made_up


def found(sweep):
    return {claim.key: claim for claim in judge_claims(sweep).claims}


def test_exact_laws_give_their_slopes_back_and_dead_networks_leave_them_alone():
    sweep = made_up(alpha=-0.31, beta=0.42, noise=0, dead=[(0, Network(4, 10)), (2, Network(4, 5))])
    claims = found(sweep)
    assert claims["a"].effect == pytest.approx(-0.31)
    assert claims["b"].effect == pytest.approx(0.42)
    assert (claims["a"].finding, claims["b"].finding) == ("holds", "holds")
    assert live_networks(sweep).sum() == 123


def test_slopes_and_interval_against_scikit_learn_and_scipy():
    sweep = made_up(noise=0.3, dead=[(1, Network(8, 3))], random=4)
    live = live_networks(sweep)
    design = np.column_stack([np.log(H), np.log(LAYERS)])
    pairs = zip(sweep.constant, live, strict=True)
    fits = [LinearRegression().fit(design[on], np.log(c[on])).coef_ for c, on in pairs]
    alphas = np.array(fits)[:, 0]
    low, high = stats.t.interval(0.95, 4, loc=alphas.mean(), scale=stats.sem(alphas))
    claim = found(sweep)["a"]
    assert claim.effect == pytest.approx(alphas.mean())
    assert claim.interval == pytest.approx((low, high))
    assert claim.seeds == 5


@pytest.mark.parametrize(
    ("alpha", "beta", "noise", "findings"),
    [
        (-0.3, 0.4, 0.05, ("holds", "holds")),
        (0.2, -0.35, 0.05, ("reverses", "reverses")),
        (0.0, 0.0, 0.6, ("not resolved", "not resolved")),
        (-0.3, -0.4, 0.05, ("holds", "reverses")),
    ],
)
def test_findings(alpha, beta, noise, findings):
    claims = found(made_up(alpha=alpha, beta=beta, noise=noise))
    assert (claims["a"].finding, claims["b"].finding) == findings


def test_one_seed_gives_an_effect_and_no_interval():
    claim = found(made_up(seeds=1, noise=0))["a"]
    assert (claim.finding, claim.interval, claim.seeds) == ("not resolved", None, 1)
    assert claim.effect == pytest.approx(-0.3)
    assert "fewer than 2 seeds" in claim.note


def test_seeds_with_too_few_live_networks_do_not_enter():
    dead = [(0, network) for network in NETWORKS[:20]]  # 5 left, all of one depth
    claims = found(made_up(seeds=3, dead=dead, noise=0.01))
    assert claims["a"].seeds == 2
    every = [(s, network) for s in range(2) for network in NETWORKS]
    claims = found(made_up(seeds=2, dead=every))
    assert (claims["a"].effect, claims["a"].finding, claims["a"].seeds) == (None, "not resolved", 0)
    assert claims["d"].effect is None
    one_width = np.array([network.hidden == 4 for network in NETWORKS])
    two = tuple(network for network in NETWORKS if network.hidden == 4) * 2
    assert slopes(two, np.ones(10), np.ones(10, bool)) is None
    assert slopes(NETWORKS, np.ones(25), one_width) is None


def test_rate_is_an_identity_and_the_bound_holds_by_construction():
    claims = found(made_up(dead=[(0, Network(4, 5))]))
    assert (claims["c"].finding, claims["c"].effect, claims["c"].note) == ("identity", -1.0, IDENTITY)
    assert (claims["d"].finding, claims["d"].note) == ("holds", BY_CONSTRUCTION)
    assert claims["d"].effect == pytest.approx(20)  # the dead network's 2.3/0 is left out
    assert claims["d"].interval == pytest.approx((20, 20))


def test_losses_that_are_not_finite_do_not_count():
    sweep = made_up()
    sweep.constant[0, 3] = np.nan
    assert not live_networks(sweep)[0, 3]
    assert np.isfinite(found(sweep)["a"].effect)


def test_drawn_constants_are_medians_over_live_seeds():
    narrow = Network(4, 5)
    sweep = made_up(seeds=3, dead=[(0, narrow)], noise=0.2)
    drawn = drawn_constants(sweep, "width")
    at = [NETWORKS.index(Network(h, 5)) for h in (4, 8, 16, 32, 64)]
    assert drawn.constants[0] == pytest.approx(np.mean(sweep.constant[1:, at[0]]))
    assert drawn.constants[1:] == pytest.approx(np.median(sweep.constant[:, at[1:]], axis=0))
    dead = made_up(seeds=2, dead=[(0, narrow), (1, narrow)], noise=0)
    assert drawn_constants(dead, "width").constants[0] is None
    assert drawn_constants(dead, "width").trend == "falls"
    assert drawn_constants(dead, "depth").trend == "rises"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3, 2, 1], "falls"),
        ([1, 2, 3], "rises"),
        ([1, 3, 2], "neither"),
        ([1, 1], "neither"),
        ([1], "neither"),
    ],
)
def test_trend(values, expected):
    assert trend(values) == expected


def test_t_interval_needs_two():
    assert t_interval([1.0]) is None
    assert t_interval([1.0, 1.0]) == (1.0, 1.0)
