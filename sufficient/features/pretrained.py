"""A pretrained network's outputs as features: the paper's second mode."""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sufficient.data.labelled import PAPER_MODEL, Progress
from sufficient.errors import DataError, ResourceError

if TYPE_CHECKING:
    from sufficient.data.images import Pixels

Pooling = Literal["cls", "pooler"]

CLASS_TOKENS = {"cls_token", "class_embedding"}  # the parameter's last name, in ViT's and in CLIP's family
UNUSED = {"mask_token"}  # takes part in pretraining alone, so checkpoints may lack it
# What the library raises for a checkpoint that is absent, of an unknown kind, damaged, or of other shapes.
UNLOADABLE = (OSError, ValueError, RuntimeError, KeyError, ImportError)
NO_CONVERSION = "DISABLE_SAFETENSORS_CONVERSION"  # else a bot's copy of a pickle-only checkpoint is fetched
WAYS_ON = (
    "give a local checkpoint folder in its place (config.json, preprocessor_config.json, model.safetensors: "
    "what save_pretrained writes), or, for `sufficient paper`, features made elsewhere with "
    "--features-file NAME=FILE."
)


@dataclass(frozen=True)
class Extracted:
    """The features of N images and what they are."""

    values: NDArray[np.float32]  # (N, d)
    model: str  # as asked for: a name on the hub or a folder
    pooling: Pooling
    pooler_trained: bool | None  # False: random weights, drawn by seed; None: no pooler was asked for
    note: str  # one sentence: what the values are


@dataclass(frozen=True)
class _Backbone:
    """A loaded network with the preprocessing that belongs to it."""

    model: str
    processor: Any
    network: torch.nn.Module
    pooler_trained: bool
    has_class_token: bool


def extract(
    images: Pixels,
    *,
    device: torch.device,
    model: str = PAPER_MODEL,
    pooling: Pooling = "cls",
    seed: int = 0,
    batch_size: int = 64,  # ViT-base: the widest output, 64·197·3072 float32, is 155 MB
    progress: Progress | None = None,
) -> Extracted:
    """Return one float32 row for each image (N, H, W, C), values 0 to 255, C = 1 repeated to 3.

    `cls`: the last hidden state of the class token. `pooler`: the network's pooler output, the paper's
    choice; where the checkpoint has no pooler weights they are drawn with `seed`, and the note says so. A
    batch that does not fit into memory is halved. Raises DataError for a model that cannot be had or has no
    such output, ResourceError when the model and one image alone do not fit into memory.
    """
    backbone = _load(model, seed)
    values = _rows(backbone, images, pooling, device=device, batch_size=batch_size, progress=progress)
    if not np.isfinite(values).all():
        raise DataError(
            f"--features {model} gives values that are not finite, so no head can be fitted on them; "
            "its checkpoint is damaged: load it again or take another model."
        )
    if pooling == "cls":
        return Extracted(values, model, pooling, None, f"the last hidden state of {model}'s class token.")
    note = f"the pooler output of {model}"
    if not backbone.pooler_trained:
        note += (
            f", whose checkpoint has no pooler weights: they are random, drawn with seed {seed}, "
            "so the values are a random projection of its class token"
        )
    return Extracted(values, model, pooling, backbone.pooler_trained, f"{note}.")


def _load(model: str, seed: int) -> _Backbone:
    """Return the model from its folder or the local cache; else, and only then, from the hub."""
    folder = Path(model)
    try:
        with _library_kept_quiet():
            try:
                return _read(model, seed, local_files_only=True)
            except OSError:
                if folder.is_dir():
                    raise
                return _read(model, seed, local_files_only=False)
    except Exception as error:
        if _out_of_memory(error):
            raise _does_not_fit(model, torch.device("cpu")) from error
        if not (isinstance(error, UNLOADABLE) or _is_safetensors_error(error)):
            raise
        raise DataError(
            f"--features {model} cannot be loaded ({_cause(folder, error)}); {WAYS_ON}"
        ) from error


def _read(model: str, seed: int, *, local_files_only: bool) -> _Backbone:
    from transformers import AutoConfig, AutoImageProcessor, AutoModel

    source = {"trust_remote_code": False, "local_files_only": local_files_only}
    config = AutoConfig.from_pretrained(model, **source)  # first: without a network it fails soonest
    processor = AutoImageProcessor.from_pretrained(model, **source)
    with torch.random.fork_rng(devices=[]):  # weights that the checkpoint lacks are drawn on the CPU
        torch.default_generator.manual_seed(seed)
        network, info = AutoModel.from_pretrained(
            model, config=config, use_safetensors=True, output_loading_info=True, **source
        )
    missing = {key for key in info["missing_keys"] if key.rpartition(".")[2] not in UNUSED}
    pooler = {key for key in missing if "pooler" in key.split(".")}
    if missing - pooler:
        raise ValueError(
            f"its checkpoint lacks {len(missing - pooler)} weights, {min(missing - pooler)} first"
        )
    if network.main_input_name != "pixel_values":
        raise ValueError(f"a {type(network).__name__} takes {network.main_input_name} and not images alone")
    if getattr(config, "mask_ratio", 0):
        raise ValueError(f"a {type(network).__name__} hides parts of each image at random")
    return _Backbone(
        model,
        processor,
        network.float().eval(),
        pooler_trained=not pooler,
        has_class_token=any(
            name.rpartition(".")[2] in CLASS_TOKENS for name, _ in network.named_parameters()
        ),
    )


