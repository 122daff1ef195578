"""Class by class: how well it is told at the largest size that learned, and its share of the error there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sufficient.answer.answer import ClassAnswer, Level, SizeInterval
from sufficient.answer.held_out import HeldOut
from sufficient.answer.normal import Z95, smoothed_share
from sufficient.study.record import Floats, Record
from sufficient.study.shares import Index

MOST_NAMED = 3  # classes: more are a remark about the data, not about these


def per_class(
    record: Record,
    learned: Sequence[bool],  # (stages,)
    held: HeldOut,
) -> tuple[ClassAnswer, ...]:
    """Return one answer a class, the largest share of the error first; none where no size learned.

    Accuracy and share have Wilson's interval on n = p (1 − p)/se² objects, se² = s²_r/R + p (1 − p)/n_eff:
    s²_r between replicates, n_eff = (Σ w)²/Σ w² different objects (groups, where they come in groups), w how
    often each was scored, for a share how often it was wrong.
    """
    stages = [stage for stage, counts in zip(record.stages, learned, strict=True) if counts]
    if not stages:
        return ()
    stage = stages[-1]
    objects, wrong = held.objects(stage), held.wrong(stage).astype(np.float64)
    seen, mistakes = _times(record, objects), _times(record, objects, wrong)
    clusters, count = _clusters(record), np.bincount(record.labels, minlength=len(record.classes))
    scored = _by_class(record, objects, np.ones_like(wrong))  # (live, classes)
    missed = _by_class(record, objects, wrong)
    different = np.bincount(record.labels[seen > 0], minlength=len(record.classes))
    found = [
        ClassAnswer(
            name=record.classes[c],
            objects=int(count[c]),
            held_out=int(different[c]),
            accuracy=_accuracy(missed[:, c], scored[:, c], _effective(seen * (record.labels == c), clusters)),
            share_of_error=_share(missed, c, _effective(mistakes, clusters)),
            objects_needed=None,
            needed_interval=None,
        )
        for c in np.flatnonzero(count).tolist()
    ]
    return tuple(sorted(found, key=lambda a: (-_value(a.share_of_error), _value(a.accuracy), a.name)))


def worst(classes: Sequence[ClassAnswer]) -> tuple[ClassAnswer, ...]:
    """Return the fewest classes that make up at least half of the error, where they are fewer than half."""
    total = 0.0
    for i, each in enumerate(classes, start=1):
        total += _value(each.share_of_error)
        if total >= 0.5 - 1e-12:
            return tuple(classes[:i]) if 2 * i < len(classes) else ()
    return ()


def class_errors(
    record: Record,
    name: str,
    learned: Sequence[bool],
    held: HeldOut,
) -> tuple[Floats, Floats, Floats, Floats] | None:  # sizes, error, independent, common; (sizes,) each
    """Return a class's error at each learned size with its variances; None where it is never held out."""
    c, clusters = record.classes.index(name), _clusters(record)
    rows = []
    for stage, counts in zip(record.stages, learned, strict=True):
        if not counts:
            continue
        objects = held.objects(stage)
        own = record.labels[objects] == c  # (live, held_out)
        scored, missed = own.sum(axis=1), (own & held.wrong(stage)).sum(axis=1)
        if (scored == 0).all():
            return None
        error = float(missed.sum() / scored.sum())
        between = _between(missed[scored > 0] / scored[scored > 0])
        effective = _effective(_times(record, objects) * (record.labels == c), clusters)
        rows.append((stage.size, error, between, _smooth(error, effective) / effective))
    if not rows:
        return None
    table = np.array(rows, dtype=np.float64)
    near = np.array([table[max(i - 1, 0) : i + 2, 2].mean() for i in range(len(table))])
    return table[:, 0], table[:, 1], near, table[:, 3]


def with_need(answer: ClassAnswer, needed: int | None, interval: SizeInterval) -> ClassAnswer:
    """Return the answer with how many objects of the class its target is forecast to need."""
    return replace(answer, objects_needed=needed, needed_interval=interval)


def _times(record: Record, objects: Index, values: Floats | None = None) -> Floats:  # (used,)
    """Return how often each object stands among those given, or the sum of its values."""
    weights = None if values is None else values.ravel()
    return np.bincount(objects.ravel(), weights, minlength=len(record.labels)).astype(np.float64)


def _clusters(record: Record) -> Index:  # (used,)
    """Return the number of each object's group; every object is one of its own where there are none."""
    if record.groups is None:
        return np.arange(len(record.labels))
    numbers: Index = np.unique(record.groups, return_inverse=True)[1]
    return numbers


def _by_class(record: Record, objects: Index, values: Floats) -> Floats:  # (live, classes)
    """Return the sum of the values of each class in each live replicate."""
    classes, live = len(record.classes), len(objects)
    place = record.labels[objects] + classes * np.arange(live)[:, None]
    counted = np.bincount(place.ravel(), values.ravel(), minlength=live * classes)
    return counted.reshape(live, classes).astype(np.float64)


def _effective(weights: Floats, clusters: Index) -> float:
    """Return (Σ w)²/Σ w² over clusters: of how many alike objects a mean with these weights is."""
    total = np.bincount(clusters, weights)
    squares = float((total**2).sum())
    return float(total.sum()) ** 2 / squares if squares > 0 else 0.0


def _accuracy(missed: Floats, scored: Floats, effective: float) -> Level | None:
    if scored.sum() == 0:
        return None
    between = _between(1 - missed[scored > 0] / scored[scored > 0])
    return _wilson(1 - float(missed.sum() / scored.sum()), between, effective)


def _share(missed: Floats, c: int, effective: float) -> Level | None:
    total = missed.sum(axis=1)
    if total.sum() == 0:
        return None
    between = _between(missed[total > 0, c] / total[total > 0])
    return _wilson(float(missed[:, c].sum() / total.sum()), between, effective)


def _between(values: Floats) -> float:
    """Return the variance of a mean over replicates, as far as they differ."""
    return float(values.var(ddof=1)) / len(values) if len(values) > 1 else 0.0


def _smooth(p: float, effective: float) -> float:
    smoothed = smoothed_share(p, effective)
    return smoothed * (1 - smoothed)


def _wilson(p: float, between: float, effective: float) -> Level:
    """Return Wilson's 95 % interval of a share with this standard error."""
    variance = _smooth(p, effective)
    n = variance / (between + variance / effective)
    middle, spread = p + Z95**2 / (2 * n), Z95 * math.sqrt(p * (1 - p) / n + Z95**2 / (4 * n**2))
    widest = 1 + Z95**2 / n
    lo, hi = max((middle - spread) / widest, 0.0), min((middle + spread) / widest, 1.0)
    return Level(p, min(lo, p), max(hi, p))  # at 0 and 1 an end is p itself, but for rounding


def _value(level: Level | None) -> float:
    return 0.0 if level is None else level.value
