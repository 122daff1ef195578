"""What is drawn, read from the axes' artists."""

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from sufficient.paper.figures import COLOURS, PanelDisplay, draw_panels
from sufficient.paper.protocol import NETWORKS, Network
from tests.paper.sweeps import NARROW, made_up


def line(axes, label):
    found = [item for item in axes.lines if item.get_label() == label]
    assert len(found) == 1, (label, [item.get_label() for item in axes.lines])
    return found[0]


def legend_texts(axes):
    from matplotlib.legend import Legend

    legends = [item for item in axes.get_children() if isinstance(item, Legend)]
    return [text.get_text() for legend in legends for text in legend.get_texts()]


def test_median_band_closed_form_and_published_in_one_colour():
    sweep = made_up(noise=0.2)
    axes = PanelDisplay.from_sweep(sweep, "width").plot().ax_
    assert (axes.get_xscale(), axes.get_yscale()) == ("linear", "log")
    for colour, hidden in zip(COLOURS, (4, 8, 16, 32, 64), strict=True):
        at = NETWORKS.index(Network(hidden, 5))
        middle = line(axes, f"h = {hidden}")
        np.testing.assert_array_equal(middle.get_xdata(), sweep.grid)
        np.testing.assert_allclose(middle.get_ydata(), np.median(sweep.drawn[:, at], axis=0))
        closed = line(axes, f"h = {hidden}: closed form")
        np.testing.assert_allclose(closed.get_ydata(), np.median(sweep.constant[:, at]) / (sweep.grid + 1))
        assert closed.get_linewidth() < middle.get_linewidth()
        published = line(axes, f"h = {hidden}: published")
        assert published.is_dashed()
        assert {middle.get_color(), closed.get_color(), published.get_color()} == {colour}
        (band,) = [c for c in axes.collections if c.get_label() == f"h = {hidden}: seeds"]
        assert isinstance(band, PolyCollection)
        heights = band.get_paths()[0].vertices[:, 1]
        assert heights.max() == pytest.approx(sweep.drawn[:, at].max())
        assert heights.min() == pytest.approx(sweep.drawn[:, at].min())
    published = line(axes, "h = 4: published")
    assert (published.get_xdata()[-1], published.get_ydata()[-1]) == (9990, 4.724e-05)
    assert "published, one training" in legend_texts(axes)
    assert "closed form C/(k + 1), unsmoothed" in legend_texts(axes)


def test_dead_seeds_are_counted_and_leave_the_band():
    sweep = made_up(dead=[(0, NARROW), (3, NARROW)])
    axes = PanelDisplay.from_sweep(sweep, "width").plot().ax_
    middle = line(axes, "h = 4 (2 of 5 dead)")
    live = sweep.drawn[[1, 2, 4], NETWORKS.index(NARROW)]
    np.testing.assert_allclose(middle.get_ydata(), np.median(live, axis=0))
    assert "h = 4 (2 of 5 dead)" in legend_texts(axes)


def test_a_network_that_is_always_dead_keeps_its_place_in_the_legend():
    sweep = made_up(seeds=2, dead=[(0, NARROW), (1, NARROW)], dataset="mine")
    axes = PanelDisplay.from_sweep(sweep, "width").plot().ax_
    assert len(line(axes, "h = 4 (2 of 2 dead)").get_xdata()) == 0
    assert "h = 4 (2 of 2 dead)" in legend_texts(axes)
    assert len(axes.collections) == 4
    assert "published, one training" not in legend_texts(axes)


def test_a_curve_that_the_paper_does_not_draw_is_not_drawn():
    axes = PanelDisplay.from_sweep(made_up(dataset="cifar100", mode="pooler"), "width").plot().ax_
    labels = [item.get_label() for item in axes.lines]
    assert "h = 4: published" not in labels
    assert "h = 8: published" in labels
    assert axes.get_title(loc="left") == "CIFAR-100, ViT features, pooler output: the hidden width h"


def test_published_curves_of_other_inputs_are_labelled_as_that():
    axes = PanelDisplay.from_sweep(made_up(mode="features"), "depth", paper_inputs=False).plot().ax_
    assert "published, one training, on other inputs" in legend_texts(axes)
    assert axes.get_title(loc="left").startswith("MNIST, features from a file")


def test_depth_panel_and_one_seed():
    axes = PanelDisplay.from_sweep(made_up(seeds=1), "depth").plot().ax_
    for label in (1, 3, 5, 7, 10):
        line(axes, f"L = {label}")
    assert [text.get_text() for text in axes.texts] == ["10,000 objects, h = 16, 1 seed"]
    assert "ours, all live seeds" not in legend_texts(axes)


def test_three_formats_a_panel_with_the_same_bytes_each_time(tmp_path):
    sweep = made_up(seeds=2)
    first, second = draw_panels(sweep, tmp_path / "a"), draw_panels(sweep, tmp_path / "b")
    assert sorted(path.name for path in first) == [
        f"mnist-pixels-{panel}.{suffix}" for panel in ("depth", "width") for suffix in ("pdf", "png", "svg")
    ]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
        assert one.stat().st_size > 1_000
