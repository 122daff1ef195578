"""What was asked, as how many objects are still to be collected: the distribution that a plan bets on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from sufficient.answer import plan_words as words
from sufficient.answer.answer import Forecast
from sufficient.answer.criteria import Criterion
from sufficient.answer.demand import Demand, Weighted, demand, together, tolerance_distribution
from sufficient.answer.forecast import more_needed
from sufficient.answer.horizon import FARTHEST, NEAR
from sufficient.answer.measures import Measures
from sufficient.answer.needs import QUANTITY, believed
from sufficient.answer.plan import Goal, Plan, cost_per_object, plan
from sufficient.answer.trend import FEWEST_SIZES, trend
from sufficient.answer.verdict import CONFIRM, answered
from sufficient.errors import DataError, UsageError
from sufficient.study.growth import Growth
from sufficient.study.options import StudyOptions
from sufficient.study.record import Floats, Record
from sufficient.study.schedule import REPLACED_WITHIN, confirmed_by
from sufficient.study.shares import AnyShares


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
    planned = [each for each in criteria if each.kind != "min-gain"]
    need = need_of(measures, criteria, confirm=confirm)
    needs = _unmet(measures, planned, confirm)
    _check_fitted(measures, needs, confirm)
    each = cost_per_object(cost, classes)
    made = plan(need, goal, cost=each, round_cost=round_cost, rounds=rounds, budget=budget)
    notices = [notice for notice in made.notices if needs or notice.code != "NOTHING-NEEDED"]
    near = more_needed(Growth.of(record), NEAR * measures.points[-1].k)
    if near is not None and made.best.total > near:
        notices.append(words.far_out(made.best, near, rounds=rounds))
    if len(planned) > 1:
        notices.append(words.go_together([each.phrase for each in planned]))
    notices += [words.no_plan_for_gain(each) for each in criteria if each not in planned]
    split = _by_class(made.best.now, classes) if isinstance(cost, Mapping) else ()
    return replace(
        made,
        criteria=tuple(planned),
        confirm=confirm,
        now_by_class=split,
        notices=tuple(notices),
        trains=_trains(record.shares, needs) if needs else None,
    )


def need_of(measures: Measures, criteria: Sequence[Criterion], *, confirm: int = CONFIRM) -> Demand:
    """Return the objects to collect until every criterion is met, and seen to be, as a distribution.

    Of several criteria the largest need at each quantile: they are taken to go together (comonotone), as the
    same curve bends for all. One that is *sufficient* already needs nothing. A least gain is left out, as no
    number of objects answers it.
    Raises UsageError where nothing else is asked, DataError where a criterion has no forecast.
    """
    planned = [each for each in criteria if each.kind != "min-gain"]
    if not planned:
        asked = "nothing is asked"
        if criteria:
            asked = f"only {criteria[0].phrase} is asked, which no number of objects answers"
        raise UsageError(
            f"{asked}, so there is nothing to plan for: ask for a tolerance, or for a target such as "
            "accuracy=0.95."
        )
    record, last = measures.record, measures.points[-1].k
    growth = Growth.of(record)
    sizes, weights = together([_needed(measures, asked, confirm) for asked in planned])
    horizon = more_needed(growth, int(_seen_by(record, np.array([float(FARTHEST * last)]), confirm)[0]))
    found = demand(more_needed(growth, _seen_by(record, sizes, confirm)), weights, horizon=horizon)
    forecasts = [each for each in _unmet(measures, planned, confirm) if each is not None]
    if not forecasts:
        return found
    ends = zip(*((each.k_needed, *each.k_interval) for each in forecasts), strict=True)
    said = (_seen_more(record, growth, of_each, confirm) for of_each in ends)
    median, lower, upper = said
    return replace(found, said=(median, lower, upper))


def _seen_by(record: Record, k: Floats, confirm: int) -> Floats:  # (S,), (S,)
    """Return the last size of an extension at which what is met from k on is met at `confirm` sizes.

    Two: the last and the confirming one. Further ones are of the grid, the first of them at most the grid's
    factor below what the confirming size replaces.
    """
    if confirm == 1:
        return k
    factor = float(record.options.get("growth", StudyOptions.growth))
    further = factor ** (confirm - 2) / (1 - REPLACED_WITHIN) if confirm > 2 else 1.0
    return confirmed_by(k * further)


def _seen_more(record: Record, growth: Growth, k: Sequence[int | None], confirm: int) -> int | None:
    """Return the objects to collect for the largest of the sizes; None where one is past the horizon."""
    known = [each for each in k if each is not None]
    if len(known) < len(k):
        return None
    return more_needed(growth, int(_seen_by(record, np.array([float(max(known))]), confirm)[0]))


def _unmet(measures: Measures, criteria: Sequence[Criterion], confirm: int) -> list[Forecast | None]:
    """Return the forecasts of what is not met already."""
    found = (answered(measures, each, confirm=confirm) for each in criteria)
    return [each.forecast for each in found if each.verdict != "sufficient"]


def _check_fitted(measures: Measures, needs: Sequence[Forecast | None], confirm: int) -> None:
    """Refuse a plan where objects at hand were not fitted, unless they are forecast to be enough.

    What is at hand could lie past the horizon of the forecast, and would cost nothing to learn from.
    """
    last, pool = measures.points[-1].k, measures.pool
    ends = np.array([np.inf if each is None else each.k_interval[1] or np.inf for each in needs])
    if last < pool and (_seen_by(measures.record, ends, confirm) > pool).any():
        raise DataError(
            f"the study stopped at k = {last:,} of {pool:,} objects at hand, and a plan needs what is at "
            "hand to be fitted: raise --max-samples (or --time-limit) first, then plan."
        )


def _trains(shares: AnyShares, needs: Sequence[Forecast | None]) -> int | None:
    """Return all objects at hand where training on every one of them is forecast to suffice, else None."""
    everything = shares.all_objects
    sizes = [None if each is None else each.k_needed for each in needs]
    return everything if all(k is not None and k <= everything for k in sizes) else None


def _needed(measures: Measures, asked: Criterion, confirm: int) -> Weighted:
    """Return sizes from which on the criterion is met, weighted; infinite for never."""
    last = measures.points[-1].k
    if answered(measures, asked, confirm=confirm).verdict == "sufficient":
        return np.zeros(1), np.ones(1)
    if asked.kind == "tol":
        going = trend(measures.measured)
        if going is None:
            raise _without(
                asked,
                f"{sum(measures.learned)} sizes learned, and its trend takes {FEWEST_SIZES}; start at a "
                "smaller size, or collect some more objects",
            )
        return tolerance_distribution(going, last=last, tol=asked.value)
    found = believed(measures.belief(QUANTITY[asked.kind]), asked)
    if isinstance(found, Forecast):
        raise _without(asked, " ".join(f"{notice.message} [{notice.code}]" for notice in found.notices))
    assert found.distribution is not None  # a forecast without notices has one
    sizes, weights = found.distribution
    return np.ceil(sizes * (1 - 1e-9)), weights


def _without(asked: Criterion, why: str) -> DataError:
    return DataError(f"{asked.phrase} has no forecast that a plan could bet on: {why.rstrip('.')}.")


def _by_class(objects: int, counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Return how the objects divide at the same shares; the largest remainders are rounded up."""
    names, weights = list(counts), np.array(list(counts.values()), dtype=np.float64)
    exact = objects * weights / weights.sum()
    whole = np.floor(exact).astype(np.int64)
    whole[np.argsort(whole - exact, kind="stable")[: objects - int(whole.sum())]] += 1
    return tuple(zip(names, whole.tolist(), strict=True))
