"""What is drawn, read from the axes' artists."""

import subprocess
import sys
from dataclasses import replace

import matplotlib
import numpy as np
import pytest

from sufficient.errors import ResourceError
from sufficient.report.accuracy import AccuracyDisplay
from sufficient.report.curve import CurveDisplay
from sufficient.report.figures import draw_all
from sufficient.report.paper_view import PaperViewDisplay
from tests.report import answers


def line(axes, label):
    found = [item for item in axes.lines if item.get_label() == label]
    assert len(found) == 1, (label, [item.get_label() for item in axes.lines])
    return found[0]


def labels(axes) -> list[str]:
    return [item.get_label() for item in axes.lines]


def texts(axes) -> str:
    return "\n".join(item.get_text() for item in axes.texts)


def test_measured_points_hollow_where_nothing_was_learned():
    answer = answers.insufficient()
    axes = CurveDisplay(answer).plot().ax_
    learned, hollow = line(axes, "measured"), line(axes, "did not learn")
    assert list(learned.get_xdata()) == [point.k for point in answer.curve if point.learned]
    assert list(learned.get_ydata()) == [point.difference for point in answer.curve if point.learned]
    assert list(hollow.get_xdata()) == [32, 45]
    assert hollow.get_markerfacecolor() == "white"
    assert learned.get_markerfacecolor() != "white"
    assert hollow.get_linewidth() == 0
    assert "hollow: did not learn" in texts(axes)
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")


def test_band_holds_the_interval():
    answer = answers.sufficient()
    axes = CurveDisplay(answer).plot().ax_
    band = next(item for item in axes.collections if item.get_label() == "95 % band")
    heights = {round(float(y), 12) for y in band.get_paths()[0].vertices[:, 1]}
    for point in answer.curve:
        assert {round(point.lo, 12), round(point.hi, 12)} <= heights


def test_tolerance_available_bound_and_rate():
    answer = answers.sufficient()
    axes = CurveDisplay(answer).plot().ax_
    assert set(line(axes, "tol").get_ydata()) == {1e-4}
    assert set(line(axes, "available").get_xdata()) == {7000}
    np.testing.assert_allclose(line(axes, "bound").get_ydata(), [11.0 / (p.k + 1) for p in answer.curve])
    k, guide = line(axes, "1/k").get_data()
    last = answer.curve[-1]
    np.testing.assert_allclose(np.multiply(k, guide), last.k * last.difference)
    for shown in (
        "tol 1e-4 nats",
        "7,000 available",
        "Lemma 1's bound, M/(k + 1)",
        "rate 1/k",
        "measured, 95 %",
    ):
        assert shown in texts(axes)


def test_sufficient_marks_k_star_with_its_interval():
    axes = CurveDisplay(answers.sufficient()).plot().ax_
    assert set(line(axes, "k* = 3,610").get_xdata()) == {3612}
    span = next(item for item in axes.patches if item.get_label() == "interval")
    assert (span.get_x(), span.get_x() + span.get_width()) == pytest.approx((3312, 3911))
    assert "k* = 3,610\n95 % [3,310, 3,910]" in texts(axes)
    assert axes.get_title(loc="left") == "sufficient: k* = 3,610 [3,310, 3,910] at tol 1e-4 nats"
    assert "forecast" not in texts(axes)


def test_insufficient_marks_the_forecast():
    answer = answers.insufficient()
    axes = CurveDisplay(answer).plot().ax_
    path = {k: median for k, median, _, _ in answer.forecast.path}
    k, median = line(axes, "forecast").get_data()
    assert len(k) > 3
    assert list(median) == [path[size] for size in k]
    assert set(line(axes, "forecast: 9,410 needed").get_xdata()) == {9412}
    assert "90 % [8,690, 10,390]" in texts(axes)
    assert axes.get_xlim()[1] > 10_390
    assert "4 ×" not in texts(axes)


def test_horizons_are_hinted_when_the_forecast_reaches_them():
    assert "4 ×" in texts(CurveDisplay(answers.far()).plot().ax_)
    axes = CurveDisplay(answers.unreachable()).plot().ax_
    assert "4 × measured\n10 × measured" in texts(axes)
    assert "forecast: probably more than 70,000 needed\n10 × what was run; at least 41,000 (95 %)" in texts(
        axes
    )
    assert not [name for name in labels(axes) if str(name).startswith("forecast:")]


@pytest.mark.parametrize("name", answers.ALL)
def test_every_answer_draws_with_its_labels_inside_the_axes(name):
    axes = CurveDisplay(answers.ALL[name]()).plot().ax_
    right = AccuracyDisplay(answers.ALL[name]()).plot().ax_
    for drawn in (axes, right):
        drawn.figure.canvas.draw()
        frame = drawn.get_window_extent()
        for item in drawn.texts:
            box = item.get_window_extent()
            assert box.x0 > frame.x0 - 1, item.get_text()
            assert box.x1 < drawn.figure.bbox.x1, item.get_text()
            assert frame.y0 - 1 < box.y0, item.get_text()
            above = item.get_text().endswith("× measured")  # horizons are named between axes and title
            assert box.y1 < frame.y1 + (20 if above else 4), item.get_text()


