"""`sufficient cache list|clear`: the features that were made before, and the room they take."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from sufficient.cli.options import Json, mode
from sufficient.cli.output import Output
from sufficient.errors import UsageError

cache = typer.Typer(help="Show or remove features that were made before.", no_args_is_help=True)

SHORT_KEY = 12  # characters of a key: enough to name it by
DAY = 86_400  # seconds


@cache.command("list")
def list_entries(json: Json = False) -> int:
    """Show what the cache holds: model, data, objects, size, last use and path."""
    from sufficient.features.cache_space import cache_root, described, size_limit, stored
    from sufficient.rounding import counted, objects, size

    output = Output(mode(json=json, quiet=False))
    root = _folder(cache_root())
    entries = [described(entry) for entry in stored(root)]
    total = sum(entry.bytes for entry in entries)
    lines = [f"{root}: {counted(len(entries), 'entry', 'entries')}, {size(total)} of {size(size_limit())}"]
    alike = Counter((entry.model, entry.data) for entry in entries)
    for entry in entries:
        if entry.damaged is not None:
            key = entry.key[:SHORT_KEY]
            lines += [
                f"{key}  damaged ({entry.damaged}), {size(entry.bytes)}: nothing of it is used; "
                f"`sufficient cache clear {key}` removes it, {entry.path}"
            ]
            continue
        way = f" ({entry.way})" if alike[entry.model, entry.data] > 1 else ""
        lines += [
            f"{entry.key[:SHORT_KEY]}  {entry.model}{way}  of {entry.data}",
            f"{'':{SHORT_KEY}}  {objects(entry.objects)} objects, {size(entry.bytes)}, last used "
            f"{_moment(entry.used)}, {entry.path}",
        ]
    output.result(lines)
    output.json(
        {
            "schema_version": 1,
            "command": "cache list",
            "root": str(root),
            "limit": size_limit(),
            "bytes": total,
            "entries": [
                {
                    "key": entry.key,
                    "model": entry.model,
                    "way": entry.way,
                    "data": entry.data,
                    "objects": entry.objects,
                    "bytes": entry.bytes,
                    "last_used": _moment(entry.used),
                    "path": str(entry.path),
                    "damaged": entry.damaged,
                }
                for entry in entries
            ],
        }
    )
    return 0


@cache.command("clear")
def clear(
    key: Annotated[
        str | None,
        typer.Argument(metavar="[KEY]", help="One entry, by the start of its key.", show_default="all"),
    ] = None,
    older_than: Annotated[
        float | None,
        typer.Option(metavar="DAYS", min=0, help="Only what was not used for so long.", show_default="all"),
    ] = None,
) -> int:
    """Remove entries of the cache, and say what was freed."""
    from sufficient.features.cache_space import cache_root, remove, stored
    from sufficient.rounding import counted, size

    if key == "":
        raise UsageError("the KEY is empty; give the start of one, or leave it out to remove all entries.")
    output, root = Output(), _folder(cache_root())
    chosen = [entry for entry in stored(root) if key is None or entry.key.startswith(key)]
    if key is not None and not chosen:
        raise UsageError(f"no entry's key starts with {key}; `sufficient cache list` shows them.")
    if key is not None and len(chosen) > 1:
        raise UsageError(
            f"the keys of {counted(len(chosen), 'entry', 'entries')} start with {key}, where one is needed; "
            "`sufficient cache list` shows them."
        )
    if older_than is not None:
        chosen = [entry for entry in chosen if time.time() - entry.used > older_than * DAY]
    removed = [entry for entry in chosen if remove(entry.path)]
    freed = sum(entry.bytes for entry in removed)
    output.result([f"removed {counted(len(removed), 'entry', 'entries')}, {size(freed)}, from {root}"])
    for entry in chosen:
        if entry not in removed:
            output.line(f"{entry.path} is in use, or the disk refuses: it stays.")
    return 0


def _folder(root: Path) -> Path:
    """Return the cache's folder, which need not be there. Raises UsageError for a file."""
    if root.exists() and not root.is_dir():
        raise UsageError(f"the cache's folder {root} is a file; set SUFFICIENT_CACHE to a folder.")
    return root


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
