"""Columns of runs made elsewhere: sizes, replicates and metrics, by rules that are written down.

A column's name counts in lower case, its words joined by `_`, without a leading `config.` (W&B). Then

- sizes: the one column whose name is in `SIZES`; `step`, `epoch` and the like never are (`PROGRESS`);
- metrics: names of `METRICS`, behind one of `UNSEEN` or bare; `train_…` is measured on seen objects and
  never taken. Beside a `val_loss` a bare `loss` is Keras' training loss, and so left out;
- folds: `test_score_0`, `test_score_1`, … or `split0_test_score`, … are the replicates of one metric, and so
  are the columns `RUN - METRIC` that W&B exports of a chart; its `…__MIN` and `…__MAX` are left out;
- replicates: every row of a size is one; columns of `REPLICATES` say which rows are of the same run.

What fits two rules raises a UsageError that names the columns and the option that decides.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from sufficient.data.columns import Table, column, listed
from sufficient.data.walk import printable
from sufficient.errors import UsageError

MetricKind = Literal["accuracy", "error", "loss"]
SIZES = frozenset({  # steps: what DataEval's Sufficiency calls its sizes
    "n", "k", "steps", "train_size", "train_sizes", "training_size", "training_sizes", "sample_size",
    "sample_sizes", "samples", "n_samples", "num_samples", "train_samples", "training_samples", "n_train",
    "num_train", "n_examples", "num_examples", "train_examples", "dataset_size", "data_size",
})  # fmt: skip
PROGRESS = frozenset({"step", "global_step", "epoch", "epochs"})
REPLICATES = frozenset({
    "replicate", "rep", "repeat", "seed", "random_state", "fold", "run", "run_id", "trial", "iteration",
    "name",  # W&B's, of a run
})  # fmt: skip
METRICS: dict[str, MetricKind] = {
    "accuracy": "accuracy", "acc": "accuracy", "top1": "accuracy", "top_1": "accuracy",
    "top1_accuracy": "accuracy", "top_1_accuracy": "accuracy", "score": "accuracy", "scores": "accuracy",
    "error": "error", "err": "error", "error_rate": "error", "misclassification": "error",
    "loss": "loss", "nll": "loss", "log_loss": "loss", "cross_entropy": "loss",
}  # fmt: skip
UNSEEN = ("test", "val", "valid", "validation", "eval", "held_out", "heldout", "unseen")
FOLD = re.compile(r"^(?P<base>.*?)_(?:fold_?)?(?P<fold>\d+)$|^split(?P<split>\d+)_(?P<of>.+)$")
EXTREME = re.compile(r"__(MIN|MAX)$")


@dataclass(frozen=True)
class Metric:
    """A metric and the columns that hold it: one, or one for each fold or run."""

    name: str  # without fold or run
    kind: MetricKind | None  # None: its name does not say
    unseen: bool
    columns: tuple[str, ...]


def size_column(table: Table, named: str | None, *, spec: str) -> str:
    """Return the column of the sizes."""
    if named is not None:
        return column(table, named, spec=spec, option="--n")
    fitting = [name for name in table.names if plain(name) in SIZES]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise UsageError(
            f"{spec} has several columns that may be the sizes, {joined(fitting)}: say which, --n."
        )
    raise UsageError(
        f"{spec} has no column that is known to hold the sizes (n, train_size, n_train, samples, …); it has "
        f"{listed(table.names)}. Name the one with the number of objects trained on, --n COLUMN."
    )


def run_columns(table: Table, named: str | None, *, spec: str) -> tuple[str, ...]:
    """Return the columns that tell runs of a size apart; none where every row is a run."""
    if named is not None:
        return (column(table, named, spec=spec, option="--replicate"),)
    return tuple(name for name in table.names if plain(name) in REPLICATES)


def progress_column(table: Table, besides: str) -> str | None:
    """Return the column that counts epochs or steps within a run, if there is one."""
    fitting = [name for name in table.names if plain(name) in PROGRESS and name != besides]
    return fitting[0] if fitting else None


def _metrics(names: Iterable[str]) -> list[Metric]:
    """Return the metrics of a table: folds of one, and runs of one, are one."""
    members: dict[tuple[str, str], list[tuple[str, int | None]]] = defaultdict(list)
    for name in names:
        if EXTREME.search(name) or plain(name) in PROGRESS:
            continue
        run, _, measured = name.rpartition(" - ")
        base = plain(measured)
        fold = FOLD.match(base)
        if fold is not None and _kind(fold["base"] or fold["of"])[0] is not None:
            base = fold["base"] or fold["of"]
            members[base, ""].append((name, int(fold["fold"] or fold["split"])))
        else:
            members[base, "" if run else name].append((name, None))
    metrics = []
    for (base, _), columns in members.items():
        folds = [fold for _, fold in columns if fold is not None]
        if folds and sorted(folds) not in ([*range(len(folds))], [*range(1, len(folds) + 1)]):
            continue  # acc_1 and acc_5 are two metrics, not two folds
        kind, unseen = _kind(base)
        metrics.append(Metric(base, kind, unseen, tuple(name for name, _ in columns)))
    return metrics


def _kind(name: str) -> tuple[MetricKind | None, bool]:
    """Return what a plain name measures, and whether it says that it is of unseen objects."""
    name = re.sub(r"^(mean|avg|average)_|_(mean|avg|average)$", "", name)
    for prefix in UNSEEN:
        if name.startswith(f"{prefix}_") and name.removeprefix(f"{prefix}_") in METRICS:
            return METRICS[name.removeprefix(f"{prefix}_")], True
    return METRICS.get(name), False


def metric_of(table: Table, wanted: MetricKind, named: str | None, spec: str, *, besides: set[str]) -> Metric:
    """Return the metric that answers a target of the kind wanted."""
    metrics = _metrics(name for name in table.names if name not in besides)
    if named is not None:
        return _named(table, metrics, wanted, named, spec)
    kinds: list[MetricKind] = ["loss"] if wanted == "loss" else [wanted, _other(wanted)]
    for kind in kinds:
        fitting = [each for each in metrics if each.kind == kind]
        fitting = [each for each in fitting if each.unseen] or fitting
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise UsageError(
                f"{spec} has several columns that may be the {kind}, "
                f"{joined([name for each in fitting for name in each.columns])}: say which, --metric."
            )
    raise UsageError(
        f"{spec} has no column that is known to hold {wanted} on unseen objects ({wanted}, val_{wanted}, "
        f"test_{wanted}, …); it has {listed(table.names)}. Name it, --metric COLUMN."
    )


def _named(table: Table, metrics: Sequence[Metric], wanted: MetricKind, named: str, spec: str) -> Metric:
    """Return the metric that --metric names: a column, or the name that folds or runs share."""
    for each in metrics:
        if named == each.name or named in each.columns:
            whole = each if named == each.name else Metric(each.name, each.kind, each.unseen, (named,))
            break
    else:
        column(table, named, spec=spec, option="--metric")
        raise UsageError(f"--metric {printable(named)} holds the sizes or steps; name one that is measured.")
    fits = {wanted} if wanted == "loss" else {wanted, _other(wanted)}
    if whole.kind is not None and whole.kind not in fits:
        raise UsageError(
            f"--metric {printable(named)} holds a {whole.kind}, which no target of {wanted} can be held "
            f"against: name a column of {wanted}, or ask for --target {whole.kind}=VALUE."
        )
    return whole


def _other(kind: MetricKind) -> MetricKind:
    return "error" if kind == "accuracy" else "accuracy"


def plain(name: str) -> str:
    """Return a column's name as the rules compare it: `config.Train Size` → `train_size`."""
    words = re.sub(r"[^a-z0-9]+", "_", re.sub(r"^config[./]", "", name.strip().lower()))
    return words.strip("_")


def joined(names: Sequence[str]) -> str:
    """Return `a, b and c`."""
    shown = [printable(name) for name in names]
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else shown[0]
