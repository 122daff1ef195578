"""The answer as JSON and CSV: what `result.json`, `curve.csv` and `skipped.csv` hold."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal, cast

from sufficient.answer.answer import Answer, CriterionAnswer, CurvePoint, Forecast, Outlook
from sufficient.notice import Notice

if TYPE_CHECKING:
    from pathlib import Path

    from sufficient.data.labelled import Skipped

SCHEMA_VERSION = 2  # 1: one tolerance only, without `criteria`, `per_class` and `data.not_read`
OF_FEATURES = ("name", "scale", "reason", "dimension")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run such a cell


def to_dict(
    answer: Answer,
    *,
    command: str,
    tool_version: str,
    data: Mapping[str, Any],
    features: Mapping[str, Any],
    model: Mapping[str, Any],
    environment: Mapping[str, Any],
    artifacts: Mapping[str, str],
    resumed: bool,
    seconds: float,
    plan: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the result as plain JSON values, in the form of `result.schema.json`. Losses in nats.

    An interval is a pair, an open end is None; numbers that are not finite become None.
    """
    result = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "sufficient", "version": tool_version},
        "command": command,
        "verdict": answer.verdict,
        "reasons": _notices(answer.reasons),
        "tolerance": answer.tolerance,
        "k_available": answer.k_available,
        "k_sufficient": answer.k_sufficient,
        "k_interval": answer.k_interval,
        "forecast": _forecast(answer.forecast),
        "criteria": [_criterion(each) for each in answer.criteria],
        "per_class": [dataclasses.asdict(each) for each in answer.per_class],
        "curve": [dataclasses.asdict(point) for point in answer.curve],
        "rate": _finite_or_none(answer.rate, "exponent"),
        "outlook": _outlook(answer.outlook),
        "data": {"not_read": 0, "groups": None, **data},  # a run of version 1 read everything
        "features": {name: features[name] for name in OF_FEATURES},
        "model": model,
        "environment": environment,
        "artifacts": artifacts,
        "warnings": _notices(answer.warnings),
        "resumed": resumed,
        "seconds": seconds,
    }
    if plan is not None:  # what `sufficient plan` left in the run
        result["plan"] = plan
    strict: dict[str, Any] = plain(result)
    return strict


def dumps(result: Mapping[str, Any]) -> str:
    """Return strict JSON, keys in their order, with a newline at the end. Raises ValueError on NaN."""
    return encodable(json.dumps(result, allow_nan=False, ensure_ascii=False, indent=2) + "\n")


def schema(name: Literal["result", "plan", "forecast", "compare"]) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the file of that name."""
    text = resources.files("sufficient.report").joinpath(f"{name}.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def curve_csv(answer: Answer) -> str:
    """Return one row a size, the columns of the result's `curve`; an empty cell where there is no value."""
    names = [field.name for field in dataclasses.fields(CurvePoint)]
    return _csv(names, [[getattr(point, name) for name in names] for point in answer.curve])


def skipped_csv(skipped: Sequence[Skipped]) -> str:
    """Return one row for each object that was found and not used: name, reason, detail; all quoted."""
    rows = [[item.name, item.reason, item.detail] for item in skipped]
    return _csv(["name", "reason", "detail"], rows, quote_all=True)


def read_skipped(path: Path) -> tuple[Skipped, ...]:
    """Return the skipped objects that a `skipped.csv` names; none where the file is not there."""
    from sufficient.data.labelled import Skipped

    if not path.exists():
        return ()
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(
            Skipped(_uncelled(row["name"]), cast(Any, _uncelled(row["reason"])), _uncelled(row["detail"]))
            for row in csv.DictReader(file)
        )


def _is_formula(text: str) -> bool:
    """Return whether the text, or what it hides behind apostrophes, would run as a formula."""
    return text.lstrip("'").startswith(FORMULA_STARTS)


def _uncelled(text: str) -> str:
    return text[1:] if text.startswith("'") and _is_formula(text) else text


def _csv(header: Sequence[str], rows: Sequence[Sequence[Any]], *, quote_all: bool = False) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if quote_all:  # else a lone carriage return in a name would stand bare and end its row
        writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows([[_cell(value) for value in row] for row in rows])
    return encodable(text.getvalue())


def encodable(text: str) -> str:
    """Return the text with what UTF-8 cannot hold, the bytes of odd file names, as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return "'" + value if _is_formula(value) else value
    if isinstance(value, bool):
        return str(value).lower()
    return plain(value)


def _notices(notices: Sequence[Notice]) -> list[dict[str, str]]:
    return [dataclasses.asdict(notice) for notice in notices]


def _criterion(answer: CriterionAnswer) -> dict[str, Any]:
    """Return one criterion and what it came to."""
    return {
        "kind": answer.criterion.kind,
        "value": answer.criterion.value,
        "asked": answer.asked,
        "verdict": answer.verdict,
        "reason": dataclasses.asdict(answer.reason),
        "k_sufficient": answer.k_sufficient,
        "k_interval": answer.k_interval,
        "at_last": None if answer.at_last is None else dataclasses.asdict(answer.at_last),
        "forecast": _forecast(answer.forecast),
    }


def _forecast(forecast: Forecast | None) -> dict[str, Any] | None:
    if forecast is None:
        return None
    told = dataclasses.asdict(forecast)
    del told["path"]  # drawn, not reported
    return told


def _finite_or_none(value: Any, name: str) -> dict[str, Any] | None:
    if value is None or not math.isfinite(getattr(value, name)):
        return None
    return dataclasses.asdict(value)


def _outlook(outlook: Outlook | None) -> dict[str, Any] | None:
    """Return the outlook without the gain, which a least gain that is asked for has in `criteria`."""
    if outlook is None:
        return None
    found = dataclasses.asdict(outlook)
    if found["at_double"] is not None:
        del found["at_double"]["gain"]
    return found


def plain(value: Any) -> Any:
    """Return the value with tuples as lists, numpy numbers as Python's, and None for what is not finite."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if hasattr(value, "item"):  # numpy's and torch's numbers
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    raise TypeError(f"{value!r} has no place in JSON; give numbers, texts, lists and mappings")
