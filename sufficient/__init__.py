"""Is my labelled data set large enough for this model, and if not, how many more do I need?"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sufficient.api import estimate
    from sufficient.cli.live import LiveStudy
    from sufficient.elsewhere import RunsForecast, forecast_runs
    from sufficient.errors import DataError, ResourceError, SufficientError, UsageError
    from sufficient.monitor import SampleSizeMonitor
    from sufficient.report.compare import Comparison, compare
    from sufficient.result import Estimate
    from sufficient.stored import load

__version__ = "0.1.0"
__all__ = [
    "Comparison",
    "DataError",
    "Estimate",
    "LiveStudy",
    "ResourceError",
    "RunsForecast",
    "SampleSizeMonitor",
    "SufficientError",
    "UsageError",
    "compare",
    "estimate",
    "forecast_runs",
    "load",
]

_HOME = {
    "estimate": "sufficient.api",
    "load": "sufficient.stored",
    "Estimate": "sufficient.result",
    "Comparison": "sufficient.report.compare",
    "compare": "sufficient.report.compare",
    "LiveStudy": "sufficient.cli.live",
    "RunsForecast": "sufficient.elsewhere",
    "forecast_runs": "sufficient.elsewhere",
    "SampleSizeMonitor": "sufficient.monitor",
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
