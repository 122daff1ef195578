"""What was asked, as how many objects are still to be collected: the distribution that a plan bets on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from sufficient.answer import plan_words as words
from sufficient.answer.answer import Forecast
from sufficient.answer.criteria import Criterion
from sufficient.answer.demand import Demand, demand, tolerance_distribution
from sufficient.answer.forecast import FARTHEST, NEAR, more_needed
from sufficient.answer.measures import Measures
from sufficient.answer.needs import QUANTITY, believed
from sufficient.answer.plan import Goal, Plan, cost_per_object, plan
from sufficient.answer.prediction import quantiles
from sufficient.answer.trend import FEWEST_SIZES, trend
from sufficient.answer.verdict import CONFIRM, answered
from sufficient.errors import DataError, UsageError
from sufficient.study.record import Floats
from sufficient.study.shares import AnyShares

SAMPLES = 2_000  # quantiles of each criterion's need: 5 for each count that a plan keeps


def plan_collection(
    measures: Measures,
    criteria: Sequence[Criterion],
    goal: Goal,
    *,
    cost: float | Mapping[str, float],  # money per object, or of each class
    round_cost: float = 0.0,
    rounds: int = 1,
    budget: float | None = None,
    confirm: int = CONFIRM,
) -> Plan:
    """Return how many objects to collect until all criteria are met, at the same shares of classes.

    Raises as `need_of` does, and UsageError for prices, rounds or a budget that cannot be meant.
    """
    record = measures.record
    counts = np.bincount(record.labels, minlength=len(record.classes)).tolist()
    classes = dict(zip(record.classes, counts, strict=True))
    need = need_of(measures, criteria, confirm=confirm)
    needs = _unmet(measures, criteria, confirm)
    _check_fitted(measures, needs)
    each = cost_per_object(cost, classes)
    made = plan(need, goal, cost=each, round_cost=round_cost, rounds=rounds, budget=budget)
    notices = list(made.notices)
    near = more_needed(record.shares, NEAR * measures.points[-1].k)
    if near is not None and made.best.total > near:
        notices.append(words.far_out(made.best, near, rounds=rounds))
    if len(criteria) > 1:
        notices.append(words.go_together([each.phrase for each in criteria]))
    split = _by_class(made.best.now, classes) if isinstance(cost, Mapping) else ()
    return replace(
        made,
        criteria=tuple(criteria),
        now_by_class=split,
        notices=tuple(notices),
        trains=_trains(record.shares, needs),
    )


def need_of(measures: Measures, criteria: Sequence[Criterion], *, confirm: int = CONFIRM) -> Demand:
    """Return the objects to collect until every criterion is met, as a distribution.

    Of several criteria the largest need at each quantile: they are taken to go together (comonotone), as the
    same curve bends for all. One that is *sufficient* already needs nothing.
    Raises UsageError for a least gain, which no number of objects answers, or where nothing is asked;
    DataError where a criterion has no forecast.
    """
    if not criteria:
        raise UsageError(
            "nothing is asked, so there is nothing to plan for: give --tol, --rel-tol or --target."
        )
    for asked in criteria:
        if asked.kind == "min-gain":
            raise UsageError(
                f"--min-gain {asked.value:g} asks whether doubling helps, and no number of objects answers "
                "that, so nothing can be planned for it: give --tol, --rel-tol or --target."
            )
    needs = np.array([_needed(measures, asked, confirm) for asked in criteria])  # (criteria, SAMPLES)
    last = measures.points[-1].k
    return demand(needs.max(axis=0), horizon=more_needed(measures.record.shares, FARTHEST * last))


def _unmet(measures: Measures, criteria: Sequence[Criterion], confirm: int) -> list[Forecast | None]:
    """Return the forecasts of what is not met already."""
    found = (answered(measures, each, confirm=confirm) for each in criteria)
    return [each.forecast for each in found if each.verdict != "sufficient"]


def _check_fitted(measures: Measures, needs: Sequence[Forecast | None]) -> None:
    """Refuse a plan where objects at hand were not fitted, unless they are forecast to be enough.

    What is at hand could lie past the horizon of the forecast, and would cost nothing to learn from.
    """
    last, pool = measures.points[-1].k, measures.pool
    ends = [None if each is None else each.k_interval[1] for each in needs]
    if last < pool and any(end is None or end > pool for end in ends):
        raise DataError(
            f"the study stopped at k = {last:,} of {pool:,} objects at hand, and a plan needs what is at "
            "hand to be fitted: raise --max-samples (or --time-limit) first, then plan."
        )


def _trains(shares: AnyShares, needs: Sequence[Forecast | None]) -> int | None:
    """Return all objects at hand where training on every one of them is forecast to suffice, else None."""
    everything = shares.used + shares.not_read
    sizes = [None if each is None else each.k_needed for each in needs]
    return everything if all(k is not None and k <= everything for k in sizes) else None


def _needed(measures: Measures, asked: Criterion, confirm: int) -> Floats:  # (SAMPLES,) ascending
    """Return quantiles of the objects to collect for one criterion; infinite where it is never met."""
    if measures.points and answered(measures, asked, confirm=confirm).verdict == "sufficient":
        return np.zeros(SAMPLES)
    shares = measures.record.shares
    if asked.kind == "tol":
        going = trend(measures.measured)
        if going is None:
            raise _without(
                asked,
                f"{sum(measures.learned)} sizes learned, and its trend takes {FEWEST_SIZES}; start at a "
                "smaller size, or collect some more objects",
            )
        return tolerance_distribution(
            going, shares, last=measures.points[-1].k, tol=asked.value, samples=SAMPLES
        )
    found = believed(measures.belief(QUANTITY[asked.kind]), asked)
    if isinstance(found, Forecast):
        raise _without(asked, " ".join(f"{notice.message} [{notice.code}]" for notice in found.notices))
    assert found.distribution is not None  # a forecast without notices has one
    sizes, weights = found.distribution
    levels = (np.arange(SAMPLES) + 0.5) / SAMPLES
    return _to_collect(shares, np.array(quantiles(sizes, weights, levels.tolist())))


def _without(asked: Criterion, why: str) -> DataError:
    return DataError(f"{asked.phrase} has no forecast that a plan could bet on: {why.rstrip('.')}.")


def _to_collect(shares: AnyShares, k: Floats) -> Floats:
    """Return `more_needed` of many sizes, infinity included."""
    everything, pool = shares.used + shares.not_read, shares.k_available + shares.not_read
    whole = np.ceil(k * (1 - 1e-9))
    more: Floats = np.maximum(np.ceil(whole * everything / pool - 1e-9) - everything, 0.0)
    return more


def _by_class(objects: int, counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Return how the objects divide at the same shares; the largest remainders are rounded up."""
    names, weights = list(counts), np.array(list(counts.values()), dtype=np.float64)
    exact = objects * weights / weights.sum()
    whole = np.floor(exact).astype(np.int64)
    whole[np.argsort(whole - exact, kind="stable")[: objects - int(whole.sum())]] += 1
    return tuple(zip(names, whole.tolist(), strict=True))
