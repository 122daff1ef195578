"""`sufficient env`: versions and devices, for a bug report."""

from __future__ import annotations

from sufficient.cli.options import Json, mode
from sufficient.cli.output import Output


def env(json: Json = False) -> int:
    """Print versions and devices, for a bug report."""
    from sufficient.device import choose_device
    from sufficient.environment import devices, environment

    output = Output(mode(json=json, quiet=False))
    found = {**environment(str(choose_device("auto"))), "devices": devices()}
    libraries = found["libraries"]
    rest = {name: value for name, value in found.items() if name not in {"libraries", "devices"}}
    lines = {**rest, **libraries, **found["devices"]}
    output.result([f"{name:14}{value}" for name, value in lines.items()])
    output.json(found)
    return 0
