"""`sufficient report`: judge and draw a run again, from its record; no training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sufficient.cli.estimate import mode
from sufficient.cli.output import Output


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Directory of a run.")],
    tol: Annotated[
        float | None, typer.Option(help="Another tolerance, in nats.", show_default="the run's")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print result.json.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the verdict word.")] = False,
) -> int:
    """Judge a run again, for another tolerance if given, and redraw it; nothing is trained.

    The run's result.json, curve.csv and figures then show that tolerance; without --tol, the run's own.
    """
    output = Output(mode(json=json, quiet=quiet))
    from sufficient import api

    result = api.report(run, tol=tol)
    output.result(result.lines(), result.verdict)
    output.json(result.to_dict())
    if tol is not None:
        output.line(
            f"result.json, curve.csv and figures in {run} now show this tolerance; `sufficient report {run}` "
            "brings the run's own back."
        )
    output.line(f"run directory: {run}")
    return 0
