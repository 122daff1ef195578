"""How far each law can be trusted ahead: fitted to the smaller sizes, scored on the larger.

A law is believed together with a drift τ. Beyond the sizes fitted, the real curve moves along the law at
another speed: ln(n / last) is stretched by e^{τ z}, z standard normal. The curve still falls and keeps its
floor, and intervals widen with distance. Each pair (law, τ) is scored by how probable it found
the larger sizes; the local trend (`paths`) is scored beside them.
"""

from __future__ import annotations

import math

import numpy as np

from sufficient.answer.law_fits import Curve, fit, perturbed, value
from sufficient.answer.laws import Family
from sufficient.study.record import Floats

DRIFTS = np.array([0.05, 0.15, 0.3, 0.6])  # τ: 0.6 is half to twice as fast, in two of three cases
DRIFT_PRIOR = np.array([0.5, 0.3, 0.15, 0.05])
TREND_PRIOR = 0.995  # of the trend, before any backtest: real curves bend, so a law needs strong evidence
FEWEST_FITTED, MOST_ORIGINS = 3, 6
REFITS = 48  # of each backtest: mean and variance are all that is taken from them
POWER = 1.0  # of an origin's mean score: as much as one size, however many it predicted
FREEDOM = 4.0  # of the t distribution that scores: one wild miss is not the end of a law


def scores(
    family: Family,
    curve: Curve,
    common: Floats,  # (sizes, sizes) the part of the covariance that sizes share
    *,
    random: np.random.Generator,
) -> Floats:  # (drifts,)
    """Return the log score of the law with each drift; zeros with fewer than 4 sizes.

    For every origin i (the last 6 with at least 3 sizes behind them) the law is refitted to the sizes up
    to i. The larger sizes are measured on the same unseen objects, so only what they do not share with size i
    counts as noise. An origin's score is the mean over larger sizes of log t_4, with the
    refits' mean and variance.
    """
    total = np.zeros(len(DRIFTS))
    z = random.standard_normal(REFITS)
    for i in origins(curve):
        noise = np.diag(curve.covariance) - np.diag(common) + unshared(common, i)
        past = Curve(curve.x[: i + 1] - curve.x[i], curve.y[: i + 1], np.diag(noise[: i + 1]))
        drawn, pull = perturbed(family, past, REFITS, random=random)
        fitted = fit(family, drawn, past, pull)
        ahead = curve.x[i + 1 :] - curve.x[i]  # (later,)
        for d, drift in enumerate(DRIFTS):
            there = value(family, fitted, ahead * np.exp(drift * z)[:, None])
            variance = there.var(axis=0, ddof=1) + noise[i + 1 :]
            total[d] += log_t(curve.y[i + 1 :] - there.mean(axis=0), variance).mean()
    tempered: Floats = POWER * total
    return tempered


def origins(curve: Curve) -> range:
    """Return the sizes up to which laws are fitted and from which they are scored, by place."""
    return range(max(FEWEST_FITTED, len(curve.y) - MOST_ORIGINS) - 1, len(curve.y) - 1)


def unshared(common: Floats, i: int) -> Floats:  # (sizes,)
    """Return the variance of the common noise at each size that size i's does not explain."""
    if common[i, i] <= 0:
        return np.diag(common)
    rest: Floats = np.maximum(np.diag(common) - common[i] ** 2 / common[i, i], 0.0)
    return rest


def log_t(miss: Floats, variance: Floats) -> Floats:
    """Return the log density of Student's t scaled to this variance, up to a constant."""
    scale = variance * (FREEDOM - 2) / FREEDOM
    density: Floats = -0.5 * np.log(scale) - (FREEDOM + 1) / 2 * np.log1p(miss**2 / (FREEDOM * scale))
    return density


def weighed(
    log_scores: Floats,  # (laws, drifts)
    trend_score: float,  # of the trend, which has its own drift
    prior: Floats,  # (laws,) any sum
) -> tuple[Floats, float, Floats]:  # (laws,), (), (laws, drifts)
    """Return the weight of each law, of the trend, and of each drift within its law.

    Laws and trend sum to 1 together; so do the drifts of a law.
    """
    top = max(float(log_scores.max()), trend_score)
    share = (1 - TREND_PRIOR) * prior / prior.sum()
    joint = share[:, None] * DRIFT_PRIOR * np.exp(log_scores - top)
    each, trend = joint.sum(axis=1), TREND_PRIOR * math.exp(trend_score - top)
    total = each.sum() + trend
    return each / total, trend / total, joint / np.maximum(each, math.ulp(0.0))[:, None]


def warps(
    weights: Floats,  # (drifts,)
    refits: int,
    *,
    random: np.random.Generator,
) -> Floats:  # (S,)
    """Return a draw of e^{τ z} for each refit."""
    drift = DRIFTS[np.searchsorted(weights.cumsum()[:-1], random.random(refits))]
    return np.exp(drift * random.standard_normal(refits))
