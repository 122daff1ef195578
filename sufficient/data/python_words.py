"""What is said of data that a program hands over: its keywords are named, not the options of a command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from sufficient.errors import SufficientError

DROPS = re.compile(r"(?<=\()--drop ('[^']*'|[^\s()]+)(?: --drop ('[^']*'|[^\s()]+))*")
OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)*)")

Given = ParamSpec("Given")
Result = TypeVar("Result")


def in_python_words(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Return a function whose errors name keywords where its first argument, the data, is no SPEC."""

    @wraps(function)
    def worded(*args: Given.args, **options: Given.kwargs) -> Result:
        try:
            return function(*args, **options)
        except SufficientError as error:
            data = args[0] if args else options.get("data")
            if not isinstance(data, str | Path):
                error.args = (python_words(str(error)),)
            raise

    return worded


def python_words(message: str) -> str:
    """Return a message with keywords in the place of options: `--label-column` as `label_column`."""
    plain = DROPS.sub(lambda found: f"drop={shlex.split(found[0])[1::2]}", message)
    return OPTION.sub(lambda found: found[1].replace("-", "_"), plain)
