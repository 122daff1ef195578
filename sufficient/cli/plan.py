"""`sufficient plan`: how many objects to collect next, from a run's record; no training."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from sufficient.cli.options import AnotherTol, Json, RelTol, Run, Target, mode
from sufficient.cli.output import Output
from sufficient.errors import UsageError

MONEY, MISSING = "Money and time", "What missing the target means (one of the three)"


def plan(
    run: Run,
    cost: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MONEY | CLASS=MONEY",
            help="Of one object, in any currency; or of each class, repeated.",
            show_default="1: costs are counted in objects",
            rich_help_panel=MONEY,
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            help="That may be spent over all rounds left.", show_default="no limit", rich_help_panel=MONEY
        ),
    ] = None,
    rounds: Annotated[
        int, typer.Option(help="Rounds of collecting left, this one included.", rich_help_panel=MONEY)
    ] = 1,
    round_cost: Annotated[
        float, typer.Option(help="Of each round in which something is collected.", rich_help_panel=MONEY)
    ] = 0.0,
    success: Annotated[
        float | None,
        typer.Option(
            help="Wanted probability that the target is reached by the last round: of the campaign from now "
            "on. Asking for the same again after a round that failed wants more in all; the command that is "
            "printed asks for what is left.",
            show_default="0.9",
            rich_help_panel=MISSING,
        ),
    ] = None,
    penalty: Annotated[
        float | None, typer.Option(help="Money that is lost, once, if it is missed.", rich_help_panel=MISSING)
    ] = None,
    shortage: Annotated[
        float | None, typer.Option(help="Money for each object then still missing.", rich_help_panel=MISSING)
    ] = None,
    tol: AnotherTol = None,
    rel_tol: RelTol = None,
    target: Target = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json", help="Write the plan there, and nothing into RUN.", show_default="in RUN"
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Say how many objects to collect next, what that costs, and how surely it is enough.

    Enough is what the verdict asks: met at two sizes, the last and one 10 % below it, which an extension
    runs. Beside it stands what buying the point estimate would do. RUN then holds plan.json and
    figures/plan.svg; `sufficient report RUN` shows the plan on the run's page. Nothing is trained.
    """
    output = Output(mode(json=json, quiet=False))
    if out is not None and out.suffix.lower() != ".json":
        raise UsageError(f"--out {out} is no name of a plan; give a file that ends in .json.")
    costs = prices(cost or ["1"])
    from sufficient.collecting import plan_run
    from sufficient.result import PLAN

    asked = [*(target or ()), *([] if tol is None else [f"tol={tol!r}"])]
    asked += [] if rel_tol is None else [f"rel-tol={rel_tol!r}"]
    planned = plan_run(
        run,
        cost=costs,
        budget=budget,
        rounds=rounds,
        round_cost=round_cost,
        success=success,
        penalty=penalty,
        shortage=shortage,
        targets=asked or None,
        out=out,
    )
    output.result(planned.lines())
    output.json(planned.to_dict())
    output.line(f"plan: {run / PLAN if out is None else out}")
    if out is None:
        output.line(f"`sufficient report {shlex.quote(str(run))}` shows it on the run's page")
    return 0


def prices(given: list[str]) -> float | dict[str, float]:
    """Return the cost of an object, or of one of each class. Raises UsageError for what is neither."""
    split = [text.rpartition("=") for text in given]
    numbers = [_money(text, number) for text, (_, _, number) in zip(given, split, strict=True)]
    named = [name for name, equals, _ in split if equals]
    if not named and len(numbers) == 1:
        return numbers[0]
    if len(named) != len(given) or len(set(named)) != len(named):
        raise UsageError(
            f"--cost {' --cost '.join(given)} is neither one cost of all objects nor one of each class: give "
            "--cost 0.12, or --cost cat=0.5 --cost dog=0.1 with every class once."
        )
    return dict(zip(named, numbers, strict=True))


def _money(text: str, number: str) -> float:
    try:
        return float(number)
    except ValueError as error:
        raise UsageError(f"--cost {text} is no amount of money: give a number, or CLASS=NUMBER.") from error
