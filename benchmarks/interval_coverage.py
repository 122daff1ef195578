"""Does δ_k's 95 % interval cover the truth?

Claim    At k far below, at half of and at all of the fit pool the interval of the study covers the true
         δ_k in at least 89 % of data sets, in the mean 95 % or more; the naive t interval over replicates
         does not: they share objects.
On       Gaussian classes: every data set ("pool") is a fresh draw of m objects, divided as a study divides
         them (classes interleaved, replicates rotated), fitted and scored by the study's own code.
         Common: one held-out and one validation share, sizes drawn from windows of 4k, as where features are
         made as sizes grow; with few and with many held out for the size of the fit pool.
         Grouped: common shares of whole groups, whose members have the label and much of their noise alike.
Truth    The mean C_k over many other fresh pools of the same law.
Measured 250 pools, 250 fresh, nominal 95 %: ours mean 98.5 %, lowest 91.2 % (m = 1,000, 2 classes, noise
         0.7, all of the fit pool); naive mean 91.3 %, lowest 70.8 %; width 1.32, 1.45, 1.49 × the naive
         one. Common, all 8 settings, 250 pools: ours mean 97.9 %, lowest 92.0 %; naive mean 53 %, lowest 15
         %; width 2.3, 2.7, 4.5, 7.1 × the naive one from the smallest size to the last. Grouped, all 4, 250
         pools: ours mean 95.3 %, lowest 89.6 % (groups of 5, all of the fit pool); naive mean 48 %, lowest
         25 %.
Run      python -m benchmarks.interval_coverage [--ways rotating common grouped] [--pools 250] [--fresh 400]
         (18 settings that rotate, about an hour; 8 and 4 of the others, as long again)
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from benchmarks.claims import Claim, conclude
from sufficient.answer.interval import curve
from sufficient.heads.fit import FitOptions
from sufficient.heads.learner import Heads
from sufficient.heads.stack import Architecture
from sufficient.study.keys import torch_generator
from sufficient.study.options import StudyOptions
from sufficient.study.record import Record, Stage
from sufficient.study.run import measured, new_record
from sufficient.study.shares import CommonShares

MEAN, LOWEST = 0.95, 0.89  # claimed of our intervals
POOLS_AT_ONCE = 25  # networks of many small pools make one stack: 25 × 8 of them


@dataclass(frozen=True)
class Setting:
    """A law of data sets."""

    objects: int  # m
    classes: int
    noise: float  # within-class standard deviation; the classes' means are standard normal
    inputs: int = 8
    common: bool = False  # shares that all replicates have in common
    held_out: float = 0.2
    members: int = 1  # of each group; more than one: common shares of whole groups
    group_noise: float = 0.0  # standard deviation between the groups of a class


OPTIONS = StudyOptions(
    hidden=16, layers=2, lr=3e-3, patience=5, max_updates=1_000, replicates=8, device="cpu"
)
SETTINGS = {
    "rotating": [Setting(*law) for law in itertools.product((200, 400, 1_000), (2, 5), (0.7, 1.2, 2.0))],
    "common": [
        Setting(objects, classes, noise, common=True, held_out=held_out)
        for objects, held_out in ((400, 0.2), (2_000, 0.5))
        for classes, noise in ((2, 0.7), (2, 1.2), (5, 1.2), (5, 2.0))
    ],
    "grouped": [
        Setting(1_000, 2, 1.2, members=10, group_noise=1.0),
        Setting(1_000, 5, 1.2, members=10, group_noise=1.0),
        Setting(1_000, 2, 0.7, members=5, group_noise=1.5),
        Setting(1_000, 5, 0.7, members=20, group_noise=1.5),
    ],
}


@dataclass(frozen=True)
class Coverage:
    """Shares of pools whose interval holds the truth, a value per size: smallest, half, all of the fit pool.

    With common shares an eighth comes before the half: its window is half of the pool.
    """

    sizes: tuple[int, ...]
    truth: NDArray[np.float64]  # (sizes,) C_k, nats
    ours: NDArray[np.float64]  # (sizes,)
    naive: NDArray[np.float64]  # (sizes,)
    width: NDArray[np.float64]  # (sizes,) ours over naive, mean of logs


def draw(
    setting: Setting, centres: NDArray[np.float64], seed: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return one data set: features (m, inputs), labels (m,). Groups follow one another."""
    random = np.random.default_rng([seed, 77])
    groups = setting.objects // setting.members
    labels = random.integers(setting.classes, size=groups).repeat(setting.members)
    own = setting.noise * random.normal(size=(setting.objects, setting.inputs))
    common = setting.group_noise * random.normal(size=(groups, setting.inputs))
    values = centres[labels] + own + common.repeat(setting.members, axis=0)
    return values.astype(np.float32), labels


