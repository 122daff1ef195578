"""Curves that no falling law describes, recognised by name: rising, flat, too noisy, too short.

For loss, or for error where accuracy is asked for; never for C_k, whose being flat is Lemma 1's rate.
"""

from __future__ import annotations

import math

import numpy as np

from sufficient.answer.normal import Z90
from sufficient.notice import Notice
from sufficient.rounding import about, counted
from sufficient.study.record import Floats

FEWEST_SIZES = 4  # three to fit and one to score on
WINDOW = 12  # last sizes, as many as are fitted
RISE = 4.0  # standard errors of a difference: 66 pairs of 12 sizes pass it by chance in 1 of 300 flat curves
OCTAVES = 4.1  # a factor of 4 in n, rounded sizes included
LITTLE = 0.15  # of the last value, gained at most by ten times the data: flat
LEAST_ERROR = 0.005  # of a value: no real curve is smooth to better than that


def shape_notice(
    n: Floats,  # (sizes,) increasing
    y: Floats,  # (sizes,) ≥ 0, smaller is better
    variance: Floats,  # (sizes,) of y, independent from size to size
    *,
    name: str,  # of what is plotted over n: "accuracy", "unseen loss"
) -> Notice | None:
    """Return why the curve must not be extrapolated to a target; None where it falls as laws do."""
    if len(n) < FEWEST_SIZES or n[-1] < 2 * n[0]:
        return _too_few(n, name)
    n, y, variance = n[-WINDOW:], y[-WINDOW:], variance[-WINDOW:] + (LEAST_ERROR * y[-WINDOW:]) ** 2 + 1e-16
    return _rising(n, y, variance, name) or _flat(n, y, variance, name)


def _too_few(n: Floats, name: str) -> Notice:
    span = f", from {int(n[0]):,} to {int(n[-1]):,} objects" if len(n) > 1 else ""
    return Notice(
        "TOO-FEW-SIZES",
        f"There {'is' if len(n) == 1 else 'are'} {counted(len(n), 'usable size')}{span}: a forecast of "
        f"{name} needs at least {FEWEST_SIZES}, the largest at least twice the smallest. Start at a smaller "
        "size, or collect more objects.",
    )


def _rising(n: Floats, y: Floats, variance: Floats, name: str) -> Notice | None:
    """Tell of the clearest rise, where it is more than 4 standard errors: a peak, or a turn for the worse."""
    rises = (y[None, :] - y[:, None]) / np.sqrt(variance[None, :] + variance[:, None])  # (from, to)
    rises = np.triu(rises, 1)
    start, end = np.unravel_index(rises.argmax(), rises.shape)
    if rises[start, end] <= RISE:
        return None
    over = f"from {about(int(n[start]))} to {about(int(n[end]))} objects"
    recovered = y[end] - y[-1] > RISE * math.sqrt(variance[end] + variance[-1])
    kind = "peaks, and gets better again after it" if recovered else "does not recover by the largest size"
    return Notice(
        "CURVE-NOT-MONOTONE",
        f"With more objects {name} gets worse {over}, by {rises[start, end]:.1f} standard errors, and "
        f"{kind}: no law of falling error describes that, so no number is given. Check that training settles "
        "at every size.",
    )


def _flat(n: Floats, y: Floats, variance: Floats, name: str) -> Notice | None:
    """Tell of a slope over the last two octaves (at least 3 sizes) whose 90 % interval includes 0."""
    near = slice(min(int(np.searchsorted(n, n[-1] / OCTAVES)), len(n) - 3), None)
    x, weight = np.log(n[near]), 1 / variance[near]
    centred = x - weight @ x / weight.sum()
    slope = float(weight * centred @ y[near] / (weight @ centred**2))
    margin = Z90 / math.sqrt(float(weight @ centred**2))
    if slope + margin < 0:
        return None
    over = f"from {about(int(n[near][0]))} to {about(int(n[-1]))} objects"
    gain = (margin - slope) * math.log(10)  # by ten times the data, at the steepest slope in the interval
    if gain <= LITTLE * y[-1]:
        return Notice(
            "CURVE-FLAT",
            f"{name.capitalize()} no longer changes {over}: more objects of this kind are not seen to help, "
            "so no number is given. A wider network or other features may.",
        )
    return Notice(
        "CURVE-TOO-NOISY",
        f"Whether {name} still improves {over} cannot be told from noise, so no number is given: run more "
        "replicates, or hold out more objects.",
    )
