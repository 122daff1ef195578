"""The reproduction for a person to read: `report.md`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sufficient.paper.claims import PANELS, Claim, Drawn, Panel, live_networks, overstatement
from sufficient.paper.protocol import NETWORKS, Network
from sufficient.paper.published import PublishedComparison, count, published_slopes
from sufficient.paper.report import PROTOCOL, PaperReport, SweepReport
from sufficient.paper.text import claim_effect
from sufficient.rounding import counted, duration, interval, nats, share, signed

CORRECTED = (
    "**Theorem 1's product.** The printed bound lets the product of the weights' norms start one factor too "
    "early (s = p for s = p + 1), so it fails for small weights: one layer, 5 classes, ‖x‖² = 5.0 "
    "and M_W = 0.15 have a Hessian of norm 1.00 and a printed bound of 0.19. "
    "‖diag(p) − ppᵀ‖ is at most ½, not √2.",
    "**Lemma 1's factor.** The proof gives 2 (M_ℓ + M_H R²)/(k + 1); Taylor's ½ was dropped, and "
    "|a − b| ≤ max(a, b) for a, b ≥ 0 needs no 2: (M_ℓ + ½ M_H R²)/(k + 1).",
    "**The smoothing.** The figures show a moving average (factor 0.99, started at the first value) over k. "
    "It overstates the curve, typically 20 to 27 times for k in 50 to 200, 1.2 times at 1,000, 5 to 7 % at "
    "2,000 and 1 % at 9,990. The closed form C/(k + 1) beside it is the curve itself.",
    "**Depth.** The figures' L counts the maps from hidden layer to hidden layer: L = layers − 2. A network "
    "labelled L = 5 has 7 linear layers.",
    "**The features.** The authors used the pooler's output, whose layer has no trained weights in that "
    "checkpoint: a random projection of the class token. Both are offered, `pooler` and `cls`.",
    "**What this view cannot tell.** One network, fitted on all objects and scored on these same objects, "
    "cannot size a data set: where it has memorised them, every loss and so every difference is near 0, and "
    "where it has learned nothing, all losses are alike and the difference is small too. "
    "`sufficient estimate` fits on k objects and scores on unseen ones instead.",
)
ONE_RUN = (
    "The paper shows one training a curve. The spread over seeds is as large as most of the effects in its "
    "figures, so a single curve may lie anywhere in our band; ours is the range over live seeds, widened by "
    "15 %. Curves that it does not draw are of dead networks, whose differences are all 0: a log axis cannot "
    "show them."
)
COMPARED = ("panel", "network", "published C", "ours, live seeds", "live", "outcome")
PANEL_WORDS: dict[Panel, str] = {"width": "over h at L = 5", "depth": "over L at h = 16"}


def markdown(report: PaperReport, *, figures: str) -> str:
    """Return the report; `figures` is the folder that holds them, relative to the report."""
    parts = [
        "# The paper, reproduced",
        "*Unraveling the Hessian: A Key to Smooth Convergence in Loss Function Landscapes* (Kiselev, "
        "Grabovoy; arXiv 2409.11995), figures 2 to 5. Losses in nats.",
        *_summary(report),
        *_not_run(report),
        "## Protocol",
        f"Objects: {PROTOCOL['objects']}. Network: {PROTOCOL['network']}; {len(NETWORKS)} of them, "
        f"h in 4 to 64 and L in 1 to 10. Depth: {PROTOCOL['depth']}. Training: {PROTOCOL['training']}. Then "
        f"|L(k+1) − L(k)| at the fitted point, averaged over {PROTOCOL['orders']} random orders of the same "
        f"objects, smoothed by a moving average of factor {PROTOCOL['smoothing']}. Dead: "
        f"{PROTOCOL['dead']}; dead trainings are counted, and leave ranges and slopes.",
        *(part for sweep in report.sweeps for part in _sweep(sweep, figures)),
        "## What we corrected",
        "\n".join(f"- {item}" for item in CORRECTED),
        "## How it was run",
        f"Trained in {duration(sum(sweep.saved.sweep.seconds for sweep in report.sweeps))} in all, on "
        f"{report.environment.get('device', 'an unknown device')}; this sitting took "
        f"{duration(report.seconds)}. Versions and machine: `environment.json`. Every training: `sweep.csv`.",
    ]
    return "\n\n".join(parts) + "\n"


def _summary(report: PaperReport) -> Iterator[str]:
    rows = [
        [sweep.saved.sweep.name, *(_short(claim) for claim in sweep.claims.claims)] for sweep in report.sweeps
    ]
    if rows:
        yield "## The claims"
        yield _table(["sweep", "(a) falls with h", "(b) grows with depth", "(c) rate 1/k", "(d) bound"], rows)
        yield (
            "*holds*: the 95 % interval over seeds lies on the claimed side of 0; *reverses*: on the other; "
            "*not resolved*: 0 is inside, or there are fewer than 2 seeds. (c) is an *identity*, exact for "
            "every θ, trained or not: it is no evidence. (d) holds by construction at the fitted point; only "
            "how loose it is, M_ℓ/C, is measured."
        )
        reversed_claims = [
            f"{sweep.saved.sweep.name} ({claim.key}), {claim_effect(claim)}"
            for sweep in report.sweeps
            for claim in sweep.claims.claims
            if claim.finding == "reverses"
        ]
        if reversed_claims:
            yield f"**Reversed:** {'; '.join(reversed_claims)}."
    if report.on_paper_inputs:
        total = report.count()
        not_drawn = f"; {total.not_drawn} more were not drawn (dead)" if total.not_drawn else ""
        yield "## The published curves"
        yield (
            f"**{total.words}** published curves lie within our seeds' range, over the sweeps on the paper's "
            f"own inputs{not_drawn}. {ONE_RUN}"
        )


def _not_run(report: PaperReport) -> Iterator[str]:
    if report.not_run:
        yield "## Not run"
        yield "\n".join(f"- **{item.what}**: {item.reason} To go on: {item.next}." for item in report.not_run)


def _sweep(report: SweepReport, figures: str) -> Iterator[str]:
    sweep, origin = report.saved.sweep, report.saved.origin
    yield f"## {sweep.name}"
    inputs = (
        "The paper's own inputs."
        if origin.paper_inputs
        else "**Not the paper's own inputs:** its curves are shown for comparison and not counted."
        if report.comparisons
        else "Not a data set of the paper."
    )
    yield (
        f"{sweep.source[0].upper()}{sweep.source[1:]}. {inputs} "
        f"{sweep.classes} classes, {counted(len(sweep.seeds), 'seed')} × {len(NETWORKS)} networks, "
        f"{dead_words(report)}."
    )
    for panel in PANELS:
        yield f"![{sweep.name}, {PANEL_WORDS[panel]}]({figures}/{sweep.name}-{panel}.png)"
    yield _table(
        ["claim", "finding", "effect, 95 % over seeds", "note"],
        [
            [f"({c.key}) {c.statement}", f"*{c.finding}*", claim_effect(c), c.note]
            for c in report.claims.claims
        ],
    )
    published = published_slopes(sweep.dataset, sweep.mode)
    if published is not None:
        yield (
            f"A fit to the published curves, over the {published.networks} drawn networks (ours: over all "
            f"{len(NETWORKS)}), one training each: α = {signed(published.alpha)}, "
            f"β = {signed(published.beta)}, without an interval."
        )
    yield "\n".join(f"- {drawn_words(panel, drawn)}" for panel, drawn in report.claims.drawn.items())
    yield from smoothing_lines(report)
    yield from least_lines(report)
    if report.comparisons:
        total = count(report.comparisons)
        yield f"{total.words} published curves within our live seeds' range, widened by 15 %:"
        yield _table(
            COMPARED,
            [comparison_cells(item) for item in report.comparisons],
        )


def dead_words(report: SweepReport) -> str:
    """Return how many trainings died, and of which networks."""
    if not report.dead:
        return "none of them dead"
    counts = report.saved.sweep.dead.sum(axis=0).tolist()
    named = ", ".join(
        f"h = {net.hidden}, L = {net.label}: {dead}"
        for net, dead in zip(NETWORKS, counts, strict=True)
        if dead
    )
    return f"{report.dead} of {report.trainings} trainings dead ({named})"


def drawn_words(panel: Panel, drawn: Drawn) -> str:
    """Return C of a panel's networks and whether they are monotone."""
    values = ", ".join("dead" if value is None else nats(value) for value in drawn.constants)
    words = {"falls": "falls throughout", "rises": "rises throughout", "neither": "not monotone"}
    return f"C {PANEL_WORDS[panel]}, median over live seeds: {values}: {words[drawn.trend]}."


