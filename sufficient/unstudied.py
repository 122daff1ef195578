"""What there is to say of data that came in batches before a study of it can be run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sufficient.answer.verdict import judge
from sufficient.data.labelled import Audit
from sufficient.data.labels import encode_labels
from sufficient.environment import environment
from sufficient.errors import UsageError
from sufficient.heads.stack import Architecture
from sufficient.notice import Notice
from sufficient.options import QUICK_REPLICATES, RunOptions, SourceOptions
from sufficient.report.export import data_block
from sufficient.result import Estimate
from sufficient.study.options import StudyOptions
from sufficient.study.record import Record
from sufficient.study.shares import divide


def run_options(options: dict[str, Any]) -> RunOptions:
    """Return the options checked, as `estimate` would take them."""
    rest = dict(options)
    if rest.pop("quick", False):
        rest["replicates"] = QUICK_REPLICATES
    source = {name: rest.pop(name) for name in SourceOptions.__dataclass_fields__ if name in rest}
    study = {name: rest.pop(name) for name in StudyOptions.__dataclass_fields__ if name in rest}
    if isinstance(rest.get("targets"), str):
        rest["targets"] = (rest["targets"],)
    if unknown := sorted(set(rest) - set(RunOptions.__dataclass_fields__)):
        raise UsageError(
            f"a monitor has no option {', '.join(unknown)}; it takes those of sufficient.estimate."
        )
    return RunOptions(data="arrays", **rest, source=SourceOptions(**source), study=StudyOptions(**study))


def too_few(options: RunOptions, labels: NDArray[Any], why: str, *, inputs: int) -> Estimate:
    """Return the answer while no size can be run: *inconclusive*, TOO-FEW-OBJECTS."""
    codes, classes = encode_labels(labels)
    shares = divide(
        codes,
        replicates=options.study.replicates,
        seed=options.study.seed,
        held_out=options.study.held_out,
        validation=options.study.validation,
    )
    architecture = Architecture(
        inputs=inputs,
        classes=len(classes),
        hidden=options.study.hidden,
        layers=options.study.layers,
        bias=options.study.bias,
    )
    counts = dict(zip(classes, np.bincount(codes).tolist(), strict=True))
    audit = Audit(len(codes), len(codes), (), counts, ())
    record = Record(
        options=options.resolved(),
        shares=shares,
        labels=codes,
        classes=classes,
        sizes=(),
        data=data_block(
            audit, spec="arrays", fingerprint="", held_out=shares.held_out, validation=shares.validation
        ),
        features={
            "name": "none yet",
            "scale": "none",
            "reason": "nothing is fitted yet.",
            "dimension": inputs,
        },
        model={
            "description": "none fitted yet",
            "hidden": options.study.hidden,
            "layers": options.study.layers,
            "bias": options.study.bias,
            "parameters": architecture.parameters,
            "inputs": inputs,
            "outputs": len(classes),
        },
    )
    answer = judge(record, tol=options.tol, criteria=options.criteria, confirm=options.confirm)
    reason = Notice("TOO-FEW-OBJECTS", why)
    criteria = tuple(replace(one, reason=reason) for one in answer.criteria)
    answer = replace(answer, reasons=(reason,), warnings=(), criteria=criteria)
    return Estimate(answer, record, options, environment("cpu"))
