"""The ladder in words, as strict JSON and drawn; the G-term against the full Hessian."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from sufficient.answer.answer import Rate
from sufficient.answer.ladder import ladder
from sufficient.errors import DataError, ResourceError
from sufficient.report.bounds import (
    Hessians,
    bounds_dict,
    bounds_lines,
    figure,
    gradients_zero,
    sampled_hessians,
)
from sufficient.report.export import dumps
from sufficient.report.ladder_figure import LadderDisplay, draw_ladder
from sufficient.study.record import Last
from tests.answer import records
from tests.answer.test_ladder import NAMES, two_sizes

NONE = Hessians(199, np.zeros((0, 2)), np.zeros((0, 2)))
SOME = Hessians(199, np.array([[1.0, 2.0], [0.0, 4.0]]), np.array([[1.1, 1.8], [0.5, 4.0]]))
APPROXIMATE = "approximate: rests on Assumption 1 and the G-term"


def with_last(widths, *, bias, dead=0, few=3, seed=0):
    """A record of 4 replicates that keeps random networks of these widths and `few` random objects."""
    random = np.random.default_rng(seed)
    record = records.record([0.5], sizes=[99], replicates=4, dead={99: dead})
    pairs = list(itertools.pairwise(widths))
    draw = lambda *shape: random.standard_normal(shape).astype(np.float32)  # noqa: E731
    weights = {f"weight.{p}": draw(4, *pair) for p, pair in enumerate(pairs)}
    if bias:
        weights |= {f"bias.{p}": draw(4, 1, out) for p, (_, out) in enumerate(pairs)}
    labels = random.integers(0, widths[-1], (4, few))
    return replace(record, last=Last(weights, np.zeros(2000, np.float32), draw(4, few, widths[0]), labels))


@pytest.mark.parametrize("bias", [False, True])
def test_gterm_is_the_full_hessian_of_a_one_layer_head(bias):
    hessians = sampled_hessians(with_last([6, 5], bias=bias))
    assert hessians.gterm.shape == (4, 3)
    assert hessians.gterm.dtype == np.float64
    np.testing.assert_allclose(hessians.full, hessians.gterm, rtol=1e-9)
    np.testing.assert_allclose(hessians.ratios, 1, rtol=1e-9)


def test_full_hessian_of_a_deeper_head_against_autograd():
    record = with_last([4, 3, 3], bias=True)
    hessians = sampled_hessians(record)
    tensors = {name: torch.from_numpy(value).double() for name, value in record.last.weights.items()}
    shapes = {name: value.shape[1:] for name, value in tensors.items()}
    r, i = 2, 1
    x = torch.from_numpy(record.last.sample[r, i]).double()

    def loss(theta):
        parts = dict(zip(shapes, torch.split(theta, [s.numel() for s in shapes.values()]), strict=True))
        part = {name: parts[name].view(shape) for name, shape in shapes.items()}
        z = torch.relu(x @ part["weight.0"] + part["bias.0"]) @ part["weight.1"] + part["bias.1"]
        return -torch.log_softmax(z[0], 0)[record.last.sample_labels[r, i]]

    theta = torch.cat([value[r].flatten() for value in tensors.values()])
    H = torch.autograd.functional.hessian(loss, theta)
    assert hessians.full[r, i] == pytest.approx(float(torch.linalg.eigvalsh(H).abs().max()), rel=1e-9)
    assert not np.allclose(hessians.full, hessians.gterm, rtol=1e-3)


def test_hessians_of_live_replicates_only():
    every, live = (sampled_hessians(with_last([6, 5, 5], bias=False, dead=dead)) for dead in (0, 1))
    np.testing.assert_array_equal(live.full, every.full[1:])
    np.testing.assert_array_equal(live.gterm, every.gterm[1:])
    assert sampled_hessians(with_last([6, 5], bias=False, dead=4)).full.shape == (0, 3)


def test_a_record_without_its_last_networks_is_refused():
    record = with_last([6, 5], bias=False)
    for last in (
        None,
        replace(record.last, weights={}),
        replace(record.last, sample=np.zeros((4, 0, 6), np.float32)),
    ):
        with pytest.raises(DataError, match="run the estimate again"):
            sampled_hessians(replace(record, last=last))


def test_ratios_leave_out_objects_without_curvature():
    np.testing.assert_allclose(SOME.ratios, [0.9, 1.0, 1.1])
    assert len(NONE.ratios) == 0


def text(stages, hessians=SOME, **options):
    return "\n".join(bounds_lines(stages, hessians, **options))


def test_lines_say_how_loose_what_holds_and_what_it_rests_on():
    said = text(ladder(two_sizes()), rate=Rate(-1.2, (-1.3, -1.1)))
    assert said.startswith(
        "At k = 199 one more object changes the mean loss by 2.50e-3 nats; "
        "the bound that always holds is 10.0 × that, the approximate one with exact curvature 34.0 ×."
    )
    rows = {tuple(line.split()) for line in said.splitlines()}
    assert ("199", "3.50", "5.95", "6.00", "2.00", "3.00", "4.00", "1.67") in rows
    assert ("199", "5.00", "2.00", "6.00", "0.300", "0.600") in rows
    assert ("199", "2.50e-3", "10.0", "34.0", "58.0", "82.0", "106", "180") in rows
    assert ("99", "5.00e-3", "7.00", "–", "–", "–", "–", "–") in rows
    assert "valid for every network: M_ℓ/(k + 1)" in said
    assert "approximate: all others" in said
    assert "1.00 × the G-term's (median; 80 % within 0.920 and 1.08) on 4 held-out objects at k = 199" in said
    assert "not zero, as Assumption 1 asks it to be: at k = 199 ‖∇L_k(θ_k)‖ is 0.300 on average" in said
    assert "R·M_H = 12.0, by how much it may change within R, is 40.0 times the average" in said
    assert "no bound here: it lies below the exact norm of 2 of 22 probed objects (k = 199)" in said
    assert "k^−1.20 [−1.30, −1.10]" in said


def test_tables_fit_a_terminal_and_stand_in_columns():
    lines = bounds_lines(ladder(two_sizes()), SOME)
    tables = [line for line in lines if line.split()[:1] in (["k"], ["99"], ["199"])]
    assert len(tables) == 9
    assert all(len(line) <= 80 for line in tables)
    for at in (0, 3, 6):
        assert len({len(line) for line in tables[at : at + 3]}) == 1


def test_printed_above_exact_and_zero_gradients_are_said_to_be():
    quiet = two_sizes(norm_printed=np.full(4, 1e12), gradient_norm=np.full(4, 1e-8))
    stages = ladder(replace(quiet, stages=quiet.stages[1:]))
    said = text(stages)
    assert "lies above the exact norm of all 6 probed objects" in said
    assert "zero, as Assumption 1 asks: at k = 199" in said
    assert gradients_zero(stages) is True
    assert gradients_zero(ladder(two_sizes())) is False


def test_a_radius_given_is_named_and_a_sample_without_curvature_too():
    assert "0.500 at every size, as given" in text(ladder(two_sizes(), radius=0.5), radius=0.5)
    assert "cannot be checked" in text(ladder(two_sizes()), NONE)


def test_all_dead_is_one_sentence():
    record = two_sizes()
    stages = ladder(replace(record, stages=(replace(record.stages[1], dead=np.ones(4, bool)),)))
    assert text(stages, NONE) == "No size has a live replicate, so there is no curvature to bound."
    assert gradients_zero(stages) is None


def test_json_is_strict_and_says_the_same():
    stages = ladder(two_sizes(norm_common=np.full((4, 2), np.inf)))
    result = bounds_dict(stages, SOME, radius=None, rate=Rate(-1.2, (-1.3, -1.1)), artifacts={"a": "b"})

    def refuse(name):
        raise AssertionError(name)

    read = json.loads(dumps(result), parse_constant=refuse)
    assert read == result
    assert read["schema_version"] == 1
    first, last = read["stages"]
    assert (first["radius"], last["radius"]) == (None, pytest.approx(2.0))
    rungs = {rung["name"]: rung for rung in last["rungs"]}
    assert list(rungs) == NAMES
    assert rungs["corrected, one M_W"]["bound"] is None  # not finite
    assert rungs["exact"]["bound"] == pytest.approx(17 / 200)
    assert read["hessians"]["full_over_gterm"]["q50"] == pytest.approx(1)
    assert read["assumption_1"] == {"gradients_zero": False}
    assert read["printed_below_exact"] == {"objects": 2, "probed": 22, "sizes": [199]}
    assert bounds_dict(stages, NONE, radius=0.5)["hessians"]["full_over_gterm"] is None


def test_figures_of_any_magnitude():
    values = [None, np.nan, 0.0, 0.0123, 15.94, 99.99, 1540.2, 8.7e6, 2.5e-3]
    shown = ["–", "–", "0", "0.0123", "15.9", "100", "1,540", "8.70e6", "2.50e-3"]
    assert [figure(value) for value in values] == shown


def line(axes, label):
    (found,) = [item for item in axes.lines if item.get_label() == label]
    return found


def test_valid_curve_is_solid_and_named_approximate_ones_dashed():
    stages = ladder(two_sizes())
    axes = LadderDisplay(stages).plot().ax_
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    np.testing.assert_allclose(line(axes, "measured").get_ydata(), [0.5 / 100, 0.5 / 200])
    valid = line(axes, "M_ℓ alone")
    assert valid.get_linestyle() == "-"
    np.testing.assert_allclose(valid.get_xydata(), [[99, 3.5 / 100], [199, 5 / 200]])
    for name in NAMES[1:]:
        curve = line(axes, f"{name} ({APPROXIMATE})")
        assert curve.is_dashed()
        np.testing.assert_allclose(curve.get_xydata(), [[199, stages[1].rung(name).bound]])
    texts = [item.get_text() for item in axes.texts]
    assert any(APPROXIMATE in shown for shown in texts)
    assert {r"$M_\ell/(k + 1)$, valid", "measured", "exact curvature", "as printed"} <= set(texts)


def test_names_keep_apart_where_curves_meet():
    axes = LadderDisplay(ladder(two_sizes(), radius=0)).plot().ax_
    low, high = axes.get_ylim()
    heights = sorted(
        np.log(item.xy[1] / low) / np.log(high / low) for item in axes.texts if hasattr(item, "xy")
    )
    assert len(heights) == 7
    assert min(np.diff(heights)) > 0.03


def test_unlearned_sizes_are_hollow():
    record = records.record([0.5, 0.5, 0.4], sizes=[32, 99, 199], replicates=4, unlearned=[32])
    axes = LadderDisplay(ladder(record)).plot().ax_
    assert list(line(axes, "did not learn").get_xdata()) == [32]
    assert line(axes, "did not learn").get_markerfacecolor() == "white"
    assert list(line(axes, "measured").get_xdata()) == [99, 199]


def test_nothing_measured_draws_a_sentence():
    axes = LadderDisplay(ladder(two_sizes(dead=np.ones(4, bool)))[1:]).plot().ax_
    assert not axes.lines
    assert any("no difference was measured" in item.get_text() for item in axes.texts)


def test_same_numbers_same_bytes(tmp_path):
    stages = ladder(two_sizes())
    first = [path.read_bytes() for path in draw_ladder(stages, tmp_path / "a")]
    paths = draw_ladder(stages, tmp_path / "b")
    assert [path.name for path in paths] == ["bounds.svg", "bounds.png"]
    assert [path.read_bytes() for path in paths] == first


def test_a_figure_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ResourceError, match="cannot make the folder"):
        draw_ladder(ladder(two_sizes()), tmp_path / "file" / "figures")
