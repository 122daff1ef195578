"""A comparison as one HTML file: the manner of the report, nothing runs in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sufficient.report.compare import Comparison
from sufficient.report.compare_chart import compare_chart
from sufficient.report.compare_figure import COLOURS
from sufficient.report.compare_names import differing_options
from sufficient.report.compare_text import conclusions, rows
from sufficient.report.export import encodable
from sufficient.report.methods import REFERENCES
from sufficient.report.page import WIDTHS, assets, templates
from sufficient.rounding import objects, tolerance

DARK = ("#56B4E9", "#E6B03A", "#35C79B", "#D79BC8", "#E8EAED", "#8C9BFF")


def compare_page(comparison: Comparison) -> str:
    """Return the comparison as one HTML file: no network, no script, the same bytes from the same runs."""
    shared = assets()
    context = {
        **shared,
        "light": {**shared["light"], **series_colours(COLOURS)},
        "dark": {**shared["dark"], **series_colours(DARK)},
        "comparison": comparison,
        "tol": tolerance(comparison.tolerance),
        "conclusions": conclusions(comparison),
        "rows": rows(comparison),
        "charts": [compare_chart(comparison, kind) for kind in WIDTHS],
        "apart": _apart(comparison),
        "reference": REFERENCES[0],
    }
    return encodable(templates().get_template("compare.html.j2").render(context))


def series_colours(colours: Sequence[str]) -> dict[str, str]:
    """Return `series-1` → its colour."""
    return {f"series-{number}": colour for number, colour in enumerate(colours, 1)}


def _apart(comparison: Comparison) -> list[tuple[str, tuple[Any, ...]]]:
    """Return what was compared, label → one cell a run: data, features, model, and options that differ."""
    estimates = [side.estimate for side in comparison.sides]
    records = [estimate.record for estimate in estimates]
    return [
        ("data", tuple(record.data["spec"] for record in records)),
        ("fingerprint", tuple(record.data["fingerprint"][:16] for record in records)),
        ("objects used", tuple(objects(record.data["used"]) for record in records)),
        ("classes", tuple(objects(len(record.classes)) for record in records)),
        ("features", tuple(record.features["name"] for record in records)),
        ("model", tuple(record.model["description"] for record in records)),
        *differing_options(estimates).items(),
        ("warnings", tuple(_codes(estimate.answer.warnings) for estimate in estimates)),
    ]


def _codes(warnings: Sequence[Any]) -> str:
    return ", ".join(dict.fromkeys(notice.code for notice in warnings)) or "none"
