"""A local trend of z = ln C_k: where C_k is going, and how surely.

State: level and slope per √2 step in k, both drifting. One law for the whole curve is too sure of itself
(intervals from bootstraps of single laws cover far less than they say); a trend that drifts widens with
distance. The slope is not damped: on simulated studies, which were not kept, damped intervals covered less;
how near the undamped trend is on real data is measured by `benchmarks/forecast_accuracy.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sufficient.answer.interval import Measured
from sufficient.study.record import Floats

STEP = math.log(2) / 2  # one √2 step in ln k
SLOPE_MEAN, SLOPE_SD = -0.05, 0.06  # of ln C per step, before any data
LAST_SIZES, FEWEST_SIZES = 11, 6  # learned sizes: a local trend, and what it takes to have one
LEVEL_NOISE = np.repeat([1e-4, 4e-4, 16e-4], 5)[:, None]  # (filters, 1) q_l, per step
SLOPE_NOISE = np.tile([0.1e-4, 1e-4, 4e-4, 16e-4, 64e-4], 3)[:, None]  # (filters, 1) q_s, per step


class KalmanState(NamedTuple):
    """Mean and covariance of (level, slope) of each filter; each field (filters, targets)."""

    level: Floats
    slope: Floats
    level_variance: Floats
    covariance: Floats
    slope_variance: Floats


@dataclass(frozen=True)
class Trend:
    """The filters after the last learned size."""

    k: float  # the last learned size
    belief: KalmanState  # each field (filters, 1)
    weights: Floats  # (filters,) sum to 1
    objects: float  # V_k κ / C_k² of the last learned size: does not average away

    def at(
        self,
        k: Floats,  # (targets,) sizes from the last learned one on
    ) -> tuple[Floats, Floats]:  # (targets,), (targets,)
        """Return mean μ(k) and standard deviation of ln C_k, without observation noise.

        μ = Σ w μ_i; sd² = Σ w (P_i + (μ_i − μ)²) + V_k κ/C_k².
        """
        steps = np.maximum(np.log(np.asarray(k, dtype=np.float64) / self.k) / STEP, 0.0)
        there = step(self.belief, steps)
        mean = self.weights @ there.level
        variance = self.weights @ (there.level_variance + (there.level - mean) ** 2) + self.objects
        return mean, np.sqrt(variance)


def trend(measured: Sequence[Measured]) -> Trend | None:
    """Return the trend of the last 11 learned sizes; None with fewer than 6.

    15 Kalman filters, q_l × q_s, averaged by likelihood: the product of their one-step-ahead predictions,
    that is a backtest. The first level is z_1 with its observation variance s²_k/(R C_k²).
    """
    sizes, values, noises = [], [], []
    objects = 0.0
    for stage in measured:
        if stage.point.learned and stage.spread is not None and stage.point.constant is not None:
            sizes.append(stage.point.k)
            values.append(math.log(stage.point.constant))
            noises.append(stage.spread.replicates)
            objects = stage.spread.objects
    if len(sizes) < FEWEST_SIZES:
        return None
    sizes, values, noises = sizes[-LAST_SIZES:], values[-LAST_SIZES:], noises[-LAST_SIZES:]
    belief, likelihood = filtered(np.log(sizes) / STEP, np.array(values), np.array(noises))
    weights = np.exp(likelihood - likelihood.max())
    return Trend(sizes[-1], belief, weights / weights.sum(), objects)


def filtered(
    position: Floats,  # (sizes,) ln k in √2 steps
    z: Floats,  # (sizes,)
    noise: Floats,  # (sizes,) observation variance
) -> tuple[KalmanState, Floats]:  # (filters, 1) each, (filters,)
    """Return each filter's state after the last observation, and the log likelihood of all but the first."""
    one = np.ones_like(LEVEL_NOISE)
    belief = KalmanState(z[0] * one, SLOPE_MEAN * one, noise[0] * one, 0 * one, SLOPE_SD**2 * one)
    likelihood = np.zeros(len(one))
    for i in range(1, len(z)):
        belief = step(belief, position[i] - position[i - 1])
        variance = belief.level_variance + noise[i]
        surprise = z[i] - belief.level
        likelihood -= 0.5 * (np.log(2 * math.pi * variance) + surprise**2 / variance)[:, 0]
        gain_level, gain_slope = belief.level_variance / variance, belief.covariance / variance
        belief = KalmanState(
            belief.level + gain_level * surprise,
            belief.slope + gain_slope * surprise,
            belief.level_variance - gain_level * belief.level_variance,
            belief.covariance - gain_level * belief.covariance,
            belief.slope_variance - gain_slope * belief.covariance,
        )
    return belief, likelihood


def step(
    belief: KalmanState,
    d: Floats,  # () or (targets,) length
) -> KalmanState:
    """Return the belief after a step of length d: level += d · slope.

    Noise covariance [[q_l d + q_s d³/3, q_s d²/2], [q_s d²/2, q_s d]], that of a slope that moves as Brownian
    motion: two steps are the same as one of their length.
    """
    return KalmanState(
        belief.level + d * belief.slope,
        belief.slope + 0 * d,
        belief.level_variance
        + 2 * d * belief.covariance
        + d**2 * belief.slope_variance
        + LEVEL_NOISE * d
        + SLOPE_NOISE * d**3 / 3,
        belief.covariance + d * belief.slope_variance + SLOPE_NOISE * d**2 / 2,
        belief.slope_variance + SLOPE_NOISE * d,
    )
