"""Images decoded and prepared in other processes, in order, while the model works on those before them.

On the CPU a network of torch's is run in them too, one thread each: beside the decoding, threads that wait
for one another would lose a part of the cores' time.

What comes back goes through pipes, as plain arrays: no tensor, so nothing lies in /dev/shm. The processes are
forked and die with the one that started them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import warnings
import weakref
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from sufficient.data.faults import stop_if_exhausted
from sufficient.data.labelled import ImageSet, UnusableError
from sufficient.errors import DataError, ResourceError, SufficientError, UsageError
from sufficient.features.made import REDUCED, SEVERAL_FRAMES, TRANSPARENT, Made, Reason
from sufficient.machine import usable_cpus

if TYPE_CHECKING:
    from sufficient.features.backbone import Backbone

CHUNK = 4  # images a task: the first are there soon, and handing a task over costs little beside them
IN_PROCESS = 16  # images, up to which starting processes takes longer than they would save
AHEAD = 2  # batches of the model that are prepared in advance, so that it seldom waits
PR_SET_PDEATHSIG = 1  # of Linux's prctl: the signal that a process gets when its parent is gone


@dataclass(frozen=True, slots=True)
class Prepared:
    """An image as the model takes it."""

    index: int  # of the object
    value: Any  # what the backbone made of the image
    digest: bytes | None
    marks: int  # bits of `Made.marks`


@dataclass(frozen=True, slots=True)
class Refused:
    """An image that is skipped."""

    index: int
    reason: Reason


Outcome = Prepared | Refused
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Failed:
    """A known error, as it comes out of another process: by its kind and words."""

    error: type[SufficientError]
    message: str

    @classmethod
    def of(cls, error: SufficientError) -> Failed:
        """Return the error with the nearest kind that words alone can make again."""
        kinds = (ResourceError, UsageError, DataError)
        return cls(next((kind for kind in kinds if isinstance(error, kind)), DataError), str(error))


@dataclass(frozen=True)
class Preparation(Dataset[Outcome | Failed]):
    """The outcome of each object by its index."""

    images: ImageSet
    backbone: Backbone

    def __getitem__(self, index: int) -> Outcome | Failed:
        """Return the prepared image, the reason to skip it, or the error that ends the run."""
        try:
            opened = self.images.reader.read(index, draft=self.backbone.draft)
            value = self.backbone.prepare(opened.image)
        except UnusableError as error:
            return Refused(index, Reason(error.reason, error.detail))
        except SufficientError as error:
            return Failed.of(error)
        except MemoryError:
            name = self.images.name_of(index)
            return Failed(
                ResourceError,
                f"{name} cannot be decoded: the machine is out of memory; end other programs, or leave large "
                "images out with --max-pixels.",
            )
        marks = (
            SEVERAL_FRAMES * opened.several_frames
            | TRANSPARENT * opened.transparent
            | REDUCED * opened.reduced
        )
        return Prepared(index, value, opened.digest, marks)


def workers_for(count: int) -> int:
    """Return how many processes to start for so many images; 0: none, they are prepared in this one."""
    if count <= IN_PROCESS or not sys.platform.startswith("linux"):  # elsewhere fork breaks system libraries
        return 0
    return min(usable_cpus(), -(-count // CHUNK))


def prepared(
    preparation: Preparation, objects: Sequence[int], *, workers: int, batch: int
) -> Generator[Outcome, None, None]:
    """Yield the outcome of each object in order; `batch`: how many the model takes at a time.

    Raises what reading raises, and RuntimeError when a process is killed, see `deaths_told`.
    """
    if not workers:
        yield from map(_succeeded, map(preparation.__getitem__, objects))
        return
    ahead = -(-AHEAD * batch // (workers * CHUNK))
    chunks = _in_processes(preparation, objects, list, size=CHUNK, workers=workers, ahead=ahead)
    with contextlib.closing(chunks):
        for chunk in chunks:
            yield from map(_succeeded, chunk)


def computed(
    preparation: Preparation,
    objects: Sequence[int],
    compute: Callable[[list[Outcome]], Made],
    *,
    workers: int,
    batch: int,
) -> Generator[Made, None, None]:
    """Yield, in order, what `compute` makes in a process of the outcomes of each `batch` of objects.

    Raises what reading and `compute` raise, and RuntimeError as `prepared` does.
    """

    def made(outcomes: list[Outcome | Failed]) -> Made | Failed:
        try:
            return compute([_succeeded(outcome) for outcome in outcomes])
        except SufficientError as error:
            return Failed.of(error)

    parts = _in_processes(preparation, objects, made, size=batch, workers=workers, ahead=AHEAD)
    with contextlib.closing(parts):
        yield from map(_succeeded, parts)


def _succeeded(outcome: Any) -> Any:
    """Return the outcome, or raise the error that it is."""
    if isinstance(outcome, Failed):
        raise outcome.error(outcome.message)
    return outcome


def _in_processes(
    preparation: Preparation,
    objects: Sequence[int],
    collate: Callable[[list[Outcome | Failed]], Result],
    *,
    size: int,
    workers: int,
    ahead: int,
) -> Generator[Result, None, None]:
    """Yield, in order, what `collate` makes in a process of the outcomes of each `size` objects."""
    Image.init()  # registers every format once, before the processes are forked
    parts = [list(objects[start : start + size]) for start in range(0, len(objects), size)]
    iterator: _Processes | None = None
    try:
        with warnings.catch_warnings(), _signals_wait():  # until the processes know what to do about them
            warnings.simplefilter("ignore")  # newer Pythons warn of any fork beside threads
            loader: DataLoader[Any] = DataLoader(
                preparation,
                batch_sampler=parts,
                num_workers=workers,
                collate_fn=collate,
                multiprocessing_context="fork",
                prefetch_factor=max(2, ahead),
                worker_init_fn=_settle,
            )
            iterator = _started(loader)
        yield from iterator
    finally:
        if iterator is not None:
            iterator.end()


def _started(loader: DataLoader[Any]) -> _Processes:
    try:
        return _Processes(loader)
    except OSError as error:
        stop_if_exhausted(error)
        raise ResourceError(
            f"the processes that decode images cannot be started ({error.strerror or error}); "
            "end other programs, or raise their limit, `ulimit -u`, and start again."
        ) from error


class _Processes(_MultiProcessingDataLoaderIter):
    """torch's own iterator, whose processes are killed at its end: they hold nothing worth a wait.

    torch asks them to leave. One that waits for a lock which a killed one held never does, nor does it heed
    SIGTERM (see `_settle`), and Python waits for it at its exit without end.
    """

    def __init__(self, loader: DataLoader[Any]) -> None:
        self._owner, self._shutdown, self._ended = os.getpid(), False, False
        # Before multiprocessing waits for each process that lives: it does so also in one that it started
        # itself, where functions of `atexit` are not called.
        Finalize(None, _end, args=(weakref.ref(self),), exitpriority=0)
        try:
            super().__init__(loader)
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """Kill what lives of the processes, not in a fork of the one that owns them.

        Once is enough, but where a signal or the news of a death breaks it off it is for another call to end.
        """
        if self._ended or self._owner != os.getpid():
            return
        self._shutdown = True
        if getattr(self, "_worker_pids_set", False):  # a death is news, which torch would raise anywhere
            with contextlib.suppress(ValueError):  # removed by a call that was broken off
                torch._C._remove_worker_pids(id(self))
            self._worker_pids_set = False
        for process in (processes := getattr(self, "_workers", ())):
            process.kill()
        for process in processes:
            process.join()
        for queue in getattr(self, "_index_queues", ()):
            queue.cancel_join_thread()
            queue.close()
        self._ended = True

    def _shutdown_workers(self) -> None:
        self.end()


def _end(iterator: weakref.ref[_Processes]) -> None:
    if (living := iterator()) is not None:
        living.end()


@contextlib.contextmanager
def _signals_wait() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _settle(worker: int) -> None:
    """Let a new process leave Ctrl-C and SIGTERM to its parent, which ends it in order, and die with it."""
    import ctypes

    for number in (signal.SIGINT, signal.SIGTERM):  # both reach every process of a terminal's or queue's job
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    with contextlib.suppress(OSError, AttributeError):  # also where the parent is killed
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@contextlib.contextmanager
def deaths_told() -> Iterator[None]:
    """Turn the death of a process, of which torch tells wherever the main one is, into a ResourceError."""
    try:
        yield
    except RuntimeError as error:
        if "DataLoader worker" not in str(error) or "Caught" in str(error):
            raise
        raise ResourceError(
            "a process that decodes images was ended by the system, most likely for want of memory; "
            "end other programs or take a larger machine, and run again: what was made is kept."
        ) from error
