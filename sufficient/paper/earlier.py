"""What earlier sittings left in a run's directory, and what of it this one would contradict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sufficient.errors import DataError
from sufficient.paper.objects import Chosen, WrongKindError, mode_of, origin
from sufficient.paper.plan import PlannedSweep
from sufficient.paper.protocol import Mode
from sufficient.paper.store import DamagedSweepError, Saved, differences, read_sweep

OF_A_USER: tuple[Mode, ...] = ("pixels", "features")  # a user's own data are one or the other

Read = Callable[[str], Chosen]  # SPEC → its objects; raises DataError


@dataclass(frozen=True)
class Earlier:
    """The sweeps of a directory, by name."""

    whole: dict[str, Saved]
    damaged: dict[str, DamagedSweepError]

    def named(self, name: str) -> Saved | None:
        """Return the sweep of that name, None where it is yet to be trained. Raises DamagedSweepError."""
        if name in self.damaged:
            raise self.damaged[name]
        return self.whole.get(name)

    def unread(self, planned: PlannedSweep) -> Saved | None:
        """Return the sweep of data that cannot be read now, and so is known by its name alone."""
        modes = OF_A_USER if planned.mode is None else (planned.mode,)
        names = [f"{planned.dataset}-{mode}" for mode in modes]
        found = [self.whole[name] for name in names if name in self.whole]
        found.sort(key=lambda saved: saved.origin.spec != planned.spec)  # that of this very SPEC first
        return found[0] if found else None


def earlier_sweeps(directory: Path) -> Earlier:
    """Return what a directory of sweeps holds."""
    found = Earlier({}, {})
    for path in sorted(directory.glob("*.safetensors")):
        try:
            found.whole[path.stem] = read_sweep(path)
        except DamagedSweepError as error:
            found.damaged[path.stem] = error
    return found


def differing(
    earlier: Earlier, planned: Sequence[PlannedSweep], *, seeds: tuple[int, ...], read: Read
) -> list[str]:
    """Return what a sitting with these seeds and objects would contradict, a phrase each.

    Settings are those of every sweep, asked for or not: one report never mixes them. Objects are those of the
    sweeps that are asked for, where they can be read.
    """
    names: dict[str, list[str]] = {}  # phrase → the sweeps that it is true of
    for name, saved in earlier.whole.items():
        for phrase in differences(saved, seeds=seeds):
            names.setdefault(phrase, []).append(name)
    if not names:  # settings alone need nothing to be read
        for sweep in planned:
            if earlier.unread(sweep) and (other := _other_objects(earlier, sweep, read)):
                names.setdefault(other, []).append(sweep.name)
    return [f"{phrase} ({', '.join(sweeps)})" for phrase, sweeps in names.items()]


def unchecked(saved: Saved, spec: str) -> Saved:
    """Return a sweep whose source says that its objects could not be held against the SPEC's."""
    told = f"{saved.sweep.source}; not checked in this sitting, as {spec} could not be read"
    return replace(saved, sweep=replace(saved.sweep, source=told))


def _other_objects(earlier: Earlier, planned: PlannedSweep, read: Read) -> str | None:
    try:
        data = read(planned.spec).data
    except DataError:
        return None  # said when its turn comes
    try:
        mode = mode_of(planned, data)
    except WrongKindError as error:
        return f"its objects are others: {str(error).rstrip('.')}"
    saved = earlier.whole.get(f"{planned.dataset}-{mode}")
    now = origin(planned, mode, data).fingerprint
    if saved is None or saved.origin.fingerprint == now:
        return None
    return f"its objects were {saved.origin.fingerprint[:12]} and are {now[:12]}"
