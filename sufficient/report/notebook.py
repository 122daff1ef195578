"""An estimate as a notebook shows it: the verdict, the curve, the outlook."""

from __future__ import annotations

from sufficient.report.criteria_text import ASKED
from sufficient.report.export import encodable
from sufficient.report.local_names import local
from sufficient.report.page import DARK, LIGHT, draw, stylesheet, templates
from sufficient.report.text import explain, headline
from sufficient.result import Estimate

SHOWN = ("decided", "tol", "measured", ASKED, "reason", "how many")  # labels of lines


def notebook_html(estimate: Estimate) -> str:
    """Return a fragment of HTML without script: what `Estimate._repr_html_` gives."""
    estimate = local(estimate)
    drawn = draw(estimate, widths=("wide",), scales=("log",))
    said = explain(drawn.answer, estimate.record)
    return encodable(
        templates()
        .get_template("notebook.html.j2")
        .render(
            answer=drawn.answer,
            headline=headline(drawn.answer),
            lines=[(label, text) for label, text in said if label in SHOWN],
            verdict=drawn.table[drawn.own].verdict,
            chart=drawn.charts[0],
            more=[text for label, text in said if label == "more data"],
            css=stylesheet("chart.css"),
            light=LIGHT,
            dark=DARK,
        )
    )
