"""A user's own function as a backbone: a list of RGB images → one row for each."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from importlib.metadata import version
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sufficient.errors import DataError
from sufficient.features.compute import out_of_memory, require_finite
from sufficient.notice import Notice

Function = Callable[[list[Image.Image]], Any]


class CallableBackbone:
    """A function that takes a list of RGB images and returns an array or tensor (images, d); see Backbone.

    It decides itself where it computes. Its rows are known by its source file alone: whoever changes what it
    loads, and not the file, clears the cache.
    """

    draft = None  # what size it needs is not known
    notices: tuple[Notice, ...] = ()

    def __init__(self, function: Function, *, name: str, source: Path | None) -> None:
        self.name, self._function = name, function
        self.note = f"the rows of the function {name}."
        self.identity: dict[str, str] = {}
        if source is not None:
            content = hashlib.sha256(source.read_bytes()).hexdigest()
            libraries = {library: version(library) for library in ("torch", "numpy", "pillow")}
            self.identity = {"kind": "function", "name": name, "source": content, **libraries}

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
        return cls(function, name=spec, source=_file(getattr(module, "__file__", None)))

    @classmethod
    def of(cls, function: Function) -> CallableBackbone:
        """Return the backbone of a function given in Python; cached only where its source tells it whole."""
        name = f"{function.__module__}:{getattr(function, '__qualname__', type(function).__name__)}"
        whole = (
            isinstance(function, FunctionType)
            and not function.__closure__  # holds values that the source does not tell
            and not function.__defaults__
            and not function.__kwdefaults__
            and function.__qualname__.isidentifier()  # at the top of a module; no lambda
        )
        return cls(function, name=name, source=_file(inspect.getsourcefile(function)) if whole else None)

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
        except Exception as error:
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
        what = f"of type {type(given).__name__}"
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


def _file(path: str | None) -> Path | None:
    return Path(path) if path and Path(path).is_file() else None


def _told(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0].rstrip('.')}" if lines else type(error).__name__


@contextmanager
def _working_directory_first() -> Iterator[None]:
    here = os.getcwd()
    sys.path.insert(0, here)
    try:
        yield
    finally:
        if here in sys.path:
            sys.path.remove(here)  # the first one, which is the one put there
