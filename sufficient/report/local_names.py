"""An estimate fit to be passed on: no path of the machine it was made on."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from sufficient.notice import Notice
from sufficient.result import Estimate

# Two or more folders from a root, or a drive: `/home/ann/imgs`, `C:\\data\\imgs`; not `1/k`, not `https://`.
ABSOLUTE = re.compile(r"""(?<![\w.:/\\])(?:/(?:[^\s/'",;]+/)+|[A-Za-z]:[\\/](?:[^\s\\/'",;]+[\\/])*)""")
HOME = re.compile(r"^(?:~|\.{1,2}$|\.{0,2}[\\/]|[A-Za-z]:[\\/])")


def local(estimate: Estimate) -> Estimate:
    """Return the estimate with every path cut to its last part, in data, features, options and notices."""
    record, options = estimate.record, estimate.options
    long = {options.data, str(record.data.get("spec", ""))} - {""}
    cut = {text: last_part(text) for text in sorted(long, key=len, reverse=True)}

    def shown(value: Any) -> Any:
        if isinstance(value, str):
            for text, short in cut.items():
                value = value.replace(text, short) if "/" in text or "\\" in text else value
            return ABSOLUTE.sub("", value)
        if isinstance(value, dict):
            return {name: shown(item) for name, item in value.items()}
        return [shown(item) for item in value] if isinstance(value, list | tuple) else value

    def notices(found: tuple[Notice, ...]) -> tuple[Notice, ...]:
        return tuple(Notice(notice.code, shown(notice.message)) for notice in found)

    return replace(
        estimate,
        record=replace(
            record,
            notices=notices(record.notices),
            data=shown(record.data),
            features=shown(record.features),
            model=shown(record.model),
        ),
        answer=replace(
            estimate.answer,
            reasons=notices(estimate.answer.reasons),
            warnings=notices(estimate.answer.warnings),
        ),
    )


def last_part(spec: str) -> str:
    """Return the last part of a path, a name as it is: `../imgs/` → `imgs`, `hf://datasets/x` unchanged."""
    if "://" in spec:
        return spec
    return re.split(r"[\\/]", spec.rstrip("\\/"))[-1] or spec


def shown_option(name: str, value: Any) -> Any:
    """Return an option's value without folders that only its machine knows."""
    if isinstance(value, list | tuple):
        return [shown_option(name, item) for item in value]
    if isinstance(value, str) and (name == "data" or HOME.match(value)):
        return last_part(value)
    return value
