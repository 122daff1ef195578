"""`sufficient estimate`: the main job."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from sufficient.cli.live import LiveStudy
from sufficient.cli.output import Mode, Output
from sufficient.errors import UsageError

INSUFFICIENT, INCONCLUSIVE = 10, 11  # exit codes with --exit-code

DATA, HEAD, STUDY, ANSWER = "Data", "Head and its fit", "Study", "Answer"

Spec = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="SPEC",
        help="Folder of class folders, .npz, .safetensors, digits, mnist, fashionmnist, cifar10 or cifar100.",
        rich_help_panel=DATA,
    ),
]
Features = Annotated[str, typer.Option(help="auto, or pixels in [−1, 1].", rich_help_panel=DATA)]
Size = Annotated[
    int | None,
    typer.Option(
        help="Side in pixels that images are resized to.",
        show_default="their own up to 64, else 32",
        rich_help_panel=DATA,
    ),
]
Scale = Annotated[
    str,
    typer.Option(help="auto, none or standard: scale columns on each fitted sample.", rich_help_panel=DATA),
]
Root = Annotated[
    Path | None, typer.Option(help="Where named data sets lie.", show_default="data", rich_help_panel=DATA)
]
Download = Annotated[bool, typer.Option(help="Let torchvision download into --root.", rich_help_panel=DATA)]


def estimate(
    data: Spec,
    tol: Annotated[
        float,
        typer.Option(
            help="Tolerance in nats: how much one more object may change the mean loss.",
            rich_help_panel=ANSWER,
        ),
    ] = 1e-4,
    confirm: Annotated[
        int, typer.Option(help="At how many last sizes tol must hold.", rich_help_panel=ANSWER)
    ] = 2,
    features: Features = "auto",
    size: Size = None,
    scale: Scale = "auto",
    root: Root = None,
    download: Download = False,
    hidden: Annotated[int, typer.Option(help="Units of each hidden layer.", rich_help_panel=HEAD)] = 64,
    layers: Annotated[int, typer.Option(help="Linear layers.", rich_help_panel=HEAD)] = 3,
    bias: Annotated[
        bool, typer.Option("--bias", help="Give the layers biases.", rich_help_panel=HEAD)
    ] = False,
    lr: Annotated[float, typer.Option(help="Adam's learning rate.", rich_help_panel=HEAD)] = 1e-3,
    batch_size: Annotated[int, typer.Option(help="Objects in a batch.", rich_help_panel=HEAD)] = 64,
    patience: Annotated[
        int, typer.Option(help="Checks of the validation loss without improvement.", rich_help_panel=HEAD)
    ] = 10,
    max_updates: Annotated[
        int | None,
        typer.Option(
            help="Cap on updates.", show_default="200 epochs or 20,000, the larger", rich_help_panel=HEAD
        ),
    ] = None,
    replicates: Annotated[
        int | None, typer.Option(help="Networks a size.", show_default="8", rich_help_panel=STUDY)
    ] = None,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="4 replicates: sooner, with wider intervals.", rich_help_panel=STUDY),
    ] = False,
    held_out: Annotated[
        float, typer.Option(help="Share held out, at most 10,000 objects.", rich_help_panel=STUDY)
    ] = 0.2,
    validation: Annotated[
        float | None,
        typer.Option(
            help="Share to stop early by.", show_default="10 %, 200 to 2,000 objects", rich_help_panel=STUDY
        ),
    ] = None,
    start: Annotated[int, typer.Option(help="Smallest sample size.", rich_help_panel=STUDY)] = 32,
    growth: Annotated[
        float, typer.Option(help="Factor between sample sizes.", rich_help_panel=STUDY, show_default="√2")
    ] = math.sqrt(2),
    max_samples: Annotated[
        int | None, typer.Option(help="Largest sample size fitted.", rich_help_panel=STUDY)
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(help="Seconds after which no stage is begun or finished.", rich_help_panel=STUDY),
    ] = None,
    device: Annotated[
        str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.", rich_help_panel=STUDY)
    ] = "auto",
    seed: Annotated[int, typer.Option(help="Key of all randomness.", rich_help_panel=STUDY)] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Directory of the run.", show_default="runs/<UTC time>-<data>", rich_help_panel=ANSWER
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with --out.", rich_help_panel=ANSWER)
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print result.json.", rich_help_panel=ANSWER)] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print the verdict word.", rich_help_panel=ANSWER)
    ] = False,
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
    output.line(f"run directory: {directory}")
    from sufficient import api

    with LiveStudy(output, tol=tol) as live:
        result = api.estimate(
            data,
            tol=tol,
            confirm=confirm,
            features=features,
            size=size,
            scale=scale,
            root=root,
            download=download,
            time_limit=time_limit,
            quick=quick,
            out=directory,
            resume=resume,
            progress=live,
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
            **({} if replicates is None else {"replicates": replicates}),
        )
    output.result(result.lines(), result.verdict)
    output.json(result.to_dict())
    output.line(f"run directory: {directory}")
    return (
        {"insufficient": INSUFFICIENT, "inconclusive": INCONCLUSIVE}.get(result.verdict, 0)
        if exit_code
        else 0
    )


def mode(*, json: bool, quiet: bool) -> Mode:
    """Return how a command speaks. Raises UsageError when both are asked for."""
    if json and quiet:
        raise UsageError("--json and --quiet each ask for another output; give one of the two.")
    return "json" if json else "quiet" if quiet else "human"


def default_directory(data: str) -> Path:
    """Return `runs/<UTC time>-<data>`."""
    stem = re.sub(r"[^A-Za-z0-9]+", "-", Path(data).stem).strip("-").lower() or "data"
    return Path("runs") / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{stem}"
