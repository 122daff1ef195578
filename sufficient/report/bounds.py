"""The ladder of bounds in words and as JSON, with the G-term held against the full Hessian."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sufficient.answer.answer import Rate
from sufficient.answer.ladder import RungName, StageLadder
from sufficient.errors import DataError
from sufficient.report.export import plain
from sufficient.report.lines import labelled
from sufficient.rounding import interval, nats, objects, signed
from sufficient.study.record import Floats, Record

BOUNDS_VERSION = 1
ZERO_GRADIENT = 1e-6  # what single precision leaves of a zero gradient
APPROXIMATE = "rests on Assumption 1 and the G-term"
HEADINGS: dict[RungName, str] = {
    "M_ℓ alone": "M_ℓ alone",
    "exact": "exact",
    "activation": "activation",
    "corrected": "corrected",
    "corrected, one M_W": "one M_W",
    "printed": "printed",
}


@dataclass(frozen=True)
class Hessians:
    """‖G-term‖₂ and ‖∇²ℓ‖₂ of the last size's sample, live replicates only; double precision."""

    size: int  # k
    gterm: Floats  # (live, few)
    full: Floats  # (live, few)

    @property
    def ratios(self) -> Floats:
        """‖∇²ℓ‖₂ / ‖G-term‖₂ of the objects whose G-term is not 0, ascending; 1 where H ≈ G-term."""
        usable = self.gterm > 0
        return np.sort(self.full[usable] / self.gterm[usable])


def sampled_hessians(record: Record) -> Hessians:
    """Return the G-term's and the full Hessian's norms on the last size's sample of held-out objects.

    On the CPU, in about a second: Hessian-vector products, tens of milliseconds an object. Raises DataError
    where the record keeps no sample.
    """
    import torch

    from sufficient.landscape.curvature import gterm_norms, hessian_norms_of_stack

    last = record.last
    if last is None or not record.stages or "weight.0" not in last.weights or not last.sample.size:
        raise DataError(
            "the record keeps no networks and objects of its last size to take Hessians of; "
            "run the estimate again into another --out."
        )
    live = torch.from_numpy(record.stages[-1].live)

    def tensors(kind: str) -> list[torch.Tensor]:
        count = sum(name.startswith(f"{kind}.") for name in last.weights)
        return [torch.from_numpy(last.weights[f"{kind}.{p}"])[live].double() for p in range(count)]

    weights, biases = tensors("weight"), tensors("bias")
    x, labels = torch.from_numpy(last.sample)[live].double(), torch.from_numpy(last.sample_labels)[live]
    if not live.any():
        empty = np.zeros((0, last.sample.shape[1]))
        return Hessians(record.stages[-1].size, empty, empty)
    return Hessians(
        size=record.stages[-1].size,
        gterm=gterm_norms(weights, biases, x).numpy(),
        full=hessian_norms_of_stack(weights, biases, x, labels).numpy(),
    )


def bounds_lines(
    stages: Sequence[StageLadder],
    hessians: Hessians,
    *,
    radius: float | None = None,
    rate: Rate | None = None,
) -> list[str]:
    """Return the ladder for people: tables by size, then what they rest on in plain sentences.

    `radius` as it was given.
    """
    run = [stage for stage in stages if stage.replicates]
    if not run:
        return ["No size has a live replicate, so there is no curvature to bound."]
    notes = [
        ("curves", "valid for every network: M_ℓ/(k + 1), at the fitted point itself (R = 0)"),
        ("curves", f"approximate: all others, each {APPROXIMATE}"),
        ("R", _radius(radius)),
        ("G-term", _hessians(hessians)),
        ("gradients", _assumption(run)),
        ("printed", _printed(run)),
    ]
    if rate is not None:
        exponent = f"k^{signed(rate.exponent)} {interval(rate.interval, signed)}"
        notes.append(("rate", f"the difference goes as {exponent} (95 %); Lemma 1 says k^−1"))
    return [
        _headline(run[-1]),
        "",
        "Exact G-term norm of the probed objects; the largest bound on it, in times the exact maximum",
        *_curvature_table(run),
        "",
        "What Lemma 1 is made of",
        *_parts_table(run),
        "",
        "Lemma 1's bound in times the measured difference δ_k, by the M_H that it takes",
        *_looseness_table(run),
        "",
        *labelled(notes),
    ]


