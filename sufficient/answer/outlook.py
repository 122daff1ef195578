"""Does more data help: accuracy and unseen loss now, and at twice the largest size run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sufficient.answer.answer import AtDouble, CurvePoint, Level, Outlook
from sufficient.answer.prediction import Ensemble
from sufficient.notice import Notice

CurveBelief = tuple[
    Notice | None, Ensemble | None
]  # why the curve is not one that laws describe; the curves believed


def outlook(points: Sequence[CurvePoint], error: CurveBelief, loss: CurveBelief) -> Outlook | None:
    """Return where accuracy and unseen loss (nats) stand and are forecast to go; None where nothing was run.

    `error`, `loss`: what is believed of them, the same that targets and a least gain are held against.
    `at_double` is None where nothing is believed of one of them, or the largest size has not learned.
    """
    if not points:
        return None
    last = points[-1]
    double = _at_double(last.k, ahead(error), ahead(loss)) if last.learned else None
    return Outlook(last.k, last.accuracy, last.unseen_loss, double)


def ahead(belief: CurveBelief) -> Ensemble | None:
    """Return the curves believed, but not of one that rises: what comes after a rise nothing says."""
    notice, curves = belief
    return None if notice is not None and notice.code == "CURVE-NOT-MONOTONE" else curves


def _at_double(k: int, error: Ensemble | None, loss: Ensemble | None) -> AtDouble | None:
    if error is None or loss is None:
        return None
    (wrong,), (fewest,), (most,) = error.at(np.array([2.0 * k]))
    (nats,), (least,), (largest,) = loss.at(np.array([2.0 * k]))
    return AtDouble(
        k=2 * k,
        accuracy=float(1 - wrong),
        accuracy_interval=(float(1 - most), float(1 - fewest)),
        unseen_loss=float(nats),
        unseen_loss_interval=(float(least), float(largest)),
        gain=Level(*error.doubled()),
    )
