"""The page, read as the browser reads it, without one."""

import base64
import hashlib
import itertools
import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from sufficient.answer.verdict import judge
from sufficient.data.labelled import Skipped
from sufficient.notice import Notice
from sufficient.report.criteria_text import criterion_lines
from sufficient.report.local_names import last_part, local
from sufficient.report.markdown import markdown
from sufficient.report.methods import methods
from sufficient.report.notebook import notebook_html
from sufficient.report.page import DARK, LIGHT, page
from sufficient.report.page_facts import asked_words, facts
from sufficient.report.page_more import blocks
from sufficient.report.page_outlook import outlook_charts
from sufficient.report.page_plan import plan_chart
from sufficient.report.page_scale import Axis, count_ticks, nats_ticks, value_ticks
from sufficient.report.page_table import answers, is_round, rows, tolerances
from sufficient.report.text import headline
from sufficient.result import Estimate
from sufficient.rounding import tolerance
from sufficient.study.store import read_record, write_record
from tests.report.estimates import RECORDS, estimate, falling

EVIL = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script><b>",
    "{{ 7 * 191 }}",
    "' onmouseover='alert(1)",
    "{% raw %}",
    "\udcff\u2028<!--",
)


class Reader(HTMLParser):
    """Tags with their attributes, and the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self.inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside = tag if tag in ("script", "style") else ""
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        self.inside = ""
        if tag in ("td", "th", "caption", "p", "li", "h2", "figcaption"):
            self.words.append(" ")

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts[-1] += data
        elif self.inside != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).replace("\u00a0", " ").split())

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def told() -> Estimate:
    return estimate()


@pytest.fixture(scope="module")
def read(told) -> Reader:
    return Reader(page(told))


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("tol", [1e-5, 2e-3])
def test_every_way_a_study_ends_has_a_page_that_says_so(name, tol):
    e = estimate(RECORDS[name](), tol=tol)
    text = Reader(page(e)).text
    assert headline(e.answer) in text
    assert f"[{e.answer.reasons[0].code}]" in text
    for notice in e.answer.warnings:
        assert f"{notice.code} {notice.message}" in text


def test_parts_stand_in_the_order_in_which_they_are_asked_for(read):
    titles = [
        "Is this labelled data set large enough",
        "How much does one more object change the mean loss?",
        "Does more data help?",
        "What was used, and what was not",
        "How it was computed",
        "Warnings",
    ]
    places = [read.text.index(title) for title in titles]
    assert places == sorted(places)
    assert "How many more?" not in read.text  # sufficient
    assert "How many more?" in Reader(page(estimate(tol=1e-5))).text


def test_same_record_same_bytes(told, tmp_path):
    write_record(tmp_path / "record", told.record)
    again = replace(told, record=read_record(tmp_path / "record"), seconds=99.0, command="report")
    assert page(again) == page(told)
    assert markdown(again) == markdown(told)
    assert notebook_html(again) == notebook_html(told)


def test_one_small_file_that_asks_nobody_for_anything(read):
    text = page(estimate(falling(used=80_000)))
    assert len(text.encode()) < 500_000
    for tag, attributes in read.tags:
        assert "src" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag
        target = attributes.get("href")
        if tag == "a":
            assert target.startswith(("#", "https://arxiv.org/")), target
        elif target is not None:
            assert target == "data:,", tag
    styles = re.search(r"<style>(.*?)</style>", text, re.S)[1]
    assert "@import" not in styles
    assert "url(" not in styles
    (policy,) = [a["content"] for a in read.of("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    digest = base64.b64encode(hashlib.sha256(read.scripts[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy


def test_the_slider_holds_what_judge_says_in_the_words_of_the_terminal(told, read):
    table = json.loads(read.scripts[0])
    assert table["rows"][table["own"]]["tolerance"] == told.answer.tolerance
    assert len(table["rows"]) > 120
    assert {row["verdict"] for row in table["rows"]} == {"sufficient", "inconclusive", "insufficient"}
    for row in table["rows"][::3]:  # each one judged takes 0.2 s
        tol = float(row["shown"])  # what the page shows can be typed
        assert tol == row["tolerance"]
        judged = replace(told, answer=judge(told.record, tol=tol))
        lines = judged.lines()
        assert row["headline"] == lines[0]
        for _, text in row["lines"]:
            assert any(line.endswith(text) for line in lines), text
        said = [notice.message for notice in judged.answer.warnings]
        assert [message for _, message in row["warnings"]] == said
        forecast = judged.answer.forecast
        assert row["k"] == (judged.answer.k_sufficient or (forecast and forecast.k_needed))


def test_tolerances_are_the_runs_own_round_ones_and_steps_between(told):
    found = tolerances(told.answer)
    assert list(found) == sorted(set(found))
    assert {told.answer.tolerance, 1e-3, 5e-4, 2e-3, 1e-4} <= set(found)
    steps = [b / a for a, b in itertools.pairwise(found)]
    assert max(steps) < 1.15
    own = tolerances(replace(told.answer, tolerance=1.23456e-9))
    assert 1.23456e-9 in own
    assert [value for value in (1e-4, 2e-3, 5.0, 1.0, 0.1, 3e-4, 1.5e-3) if is_round(value)] == [
        1e-4, 2e-3, 5.0, 1.0, 0.1,
    ]  # fmt: skip


def test_hostile_names_are_words_and_nothing_else():
    skipped = [Skipped(name, "truncated", name) for name in EVIL]
    clean = Reader(
        page(estimate(skipped=[Skipped("a.jpg", "truncated", "b")] * len(EVIL), notices=[Notice("X", "x")]))
    )
    e = estimate(
        spec=EVIL[1], smallest=EVIL[1], features=EVIL[2], reason=EVIL[3],
        skipped=skipped, notices=[Notice("CODE", "".join(EVIL))],
    )  # fmt: skip
    text = page(e)
    text.encode()
    read = Reader(text)
    assert [tag for tag, _ in read.tags] == [tag for tag, _ in clean.tags]
    assert len(read.scripts) == 2
    assert "1337" not in text
    for name in EVIL[:-1]:
        assert " ".join(name.split()) in read.text
    warned = json.loads(read.scripts[0])["rows"][0]["warnings"][0]
    assert warned == ["CODE", "".join(EVIL)]
    for tag, attributes in read.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
    shown = Reader(notebook_html(e))
    assert shown.of("script") == []
    assert shown.of("img") == []
    lines = markdown(e)
    assert "<script" not in lines.replace("\\<", "")
    assert "\n\n\n" not in lines


@pytest.mark.parametrize("root", ["/home/ann/secret/imgs", "C:\\Users\\ann\\imgs", "../ann/imgs"])
def test_no_path_of_the_machine_is_passed_on(root):
    join = "\\" if "\\" in root else "/"
    e = estimate(
        spec=root,
        features=f"{join.join(['', 'home', 'ann', 'vit'])} (768)" if join == "/" else "C:\\home\\ann\\vit",
        notices=[Notice("CONFLICTING-LABELS", f"{root}{join}cat{join}1.jpg is also a dog; 1/k and a/b stay")],
    )
    e = replace(e, answer=judge(e.record, tol=1e-3))
    for text in (page(e), notebook_html(e), markdown(e)):
        assert not re.search(r"\bann\b", text)
    assert f"imgs{join}cat{join}1.jpg is also a dog; 1/k and a/b stay" in Reader(page(e)).text
    assert local(e).record.data["spec"] == "imgs"


def test_last_part_of_a_path_and_names_as_they_are():
    given = ["./imgs/", "imgs", "hf://datasets/a/b@main", "a\\b.npz", "/"]
    assert [last_part(spec) for spec in given] == ["imgs", "imgs", "hf://datasets/a/b@main", "b.npz", "/"]


def test_classes_targets_and_plan_are_shown_where_the_result_holds_them(told, read, monkeypatch):
    assert "What was asked" not in read.text  # a tolerance alone
    tol = told.to_dict()["criteria"][0]
    target = {**tol, "kind": "accuracy", "value": 0.95, "at_last": {"value": 0.9, "lo": 0.8, "hi": 1.0}}
    small = {"value": 0.1, "lo": 0.0, "hi": 0.2}
    cat = {
        "name": "<i>cat", "objects": 1000, "held_out": 900,
        "accuracy": {"value": 0.8123, "lo": 0.7, "hi": 0.9},
        "share_of_error": {"value": 0.6, "lo": 0.5, "hi": 0.7},
        "objects_needed": None, "needed_interval": None,
    }  # fmt: skip
    more = {
        "per_class": [
            {**cat, "objects_needed": 12345, "needed_interval": [9000, None]},
            {**cat, "name": "dog", "share_of_error": {"value": 0.2, "lo": 0.1, "hi": 0.4}},
            {**cat, "name": "fox", "needed_interval": [3327, None], "share_of_error": small},
            {
                **cat,
                "name": "owl",
                "accuracy": {"value": 0.99, "lo": 0.97, "hi": 1.0},
                "share_of_error": small,
            },
        ],
        "criteria": [tol, {**target, "k_sufficient": None, "verdict": "insufficient"}],
        "plan": {
            "criteria": [{"kind": "accuracy", "value": 0.95}],
            "asked": {
                "success": 0.9,
                "penalty": None,
                "shortage": None,
                "rounds": 2,
                "budget": 900,
                "cost_per_object": 2.5,
                "cost_per_round": 10.0,
            },
            "best": {
                "now": 3204,
                "total": 7904,
                "expected_cost": 512.5,
                "largest_spend": 800,
                "success": 0.9,
                "quantities": [3204, 4700],
            },
            "point_estimate": None,
            "notices": [{"code": "BUDGET-BINDS", "message": "it ends the plan."}],
        },
    }
    plain = told.to_dict()
    monkeypatch.setattr(Estimate, "to_dict", lambda self: {**plain, **more})
    text = Reader(page(told)).text
    head = "class objects ever held out accuracy, 95 % share of the error, 95 % objects of it needed, 90 %"
    assert f"Class by class {head}" in text
    row = "<i>cat 1,000 900 0.812 [0.700, 0.900] 0.600 [0.500, 0.700] 12,000 [9,000, no upper limit] dog"
    assert row in text
    found = blocks(more)["per_class"]
    assert [cells[-1] for cells in found.rows[1:]] == ["not forecast", "at least 3,300 (95 %)", "met"]
    assert "for accuracy 0.95 within it" in found.notes[0]
    assert found.bars == (100.0, 33.3, 16.7, 16.7)
    without = blocks({**more, "criteria": [tol]})["per_class"]
    assert without.columns[-1] == "share of the error, 95 %"
    assert "needed" not in without.notes[0]
    assert "accuracy 0.95 insufficient 0.900 [0.800, 1.000] – – –" in text
    assert "collect now later rounds in all rounds expected cost at most success plan accuracy 0.95" in text
    assert "3,200 4,700 7,900 512 800 90 %" in text
    assert "2.50 per object, 10 per round, 2 rounds, budget 900, wanted success 90 %." in text
    assert "BUDGET-BINDS it ends the plan." in text
    assert "The plan was made for accuracy 0.95; this page was asked tol 1e-3 nats, accuracy 0.95." in text
    same = {**more, "criteria": [{**target, "asked": True}]}
    assert not any("was made for" in note for note in blocks(same)["plan"].notes)
    assert "point estimate" not in text
    assert text.index("What was asked") < text.index("Class by class") < text.index("The plan")
    assert "### The plan" in markdown(told)
    assert blocks({"plan": {}, "criteria": None}) == {}


def test_warnings_of_the_plan_are_counted_and_its_cost_is_drawn(told):
    policy = {
        "now": 3204, "total": 7904, "expected_cost": 512.5, "largest_spend": 800, "success": 0.9,
        "quantities": [3204, 4700],
    }  # fmt: skip
    asked = dict.fromkeys(("success", "penalty", "shortage", "budget"))
    plan = {
        "criteria": [{"kind": "tol", "value": 1e-3}],
        "asked": {**asked, "rounds": 1, "cost_per_object": 1.0, "cost_per_round": 0.0},
        "best": policy,
        "point_estimate": None,
        "notices": [{"code": "A", "message": "One."}, {"code": "B", "message": "Two."}],
        "curve": [{"objects": n, "expected_cost": 600.0 - n / 40} for n in (0, 1602, 3204, 9000)],
    }
    planned = replace(told, planned=plan)
    shown = page(planned)
    assert '<a href="#plan">2 warnings</a> to read before acting on the plan' in shown
    assert '<table class="grid-table" id="plan">' in shown
    assert "None on the verdict." in Reader(shown).text
    assert "[2 warnings](#the-plan) below the plan." in markdown(planned)
    chart = plan_chart(plan)
    assert chart.line.count("L") == 2  # as far as 1.35 × what is collected now
    assert chart.choices[0].told == "plan: 3,200 now, expected cost 512, success 90 %"
    assert chart.summary in Reader(shown).of("svg")[-1]["aria-label"]
    assert "curve" not in planned.to_dict()["plan"]
    assert plan_chart(None) is None
    assert plan_chart({**plan, "curve": []}) is None


def test_drawings_are_described_and_reached_by_keyboard(told, read):
    drawings = read.of("svg")
    assert len(drawings) == 6  # the curve wide and narrow, log and linear; accuracy; loss
    assert all(drawing["aria-label"] for drawing in drawings)
    assert "the tolerance is 1e-3 nats" in drawings[0]["aria-label"]
    stages = [a for a in read.of("g") if a.get("class") == "stage"]
    reached = [a for a in stages if a.get("tabindex") == "0"]
    assert len(reached) > 2 * len(told.curve)
    assert reached[0]["aria-label"].startswith("k = 32: δ = ")
    ids = [a["id"] for _, a in read.tags if "id" in a]
    assert len(ids) == len(set(ids))
    labelled = {a["aria-labelledby"] for a in read.of("section")}
    assert labelled <= set(ids)
    assert [a["for"] for a in read.of("label")] == ["slider"]


def test_the_mark_stands_where_the_answer_says(told):
    from sufficient.report.page import draw

    drawn = draw(told)
    answer = drawn.answer
    for chart in drawn.charts:
        assert chart.tolerance == chart.y.at(1e-3)
        assert chart.mark.sure
        assert chart.mark.x == chart.x.at(answer.k_sufficient)
        assert (chart.mark.left, chart.mark.right) == tuple(map(chart.x.at, answer.k_interval))
        assert chart.mark.lines[0] == f"k* = {answer.k_sufficient:,}"
        seen = [point for point in answer.curve if chart.y.holds(point.difference)]
        assert [stage.x for stage in chart.stages] == [chart.x.at(point.k) for point in seen]
        assert [stage.y for stage in chart.stages] == [chart.y.at(point.difference) for point in seen]
        assert len(seen) == len(answer.curve) or chart.scale == "linear"
        assert chart.x.holds(answer.k_available)
        assert chart.band.count("L") == 2 * len(answer.curve) - 1
    log = drawn.charts[0]
    assert log.rate.count("L") == 1  # 1/k is straight on log axes
    assert [zone.text for zone in log.horizons] == ["4 × measured", "10 × measured"]


def test_a_lower_bound_is_said_where_no_mark_can_stand(told):
    beyond = next(row for row in rows(told, answers(told)) if row.k is None and row.mark)
    text = page(estimate(tol=beyond.tolerance))
    assert re.search(
        r'class="lower-bound"[^>]*><tspan x="0">forecast: (probably )?more than [\d,]+ needed<', text
    )


@pytest.mark.parametrize("ground", ["#ffffff", "#14171b"])
def test_letters_can_be_read_on_either_ground(ground):
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    colours = LIGHT if ground == "#ffffff" else DARK
    assert set(LIGHT) == set(DARK)
    for name in ("measured", "limit", "met", "bound", "forecast-text"):
        pair = sorted((luminance(colours[name]), luminance(ground)))
        assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5, name


def test_axes_place_values_and_label_round_ones():
    log = Axis(10, 1000, 0, 200, True)
    assert [log.at(value) for value in (10, 100, 1000, 1)] == [0, 100, 200, -100]
    assert [tick.text for tick in count_ticks(log)] == ["10", "20", "50", "100", "200", "500", "1,000"]
    assert [tick.text for tick in count_ticks(log, dense=False)] == ["10", "30", "100", "300", "1,000"]
    assert [tick.text for tick in nats_ticks(Axis(1e-5, 0.5, 0, 1, True))] == [
        "1e-5",
        "1e-4",
        "1e-3",
        "0.01",
        "0.1",
    ]
    linear = Axis(0.0, 0.0123, 100, 0, False)
    assert linear.at(0.0123) == 0
    assert [tick.text for tick in nats_ticks(linear)] == ["0", "5e-3", "0.01"]
    assert [tick.text for tick in count_ticks(Axis(0, 2600, 0, 1, False))] == ["0", "1,000", "2,000"]
    assert [tick.text for tick in value_ticks(Axis(0.78, 1.0, 0, 1, False))] == [
        "0.80",
        "0.85",
        "0.90",
        "0.95",
        "1.00",
    ]


def test_methods_hold_the_runs_numbers(told):
    text = " ".join(methods(told))
    for part in (
        "Of 2,000 labelled objects found in digits, 2,000 in 5 classes were used.",
        "fit (1,400)", "(200)", "(400)",
        "k = 32 to 1,400, 12 sizes, growing by a factor of √2", "learning rate 1e-3, batches of 64",
        "tolerance of 1e-3 nats at the last 2 sizes",
        "sufficient 0.1.0, PyTorch 2.14.1, Python 3.11.7", "seed 0",
    ):  # fmt: skip
        assert part in text, part
    skipped = estimate(skipped=[Skipped("a", "truncated")] * 3)
    assert "3 were skipped, each for a stated reason" in " ".join(methods(skipped))


def test_markdown_says_what_the_page_says(told):
    text = markdown(told)
    assert text.startswith(f"# {headline(told.answer)}\n")
    assert "| 1e-3 | sufficient | k\\* = " in text
    assert text.count("\n| ") > len(told.curve)
    assert "## How many more?" not in text
    assert "## How many more?" in markdown(estimate(tol=1e-5))


def test_a_long_list_of_skipped_objects_is_cut_and_counted():
    text = Reader(page(estimate(skipped=[Skipped(f"a/{i}.jpg", "truncated") for i in range(45)]))).text
    assert "a/29.jpg" in text
    assert "a/30.jpg" not in text
    assert "and 15 more: skipped.csv" in text


def test_rows_of_the_table_are_the_answers(told):
    judged = answers(told)
    table = rows(told, judged)
    assert [row.verdict for row in table] == [answer.verdict for answer in judged]
    assert [row.shown for row in table] == [tolerance(answer.tolerance) for answer in judged]


def test_the_page_needs_neither_torch_nor_matplotlib():
    program = (
        "import sys; from sufficient.report.page import page; from tests.report.estimates import estimate; "
        "page(estimate()); print({'torch', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


ASKED = {
    "accuracy": {"targets": ["accuracy=0.97"]},
    "loss": {"targets": "loss=0.05"},
    "two": {"tol": 1e-3, "targets": ["error=0.02", "accuracy=0.5"]},
    "gain": {"min_gain": 0.2},
    "relative": {"rel_tol": 1e-4},
}


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_the_slider_judges_the_tolerance_alone_as_its_command_does(told, asked):
    e = told.judged(**asked)
    judged = answers(e)
    for row, answer in list(zip(rows(e, judged), judged, strict=True))[::8]:  # each one judged takes 0.2 s
        alone = e.judged(tol=float(row.shown))  # what `sufficient report RUN --tol` makes of it
        assert answer == alone.answer
        assert row.headline == headline(alone.answer)
        assert {text for _, text in row.lines} <= {line[12:] for line in alone.lines()}
    read = Reader(page(e))
    table = json.loads(read.scripts[0])
    assert table["alone"] is False
    assert headline(e.answer) in read.text
    assert "The tolerance alone" in read.text
    assert "At other tolerances, the tolerance alone" in read.text
    assert "The tolerance alone" not in Reader(page(told)).text
    assert headline(e.answer) in Reader(notebook_html(e)).text


def test_the_cards_and_the_line_below_the_verdict_are_of_what_was_asked(told):
    near = told.judged(targets="accuracy=0.9")
    needs = facts(near.answer, near.record.data)[0]
    assert needs.name == "needed for accuracy 0.9"
    assert f"about {needs.value} [" in criterion_lines(near.answer)[0][1]
    e = told.judged(targets="accuracy=0.97")
    first, *others = facts(e.answer, e.record.data)
    ((_, line),) = criterion_lines(e.answer)
    assert first.name == "needed for accuracy 0.97"
    assert f"{first.value} needed" in line
    assert "change by one more object" not in [fact.name for fact in others]
    text = Reader(page(e)).text
    assert asked_words(e.answer) in text
    assert asked_words(e.answer).startswith(
        "Asked: accuracy 0.97. The tolerance drawn, tol 1e-4 nats, is for "
    )
    assert text.index("How many more?") < text.index(line[0].upper() + line[1:])
    assert line in markdown(e).replace("\\", "")
    loss = facts(told.judged(targets="loss=0.05").answer, e.record.data)
    assert [fact.name for fact in loss if fact.name.startswith("loss")] == ["loss on unseen objects"]
    assert facts(told.answer, e.record.data)[0].name == "enough from"
    assert asked_words(told.answer) == "Asked: tol 1e-3 nats."
    assert asked_words(told.judged(tol=1e-3, rel_tol=1e-2).answer).endswith("0.01. All must hold.")


def test_targets_and_their_forecast_stand_in_their_plot(told):
    e = told.judged(targets=["accuracy=0.97", "error=0.02", "loss=0.05"])
    accuracy, loss = outlook_charts(e.answer)
    assert [target.text for target in accuracy.targets] == ["accuracy 0.97", "error 0.02"]
    assert [target.at for target in accuracy.targets] == [accuracy.y.at(0.97), accuracy.y.at(0.98)]
    assert [target.at for target in loss.targets] == [loss.y.at(0.05)]
    (own,) = e.forecast("loss=0.05")
    path = own.forecast.path
    assert path
    assert loss.fan.count("L") == 2 * len(path) - 1
    assert all(loss.y.holds(end) for _, _, *span in path for end in span)
    mirrored, _ = outlook_charts(told.judged(targets="error=0.02").answer)
    straight, _ = outlook_charts(told.judged(targets="accuracy=0.98").answer)
    assert accuracy.fan
    assert mirrored.fan == straight.fan
    assert "; asked is loss 0.05 nats." in loss.summary
    plain, _ = outlook_charts(told.answer)
    assert plain.targets == ()
    assert plain.fan == ""


def test_methods_say_when_what_was_asked_is_met(told):
    text = " ".join(methods(told.judged(targets="accuracy=0.97")))
    assert "The tolerance of 1e-4 nats is drawn for reference; it decides nothing here." in text
    assert "sufficient when" not in text
    assert "lower end of the 95 % interval of accuracy on unseen objects is at or above it" in text
    assert "at the last 2 sizes run, all learned." in text
    both = " ".join(methods(told.judged(tol=1e-3, min_gain=0.01)))
    assert "The tolerance is called met when the upper end lies within the tolerance of 1e-3 nats" in both
    assert "min-gain 0.01 is called met when the upper end of the 90 % interval" in both
    assert "The data set is called sufficient when all that was asked is met." in both
    assert "The data set is called sufficient when the upper end" in " ".join(methods(told))
