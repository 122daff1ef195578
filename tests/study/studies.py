"""Small studies on Gaussian classes, as the tests run them."""

from __future__ import annotations

import torch

from sufficient.heads.fit import FitOptions
from sufficient.heads.learner import Heads
from sufficient.heads.stack import Architecture
from sufficient.progress import SilentProgress
from sufficient.study.options import StudyOptions
from sufficient.study.run import at_once, new_record, run_study
from tests.oracles import blobs

OPTIONS = StudyOptions(hidden=8, layers=2, lr=1e-2, patience=3, replicates=3, start=16, device="cpu")


def problem(count=400, noise=1.5, options=OPTIONS, standardise=False):
    values, labels = blobs(count, noise=noise, seed=5)
    record = new_record(labels, ("a", "b", "c"), options)
    heads = Heads.over(
        values,
        labels,
        architecture=Architecture(5, 3, hidden=options.hidden, layers=options.layers, bias=options.bias),
        options=FitOptions(lr=options.lr, batch_size=options.batch_size, patience=options.patience),
        device=torch.device("cpu"),
        standardise=standardise,
    )
    return record, heads


def run(record, heads, options=OPTIONS, *, after_stage=lambda so_far, seconds: False, deadline=None):
    return run_study(
        record, at_once(heads), options, after_stage=after_stage, progress=SilentProgress(), deadline=deadline
    )