def smoothing_lines(report: SweepReport) -> Iterator[str]:
    """Yield by how much the smoothing of the figures overstates the curve."""
    factors = {k: overstatement(report.saved.sweep, k) for k in (50, 100, 200, 1000)}
    told = [f"{nats(factor)} at k = {k:,}" for k, factor in factors.items() if factor is not None]
    if told:
        yield f"The smoothed curve over C/(k + 1), median over live networks: {', '.join(told)}."


def least_lines(report: SweepReport) -> Iterator[str]:
    """Say what the network with the smallest difference had learned: why C cannot size a data set."""
    sweep, live = report.saved.sweep, live_networks(report.saved.sweep)
    if live.any():
        s, n = np.unravel_index(np.argmin(np.where(live, sweep.constant, np.inf)), live.shape)
        yield (
            f"The smallest C of a live network, {nats(float(sweep.constant[s, n]))}, belongs to "
            f"{_name(NETWORKS[int(n)])}, which classifies {share(float(sweep.accuracy[s, n]))} of its own "
            f"objects rightly; the best classifies {share(float(sweep.accuracy[live].max()))}."
        )


def comparison_cells(item: PublishedComparison) -> list[str]:
    """Return a published curve against ours, cell by cell as in `COMPARED`."""
    ours = "–" if item.low is None or item.high is None else interval((item.low, item.high), nats)
    return [
        PANEL_WORDS[item.panel],
        _name(item.network),
        nats(item.published),
        ours,
        f"{item.live} of {item.seeds}",
        item.outcome,
    ]


def _short(claim: Claim) -> str:
    return f"*{claim.finding}*" if claim.key == "c" else f"*{claim.finding}*, {claim_effect(claim)}"


def _name(network: Network) -> str:
    return f"h = {network.hidden}, L = {network.label}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; a bar inside a cell is escaped, as it would end the cell."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