def _rows(
    backbone: _Backbone,
    images: Pixels,
    pooling: Pooling,
    *,
    device: torch.device,
    batch_size: int,
    progress: Progress | None,
) -> NDArray[np.float32]:
    done, total = 0, len(images)
    size = min(batch_size, total)
    values: NDArray[np.float32] | None = None
    while done < total:
        rows = _batch(backbone, images[done : done + size], pooling, device)
        if rows is None:
            if size == 1:
                raise _does_not_fit(backbone.model, device)
            size //= 2
            continue
        if values is None:
            values = np.empty((total, rows.shape[1]), np.float32)
        values[done : done + len(rows)] = rows
        done += len(rows)
        if progress is not None:
            progress(done, total)
    if values is None:
        raise DataError(f"--features {backbone.model} was given no images, so there is nothing to extract.")
    return values


def _batch(
    backbone: _Backbone, images: Pixels, pooling: Pooling, device: torch.device
) -> NDArray[np.float32] | None:
    """Return the rows of one batch, or None where it does not fit into memory."""
    try:
        colour = np.repeat(images, 3, axis=3) if images.shape[3] == 1 else np.array(images)
        inputs = backbone.processor(list(colour), return_tensors="pt", input_data_format="channels_last")
        pixels = inputs["pixel_values"].to(device, torch.float32)
        with torch.inference_mode(), _full_float32(device):
            output = _forward(backbone.network.to(device), pixels, backbone.model)
            return _pooled(backbone, output, pooling).float().cpu().numpy()
    except (MemoryError, RuntimeError) as error:
        if not _out_of_memory(error):
            raise
    if device.type == "cuda":  # after the handler, whose traceback holds the batch
        torch.cuda.empty_cache()
    return None


def _forward(network: torch.nn.Module, pixels: Tensor, model: str) -> Mapping[str, Any]:
    try:
        output: Mapping[str, Any] = network(pixel_values=pixels)
    except (ValueError, TypeError) as error:
        raise DataError(
            f"--features {model} cannot be run on images of {tuple(pixels.shape[1:])} as its own "
            f"preprocessing makes them ({_first_sentence(error)}); {WAYS_ON}"
        ) from error
    return output


def _pooled(backbone: _Backbone, output: Mapping[str, Any], pooling: Pooling) -> Tensor:
    """Return the rows (batch, d) that `pooling` names."""
    tensors = {name: value for name, value in output.items() if isinstance(value, Tensor)}
    rows: dict[str, Tensor] = {}
    if (
        backbone.has_class_token
        and (hidden := tensors.get("last_hidden_state")) is not None
        and hidden.ndim == 3
    ):
        rows["cls"] = hidden[:, 0]
    if (pooled := tensors.get("pooler_output")) is not None and pooled.ndim == 2:
        rows["pooler"] = pooled
    if pooling in rows:
        return rows[pooling]
    given = ", ".join(f"{name} {('N', *value.shape[1:])}".replace("'", "") for name, value in tensors.items())
    lacks = "class token" if pooling == "cls" else "pooler output of one row an image"
    way = f"--pooling {next(iter(rows))}" if rows else f"a vision transformer such as {PAPER_MODEL}"
    raise DataError(
        f"--features {backbone.model} is a {type(backbone.network).__name__}, which has no {lacks}: "
        f"it gives {given}; use {way}."
    )


@contextmanager
def _library_kept_quiet() -> Iterator[None]:
    """Silence transformers and huggingface_hub, and put every setting back as it was."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from huggingface_hub.utils import (
            are_progress_bars_disabled,
            disable_progress_bars,
            enable_progress_bars,
        )
        from transformers.utils import logging as library

        loggers = [logging.getLogger(name) for name in ("transformers", "huggingface_hub")]
        levels = [logger.level for logger in loggers]
        bars, hub_bars = library.is_progress_bar_enabled(), not are_progress_bars_disabled()
        conversion = os.environ.get(NO_CONVERSION)
        try:
            for logger in loggers:
                logger.setLevel(logging.CRITICAL)
            library.disable_progress_bar()
            os.environ[NO_CONVERSION] = "1"
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
            if bars:
                library.enable_progress_bar()
            (enable_progress_bars if hub_bars else disable_progress_bars)()  # the line above sets these too
            if conversion is None:
                os.environ.pop(NO_CONVERSION, None)
            else:
                os.environ[NO_CONVERSION] = conversion


@contextmanager
def _full_float32(device: torch.device) -> Iterator[None]:
    """Keep matrix products and convolutions from rounding to TF32: features as on the CPU."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    convolutions: AbstractContextManager[None] = nullcontext()
    if device.type == "cuda":
        convolutions = torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)
    try:
        with convolutions:
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def _out_of_memory(error: BaseException) -> bool:
    """Return whether memory ran out; the CPU and MPS say so by a bare RuntimeError."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and bool(
        re.search("out of memory|can't allocate memory|not enough memory", str(error), re.IGNORECASE)
    )


def _does_not_fit(model: str, device: torch.device) -> ResourceError:
    other = "" if device.type == "cpu" else ", or give --device cpu"
    return ResourceError(
        f"--features {model} does not fit into the memory of {device}, even with one image at a time; "
        f"free memory or take a smaller model{other}."
    )


def _is_safetensors_error(error: Exception) -> bool:
    from safetensors import SafetensorError  # a direct child of Exception

    return isinstance(error, SafetensorError)


def _cause(folder: Path, error: Exception) -> str:
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    pickles = [name for name in names if name.endswith((".bin", ".pt", ".pth", ".ckpt"))]
    if pickles and not any(name.endswith(".safetensors") for name in names):
        return f"its weights, {pickles[0]}, are a pickle, which can run code when read; give safetensors"
    return _first_sentence(error)


def _first_sentence(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return re.split(r"\.\s", lines[0])[0].rstrip(".")
