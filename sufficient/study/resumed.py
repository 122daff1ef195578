"""Whether a run that is gone on with still stands on the objects that it was begun with."""

from __future__ import annotations

import numpy as np

from sufficient.errors import UsageError
from sufficient.study.record import Record
from sufficient.study.shares import AnyShares, CommonShares, ExtendedShares


def require_same_objects(before: Record, now: Record) -> None:
    """Raise UsageError where what was read now would shift the shares that the stages were run on.

    `before`: with at least one stage. `now`: read as far as its last size takes, at least.
    """
    size = before.stages[-1].size
    if not _same_shares(before.shares, now.shares, size):
        raise _another(before, now, min(before.shares.used, now.shares.used))
    count = min(before.shares.used, now.shares.used)
    differ = before.labels[:count] != now.labels[:count]
    if before.objects is not None and now.objects is not None:
        differ |= before.objects[:count] != now.objects[:count]
    if before.identities is not None and now.identities is not None:
        differ |= (before.identities[:count] != now.identities[:count]).any(axis=1)
    if differ.any():
        raise _another(before, now, int(np.argmax(differ)))


def _same_shares(before: AnyShares, now: AnyShares, size: int) -> bool:
    """Return whether each replicate fits, validates on and is scored on the same numbers at this size."""
    if isinstance(before, CommonShares) and isinstance(now, CommonShares):
        return (before.held_out, before.validation, before.window(size)) == (
            now.held_out,
            now.validation,
            now.window(size),
        )
    if isinstance(before, CommonShares) or isinstance(now, CommonShares) or before.used != now.used:
        return False
    one, other = (
        shares.rounds if isinstance(shares, ExtendedShares) else (shares,) for shares in (before, now)
    )
    return len(one) == len(other) and all(
        (was.k_available, was.validation, was.held_out) == (is_.k_available, is_.validation, is_.held_out)
        and np.array_equal(was.order, is_.order)
        for was, is_ in zip(one, other, strict=True)
    )


def _another(before: Record, now: Record, first: int) -> UsageError:
    names = [before.classes[int(before.labels[first])]] if first < len(before.labels) else []
    of = f" of class {names[0]!r}" if names else ""
    return UsageError(
        "what can be read of the data is not what it was when the run began: "
        f"{before.shares.used:,} objects then, {now.shares.used:,} now; skipped then {_told(before)}, now "
        f"{_told(now)}; the first that differs is number {first:,}{of}. Its stages hold for those objects: "
        "make the data readable as it was, or give a new --out."
    )


def _told(record: Record) -> str:
    counts = record.data.get("skipped", {})
    return ", ".join(f"{count:,} {reason}" for reason, count in counts.items()) or "none"
