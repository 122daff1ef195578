"""Is my labelled data set large enough for this model, and if not, how many more do I need?"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sufficient.api import estimate, load
    from sufficient.cli.live import LiveStudy
    from sufficient.errors import DataError, ResourceError, SufficientError, UsageError
    from sufficient.result import Estimate

__version__ = "0.1.0"
__all__ = [
    "DataError",
    "Estimate",
    "LiveStudy",
    "ResourceError",
    "SufficientError",
    "UsageError",
    "estimate",
    "load",
]

_HOME = {
    "estimate": "sufficient.api",
    "load": "sufficient.api",
    "Estimate": "sufficient.result",
    "LiveStudy": "sufficient.cli.live",
    "DataError": "sufficient.errors",
    "ResourceError": "sufficient.errors",
    "SufficientError": "sufficient.errors",
    "UsageError": "sufficient.errors",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import sufficient` alone loads no torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'sufficient' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)
