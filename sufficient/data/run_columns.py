"""Columns of runs made elsewhere: sizes, replicates and metrics, by rules that are written down.

A column's name counts in lower case, without a leading `config.` (W&B); of it only letters and digits are
compared, so that `# Train Images` is `train_images`. Then

- sizes: the one column whose name is in `SIZES`; `epoch` and the like never are (`PROGRESS`), and `step` only
  in a table that is no log of training (`_steps`), as DataEval's `Sufficiency` counts objects in steps;
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

from sufficient.data.columns import Table, column, columns_named
from sufficient.data.walk import printable
from sufficient.errors import UsageError
from sufficient.rounding import listed

MetricKind = Literal["accuracy", "error", "loss"]
SIZES = frozenset({  # steps: what DataEval's Sufficiency calls its sizes; …abs: as scikit-learn returns them
    "n", "k", "steps", "trainsize", "trainsizes", "trainsizesabs", "trainingsize", "trainingsizes",
    "trainsetsize", "trainingsetsize", "samplesize", "samplesizes", "subsetsize", "datasetsize", "datasize",
    *(f"{of}{what}s" for of in ("", "n", "num", "numberof", "train", "training", "ntrain", "ntraining")
      for what in ("sample", "example", "image", "object", "instance")),
    "ntrain", "numtrain", "ntraining", "numtraining",
})  # fmt: skip
PROGRESS = frozenset({"step", "globalstep", "trainerglobalstep", "epoch", "epochs"})
REPLICATES = frozenset({
    "replicate", "rep", "repeat", "seed", "randomstate", "fold", "run", "runid", "trial", "iteration",
    "name",  # W&B's, of a run
})  # fmt: skip
METRICS: dict[str, MetricKind] = {
    "accuracy": "accuracy", "acc": "accuracy", "top1": "accuracy", "top1accuracy": "accuracy",
    "top1acc": "accuracy", "score": "accuracy", "scores": "accuracy",
    "error": "error", "err": "error", "errorrate": "error", "top1error": "error",
    "misclassification": "error",
    "loss": "loss", "nll": "loss", "logloss": "loss", "crossentropy": "loss",
}  # fmt: skip
UNSEEN = ("test", "val", "valid", "validation", "eval", "heldout", "unseen")
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
    fitting = [name for name in table.names if _key(name) in SIZES] or _steps(table.names)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = listed([printable(name) for name in fitting])
        raise UsageError(f"{spec} has several columns that may be the sizes, {names}: say which, --n.")
    raise UsageError(
        f"{spec} has no column that is known to hold the sizes (n, train_size, n_train, samples, …); it has "
        f"{columns_named(table.names)}. Name the one with the number of objects trained on, --n COLUMN."
    )


def is_step(name: str) -> bool:
    """Return whether a column's name may mean steps of training as well as sizes."""
    return name.strip().lower() == "step"  # never `_step`, W&B's


def _steps(names: Sequence[str]) -> list[str]:
    """Return the column `step` of a table that shows no other sign of being a log of training."""
    rest = [name for name in names if not is_step(name)]
    logged = any(" - " in name or _key(name) in PROGRESS or _key(name).startswith("train") for name in rest)
    return [] if logged or "loss" in map(_key, rest) else [name for name in names if is_step(name)]


def run_columns(table: Table, named: str | None, *, spec: str) -> tuple[str, ...]:
    """Return the columns that tell runs of a size apart; none where every row is a run."""
    if named is not None:
        return (column(table, named, spec=spec, option="--replicate"),)
    return tuple(name for name in table.names if _key(name) in REPLICATES)


def progress_column(table: Table, besides: str) -> str | None:
    """Return the column that counts epochs or steps within a run, if there is one."""
    fitting = [name for name in table.names if _key(name) in PROGRESS and name != besides]
    return fitting[0] if fitting else None


def _metrics(names: Iterable[str]) -> list[Metric]:
    """Return the metrics of a table: folds of one, and runs of one, are one."""
    members: dict[tuple[str, str], list[tuple[str, int | None]]] = defaultdict(list)
    for name in names:
        if EXTREME.search(name) or _key(name) in PROGRESS:
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
    key = _key(name)
    for prefix in UNSEEN:
        if key.startswith(prefix) and key.removeprefix(prefix) in METRICS:
            return METRICS[key.removeprefix(prefix)], True
    return METRICS.get(key), False


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
            names = listed([printable(name) for each in fitting for name in each.columns])
            raise UsageError(
                f"{spec} has several columns that may be the {kind}, {names}: say which, --metric."
            )
    raise UsageError(
        f"{spec} has no column that is known to hold {wanted} on unseen objects ({wanted}, val_{wanted}, "
        f"test_{wanted}, …); it has {columns_named(table.names)}. Name it, --metric COLUMN."
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
    """Return a column's name in words: `config.Train Size` → `train_size`."""
    words = re.sub(r"[^a-z0-9]+", "_", re.sub(r"^config[./]", "", name.strip().lower()))
    return words.strip("_")


def _key(name: str) -> str:
    """Return a column's name as the rules compare it: `config.Train Size` → `trainsize`."""
    return plain(name).replace("_", "")
