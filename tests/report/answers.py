"""Answers built by hand: one for each way a study can end."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from sufficient.answer.answer import Answer, AtDouble, CurvePoint, Forecast, Level, Outlook, Rate
from sufficient.notice import Notice
from sufficient.study.record import Last, Record, Stage
from sufficient.study.shares import divide

MNIST = {32: 0.62, 64: 0.66, 128: 0.62, 256: 0.58, 512: 0.51, 1024: 0.45, 2048: 0.40, 4096: 0.34, 7000: 0.28}
CIFAR = {
    32: 0.03,
    45: 0.04,
    64: 0.86,
    128: 0.9,
    256: 0.88,
    512: 0.87,
    1024: 0.86,
    2048: 0.9,
    4096: 0.96,
    7000: 0.94,
}


def point(
    k: int, constant: float, *, learned: bool = True, width: float = 0.07, accuracy: float = 0.5
) -> CurvePoint:
    difference = constant / (k + 1)
    return CurvePoint(
        k=k, difference=difference, lo=difference * math.exp(-width), hi=difference * math.exp(width),
        constant=constant, train_loss=0.2 * constant, unseen_loss=constant, accuracy=accuracy,
        largest_loss=11.0, replicates=8, dead=0, learned=learned,
    )  # fmt: skip


def dead(k: int) -> CurvePoint:
    return CurvePoint(k, None, None, None, None, None, None, None, None, replicates=0, dead=8, learned=False)


def accuracy(k: int, ceiling: float) -> float:
    return ceiling - 0.9 * ceiling * (k / 8) ** -0.45


def sufficient() -> Answer:
    curve = tuple(point(k, c, accuracy=accuracy(k, 0.98)) for k, c in MNIST.items())
    return Answer(
        verdict="sufficient",
        reasons=(Notice("TOL-MET", "the 95 % interval lies below tol at the last 2 sizes"),),
        tolerance=1e-4, k_available=7000, k_sufficient=3612, k_interval=(3312, 3911), forecast=None,
        curve=curve,
        rate=Rate(-1.12, (-1.15, -1.09)),
        outlook=Outlook(7000, curve[-1].accuracy, 0.28,
                        AtDouble(14000, 0.9512, (0.9431, 0.9587), 0.21, (0.18, 0.24),
                                 Level(0.0112, 0.0067, 0.0153))),
        warnings=(),
    )  # fmt: skip


def met_at_first() -> Answer:
    return replace(
        sufficient(), tolerance=0.05, k_sufficient=32, k_interval=(None, 32),
        warnings=(Notice("MET-AT-FIRST-SIZE", "tol is met at the smallest size run"),),
    )  # fmt: skip


def forecast(k_needed: int, lo: int, hi: int | None, *, last: int = 7000, constant: float = 0.94) -> Forecast:
    sizes = np.geomspace(last, 10 * last, 30).astype(int)
    path = []
    for k in sizes:
        spread = 0.03 + 0.25 * math.log(k / last)
        level = constant / (k + 1)
        path.append((int(k), level, level * math.exp(-spread), level * math.exp(spread)))
    more = lambda k: max(0, math.ceil(k * 10_000 / 7000) - 10_000)  # noqa: E731
    times = k_needed / last
    return Forecast(
        k_needed, (lo, hi), more(k_needed), (more(lo), None if hi is None else more(hi)),
        "none" if times <= 1 else "within-4x" if times <= 4 else "beyond-4x", 0.03, tuple(path),
    )  # fmt: skip


def insufficient() -> Answer:
    curve = tuple(
        point(k, c, learned=k > 45, accuracy=0.1 if k <= 45 else accuracy(k, 0.42)) for k, c in CIFAR.items()
    )
    return Answer(
        verdict="insufficient",
        reasons=(Notice("TOL-NOT-MET", "the 95 % interval lies above tol at all objects available"),),
        tolerance=1e-4, k_available=7000, k_sufficient=None, k_interval=None,
        forecast=forecast(9412, 8690, 10390), curve=curve, rate=Rate(-0.98, (-1.01, -0.95)),
        outlook=Outlook(7000, 0.4016, 1.71, AtDouble(14000, 0.4312, (0.4187, 0.4431), 1.63, (1.6, 1.67),
                                                     Level(0.0296, 0.0204, 0.0391))),
        warnings=(Notice("RARE-CLASS", "the smallest size is 32, set by class [red]cat"),),
    )  # fmt: skip


def far() -> Answer:
    """Forecast beyond 4 × the largest size."""
    return replace(insufficient(), tolerance=2e-5, forecast=forecast(47123, 31456, None))


def unreachable() -> Answer:
    """Forecast beyond 10 ×: only a lower bound."""
    path = forecast(70_000, 1, 1).path
    beyond = Forecast(None, (41234, None), None, (48906, None), "beyond-10x", 0.87, path)
    return replace(insufficient(), tolerance=6e-6, forecast=beyond)


def inconclusive() -> Answer:
    """Nothing learned: every marker hollow."""
    return Answer(
        verdict="inconclusive", reasons=(Notice("NOTHING-LEARNED", "no size beats the class frequencies"),),
        tolerance=1e-4, k_available=7000, k_sufficient=None, k_interval=None, forecast=None,
        curve=(*(point(k, 0.03 + 0.002 * i, learned=False, accuracy=0.1 + 0.001 * (-1) ** i, width=0.2)
                 for i, k in enumerate([32, 64, 128, 256, 512, 1024, 2048, 4096])), dead(7000)),
        rate=None, outlook=Outlook(7000, None, None, None), warnings=(),
    )  # fmt: skip


def few() -> Answer:
    """Two stages, stopped early."""
    return Answer(
        verdict="inconclusive", reasons=(Notice("STOPPED-EARLY", "the time limit ended the study"),),
        tolerance=1e-3, k_available=1078, k_sufficient=None, k_interval=None, forecast=None,
        curve=(point(32, 0.9, accuracy=0.4, width=0.3), point(45, 0.8, accuracy=0.55, width=0.25)),
        rate=None, outlook=Outlook(45, 0.55, 0.8, None), warnings=(),
    )  # fmt: skip


def single() -> Answer:
    return replace(few(), curve=few().curve[:1], outlook=Outlook(32, 0.4, 0.9, None))


def wide() -> Answer:
    """Everything at hand is forecast to suffice, yet the interval holds tol."""
    curve = tuple(replace(p, learned=p.k > 45) for p in insufficient().curve)
    return replace(
        insufficient(), verdict="inconclusive", tolerance=1.3e-4, curve=curve,
        reasons=(Notice("INTERVAL-TOO-WIDE", "the interval holds tol at all objects available"),),
        forecast=forecast(7230, 7000, 8100),
    )  # fmt: skip


ALL = {
    "sufficient": sufficient, "met_at_first": met_at_first, "insufficient": insufficient, "far": far,
    "unreachable": unreachable, "inconclusive": inconclusive, "few": few, "single": single, "wide": wide,
}  # fmt: skip


def record(answer: Answer, *, used: int = 10_000) -> Record:
    """A record whose last stage is the answer's, with Gamma losses for replicate 0."""
    random = np.random.default_rng(0)
    labels = np.arange(used) % 10
    shares = divide(labels, replicates=8, seed=0)
    ones, size = np.ones(8), answer.curve[-1].k
    rungs = np.ones((8, 4))
    stage = Stage(
        size=size, constant=ones, variance=ones, train_loss=ones, validation_loss=ones, unseen_loss=ones,
        accuracy=ones, updates=np.ones(8, np.int64), best_update=np.ones(8, np.int64),
        capped=np.zeros(8, bool), gradient_norm=ones, largest_seen=ones, largest_unseen=ones,
        weight_norms=np.ones((8, 3)),
        norm_exact=rungs, norm_activation=rungs, norm_corrected=rungs, norm_common=rungs, norm_printed=ones,
        distance=ones,
        dead=np.zeros(8, bool), unseen_losses=np.ones((8, shares.held_out), np.float32),
        predicted=np.zeros((8, shares.held_out), np.int64),
    )  # fmt: skip
    losses = random.gamma(0.25, 1.2, used).astype(np.float32)
    return Record(
        options={"seed": 0}, shares=shares, labels=labels, classes=tuple("abcdefghij"), sizes=(size,),
        stages=(stage,), last=Last({}, losses, np.ones((8, 2, 3), np.float32), np.zeros((8, 2), np.int64)),
    )  # fmt: skip
