"""`sufficient check`: what would be used, what skipped, and why; no training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sufficient.cli.options import (
    Download,
    Drop,
    GroupColumn,
    GroupLevel,
    ImageColumn,
    Json,
    LabelColumn,
    Labels,
    MaxPixels,
    Root,
    Size,
    Spec,
    Split,
    mode,
)
from sufficient.cli.output import Output
from sufficient.errors import DataError
from sufficient.notice import Notice

if TYPE_CHECKING:
    from sufficient.data.labelled import LabelledData


def check(
    data: Spec,
    labels: Labels = None,
    label_column: LabelColumn = None,
    image_column: ImageColumn = None,
    group_column: GroupColumn = None,
    group_level: GroupLevel = None,
    drop: Drop = None,
    split: Split = None,
    max_pixels: MaxPixels = None,
    root: Root = None,
    download: Download = False,
    size: Size = None,
    json: Json = False,
) -> int:
    """Say what would be used, what skipped, and why; every image is decoded, nothing is trained."""
    from sufficient.cli.live import LiveStudy
    from sufficient.data.sources import read
    from sufficient.report.audit import audit_dict, audit_lines

    output = Output(mode(json=json, quiet=False))
    with LiveStudy(output, tol=1.0) as live:
        labelled = read(
            data,
            labels=labels,
            label_column=label_column,
            image_column=image_column,
            group_column=group_column,
            group_level=group_level,
            drop=drop or (),
            split=split,
            size=size,
            max_pixels=max_pixels,
            root=root,
            download=download,
            keep_pixels=False,
            progress=live.data_progress,
        )
    remarks = _of_a_study(labelled)
    output.result(audit_lines(labelled, remarks))
    output.json(audit_dict(labelled, remarks))
    return 0


def _of_a_study(labelled: LabelledData) -> tuple[Notice, ...]:
    """Return what `estimate` with its defaults would remark on the numbers of objects."""
    from sufficient.data.images import LARGEST_OWN_SIDE
    from sufficient.data.labelled import PAPER_MODEL
    from sufficient.features.choose import remarks
    from sufficient.study.options import StudyOptions
    from sufficient.study.run import new_record

    found = list(remarks(labelled))
    if labelled.kind == "images" and (labelled.largest_side or 0) > LARGEST_OWN_SIDE:
        found.append(
            Notice(
                "LARGE-IMAGES",
                f"the largest image has {labelled.largest_side} pixels on its longer side, more than "
                f"{LARGEST_OWN_SIDE}: `estimate` takes {PAPER_MODEL}'s features of them (another "
                "model: --features MODEL), or, with --features pixels, reads them as above.",
            )
        )
    try:
        record = new_record(
            labelled.labels,
            labelled.classes,
            StudyOptions(),
            groups=labelled.groups,
            twins=labelled.twins,
        )
    except DataError as error:
        return (*found, Notice("TOO-FEW-OBJECTS", f"`sufficient estimate` stops on these data: {error}"))
    return (*found, *record.notices)
