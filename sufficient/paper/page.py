"""The reproduction as one HTML file: `report.html`, the manner of an estimate's own page."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from sufficient.paper.claims import PANELS, Claim
from sufficient.paper.markdown import (
    COMPARED,
    CORRECTED,
    ONE_RUN,
    comparison_cells,
    dead_words,
    drawn_words,
    least_lines,
    smoothing_lines,
)
from sufficient.paper.page_chart import panel_chart, slope_chart
from sufficient.paper.protocol import NETWORKS
from sufficient.paper.published import count, published_slopes
from sufficient.paper.report import PROTOCOL, PaperReport, SweepReport
from sufficient.paper.text import IN_SHORT, claim_effect
from sufficient.report.export import encodable
from sufficient.report.local_names import ABSOLUTE, last_part
from sufficient.report.methods import REFERENCES
from sufficient.report.page import assets, sentence, templates
from sufficient.report.page_facts import Fact
from sufficient.rounding import counted, duration, objects, signed

if TYPE_CHECKING:
    from jinja2 import Environment

# Five steps of lightness each, as in the figures: told apart by every kind of colour vision and in grey.
LIGHT = ("#2D1160", "#8C2981", "#D3436E", "#E5713A", "#C79A00")
DARK = ("#8F7BE8", "#C86BC4", "#F06F92", "#F7A072", "#F3DC7B")
SLOPES = (("a", "(a) slope over the width, α"), ("b", "(b) slope over the depth, β"))
CITED = (REFERENCES[0], REFERENCES[2])  # the paper; Adam


def page(report: PaperReport) -> str:
    """Return the reproduction as one HTML file without network or script: same sweeps, same bytes."""
    shared = assets()
    context = {
        **shared,
        "light": {**shared["light"], **_curve_colours(LIGHT)},
        "dark": {**shared["dark"], **_curve_colours(DARK)},
        "headline": _headline(report),
        "counted": _counted(report),
        "facts": list(_facts(report)),
        "reversed": list(_reversed(report)),
        "in_short": IN_SHORT,
        "claims": [(sweep.saved.sweep.name, _claims(sweep)) for sweep in report.sweeps],
        "slopes": [slope_chart(report.sweeps, key, title) for key, title in SLOPES] if report.sweeps else [],
        "sweeps": [_sweep(sweep) for sweep in report.sweeps],
        "compared": COMPARED,
        "one_run": ONE_RUN,
        "not_run": [(i.what, _placeless(i.reason), _placeless(i.next)) for i in report.not_run],
        "methods": _methods(report),
        "corrected": [_titled(text) for text in CORRECTED],
        "references": CITED,
    }
    return encodable(_templates().get_template("paper.html.j2").render(context))


@cache
def _templates() -> Environment:
    """Return the report's templates with those of this room before them."""
    from jinja2 import ChoiceLoader, PackageLoader

    shared = templates()
    assert shared.loader is not None
    return shared.overlay(loader=ChoiceLoader([PackageLoader("sufficient.paper"), shared.loader]))


def _curve_colours(colours: tuple[str, ...]) -> dict[str, str]:
    return {f"curve-{number}": colour for number, colour in enumerate(colours, 1)}


def _headline(report: PaperReport) -> str:
    if not report.sweeps:
        return "Nothing could be run."
    if not report.count().compared:
        return f"{counted(len(report.sweeps), 'sweep')}, none of them on the paper’s own inputs."
    return f"{report.count().words} published curves lie within our seeds’ range."


def _counted(report: PaperReport) -> str:
    """Return over what the published curves were counted; "" where none were."""
    total = report.count()
    if not total.compared:
        return ""
    dead = f"; {total.not_drawn} more were not drawn there (dead)" if total.not_drawn else ""
    own = counted(len(report.on_paper_inputs), "sweep")
    return f"Counted over the {own} on the paper’s own inputs, our range widened by 15 %{dead}."


def _facts(report: PaperReport) -> Iterator[Fact]:
    """Yield the figures that a reader in a hurry wants."""
    trainings, dead = sum(s.trainings for s in report.sweeps), sum(s.dead for s in report.sweeps)
    missing = f"{len(report.not_run)} could not be run" if report.not_run else "all that were asked for"
    yield Fact("sweeps", objects(len(report.sweeps)), missing)
    yield Fact("trainings", objects(trainings), f"{objects(dead)} of them dead")
    for key, name in (("a", "difference falls with h"), ("b", "difference grows with depth")):
        found = [c.finding for s in report.sweeps for c in s.claims.claims if c.key == key]
        words = {"reverses": "reversed", "not resolved": "not resolved"}
        rest = [f"{found.count(word)} {told}" for word, told in words.items() if word in found]
        yield Fact(f"({key}) {name}", f"{found.count('holds')} of {len(found)}", ", ".join(rest) or "hold")


