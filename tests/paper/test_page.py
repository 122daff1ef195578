"""The reproduction's page, read as the browser reads it, without one."""

import re
from dataclasses import replace

import numpy as np
import pytest

from sufficient.paper.claims import PANELS
from sufficient.paper.figures import PanelDisplay
from sufficient.paper.page import page
from sufficient.paper.page_chart import panel_chart, slope_chart
from sufficient.paper.plan import PAPER_SETS
from sufficient.paper.published import published_curves
from sufficient.paper.report import NotRun, SweepReport
from sufficient.paper.text import claim_effect
from tests.paper.sweeps import NARROW, made_up, saved
from tests.paper.test_report import a_report
from tests.report.test_page import EVIL, Reader

MISSING = NotRun("mnist-cls", "There is no model in /home/ann/models/vit.", "give --data mnist=SPEC")


@pytest.fixture(scope="module")
def told():
    reverses = made_up(alpha=0.3, beta=-0.4, dataset="cifar100", dead=[(0, NARROW)])
    return a_report(made_up(), reverses, not_run=(MISSING,))


@pytest.fixture(scope="module")
def read(told) -> Reader:
    return Reader(page(told))


def test_every_claim_stands_there_with_its_interval(told, read):
    for sweep in told.sweeps:
        for claim in sweep.claims.claims:
            assert f"{claim.finding} {claim_effect(claim)}" in read.text
            assert claim.statement in read.text
    reversed_claims = told.sweeps[1].claims.claims[:2]
    assert all(claim.finding == "reverses" for claim in reversed_claims)
    listed = "; ".join(f"cifar100-pixels ({c.key}), {claim_effect(c)}" for c in reversed_claims)
    assert f"Reversed: {listed}." in read.text
    assert "(a) difference falls with h" in read.text
    assert "1 of 2" in read.text


def test_published_against_ours_is_counted_on_the_paper_s_own_inputs(told, read):
    total = told.count()
    assert f"{total.words} published curves lie within our seeds’ range." in read.text
    assert "Counted over the 2 sweeps on the paper’s own inputs, our range widened by 15 %" in read.text
    for sweep in told.sweeps:
        for item in sweep.comparisons:
            assert item.outcome in read.text
    other = Reader(page(a_report(made_up(), paper_inputs=False))).text
    assert "1 sweep, none of them on the paper’s own inputs." in other
    assert "Not the paper’s own inputs: its curves are shown for comparison and not counted." in other
    own = Reader(page(a_report(made_up(dataset="mine", objects=500), paper_inputs=False))).text
    assert "Not a data set of the paper." in own
    assert "every published curve against ours" not in own


def test_what_was_not_run_says_why_and_how_to_go_on_without_folders(read):
    assert "mnist-cls: There is no model in vit. To go on: give --data mnist=SPEC." in read.text
    assert "What was not run, and why" in read.text
    assert "not run, and why" not in Reader(page(a_report(made_up()))).text
    nothing = Reader(page(a_report(not_run=(MISSING,)))).text
    assert "Nothing could be run." in nothing


def test_parts_stand_in_their_order(read):
    titles = ["Do the paper’s figures", "The claims, over seeds", "Published against ours",
              "What was not run, and why", "How it was computed", "What we corrected"]  # fmt: skip
    places = [read.text.index(title) for title in titles]
    assert places == sorted(places)
    for words in ("Lemma 1's factor.", "20 to 27 times", "Adam, learning rate 1e-3", "arXiv 2409.11995"):
        assert words in read.text


def test_same_sweeps_same_bytes(told):
    sweeps = tuple(replace(sweep, reused=True) for sweep in told.sweeps)
    again = replace(
        told, sweeps=sweeps, seconds=999.0, environment={"clock": "later"}, artifacts={"page": "report.html"}
    )
    assert page(again) == page(told)


