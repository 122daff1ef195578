"""How a network is run: where its weights lie, on which batches, and whether its rows are numbers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sufficient.device import out_of_memory
from sufficient.errors import DataError, ResourceError

Values = TypeVar("Values", bound=Sequence[object] | NDArray[np.generic])


class Placed:
    """A network kept in float32, with its latest copy in another precision: rounding is never undone."""

    def __init__(self, network: torch.nn.Module) -> None:
        self.network = network.float().eval().requires_grad_(False)
        self._copy: tuple[torch.device, torch.dtype, torch.nn.Module] | None = None

    def on(self, device: torch.device, dtype: torch.dtype) -> torch.nn.Module:
        """Return the network on `device`, its weights in `dtype`."""
        if dtype == torch.float32:
            return self.network.to(device)
        if self._copy is None or self._copy[:2] != (device, dtype):
            self._copy = None  # before the new copy is made: one at a time in the device's memory
            self._copy = (device, dtype, copy.deepcopy(self.network).to(device, dtype))
        return self._copy[2]


def by_shape(arrays: Sequence[NDArray[np.generic]], compute: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the rows (N, d) of `compute`, in order, called on the stacked arrays of each shape."""
    members: dict[tuple[int, ...], list[int]] = {}
    for index, array in enumerate(arrays):
        members.setdefault(array.shape, []).append(index)
    parts = [compute(torch.from_numpy(np.stack([arrays[i] for i in same]))) for same in members.values()]
    rows = torch.empty((len(arrays), parts[0].shape[1]), dtype=torch.float32)
    for same, part in zip(members.values(), parts, strict=True):
        rows[same] = part.float().cpu()
    return rows


def require_finite(rows: Tensor, name: str, cause: str) -> Tensor:
    """Return the rows; raises DataError where a value is not a number."""
    if torch.isfinite(rows).all():
        return rows
    raise DataError(
        f"--features {name} gives values that are not finite, so no head can be fitted on them; {cause}."
    )


class Halving:
    """Runs a model on batches, which are halved, for good, where one does not fit into memory."""

    def __init__(self, model: str, device: torch.device, size: int) -> None:
        self._model, self._device = model, device
        self.size = size  # images at a time, while memory allows

    def rows(self, values: Values, compute: Callable[[Values], Tensor]) -> Iterator[NDArray[np.float32]]:
        """Yield what `compute` makes of the values, batch by batch in their order, (batch, d).

        Raises ResourceError where one value alone does not fit.
        """
        done = 0
        while done < len(values):
            batch: Values = values[done : done + self.size]  # type: ignore[assignment]  # a slice of what was given is of its type
            rows = self._fitting(batch, compute)
            if rows is None:
                if len(batch) == 1:
                    raise does_not_fit(self._model, self._device)
                self.size = len(batch) // 2
                continue
            done += len(rows)
            yield rows

    def _fitting(self, batch: Values, compute: Callable[[Values], Tensor]) -> NDArray[np.float32] | None:
        """Return the rows, or None where the batch does not fit into memory."""
        try:
            return np.asarray(compute(batch).numpy(), np.float32)
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
        if self._device.type == "cuda":  # after the handler, whose traceback holds the batch
            torch.cuda.empty_cache()
        return None


def does_not_fit(model: str, device: torch.device) -> ResourceError:
    """Return the error for a model that leaves no room for one image."""
    other = "" if device.type == "cpu" else ", or give --device cpu"
    return ResourceError(
        f"--features {model} does not fit into the memory of {device}, even with one image at a time; "
        f"free memory or take a smaller model{other}."
    )
