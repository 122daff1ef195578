"""The page people pass on: one HTML file, no network, the same bytes from the same record."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import product
from typing import TYPE_CHECKING, Any

from sufficient import __version__
from sufficient.answer.answer import Answer
from sufficient.report import style
from sufficient.report.export import encodable
from sufficient.report.local_names import local, shown_option
from sufficient.report.marks import Path
from sufficient.report.methods import REFERENCES, methods
from sufficient.report.page_chart import CurveChart, Scale, Width, curve_chart
from sufficient.report.page_facts import STAGE_COLUMNS, alone, asked_words, facts, shares_of, stage_rows
from sufficient.report.page_more import blocks, plan_warnings
from sufficient.report.page_outlook import outlook_charts
from sufficient.report.page_plan import plan_chart
from sufficient.report.page_table import Row, answers, is_round, rows
from sufficient.report.text import explain, headline
from sufficient.result import Estimate

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

POWER = re.compile(r"\b(k)\^(−?\d+(?:\.\d+)?)")
EXPONENT = re.compile(r"[\d.]+e-\d+")
SKIPPED_SHOWN = 30  # names on the page; skipped.csv has them all
WIDTHS: tuple[Width, ...] = ("wide", "narrow")
SCALES: tuple[Scale, ...] = ("log", "linear")

LIGHT = {
    "measured": style.MEASURED,
    "limit": style.LIMIT,
    "forecast": style.FORECAST,
    "met": style.MET,
    "bound": style.BOUND,
    "guide": style.GUIDE,
    "forecast-text": "#8A5E00",  # the ochre of a line is too light for small letters
}
DARK = {  # the same hues of Okabe and Ito's palette, light enough for a dark ground
    "measured": "#56B4E9",
    "limit": "#FF8A4C",
    "forecast": "#E6B03A",
    "met": "#35C79B",
    "bound": "#D79BC8",
    "guide": "#8A8F98",
    "forecast-text": "#E6B03A",
}


@dataclass(frozen=True)
class Drawn:
    """The answer, the table with the run's own tolerance among it, and the curve in every width and scale."""

    answer: Answer  # of all that was asked
    table: tuple[Row, ...]  # each tolerance alone
    own: int  # place of the run's tolerance in the table
    charts: tuple[CurveChart, ...]


def page(estimate: Estimate) -> str:
    """Return the report of an estimate as one HTML file: no network, and readable without JavaScript.

    What the reader sees when they drag the tolerance was judged here, by the functions that judged the run.
    """
    estimate = local(estimate)
    drawn = draw(estimate)
    context = {**_told(estimate, drawn), **_checked(estimate), **_drawn(drawn), **assets("page.js")}
    return encodable(templates().get_template("report.html.j2").render(context))


def _told(estimate: Estimate, drawn: Drawn) -> dict[str, Any]:
    """Return what the page says about the answer."""
    answer, own = drawn.answer, drawn.answer.tolerance
    return {
        "headline": headline(answer),
        "asked": asked_words(answer),
        "alone": alone(answer),
        "title": f"{estimate.record.data['spec']} · {estimate.record.features['name']}",
        "answer": answer,
        "row": drawn.table[drawn.own],
        "facts": facts(answer, estimate.record.data),
        "told": _grouped(explain(answer, estimate.record)),
        "round_rows": [row for row in drawn.table if is_round(row.tolerance) or row.tolerance == own],
        "more": blocks(estimate.to_dict()),
        "plan_warnings": plan_warnings(estimate.planned),
        "plan_chart": plan_chart(estimate.planned),
        "stages": stage_rows(answer),
        "stage_columns": STAGE_COLUMNS,
    }


