"""Fan of a target and bars of the classes: what is drawn is what was answered."""

import matplotlib
import pytest

from sufficient.answer.answer import ClassAnswer, Level
from sufficient.answer.criteria import criteria_of
from sufficient.answer.verdict import judge
from sufficient.errors import DataError, UsageError
from sufficient.report.figures import draw_all
from sufficient.report.per_class_figure import PerClassDisplay
from sufficient.report.target_fan import TargetFanDisplay
from tests.answer.records import scored
from tests.report.estimates import estimate, unlearned
from tests.report.test_displays import line, texts


@pytest.fixture(scope="module")
def told():
    hard = (0.5, 1.0, 4.0, 0.2, 2.5)
    return estimate(scored(lambda k: 0.4 * k**-0.3, hard=hard, seed=3), tol=1e-3)


def band(axes, name):
    (found,) = [item for item in axes.collections if item.get_label() == name]
    return found.get_paths()[0].vertices


@pytest.mark.parametrize("target", ["accuracy=0.95", "error=0.05", "loss=0.15"])
def test_fan_shows_measured_forecast_and_target(told, target):
    (answer,) = told.forecast(target)
    display = TargetFanDisplay.from_estimate(told, target)
    axes = display.plot().ax_
    assert axes.figure is display.figure_
    k, values = line(axes, "measured").get_data()
    assert list(k) == [point.k for point in told.curve]
    assert values[-1] == answer.at_last.value
    edges = band(axes, "95 % band")[:, 1]
    assert edges.max() >= answer.at_last.hi
    ahead, median = line(axes, "forecast").get_data()
    assert (ahead[0], ahead[-1]) == (told.curve[-1].k, 10 * told.curve[-1].k)
    assert list(median) == [middle for _, middle, _, _ in answer.forecast.path]
    assert set(line(axes, "target").get_ydata()) == {answer.criterion.value}
    assert answer.criterion.phrase in texts(axes)
    assert "4 × measured" in texts(axes)
    if answer.forecast.k_needed is not None:
        assert list(line(axes, "needed").get_xdata()) == [answer.forecast.k_needed]
        assert "needed" in texts(axes)


def test_fan_of_what_is_met_marks_k_star(told):
    (answer,) = told.forecast("accuracy=0.7")
    axes = TargetFanDisplay.from_estimate(told, "accuracy=0.7").plot().ax_
    assert list(line(axes, "needed").get_xdata()) == [answer.k_sufficient]
    assert "k* " in texts(axes)
    assert not [item for item in axes.lines if item.get_label() == "forecast"]
    with pytest.raises(DataError, match=r"no size of this study learned, so accuracy 0\.7 has no curve"):
        TargetFanDisplay.from_estimate(estimate(unlearned()), "accuracy=0.7")
    with pytest.raises(UsageError, match=r"min-gain 0\.01 has no curve of its own"):
        TargetFanDisplay.from_estimate(told, "min-gain=0.01")


def test_bars_are_shares_of_the_error(told):
    axes = PerClassDisplay.from_estimate(told).plot().ax_
    classes = told.answer.per_class
    bars = axes.containers[-1] if hasattr(axes.containers[-1], "patches") else axes.containers[0]
    widths = [bar.get_width() for bar in bars]
    assert widths == pytest.approx([100 * each.share_of_error.value for each in classes])
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [each.name for each in classes]
    assert axes.yaxis_inverted()
    marks = line(axes, "share of the objects").get_xdata()
    assert list(marks) == pytest.approx([20.0] * 5)
    colours = [bar.get_facecolor() for bar in bars]
    assert colours[0] == colours[1] != colours[2] == colours[4]  # c and e are named
    assert f"accuracy {classes[0].accuracy.value:.3f}, 400 objects" in texts(axes)


def test_no_bars_where_nothing_was_learned_or_is_wrong():
    with pytest.raises(DataError, match="no size of this study learned"):
        PerClassDisplay.from_estimate(estimate(unlearned()))
    with pytest.raises(DataError, match="no unseen object was told wrongly"):
        PerClassDisplay.from_estimate(estimate(scored(lambda k: -1.0)))


def test_words_beside_the_bars_keep_clear_of_every_mark(told):
    axes = PerClassDisplay.from_estimate(told).plot().ax_
    marks = max(line(axes, "share of the objects").get_xdata())
    ends = max(100 * each.share_of_error.hi for each in told.answer.per_class)
    assert all(word.xy[0] >= max(marks, ends) for word in axes.texts)


def test_odd_names_and_many_classes_are_drawn():
    classes = tuple(
        ClassAnswer(f"$x^{i}$ [red]猫" + "y" * 40, 10, 10, None, Level(0.02, 0.01, 0.03), None, None)
        for i in range(50)
    )
    drawn = PerClassDisplay(classes).plot()
    assert len(drawn.ax_.get_yticklabels()) == 20
    assert "30 classes with less are left out" in drawn.ax_.get_xlabel()
    assert all(len(tick.get_text()) <= 24 for tick in drawn.ax_.get_yticklabels())


def test_figures_of_targets_are_written_and_the_same_again(told, tmp_path):
    answer = judge(told.record, criteria=criteria_of(targets=["accuracy=0.9", "accuracy=0.95", "loss=0.2"]))
    paths = draw_all(answer, told.record, tmp_path / "a", title="digits")
    names = [path.name for path in paths if path.suffix == ".svg"]
    assert names == [
        "curve.svg", "paper_view.svg", "per_class.svg", "forecast_accuracy.svg",
        "forecast_accuracy_0.95.svg", "forecast_loss.svg",
    ]  # fmt: skip
    with matplotlib.rc_context({"font.size": 30}):
        again = draw_all(answer, told.record, tmp_path / "b", title="digits")
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]


def test_figures_of_earlier_targets_go(told, tmp_path):
    def drawn(*targets):
        draw_all(
            judge(told.record, criteria=criteria_of(targets=targets)), told.record, tmp_path, title="digits"
        )
        return {path.name for path in tmp_path.glob("forecast_*")}

    assert len(drawn("accuracy=0.9", "loss=0.2")) == 4
    (tmp_path / "plan.svg").touch()
    assert drawn("loss=0.2") == {"forecast_loss.svg", "forecast_loss.png"}
    assert (tmp_path / "plan.svg").exists()
