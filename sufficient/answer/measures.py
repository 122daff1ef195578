"""What no criterion changes of a record: each part computed once, when it is first asked for."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property

import numpy as np

from sufficient.answer import words
from sufficient.answer.answer import ClassAnswer, CurvePoint, Level, Outlook, Rate
from sufficient.answer.held_out import HeldOut
from sufficient.answer.interval import Measured, learned_stages, measure
from sufficient.answer.outlook import CurveBelief, outlook
from sufficient.answer.per_class import class_errors, per_class
from sufficient.answer.prediction import Ensemble, predict
from sufficient.answer.rate import rate
from sufficient.answer.series import Quantity, Reading, readings
from sufficient.answer.shapes import shape_notice
from sufficient.notice import Notice
from sufficient.study.record import Floats, Record

BOUNDS: dict[Quantity, tuple[float, float]] = {
    "error": (0.0, 1.0),
    "loss": (0.0, math.inf),
    "relative": (0.0, math.inf),
}
NAMES: dict[Quantity, str] = {
    "error": "accuracy",
    "loss": "unseen loss",
    "relative": "the relative difference",
}


class Measures:
    """A record with what follows from it before anything is asked. Not for two threads at once."""

    def __init__(self, record: Record) -> None:
        self.record, self.held_out = record, HeldOut(record)
        self._readings: dict[Quantity, tuple[Reading, ...]] = {}
        self._beliefs: dict[tuple[Quantity, int], CurveBelief] = {}
        self._class_beliefs: dict[str, CurveBelief] = {}

    @property
    def pool(self) -> int:
        """Objects of the whole fit pool, read or not."""
        return self.record.shares.pool

    @property
    def complete(self) -> bool:
        """Whether the whole fit pool was run."""
        return bool(self.record.stages) and self.record.stages[-1].size >= self.pool

    @cached_property
    def measured(self) -> tuple[Measured, ...]:
        """δ_k of each stage, with the parts of its interval."""
        return measure(self.record)

    @cached_property
    def points(self) -> tuple[CurvePoint, ...]:
        """δ_k of each stage."""
        return tuple(stage.point for stage in self.measured)

    @cached_property
    def rate(self) -> Rate | None:
        """Observed exponent of δ_k."""
        return rate(self.record, self.points)

    @cached_property
    def outlook(self) -> Outlook | None:
        """Accuracy and loss now and with twice the objects."""
        return outlook(self.points, self.belief("error"), self.belief("loss"))

    @cached_property
    def learned(self) -> list[bool]:
        """Whether each stage learned."""
        return learned_stages(self.record)

    @cached_property
    def difference(self) -> tuple[Reading, ...]:
        """δ_k as a reading of each stage."""
        return tuple(
            Reading(
                p.k,
                p.learned,
                None
                if p.difference is None or p.lo is None or p.hi is None
                else Level(p.difference, p.lo, p.hi),
            )
            for p in self.points
        )

    def readings(self, quantity: Quantity) -> tuple[Reading, ...]:
        """Return the quantity at each stage."""
        if quantity not in self._readings:
            self._readings[quantity] = readings(
                self.record,
                quantity,
                learned=self.learned,
                held=self.held_out,
            )
        return self._readings[quantity]

    def belief(self, quantity: Quantity, *, without_last: int = 0) -> CurveBelief:
        """Return the curves believed after all stages, or all but the last few; None with too few sizes."""
        stages = len(self.record.stages) - without_last
        if (quantity, stages) not in self._beliefs:
            usable = [
                r for r in self.readings(quantity)[: max(stages, 0)] if r.learned and r.level is not None
            ]
            self._beliefs[quantity, stages] = _belief(
                np.array([r.k for r in usable], dtype=np.float64),
                np.array([r.level.value for r in usable if r.level is not None]),
                np.array([r.independent for r in usable]),
                np.array([r.common for r in usable]),
                quantity,
            )
        return self._beliefs[quantity, stages]

    @cached_property
    def per_class(self) -> tuple[ClassAnswer, ...]:
        """Each class at the largest size that learned, the largest share of the error first."""
        return per_class(self.record, self.learned, self.held_out)

    def class_belief(self, name: str) -> CurveBelief:
        """Return the curves believed of one class's error."""
        if name not in self._class_beliefs:
            found = class_errors(self.record, name, self.learned, self.held_out)
            self._class_beliefs[name] = (None, None) if found is None else _belief(*found, "error")
        return self._class_beliefs[name]

    @cached_property
    def warnings(self) -> tuple[Notice, ...]:
        """What the record says itself, and what its stages give reason to doubt."""
        return (*self.record.notices, *words.stage_warnings(self.record))


def rising(curves: Ensemble) -> Ensemble:
    """Return curves of an error as curves of accuracy."""
    return replace(curves, direction="rising")


def _belief(k: Floats, value: Floats, independent: Floats, common: Floats, quantity: Quantity) -> CurveBelief:
    notice = shape_notice(k, value, independent, name=NAMES[quantity])
    if notice is not None and notice.code == "TOO-FEW-SIZES":
        return notice, None
    return notice, predict(
        k,
        value,
        independent=independent,
        common=common,
        direction="falling",
        bounds=BOUNDS[quantity],
    )
