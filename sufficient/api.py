"""The one place that joins data, features, study and answer. The commands and notebooks both call it."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sufficient.answer.interval import curve
from sufficient.answer.verdict import certain, judge
from sufficient.data.images import LARGEST_OWN_SIDE
from sufficient.data.labelled import LabelledData
from sufficient.data.sources import read
from sufficient.environment import computed_by, environment
from sufficient.errors import DataError, ResourceError, UsageError
from sufficient.features.choose import Features, ScaleChoice, choose, remarks
from sufficient.heads.device import choose_device, exact_float32
from sufficient.heads.fit import FitOptions
from sufficient.heads.learner import Heads
from sufficient.heads.stack import Architecture
from sufficient.notice import Notice
from sufficient.options import QUICK_REPLICATES, RunOptions, read_options
from sufficient.progress import Progress, SilentProgress
from sufficient.report.export import data_block, read_skipped
from sufficient.result import ENVIRONMENT, RESULT, SKIPPED, Estimate, NotWrittenError
from sufficient.run_directory import CONFIG, RECORD, begin, held, opened
from sufficient.study.options import StudyOptions
from sufficient.study.record import Record
from sufficient.study.run import new_record, run_study
from sufficient.study.store import append_stage, read_record, write_header

if TYPE_CHECKING:
    import torch


def estimate(
    data: Any,
    labels: Any = None,
    *,
    tol: float = 1e-4,
    confirm: int = 2,
    features: str = "auto",
    size: int | None = None,
    scale: str = "auto",
    root: str | Path | None = None,
    download: bool = False,
    time_limit: float | None = None,
    quick: bool = False,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    **study: Any,
) -> Estimate:
    """Return whether the data is large enough for a fully connected head on its features.

    `data`: a SPEC or path (a folder of class folders, `digits`, `mnist`, `x.npz`, …), or images
    (N, H, W[, C]) uint8 or features (N, d) float with `labels` (N,). `tol` in nats: by how much one more
    object may still change the mean loss. `time_limit` in seconds. `out`: a new directory for the run, which
    `resume` goes on with. `progress`: a listener, e.g. `sufficient.LiveStudy(tol=1e-4)`; silent by default.
    `study`: fields of `StudyOptions` (hidden, layers, bias, replicates, held_out, start, growth, seed, …).

    Raises UsageError for options that cannot be meant, DataError for data that cannot be used,
    ResourceError for disk, memory or device.
    """
    if quick:
        if "replicates" in study:
            raise UsageError(f"--quick means --replicates {QUICK_REPLICATES}; give one of the two.")
        study["replicates"] = QUICK_REPLICATES
    if unknown := sorted(set(study) - set(StudyOptions.__dataclass_fields__)):
        raise UsageError(f"estimate() has no option {', '.join(unknown)}; see help(sufficient.estimate).")
    options = RunOptions(
        data=str(data) if isinstance(data, str | Path) else "arrays",
        tol=tol,
        confirm=confirm,
        features=features,
        size=size,
        scale=scale,
        root=None if root is None else str(root),
        download=download,
        time_limit=time_limit,
        study=StudyOptions(**study),
    )
    if resume and out is None:
        raise UsageError("resume needs the directory of the run: give --out DIR.")
    return _run(
        options, data, labels, None if out is None else Path(out), resume, progress or SilentProgress()
    )


def load(directory: str | Path) -> Estimate:
    """Return the estimate of a run directory, judged from its record. Raises DataError where none is."""
    directory = Path(directory)
    record = read_record(directory / RECORD)
    if record is None or not record.stages:
        raise DataError(
            f"{directory} holds no finished stage of a run; give the directory that "
            "`sufficient estimate --out` wrote to."
        )
    options = read_options(directory / CONFIG)
    result = _json(directory / RESULT)
    return Estimate(
        answer=judge(record, tol=options.tol, confirm=options.confirm),
        record=record,
        options=options,
        environment=_json(directory / ENVIRONMENT),
        skipped=read_skipped(directory / SKIPPED),
        seconds=result.get("seconds", 0.0),
        resumed=result.get("resumed", False),
    )


def report(directory: str | Path, *, tol: float | None = None) -> Estimate:
    """Return the run judged again, for another `tol` (nats) if given, with its files rewritten.

    Nothing is trained. Raises DataError where no run is, ResourceError when the disk says no.
    """
    if not Path(directory).is_dir():
        raise DataError(f"{directory} is no directory; give that of a run.")
    with held(Path(directory)):
        run = load(directory)
        judged = run if tol is None else run.judged(tol=tol)
        return _written(replace(judged, command="report"), Path(directory))


def read_data(options: RunOptions, data: Any, labels: Any, progress: Progress) -> LabelledData:
    """Return the labelled objects that the options name, read as their features need them."""
    return read(
        data,
        labels=labels,
        size=options.size,
        largest_side=LARGEST_OWN_SIDE if options.features == "auto" else None,
        root=None if options.root is None else Path(options.root),
        download=options.download,
        progress=progress.data_progress,
    )


def _run(
    options: RunOptions, data: Any, labels: Any, out: Path | None, resume: bool, progress: Progress
) -> Estimate:
    began = time.monotonic()
    deadline = None if options.time_limit is None else began + options.time_limit
    device = choose_device(options.study.device)
    with exact_float32(), contextlib.nullcontext() if out is None else opened(out, options, resume=resume):
        labelled = read_data(options, data, labels, progress)
        chosen = choose(
            labelled, features=options.features, size=options.size, scale=cast(ScaleChoice, options.scale)
        )
        record, resumed = _begun(out, _described(labelled, chosen, options, device), options)
        skipped = labelled.audit.skipped
        del labelled
        heads = _heads(chosen, record, options, device)

        def after_stage(so_far: Record, seconds: float) -> bool:
            if out is not None:
                append_stage(out / RECORD, so_far)
            progress.stage_done(curve(so_far)[-1], seconds)
            return certain(so_far, tol=options.tol, confirm=options.confirm)

        progress.resumed(curve(record))
        if not (record.stages and certain(record, tol=options.tol, confirm=options.confirm)):
            record = run_study(
                record, heads, options.study, after_stage=after_stage, progress=progress, deadline=deadline
            )
        result = Estimate(
            answer=judge(record, tol=options.tol, confirm=options.confirm),
            record=record,
            options=options,
            environment=environment(str(device)),
            skipped=skipped,
            seconds=time.monotonic() - began,
            resumed=resumed,
        )
        return result if out is None else _written(result, out)


def _described(labelled: LabelledData, chosen: Features, options: RunOptions, device: torch.device) -> Record:
    """Return a record without stages that says what is studied."""
    record = new_record(chosen.labels, labelled.classes, options.study)
    architecture = _architecture(chosen, record, options.study)
    study = options.study
    return replace(
        record,
        options=options.resolved(),
        notices=(*labelled.audit.notices, *remarks(labelled), *record.notices),
        data=data_block(
            labelled.audit,
            spec=options.data,
            fingerprint=labelled.fingerprint,
            held_out=record.shares.held_out,
            validation=record.shares.validation,
        ),
        features={
            "name": chosen.name,
            "scale": chosen.scale,
            "reason": chosen.reason,
            "dimension": chosen.values.shape[1],
        },
        model={
            "description": _description(architecture),
            "hidden": study.hidden,
            "layers": study.layers,
            "bias": study.bias,
            "parameters": architecture.parameters,
            "inputs": architecture.inputs,
            "outputs": architecture.classes,
        },
        computed=computed_by(str(device)),
    )


def _begun(out: Path | None, fresh: Record, options: RunOptions) -> tuple[Record, bool]:
    """Return the record to go on with, and whether it was begun before."""
    if out is None:
        return fresh, False
    before = read_record(out / RECORD)
    if before is None:
        begin(out, options)
        write_header(out / RECORD, fresh)
        return fresh, False
    if before.data["fingerprint"] != fresh.data["fingerprint"]:
        raise UsageError(
            f"the data is not that of the run in {out}: fingerprint {before.data['fingerprint'][:12]} then, "
            f"{fresh.data['fingerprint'][:12]} now. Give a new --out for the changed data."
        )
    if before.computed != fresh.computed:
        before = replace(
            before, notices=(*before.notices, _elsewhere(before, fresh)), computed=fresh.computed
        )
        write_header(out / RECORD, before)
    return before, bool(before.stages)


def _elsewhere(before: Record, now: Record) -> Notice:
    changed = [
        f"{name} {value} then, {now.computed[name]} now"
        for name, value in before.computed.items()
        if now.computed[name] != value
    ]
    return Notice(
        "RESUMED-ELSEWHERE",
        f"the run was begun with {'; '.join(changed)}: sizes may differ by rounding from one run at once.",
    )


def _heads(chosen: Features, record: Record, options: RunOptions, device: torch.device) -> Heads:
    study = options.study
    return Heads.over(
        chosen.values,
        chosen.labels,
        architecture=_architecture(chosen, record, study),
        options=FitOptions(
            lr=study.lr,
            batch_size=study.batch_size,
            patience=study.patience,
            max_updates=study.max_updates,
        ),
        device=device,
        standardise=chosen.scale == "standard",
    )


def _architecture(chosen: Features, record: Record, study: StudyOptions) -> Architecture:
    return Architecture(
        inputs=chosen.values.shape[1],
        classes=len(record.classes),
        hidden=study.hidden,
        layers=study.layers,
        bias=study.bias,
    )


def _description(architecture: Architecture) -> str:
    widths = "-".join(str(width) for width in architecture.widths)
    bias = "with biases" if architecture.bias else "no biases"
    return f"fully connected {widths}, ReLU, {bias} ({architecture.parameters:,} parameters)"


def _written(result: Estimate, directory: Path) -> Estimate:
    try:
        return result.write_answer(directory)
    except ResourceError as error:
        raise NotWrittenError(error, result) from error


def _json(path: Path) -> dict[str, Any]:
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # a run that was killed before its answer was written: the record is what counts
    return loaded if isinstance(loaded, dict) else {}