def begun(
    setting: Setting, labels: NDArray[np.int64], names: tuple[str, ...], options: StudyOptions
) -> Record:
    """Return the record of a study that may take all objects: what a size takes depends on no later one."""
    options = replace(options, held_out=setting.held_out)
    if setting.members > 1:
        groups = np.arange(setting.objects) // setting.members
        return new_record(labels, names, options, groups=groups)
    if not setting.common:
        return new_record(labels, names, options)
    # every object a group of its own: the shares of a study that grows, with all of it read
    record = new_record(labels, names, options, groups=np.arange(setting.objects))
    return replace(record, groups=None)


def study_pools(setting: Setting, seeds: range, options: StudyOptions) -> list[Record]:
    """Return a record for each seed's data set; all networks of a size are fitted in one stack."""
    centres = np.random.default_rng(1).normal(size=(setting.classes, setting.inputs))
    drawn = [draw(setting, centres, seed) for seed in seeds]
    names = tuple(f"class {i}" for i in range(setting.classes))
    records = [
        begun(setting, labels, names, replace(options, seed=seed))
        for (_, labels), seed in zip(drawn, seeds, strict=True)
    ]
    every = np.concatenate([record.labels for record in records])
    heads = Heads.over(
        np.concatenate(
            [_as_read(record, values) for (values, _), record in zip(drawn, records, strict=True)]
        ),
        every,
        architecture=Architecture(
            setting.inputs, setting.classes, hidden=options.hidden, layers=options.layers
        ),
        options=FitOptions(lr=options.lr, patience=options.patience, max_updates=options.max_updates),
        device=torch.device("cpu"),
    )
    pairs = [(pool, r) for pool in range(len(seeds)) for r in range(options.replicates)]
    offsets = np.array([pool * setting.objects for pool, _ in pairs])[:, None]
    validated = offsets + np.stack([records[pool].shares.validation_objects(r) for pool, r in pairs])
    unseen = offsets + np.stack([records[pool].shares.held_out_objects(r) for pool, r in pairs])
    common = sorted(set.intersection(*[set(record.sizes) for record in records]))
    for size in common:
        fitted = offsets + np.stack([records[pool].shares.fitted(r, size) for pool, r in pairs])
        networks, view = heads.fit(
            fitted,
            validated,
            initial=[torch_generator("initial", seeds[pool], r) for pool, r in pairs],
            order=[torch_generator("batches", seeds[pool], r, size) for pool, r in pairs],
            watch=lambda updates, training: None,
        )
        together = measured(view, networks, every, fitted=fitted, unseen=unseen)
        for pool in range(len(seeds)):
            rows = slice(pool * options.replicates, (pool + 1) * options.replicates)
            records[pool] = replace(records[pool], stages=(*records[pool].stages, _rows(together, rows)))
    return records


