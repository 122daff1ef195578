"""What the numbers depend on beside data and options: versions, machine, device."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from sufficient import __version__

LIBRARIES = (
    "torch", "torchvision", "transformers", "numpy", "scipy", "scikit-learn", "pillow", "matplotlib",
    "safetensors", "jinja2", "typer", "rich",
)  # fmt: skip


def environment(device: str) -> dict[str, Any]:
    """Return versions, machine and device of this process, and the time (UTC)."""
    import torch

    return {
        "sufficient": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": device,
        "device_name": torch.cuda.get_device_name(device)
        if device.startswith("cuda")
        else platform.processor() or platform.machine(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "clock": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def computed_by(device: str) -> dict[str, Any]:
    """Return what the same bytes need to stay the same: versions, device, threads."""
    import torch

    return {
        "sufficient": __version__,
        "torch": torch.__version__,
        "device": device,
        "threads": torch.get_num_threads(),
        "machine": platform.machine(),
    }


def devices() -> dict[str, Any]:
    """Return what `--device` could name here."""
    import torch

    return {
        "cuda": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        "mps": torch.backends.mps.is_available(),
        "executable": sys.executable,
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
