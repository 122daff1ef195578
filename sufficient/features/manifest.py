"""What an entry of the cache says of itself: its key in clear, and which shards it has."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sufficient.features.shards import SUFFIX, Shard

MANIFEST = "manifest.json"
FORMAT = "sufficient features 1"

Key = dict[str, Any]


class ForeignError(Exception):
    """A manifest that is unreadable, or another's."""


@dataclass(frozen=True)
class Manifest:
    """What an entry says of itself."""

    key: Key
    model: str  # as asked for last
    data: str  # the SPEC, as given last
    shards: tuple[Shard, ...] = ()

    def to_json(self) -> bytes:
        """Return the manifest's file."""
        content = {
            "format": FORMAT,
            "model": self.model,
            "data": self.data,
            "key": self.key,
            "shards": [shard._asdict() for shard in self.shards],
        }
        return json.dumps(content, indent=1).encode()


def read_manifest(directory: Path) -> Manifest | None:
    """Return the manifest of an entry; None where there is none. Raises ForeignError."""
    try:
        content = json.loads((directory / MANIFEST).read_bytes())
        if content["format"] != FORMAT:
            raise ForeignError(f"its format is {content['format']}")
        shards = tuple(Shard(**shard) for shard in content["shards"])
        if any(Path(shard.file).name != shard.file or not shard.file.endswith(SUFFIX) for shard in shards):
            raise ForeignError("it names files that are no shards")
        return Manifest(dict(content["key"]), str(content["model"]), str(content["data"]), shards)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ForeignError(error.strerror or str(error)) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ForeignError("it is not what sufficient writes") from error
