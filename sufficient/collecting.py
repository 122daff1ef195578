"""A plan made for a run and written into it: what `sufficient plan` calls."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sufficient.answer.criteria import TARGETS, Criterion
from sufficient.answer.plan import Plan
from sufficient.errors import DataError, UsageError
from sufficient.files import write_atomically
from sufficient.report.export import dumps
from sufficient.report.plan_export import plan_dict
from sufficient.report.plan_figure import draw_plan
from sufficient.report.plan_text import explain_plan, labelled
from sufficient.result import PLAN, Estimate
from sufficient.run_directory import FIGURES, held
from sufficient.stored import load


@dataclass(frozen=True)
class Planned:
    """A plan and the run it was made for."""

    plan: Plan
    estimate: Estimate
    directory: Path

    def lines(self) -> list[str]:
        """Return the plan in words, with what to run once the objects are there."""
        return [*explain_plan(self.plan), *labelled("then", self.next)]

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
) -> Planned:
    """Return the plan of a run directory, as `Estimate.plan` makes it, and write plan.json and its figure.

    Both go into the run, under its lock, and its report shows them; with `out` the JSON goes there and the
    run is only read. Raises as `Estimate.plan`, DataError where no run is, ResourceError when the disk says
    no.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise DataError(f"{directory} is no directory; give that of a run.")

    def made() -> Planned:
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
        return Planned(plan, estimate, directory)

    if out is not None:
        planned = made()
        _write(out, dumps(planned.to_dict()))
        return planned
    with held(directory):
        planned = made()
        write_atomically(directory / PLAN, dumps(planned.to_dict()).encode())
        draw_plan(planned.plan, directory / FIGURES)
    return planned


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
        flags.append(f"--success {(goal.success - reached) / (1 - reached):.3g}")
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


def _write(path: Path, text: str) -> None:
    if path.is_dir():
        raise UsageError(f"--out {path} is a directory; give a file that ends in .json.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"--out {path} cannot be written, {path.parent} is no directory and cannot be made one "
            f"({error.strerror}); give another file."
        ) from error
    write_atomically(path, text.encode())
