"""`sufficient check`: what would be used, what skipped, and why; no training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sufficient.cli.estimate import Download, Root, Size, Spec, mode
from sufficient.cli.output import Output
from sufficient.errors import DataError
from sufficient.notice import Notice

if TYPE_CHECKING:
    from sufficient.data.labelled import LabelledData


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
    remarks = _of_a_study(labelled)
    output.result(audit_lines(labelled, remarks))
    output.json(audit_dict(labelled, remarks))
    return 0


def _of_a_study(labelled: LabelledData) -> tuple[Notice, ...]:
    """Return what `estimate` with its defaults would remark on the numbers of objects."""
    from sufficient.data.images import LARGEST_OWN_SIDE
    from sufficient.features.choose import remarks
    from sufficient.study.options import StudyOptions
    from sufficient.study.schedule import planned_sizes
    from sufficient.study.shares import divide

    found = list(remarks(labelled))
    if labelled.kind == "images" and (labelled.largest_side or 0) > LARGEST_OWN_SIDE:
        found.append(
            Notice(
                "LARGE-IMAGES",
                f"the largest image has {labelled.largest_side} pixels on its longer side, more than "
                f"{LARGEST_OWN_SIDE}: `estimate` will need --features pixels, and reads them as above.",
            )
        )
    options = StudyOptions()
    shares = divide(labelled.labels, replicates=options.replicates, seed=options.seed)
    try:
        return (*found, *planned_sizes(shares, labelled.labels, labelled.classes, options)[1])
    except DataError as error:
        return (*found, Notice("TOO-FEW-OBJECTS", str(error)))
