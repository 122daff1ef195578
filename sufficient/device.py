"""Where to compute, in which precision, and whether memory sufficed. Importing this loads no torch."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sufficient.errors import ResourceError, UsageError

if TYPE_CHECKING:
    import torch

KNOWN = re.compile(r"auto|cpu|cuda(:\d+)?|mps")
NO_MEMORY = re.compile(
    "out of memory|(can't|cannot) allocate memory|not enough memory|failed to map segment", re.IGNORECASE
)


def require_known(name: str) -> None:
    """Raise UsageError for a name that no device has, whatever there is in this machine."""
    if not KNOWN.fullmatch(name):
        raise UsageError(f"--device {name} is unknown; give auto, cpu, cuda, cuda:N or mps.")


def choose_device(name: str) -> torch.device:
    """Return the device for `cpu`, `cuda`, `cuda:N`, `mps` or `auto`: CUDA where there is one, else MPS.

    Raises UsageError for another name, ResourceError when the device is not there.
    """
    import torch

    require_known(name)
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    kind, _, number = name.partition(":")
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise ResourceError(
            f"--device {name} asked for, but torch sees {torch.cuda.device_count()} CUDA devices here; "
            "use --device auto, or install a CUDA build of torch and its driver."
        )
    if kind == "mps" and not torch.backends.mps.is_available():
        raise ResourceError("--device mps asked for, but torch has no MPS here; use --device auto.")
    return torch.device(name)


@contextlib.contextmanager
def full_float32(device: torch.device) -> Iterator[None]:
    """Keep matrix products and convolutions from rounding to TF32, whatever the process has set."""
    import torch

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    convolutions: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
    if device.type == "cuda":
        convolutions = torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)
    try:
        with convolutions:
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def out_of_memory(error: BaseException) -> bool:
    """Return whether memory ran out.

    The CPU and MPS say so by a bare RuntimeError, the loader of libraries by an ImportError or OSError.
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's
        return True
    kinds = (RuntimeError, ImportError, OSError)
    return isinstance(error, kinds) and NO_MEMORY.search(str(error)) is not None
