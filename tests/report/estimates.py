"""Estimates from synthetic records, with everything that a report names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sufficient.answer.verdict import judge
from sufficient.data.labelled import Skipped
from sufficient.notice import Notice
from sufficient.options import RunOptions
from sufficient.result import Estimate
from sufficient.study.record import Last, Record
from tests.answer import records


def falling(used: int = 2000, **noise: float) -> Record:
    """A curve that falls faster than Lemma 1 says, and learns."""
    return records.record(
        lambda k: 0.9 * k**-0.2, used=used, loss=lambda k: 3 * k**-0.4, error=lambda k: 2 * k**-0.4, **noise
    )


def stopped() -> Record:
    """Six of eleven sizes were run."""
    whole = falling()
    return replace(whole, stages=whole.stages[:6])


def unlearned() -> Record:
    sizes = records.sizes_to(1400)
    return records.record(lambda k: 0.03, unlearned=sizes)


def dead() -> Record:
    """Every replicate of every size is dead."""
    return records.record(lambda k: 0.5, [32, 64, 1400], dead={32: 8, 64: 8, 1400: 8})


def hollow_start() -> Record:
    return records.record(lambda k: 0.5 if k > 60 else 0.02, unlearned=[32, 45], noise=0.3)


def few(stages: int) -> Record:
    whole = falling()
    return replace(whole, stages=whole.stages[:stages])


RECORDS = {
    "none": lambda: few(0), "single": lambda: few(1),
    "falling": falling, "stopped": stopped, "unlearned": unlearned, "dead": dead, "hollow": hollow_start,
}  # fmt: skip


def estimate(
    record: Record | None = None,
    *,
    tol: float = 1e-3,
    spec: str = "digits",
    features: str = "pixels 8×8 grey",
    reason: str = "no image exceeds 64 pixels a side.",
    smallest: str = "cat",
    skipped: Sequence[Skipped] = (),
    notices: Sequence[Notice] = (),
) -> Estimate:
    """Return the estimate of a record (`falling` unless given) judged at `tol` nats."""
    record = falling() if record is None else record
    shares = record.shares
    counts: dict[str, int] = {}
    for item in skipped:
        counts[item.reason] = counts.get(item.reason, 0) + 1
    few = np.zeros((shares.replicates, 1, 2), np.float32)
    record = replace(
        record,
        last=Last(
            {}, np.linspace(0.01, 3, shares.used, dtype=np.float32), few, np.zeros(few.shape[:2], np.int64)
        ),
        notices=tuple(notices),
        data={
            "spec": spec,
            "fingerprint": "3a042fd9ec3b747cac5d7ae3047dd29f",
            "found": shares.used + len(skipped),
            "used": shares.used,
            "held_out": shares.held_out,
            "validation": shares.validation,
            "skipped": counts,
            "classes": len(record.classes),
            "smallest_class": {"name": smallest, "objects": shares.used // len(record.classes)},
        },
        features={"name": features, "scale": "none", "reason": reason, "dimension": 64},
        model={"description": "fully connected 64-64-64-5, ReLU, no biases (8,512 parameters)"},
        computed={"sufficient": "0.1.0", "torch": "2.14.1", "device": "cpu", "threads": 1},
    )
    return Estimate(
        answer=judge(record, tol=tol),
        record=record,
        options=RunOptions(data=spec, tol=tol),
        environment={"sufficient": "0.1.0", "python": "3.11.7", "libraries": {"torch": "2.14.1"}},
        skipped=tuple(skipped),
        seconds=1.5,
    )
