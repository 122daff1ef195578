"""The paper's published curves, digitised from its figures, and ours against them. One training each.

A curve's number is C = k·value at its last point. Ours is taken at the same k from the smoothed curve, so
that like is compared with like; the range over live seeds is widened by 15 % for reading off a log axis
and for the paper's own single seed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sufficient.paper.claims import PANELS, Panel, index_of, live_networks, slopes
from sufficient.paper.protocol import Mode, Network, Sweep

WIDENED = 1.15
FIGURE_OF: dict[Panel, str] = {"width": "hidden_size", "depth": "num_layers"}
PUBLISHED_MODE: dict[Mode, str] = {
    "pixels": "direct",
    "cls": "extraction",
    "pooler": "extraction",
    "features": "extraction",
}
PUBLISHED_NAME = {
    "mnist": "mnist",
    "fashionmnist": "fashion_mnist",
    "cifar10": "cifar10",
    "cifar100": "cifar100",
}

Outcome = Literal["within", "outside", "not drawn (dead)", "all seeds dead", "too few objects"]


@dataclass(frozen=True)
class PublishedCurve:
    """One curve of the paper; `values` None: it was not drawn, as a dead network's differences are all 0."""

    panel: Panel
    network: Network
    k: NDArray[np.int64]  # (P,)
    values: NDArray[np.float64] | None  # (P,) nats

    def constant(self, k: int) -> float | None:
        """Return C = k·value at one of the curve's points, nats."""
        return None if self.values is None else float(k * self.values[list(self.k).index(k)])


@dataclass(frozen=True)
class PublishedComparison:
    """One published curve against ours, at the same k."""

    panel: Panel
    network: Network
    k: int
    published: float | None  # C, nats
    low: float | None  # of ours over live seeds, not widened
    high: float | None
    live: int  # seeds
    seeds: int
    outcome: Outcome


@dataclass(frozen=True)
class Count:
    """How many published curves lie within ours."""

    within: int
    compared: int
    not_drawn: int  # in the paper

    @property
    def words(self) -> str:
        """`19 of 20`."""
        return f"{self.within} of {self.compared}"


class PublishedSlopes(NamedTuple):
    """The claims' fit to the published curves, one training a network."""

    alpha: float
    beta: float
    networks: int  # that are drawn: 9, less the dead ones


def published_curves(dataset: str, mode: Mode) -> tuple[PublishedCurve, ...]:
    """Return the ten curves of a data set and mode; none for a data set that the paper does not have."""
    curves = _loaded().get(PUBLISHED_MODE[mode], {}).get(PUBLISHED_NAME.get(dataset, ""), [])
    panels: dict[str, Panel] = {figure: panel for panel, figure in FIGURE_OF.items()}
    return tuple(
        PublishedCurve(
            panel=panels[curve["figure"]],
            network=Network(curve["h"], curve["L"]),
            k=np.array(curve["k"], dtype=np.int64),
            values=None if curve["value"] is None else np.array(curve["value"], dtype=np.float64),
        )
        for curve in curves
    )


def published_grid() -> tuple[int, ...]:
    """Return every k at which some curve is published, in increasing order."""
    sets = (curves for mode in _loaded().values() for curves in mode.values())
    return tuple(sorted({k for curves in sets for curve in curves for k in curve["k"]}))


def published_slopes(dataset: str, mode: Mode) -> PublishedSlopes | None:
    """Return the fit to the drawn curves of the paper's single run; None where it has too few.

    Each network enters once: one that both panels draw with the mean of its two readings.
    """
    readings: dict[Network, list[float]] = {}
    for curve in published_curves(dataset, mode):
        if (constant := curve.constant(int(curve.k[-1]))) is not None:
            readings.setdefault(curve.network, []).append(constant)
    if not readings:
        return None
    constants = np.array([np.mean(values) for values in readings.values()])
    fit = slopes(list(readings), constants, np.ones(len(readings), bool))
    return None if fit is None else PublishedSlopes(*fit, networks=len(readings))


def compare(sweep: Sweep) -> tuple[PublishedComparison, ...]:
    """Return ours against each published curve, in the order of the panels."""
    curves = published_curves(sweep.dataset, sweep.mode)
    return tuple(
        _compared(sweep, curve)
        for panel, networks in PANELS.items()
        for network in networks
        for curve in curves
        if (curve.panel, curve.network) == (panel, network)
    )


def count(comparisons: Iterable[PublishedComparison]) -> Count:
    """Return how many lie within; curves that cannot be compared are not in the denominator."""
    outcomes = [comparison.outcome for comparison in comparisons]
    return Count(
        within=outcomes.count("within"),
        compared=sum(outcomes.count(outcome) for outcome in ("within", "outside", "all seeds dead")),
        not_drawn=outcomes.count("not drawn (dead)"),
    )


def smoothed_at(sweep: Sweep, network: Network, k: int) -> NDArray[np.float64]:
    """Return our smoothed |d_k| of the live seeds at a k of the sweep's grid, (live,), nats."""
    at = index_of(network)
    live = live_networks(sweep)[:, at]
    return np.asarray(sweep.drawn[live, at, list(sweep.grid).index(k)])


def _compared(sweep: Sweep, curve: PublishedCurve) -> PublishedComparison:
    reached = curve.k[np.isin(curve.k, sweep.grid)]
    live = int(live_networks(sweep)[:, index_of(curve.network)].sum())
    k = int(reached[-1]) if len(reached) else 0
    published = curve.constant(k) if k else None
    ours = k * smoothed_at(sweep, curve.network, k) if k else np.empty(0)
    low, high = (float(ours.min()), float(ours.max())) if len(ours) else (None, None)
    outcome: Outcome
    if not k:
        outcome = "too few objects"
    elif published is None:
        outcome = "not drawn (dead)"
    elif low is None or high is None:
        outcome = "all seeds dead"
    else:
        outcome = "within" if low / WIDENED <= published <= high * WIDENED else "outside"
    return PublishedComparison(
        curve.panel, curve.network, k, published, low, high, live, len(sweep.seeds), outcome
    )


@cache
def _loaded() -> dict[str, dict[str, list[dict[str, Any]]]]:
    text = resources.files("sufficient.paper").joinpath("published.json").read_text(encoding="utf-8")
    loaded: dict[str, dict[str, list[dict[str, Any]]]] = json.loads(text)
    return loaded
