"""`sufficient forecast`: how many objects a target needs, from runs made elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sufficient.cli.options import Json, mode
from sufficient.cli.output import Output

COLUMNS = "Columns, where they are not found by name"


def forecast(
    runs: Annotated[
        str, typer.Argument(metavar="RUNS", help="Table of runs: .csv, .tsv, .jsonl or .parquet.")
    ],
    target: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE", help="accuracy=0.95, error=0.05 or loss=0.2 on unseen objects; repeatable."
        ),
    ] = None,
    test_size: Annotated[
        int | None,
        typer.Option(
            help="Different unseen objects that each size was scored on, so that their noise counts.",
            show_default="unknown",
        ),
    ] = None,
    n: Annotated[
        str | None,
        typer.Option("--n", metavar="COLUMN", help="Objects trained on.", rich_help_panel=COLUMNS),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="What was measured, or the name that folds share.", rich_help_panel=COLUMNS
        ),
    ] = None,
    replicate: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="What tells runs of a size apart.", rich_help_panel=COLUMNS),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write forecast.json and figures there, too.")
    ] = None,
    json: Json = False,
) -> int:
    """Say how many objects a target needs, from the sizes that you ran: scikit-learn, Keras, W&B, DataEval.

    One row a run (n or train_size, accuracy or val_loss, …), or one a size with a column for each fold
    (test_score_0, test_score_1, …). Training metrics, W&B's Step and all but the last epoch of a run are left
    out; percent, and semicolons with decimal commas, are recognised.
    """
    output = Output(mode(json=json, quiet=False))
    from sufficient.external_runs import forecast_runs

    found = forecast_runs(runs, target or (), n=n, metric=metric, replicate=replicate, test_size=test_size)
    if out is not None:
        found.save(out)
    output.result(found.lines())
    output.json(found.to_dict())
    if out is not None:
        output.line(f"directory: {out}")
    return 0
