"""Displays in scikit-learn's manner: numbers, `plot(ax=None)`, `ax_` and `figure_`."""

import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from sufficient.answer.ladder import ladder
from sufficient.errors import DataError
from sufficient.report.accuracy import AccuracyDisplay
from sufficient.report.curve import CurveDisplay
from sufficient.report.display import Display
from sufficient.report.fan import FanDisplay
from sufficient.report.ladder_figure import LadderDisplay
from sufficient.report.paper_view import PaperViewDisplay
from sufficient.report.plan_figure import PlanDisplay
from tests.report.estimates import RECORDS, estimate, unlearned

DISPLAYS = (AccuracyDisplay, CurveDisplay, FanDisplay, LadderDisplay, PaperViewDisplay)


def line(axes, label):
    (found,) = [item for item in axes.lines if item.get_label() == label]
    return found


def texts(axes) -> str:
    return "\n".join(item.get_text() for item in axes.texts)


@pytest.mark.parametrize("display", DISPLAYS)
def test_plot_returns_the_display_with_its_axes_and_figure(display):
    drawn = display.from_estimate(estimate(tol=1e-5))
    assert drawn.plot() is drawn
    assert drawn.ax_.figure is drawn.figure_
    assert tuple(drawn.figure_.get_size_inches()) == pytest.approx(display.size)
    assert drawn.ax_.get_xlabel()
    given = Figure().add_subplot()
    before = dict(matplotlib.rcParams)
    assert drawn.plot(ax=given).ax_ is given
    assert drawn.figure_ is given.figure
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("display", DISPLAYS)
@pytest.mark.parametrize("name", RECORDS)
def test_every_way_a_study_ends_draws_or_says_why_not(display, name):
    without = {FanDisplay: ("none", "single", "dead", "unlearned"), PaperViewDisplay: ("none",)}
    study = estimate(RECORDS[name](), tol=1e-5)
    if name in without.get(display, ()):
        with pytest.raises(DataError):
            display.from_estimate(study)
    else:
        display.from_estimate(study).plot().figure_.canvas.draw()


def test_fan_shows_the_forecast_with_its_horizons():
    e = estimate(tol=5e-5)
    forecast, last = e.answer.forecast, e.curve[-1].k
    axes = FanDisplay.from_estimate(e).plot().ax_
    k, median = line(axes, "forecast").get_data()
    assert (k[0], k[-1]) == (last, 10 * last)
    assert list(median) == [middle for _, middle, _, _ in forecast.path]
    band = next(item for item in axes.collections if item.get_label() == "90 % forecast")
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.min() == pytest.approx(min(low for _, _, low, _ in forecast.path))
    assert heights.max() == pytest.approx(max(high for _, _, _, high in forecast.path))
    assert list(line(axes, "measured").get_ydata()) == [point.difference for point in e.curve]
    assert "4 × measured" in texts(axes)
    assert "10 × measured" in texts(axes)
    assert f"forecast: {forecast.k_needed:,}"[:12] in texts(axes)
    assert set(line(axes, "tol").get_ydata()) == {5e-5}
    assert axes.get_xscale() == axes.get_yscale() == "log"


def test_no_fan_where_nothing_is_forecast():
    with pytest.raises(DataError, match=r"tol 1e-3 nats is met, so nothing is forecast"):
        FanDisplay.from_estimate(estimate(tol=1e-3))
    with pytest.raises(DataError, match="too few sizes learned"):
        FanDisplay.from_estimate(estimate(unlearned(), tol=1e-3))


def test_ladder_is_that_of_the_record():
    e = estimate()
    display = LadderDisplay.from_estimate(e, radius=0.5)
    assert display.ladder == ladder(e.record, radius=0.5)
    measured = line(display.plot().ax_, "measured")
    np.testing.assert_allclose(measured.get_ydata(), [point.difference for point in e.curve])


def test_every_display_is_a_name_of_the_package_that_loads_when_used():
    import sufficient

    named = {getattr(sufficient, name) for name in sufficient.__all__ if name.endswith("Display")}
    assert named == {*Display.__subclasses__(), PlanDisplay}
    program = (
        "import sys, sufficient; print(set(sufficient.__all__) <= set(dir(sufficient)), "
        "{'torch', 'matplotlib', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True set()"


def test_curve_has_the_verdict_above_it_unless_told_otherwise():
    e = estimate()
    assert CurveDisplay.from_estimate(e).plot().ax_.get_title(loc="left").startswith("sufficient: k* = ")
    assert CurveDisplay(e.answer, titled=False).plot().ax_.get_title(loc="left") == ""
    measured = line(AccuracyDisplay.from_estimate(e).plot().ax_, "measured")
    assert list(measured.get_ydata()) == [point.accuracy for point in e.curve]
