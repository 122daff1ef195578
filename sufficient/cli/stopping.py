"""What a stopped command says: where its work is saved, and how to go on with it."""

from __future__ import annotations

import shlex
from pathlib import Path

# Of the command that runs in this process; its signals are the process's too.
_saved: list[tuple[Path, str]] = []


def saved_in(directory: Path, *, resume: str = " --resume") -> None:
    """Let a stop name this directory as the one to go on with; `resume`: what to add to `--out` for that."""
    _saved[:] = [(directory, resume)]


def stop_line() -> str:
    """Return what to say when the command is stopped."""
    directory, resume = _saved[0] if _saved else (None, "")
    if directory is None or not directory.is_dir():  # it is taken away again where nothing was written
        return "stopped before anything was finished: give the same command again."
    out = shlex.quote(str(directory))
    return (
        f"stopped; finished stages are saved in {out}: go on with the same command and --out {out}{resume}."
    )
