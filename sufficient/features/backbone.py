"""What makes features of images: a checkpoint, a torchvision model or a user's own function."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from sufficient.errors import UsageError
from sufficient.notice import Notice

Pooling = Literal["cls", "mean", "pooler"]
POOLINGS: tuple[Pooling, ...] = ("cls", "pooler", "mean")  # the default is the first that a network has

TORCHVISION = "torchvision:"
FUNCTION = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")  # package.module:name


class Backbone(Protocol):
    """Images to rows, in two halves: `prepare` in worker processes, `rows` where the network is."""

    @property
    def name(self) -> str:
        """Return it as asked for."""

    @property
    def identity(self) -> dict[str, str]:
        """Return all that rows depend on besides image and precision; empty: they are not to be cached."""

    @property
    def draft(self) -> int | None:
        """Return the side in pixels down to which `prepare` resizes; None: not at all, or not known."""

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Return what gives reason to doubt the rows: RANDOM-WEIGHTS, POOLER-UNTRAINED."""

    @property
    def note(self) -> str:
        """Return in one sentence what the rows are; it begins with the name."""

    def prepare(self, image: Image.Image) -> NDArray[Any] | Image.Image:
        """Return one RGB image as `rows` takes it; runs in a worker process."""

    def rows(self, prepared: Sequence[Any], device: torch.device, dtype: torch.dtype) -> Tensor:
        """Return float32 rows (images, d) on the CPU, computed in `dtype` on `device`.

        Raises what the device raises when memory runs out (see device.out_of_memory), DataError for rows that
        cannot be used.
        """


def backbone(
    features: str | Callable[[list[Image.Image]], Any],
    *,
    pooling: Pooling | None = None,
    revision: str | None = None,
    seed: int = 0,
) -> Backbone:
    """Return the backbone that `features` names, loaded and tried.

    A folder or a name on the hub: a transformers checkpoint. `torchvision:NAME`: a model of torchvision's;
    `revision` names its weights, or `random`. `module:function`, or a function: a list of RGB images → rows
    (images, d). Weights that are not loaded are drawn with `seed`. Raises DataError for what cannot be had
    or used, UsageError for options that it does not take, ResourceError where memory does not suffice.
    """
    if callable(features):
        from sufficient.features.callable_backbone import CallableBackbone

        _take_none("a function", "has none", pooling=pooling, revision=revision)
        return CallableBackbone.of(features)
    if features.startswith(TORCHVISION):
        from sufficient.features.torchvision_backbone import TorchvisionBackbone

        _take_none(features, "gives one row for each image", pooling=pooling)
        return TorchvisionBackbone(features.removeprefix(TORCHVISION), weights=revision, seed=seed)
    if FUNCTION.fullmatch(features) and not Path(features).is_dir():
        from sufficient.features.callable_backbone import CallableBackbone

        _take_none(f"the function {features}", "has none", pooling=pooling, revision=revision)
        return CallableBackbone.named(features)
    from sufficient.features.checkpoint import load
    from sufficient.features.transformers_backbone import TransformersBackbone

    return TransformersBackbone(load(features, revision=revision, seed=seed), pooling=pooling, seed=seed)


def _take_none(features: str, which: str, **options: str | None) -> None:
    for name, value in options.items():
        if value is not None:
            raise UsageError(
                f"--{name} {value} cannot be used: --features is {features}, which {which}; "
                f"leave --{name} out."
            )
