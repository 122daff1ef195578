"""What a study runs on, and how a record tells of it: whichever way its objects were read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sufficient.data.labelled import Audit, Skipped
from sufficient.environment import computed_by
from sufficient.features.choose import Features
from sufficient.heads.fit import FitOptions
from sufficient.heads.learner import Heads
from sufficient.heads.stack import Architecture
from sufficient.options import RunOptions
from sufficient.study.options import StudyOptions
from sufficient.study.record import Record
from sufficient.study.run import Grow
from sufficient.study.shares import Index

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Intake:
    """What a study runs on."""

    record: Record  # without stages, or with those of the run that is extended
    grow: Grow  # (record, size) → the record and the heads that the size is run on
    skipped: Callable[[], tuple[Skipped, ...]]  # objects found and not used, so far


def identified(record: Record, identities: NDArray[np.uint8] | None) -> Record:
    """Return the record with its objects' identities, given those of all objects of the data."""
    if identities is None:
        return record
    return replace(record, identities=identities if record.objects is None else identities[record.objects])


def ordered(chosen: Features, record: Record) -> Features:
    """Return the features in the record's own order of objects."""
    if record.objects is None:
        return chosen
    return replace(chosen, values=chosen.values[record.objects], labels=chosen.labels[record.objects])


def with_account(
    record: Record, options: RunOptions, audit: Audit, fingerprint: str, *, groups: Index | None
) -> Record:
    """Return the record with what was found, used and skipped. `groups`: of each used object, (used,)."""
    shares = record.shares
    block = audit.block(
        spec=options.data,
        fingerprint=fingerprint,
        held_out=shares.held_out,
        validation=shares.validation,
        groups=None if groups is None else len(np.unique(groups)),
    )
    return replace(record, data=block)


def described(
    record: Record, chosen: Features, heads: Heads, options: RunOptions, device: torch.device
) -> Record:
    """Return the record with what is studied: options, features, model and machine."""
    return replace(
        record,
        options=options.resolved(),
        features={
            "name": chosen.name,
            "scale": chosen.scale,
            "reason": chosen.reason,
            "dimension": chosen.values.shape[1],
            "made_by_model": chosen.made_by_model,
        },
        model=model_block(heads.architecture),
        computed=computed_by(str(device)),
    )


def architecture_of(study: StudyOptions, *, inputs: int, classes: int) -> Architecture:
    """Return the network that a study fits."""
    return Architecture(
        inputs=inputs, classes=classes, hidden=study.hidden, layers=study.layers, bias=study.bias
    )


def model_block(architecture: Architecture) -> dict[str, Any]:
    """Return the network as a record keeps it."""
    return {
        "description": _description(architecture),
        "hidden": architecture.hidden,
        "layers": architecture.layers,
        "bias": architecture.bias,
        "parameters": architecture.parameters,
        "inputs": architecture.inputs,
        "outputs": architecture.classes,
    }


def heads_over(chosen: Features, record: Record, study: StudyOptions, device: torch.device) -> Heads:
    """Return the learner over the features, for the study's architecture."""
    return Heads.over(
        chosen.values,
        chosen.labels,
        architecture=architecture_of(study, inputs=chosen.values.shape[1], classes=len(record.classes)),
        options=FitOptions(
            lr=study.lr,
            batch_size=study.batch_size,
            patience=study.patience,
            max_updates=study.max_updates,
        ),
        device=device,
        standardise=chosen.scale == "standard",
    )


def _description(architecture: Architecture) -> str:
    widths = "-".join(str(width) for width in architecture.widths)
    bias = "with biases" if architecture.bias else "no biases"
    return f"fully connected {widths}, ReLU, {bias} ({architecture.parameters:,} parameters)"
