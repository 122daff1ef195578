"""Forecasts of runs made elsewhere as JSON, in the form of `forecast.schema.json`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from sufficient import __version__
from sufficient.answer.external_runs import RunsAnswer
from sufficient.notice import Notice

FORECAST_VERSION = 1


def runs_dict(
    answers: Sequence[RunsAnswer], notices: Sequence[Notice], *, spec: str, test_size: int | None
) -> dict[str, Any]:
    """Return the forecasts as plain JSON values; an interval is a pair, an open end None."""
    return {
        "schema_version": FORECAST_VERSION,
        "tool": {"name": "sufficient", "version": __version__},
        "command": "forecast",
        "runs": spec,
        "test_size": test_size,
        "targets": [_answer(each) for each in answers],
        "notices": [dataclasses.asdict(notice) for notice in notices],
    }


def _answer(answer: RunsAnswer) -> dict[str, Any]:
    found = answer.forecast
    rows = zip(answer.curve.n, answer.curve.replicates, answer.measured, strict=True)
    return {
        "kind": answer.criterion.kind,
        "value": answer.criterion.value,
        "columns": list(answer.columns),
        "measured": [{"n": int(n), "replicates": r, **dataclasses.asdict(level)} for n, r, level in rows],
        "n_met": answer.met_from,
        "n_needed": found.k_needed,
        "n_interval": list(found.k_interval),
        "extrapolation": found.extrapolation,
        "probability_unreachable": found.probability_unreachable,
        "probability_beyond_10x": found.probability_beyond_10x,
        "ahead": [dataclasses.asdict(each) for each in answer.ahead],
        "notices": [dataclasses.asdict(notice) for notice in found.notices],
    }
