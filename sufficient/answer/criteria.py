"""What is asked of the data: a tolerance, a relative one, a target for accuracy, error or loss, a least gain.

A criterion names its quantity and the value that the quantity is held against. Several may be asked at once;
all must hold.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

from sufficient.errors import UsageError
from sufficient.rounding import tolerance

CriterionKind = Literal["tol", "rel-tol", "accuracy", "error", "loss", "min-gain"]
TOL = 1e-4  # nats: the tolerance that is asked for where nothing else is, and drawn where only others are
TARGETS: tuple[CriterionKind, ...] = ("accuracy", "error", "loss")
SHARES: tuple[CriterionKind, ...] = ("accuracy", "error", "min-gain")  # values between 0 and 1

MEANT = {  # why a value cannot be meant, and what to give
    "tol": "a difference of losses can only be held against a finite number of nats above 0: give one, such "
    "as 1e-4",
    "rel-tol": "a difference relative to the unseen loss can only be held against a finite number above 0: "
    "give one, such as 1e-3",
    "accuracy": "an accuracy to reach lies between 0 and 1, both left out: give one, such as accuracy=0.95",
    "error": "a share of wrong answers to reach lies between 0 and 1, both left out: give one, such as "
    "error=0.05",
    "loss": "a loss to reach is a finite number of nats above 0: give one, such as loss=0.2",
    "min-gain": "a gain of accuracy lies between 0 and 1, both left out: give one, such as 0.01",
}


@dataclass(frozen=True)
class Criterion:
    """One thing that is asked. Raises UsageError for a value that cannot be meant."""

    kind: CriterionKind
    value: float  # nats for tol and loss, else a share

    def __post_init__(self) -> None:
        """Refuse what cannot be meant; numpy's numbers become Python's."""
        value = self.value.item() if hasattr(self.value, "item") else self.value
        if self.kind not in get_args(CriterionKind):
            raise UsageError(
                f"{self.kind!r} is no criterion: give one of {', '.join(get_args(CriterionKind))}."
            )
        number = isinstance(value, int | float) and not isinstance(value, bool)
        most = 1.0 if self.kind in SHARES else math.inf
        if not (number and 0 < value < most):
            raise UsageError(f"{self.flag} is {self.value}, but {MEANT[self.kind]}.")
        object.__setattr__(self, "value", float(value))

    @property
    def flag(self) -> str:
        """The option that asks for it, as errors name it."""
        return f"--target {self.kind}" if self.kind in TARGETS else f"--{self.kind}"

    def __str__(self) -> str:
        """Return the criterion as `criterion` reads it: `accuracy=0.95`."""
        return f"{self.kind}={self.value!r}"

    @property
    def phrase(self) -> str:
        """What is asked, as it stands in a sentence: `tol 1e-4 nats`, `accuracy 0.95`."""
        unit = " nats" if self.kind in ("tol", "loss") else ""
        return f"{self.kind} {tolerance(self.value)}{unit}"


def criterion(given: str | Criterion) -> Criterion:
    """Return the criterion that a text such as `accuracy=0.95` or `tol=1e-4` asks for.

    Raises UsageError for a text that is no `NAME=NUMBER`, or a value that cannot be meant.
    """
    if isinstance(given, Criterion):
        return given
    kind, _, value = (part.strip() for part in str(given).partition("="))
    if value.endswith("%"):
        raise UsageError(f"{value} is no number: write {kind}={_of_hundred(value)}.")
    try:
        return Criterion(cast(CriterionKind, kind.lower()), float(value))
    except ValueError as error:
        raise UsageError(
            f"{given!r} asks for nothing that is known: give NAME=NUMBER, such as accuracy=0.95, error=0.05 "
            "or loss=0.2."
        ) from error


def _of_hundred(percent: str) -> str:
    """Return percent as the share that is meant: `95%` → `0.95`; an example where it is no number."""
    try:
        return f"{float(percent.rstrip('% ')) / 100:g}"
    except ValueError:
        return "0.95"


def criteria_of(
    *,
    rel_tol: float | None = None,
    targets: Iterable[str | Criterion] = (),
    min_gain: float | None = None,
) -> tuple[Criterion, ...]:
    """Return what is asked beside a tolerance, each thing once. Raises UsageError for what is no target."""
    asked = [] if rel_tol is None else [Criterion("rel-tol", rel_tol)]
    for given in (targets,) if isinstance(targets, str | Criterion) else targets:
        target = criterion(given)
        if target.kind not in TARGETS:
            raise UsageError(f"{target.kind} is no target: give it as --{target.kind} {target.value:g}.")
        asked.append(target)
    if min_gain is not None:
        asked.append(Criterion("min-gain", min_gain))
    return tuple(dict.fromkeys(asked))


def asked_of(tol: float | None, others: Sequence[Criterion]) -> tuple[Criterion, bool]:
    """Return the tolerance that is drawn, and whether it decides: where it is given, or nothing else is."""
    return Criterion("tol", TOL if tol is None else tol), tol is not None or not others