def _reversed(report: PaperReport) -> Iterator[str]:
    for sweep in report.sweeps:
        for claim in sweep.claims.claims:
            if claim.finding == "reverses":
                yield f"{sweep.saved.sweep.name} ({claim.key}), {_effect(claim)}"


def _claims(sweep: SweepReport) -> list[tuple[str, str]]:
    """Return finding and effect of the four claims."""
    return [(claim.finding, _effect(claim)) for claim in sweep.claims.claims]


def _sweep(report: SweepReport) -> dict[str, Any]:
    """Return what the page says about one sweep."""
    sweep, origin = report.saved.sweep, report.saved.origin
    published = published_slopes(sweep.dataset, sweep.mode)
    return {
        "name": sweep.name,
        "source": f"{sentence(_placeless(sweep.source)).removesuffix('.')}.",
        "spec": last_part(origin.spec),
        "fingerprint": origin.fingerprint[:16],
        "paper_inputs": origin.paper_inputs,
        "size": f"{counted(sweep.classes, 'class', 'classes')}, {counted(len(sweep.seeds), 'seed')} × "
        f"{len(NETWORKS)} networks, {dead_words(report)}.",
        "panels": [panel_chart(report, panel) for panel in PANELS],
        "told": [
            *(f"{drawn_words(panel, drawn)}" for panel, drawn in report.claims.drawn.items()),
            *smoothing_lines(report),
            *least_lines(report),
            *([] if published is None else [_published_run(*published)]),
        ],
        "claims": [_claim(claim) for claim in report.claims.claims],
        "comparisons": [comparison_cells(item) for item in report.comparisons],
        "within": count(report.comparisons).words,
    }


def _claim(claim: Claim) -> tuple[str, str, str, str]:
    return f"({claim.key}) {claim.statement}", claim.finding, _effect(claim), claim.note


def _effect(claim: Claim) -> str:
    """Return the claim's effect, its interval on one line."""
    return claim_effect(claim).replace(", ", ",\N{NO-BREAK SPACE}")


def _published_run(alpha: float, beta: float, networks: int) -> str:
    return (
        f"A fit to the published curves, over the {networks} drawn networks (ours: over all "
        f"{len(NETWORKS)}), one training each: α = {signed(alpha)}, β = {signed(beta)}, without an interval."
    )


def _methods(report: PaperReport) -> list[str]:
    """Return the protocol, as paragraphs ready to paste."""
    trained = duration(sum(sweep.saved.sweep.seconds for sweep in report.sweeps))
    return [
        f"Objects: {PROTOCOL['objects']}. Network: {PROTOCOL['network']}; {len(NETWORKS)} of them, h in 4 to "
        f"64 and L in 1 to 10. Depth: {PROTOCOL['depth']}. Training: {PROTOCOL['training']} [2].",
        f"After training, |L(k+1) − L(k)| at the fitted point [1] is averaged over {PROTOCOL['orders']} "
        "random orders of the same objects and smoothed by a moving average of factor "
        f"{PROTOCOL['smoothing']}. Dead: {PROTOCOL['dead']}; dead trainings are counted, and leave ranges "
        "and slopes.",
        "Claims (a) and (b): per seed one least-squares fit log C = a + α log h + β log layers over its live "
        "networks, then a 95 % t interval over seeds; a claim holds where the interval lies on its side of "
        "0, reverses where it lies on the other, and is not resolved where 0 is inside. (c) is an identity, "
        "exact for every θ, and no evidence; (d) holds by construction at the fitted point, and only how "
        "loose the bound is, M_ℓ/C, is measured.",
        f"All sweeps were trained in {trained}. Every training stands in sweep.csv, versions and machine in "
        "environment.json.",
    ]


def _titled(text: str) -> tuple[str, str]:
    """Return `**title.** rest` as its two parts."""
    title, _, rest = text.removeprefix("**").partition("**")
    return title, rest.strip()


def _placeless(text: str) -> str:
    """Return the text without folders that only its machine knows."""
    return ABSOLUTE.sub("", text)
