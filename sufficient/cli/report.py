"""`sufficient report`: judge and draw a run again, from its record; no training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sufficient.cli.options import ASKED, AnotherTol, MinGain, RelTol, Run, Target, mode
from sufficient.cli.output import Output
from sufficient.errors import UsageError

if TYPE_CHECKING:
    from sufficient.result import Estimate

Form = Literal["text", "html", "md", "json"]


def report(
    run: Run,
    tol: AnotherTol = None,
    rel_tol: RelTol = None,
    target: Target = None,
    min_gain: MinGain = None,
    confirm: Annotated[
        int | None,
        typer.Option(
            help="At how many last sizes it must hold.",
            show_default="what the run was asked",
            rich_help_panel=ASKED,
        ),
    ] = None,
    form: Annotated[
        Form, typer.Option("--format", help="What stdout gets; report.html is written in any case.")
    ] = "text",
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the verdict word.")] = False,
) -> int:
    """Judge a run again, for what is asked here if anything is, and redraw it; nothing is trained.

    The run's page, result.json, curve.csv and figures then show that; without such an option, its own.
    """
    from sufficient import stored
    from sufficient.result import PAGE

    if json and form not in ("text", "json"):
        raise UsageError(f"--json and --format {form} each ask for another output; give one of the two.")
    output = Output(mode(json=json or form == "json", quiet=quiet))
    result = stored.report(
        run, tol=tol, rel_tol=rel_tol, targets=target or (), min_gain=min_gain, confirm=confirm
    )
    if form in ("html", "md") and not quiet:
        output.document(_document(result, form))
    else:
        output.result(result.lines(), result.verdict)
        output.json(result.to_dict())
    if target or any(each is not None for each in (tol, rel_tol, min_gain, confirm)):
        output.line(
            f"report.html, result.json, curve.csv and figures in {run} now show that; `sufficient report "
            f"{run}` brings the run's own back."
        )
    output.line(f"page: {run / PAGE}")
    return 0


def _document(result: Estimate, form: Form) -> str:
    from sufficient.report.markdown import markdown
    from sufficient.report.page import page

    return page(result) if form == "html" else markdown(result)
