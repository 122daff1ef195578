"""A reproduction in a few lines: strings only, no colour, no printing."""

from __future__ import annotations

from pathlib import Path

from sufficient.paper.claims import Claim, Key
from sufficient.paper.published import count
from sufficient.paper.report import PaperReport, SweepReport
from sufficient.rounding import counted, duration, interval, nats, objects, signed

LABEL = 14  # characters before the text of a line
SYMBOL = {"a": "α", "b": "β"}
IN_SHORT: dict[Key, str] = {"a": "falls with h", "b": "grows with depth", "c": "rate 1/k", "d": "bound"}


def result_lines(report: PaperReport, directory: Path) -> list[str]:
    """Return the claims of each sweep, the published curves, what was not run, and where the files are."""
    lines: list[str] = []
    for sweep in report.sweeps:
        found = sweep.saved.sweep
        seeds = counted(len(found.seeds), "seed")
        dead = f"{sweep.dead} of {sweep.trainings} trainings dead"
        lines.append(f"{found.name}: {objects(found.objects)} objects, {seeds}, {dead}")
        lines.append(_line("  source", found.source))
        for claim in sweep.claims.claims:
            lines.append(f"  ({claim.key}) {IN_SHORT[claim.key]:<18}{claim.finding:<14}{claim_effect(claim)}")
        lines.append("")
    total = report.count()
    if total.compared:
        words = f"{total.words} published curves within our seeds' range, widened by 15 %"
        dead_there = f"; {total.not_drawn} more not drawn there (dead)" if total.not_drawn else ""
        lines.append(_line("published", words + dead_there))
    reasons = dict.fromkeys(item.reason for item in report.not_run)
    for reason in reasons:
        names = ", ".join(item.what for item in report.not_run if item.reason == reason)
        lines.append(_line("not run", f"{names}: {reason}"))
    return [*lines, _line("files", f"{directory}: report.html, report.md, report.json, sweep.csv, figures")]


def _line(label: str, text: str) -> str:
    return f"{label:<{LABEL}}{text}"


def sweep_line(report: SweepReport) -> str:
    """Return `mnist-pixels  5 seeds  12 of 125 dead  (a) holds  (b) holds  9 of 10 published  31 s`."""
    sweep = report.saved.sweep
    findings = [f"({claim.key}) {claim.finding}" for claim in report.claims.claims[:2]]
    published = [f"{count(report.comparisons).words} published"] if report.comparisons else []
    taken = "there already" if report.reused else duration(sweep.seconds)
    dead = f"{report.dead} of {report.trainings} dead"
    return "  ".join([sweep.name, dead, *findings, *published, taken])


def claim_effect(claim: Claim) -> str:
    """Return `β = −0.34 [−0.52, −0.16]`, or what stands in its place."""
    if claim.key == "c":
        return "exponent −1, exactly"
    if claim.effect is None:
        return "no seed with enough live networks" if claim.key != "d" else "no live network"
    if claim.key == "d":
        ends = "" if claim.interval is None else f" (90 % of networks: {interval(claim.interval, nats)})"
        return f"M_ℓ/C = {nats(claim.effect)}{ends}"
    ends = " (no interval)" if claim.interval is None else f" {interval(claim.interval, signed)}"
    return f"{SYMBOL[claim.key]} = {signed(claim.effect)}{ends}"
