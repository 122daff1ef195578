"""Lines with a label in the first column: how the terminal tells every answer."""

from __future__ import annotations

from collections.abc import Iterable

LABEL = 12  # characters before the text of a line


def labelled(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Return a line for each (label, text), the label named once for each run of equal ones."""
    shown, before = [], None
    for label, text in pairs:
        shown.append(("" if label == before else label).ljust(LABEL) + text)
        before = label
    return shown
