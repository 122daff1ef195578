"""How it was computed, ready to paste into a paper or a ticket, with what it stands on."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sufficient import __version__
from sufficient.report.text import features_words
from sufficient.result import Estimate
from sufficient.rounding import objects, tolerance
from sufficient.study.record import Record
from sufficient.study.shares import CommonShares


@dataclass(frozen=True)
class Reference:
    """One source."""

    text: str
    url: str


REFERENCES = (
    Reference(
        "N. Kiselev, A. Grabovoy. Unraveling the Hessian: A Key to Smooth Convergence in Loss Function "
        "Landscapes. arXiv 2409.11995, 2024.",
        "https://arxiv.org/abs/2409.11995",
    ),
    Reference(
        "T. Viering, M. Loog. The Shape of Learning Curves: a Review. IEEE Transactions on Pattern Analysis "
        "and Machine Intelligence, 2022.",
        "https://arxiv.org/abs/2103.10948",
    ),
    Reference(
        "D. P. Kingma, J. Ba. Adam: A Method for Stochastic Optimization. ICLR, 2015.",
        "https://arxiv.org/abs/1412.6980",
    ),
)

MET = {  # kind → when it is called met
    "accuracy": "the lower end of the 95 % interval of accuracy on unseen objects is at or above it",
    "error": "the upper end of the 95 % interval of the share of wrong answers on unseen objects is at or "
    "below it",
    "loss": "the upper end of the 95 % interval of the mean loss on unseen objects is at or below it",
    "rel-tol": "the upper end of the 95 % interval of δₖ over the mean loss on unseen objects is at or "
    "below it",
    "min-gain": "the upper end of the 90 % interval of the accuracy that doubling is forecast to bring is "
    "below it",
}


def methods(estimate: Estimate) -> tuple[str, ...]:
    """Return the methods of a run as paragraphs of plain text, its own numbers filled in."""
    return (
        _data(estimate),
        _training(estimate),
        _difference(estimate),
        _forecasts(estimate),
        _software(estimate),
    )


def _data(estimate: Estimate) -> str:
    record = estimate.record
    data, shares = record.data, record.shares
    skipped = sum(data.get("skipped", {}).values())
    left = f"; {objects(skipped)} were skipped, each for a stated reason" if skipped else ""
    if data.get("not_read"):
        left += f"; {objects(data['not_read'])} were not needed and not read"
    return (
        f"Of {objects(data['found'])} labelled objects found in {data['spec']}, {objects(data['used'])} in "
        f"{len(record.classes)} classes were used{left}. They were divided into a pool to fit "
        f"({objects(shares.k_available)}), a validation share ({objects(shares.validation)}) and a held-out "
        f"share ({objects(shares.held_out)}){_division(record)}. Inputs: "
        f"{_sentence(features_words(record.features))}"
    )


def _division(record: Record) -> str:
    if not isinstance(record.shares, CommonShares):
        return (
            f"; each of {record.shares.replicates} replicates starts at another place of one seeded circular "
            "order in which the classes are interleaved, so that its three shares are its own and small "
            "training sets are disjoint"
        )
    return (
        f", the last two common to all {record.shares.replicates} replicates, whose training sets are drawn "
        "from the pool in a seeded order in which the classes are interleaved"
    )


def _training(estimate: Estimate) -> str:
    study, model = estimate.options.study, estimate.record.model["description"]
    sizes = [stage.size for stage in estimate.record.stages]
    run = f"k = {objects(sizes[0])} to {objects(sizes[-1])}, {len(sizes)} sizes" if sizes else "no size"
    return (
        f"At each sample size ({run}, growing by a factor of {_factor(study.growth)}) "
        f"every replicate trained its own network, {model}, with Adam [3] (learning rate "
        f"{tolerance(study.lr)}, batches of {study.batch_size}) until its validation loss had not improved "
        f"for {study.patience} checks, and kept the weights of its best check. A size counts as learned when "
        "the loss on unseen objects is below the entropy of the class frequencies with 97.5 % confidence."
    )


def _difference(estimate: Estimate) -> str:
    what = "The criterion is" if _tol_asked(estimate) else "Measured was"
    return (
        f"{what} the change of the mean loss by one more object, δₖ = E |Lₖ₊₁(θₖ) − Lₖ(θₖ)|, "
        "the mean over replicates and held-out objects, which no network has seen; by Lemma 1 of Kiselev and "
        "Grabovoy [1] it falls as 1/k. Intervals of δₖ are 95 % t intervals of its logarithm that allow for "
        f"objects shared between replicates. {_called(estimate)}"
    )


def _called(estimate: Estimate) -> str:
    """Return what the tolerance decides."""
    tol = tolerance(estimate.answer.tolerance)
    if not _tol_asked(estimate):
        return f"The tolerance of {tol} nats is drawn for reference; it decides nothing here."
    others = len(estimate.answer.asked) > 1
    met, missed = (
        ("The tolerance is called met", "missed")
        if others
        else ("The data set is called sufficient", "insufficient")
    )
    return (
        f"{met} when the upper end lies within the tolerance of {tol} nats at {_last(estimate)} run, all "
        f"learned; k* is where the curve crosses the tolerance for good. It is called {missed} when all "
        "objects available were fitted and the lower end lies above the tolerance."
    )


def _tol_asked(estimate: Estimate) -> bool:
    asked = estimate.answer.asked
    return not asked or any(each.criterion.kind == "tol" for each in asked)


def _last(estimate: Estimate) -> str:
    confirm = estimate.options.confirm
    return f"the last {confirm} sizes" if confirm > 1 else "the last size"


def _forecasts(estimate: Estimate) -> str:
    return (
        "The number of objects that a tolerance needs is forecast by a local linear trend of ln((k + 1) δₖ) "
        "(Kalman filters averaged by their one-step-ahead likelihood; 90 % intervals; past 10 × the largest "
        "size only a lower bound). Accuracy and loss at twice the largest size are forecast by the same "
        "trend, on the logarithm of error and loss, beside laws of learning curves [2], weighted by backtest "
        f"(90 % intervals).{_targets(estimate)}"
    )


def _targets(estimate: Estimate) -> str:
    """Return when each thing asked beside a tolerance is called met, and how what it needs is forecast."""
    asked = [each.criterion for each in estimate.answer.asked if each.criterion.kind != "tol"]
    if not asked:
        return ""
    met = [f"{each.phrase} is called met when {MET[each.kind]}" for each in asked]
    said = f" Asked: {'; '.join(met)}, at {_last(estimate)} run, all learned."
    if len(estimate.answer.asked) > 1:
        said += " The data set is called sufficient when all that was asked is met."
    if all(each.kind == "min-gain" for each in asked):
        return said
    return (
        f"{said} What is needed is forecast by the same trend on the logarithm of the value beside eight "
        "laws of learning curves [2], weighted by backtest."
    )


def _software(estimate: Estimate) -> str:
    computed, environment = estimate.record.computed, estimate.environment
    python = f", Python {environment['python']}" if environment.get("python") else ""
    torch = f", PyTorch {computed['torch']}" if computed.get("torch") else ""
    device = f"; device {computed['device']}" if computed.get("device") else ""
    return (
        f"Computed with sufficient {computed.get('sufficient', __version__)}{torch}{python}{device}; "
        f"seed {estimate.options.study.seed}."
    )


def _factor(growth: float) -> str:
    return "√2" if math.isclose(growth, math.sqrt(2), rel_tol=1e-4) else f"{growth:g}"


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
