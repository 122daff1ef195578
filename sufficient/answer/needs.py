"""How many objects a criterion needs, in the terms of an answer."""

from __future__ import annotations

import math

from sufficient.answer.answer import ClassAnswer, Forecast, Level, SizeInterval
from sufficient.answer.criteria import Criterion
from sufficient.answer.forecast import forecast, more_ends, more_needed
from sufficient.answer.measures import Measures, rising
from sufficient.answer.outlook import CurveBelief, ahead
from sufficient.answer.per_class import MOST_NAMED, with_need, worst
from sufficient.answer.prediction import TargetForecast, forecast_target
from sufficient.answer.series import Quantity
from sufficient.notice import Notice
from sufficient.study.growth import Growth

QUANTITY: dict[str, Quantity] = {
    "rel-tol": "relative", "accuracy": "error", "error": "error", "loss": "loss", "min-gain": "error",
}  # fmt: skip


def need(measures: Measures, asked: Criterion) -> Forecast | None:
    """Return how many objects the criterion needs; None for a least gain, or a tolerance of few sizes."""
    if asked.kind == "min-gain":
        return None
    if asked.kind == "tol":
        return forecast(Growth.of(measures.record), measures.measured, tol=asked.value)
    found = believed(measures.belief(QUANTITY[asked.kind]), asked)
    return found if isinstance(found, Forecast) else in_objects(measures, found)


def believed(belief: CurveBelief, asked: Criterion) -> TargetForecast | Forecast:
    """Return what the curves say of the criterion; a Forecast without a number where they say nothing.

    A peaking, dipping, flat or too noisy curve gets no number, as no law describes it, unless the criterion
    is met at the largest size.
    """
    notice, curves = belief
    if curves is None:
        return _without_number(notice)
    curves = rising(curves) if asked.kind == "accuracy" else curves
    if notice is not None and not curves.meets(asked.value):
        return _without_number(notice)
    return forecast_target(curves, asked.value)


def in_objects(measures: Measures, found: TargetForecast) -> Forecast:
    """Return the forecast with how many objects to collect at the same shares."""
    growth = Growth.of(measures.record)
    return Forecast(
        k_needed=found.k_needed,
        k_interval=found.k_interval,
        more_needed=more_needed(growth, found.k_needed),
        more_interval=more_ends(growth, found.k_interval),
        extrapolation=found.extrapolation,
        probability_beyond_10x=found.probability_beyond_10x,
        path=found.path,
        probability_unreachable=found.probability_unreachable,
        notices=found.notices,
    )


def gain(measures: Measures, *, without_last: int = 0) -> Level | None:
    """Return by how much doubling the last size run raises accuracy, 90 %; None where no laws say."""
    curves = ahead(measures.belief("error", without_last=without_last))
    return None if curves is None else Level(*curves.doubled())


def with_needs(measures: Measures, asked: Criterion | None) -> tuple[ClassAnswer, ...]:
    """Return the classes, the worst ones with how many of their objects an accuracy asked for needs.

    One whose 95 % interval already lies above that accuracy needs none.
    """
    classes = measures.per_class
    if asked is None:
        return classes
    named = {each.name for each in worst(classes)[:MOST_NAMED]}
    return tuple(_with_need(measures, each, asked) if each.name in named else each for each in classes)


def _with_need(measures: Measures, each: ClassAnswer, asked: Criterion) -> ClassAnswer:
    target = asked.value if asked.kind == "accuracy" else 1 - asked.value
    if each.accuracy is not None and each.accuracy.lo >= target:
        return each
    found = believed(measures.class_belief(each.name), asked)
    if isinstance(found, Forecast):
        return each
    growth, everything = Growth.of(measures.record), measures.record.shares.all_objects

    def of_class(k: int | None) -> int | None:
        more = more_needed(growth, k)
        return None if more is None else math.ceil((1 + more / everything) * each.objects)

    ends: SizeInterval = of_class(found.k_interval[0]), of_class(found.k_interval[1])
    return with_need(each, of_class(found.k_needed), ends)


def _without_number(notice: Notice | None) -> Forecast:
    return Forecast(
        None, (None, None), None, (None, None), None, None, (), None, () if notice is None else (notice,)
    )
