"""Is my labelled data set large enough for this model, and if not, how many more do I need?"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sufficient.api import estimate
    from sufficient.cli.live import LiveStudy
    from sufficient.errors import DataError, ResourceError, SufficientError, UsageError
    from sufficient.external_runs import RunsForecast, forecast_runs
    from sufficient.monitor import SampleSizeMonitor
    from sufficient.paper.figures import PanelDisplay
    from sufficient.report.accuracy import AccuracyDisplay
    from sufficient.report.compare import Comparison, compare
    from sufficient.report.compare_figure import ComparisonDisplay
    from sufficient.report.curve import CurveDisplay
    from sufficient.report.fan import FanDisplay
    from sufficient.report.ladder_figure import LadderDisplay
    from sufficient.report.paper_view import PaperViewDisplay
    from sufficient.report.per_class_figure import PerClassDisplay
    from sufficient.report.plan_figure import PlanDisplay
    from sufficient.report.runs_figure import RunsDisplay
    from sufficient.report.target_fan import TargetFanDisplay
    from sufficient.result import Estimate
    from sufficient.stored import load

__version__ = "0.1.0"
__all__ = [
    "AccuracyDisplay",
    "Comparison",
    "ComparisonDisplay",
    "CurveDisplay",
    "DataError",
    "Estimate",
    "FanDisplay",
    "LadderDisplay",
    "LiveStudy",
    "PanelDisplay",
    "PaperViewDisplay",
    "PerClassDisplay",
    "PlanDisplay",
    "ResourceError",
    "RunsDisplay",
    "RunsForecast",
    "SampleSizeMonitor",
    "SufficientError",
    "TargetFanDisplay",
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
    "RunsForecast": "sufficient.external_runs",
    "forecast_runs": "sufficient.external_runs",
    "SampleSizeMonitor": "sufficient.monitor",
    "DataError": "sufficient.errors",
    "ResourceError": "sufficient.errors",
    "SufficientError": "sufficient.errors",
    "UsageError": "sufficient.errors",
    "AccuracyDisplay": "sufficient.report.accuracy",
    "ComparisonDisplay": "sufficient.report.compare_figure",
    "CurveDisplay": "sufficient.report.curve",
    "FanDisplay": "sufficient.report.fan",
    "LadderDisplay": "sufficient.report.ladder_figure",
    "PanelDisplay": "sufficient.paper.figures",
    "PaperViewDisplay": "sufficient.report.paper_view",
    "PerClassDisplay": "sufficient.report.per_class_figure",
    "PlanDisplay": "sufficient.report.plan_figure",
    "RunsDisplay": "sufficient.report.runs_figure",
    "TargetFanDisplay": "sufficient.report.target_fan",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import sufficient` alone loads no torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'sufficient' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    """Return the public names beside what is loaded, so that they complete before they are imported."""
    return sorted({*globals(), *__all__})
