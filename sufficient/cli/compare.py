"""`sufficient compare`: runs side by side, from their records; no training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sufficient.cli.options import Json, mode
from sufficient.cli.output import Output
from sufficient.errors import UsageError


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN…", help="Directories of two or more runs.")],
    tol: Annotated[
        float | None,
        typer.Option(help="Tolerance for all, in nats.", show_default="the first run's"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write the comparison as one page, too.")
    ] = None,
    json: Json = False,
) -> int:
    """Say which of two or more runs needs fewer objects, where their intervals allow it.

    A new batch against the old one, two models for features, two heads: all are judged at one tolerance.
    """
    output = Output(mode(json=json, quiet=False))
    if out is not None and (out.suffix.lower() not in {".html", ".htm"} or out.is_dir()):
        raise UsageError(f"--out {out} is no name of a page; give a file that ends in .html.")
    from sufficient.files import write_named
    from sufficient.report import compare as comparing
    from sufficient.stored import load

    comparison = comparing.compare([load(run) for run in runs], tol=tol)
    output.result(comparison.lines())
    output.json(comparison.to_dict())
    for side, run in zip(comparison.sides, runs, strict=True):
        output.line(f"{side.letter}: {run}")
    if out is not None:
        write_named(out, comparison.to_html())
        output.line(f"page: {out}")
    return 0
