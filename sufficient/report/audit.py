"""The account of the data: what `sufficient check` says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sufficient.notice import Notice
from sufficient.rounding import counted, objects

if TYPE_CHECKING:
    from sufficient.data.labelled import LabelledData

SHOWN = 20  # skipped objects and classes named in the terminal; JSON has them all


def audit_dict(labelled: LabelledData, remarks: Sequence[Notice] = ()) -> dict[str, Any]:
    """Return the whole account as plain JSON values: found = used + skipped, a reason for each skipped."""
    audit = labelled.audit
    return {
        "spec": labelled.spec,
        "kind": labelled.kind,
        "shape": list(labelled.values.shape[1:]),
        "fingerprint": labelled.fingerprint,
        "found": audit.found,
        "used": audit.used,
        "skipped": audit.skipped_counts,
        "classes": audit.class_counts,
        "skipped_objects": [asdict(item) for item in audit.skipped],
        "warnings": [asdict(notice) for notice in (*audit.notices, *remarks)],
    }


def audit_lines(labelled: LabelledData, remarks: Sequence[Notice] = ()) -> list[str]:
    """Return the account for people, the longest lists cut and said to be cut."""
    audit = labelled.audit
    shape = "×".join(str(side) for side in labelled.values.shape[1:])
    lines = [
        f"{objects(audit.found)} found = {objects(audit.used)} used + {objects(len(audit.skipped))} skipped",
        f"kind        {labelled.kind}, {shape} each",
        f"classes     {objects(len(audit.class_counts))}",
    ]
    by_count = sorted(audit.class_counts.items(), key=lambda item: item[1])
    lines += _cut(
        [f"  {objects(count):>10}  {name}" for name, count in by_count], ("more class", "more classes")
    )
    if audit.skipped:
        lines.append("skipped")
        lines += [f"  {objects(count):>10}  {reason}" for reason, count in audit.skipped_counts.items()]
        named = [f"  {item.reason}: {item.name} {item.detail}".rstrip() for item in audit.skipped]
        lines += _cut(named, ("more skipped object", "more skipped objects"))
    lines += [f"warning     {notice.message} [{notice.code}]" for notice in (*audit.notices, *remarks)]
    lines.append(f"fingerprint {labelled.fingerprint}")
    return lines


def _cut(lines: list[str], what: tuple[str, str]) -> list[str]:
    if len(lines) <= SHOWN:
        return lines
    return [*lines[:SHOWN], f"  … and {counted(len(lines) - SHOWN, *what)}; --json lists all"]
