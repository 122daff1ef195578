"""Labels that look like something else than a class: several joined in a text, a mark for none, stray bytes.

`cat|pet` beside `pet` is two labels of an object; `Doe, John` beside `Smith, Ann` is a name. Parts tell them
apart: those of several labels also stand alone, or with other parts and now first, now last.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from sufficient.data.walk import brief
from sufficient.errors import DataError
from sufficient.notice import Notice
from sufficient.rounding import counted, some

SEPARATORS = "|;,"
GOOD_SHARE = 0.2  # of the objects: fewer such labels are oddities of names
NAMED_AT_MOST = 3  # labels in a message
NO_LABEL = ("nan", "na", "n/a", "null", "none", "nil", "-", "?")


class Parts(NamedTuple):
    """What the labels with one separator say."""

    joined: list[str]  # labels of which a part stands elsewhere as well
    objects: int  # under these
    plainly: bool  # several labels and nothing else: parts stand alone, or in more than one place


def label_remarks(counts: Mapping[str, int], *, column: str) -> list[Notice]:
    """Return what to say of labels in text; `counts`: label → its objects.

    Raises DataError where they are plainly several labels for an object.
    """
    total = sum(counts.values())
    remarks = [*_no_label(counts, column), *_stray_bytes(counts, column)]
    for separator in SEPARATORS:
        parts = _parts(counts, separator)
        if parts.objects < GOOD_SHARE * total or not parts.joined:
            continue
        named = some((f"'{brief(label)}'" for label in parts.joined), NAMED_AT_MOST)
        what = (
            f"the column of labels, {brief(column)}, holds labels joined by '{separator}' ({named}; of "
            f"{counted(parts.objects, 'object')})"
        )
        if parts.plainly:
            raise DataError(
                f"{what}, whose parts also stand alone or in other places: several labels for an object are "
                "not read; give one label for each object, or, where each text is one class, replace that "
                "character."
            )
        message = f"{what}, each taken as one class; several labels for an object are not read."
        remarks.append(Notice("JOINED-LABELS", message))
    return remarks


def _parts(counts: Mapping[str, int], separator: str) -> Parts:
    split = {
        label: tuple(part for part in map(str.strip, label.split(separator)) if part)
        for label in counts
        if separator in label
    }
    split = {label: parts for label, parts in split.items() if len(parts) > 1}
    within = Counter(part for parts in split.values() for part in set(parts))
    places: dict[str, set[bool]] = defaultdict(set)  # whether a part stands first
    for parts in split.values():
        for place, part in enumerate(parts):
            places[part].add(place == 0)
    alone = {part for part in within if part in counts}
    joined = [
        label for label, parts in split.items() if any(part in alone or within[part] > 1 for part in parts)
    ]
    plainly = [label for label in joined if any(p in alone or len(places[p]) > 1 for p in split[label])]
    of_all = sum(counts[label] for label in plainly)
    objects = sum(counts[label] for label in joined)
    return Parts(joined, objects, of_all >= GOOD_SHARE * sum(counts.values()))


def _no_label(counts: Mapping[str, int], column: str) -> list[Notice]:
    odd = sorted(label for label in counts if label.lower() in NO_LABEL)
    if not odd:
        return []
    objects = sum(counts[label] for label in odd)
    message = (
        f"{', '.join(odd)} in the column {brief(column)} is taken as a class, of "
        f"{counted(objects, 'object')}; if it means that there is no label, leave those cells empty."
    )
    return [Notice("CLASS-LIKE-NO-LABEL", message)]


def _stray_bytes(counts: Mapping[str, int], column: str) -> list[Notice]:
    odd = [label for label in counts if any("\ud800" <= mark <= "\udfff" for mark in label)]
    if not odd:
        return []
    message = (
        f"{counted(len(odd), 'label')} of the column {brief(column)} {'is' if len(odd) == 1 else 'are'} no "
        f"UTF-8 ({some(map(brief, odd), NAMED_AT_MOST)}) and shown by bytes; save the table as UTF-8."
    )
    return [Notice("NOT-UTF-8", message)]