def bounds_dict(
    stages: Sequence[StageLadder],
    hessians: Hessians,
    *,
    radius: float | None,
    rate: Rate | None = None,
    artifacts: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the same as plain JSON values; what is not known or not finite is None.

    `radius` as it was given; `artifacts`: name → path below the run's directory.
    """
    ratios = hessians.ratios
    result: dict[str, Any] = {
        "schema_version": BOUNDS_VERSION,
        "command": "bounds",
        "radius": radius,
        "stages": [dataclasses.asdict(stage) for stage in stages],
        "approximate": APPROXIMATE,
        "hessians": {
            "k": hessians.size,
            "gterm": hessians.gterm.tolist(),
            "full": hessians.full.tolist(),
            "full_over_gterm": None
            if not len(ratios)
            else {
                "q10": _quantile(ratios, 0.1),
                "q50": _quantile(ratios, 0.5),
                "q90": _quantile(ratios, 0.9),
            },
        },
        "assumption_1": {"gradients_zero": gradients_zero(stages)},
        "printed_below_exact": {
            "objects": sum(stage.violations for stage in stages),
            "probed": sum(stage.probed for stage in stages),
            "sizes": [stage.k for stage in stages if stage.violations],
        },
        "rate": None if rate is None else dataclasses.asdict(rate),
        "artifacts": dict(artifacts or {}),
    }
    strict: dict[str, Any] = plain(result)
    return strict


def gradients_zero(stages: Sequence[StageLadder]) -> bool | None:
    """Return whether ‖∇L_k(θ_k)‖ is 0 but for rounding wherever a replicate lives; None where none does."""
    largest = [stage.gradient_largest for stage in stages if stage.gradient_largest is not None]
    return all(value <= ZERO_GRADIENT for value in largest) if largest else None


def figure(value: float | None) -> str:
    """Return a number of any magnitude in three digits: `0.0123`, `15.9`, `1,540`, `8.7e6`; `–` for none."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    if 99.95 <= value < 99_999.5:
        return f"{value:,.0f}"
    return nats(value, 3)


def _headline(last: StageLadder) -> str:
    alone, exact = last.rung("M_ℓ alone"), last.rung("exact")
    at = f"At k = {objects(last.k)} one more object changes the mean loss by {nats(last.difference, 3)} nats"
    if alone is None or alone.loose is None:
        return f"{at}: no bound can be held against that."
    text = f"{at}; the bound that always holds is {figure(alone.loose)} × that"
    if exact is None or exact.loose is None:
        return f"{text}."
    return f"{text}, the approximate one with exact curvature {figure(exact.loose)} ×."


def _curvature_table(stages: Sequence[StageLadder]) -> list[str]:
    names = [name for name in HEADINGS if name not in ("M_ℓ alone", "exact")]
    rows = [["k", "median", "99 %", "max", *(HEADINGS[name] for name in names)]]
    for stage in stages:
        q = stage.exact
        measured = (None,) * 3 if q is None else (q.q50, q.q99, q.largest)
        above = [rung.over_exact for rung in stage.rungs if rung.name in names]
        rows.append([objects(stage.k), *map(figure, (*measured, *above))])
    return _table(rows)


def _parts_table(stages: Sequence[StageLadder]) -> list[str]:
    rows = [["k", "M_ℓ", "R", "M_H exact", "‖∇L_k(θ_k)‖ mean", "max"]]
    for stage in stages:
        exact = None if stage.exact is None else stage.exact.largest
        parts = (stage.largest_loss, stage.radius, exact, stage.gradient_mean, stage.gradient_largest)
        rows.append([objects(stage.k), *map(figure, parts)])
    return _table(rows)


def _looseness_table(stages: Sequence[StageLadder]) -> list[str]:
    rows = [["k", "δ_k", *HEADINGS.values()]]
    for stage in stages:
        above = [rung.loose for rung in stage.rungs]
        rows.append([objects(stage.k), *map(figure, (stage.difference, *above))])
    return _table(rows)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows in columns, each as wide as it must be: at most 80 characters in all."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def _radius(radius: float | None) -> str:
    if radius is not None:
        return f"{figure(radius)} at every size, as given"
    return "how far the fitted point moved from the size before; unknown at the first size"


def _hessians(hessians: Hessians) -> str:
    ratios, sampled = hessians.ratios, hessians.gterm.size
    if not len(ratios):
        return "no sampled object has any curvature, so H ≈ G-term cannot be checked"
    low, middle, high = (figure(_quantile(ratios, q)) for q in (0.1, 0.5, 0.9))
    return (
        f"the full Hessian's norm is {middle} × the G-term's (median; 80 % within {low} and {high}) on "
        f"{objects(sampled)} held-out objects at k = {objects(hessians.size)}"
    )


def _assumption(stages: Sequence[StageLadder]) -> str:
    last = stages[-1]
    measured = (
        f"at k = {objects(last.k)} ‖∇L_k(θ_k)‖ is {figure(last.gradient_mean)} on average and at most "
        f"{figure(last.gradient_largest)}"
    )
    change = None if last.radius is None or last.exact is None else last.radius * last.exact.largest
    if change and last.gradient_mean is not None:
        measured += (
            f"; R·M_H = {figure(change)}, by how much it may change within R, is "
            f"{figure(change / last.gradient_mean)} times the average"
            if last.gradient_mean > 0
            else f"; it may change by R·M_H = {figure(change)} within R"
        )
    answer = (
        "zero, as Assumption 1 asks" if gradients_zero(stages) else "not zero, as Assumption 1 asks it to be"
    )
    return f"{answer}: {measured}"


def _printed(stages: Sequence[StageLadder]) -> str:
    below, probed = sum(stage.violations for stage in stages), sum(stage.probed for stage in stages)
    if not below:
        return f"Theorem 1 as printed lies above the exact norm of all {objects(probed)} probed objects here"
    sizes = ", ".join(objects(stage.k) for stage in stages if stage.violations)
    return (
        f"Theorem 1 as printed is no bound here: it lies below the exact norm of {objects(below)} of "
        f"{objects(probed)} probed objects (k = {sizes})"
    )


def _quantile(values: Floats, q: float) -> float:
    return float(np.quantile(values, q))
