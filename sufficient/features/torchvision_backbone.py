"""A classifier of torchvision's as a backbone: what its last linear layer is given."""

from __future__ import annotations

import hashlib
import io
import socket
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from difflib import get_close_matches
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from sufficient.data.hub_client import PATIENCE
from sufficient.device import full_float32, out_of_memory
from sufficient.errors import DataError, ResourceError, first_sentence
from sufficient.features.checkpoint import sha256_of
from sufficient.features.compute import Placed, by_shape, does_not_fit, require_finite
from sufficient.features.preprocessing import Preprocessing, Scaling, cut_in_two
from sufficient.notice import Notice

RANDOM = "random"  # in the place of the weights' name


class TorchvisionBackbone:
    """A torchvision model up to its last linear layer, with its weights' own transforms; see Backbone."""

    def __init__(self, model: str, *, weights: str | None, seed: int) -> None:
        self.name = f"torchvision:{model}"
        chosen = _weights_of(model, weights)
        drawn = weights == RANDOM
        network = _drawn(model, seed) if drawn else _loaded(model, chosen)
        removed = _head_removed(network, self.name)
        transforms = chosen.transforms()  # of random weights those of the default ones
        self.draft = max(transforms.resize_size)
        self._preprocessing = _of_transforms(transforms)
        self._network = Placed(network)
        self.notices: tuple[Notice, ...] = ()
        self.note = f"{self.name}, what its last linear layer is given"
        origin = {"weights": RANDOM, "seed": str(seed)}
        if drawn:
            self.note += f"; all its weights are random, drawn with seed {seed}."
            self.notices = (Notice("RANDOM-WEIGHTS", f"the features are of {self.note}"),)
        else:
            self.note += f", weights {chosen.name}."
            origin = {"weights": str(chosen), "sha256": sha256_of(_file_of(chosen))}
        self.identity = {
            "kind": "torchvision",
            "model": model,
            **origin,
            "preprocessing": hashlib.sha256(repr(transforms).encode()).hexdigest(),
            **{name: version(name) for name in ("torch", "torchvision", "pillow")},
        }
        self._require_width(removed)

    def prepare(self, image: Image.Image) -> NDArray[Any]:
        """Return an RGB image as (3, height, width), 8-bit: the scaling waits for the batch."""
        return self._preprocessing.prepare(image)

    def rows(self, prepared: Sequence[NDArray[Any]], device: torch.device, dtype: torch.dtype) -> Tensor:
        """Return one row of float32 on the CPU for each prepared image, computed in `dtype` on `device`."""
        network = self._network.on(device, dtype)

        def compute(pixels: Tensor) -> Tensor:
            rows: Tensor = network(self._preprocessing.finish(pixels.to(device)).to(dtype))
            return rows

        with torch.inference_mode(), full_float32(device):
            rows = by_shape(prepared, compute)
        return require_finite(rows, self.name, "take other weights with --revision, or another model")

    def _require_width(self, width: int) -> None:
        """Raise DataError where the network does more after its last linear layer; one image is tried."""
        cpu = torch.device("cpu")
        image = Image.fromarray(np.full((48, 64, 3), 128, np.uint8))
        try:
            shape = tuple(self.rows([self.prepare(image)], cpu, torch.float32).shape)
        except (MemoryError, RuntimeError) as error:
            if out_of_memory(error):
                raise does_not_fit(self.name, cpu) from error
            raise
        if shape != (1, width):
            raise DataError(
                f"--features {self.name} gives {shape} without its last linear layer, which takes {width} "
                "values, so that layer is not its head; take another model of torchvision's."
            )


def _weights_of(model: str, weights: str | None) -> Any:
    """Return the weights' entry of torchvision's list; of random weights the default one's."""
    from torchvision import models

    known = models.list_models(module=models)
    if not model:
        raise DataError("--features torchvision: names no model; give one, such as torchvision:resnet18.")
    if model not in known:
        near = get_close_matches(model, known, n=5, cutoff=0) or known
        raise DataError(
            f"--features torchvision:{model} names no classifier of torchvision's; of its {len(known)}, "
            f"{', '.join(near)} are the nearest in name."
        )
    entries = models.get_model_weights(model)
    if weights in (None, RANDOM, "DEFAULT"):
        return entries.DEFAULT
    if weights in entries.__members__:
        return entries[weights]
    raise DataError(
        f"--revision {weights} names no weights of torchvision's {model}; it has "
        f"{', '.join(entries.__members__)}, and {RANDOM} for weights drawn with the seed."
    )


def _drawn(model: str, seed: int) -> torch.nn.Module:
    from torchvision import models

    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of GoogLeNet and Inception, whose way of drawing is to change
        torch.default_generator.manual_seed(seed)
        network: torch.nn.Module = models.get_model(model, weights=None)
    return network


def _loaded(model: str, weights: Any) -> torch.nn.Module:
    from torchvision import models

    try:
        with _patient(), redirect_stdout(said := io.StringIO()), redirect_stderr(said):  # "Downloading: ..."
            # read by itself first: the call below leaves `weights_only` to a default that can be switched off
            weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
            network: torch.nn.Module = models.get_model(model, weights=weights, progress=False)
    except Exception as error:
        if out_of_memory(error):
            raise does_not_fit(f"torchvision:{model}", torch.device("cpu")) from error
        if isinstance(error, OSError) and getattr(error, "filename", None) and not hasattr(error, "code"):
            raise ResourceError(
                f"the weights of --features torchvision:{model} cannot be kept ({first_sentence(error)}); "
                "make room there, or set TORCH_HOME to another folder."
            ) from error
        raise DataError(
            f"--features torchvision:{model} cannot be loaded: its weights {weights.name} are neither in "
            f"{_file_of(weights).parent} nor to be had from {weights.url} ({first_sentence(error)}); "
            "put the file there, use --features pixels, give a local checkpoint folder of transformers, or "
            f"try the model with random weights, --revision {RANDOM}."
        ) from error
    return network


def _file_of(weights: Any) -> Path:
    return Path(str(torch.hub.get_dir())) / "checkpoints" / str(weights.url).rpartition("/")[2]


@contextmanager
def _patient() -> Iterator[None]:
    """Let a silent network end in an error: torchvision's download sets no limit of its own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _head_removed(network: torch.nn.Module, name: str) -> int:
    """Replace the last linear layer by nothing; return how many values it takes."""
    linear = [(path, layer) for path, layer in network.named_modules() if type(layer) is torch.nn.Linear]
    if not linear:
        raise DataError(
            f"--features {name} has no linear layer at its end whose input could be the features; "
            "take another model of torchvision's."
        )
    path, head = linear[-1]
    parent, _, last = path.rpartition(".")
    setattr(network.get_submodule(parent), last, torch.nn.Identity())
    return head.in_features


def _of_transforms(transforms: Any) -> Preprocessing:
    from torchvision.transforms import functional

    def whole(image: Image.Image) -> NDArray[Any]:
        values: NDArray[Any] = transforms(image).numpy()
        return values

    def by_steps(image: Image.Image) -> NDArray[Any]:
        resized = functional.resize(
            image, transforms.resize_size, transforms.interpolation, antialias=transforms.antialias
        )
        pixels: NDArray[Any] = functional.pil_to_tensor(
            functional.center_crop(resized, transforms.crop_size)
        ).numpy()
        return pixels

    white = 255.0
    mean, deviation = (torch.tensor(values).reshape(3, 1, 1) for values in (transforms.mean, transforms.std))
    return cut_in_two(whole, Scaling(mean * white, deviation * white), by_steps)
