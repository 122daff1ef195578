"""The options that several commands share, how a command speaks, where it writes, how it leaves."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from sufficient.answer.answer import Verdict
from sufficient.cli.output import Mode
from sufficient.errors import UsageError

DATA, FEATURES = "Data", "Features"
HEAD, STUDY, ANSWER = "Head and its fit", "Study", "Answer"
ASKED = "What is asked (all of it must hold)"
INSUFFICIENT, INCONCLUSIVE = 10, 11  # exit codes, where a command is asked to tell the verdict by them

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Directory of a run.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

Tol = Annotated[
    float | None,
    typer.Option(
        help="Tolerance in nats: how much one more object may change the mean loss.",
        show_default="1e-4, if nothing else is asked",
        rich_help_panel=ASKED,
    ),
]
RelTol = Annotated[
    float | None,
    typer.Option(help="The same, relative to the loss on unseen objects.", rich_help_panel=ASKED),
]
Target = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="accuracy=0.95, error=0.05 or loss=0.2 on unseen objects; repeatable.",
        rich_help_panel=ASKED,
    ),
]
AnotherTol = Annotated[
    float | None,
    typer.Option(
        help="Another tolerance, in nats.", show_default="what the run was asked", rich_help_panel=ASKED
    ),
]
MinGain = Annotated[
    float | None,
    typer.Option(
        help="Enough when doubling the objects would raise accuracy by less than this.", rich_help_panel=ASKED
    ),
]

Spec = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="SPEC",
        help="Folder of images, table, .npz, .safetensors, hf://datasets/NAME, digits, mnist, fashionmnist, "
        "cifar10 or cifar100.",
        rich_help_panel=DATA,
    ),
]
Features = Annotated[
    str,
    typer.Option(
        metavar="auto|pixels|MODEL",
        help="pixels in [−1, 1], or a pretrained model: a transformers checkpoint by name or folder, "
        "torchvision:NAME, or module:function.",
        rich_help_panel=FEATURES,
    ),
]
Pooling = Annotated[
    str | None,
    typer.Option(
        metavar="cls|mean|pooler",
        help="Which output of the model.",
        show_default="the class token, else the pooled output",
        rich_help_panel=FEATURES,
    ),
]
Revision = Annotated[
    str | None,
    typer.Option(
        help="Of the model: branch, tag or commit; for torchvision its weights' name, or random.",
        rich_help_panel=FEATURES,
    ),
]
AllFeatures = Annotated[
    bool,
    typer.Option(
        "--all-features",
        help="Make the features of every image first, not only of those that the study needs.",
        rich_help_panel=FEATURES,
    ),
]
Size = Annotated[
    int | None,
    typer.Option(
        help="Side in pixels that images are resized to.",
        show_default="their own up to 64, else 32",
        rich_help_panel=FEATURES,
    ),
]
Scale = Annotated[
    str,
    typer.Option(
        help="auto, none or standard: scale columns on each fitted sample.", rich_help_panel=FEATURES
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option(help="Table of labels beside a folder: .csv, .jsonl or .parquet.", rich_help_panel=DATA),
]
LabelColumn = Annotated[str | None, typer.Option(help="Column that holds the label.", rich_help_panel=DATA)]
ImageColumn = Annotated[str | None, typer.Option(help="Column that holds the image.", rich_help_panel=DATA)]
GroupColumn = Annotated[
    str | None,
    typer.Option(
        help="Column whose equal values (a patient, a scene) stay on one side of every split.",
        rich_help_panel=DATA,
    ),
]
GroupLevel = Annotated[
    int | None,
    typer.Option(help="The same by folders: 2 is the level inside the classes.", rich_help_panel=DATA),
]
Drop = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="A column that is no feature; repeatable.", rich_help_panel=DATA),
]
Split = Annotated[str | None, typer.Option(help="Split of a Hugging Face data set.", rich_help_panel=DATA)]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        help="Largest image, in pixels, that is decoded.",
        show_default="Pillow's limit",
        rich_help_panel=DATA,
    ),
]
Root = Annotated[
    Path | None, typer.Option(help="Where named data sets lie.", show_default="data", rich_help_panel=DATA)
]
Download = Annotated[bool, typer.Option(help="Let torchvision download into --root.", rich_help_panel=DATA)]

Hidden = Annotated[int, typer.Option(help="Units of each hidden layer.", rich_help_panel=HEAD)]
Layers = Annotated[int, typer.Option(help="Linear layers.", rich_help_panel=HEAD)]
Patience = Annotated[
    int, typer.Option(help="Checks of the validation loss without improvement.", rich_help_panel=HEAD)
]
Quick = Annotated[
    bool, typer.Option("--quick", help="4 replicates: sooner, with wider intervals.", rich_help_panel=STUDY)
]
Start = Annotated[int, typer.Option(help="Smallest sample size.", rich_help_panel=STUDY)]
TimeLimit = Annotated[
    float | None,
    typer.Option(help="Seconds after which no stage is begun or finished.", rich_help_panel=STUDY),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.", rich_help_panel=STUDY)]
Seed = Annotated[int, typer.Option(help="Key of all randomness.", rich_help_panel=STUDY)]


def mode(*, json: bool, quiet: bool) -> Mode:
    """Return how a command speaks. Raises UsageError when both are asked for."""
    if json and quiet:
        raise UsageError("--json and --quiet each ask for another output; give one of the two.")
    return "json" if json else "quiet" if quiet else "human"


def default_directory(data: str) -> Path:
    """Return `runs/<UTC time>-<data>`."""
    stem = re.sub(r"[^A-Za-z0-9]+", "-", Path(data).stem).strip("-").lower() or "data"
    return Path("runs") / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{stem}"


def verdict_code(verdict: Verdict | None) -> int:
    """Return the exit code that tells the verdict; without one, that of inconclusive."""
    if verdict == "sufficient":
        return 0
    return INSUFFICIENT if verdict == "insufficient" else INCONCLUSIVE
