"""A transformers checkpoint: loaded from its folder, the local cache or the hub, or refused in a sentence."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from sufficient.data.hub_client import quiet, why_unreachable
from sufficient.device import out_of_memory
from sufficient.errors import DataError, ResourceError, UsageError, first_sentence
from sufficient.features.compute import does_not_fit
from sufficient.rounding import counted

HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")  # of a model: name or owner/name
UNUSED = {"mask_token"}  # takes part in pretraining alone, so checkpoints may lack it
# What the library raises for a checkpoint that is absent, of an unknown kind, damaged, or of other shapes.
UNLOADABLE = (OSError, ValueError, RuntimeError, KeyError, ImportError, TypeError, AttributeError)
WAYS_ON = (
    "use --features pixels, or give a local checkpoint folder in its place (config.json, "
    "preprocessor_config.json, model.safetensors: what save_pretrained writes)."
)


class NotLoadedError(DataError):
    """A checkpoint that cannot be loaded, or run on what its own preprocessing makes."""

    def __init__(self, model: str, cause: str) -> None:
        super().__init__(f"--features {model} cannot be loaded ({cause}); {WAYS_ON}")
        self.cause = cause  # a clause, for another sentence


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
    if not model or folder.is_file() or not (folder.is_dir() or HUB_NAME.fullmatch(model)):
        raise NotLoadedError(model or "''", _misnamed(model))
    if folder.is_dir() and revision is not None:
        raise UsageError(
            f"--revision {revision} names a version on the hub, and {model} is a folder on this machine, "
            "which has one; leave --revision out."
        )
    try:
        with quiet("transformers"):
            try:
                return _read(model, revision, seed, local_files_only=True)
            except OSError:
                if folder.is_dir():
                    raise
            if silent := why_unreachable(model, "config.json", revision=revision):
                raise OSError(f"it is neither a folder nor in the local cache, and {silent}")
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
        of = f" at revision {revision}" if revision else ""
        raise NotLoadedError(f"{model}{of}", _cause(names, error)) from error


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
        raise ValueError(_lacking(network, missing - pooler))
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


def _misnamed(model: str) -> str:
    """Return in a clause why this is neither a folder nor a name on the hub."""
    if not model:
        return "the name is empty"
    if Path(model).is_file():
        return f"{model} is a file, and a checkpoint is a folder"
    if model.startswith(":") or model.endswith(":"):
        return "of module:function one half is missing"
    return f"the folder {model} does not exist"


def _lacking(network: torch.nn.Module, missing: set[str]) -> str:
    """Return in a clause which of a network's weights its checkpoint lacks."""
    lacks = f"its checkpoint lacks {counted(len(missing), 'weight')}, {min(missing)} first"
    if 2 * len(missing) < len(network.state_dict()):
        return lacks
    kind = type(network).__name__
    return f"its weights are of another architecture than the {kind} of its config.json: {lacks}"


def _commit_of(model: str, revision: str | None) -> str | None:
    """Return the commit of a hub's checkpoint whose config is in the local cache; None for a folder."""
    from huggingface_hub import try_to_load_from_cache

    if Path(model).is_dir():
        return None
    path = try_to_load_from_cache(model, "config.json", revision=revision)
    return Path(path).parent.name if isinstance(path, str) else None


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
