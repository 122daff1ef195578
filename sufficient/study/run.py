"""The study: size by size, fit all replicates, score them on objects they have not seen, record, stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from sufficient.heads.fit import Fitted
from sufficient.heads.learner import Heads
from sufficient.heads.score import distance
from sufficient.heads.stack import Stack
from sufficient.landscape.difference import FLAT_SPREAD, flat
from sufficient.landscape.probe import Ladder, ladder
from sufficient.notice import Notice
from sufficient.study.groups import few_groups, plan_common, united, with_twins_together
from sufficient.study.keys import torch_generator
from sufficient.study.options import StudyOptions
from sufficient.study.record import Last, Record, Stage
from sufficient.study.schedule import planned_sizes, replanned
from sufficient.study.shares import CommonShares, Index, Shares, divide

if TYPE_CHECKING:
    from sufficient.progress import Progress

PROBED = 1_000  # objects over all replicates whose curvature is bounded, at up to 10 classes
CLASSES_AT_COST = 10  # with more, an object costs more and fewer are taken: near 3 % of a study
SAMPLED = 2  # objects a replicate kept for the full Hessian, which takes as long as 8,000 exact G-terms

TOO_MANY_TWINS = (
    "too many identical images carry different labels to rotate the shares without parting them: all "
    "replicates share one held-out set, and the interval is wider for it."
)

AfterStage = Callable[[Record, float], bool]  # (record so far, seconds of the stage) → stop now?
# (record so far, size) → the record and the learner with all objects that the size takes
Grow = Callable[[Record, int], tuple[Record, Heads]]


class _OutOfTimeError(Exception):
    """Raised inside a fit when the deadline passes; the unfinished stage is dropped."""


def new_record(
    labels: NDArray[np.int64],
    classes: tuple[str, ...],
    options: StudyOptions,
    *,
    groups: Index | None = None,
    twins: Index | None = None,
    growing: bool = False,
    plan: tuple[Index, int, int, int] | None = None,
) -> Record:
    """Return a record without stages: shares and sizes fixed. Raises DataError when no size can be run.

    `groups`, `twins` (N,): equal numbers stay on one side of every split. `growing`: the labels are of
    candidates not yet read, and the record holds none of the fit pool; `run_study` asks for them. `plan`:
    what `plan_common` made of them, where it was asked.
    Where `record.objects` is given, labels and features follow in that order.
    """
    notices: tuple[Notice, ...] = ()
    if groups is None and not growing:
        shares = _rotating(labels, options, twins)
        if shares is not None:
            sizes, said = planned_sizes(shares, labels, classes, options)
            return Record(asdict(options), shares, labels, classes, sizes, notices=said)
        notices = (Notice("COMMON-SHARES", TOO_MANY_TWINS),)
    together = united(groups, twins)
    if plan is None:
        plan = plan_common(labels, together, options, growing=growing)
    order, fit, validation, held_out = plan
    read = np.concatenate([order[len(order) - held_out :], order[fit : fit + validation], order[:fit]])
    common = CommonShares(options.replicates, fit, validation, held_out)
    sizes, said = planned_sizes(common, labels[read], classes, options, groups=groups)
    if growing:
        common = replace(common, k_available=0, not_read=fit)
    read = read[: common.used]
    if together is not None:
        notices += few_groups(len(np.unique(together[read[:held_out]])))
    return Record(
        asdict(options),
        common,
        labels[read],
        classes,
        sizes,
        objects=read,
        groups=None if together is None else together[read],
        notices=(*notices, *said),
    )


def _rotating(labels: NDArray[np.int64], options: StudyOptions, twins: Index | None) -> Shares | None:
    """Return rotating shares that part no twins, or None where there are too many."""
    shares = divide(
        labels,
        replicates=options.replicates,
        seed=options.seed,
        held_out=options.held_out,
        validation=options.validation,
    )
    return shares if twins is None else with_twins_together(shares, twins)


def at_once(heads: Heads) -> Grow:
    """Return the way of data that is all there: nothing grows."""
    return lambda record, size: (record, heads)


def run_study(
    record: Record,
    grow: Grow,
    options: StudyOptions,
    *,
    after_stage: AfterStage,
    progress: Progress,
    after_growth: Callable[[Record], None] = lambda record: None,
    deadline: float | None = None,
) -> Record:
    """Return the record with the sizes run that were still missing.

    `grow` is asked before each size; a record that came back changed is given to `after_growth` before the
    stage is run, to be written. Ends when `after_stage` says so, at `deadline` (by `time.monotonic`), or
    after the last size. The first stage of a record is always finished, so that there is something to say.
    """
    previous: Stack | None = None
    while (size := _next_size(record)) is not None:
        before = record
        record, heads = grow(record, size)
        record = replanned(record, size, options)
        if record is not before:
            after_growth(record)
        if size not in record.sizes:
            continue
        if previous is None and record.last is not None:
            previous = restored(record.last, heads)
        progress.stage_started(size, len(record.stages), record.sizes)
        started = time.monotonic()
        limit = deadline if record.stages else None
        try:
            stage, last, previous = _run_stage(record, heads, options, size, previous, progress, limit)
        except _OutOfTimeError:
            break
        record = replace(record, stages=(*record.stages, stage), last=last)
        if after_stage(record, time.monotonic() - started):
            break
    return record


def _next_size(record: Record) -> int | None:
    return record.sizes[len(record.stages)] if len(record.stages) < len(record.sizes) else None


def _run_stage(
    record: Record,
    heads: Heads,
    options: StudyOptions,
    size: int,
    previous: Stack | None,
    progress: Progress,
    deadline: float | None,
) -> tuple[Stage, Last, Stack]:
    def watch(updates: int, training: int) -> None:
        progress.updates(updates, training)
        if deadline is not None and time.monotonic() >= deadline:
            raise _OutOfTimeError

    shares, replicates = record.shares, range(record.shares.replicates)
    fitted = np.stack([shares.fitted(r, size) for r in replicates])
    networks, view = heads.fit(
        fitted,
        np.stack([shares.validation_objects(r) for r in replicates]),
        initial=[torch_generator("initial", options.seed, r) for r in replicates],
        order=[torch_generator("batches", options.seed, r, size) for r in replicates],
        watch=watch,
    )
    unseen = np.stack([shares.held_out_objects(r) for r in replicates])
    stage = measured(view, networks, record.labels, fitted=fitted, unseen=unseen, previous=previous)
    return stage, _last(view, networks.stack, record, unseen[:, :SAMPLED]), networks.stack


def measured(
    view: Heads,
    networks: Fitted,
    labels: NDArray[np.int64],
    *,
    fitted: Index,
    unseen: Index,
    previous: Stack | None = None,
) -> Stage:
    """Return what the record keeps of networks fitted on `fitted` (R, k), scored on `unseen` (R, held_out).

    `previous`: the solutions at the size before, to say how far they moved.
    """
    stack = networks.stack
    seen = _numbers(view.score(stack, fitted).losses)
    new = view.score(stack, unseen)
    new_losses, predicted = _numbers(new.losses), new.predicted.cpu().numpy()
    train_loss = seen.mean(axis=1)
    gap = np.abs(new_losses - train_loss[:, None])
    moved = np.full(len(fitted), np.nan) if previous is None else _numbers(distance(stack, previous))
    rungs = _ladder(view, stack, probed(fitted, unseen, classes=int(labels.max()) + 1))
    both = np.concatenate([seen, new_losses], axis=1)
    return Stage(
        size=fitted.shape[1],
        constant=gap.mean(axis=1),
        variance=gap.var(axis=1, ddof=1),
        train_loss=train_loss,
        validation_loss=_numbers(networks.validation_loss),
        unseen_loss=new_losses.mean(axis=1),
        accuracy=(predicted == labels[unseen]).mean(axis=1),
        updates=networks.updates.cpu().numpy(),
        best_update=networks.best_update.cpu().numpy(),
        capped=networks.capped.cpu().numpy(),
        gradient_norm=_numbers(view.gradient_norm(stack, fitted)),
        largest_seen=seen.max(axis=1),
        largest_unseen=new_losses.max(axis=1),
        weight_norms=_numbers(rungs.norms.weights),
        norm_exact=_numbers(rungs.exact),
        norm_activation=_numbers(rungs.activation),
        norm_corrected=_numbers(rungs.corrected),
        norm_common=_numbers(rungs.corrected_common),
        norm_printed=_numbers(rungs.printed),
        distance=moved,
        dead=flat(both) & (both.max(axis=1) >= FLAT_SPREAD),  # below it, it is right about every object
        unseen_losses=new_losses.astype(np.float32),
        predicted=predicted,
    )


def probed(fitted: Index, unseen: Index, *, classes: int) -> Index:
    """Return the objects whose curvature is measured, (R, few): fitted ones, then as many held-out ones.

    PROBED over all replicates, fewer with many classes or where there are not so many objects.
    """
    few = PROBED * min(1.0, CLASSES_AT_COST / classes)
    each = max(int(few) // (2 * len(fitted)), 1)
    return np.concatenate([fitted[:, :each], unseen[:, :each]], axis=1)


def _ladder(view: Heads, stack: Stack, index: Index) -> Ladder:
    stack = stack.to("cpu")
    return ladder(stack.weights, stack.biases, view.inputs(index).cpu())


def _last(view: Heads, stack: Stack, record: Record, sample: Index) -> Last:
    everything: Index = np.arange(record.shares.used)
    losses = view.score_one(stack, 0, everything).losses[0].cpu().numpy()
    weights = {f"weight.{p}": W.cpu().numpy() for p, W in enumerate(stack.weights)}
    biases = {f"bias.{p}": b.cpu().numpy() for p, b in enumerate(stack.biases)}
    return Last(
        weights=weights | biases,
        all_losses=losses,
        sample=view.inputs(sample).cpu().numpy(),
        sample_labels=record.labels[sample],
    )


def restored(last: Last, heads: Heads) -> Stack:
    """Return the networks of the last stage, on the device of the learner."""
    tensors = {name: torch.from_numpy(value) for name, value in last.weights.items()}
    layers = heads.architecture.layers
    weights = tuple(tensors[f"weight.{p}"] for p in range(layers))
    biases = tuple(tensors[f"bias.{p}"] for p in range(layers)) if heads.architecture.bias else ()
    return Stack(weights, biases).to(heads.objects.device)


def _numbers(tensor: torch.Tensor) -> NDArray[np.float64]:
    return tensor.cpu().double().numpy()
