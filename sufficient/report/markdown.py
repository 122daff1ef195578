"""The answer as Markdown: for a pull request, a ticket, a wiki."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sufficient.report.criteria_text import ASKED
from sufficient.report.export import encodable
from sufficient.report.local_names import local
from sufficient.report.methods import REFERENCES, methods
from sufficient.report.page_facts import STAGE_COLUMNS, alone, asked_words, stage_rows
from sufficient.report.page_more import Block, blocks, plan_warnings
from sufficient.report.page_table import Row, answers, is_round, rows
from sufficient.report.text import explain, headline
from sufficient.result import Estimate

TRIED = ("tolerance, nats", "verdict", "objects to fit")
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!])")


def markdown(estimate: Estimate) -> str:
    """Return the report of an estimate as Markdown, its parts in the order of the page."""
    estimate = local(estimate)
    answer = estimate.answer
    said = explain(answer, estimate.record)
    table = rows(estimate, answers(estimate))
    parts = [
        f"# {escaped(headline(answer))}",
        escaped(asked_words(answer)),
        _list(said, ("decided", "measured", "reason")),
        "## The curve",
        _table(STAGE_COLUMNS, stage_rows(answer)),
        _list(said, ("rate",)),
        f"## At other tolerances{'' if alone(answer) else ', the tolerance alone'}",
        _table(TRIED, [_tried(row) for row in reversed(table) if _asked(row, estimate)]),
        "## Does more data help?",
        _list(said, ("more data",)),
        *_if(_list(said, ("how many", ASKED)), "## How many more?"),
        *(part for block in blocks(estimate.to_dict()).values() for part in _block(block)),
        "## What was used",
        _list(said, ("model", "features", "data")),
        "## How it was computed",
        *(escaped(paragraph) for paragraph in methods(estimate)),
        "\n".join(f"{i}. {escaped(source.text)} <{source.url}>" for i, source in enumerate(REFERENCES, 1)),
        "## Warnings",
        "\n".join(f"- `{notice.code}` {escaped(notice.message)}" for notice in answer.warnings)
        or ("None on the verdict." if plan_warnings(estimate.planned) else "None."),
        *_if_any(plan_warnings(estimate.planned)),
    ]
    return encodable("\n\n".join(part for part in parts if part) + "\n")


def _if_any(told: str) -> list[str]:
    """Return where the warnings of a plan stand; nothing without any."""
    return [f"[{told}](#the-plan) below the plan."] if told else []


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _asked(row: Row, estimate: Estimate) -> bool:
    return is_round(row.tolerance) or row.tolerance == estimate.answer.tolerance


def _tried(row: Row) -> tuple[str, str, str]:
    return row.shown, row.verdict, ", ".join(row.mark) or "–"


def _list(said: Iterable[tuple[str, str]], labels: Sequence[str]) -> str:
    return "\n".join(f"- **{label}** {escaped(text)}" for label, text in said if label in labels)


def _if(text: str, title: str) -> list[str]:
    return [title, text] if text else []


def _block(block: Block) -> list[str]:
    return [
        f"### {block.title}",
        _table(block.columns, block.rows),
        *("- " + escaped(note) for note in block.notes),
    ]


def _table(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    lines = [[escaped(cell) for cell in line] for line in (columns, *cells)]
    lines.insert(1, ["---"] * len(columns))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
