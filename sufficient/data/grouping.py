"""Groups of objects that stay on one side of every split, named by a level of folders."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sufficient.errors import DataError, UsageError

SMALLEST_LEVEL = 2  # 1 is the class folder, whose objects must not stay together


def folder_groups(
    spec: str, names: Sequence[str], *, class_level: int, level: int | None
) -> NDArray[np.int64] | None:
    """Return the number of the group of each file (N,), or None where no `level` is asked for.

    `level` 2 is the first folder inside a class folder, and so on. Folders of one name in several classes
    (the same patient, healthy and ill) are one group; a file above the level is its own. `class_level`: the
    part of a name that is the class. Raises UsageError for a level that names no groups, DataError where no
    file lies so deep.
    """
    if level is None:
        return None
    if level < SMALLEST_LEVEL:
        raise UsageError(
            f"--group-level is {level}, but level 1 is the class folder, which every split must share; "
            "give 2 for the folders inside it, 3 for those one further down."
        )
    first, end = class_level + 1, class_level + level
    numbers: dict[str, int] = {}
    groups = np.empty(len(names), dtype=np.int64)
    deep = False
    for index, name in enumerate(names):
        folders = name.split("/")[:-1]
        key = "/".join(folders[first:end]) + "/" if len(folders) >= end else name
        deep = deep or len(folders) >= end
        groups[index] = numbers.setdefault(key, len(numbers))
    if not deep:
        raise DataError(
            f"--group-level is {level}, but no image of {spec} lies so deep "
            f"(the first is {names[0]!r}); leave it out, or give the level whose folders are the groups."
        )
    return groups
