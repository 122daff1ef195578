"""The sentences of reasons and warnings: what was found, in numbers, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sufficient.answer.answer import CriterionAnswer, CurvePoint, Level
from sufficient.answer.criteria import Criterion
from sufficient.answer.rules import Rule
from sufficient.notice import Notice
from sufficient.rounding import about, listed, nats, tolerance
from sufficient.study.record import Record

if TYPE_CHECKING:
    from sufficient.answer.measures import Measures


def reason(
    measures: Measures,
    asked: Criterion,
    rule: Rule,
    last: Level | None,  # δ at the last size run
    size: int | None,  # k*, where the tolerance is met
    confirm: int,
) -> Notice:
    """Return why the tolerance is met, is not, or cannot be told."""
    points, tol = measures.points, asked.value
    if rule in ("dead", "not-learned"):
        return unlearned(measures, rule)
    if rule == "stopped":
        return stopped_early(measures, tol)
    end = points[-1]
    if rule == "met" and size is not None:
        return _met(points, size, tol, confirm)
    if rule == "not-met":
        return _not_met(end, tol)
    return _too_few_sizes(end, tol, confirm) if rule == "few" else _open(measures, end, tol)


def unlearned(measures: Measures, rule: Rule) -> Notice:
    """Return that nothing was learned, or that the networks are dead."""
    return _dead_networks(measures.points) if rule == "dead" else _nothing_learned(measures)


def _met(points: Sequence[CurvePoint], size: int, tol: float, confirm: int) -> Notice:
    """Sufficient: the interval lies within tol at the last sizes."""
    sizes = listed([f"{p.k:,}" for p in points[-confirm:]])
    return Notice(
        "TOLERANCE-MET",
        f"From k = {about(size, exact=[p.k for p in points])} objects on, one more changes the mean loss by "
        f"no more than {tolerance(tol)} nats on average (confirmed at k = {sizes}; 95 % interval at the last "
        f"{_band(points[-1])}): no more objects are needed for this tolerance, and the outlook says whether "
        "they would still improve accuracy.",
    )


def _not_met(last: CurvePoint, tol: float) -> Notice:
    """Insufficient: all objects were fitted and the interval lies above tol."""
    return Notice(
        "TOLERANCE-NOT-MET",
        f"With all {last.k:,} objects available to fit, one more still changes the mean loss by "
        f"{nats(last.difference, 3)} nats on average (95 % interval {_band(last)}), more than the tolerance "
        f"{tolerance(tol)}: collect more objects, or accept a larger tolerance.",
    )


def _dead_networks(points: Sequence[CurvePoint]) -> Notice:
    """Inconclusive: most networks give every object the same loss."""
    last = points[-1]
    return Notice(
        "DEAD-NETWORKS",
        f"At k = {last.k:,}, {last.dead} of {last.dead + last.replicates} networks are dead (every object "
        "has the same loss), so their difference of 0 says nothing about the data: use a wider or shallower "
        "network, or biases.",
    )


def _nothing_learned(measures: Measures) -> Notice:
    """Inconclusive: unseen objects are not predicted better than by class frequencies, or not surely so."""
    points, record = measures.points, measures.record
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
    if last.unseen_loss is not None and last.unseen_loss < record.class_entropy:
        return Notice(
            "NOTHING-LEARNED",
            f"{where} the networks cannot yet be told from the class frequencies with "
            f"{record.shares.held_out:,} held-out objects (unseen loss at the last {last.unseen_loss:.3g} "
            f"nats, of the frequencies {record.class_entropy:.3g}), so a small difference would mean nothing "
            "yet: collect more objects, or run more replicates.",
        )
    return Notice(
        "NOTHING-LEARNED",
        f"{where} the networks predict unseen objects no better than the class frequencies alone{loss}, so a "
        "small difference would mean nothing: check the labels, then try other features or another model.",
    )


def stopped_early(
    measures: Measures,
    tol: float,
    *,
    found: str | None = None,  # what stands at the last size, in place of the difference
) -> Notice:
    """Inconclusive, or a warning beside another reason: not all objects of the fit pool were fitted."""
    points, record = measures.points, measures.record
    most, not_read = record.options.get("max_samples"), record.shares.not_read
    if not points:
        done = f"before any of the {measures.pool:,} available objects were fitted"
    else:
        last = points[-1]
        difference = "" if last.difference is None else f"the difference is {nats(last.difference, 3)} nats"
        stands = difference if found is None else found
        where = f", where {stands}" if stands else ""
        asked = f" (tolerance {tolerance(tol)})" if found is None else ""
        done = f"at k = {last.k:,} of {measures.pool:,} available objects{where}{asked}"
    unread = f"; {not_read:,} of them were not even read (--all-features reads all)" if not_read else ""
    capped = most is not None and bool(points) and points[-1].k >= most
    advice = f"raise --max-samples ({most:,})" if capped else "let it run on to all of them"
    return Notice("STOPPED-EARLY", f"The study stopped {done}{unread}: {advice}.")


def _too_few_sizes(last: CurvePoint, tol: float, confirm: int) -> Notice:
    """Inconclusive: within tol at the last size, but not at enough sizes."""
    return Notice(
        "TOO-FEW-SIZES",
        f"At k = {last.k:,}, all objects available to fit, the difference is within the tolerance "
        f"{tolerance(tol)} (95 % interval {_band(last)}), but not at each of the last {confirm} sizes as "
        "asked: collect some more objects to confirm it.",
    )


def _open(measures: Measures, last: CurvePoint, tol: float) -> Notice:
    """Inconclusive: tol is inside the interval, of a curve that falls or not."""
    seen = f"At k = {last.k:,}, all objects available to fit, "
    observed = measures.rate
    if observed is not None and observed.interval[1] >= 0:
        lo, hi = observed.interval
        return Notice(
            "CURVE-NOT-FALLING",
            f"{seen}the tolerance {tolerance(tol)} lies inside the 95 % interval {_band(last)}, and the "
            f"difference does not fall with k (exponent {observed.exponent:.2g}, 95 % interval {lo:.2g} to "
            f"{hi:.2g}): check that training settles, then labels, features and model.",
        )
    return Notice(
        "INTERVAL-TOO-WIDE",
        f"{seen}the difference cannot be told from the tolerance {tolerance(tol)} (95 % interval "
        f"{_band(last)}): run more replicates, or collect more objects.",
    )


def met_at_first_size(answer: CriterionAnswer) -> Notice:
    """Warn that k* is only an upper bound."""
    asked, size, tol = answer.criterion, answer.k_sufficient, answer.criterion.kind == "tol"
    what = f"The tolerance {tolerance(asked.value)}" if tol else f"What is asked ({asked.phrase})"
    return Notice(
        "MET-AT-FIRST-SIZE",
        f"{what} is met already at k = {size:,}, the first size that learned, so fewer objects may be "
        f"enough: start at a smaller size, or ask for {'a smaller tolerance' if tol else 'more'}.",
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
    return listed([f"k = {k:,} ({count} of {replicates} replicates)" for k, count in counts if count])


def _band(point: CurvePoint) -> str:
    return (
        "unknown"
        if point.lo is None or point.hi is None
        else f"{nats(point.lo, 3)} to {nats(point.hi, 3)} nats"
    )
