"""How a study is run: the head, its fit, the shares and the sizes. Validated once, here."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sufficient.device import require_known
from sufficient.errors import UsageError


@dataclass(frozen=True)
class StudyOptions:
    """Every default carries its reason; a wrong value raises UsageError naming the flag."""

    hidden: int = 64  # wide enough that the curve of MNIST is the data's, not the width's
    layers: int = 3  # linear layers; two hidden ones, the smallest depth that is not a special case
    bias: bool = False  # as in the paper
    lr: float = 1e-3  # the paper's
    batch_size: int = 64  # the paper's
    patience: int = 10  # checks without improvement: fewer stop on noise, more cost and change nothing
    max_updates: int | None = None  # None: 200 epochs or 20,000 updates, whichever is larger
    replicates: int = 8  # at equal compute no other allocation did better beyond noise
    held_out: float = 0.2  # share of the used objects, at most 10,000
    validation: float | None = None  # None: min(max(10 %, 200), 2,000, 20 % of used)
    start: int = 32  # the smallest size at which a network learns anything on easy images
    growth: float = math.sqrt(2)  # factor between sizes
    max_samples: int | None = None  # the largest k fitted; shares come from the whole data
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        """Refuse what cannot be meant; numpy's numbers become Python's."""
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            object.__setattr__(self, name, value.item() if hasattr(value, "item") else value)
            if isinstance(value, str) and name != "device":
                raise UsageError(f"--{name.replace('_', '-')} {value!r} is text; give a number.")
        require_known(self.device)
        at_least = {
            "hidden": 1, "layers": 1, "batch_size": 1, "patience": 1, "replicates": 2, "start": 2, "seed": 0,
        }  # fmt: skip
        for name, floor in at_least.items():
            _require(getattr(self, name) >= floor, name, getattr(self, name), f"at least {floor}")
        _require(0 < self.lr < math.inf, "lr", self.lr, "a positive number")
        _require(0 < self.held_out < 1, "held_out", self.held_out, "a share between 0 and 1")
        if self.validation is not None:
            _require(0 < self.validation < 1, "validation", self.validation, "a share between 0 and 1")
        if self.held_out + (self.validation or 0.0) >= 1:
            raise UsageError(
                f"--held-out {self.held_out} and --validation {self.validation} leave no objects to fit; "
                "give shares whose sum is below 1."
            )
        _require(1.01 <= self.growth <= 1000, "growth", self.growth, "a factor from 1.01 to 1000")
        if self.max_updates is not None:
            _require(self.max_updates >= 1, "max_updates", self.max_updates, "at least 1")
        if self.max_samples is not None:
            _require(
                self.max_samples >= self.start,
                "max_samples",
                self.max_samples,
                f"at least --start ({self.start})",
            )


def _require(holds: bool, name: str, value: object, wanted: str) -> None:
    if not holds:
        raise UsageError(f"--{name.replace('_', '-')} {_typed(value)} cannot be used; give {wanted}.")


def _typed(value: object) -> str:
    """Return a number as it was typed: 300 where the command line made 300.0 of it."""
    return str(value).removesuffix(".0")
