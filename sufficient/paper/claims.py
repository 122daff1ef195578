"""The paper's four claims, tested on one sweep with several seeds.

Per seed, one least-squares fit over its live networks; then a t interval over the seeds:

    log C = a + α log h + β log layers

| symbol | meaning |
| --- | --- |
| C | mean |ℓ_i − L_m| of a network, nats: its curve is C/(k + 1) |
| h, layers | hidden width, number of linear layers (the figures' L + 2) |
| α, β | the claims: α < 0, the difference falls as h grows; β > 0, it grows with depth |
| M_ℓ | largest loss of any object, nats |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from sufficient.paper.protocol import DRAWN_LABEL, DRAWN_WIDTH, LABELS, NETWORKS, WIDTHS, Network, Sweep

Finding = Literal["holds", "reverses", "not resolved", "identity"]
Panel = Literal["width", "depth"]
Trend = Literal["falls", "rises", "neither"]
Key = Literal["a", "b", "c", "d"]

PANELS: dict[Panel, tuple[Network, ...]] = {  # the networks that the paper draws: 9, one of them twice
    "width": tuple(Network(hidden, DRAWN_LABEL) for hidden in WIDTHS),
    "depth": tuple(Network(DRAWN_WIDTH, label) for label in LABELS),
}
ENOUGH_LIVE = 6  # live networks of a seed: twice the number of coefficients
LEVEL = 0.95  # of intervals over seeds
QUANTILES = (0.05, 0.5, 0.95)  # of how loose the bound is

IDENTITY = "exact for every θ, trained or not: d_k = (ℓ_{k+1} − L_k)/(k + 1), so E|d_k| ≈ C/(k + 1)"
BY_CONSTRUCTION = "at θ = θ̂ |d_k| ≤ M_ℓ/(k + 1) whatever the network; only how loose it is, M_ℓ/C, is news"


@dataclass(frozen=True)
class Claim:
    """One claim and what the seeds say of it."""

    key: Key
    statement: str
    finding: Finding
    effect: float | None  # α, β, the exponent −1, or the median of M_ℓ/C
    interval: tuple[float, float] | None  # 95 % over seeds; of (d) the 5 % and 95 % quantiles
    seeds: int  # that entered
    note: str = ""


@dataclass(frozen=True)
class Drawn:
    """C of the five networks of one panel: the median over live seeds, None where every seed is dead."""

    constants: tuple[float | None, ...]  # nats
    trend: Trend  # of the live ones; "neither" is not monotone


@dataclass(frozen=True)
class SweepClaims:
    """What a sweep says of the paper's claims."""

    claims: tuple[Claim, ...]  # a, b, c, d
    drawn: dict[Panel, Drawn]


def index_of(network: Network) -> int:
    """Return the network's place in a sweep's arrays."""
    return NETWORKS.index(network)


def judge_claims(sweep: Sweep) -> SweepClaims:
    """Return the four claims and the drawn constants of a sweep."""
    live = live_networks(sweep)
    fits = [
        fit
        for constants, counted in zip(sweep.constant, live, strict=True)
        if (fit := slopes(NETWORKS, constants, counted)) is not None
    ]
    return SweepClaims(
        claims=(
            _slope_claim("a", "the difference falls as h grows: α < 0", [fit[0] for fit in fits], -1),
            _slope_claim("b", "the difference grows with depth: β > 0", [fit[1] for fit in fits], +1),
            Claim("c", "it falls as 1/k", "identity", -1.0, None, len(sweep.seeds), IDENTITY),
            _bound_claim(sweep, live),
        ),
        drawn={panel: drawn_constants(sweep, panel) for panel in PANELS},
    )


def live_networks(sweep: Sweep) -> NDArray[np.bool_]:
    """Return which networks count in ranges and slopes, (seeds, 25): not dead, losses finite."""
    counted: NDArray[np.bool_] = ~sweep.dead & np.isfinite(sweep.constant) & (sweep.constant > 0)
    return counted


def slopes(
    networks: Sequence[Network], constants: NDArray[np.float64], live: NDArray[np.bool_]
) -> tuple[float, float] | None:
    """Return (α, β) of the least-squares fit over live networks; None where too few are left."""
    design = np.array([[1.0, np.log(net.hidden), np.log(net.layers)] for net in networks])[live]
    if len(design) < ENOUGH_LIVE or np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    (_, alpha, beta), *_ = np.linalg.lstsq(design, np.log(constants[live]), rcond=None)
    return float(alpha), float(beta)


def t_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % t interval of the mean over seeds; None for fewer than 2."""
    count = len(values)
    if count < 2:
        return None
    half = float(stdtrit(count - 1, (1 + LEVEL) / 2) * np.std(values, ddof=1) / np.sqrt(count))
    mean = float(np.mean(values))
    return mean - half, mean + half


def drawn_constants(sweep: Sweep, panel: Panel) -> Drawn:
    """Return C of the five networks that a panel draws, and whether they are monotone."""
    live = live_networks(sweep)
    medians: list[float | None] = []
    for network in PANELS[panel]:
        at = index_of(network)
        values = sweep.constant[live[:, at], at]
        medians.append(float(np.median(values)) if len(values) else None)
    return Drawn(tuple(medians), trend([value for value in medians if value is not None]))


def overstatement(sweep: Sweep, k: int) -> float | None:
    """Return by how much the smoothed curve lies above C/(k + 1), median over live networks and seeds.

    It depends on how skewed the losses are; None where the sweep's grid has no such k or no network is live.
    """
    live = live_networks(sweep)
    if k not in sweep.grid or not live.any():
        return None
    at_k = sweep.drawn[live, list(sweep.grid).index(k)]
    return float(np.median(at_k * (k + 1) / sweep.constant[live]))


def trend(values: Sequence[float]) -> Trend:
    """Return whether the values fall or rise throughout; fewer than 2 do neither."""
    steps = np.diff(values)
    if len(steps) == 0:
        return "neither"
    return "falls" if bool(np.all(steps < 0)) else "rises" if bool(np.all(steps > 0)) else "neither"


def _slope_claim(key: Key, statement: str, values: list[float], sign: int) -> Claim:
    effect = float(np.mean(values)) if values else None
    interval = t_interval(values)
    if interval is None:
        note = "no interval from fewer than 2 seeds with enough live networks"
        return Claim(key, statement, "not resolved", effect, None, len(values), note)
    low, high = sorted(sign * end for end in interval)
    finding: Finding = "holds" if low > 0 else "reverses" if high < 0 else "not resolved"
    return Claim(key, statement, finding, effect, interval, len(values))


def _bound_claim(sweep: Sweep, live: NDArray[np.bool_]) -> Claim:
    statement = "Lemma 1's bound lies above the curve"
    if not live.any():
        return Claim("d", statement, "holds", None, None, 0, BY_CONSTRUCTION)
    low, middle, high = np.quantile(sweep.largest_loss[live] / sweep.constant[live], QUANTILES)
    seeds = int(live.any(axis=1).sum())
    return Claim("d", statement, "holds", float(middle), (float(low), float(high)), seeds, BY_CONSTRUCTION)