def _as_read(record: Record, values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values if record.objects is None else values[record.objects]


def _rows(stage: Stage, rows: slice) -> Stage:
    arrays = {field.name: getattr(stage, field.name)[rows] for field in fields(stage) if field.name != "size"}
    return replace(stage, **arrays)


def _records(setting: Setting, seeds: range, options: StudyOptions) -> list[Record]:
    firsts = range(seeds.start, seeds.stop, POOLS_AT_ONCE)
    return [
        record
        for first in firsts
        for record in study_pools(setting, range(first, min(first + POOLS_AT_ONCE, seeds.stop)), options)
    ]


def _constants(record: Record, sizes: Collection[int]) -> NDArray[np.float64]:
    """Return C_k of each replicate at the sizes that every pool has run, shape (replicates, sizes)."""
    return np.stack([stage.constant for stage in record.stages if stage.size in sizes], axis=1)


def coverage(setting: Setting, *, pools: int, fresh: int, options: StudyOptions) -> Coverage:
    """Return how often the intervals hold the truth, at the sizes that `Coverage` names."""
    others = _records(setting, range(10_000, 10_000 + fresh), options)
    own = _records(setting, range(pools), options)
    run = set.intersection(*[{stage.size for stage in record.stages} for record in (*others, *own)])
    truth = np.mean([_constants(record, run) for record in others], axis=(0, 1))
    hits, naive_hits, widths = [], [], []
    for record in own:
        points = [p for p in curve(record) if p.k in run]
        lo, hi = (np.array([[p.lo, p.hi] for p in points], dtype=float) * [[p.k + 1] for p in points]).T
        of = _constants(record, run)
        half = stats.t.ppf(0.975, len(of) - 1) * of.std(axis=0, ddof=1) / len(of) ** 0.5
        hits.append((lo <= truth) & (truth <= hi))
        naive_hits.append(abs(of.mean(axis=0) - truth) <= half)
        widths.append(np.log((hi - lo) / (2 * half)))
    sizes = np.array(sorted(run))
    parts = (8, 2) if isinstance(record.shares, CommonShares) else (2,)
    shown = [0, *(int(np.argmin(abs(sizes - sizes[-1] / part))) for part in parts), len(sizes) - 1]
    return Coverage(
        sizes=tuple(int(sizes[i]) for i in shown),
        truth=truth[shown],
        ours=np.mean(hits, axis=0)[shown],
        naive=np.mean(naive_hits, axis=0)[shown],
        width=np.exp(np.mean(widths, axis=0))[shown],
    )


def claims(way: str, found: Sequence[Coverage]) -> Iterator[Claim]:
    """Yield what is claimed of the settings of a way to share, as measured."""
    ours, naive = (np.array([getattr(each, side) for each in found]) for side in ("ours", "naive"))
    yield Claim(f"{way}: holds in at least {LOWEST:.0%} everywhere: {ours.min():.1%}", ours.min() >= LOWEST)
    yield Claim(f"{way}: holds in at least {MEAN:.0%} in the mean: {ours.mean():.1%}", ours.mean() >= MEAN)
    yield Claim(f"{way}: the naive interval does not: {naive.min():.1%} at the lowest", naive.min() < LOWEST)


def main() -> None:
    """Print a line a setting, the lowest and the mean coverage of each way to share, then the claims."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--ways", nargs="+", choices=list(SETTINGS), default=list(SETTINGS))
    parser.add_argument("--pools", type=int, default=250)
    parser.add_argument("--fresh", type=int, default=400)
    parser.add_argument("--replicates", type=int, default=8)
    given = parser.parse_args()
    began, claimed = time.perf_counter(), list[Claim]()
    for way in given.ways:
        growth = OPTIONS.growth if way == "rotating" else 2.0  # half as many sizes, in half the time
        options = replace(OPTIONS, replicates=given.replicates, growth=growth)
        every = []
        for setting in SETTINGS[way]:
            found = coverage(setting, pools=given.pools, fresh=given.fresh, options=options)
            every.append(found)
            cells = [
                f"k={k}: {ours:.3f} (naive {naive:.3f}, width ×{width:.2f})"
                for k, ours, naive, width in zip(
                    found.sizes, found.ours, found.naive, found.width, strict=True
                )
            ]
            seconds = f"{time.perf_counter() - began:.0f} s"
            print(setting, " · ".join(cells), seconds, file=sys.stderr, flush=True)
        for name in ("ours", "naive"):
            of = np.array([getattr(c, name) for c in every])
            by_size = of.mean(axis=0).round(3)
            print(f"{way}, {name}: mean {of.mean():.3f}, lowest {of.min():.3f}, by size {by_size}")
        width = np.exp(np.log([c.width for c in every]).mean(axis=0))
        print(f"{way}, width over naive, by size: {width.round(2)}", flush=True)
        claimed += claims(way, every)
    conclude(*claimed)


if __name__ == "__main__":
    main()
