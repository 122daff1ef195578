"""A transformers checkpoint: loaded from its folder, the local cache or the hub, or refused in a sentence."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from sufficient.errors import DataError, ResourceError, UsageError
from sufficient.features.compute import does_not_fit, out_of_memory

UNUSED = {"mask_token"}  # takes part in pretraining alone, so checkpoints may lack it
# What the library raises for a checkpoint that is absent, of an unknown kind, damaged, or of other shapes.
UNLOADABLE = (OSError, ValueError, RuntimeError, KeyError, ImportError, TypeError, AttributeError)
NO_CONVERSION = "DISABLE_SAFETENSORS_CONVERSION"  # else a bot's copy of a pickle-only checkpoint is fetched
PATIENCE = 5  # seconds for the hub's first answer; the library's own five tries take half a minute
WAYS_ON = (
    "use --features pixels, or give a local checkpoint folder in its place (config.json, "
    "preprocessor_config.json, model.safetensors: what save_pretrained writes)."
)


class NotLoadedError(DataError):
    """A checkpoint that cannot be loaded."""

    def __init__(self, message: str, *, cause: str) -> None:
        super().__init__(message)
        self.cause = cause  # a clause of it, for another sentence


@dataclass(frozen=True)
class Checkpoint:
    """A loaded network with the preprocessing that belongs to it."""

    model: str  # as asked for: a name on the hub or a folder
    processor: Any
    network: torch.nn.Module
    pooler_trained: bool  # False: its weights are not in the checkpoint and were drawn
    origin: dict[str, str]  # what identifies config and weights: a commit of the hub, or files' SHA-256


def load(model: str, *, revision: str | None, seed: int) -> Checkpoint:
    """Return the model from its folder or the local cache; else, and only then, from the hub.

    Weights that the checkpoint lacks are drawn with `seed`: those of a pooler alone, others are refused.
    Raises DataError for what cannot be had or would run code, UsageError for a revision of a folder.
    """
    folder = Path(model)
    if folder.is_dir() and revision is not None:
        raise UsageError(
            f"--revision {revision} names a version on the hub, and {model} is a folder on this machine, "
            "which has one; leave --revision out."
        )
    try:
        with kept_quiet():
            try:
                return _read(model, revision, seed, local_files_only=True)
            except OSError:
                if folder.is_dir():
                    raise
            _require_hub(model, revision)
            return _read(model, revision, seed, local_files_only=False)
    except Exception as error:
        if out_of_memory(error):
            raise does_not_fit(model, torch.device("cpu")) from error
        if os.strerror(errno.EMFILE) in str(error):  # safetensors keeps no errno
            raise ResourceError(
                f"--features {model} cannot be loaded: too many files are open; raise the limit, "
                "`ulimit -n 4096`, and start again."
            ) from error
        if not (isinstance(error, UNLOADABLE) or _is_of_a_library(error)):
            raise
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        if _only_pickles(names):
            raise DataError(
                f"{model} holds only pickled weights, which can run code and are not read; save it again as "
                f"safetensors where you trust it: AutoModel.from_pretrained({model!r}).save_pretrained(DIR)."
            ) from error
        of, cause = f" at revision {revision}" if revision else "", _cause(names, error)
        raise NotLoadedError(
            f"--features {model}{of} cannot be loaded ({cause}); {WAYS_ON}", cause=cause
        ) from error


def _read(model: str, revision: str | None, seed: int, *, local_files_only: bool) -> Checkpoint:
    from transformers import AutoConfig, AutoImageProcessor, AutoModel, PretrainedConfig

    source: dict[str, Any] = {"trust_remote_code": False, "local_files_only": local_files_only}
    if revision is not None:
        source["revision"] = revision
    config = AutoConfig.from_pretrained(model, **source)  # first: without a network it fails soonest
    if (commit := _commit_of(model, revision)) is not None:
        source["revision"] = commit  # so that all of it is of one moment
    processor = AutoImageProcessor.from_pretrained(model, **source)
    if isinstance(vision := getattr(config, "vision_config", None), PretrainedConfig):
        config = vision  # of CLIP and its like, the half that takes images
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
    origin = {"model": model, "commit": commit} if commit else _files(Path(model))
    return Checkpoint(
        model,
        processor,
        network,
        pooler_trained=not pooler,
        origin=origin and origin | {"preprocessing": _digest(processor), "network": type(network).__name__},
    )


def _commit_of(model: str, revision: str | None) -> str | None:
    """Return the commit of a hub's checkpoint whose config is in the local cache; None for a folder."""
    from huggingface_hub import try_to_load_from_cache

    if Path(model).is_dir():
        return None
    path = try_to_load_from_cache(model, "config.json", revision=revision)
    return Path(path).parent.name if isinstance(path, str) else None


def _require_hub(model: str, revision: str | None) -> None:
    """Raise OSError where the hub does not answer at all; what it answers is the library's to read."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    try:
        get_hf_file_metadata(hf_hub_url(model, "config.json", revision=revision), timeout=PATIENCE)
    except (HfHubHTTPError, HFValidationError):
        return
    except OfflineModeIsEnabled as error:
        raise OSError("it is neither a folder nor in the local cache, and HF_HUB_OFFLINE is set") from error
    except Exception as error:
        raise OSError(
            "it is neither a folder nor in the local cache, and the hub cannot be reached"
        ) from error


def _files(folder: Path) -> dict[str, str]:
    """Return what identifies a folder's config and weights; nothing where it is no folder."""
    if not folder.is_dir():
        return {}
    weights = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        weights.update(f"{path.name} {sha256_of(path)}\n".encode())
    return {"config": sha256_of(folder / "config.json"), "weights": weights.hexdigest()}


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, read once in a process as long as its size and time stay."""
    status = path.stat()
    return _sha256(str(path.resolve()), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)
def _sha256(path: str, size: int, changed: int) -> str:  # size and time tell a changed file apart
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(processor: Any) -> str:
    settings = json.dumps(processor.to_dict(), sort_keys=True, default=str)
    return hashlib.sha256(f"{type(processor).__name__} {settings}".encode()).hexdigest()


@contextmanager
def kept_quiet() -> Iterator[None]:
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


def _is_of_a_library(error: Exception) -> bool:
    packages = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return not packages.isdisjoint({"safetensors", "safetensors_rust", "huggingface_hub"})


def _only_pickles(names: list[str]) -> bool:
    pickled = any(name.endswith((".bin", ".pt", ".pth", ".ckpt")) for name in names)
    return pickled and not any(name.endswith(".safetensors") for name in names)


def _cause(names: list[str], error: Exception) -> str:
    """Return why it cannot be loaded, in a clause; `names`: of the files of its folder, if it is one."""
    if "config.json" in names and "load image processor" in str(error):
        return "it has no preprocessor_config.json, which says how images are prepared for it"
    if "trust_remote_code" in str(error) or "custom code" in str(error):
        return "it needs code that comes with it, which is not run"
    return first_sentence(error)


def first_sentence(error: Exception) -> str:
    """Return the first sentence of what an error says, without its full stop."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return re.split(r"\.\s", lines[0])[0].rstrip(".")