def test_the_whole_paper_is_one_small_file_in_which_nothing_runs():
    sweeps = [
        made_up(dataset=name, mode=mode, random=i)
        for i, (name, mode) in enumerate((n, m) for n in PAPER_SETS for m in ("pixels", "pooler", "cls"))
    ]
    text = page(a_report(*sweeps))
    assert len(text.encode()) < 900_000
    read = Reader(text)
    assert len(read.of("svg")) == 2 * 12 + 2
    (policy,) = [a["content"] for a in read.of("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert not read.of("script")
    assert not [tag for tag, attributes in read.tags if "src" in attributes]
    assert all(a["href"].startswith(("#", "https://arxiv.org/")) for a in read.of("a"))
    assert all(a.get("aria-label") for a in read.of("svg"))
    styles = re.search(r"<style>(.*?)</style>", text, re.S)[1]
    assert "url(" not in styles
    assert "{{" not in styles


@pytest.mark.parametrize("evil", EVIL)
def test_hostile_names_are_words(evil):
    plain, hostile = (
        a_report(
            replace(made_up(dataset="mine"), dataset=name, source=f"all of {name}"),
            not_run=(NotRun(name, name, name),),
        )
        for name in ("mine", evil)
    )
    expected = [tag for tag, _ in Reader(page(plain)).tags]
    found = Reader(page(hostile))
    assert [tag for tag, _ in found.tags] == expected
    assert not [name for _, attributes in found.tags for name in attributes if name.startswith("on")]


def test_published_points_lie_where_the_paper_has_them():
    report = SweepReport.of(saved(made_up()), reused=False)
    for panel in PANELS:
        chart = panel_chart(report, panel)
        for curve, network in zip(chart.curves, PANELS[panel], strict=True):
            (published,) = [
                c for c in published_curves("mnist", "pixels") if (c.panel, c.network) == (panel, network)
            ]
            values = [] if published.values is None else published.values.tolist()
            sizes = published.k.tolist() if values else []
            expected = [(chart.x.at(k), chart.y.at(v)) for k, v in zip(sizes, values, strict=True)]
            assert list(curve.published) == expected
            for x, y in curve.published:
                assert chart.x.start <= x <= chart.x.end
                assert chart.y.end <= y <= chart.y.start


def test_a_drawn_line_is_ours_from_the_first_k_to_the_last():
    sweep = made_up()
    chart = panel_chart(SweepReport.of(saved(sweep), reused=False), "width")
    display = PanelDisplay.from_sweep(sweep, "width")
    for curve, ours in zip(chart.curves, display.curves, strict=True):
        places = [tuple(map(float, step.split(","))) for step in curve.line[1:].split("L")]
        assert 20 < len(places) < 100
        assert places[0] == (chart.x.at(float(sweep.grid[0])), chart.y.at(float(ours.middle[0])))
        assert places[-1] == (chart.x.at(float(sweep.grid[-1])), chart.y.at(float(ours.middle[-1])))


def test_a_dead_network_is_named_and_draws_nothing():
    dead = made_up(dead=[(seed, NARROW) for seed in range(5)])
    chart = panel_chart(SweepReport.of(saved(dead), reused=False), "width")
    assert chart.curves[0].line == chart.curves[0].band == ""
    assert chart.curves[0].name == "h = 4 (5 of 5 dead)"
    assert "h = 4 (5 of 5 dead)" in Reader(page(a_report(dead))).text
    every = replace(made_up(), dead=np.ones((5, 25), bool), constant=np.zeros((5, 25)))
    text = Reader(page(a_report(every))).text
    assert "125" in text
    assert "no seed with enough live networks" in text


def test_slopes_stand_on_their_side_of_zero(told):
    for key, sides in (("a", (-1, 1)), ("b", (1, -1))):
        chart = slope_chart(told.sweeps, key, "slope")
        for slope, side in zip(chart.slopes, sides, strict=True):
            assert (slope.at - chart.zero) * side > 0
            assert slope.low < slope.at < slope.high
            assert chart.x.start <= slope.low
            assert slope.high <= chart.x.end
    single = slope_chart(a_report(made_up(seeds=1)).sweeps, "a", "slope")
    assert single.slopes[0].low is None
    assert single.slopes[0].finding == "not resolved"
