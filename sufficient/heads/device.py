"""Where to compute: CUDA where there is one, else Apple's MPS, else the CPU; the same code on each."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from sufficient.errors import ResourceError, UsageError


def choose_device(name: str) -> torch.device:
    """Return the device for `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.

    Raises UsageError for another name, ResourceError when the device is not there.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    kind, _, number = name.partition(":")
    if kind not in {"cpu", "cuda", "mps"} or (number and not (kind == "cuda" and number.isdigit())):
        raise UsageError(f"--device {name} is unknown; give auto, cpu, cuda, cuda:N or mps.")
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise ResourceError(
            f"--device {name} asked for, but torch sees {torch.cuda.device_count()} CUDA devices here; "
            "use --device auto, or install a CUDA build of torch and its driver."
        )
    if kind == "mps" and not torch.backends.mps.is_available():
        raise ResourceError("--device mps asked for, but torch has no MPS here; use --device auto.")
    return torch.device(name)


@contextlib.contextmanager
def exact_float32() -> Iterator[None]:
    """Multiply matrices in full float32 meanwhile, whatever the process has set: no TF32 on CUDA."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
