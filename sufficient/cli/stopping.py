"""What a stopped command says: where its work is saved, and how to go on with it."""

from __future__ import annotations

import shlex
from pathlib import Path

_directory: list[Path] = []  # of the command that runs in this process; its signals are the process's too


def saved_in(directory: Path) -> None:
    """Let a stop name this directory as the one to go on with."""
    _directory[:] = [directory]


def stop_line() -> str:
    """Return what to say when the command is stopped."""
    if not _directory:
        return "stopped; finished stages are saved: go on with the same command and --out DIR --resume."
    out = shlex.quote(str(_directory[0]))
    return (
        f"stopped; finished stages are saved in {out}: go on with the same command and --out {out} --resume."
    )
