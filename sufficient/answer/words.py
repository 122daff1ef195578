"""The sentences of reasons and warnings: what was found, in numbers, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from sufficient.answer.answer import CurvePoint, Rate
from sufficient.notice import Notice
from sufficient.rounding import about, nats, tolerance
from sufficient.study.record import Record


def tolerance_met(points: Sequence[CurvePoint], size: int, tol: float, confirm: int) -> Notice:
    """Sufficient: the interval lies within tol at the last sizes."""
    sizes = _listed([f"{p.k:,}" for p in points[-confirm:]])
    return Notice(
        "TOLERANCE-MET",
        f"From k = {about(size)} objects on, one more changes the mean loss by no more than {tolerance(tol)} "
        f"nats on average (confirmed at k = {sizes}; 95 % interval at the last {_band(points[-1])}): no more "
        "objects are needed for this tolerance, and the outlook says whether they would still improve "
        "accuracy.",
    )


def tolerance_not_met(last: CurvePoint, tol: float) -> Notice:
    """Insufficient: all objects were fitted and the interval lies above tol."""
    return Notice(
        "TOLERANCE-NOT-MET",
        f"With all {last.k:,} objects available to fit, one more still changes the mean loss by "
        f"{nats(last.difference, 3)} nats on average (95 % interval {_band(last)}), more than the tolerance "
        f"{tolerance(tol)}: collect more objects, or accept a larger tolerance.",
    )


def dead_networks(points: Sequence[CurvePoint]) -> Notice:
    """Inconclusive: most networks give every object the same loss."""
    last = points[-1]
    return Notice(
        "DEAD-NETWORKS",
        f"At k = {last.k:,}, {last.dead} of {last.dead + last.replicates} networks are dead (every object "
        "has the same loss), so their difference of 0 says nothing about the data: use a wider or shallower "
        "network, or biases.",
    )


def nothing_learned(points: Sequence[CurvePoint]) -> Notice:
    """Inconclusive: unseen objects are not predicted better than by class frequencies."""
    if not points:
        return Notice(
            "NOTHING-LEARNED", "No size has been run, so nothing is known yet: let the study run on."
        )
    last = points[-1]
    learned = [p.k for p in points if p.learned]
    where = (
        f"At k = {last.k:,}, all objects available to fit (though not at k = {learned[-1]:,})"
        if learned
        else f"At every size run ({points[0].k:,} to {last.k:,} objects)"
    )
    loss = "" if last.unseen_loss is None else f" (unseen loss at the last {last.unseen_loss:.3g} nats)"
    return Notice(
        "NOTHING-LEARNED",
        f"{where} the networks predict unseen objects no better than the class frequencies alone{loss}, so a "
        "small difference would mean nothing: check the labels, then try other features or another model.",
    )


def stopped_early(points: Sequence[CurvePoint], available: int, tol: float) -> Notice:
    """Inconclusive, or a warning beside another reason: not all objects were fitted."""
    if not points:
        done = f"before any of the {available:,} available objects were fitted"
    else:
        last = points[-1]
        found = (
            "" if last.difference is None else f", where the difference is {nats(last.difference, 3)} nats"
        )
        done = f"at k = {last.k:,} of {available:,} available objects{found} (tolerance {tolerance(tol)})"
    return Notice("STOPPED-EARLY", f"The study stopped {done}: let it run on to all of them.")


def too_few_sizes(last: CurvePoint, tol: float, confirm: int) -> Notice:
    """Inconclusive: within tol at the last size, but not at enough sizes."""
    return Notice(
        "TOO-FEW-SIZES",
        f"At k = {last.k:,}, all objects available to fit, the difference is within the tolerance "
        f"{tolerance(tol)} (95 % interval {_band(last)}), but not at each of the last {confirm} sizes as "
        "asked: collect some more objects to confirm it.",
    )


def curve_not_falling(last: CurvePoint, observed: Rate, tol: float) -> Notice:
    """Inconclusive: tol is inside the interval and the curve does not fall."""
    lo, hi = observed.interval
    return Notice(
        "CURVE-NOT-FALLING",
        f"At k = {last.k:,}, all objects available to fit, the tolerance {tolerance(tol)} lies inside the "
        f"95 % interval {_band(last)}, and the difference does not fall with k (exponent "
        f"{observed.exponent:.2g}, 95 % interval {lo:.2g} to {hi:.2g}): check that training settles, then "
        "labels, features and model.",
    )


def interval_too_wide(last: CurvePoint, tol: float) -> Notice:
    """Inconclusive: tol is inside the interval of a falling curve."""
    return Notice(
        "INTERVAL-TOO-WIDE",
        f"At k = {last.k:,}, all objects available to fit, the difference cannot be told from the tolerance "
        f"{tolerance(tol)} (95 % interval {_band(last)}): run more replicates, or collect more objects.",
    )


def met_at_first_size(size: int, tol: float) -> Notice:
    """Warn that k* is only an upper bound."""
    return Notice(
        "MET-AT-FIRST-SIZE",
        f"The tolerance {tolerance(tol)} is met already at k = {size:,}, the first size that learned, so "
        "fewer objects may be enough: start at a smaller size, or ask for a smaller tolerance.",
    )


def stage_warnings(record: Record) -> list[Notice]:
    """Return what the stages themselves give reason to doubt."""
    replicates = record.shares.replicates
    capped = [(stage.size, int((stage.capped & stage.live).sum())) for stage in record.stages]
    dead = [(stage.size, int(stage.dead.sum())) for stage in record.stages]
    warnings = []
    if any(count for _, count in capped):
        warnings.append(
            Notice(
                "UPDATE-CAP",
                "The cap on updates ended training while the validation loss was still improving, at "
                f"{_counted(capped, replicates)}: raise the cap, or the learning rate.",
            )
        )
    if any(count for _, count in dead):
        warnings.append(
            Notice(
                "DEAD-REPLICATES",
                f"{sum(count for _, count in dead)} trained networks are dead (every object has the same "
                f"loss) and left out, at {_counted(dead, replicates)}: a wider or shallower network, or "
                "biases, may keep them alive.",
            )
        )
    return warnings


def _counted(counts: Sequence[tuple[int, int]], replicates: int) -> str:
    return _listed([f"k = {k:,} ({count} of {replicates} replicates)" for k, count in counts if count])


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _band(point: CurvePoint) -> str:
    return (
        "unknown"
        if point.lo is None or point.hi is None
        else f"{nats(point.lo, 3)} to {nats(point.hi, 3)} nats"
    )
