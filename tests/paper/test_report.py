import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from sufficient.paper.claims import overstatement
from sufficient.paper.markdown import markdown
from sufficient.paper.plan import PAPER_SETS, PaperOptions
from sufficient.paper.protocol import NETWORKS, SMOOTHING, Network
from sufficient.paper.published import published_curves
from sufficient.paper.report import NotRun, PaperReport, SweepReport, in_order, sweep_csv
from sufficient.paper.sweep import smoothed
from sufficient.paper.text import result_lines
from sufficient.report.export import dumps
from tests.paper.sweeps import NARROW, made_up, saved


def a_report(*sweeps, not_run=(), paper_inputs=True):
    return PaperReport(
        sweeps=tuple(
            SweepReport.of(saved(sweep, paper_inputs=paper_inputs), reused=False) for sweep in sweeps
        ),
        not_run=not_run,
        environment={"device": "cpu"},
        seconds=12.3456,
        artifacts={},
    )


def test_one_row_a_training(tmp_path):
    sweep = made_up(seeds=2, dead=[(1, NARROW)])
    sweep.constant[0, 0] = np.nan
    rows = list(csv.DictReader(io.StringIO(sweep_csv(a_report(sweep).sweeps))))
    assert list(rows[0]) == ["dataset", "mode", "h", "L", "layers", "seed", "C", "accuracy", "dead"]
    assert len(rows) == 50
    for row in rows[1:]:
        at = NETWORKS.index(Network(int(row["h"]), int(row["L"])))
        seed = int(row["seed"])
        assert int(row["layers"]) == int(row["L"]) + 2
        assert float(row["C"]) == sweep.constant[seed, at]
        assert float(row["accuracy"]) == sweep.accuracy[seed, at]
        assert row["dead"] == str(bool(sweep.dead[seed, at])).lower()
    assert rows[0]["C"] == ""


def test_strict_json_with_everything_that_was_promised():
    missing = NotRun("cifar10-cls", "no model.", "give features")
    sweep = made_up(seeds=2, dead=[(1, NARROW)])
    sweep.constant[0, 0] = np.nan
    written = json.loads(dumps(a_report(sweep, not_run=(missing,)).to_dict()))
    assert written["schema_version"] == 1
    assert (written["command"], written["seconds"]) == ("paper", 12.346)
    assert written["not_run"] == [{"what": "cifar10-cls", "reason": "no model.", "next": "give features"}]
    assert "L + 2 linear layers" in written["protocol"]["depth"]
    assert len(written["protocol"]["networks"]) == 25
    (block,) = written["sweeps"]
    assert (block["name"], block["objects"], block["seeds"]) == ("mnist-pixels", 10_000, [0, 1])
    assert block["dead"] == {
        "trainings": 1,
        "of": 50,
        "networks": [{"h": 4, "L": 5, "layers": 7, "dead": 1}],
    }
    assert block["not_finite"] == 1
    assert [claim["key"] for claim in block["claims"]] == ["a", "b", "c", "d"]
    assert len(block["published"]) == 10
    assert block["published"][0]["network"] == {"h": 4, "L": 5}
    assert block["published_run"]["alpha"] < 0
    assert block["published_run"]["networks"] == 9
    assert set(block["drawn"]) == {"width", "depth"}
    assert written["published"]["compared"] == 10


def test_only_the_paper_s_own_inputs_are_counted():
    sweep = made_up()
    assert a_report(sweep).count().compared == 10
    assert a_report(sweep, paper_inputs=False).count().compared == 0
    text = markdown(a_report(sweep, paper_inputs=False), figures="figures")
    assert "Not the paper's own inputs" in text
    assert "published curves lie within" not in text


