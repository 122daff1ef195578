"""A plan made for a run and written into it: what `sufficient plan` calls."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sufficient.answer.criteria import TARGETS, Criterion
from sufficient.answer.plan import Plan
from sufficient.errors import DataError
from sufficient.files import write_atomically, write_named
from sufficient.report.export import dumps
from sufficient.report.lines import labelled
from sufficient.report.plan_export import plan_dict
from sufficient.report.plan_figure import draw_plan
from sufficient.report.plan_text import explain_plan
from sufficient.result import PLAN, Estimate
from sufficient.run_directory import FIGURES, locked
from sufficient.stored import load


@dataclass(frozen=True)
class PlannedRun:
    """A plan and the run it was made for."""

    plan: Plan
    estimate: Estimate
    directory: Path

    def lines(self) -> list[str]:
        """Return the plan in words, with what to run once the objects are there."""
        return [*explain_plan(self.plan), *labelled(("then", text) for text in self.next)]

    @property
    def next(self) -> list[str]:
        """Commands to run once the objects are there; none where nothing is collected."""
        if not self.plan.best.now:
            return []
        data, directory = self.estimate.options.data, str(self.directory)
        if data == "arrays":  # handed over in Python
            asked = ", ".join(_arguments(self.plan.criteria))
            extend = f"in Python: sufficient.estimate(data, labels, extend={directory!r}, {asked}, out='NEW')"
        else:
            asked = " ".join(_flag(each) for each in self.plan.criteria)
            extend = f"sufficient estimate --extend {shlex.quote(directory)} --data {shlex.quote(data)} "
            extend += f"{asked} --out NEW"
        return [extend, *_again(self.plan)]

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON values, in the form of the package's `plan.schema.json`."""
        return plan_dict(self.plan, largest=self.estimate.curve[-1].k, following=self.next)


def plan_run(
    directory: str | Path,
    *,
    cost: float | Mapping[str, float],
    budget: float | None = None,
    rounds: int = 1,
    round_cost: float = 0.0,
    success: float | None = None,
    penalty: float | None = None,
    shortage: float | None = None,
    targets: Iterable[str | Criterion] | None = None,
    out: Path | None = None,
) -> PlannedRun:
    """Return the plan of a run directory, as `Estimate.plan` makes it, and write plan.json and its figure.

    Both go into the run, under its lock, and its report shows them; with `out` the JSON goes there and the
    run is only read. Raises as `Estimate.plan`, DataError where no run is, ResourceError when the disk says
    no.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise DataError(f"{directory} is no directory; give that of a run.")

    def made() -> PlannedRun:
        estimate = load(directory)
        plan = estimate.plan(
            cost=cost,
            budget=budget,
            rounds=rounds,
            round_cost=round_cost,
            success=success,
            penalty=penalty,
            shortage=shortage,
            targets=targets,
        )
        return PlannedRun(plan, estimate, directory)

    if out is not None:
        planned = made()
        write_named(out, dumps(planned.to_dict()))
        return planned
    with locked(directory):
        planned = made()
        write_atomically(directory / PLAN, dumps(planned.to_dict()).encode())
        draw_plan(planned.plan, directory / FIGURES)
    return planned


def _left(wanted: float, reached: float) -> str:
    """Return the success that is left to ask for: three digits of what may still fail."""
    failing = (1 - wanted) / (1 - reached)
    return f"{1 - float(f'{failing:.3g}'):.15g}"


def _again(plan: Plan) -> list[str]:
    """Return the command that plans the rounds that are left; none where none is left, or nothing to reach.

    Of a wanted success s, r is used up once a round that reaches the target with probability r has failed:
    (s − r)/(1 − r) is left.
    """
    goal, best, reached = plan.goal, plan.best, plan.best.reached[0]
    wanted = best.success if goal.success is None else goal.success
    if plan.rounds == 1 or reached >= min(wanted, 1.0):
        return []
    flags = [f"--cost {plan.prices.each:.6g} --rounds {plan.rounds - 1}"]
    if plan.prices.round:
        flags.append(f"--round-cost {plan.prices.round:.6g}")
    if plan.budget is not None:
        spent = plan.prices.each * best.now + plan.prices.round
        flags.append(f"--budget {max(plan.budget - spent, 0.0):.6g}")
    if goal.success is not None:
        flags.append(f"--success {_left(goal.success, reached)}")
    for name, price in (("penalty", goal.penalty), ("shortage", goal.shortage)):
        if price is not None:
            flags.append(f"--{name} {price:.6g}")
    flags += [_flag(each) for each in plan.criteria]
    return [f"sufficient plan NEW {' '.join(flags)}"]


def _arguments(criteria: Sequence[Criterion]) -> list[str]:
    """Return the criteria as arguments of `sufficient.estimate`."""
    targets = [str(each) for each in criteria if each.kind in TARGETS]
    others = [
        f"{each.kind.replace('-', '_')}={each.value!r}" for each in criteria if each.kind not in TARGETS
    ]
    return [*others, *([f"targets={targets!r}"] if targets else [])]


def _flag(asked: Criterion) -> str:
    """Return the option that asks for a criterion, with its value."""
    target = asked.kind in TARGETS
    return f"--target {asked}" if target else f"--{asked.kind} {asked.value!r}"
