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
from sufficient.notice import Notice
from sufficient.options import RunOptions
from sufficient.result import Estimate
from sufficient.study.record import Record
from sufficient.study.shares import divide
from sufficient.taken import architecture_of, model_block


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
    model = model_block(architecture_of(options.study, inputs=inputs, classes=len(classes)))
    counts = dict(zip(classes, np.bincount(codes).tolist(), strict=True))
    audit = Audit(len(codes), len(codes), (), counts, ())
    record = Record(
        options=options.resolved(),
        shares=shares,
        labels=codes,
        classes=classes,
        sizes=(),
        data=audit.block(
            spec="arrays", fingerprint="", held_out=shares.held_out, validation=shares.validation
        ),
        features={
            "name": "none yet",
            "scale": "none",
            "reason": "nothing is fitted yet.",
            "dimension": inputs,
        },
        model={**model, "description": "none fitted yet"},
    )
    answer = judge(record, tol=options.tol, criteria=options.criteria, confirm=options.confirm)
    reason = Notice("TOO-FEW-OBJECTS", why)
    criteria = tuple(replace(one, reason=reason) for one in answer.criteria)
    answer = replace(answer, reasons=(reason,), warnings=(), criteria=criteria)
    return Estimate(answer, record, options, environment("cpu"))