def test_markdown_is_honest_about_reversals_dead_networks_and_what_is_missing():
    reverses = made_up(alpha=0.3, beta=-0.4, dataset="cifar100", dead=[(0, NARROW)])
    missing = NotRun("mnist-cls", "There is no model.", "give features at hand")
    text = markdown(a_report(reverses, not_run=(missing,)), figures="pictures")
    assert "**Reversed:** cifar100-pixels (a), α = 0.3" in text
    assert "1 of 125 trainings dead (h = 4, L = 5: 1)" in text
    assert "- **mnist-cls**: There is no model. To go on: give features at hand." in text
    assert "![cifar100-pixels, over h at L = 5](pictures/cifar100-pixels-width.png)" in text
    assert "one training a curve" in text
    for corrected in ("Theorem 1's product", "Lemma 1's factor", "20 to 27 times", "L = layers − 2",
                      "no trained weights", "memorised"):  # fmt: skip
        assert corrected in text
    assert "rises throughout" in text
    assert "falls throughout" in text


def test_what_is_said_of_all_sweeps_is_true_of_a_user_s_own():
    for report in (a_report(made_up(dataset="mine", objects=500)), a_report(made_up())):
        protocol = report.to_dict()["protocol"]["objects"]
        assert protocol.startswith("at most 10,000, exact copies kept: of the paper's sets the first of the")
        assert f"Objects: {protocol}. " in markdown(report, figures="f")


def test_the_published_fit_is_told_apart_from_ours():
    text = markdown(a_report(made_up()), figures="f")
    assert "over the 9 drawn networks (ours: over all 25), one training each: α = −0." in text
    assert "same fit" not in text


def test_tables_hold_their_bars():
    for line in markdown(a_report(made_up()), figures="f").splitlines():
        if line.startswith("| ") and "d_k" in line:
            assert line.replace("\\|", "").count("|") == 5


def test_the_stated_overstatement_is_that_of_the_published_curves_and_of_the_average():
    factors = {50: [], 100: [], 200: [], 1000: []}
    for dataset in PAPER_SETS:
        for curve in (*published_curves(dataset, "pixels"), *published_curves(dataset, "pooler")):
            for k, factor in factors.items():
                if curve.values is not None:
                    factor.append(curve.constant(k) / curve.constant(9990) * (k + 1) / k)
    for k in (50, 100, 200):
        assert 20 < np.median(factors[k]) < 27
    assert np.median(factors[1000]) == pytest.approx(1.2, abs=0.06)
    curve = 1 / np.arange(2.0, 10_001)
    ratio = smoothed(curve) / curve
    assert SMOOTHING == 0.99
    assert 1.05 <= ratio[1999] <= 1.07
    assert ratio[9989] == pytest.approx(1.01, abs=0.002)
    sweep = made_up(dead=[(0, NARROW)])
    assert overstatement(sweep, 100) == pytest.approx(ratio[99])
    assert overstatement(sweep, 123_456) is None
    assert "The smoothed curve over C/(k + 1), median over live networks: 17 at k = 50, 21" in markdown(
        a_report(sweep), figures="f"
    )


def test_a_sweep_of_the_dead_alone_is_told():
    every = [(0, network) for network in NETWORKS]
    report = a_report(made_up(seeds=1, dead=every))
    text = markdown(report, figures="f")
    assert "25 of 25 trainings dead" in text
    assert "all seeds dead" in text
    assert any("no live network" in line for line in result_lines(report, "run"))


def test_result_lines():
    report = a_report(made_up(), not_run=(NotRun("mnist-cls", "No model.", "x"),))
    lines = result_lines(report, "runs/1")
    assert lines[0] == "mnist-pixels: 10,000 objects, 5 seeds, 0 of 125 trainings dead"
    assert any(line.startswith("  (a) falls with h      holds         α = −0.3") for line in lines)
    assert any(" of 10 published curves within our seeds' range" in line for line in lines)
    assert "not run       mnist-cls: No model." in lines
    assert lines[-1].endswith("runs/1: report.html, report.md, report.json, sweep.csv, figures")


def test_order_of_tables():
    sweeps = [
        made_up(dataset=dataset, mode=mode, seeds=1)
        for dataset, mode in (("mine", "pixels"), ("cifar10", "cls"), ("cifar10", "pixels"), ("mnist", "cls"))
    ]
    names = [report.saved.sweep.name for report in in_order(a_report(*sweeps).sweeps)]
    assert names == ["mnist-cls", "cifar10-pixels", "cifar10-cls", "mine-pixels"]


def test_options_are_values():
    assert replace(PaperOptions(), seeds=2).seed_keys == (0, 1)
