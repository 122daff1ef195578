"""`sufficient check`: what would be used, what skipped, and why; no training."""

from __future__ import annotations

from typing import Annotated

import typer

from sufficient.cli.estimate import Download, Root, Size, Spec, mode
from sufficient.cli.output import Output


def check(
    data: Spec,
    size: Size = None,
    root: Root = None,
    download: Download = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Say what would be used, what skipped, and why; nothing is trained."""
    from sufficient.cli.live import LiveStudy
    from sufficient.data.sources import read
    from sufficient.report.audit import audit_dict, audit_lines

    output = Output(mode(json=json, quiet=False))
    with LiveStudy(output, tol=1.0) as live:
        labelled = read(data, size=size, root=root, download=download, progress=live.data_progress)
    output.result(audit_lines(labelled))
    output.json(audit_dict(labelled))
    return 0
