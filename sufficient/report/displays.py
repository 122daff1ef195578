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

The panels of the paper's figures are `sufficient.paper.figures.PanelDisplay.from_sweep(sweep, panel)`.
"""

from sufficient.report.accuracy import AccuracyDisplay
from sufficient.report.curve import CurveDisplay
from sufficient.report.display import Display
from sufficient.report.fan import FanDisplay
from sufficient.report.ladder_figure import LadderDisplay
from sufficient.report.paper_view import PaperViewDisplay
from sufficient.report.per_class_figure import PerClassDisplay
from sufficient.report.target_fan import TargetFanDisplay

__all__ = [
    "AccuracyDisplay",
    "CurveDisplay",
    "Display",
    "FanDisplay",
    "LadderDisplay",
    "PaperViewDisplay",
    "PerClassDisplay",
    "TargetFanDisplay",
]
