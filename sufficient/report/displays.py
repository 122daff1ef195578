"""Every figure of an estimate: `Display.from_estimate(e).plot(ax=None)`, as scikit-learn's displays are.

| display | shows |
| --- | --- |
| `CurveDisplay` | δ_k against the tolerance, 1/k, Lemma 1's bound, k* or its forecast |
| `AccuracyDisplay` | accuracy on unseen objects, and at twice the largest size |
| `FanDisplay` | the forecast to 10 × the largest size, with its horizons |
| `TargetFanDisplay` | the same for a target: `from_estimate(e, "accuracy=0.95")` |
| `PerClassDisplay` | the share of the remaining error of each class |
| `LadderDisplay` | the ladder of Lemma 1's bounds |
| `PaperViewDisplay` | the paper's own figure for this data |

Four more draw other things: `PlanDisplay` a plan, `ComparisonDisplay` a comparison of runs, `RunsDisplay`
the forecast of somebody else's runs, and `PanelDisplay.from_sweep(sweep, panel)` the panels of the paper's
figures. All of them are there as `sufficient.CurveDisplay` and so on, too.
"""

from sufficient.paper.figures import PanelDisplay
from sufficient.report.accuracy import AccuracyDisplay
from sufficient.report.compare_figure import ComparisonDisplay
from sufficient.report.curve import CurveDisplay
from sufficient.report.display import Display
from sufficient.report.fan import FanDisplay
from sufficient.report.ladder_figure import LadderDisplay
from sufficient.report.paper_view import PaperViewDisplay
from sufficient.report.per_class_figure import PerClassDisplay
from sufficient.report.plan_figure import PlanDisplay
from sufficient.report.runs_figure import RunsDisplay
from sufficient.report.target_fan import TargetFanDisplay

__all__ = [
    "AccuracyDisplay",
    "ComparisonDisplay",
    "CurveDisplay",
    "Display",
    "FanDisplay",
    "LadderDisplay",
    "PanelDisplay",
    "PaperViewDisplay",
    "PerClassDisplay",
    "PlanDisplay",
    "RunsDisplay",
    "TargetFanDisplay",
]
