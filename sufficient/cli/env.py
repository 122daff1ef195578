"""`sufficient env`: versions and devices, for a bug report."""

from __future__ import annotations

from typing import Annotated

import typer

from sufficient.cli.output import Output


def env(json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> int:
    """Print versions and devices, for a bug report."""
    from sufficient.environment import devices, environment
    from sufficient.heads.device import choose_device

    output = Output("json" if json else "human")
    found = {**environment(str(choose_device("auto"))), "devices": devices()}
    libraries = found["libraries"]
    rest = {name: value for name, value in found.items() if name not in {"libraries", "devices"}}
    lines = {**rest, **libraries, **found["devices"]}
    output.result([f"{name:14}{value}" for name, value in lines.items()])
    output.json(found)
    return 0