def test_an_answer_without_a_live_stage_still_draws():
    axes = CurveDisplay(replace(answers.inconclusive(), curve=(answers.dead(32),))).plot().ax_
    assert labels(axes) == ["tol", "available"]
    assert AccuracyDisplay(replace(answers.inconclusive(), curve=())).plot().ax_.lines[:] == []


def test_accuracy_and_its_forecast_at_double():
    answer = answers.insufficient()
    axes = AccuracyDisplay(answer).plot().ax_
    assert list(line(axes, "measured").get_ydata()) == [p.accuracy for p in answer.curve if p.learned]
    assert list(line(axes, "forecast").get_xdata()) == [7000, 14000]
    assert "0.402 at 7,000" in texts(axes)
    assert "forecast at 14,000, twice as many:\n0.431, 90 % [0.419, 0.443]" in texts(axes)
    assert "forecast" not in texts(AccuracyDisplay(answers.few()).plot().ax_)


def test_plot_draws_on_the_axes_it_is_given_and_leaves_the_users_style():
    from matplotlib.figure import Figure

    before = dict(matplotlib.rcParams)
    axes = Figure().add_subplot()
    assert CurveDisplay(answers.few(), titled=False).plot(axes).ax_ is axes
    assert axes.get_title(loc="left") == ""
    assert dict(matplotlib.rcParams) == before


def test_sizes_are_labelled_with_thousands_separators():
    axes = CurveDisplay(answers.sufficient()).plot().ax_
    shown = [axes.xaxis.get_major_formatter()(tick, 0) for tick in axes.get_xticks()]
    assert {"100", "1,000"} <= set(shown)
    assert axes.yaxis.get_major_formatter()(1e-3, 0) == "1e-3"


def test_paper_view_shows_both_and_says_what_it_is_not():
    answer = answers.sufficient()
    record = answers.record(answer)
    display = PaperViewDisplay.from_record(record)
    losses = record.last.all_losses[record.shares.fitted(0, answer.curve[-1].k)].astype(float)
    mad = np.abs(losses - losses.mean()).mean()
    np.testing.assert_allclose(display.closed, mad / np.arange(2, len(losses) + 1))
    axes = display.plot().ax_
    assert axes.get_yscale() == "log"
    k, shown = line(axes, "closed form").get_data()
    np.testing.assert_allclose(shown, mad / (np.asarray(k) + 1))
    k, shown = line(axes, "mean of 100 random orders").get_data()
    np.testing.assert_allclose(shown, display.permuted[np.asarray(k) - 1])
    assert axes.get_title(loc="left") == "The paper's view: in-sample, not the verdict"
    assert "7,000 objects" in texts(axes)


def test_paper_view_of_a_dead_network_says_so_and_without_a_last_stage_there_is_none():
    axes = PaperViewDisplay.from_losses(np.ones(50)).plot().ax_
    assert "a dead network" in texts(axes)
    assert len(axes.lines) == 0
    assert PaperViewDisplay.from_record(replace(answers.record(answers.few()), last=None)) is None


def test_files_are_the_same_bytes_whatever_the_users_style(tmp_path):
    answer = answers.insufficient()
    record = answers.record(answer)
    first = draw_all(answer, record, tmp_path / "a", title="cifar $10 · 猫 [red]x")
    with matplotlib.rc_context({"font.size": 30, "svg.hashsalt": None, "axes.grid": False}):
        second = draw_all(answer, record, tmp_path / "b", title="cifar $10 · 猫 [red]x")
    names = ["curve.svg", "curve.png", "paper_view.svg", "paper_view.png"]
    assert [path.name for path in first] == names
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == sorted(names)
    for a, b in zip(first, second, strict=True):
        assert a.read_bytes() == b.read_bytes()
    assert b"dc:date" not in first[0].read_bytes()


def test_without_a_last_stage_only_the_curve_is_written(tmp_path):
    record = replace(answers.record(answers.few()), last=None)
    assert [path.name for path in draw_all(answers.few(), record, tmp_path, title="x" * 500)] == [
        "curve.svg",
        "curve.png",
    ]


def test_a_directory_that_cannot_be_made_is_a_known_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match="cannot make"):
        draw_all(answers.few(), answers.record(answers.few()), tmp_path / "file" / "figures", title="")


def test_importing_the_room_loads_no_matplotlib():
    code = "import sys, sufficient.report.figures\nsys.exit(bool({'matplotlib', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
