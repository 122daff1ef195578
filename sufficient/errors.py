"""The one family of errors. Each class knows the exit code it ends a command with.

A message says what was given, why it cannot work and what to do next, in that order.
"""

from __future__ import annotations

import re


class SufficientError(Exception):
    """A known failure: shown as one sentence, without a traceback."""

    exit_code = 1


class UsageError(SufficientError):
    """An option or argument that cannot be meant."""

    exit_code = 2


class DataError(SufficientError):
    """Input that cannot be used as it is: no such path, too few objects, one class."""

    exit_code = 3


class ResourceError(SufficientError):
    """The machine says no: disk, memory, device, or a directory another process writes to."""

    exit_code = 4


def first_sentence(error: BaseException) -> str:
    """Return the first sentence of what an error of another library says, without its full stop."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return re.split(r"\.\s", lines[0])[0].rstrip(".")
