"""What tells runs apart, in few words: the data, features, model and options that differ."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sufficient.report.local_names import shown_option
from sufficient.result import Estimate
from sufficient.rounding import objects

ASPECTS = ("data", "features", "model")
LONGEST = 60  # characters of a name: two stand side by side on a terminal
CLAUSE = re.compile(r", | \(|\)")  # between the clauses of a model's description
SEPARATOR = re.compile(r"[\\/]+")
NOT_TOLD = {
    "data", "features", "tol", "rel_tol", "targets", "min_gain", "confirm", "extend", "time_limit", "root",
    "download", "device",
}  # fmt: skip


def names(estimates: Sequence[Estimate]) -> tuple[str, ...]:
    """Return a name for each run that says only what differs; equal runs are numbered."""
    aspects = [_aspects(estimate) for estimate in estimates]
    parts: list[list[str]] = [[] for _ in estimates]
    for name in differing_aspects(estimates):
        for part, text in zip(parts, shortened([run[name] for run in aspects]), strict=True):
            part.append(text)
    if not _told_apart(parts) and len({run["used"] for run in aspects}) > 1:
        for part, run in zip(parts, aspects, strict=True):
            part.append(run["used"])
    if not _told_apart(parts):
        for name, values in differing_options(estimates).items():
            for part, value in zip(parts, values, strict=True):
                part.append(f"{name} {value}")
    if not any(parts):
        parts = [[run["data"], run["features"]] for run in aspects]
    return _numbered([_cut(" · ".join(part)) for part in parts])


def differing_aspects(estimates: Sequence[Estimate]) -> list[str]:
    """Return which of data, features and model differ."""
    aspects = [_aspects(estimate) for estimate in estimates]
    return [name for name in ASPECTS if len({run[name] for run in aspects}) > 1]


def differing_options(estimates: Sequence[Estimate]) -> dict[str, tuple[str, ...]]:
    """Return option → its value in each run, of options that change numbers and differ."""
    resolved = [estimate.options.resolved() for estimate in estimates]
    shown = {
        name: tuple(_value(name, options.get(name)) for options in resolved)
        for name in dict.fromkeys(name for options in resolved for name in options)
        if name not in NOT_TOLD
    }
    return {name.replace("_", " "): values for name, values in shown.items() if len(set(values)) > 1}


def told_apart(specs: Sequence[str]) -> list[str]:
    """Return each SPEC's last part, with as many folders before it as tell different ones apart."""
    parts = [
        spec.rstrip("\\/") if "://" in spec else SEPARATOR.sub("/", spec.rstrip("\\/")) for spec in specs
    ]
    split = [[spec] if "://" in spec else spec.split("/") for spec in parts]
    for count in range(1, max(map(len, split)) + 1):
        shown = ["/".join(part[-count:]) for part in split]
        if len(set(shown)) == len(set(parts)):
            break
    return [text or spec for text, spec in zip(shown, specs, strict=True)]


def shortened(texts: Sequence[str]) -> list[str]:
    """Return the clauses of each text that not all share, without the words that all begin with.

    The first clause is enough where it tells all of them apart: `64-64-10` of a model's description.
    """
    split = [[clause for clause in CLAUSE.split(text) if clause] for text in texts]
    shared = set.intersection(*map(set, split))
    left = [[clause for clause in clauses if clause not in shared] for clauses in split]
    firsts = {clauses[0] if clauses else "" for clauses in left}
    told = [clauses[0] if clauses else "" for clauses in left]
    if len(firsts) < len(set(texts)):
        told = [", ".join(clauses) for clauses in left]
    words = [text.split(" ") for text in told]
    while all(len(run) > 1 for run in words) and len({run[0] for run in words}) == 1:
        words = [run[1:] for run in words]
    return [" ".join(run) or text for run, text in zip(words, texts, strict=True)]


def _aspects(estimate: Estimate) -> Mapping[str, str]:
    record = estimate.record
    return {
        "data": str(record.data["spec"]),
        "features": str(record.features["name"]),
        "model": str(record.model["description"]),
        "used": f"{objects(record.data['used'])} objects",
    }


def _told_apart(parts: Sequence[Sequence[str]]) -> bool:
    return len({tuple(part) for part in parts}) == len(parts)


def _value(name: str, value: Any) -> str:
    return "not set" if value is None else str(shown_option(name, value))


def _cut(text: str) -> str:
    """Return the text with its middle left out where it is too long: names differ at either end."""
    half = (LONGEST - 1) // 2
    return text if len(text) <= LONGEST else f"{text[:half]}…{text[-half:]}"


def _numbered(told: Sequence[str]) -> tuple[str, ...]:
    total, seen, numbered = Counter(told), Counter[str](), []
    for text in told:
        seen[text] += 1
        numbered.append(f"{text} ({seen[text]})" if total[text] > 1 else text)
    return tuple(numbered)
