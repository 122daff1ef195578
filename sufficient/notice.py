"""A coded remark. Reasons and warnings are made of it, in the terminal and in JSON alike."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Notice:
    """`code` is for programs (`NOTHING-LEARNED`), `message` is one sentence for people."""

    code: str
    message: str
