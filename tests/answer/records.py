"""Synthetic Records: a given curve of C_k with given noise, learned or not, dead or not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import numpy as np

from sufficient.notice import Notice
from sufficient.study.record import Record, Stage
from sufficient.study.shares import Shares, divide


def shares(used: int = 2000, replicates: int = 8, classes: int = 5, held_out: float = 0.2) -> Shares:
    return divide(np.arange(used) % classes, replicates=replicates, seed=0, held_out=held_out)


def sizes_to(available: int, start: int = 32, growth: float = 2**0.5) -> tuple[int, ...]:
    """Grid of sizes; the last replaces a grid size within 10 % of it."""
    grid = []
    size = float(start)
    while round(size) < available / 1.1:
        grid.append(round(size))
        size *= growth
    return (*grid, available)


def record(
    constants: Callable[[int], float] | Sequence[float],
    sizes: Sequence[int] | None = None,
    *,
    used: int = 2000,
    replicates: int = 8,
    classes: int = 5,
    noise: float = 0.05,  # sd of ln C^r between replicates
    variance: float = 0.1,  # of g, as a multiple of C²
    unlearned: Collection[int] = (),  # sizes whose unseen loss is above the entropy
    dead: dict[int, int] | None = None,  # size → how many replicates are dead there
    capped: dict[int, int] | None = None,
    loss: Callable[[int], float] | None = None,
    error: Callable[[int], float] | None = None,
    seed: int = 0,
    notices: tuple[Notice, ...] = (),
) -> Record:
    """Return a record whose stages have C_k exactly as given (the replicates' noise has mean factor 1)."""
    random = np.random.default_rng(seed)
    division = shares(used, replicates, classes)
    run = tuple(sizes_to(division.k_available) if sizes is None else sizes)
    stages = []
    for i, k in enumerate(run):
        c = constants(k) if callable(constants) else constants[i]
        alive = np.arange(replicates) >= (dead or {}).get(k, 0)
        factor = np.exp(noise * random.standard_normal(replicates))
        factor /= factor[alive].mean() if alive.any() else 1.0
        constant = np.where(alive, c * factor, 1e-8)  # dead: not quite 0 in floating point
        bump = 1 + noise * random.standard_normal(replicates) / 10
        unseen = (np.log(classes) + 0.1 if k in unlearned else (loss(k) if loss else 0.5)) * bump
        wrong = np.clip((error(k) if error else 0.2) * bump, 0, 1)
        stages.append(
            stage(
                k,
                constant=constant,
                variance=np.where(alive, variance * c**2, 1e6),  # loud, should it ever be counted
                unseen=np.where(alive, unseen, np.log(classes)),
                accuracy=1 - wrong,
                dead=~alive,
                capped=np.arange(replicates) >= replicates - (capped or {}).get(k, 0),
                held_out=division.held_out,
            )
        )
    return Record(
        options={},
        shares=division,
        labels=np.arange(used) % classes,
        classes=tuple("abcdefghij"[:classes]),
        sizes=run,
        stages=tuple(stages),
        notices=notices,
    )


def stage(
    k: int,
    *,
    constant: np.ndarray,
    variance: np.ndarray,
    unseen: np.ndarray,
    accuracy: np.ndarray,
    dead: np.ndarray,
    capped: np.ndarray,
    held_out: int,
) -> Stage:
    replicates = len(constant)
    return Stage(
        size=k,
        constant=constant,
        variance=variance,
        train_loss=unseen / 2,
        validation_loss=unseen,
        unseen_loss=unseen,
        accuracy=accuracy,
        updates=np.full(replicates, 100),
        best_update=np.full(replicates, 100),
        capped=capped,
        gradient_norm=np.full(replicates, 0.01),
        largest_seen=np.arange(replicates, dtype=float),
        largest_unseen=np.arange(replicates, dtype=float) + 0.5,
        weight_norms=np.ones((replicates, 2)),
        norm_exact=np.ones((replicates, 4)),
        norm_activation=np.full((replicates, 4), 2.0),
        norm_corrected=np.full((replicates, 4), 3.0),
        norm_common=np.full((replicates, 4), 4.0),
        norm_printed=np.full(replicates, 5.0),
        distance=np.ones(replicates),
        dead=dead,
        unseen_losses=np.zeros((replicates, held_out), dtype=np.float32),
        predicted=np.zeros((replicates, held_out), dtype=np.int64),
    )


def scored(
    error: Callable[[int], float],
    sizes: Sequence[int] | None = None,
    *,
    used: int = 2000,
    replicates: int = 8,
    classes: int = 5,
    hard: Sequence[float] | None = None,  # (classes,) error of each class, as a multiple
    loss: Callable[[int], float] = lambda k: 3 * k**-0.4,
    seed: int = 0,
) -> Record:
    """Return a record whose losses and predictions, object by object, are those that its summaries sum up."""
    random = np.random.default_rng(seed)
    division, labels = shares(used, replicates, classes), np.arange(used) % classes
    run = tuple(sizes_to(division.k_available) if sizes is None else sizes)
    difficulty = random.random(used)  # one number an object: replicates fail on the same ones
    multiple = np.ones(classes) if hard is None else np.asarray(hard)
    objects = np.stack([division.held_out_objects(r) for r in range(replicates)])
    stages = []
    for k in run:
        noise = random.normal(0, 0.1, objects.shape)
        wrong = difficulty[objects] + noise < error(k) * multiple[labels[objects]]
        losses = (loss(k) * random.gamma(0.5, 2, objects.shape)).astype(np.float32)
        gap = np.abs(losses - 0.02)
        plain = stage(
            k,
            constant=gap.mean(axis=1).astype(float),
            variance=gap.var(axis=1, ddof=1).astype(float),
            unseen=losses.mean(axis=1).astype(float),
            accuracy=1 - wrong.mean(axis=1),
            dead=np.zeros(replicates, bool),
            capped=np.zeros(replicates, bool),
            held_out=division.held_out,
        )
        told = np.where(wrong, (labels[objects] + 1) % classes, labels[objects])
        stages.append(
            replace(plain, train_loss=np.full(replicates, 0.02), unseen_losses=losses, predicted=told)
        )
    return Record(
        options={},
        shares=division,
        labels=labels,
        classes=tuple("abcdefghij"[:classes]),
        sizes=run,
        stages=tuple(stages),
    )
