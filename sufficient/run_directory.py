"""The directory of one run: who may write to it, and that it holds the same run when it is resumed."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sufficient.errors import ResourceError, UsageError
from sufficient.files import make_folder, write_atomically
from sufficient.locks import LockedError, exclusive
from sufficient.options import RunOptions, differences
from sufficient.study.store import HEADER

CONFIG = "config.toml"
RECORD, FIGURES = "record", "figures"
UNFINISHED = re.compile(r"\..+\.\d+\.part")  # as `files.write_atomically` names them


@dataclass(frozen=True)
class Kind:
    """What tells the runs of one command from other files."""

    name: str  # in the sentence "holds no …"
    is_run: Callable[[Path], bool]  # of a directory
    folders: tuple[str, ...]  # below the directory, that a run writes to
    unbegun: frozenset[str] = frozenset()  # what a run may leave that was killed before it was one


ESTIMATE = Kind(
    "run",
    lambda directory: (directory / RECORD / HEADER).exists(),
    folders=(RECORD, FIGURES),
    unbegun=frozenset({CONFIG, RECORD}),
)


@contextlib.contextmanager
def opened(directory: Path, options: RunOptions, *, resume: bool) -> Iterator[None]:
    """Lock the directory for one run of `sufficient estimate`; raises as `entered` does."""
    with entered(
        directory, ESTIMATE, resume=resume, differing=lambda: differences(directory / CONFIG, options)
    ):
        yield


@contextlib.contextmanager
def entered(
    directory: Path, kind: Kind, *, resume: bool, differing: Callable[[], Sequence[str]]
) -> Iterator[None]:
    """Lock the directory for one run, alone; one that was made and stayed empty is taken away again.

    `differing` is asked, before anything is written, where a run is gone on with: what differs, in phrases.
    Raises UsageError when it holds something else, ResourceError when another process writes to it.
    """
    make_folder(directory)
    with locked(directory):
        _require_admissible(directory, kind, resume=resume, differing=differing)
        _sweep(directory, kind)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                directory.rmdir()  # refused, as it should be, where anything was written


def require_usable(directory: Path, options: RunOptions, *, resume: bool) -> None:
    """Raise UsageError where `opened` would, before anything is made: a file, another run, other files."""
    with contextlib.suppress(OSError):  # which `opened` will say better
        if directory.is_dir():
            _require_admissible(
                directory, ESTIMATE, resume=resume, differing=lambda: differences(directory / CONFIG, options)
            )
        elif not next(path for path in (directory, *directory.absolute().parents) if path.exists()).is_dir():
            make_folder(directory)  # says why not


def begin(directory: Path, options: RunOptions) -> None:
    """Write what a run begins with: its options."""
    write_atomically(directory / CONFIG, options.to_toml().encode())


def _require_admissible(
    directory: Path, kind: Kind, *, resume: bool, differing: Callable[[], Sequence[str]]
) -> None:
    present = {path.name for path in directory.iterdir() if not UNFINISHED.fullmatch(path.name)}
    if kind.is_run(directory):
        if not resume:
            raise UsageError(f"--out {directory} is not empty; go on with --resume or give a new directory.")
        if phrases := differing():
            raise UsageError(
                f"--out {directory} holds a run with other options: {'; '.join(phrases)}. "
                "Resume with the same ones or give a new --out."
            )
    elif present - kind.unbegun:
        raise UsageError(f"--out {directory} is not empty and holds no {kind.name}; give a new directory.")


def _sweep(directory: Path, kind: Kind) -> None:
    for folder in (directory, *(directory / name for name in kind.folders)):
        for path in folder.glob(".*.part"):
            if UNFINISHED.fullmatch(path.name):
                path.unlink()  # half a file of a killed run


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Lock the directory itself for one writer: no lock file is left behind by a killed run."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(exclusive(directory, wait=False))
        except LockedError as error:
            raise ResourceError(
                f"another process is writing to --out {directory}; wait for it or give another directory."
            ) from error
        yield
