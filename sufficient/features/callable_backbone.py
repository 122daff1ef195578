"""A user's own function as a backbone: a list of RGB images → one row for each."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sufficient.device import out_of_memory
from sufficient.errors import DataError, first_sentence
from sufficient.features.compute import require_finite
from sufficient.notice import Notice

Function = Callable[[list[Image.Image]], Any]


class CallableBackbone:
    """A function that takes a list of RGB images and returns an array or tensor (images, d); see Backbone.

    It decides itself where it computes. What its rows depend on cannot be known from outside (its module and
    those it imports, values it loads or is bound to), so they are not cached, unless it says what they are by
    an attribute: `features.identity = "v3"`. Rows are then taken from the cache while the function's name,
    this text and the versions of torch, NumPy and Pillow stay; change the text with whatever changes them.
    """

    draft = None  # what size it needs is not known
    notices: tuple[Notice, ...] = ()

    def __init__(self, function: Function, *, name: str) -> None:
        self.name, self._function = name, function
        self.note = f"{name}, your function."
        self.identity: dict[str, str] = {}
        declared = getattr(function, "identity", None)
        if isinstance(declared, str) and declared:
            libraries = {library: version(library) for library in ("torch", "numpy", "pillow")}
            self.identity = {"kind": "function", "name": name, "declared": declared, **libraries}

    @classmethod
    def named(cls, spec: str) -> CallableBackbone:
        """Return the backbone of `module:function`, imported as `python -m` would: from here first."""
        module_name, _, path = spec.partition(":")
        try:
            with _working_directory_first():
                module = importlib.import_module(module_name)
                function = reduce(getattr, path.split("."), module)
        except (Exception, SystemExit) as error:
            raise DataError(
                f"--features {spec} cannot be imported ({_told(error)}); give module:function, the module a "
                "file in the working directory or an installed package."
            ) from error
        if not callable(function):
            raise DataError(
                f"--features {spec} is of type {type(function).__name__}, and what is needed is a function "
                "that takes a list of images and returns one row for each."
            )
        return cls(function, name=spec)

    @classmethod
    def of(cls, function: Function) -> CallableBackbone:
        """Return the backbone of a function given in Python."""
        return cls(
            function,
            name=f"{function.__module__}:{getattr(function, '__qualname__', type(function).__name__)}",
        )

    def prepare(self, image: Image.Image) -> Image.Image:
        """Return the image itself: what is made of it is the function's to decide."""
        return image

    def rows(self, prepared: Sequence[Image.Image], device: torch.device, dtype: torch.dtype) -> Tensor:
        """Return the function's rows as float32 on the CPU; `device` and `dtype` are its own affair.

        Raises DataError for an error in the function and for what is not one finite row for each image.
        """
        try:
            with _working_directory_first():  # it may import more when it is called
                given = self._function(list(prepared))
        except (Exception, SystemExit) as error:
            if out_of_memory(error):
                raise
            raise DataError(
                f"--features {self.name} failed on {len(prepared)} images ({_told(error)}); mend it, "
                "then run this again."
            ) from error
        return self._checked(given, len(prepared))

    def _checked(self, given: Any, images: int) -> Tensor:
        values = given.detach() if isinstance(given, Tensor) else given
        if isinstance(values, np.ndarray) and values.dtype.kind == "f":
            values = torch.from_numpy(np.ascontiguousarray(values, np.float32))
        what = f"something of type {type(given).__name__}"
        if isinstance(given, np.ndarray | Tensor):
            what = f"{given.dtype} of shape {tuple(given.shape)}"
        if (
            not isinstance(values, Tensor)
            or not values.is_floating_point()
            or values.ndim != 2
            or len(values) != images
            or values.shape[1] == 0
        ):
            raise DataError(
                f"--features {self.name} returned {what} for {images} images; it must return a NumPy array "
                f"or a tensor of floating point numbers and of shape ({images}, d), a row for each image."
            )
        return require_finite(values.float().cpu(), self.name, "mend the function")


def _told(error: BaseException) -> str:
    kind, said = type(error).__name__, first_sentence(error)
    return kind if said == kind else f"{kind}: {said}"


@contextmanager
def _working_directory_first() -> Iterator[None]:
    here = os.getcwd()
    sys.path.insert(0, here)
    try:
        yield
    finally:
        if here in sys.path:
            sys.path.remove(here)  # the first one, which is the one put there
