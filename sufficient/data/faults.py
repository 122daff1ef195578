"""What a failing system call means: an object to skip, or a machine that has no more to give."""

from __future__ import annotations

import errno

from sufficient.data.labelled import UnusableError
from sufficient.errors import ResourceError

TOO_MANY_FILES = (errno.EMFILE, errno.ENFILE)
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE)


def unusable(error: OSError) -> UnusableError:
    """Return why an object is skipped that was listed and would not be read.

    Raises ResourceError where not the object is at fault: no more open files, no more memory.
    """
    stop_if_exhausted(error)
    return UnusableError("vanished" if error.errno in GONE else "unreadable", error.strerror or str(error))


def stop_if_exhausted(error: OSError) -> None:
    """Raise ResourceError if the failure says nothing of the file: every further one would fail alike."""
    if error.errno in TOO_MANY_FILES:
        raise ResourceError(
            f"the images cannot be read: too many files are open ({error.strerror}); "
            "raise the limit, `ulimit -n 4096`, and start again."
        ) from error
    if error.errno == errno.ENOMEM:
        raise ResourceError(
            f"the images cannot be read: the machine is out of memory ({error.strerror}); "
            "end other programs or take a larger machine, and start again."
        ) from error
