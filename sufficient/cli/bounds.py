"""`sufficient bounds`: the ladder of bounds of a run, from its record; no training."""

from __future__ import annotations

from typing import Annotated

import typer

from sufficient.cli.options import Json, Run, mode
from sufficient.cli.output import Output


def bounds(
    run: Run,
    radius: Annotated[
        float | None,
        typer.Option(
            help="R of Lemma 1, a distance in parameter space.", show_default="moved since the size before"
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Hold Lemma 1's bounds against the measured difference: which hold, and how loose they are.

    The figure goes into the run's figures/bounds.svg and .png; nothing is trained.
    """
    output = Output(mode(json=json, quiet=False))
    from sufficient.answer.ladder import ladder
    from sufficient.errors import DataError
    from sufficient.report.bounds import bounds_dict, bounds_lines, sampled_hessians
    from sufficient.report.ladder_figure import draw_ladder
    from sufficient.run_directory import FIGURES, locked
    from sufficient.stored import load

    if not run.is_dir():
        raise DataError(f"{run} is no directory; give that of a run.")
    with locked(run):
        estimate = load(run)
        stages = ladder(estimate.record, radius=radius)
        hessians = sampled_hessians(estimate.record)
        paths = draw_ladder(stages, run / FIGURES)
    rate = estimate.answer.rate
    output.result(bounds_lines(stages, hessians, radius=radius, rate=rate))
    artifacts = {f"bounds_{path.suffix[1:]}": path.relative_to(run).as_posix() for path in paths}
    output.json(bounds_dict(stages, hessians, radius=radius, rate=rate, artifacts=artifacts))
    output.line(f"figure: {paths[0]}")
    return 0
