"""How a benchmark ends: its claims, sentence by sentence, each held or missed by what was just measured."""

from __future__ import annotations

from typing import NamedTuple


class Claim(NamedTuple):
    """A sentence with the number that was measured, and whether it is true of that."""

    said: str
    held: bool


def conclude(*claims: Claim) -> None:
    """Print every claim as held or MISSED; leave with exit code 1 if one was missed."""
    for claim in claims:
        print(f"{'held' if claim.held else 'MISSED':7} {claim.said}")
    if not all(claim.held for claim in claims):
        raise SystemExit(1)
