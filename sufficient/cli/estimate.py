"""`sufficient estimate`: the main job."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from sufficient.answer.criteria import TOL
from sufficient.cli.live import LiveStudy
from sufficient.cli.options import (
    ANSWER,
    ASKED,
    HEAD,
    STUDY,
    AllFeatures,
    Device,
    Download,
    Drop,
    Features,
    GroupColumn,
    GroupLevel,
    Hidden,
    ImageColumn,
    Json,
    LabelColumn,
    Labels,
    Layers,
    MaxPixels,
    MinGain,
    Patience,
    Pooling,
    Quick,
    RelTol,
    Revision,
    Root,
    Scale,
    Seed,
    Size,
    Spec,
    Split,
    Start,
    Target,
    TimeLimit,
    Tol,
    default_directory,
    mode,
    verdict_code,
)
from sufficient.cli.output import Output
from sufficient.cli.stopping import saved_in
from sufficient.errors import UsageError


def estimate(
    data: Spec,
    tol: Tol = None,
    rel_tol: RelTol = None,
    target: Target = None,
    min_gain: MinGain = None,
    confirm: Annotated[
        int, typer.Option(help="At how many last sizes all that is asked must hold.", rich_help_panel=ASKED)
    ] = 2,
    labels: Labels = None,
    label_column: LabelColumn = None,
    image_column: ImageColumn = None,
    group_column: GroupColumn = None,
    group_level: GroupLevel = None,
    drop: Drop = None,
    split: Split = None,
    max_pixels: MaxPixels = None,
    root: Root = None,
    download: Download = False,
    features: Features = "auto",
    pooling: Pooling = None,
    revision: Revision = None,
    all_features: AllFeatures = False,
    size: Size = None,
    scale: Scale = "auto",
    hidden: Hidden = 64,
    layers: Layers = 3,
    bias: Annotated[
        bool, typer.Option("--bias", help="Give the layers biases.", rich_help_panel=HEAD)
    ] = False,
    lr: Annotated[float, typer.Option(help="Adam's learning rate.", rich_help_panel=HEAD)] = 1e-3,
    batch_size: Annotated[int, typer.Option(help="Objects in a batch.", rich_help_panel=HEAD)] = 64,
    patience: Patience = 10,
    max_updates: Annotated[
        int | None,
        typer.Option(
            help="Cap on updates.", show_default="200 epochs or 20,000, the larger", rich_help_panel=HEAD
        ),
    ] = None,
    replicates: Annotated[
        int | None, typer.Option(help="Networks a size.", show_default="8", rich_help_panel=STUDY)
    ] = None,
    quick: Quick = False,
    held_out: Annotated[
        float,
        typer.Option(help="Share held out, between 0 and 1, at most 10,000 objects.", rich_help_panel=STUDY),
    ] = 0.2,
    validation: Annotated[
        float | None,
        typer.Option(
            help="Share to stop early by, between 0 and 1.",
            show_default="10 %, 200 to 2,000 objects",
            rich_help_panel=STUDY,
        ),
    ] = None,
    start: Start = 32,
    growth: Annotated[
        float, typer.Option(help="Factor between sample sizes.", rich_help_panel=STUDY, show_default="√2")
    ] = math.sqrt(2),
    max_samples: Annotated[
        int | None, typer.Option(help="Largest sample size fitted.", rich_help_panel=STUDY)
    ] = None,
    time_limit: TimeLimit = None,
    device: Device = "auto",
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Directory of the run.", show_default="runs/<UTC time>-<data>", rich_help_panel=ANSWER
        ),
    ] = None,
    extend: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            help="Go on with a run whose data has grown, in a new --out; options left out are that run's.",
            rich_help_panel=ANSWER,
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with --out.", rich_help_panel=ANSWER)
    ] = False,
    json: Json = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print the verdict word.", rich_help_panel=ANSWER)
    ] = False,
    log: Annotated[
        str | None,
        typer.Option(
            metavar="tensorboard|mlflow|wandb",
            help="Write every stage there too, where its package is installed.",
            rich_help_panel=ANSWER,
        ),
    ] = None,
    exit_code: Annotated[
        bool,
        typer.Option(
            "--exit-code", help="Leave with 10 if insufficient, 11 if inconclusive.", rich_help_panel=ANSWER
        ),
    ] = False,
) -> int:
    """Say whether the data is sufficient, and if not, how many more objects it needs."""
    output = Output(mode(json=json, quiet=quiet))
    if resume and out is None:
        raise UsageError("--resume needs the directory of the run: give --out DIR.")
    directory = out or default_directory(data)
    saved_in(directory)
    from sufficient import api

    more: dict[str, Any] = {} if replicates is None else {"replicates": replicates}
    with LiveStudy(output, tol=_drawn(tol, extend)) as live:
        result = api.estimate(
            data,
            labels,
            tol=tol,
            rel_tol=rel_tol,
            targets=target or (),
            min_gain=min_gain,
            confirm=confirm,
            features=features,
            pooling=pooling,
            revision=revision,
            all_features=all_features,
            scale=scale,
            label_column=label_column,
            image_column=image_column,
            group_column=group_column,
            group_level=group_level,
            drop=drop or (),
            split=split,
            size=size,
            max_pixels=max_pixels,
            root=root,
            download=download,
            time_limit=time_limit,
            quick=quick,
            out=directory,
            resume=resume,
            extend=extend,
            progress=live,
            log=log,
            hidden=hidden,
            layers=layers,
            bias=bias,
            lr=lr,
            batch_size=batch_size,
            patience=patience,
            max_updates=max_updates,
            held_out=held_out,
            validation=validation,
            start=start,
            growth=growth,
            max_samples=max_samples,
            seed=seed,
            device=device,
            **more,
        )
    output.result(result.lines(), result.verdict)
    output.json(result.to_dict())
    output.line(f"run directory: {directory}")
    return verdict_code(result.verdict) if exit_code else 0


def _drawn(tol: float | None, extend: Path | None) -> float:
    """Return the tolerance that the live curve is held against: that of the run that is extended, if any."""
    if tol is None and extend is not None:
        from sufficient.extending import earlier_run

        tol = earlier_run(extend)[1].tol
    return TOL if tol is None else tol
