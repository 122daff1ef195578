"""A transformers checkpoint as a backbone: its preprocessing, its network, and one row of its output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from sufficient.data.labelled import PAPER_MODEL
from sufficient.device import full_float32, out_of_memory
from sufficient.errors import DataError, first_sentence
from sufficient.features.backbone import POOLINGS, Pooling
from sufficient.features.checkpoint import Checkpoint, NotLoadedError
from sufficient.features.compute import Placed, by_shape, does_not_fit, require_finite
from sufficient.features.pooling import layout_of, pooled
from sufficient.features.preprocessing import of_processor, smallest_side
from sufficient.notice import Notice

LACKS: dict[Pooling, str] = {
    "cls": "class token",
    "mean": "tokens of patches or feature map to average",
    "pooler": "pooler output of one row an image",
}


class TransformersBackbone:
    """A checkpoint's network with its own preprocessing; see Backbone."""

    def __init__(self, checkpoint: Checkpoint, *, pooling: Pooling | None, seed: int) -> None:
        self.name = checkpoint.model
        self.pooler_trained = checkpoint.pooler_trained
        self.draft = smallest_side(checkpoint.processor)
        self._preprocessing = of_processor(checkpoint.processor)
        self._network = Placed(checkpoint.network)
        self._layout, output = layout_of(checkpoint.network, self._tried)
        has = [kind for kind in POOLINGS if self._pooled(output, kind, checkpoint.network) is not None]
        trained = [kind for kind in has if kind != "pooler" or self.pooler_trained]
        chosen: Pooling = (trained or has or ["cls"])[0] if pooling is None else pooling
        self.pooling = chosen
        if self.pooling not in has:
            raise self._lacking(self.pooling, output, has)
        drawn_with = seed if self.pooling == "pooler" and not self.pooler_trained else None
        self.note = _note(self.name, self.pooling, output, drawn_with, norm=self._layout.norm)
        self.notices: tuple[Notice, ...] = ()
        if drawn_with is not None:
            self.notices = (Notice("POOLER-UNTRAINED", f"the features are of {self.note}"),)
        self.identity = _identity(checkpoint, self.pooling, drawn_with)

    def prepare(self, image: Image.Image) -> NDArray[Any]:
        """Return an RGB image as (3, height, width), 8-bit where the scaling can wait for the batch."""
        return self._preprocessing.prepare(image)

    def rows(self, prepared: Sequence[NDArray[Any]], device: torch.device, dtype: torch.dtype) -> Tensor:
        """Return one row of float32 on the CPU for each prepared image, computed in `dtype` on `device`."""
        network = self._network.on(device, dtype)

        def compute(pixels: Tensor) -> Tensor:
            output = self._forward(network, self._preprocessing.finish(pixels.to(device)).to(dtype))
            rows = self._pooled(output, self.pooling, network)
            if rows is None:  # of another shape than the image that was tried
                raise self._lacking(self.pooling, output, [])
            return rows

        with torch.inference_mode(), full_float32(device):
            rows = by_shape(prepared, compute)
        return require_finite(
            rows, self.name, "its checkpoint is damaged: load it again or take another model"
        )

    def _tried(self) -> dict[str, Tensor]:
        """Return the output for one image, on the CPU; an unfit model is found out before the pass."""
        image = Image.fromarray(np.full((48, 64, 3), 128, np.uint8), "RGB")
        cpu = torch.device("cpu")
        try:
            with torch.inference_mode(), full_float32(cpu):
                pixels = self._preprocessing.finish(torch.from_numpy(self.prepare(image)[None]))
                return self._forward(self._network.on(cpu, torch.float32), pixels)
        except (MemoryError, RuntimeError) as error:
            if out_of_memory(error):
                raise does_not_fit(self.name, cpu) from error
            raise

    def _forward(self, network: torch.nn.Module, pixels: Tensor) -> dict[str, Tensor]:
        try:
            output: Mapping[str, Any] = network(pixel_values=pixels)
        except (ValueError, TypeError) as error:
            raise NotLoadedError(
                self.name,
                f"it cannot be run on images of {tuple(pixels.shape[1:])} as its own preprocessing makes "
                f"them: {first_sentence(error)}",
            ) from error
        return {name: value for name, value in output.items() if isinstance(value, Tensor)}

    def _pooled(self, output: dict[str, Tensor], pooling: Pooling, network: torch.nn.Module) -> Tensor | None:
        return pooled(output, pooling, network=network, layout=self._layout)

    def _lacking(self, pooling: Pooling, output: dict[str, Tensor], has: list[Pooling]) -> DataError:
        shapes = [f"{name} {('N', *value.shape[1:])}".replace("'", "") for name, value in output.items()]
        given = ", ".join(shapes) or "no tensors"
        way = f"--pooling {has[0]}" if has else f"a vision transformer such as {PAPER_MODEL}"
        unnormed = "" if self._layout.normed or pooling == "pooler" else " that passed a final norm"
        return DataError(
            f"--features {self.name} is a {type(self._network.network).__name__}, which has no "
            f"{LACKS[pooling]}{unnormed}: it gives {given}; use {way}."
        )


def _identity(checkpoint: Checkpoint, pooling: Pooling, drawn_with: int | None) -> dict[str, str]:
    if not checkpoint.origin:
        return {}
    drawn = {} if drawn_with is None else {"pooler": f"drawn with seed {drawn_with}"}
    libraries = {name: version(name) for name in ("transformers", "torch", "torchvision")}
    return {"kind": "transformers", "pooling": pooling, **checkpoint.origin, **drawn, **libraries}


def _note(
    model: str, pooling: Pooling, output: dict[str, Tensor], drawn_with: int | None, *, norm: str | None
) -> str:
    after = "" if norm is None else f" after its final norm, {norm}"
    if pooling == "cls":
        return f"{model}, class token of the last hidden state{after}."
    if pooling == "mean":
        flat = output["last_hidden_state"].ndim == 3
        return f"{model}, mean of its {'patch tokens' if flat else 'last feature map'}{after}."
    note = f"{model}, pooler output"
    if drawn_with is not None:
        note += (
            f"; its checkpoint has no pooler weights: they are random, drawn with seed {drawn_with}, "
            "so the values are a random projection of its class token"
        )
    return f"{note}."