def _checked(estimate: Estimate) -> dict[str, Any]:
    """Return what the page says about data, model and how it was computed."""
    record, options = estimate.record, estimate.options.resolved()
    return {
        "data": record.data,
        "features": record.features,
        "model": record.model,
        "shares": shares_of(record),
        "skipped": estimate.skipped[:SKIPPED_SHOWN],
        "not_shown": max(0, len(estimate.skipped) - SKIPPED_SHOWN),
        "options": [(name, shown_option(name, value)) for name, value in options.items()],
        "environment": _environment(estimate),
        "methods": methods(estimate),
        "references": REFERENCES,
    }


def _drawn(drawn: Drawn) -> dict[str, Any]:
    """Return the drawings, and the table that the script looks up."""
    axes = [
        {"x": chart.x.plain(), "y": chart.y.plain(), "mark_line": chart.mark_line} for chart in drawn.charts
    ]
    return {
        "charts": drawn.charts,
        "outlook": outlook_charts(drawn.answer),
        "own": drawn.own,
        "table": {
            "own": drawn.own,
            "alone": alone(drawn.answer),
            "rows": [row.plain() for row in drawn.table],
            "charts": axes,
        },
    }


def assets(script: str = "") -> dict[str, Any]:
    """Return what every page takes from its templates: colours, styles, and a script's text with its hash.

    The hash is all that the page's policy lets run; without a script nothing runs.
    """
    from markupsafe import Markup

    text = _text(script) if script else ""
    return {
        "version": __version__,
        "light": LIGHT,
        "dark": DARK,
        "css": stylesheet("chart.css", "page.css"),
        "script": Markup(text),
        "script_hash": base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() if text else "",
    }


def draw(estimate: Estimate, *, widths: Sequence[Width] = WIDTHS, scales: Sequence[Scale] = SCALES) -> Drawn:
    """Return what the page and the notebook draw, judged from the record."""
    judged = answers(estimate)
    table = rows(estimate, judged)
    own = [row.tolerance for row in table].index(estimate.answer.tolerance)
    path: Path = next((answer.forecast.path for answer in judged if answer.forecast is not None), ())
    floor = table[0].tolerance
    charts = tuple(
        curve_chart(judged[own], table[own], path, kind=kind, scale=scale, floor=floor)
        for kind, scale in product(widths, scales)
    )
    return Drawn(estimate.answer, table, own, charts)


def stylesheet(*names: str) -> Markup:
    """Return the templates' own style sheets, as they are."""
    from markupsafe import Markup

    return Markup("".join(_text(name) for name in names))


@cache
def templates() -> Environment:
    """Return the templates; everything put into them is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("sufficient.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"tight": tight, "sentence": sentence}
    return made


def tight(text: str) -> Markup:
    """Return the escaped text in which `1e-4` and `k = 32` stay on one line and k^−1 is a power."""
    from markupsafe import Markup, escape

    whole = str(escape(text.replace(" = ", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}")))
    whole = POWER.sub(r"\1<sup>\2</sup>", whole)
    return Markup(EXPONENT.sub(r'<span class="nb">\g<0></span>', whole))


def sentence(text: str) -> str:
    """Return a line of the terminal as a sentence; k stays small."""
    started = text if text.startswith(("k ", "k*")) else text[:1].upper() + text[1:]
    return started if started.endswith((".", "]")) else f"{started}."


def _text(name: str) -> str:
    return resources.files("sufficient.report").joinpath("templates", name).read_text(encoding="utf-8")


def _grouped(lines: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Return label → its texts."""
    grouped: dict[str, list[str]] = {}
    for label, text in lines:
        grouped.setdefault(label, []).append(text)
    return grouped


def _environment(estimate: Estimate) -> list[tuple[str, Any]]:
    """Return what the numbers depend on beside data and options, as rows."""
    seen: Mapping[str, Any] = estimate.environment
    wanted = ("sufficient", "python", "platform", "cores", "threads", "device", "device_name", "clock")
    found = [(name.replace("_", " "), seen[name]) for name in wanted if seen.get(name) is not None]
    return found + [(name, version) for name, version in seen.get("libraries", {}).items() if version]
