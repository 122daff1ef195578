"""Hugging Face's client, for data sets and checkpoints alike: whether the hub answers, and its silence."""

from __future__ import annotations

import importlib
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

PATIENCE = 5  # seconds for the hub's first answer; the client's own tries take half a minute
NO_CONVERSION = "DISABLE_SAFETENSORS_CONVERSION"  # else a bot's copy of a pickle-only checkpoint is fetched


def why_unreachable(name: str, file: str, *, dataset: bool = False, revision: str | None = None) -> str:
    """Return in a clause why the hub says nothing of a file; empty where it answers, whatever that is."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    try:
        url = hf_hub_url(name, file, repo_type="dataset" if dataset else None, revision=revision)
        get_hf_file_metadata(url, timeout=PATIENCE)
    except (HfHubHTTPError, HFValidationError):
        return ""
    except OfflineModeIsEnabled:
        return "HF_HUB_OFFLINE is set"
    except Exception:  # the network and its client have their own
        return "the hub cannot be reached"
    return ""


@contextmanager
def quiet(library: Literal["datasets", "transformers"]) -> Iterator[None]:
    """Silence the library and the hub's client, whose talk is not ours; every setting is put back."""
    names = (library, "huggingface_hub")
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    bars = [_bars(name) for name in names]
    conversion = os.environ.get(NO_CONVERSION)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for logger in loggers:
                logger.setLevel(logging.CRITICAL)
            for _, hide, _ in bars:
                hide()
            os.environ[NO_CONVERSION] = "1"
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
            for shown, hide, show in bars:  # the client's last: transformers sets these too
                (show if shown else hide)()
            if conversion is None:
                os.environ.pop(NO_CONVERSION, None)
            else:
                os.environ[NO_CONVERSION] = conversion


def _bars(library: str) -> tuple[bool, Callable[[], Any], Callable[[], Any]]:
    """Return whether a library's bars are shown, what hides them and what shows them."""
    if library == "transformers":
        from transformers.utils import logging as own

        return own.is_progress_bar_enabled(), own.disable_progress_bar, own.enable_progress_bar
    module = importlib.import_module("huggingface_hub.utils" if library == "huggingface_hub" else library)
    shown = not module.are_progress_bars_disabled()
    return shown, module.disable_progress_bars, module.enable_progress_bars
