"""Runs side by side: what follows, in words, JSON, HTML and on axes."""

import io
import itertools
import json
import math
from dataclasses import replace

import jsonschema
import pytest
from matplotlib.figure import Figure

import sufficient
from sufficient.cli.app import run
from sufficient.errors import UsageError
from sufficient.report.compare import Comparison, compare, needed
from sufficient.report.compare_chart import compare_chart
from sufficient.report.compare_names import names, shortened, told_apart
from sufficient.report.compare_text import conclusions, rows
from sufficient.report.export import dumps, schema
from sufficient.run_directory import begin
from sufficient.study.store import write_record
from tests.answer import records
from tests.report.estimates import RECORDS, estimate, falling, hollow_start, unlearned
from tests.report.test_page import EVIL, Reader

OLD, NEW = 1.8, 0.9  # C at k = 1 of two curves that fall alike


def a_record(constant, *, used=2000, rate=0.2, error=2.0, start=32, **noise):
    record = records.record(
        lambda k: constant * k**-rate,
        records.sizes_to(int(0.7 * used), start),
        used=used,
        loss=lambda k: 3 * k**-0.4,
        error=lambda k: error * k**-0.4,
        **noise,
    )
    return record


def pair(tol=1e-3, **more):
    return estimate(a_record(OLD), tol=tol, spec="old"), estimate(a_record(NEW), tol=tol, spec="new", **more)


def saved(directory, told):
    directory.mkdir()
    begin(directory, told.options)
    write_record(directory / "record", told.record)
    return str(directory)


@pytest.fixture(scope="module")
def two() -> Comparison:
    return compare(pair())


def test_how_many_times_fewer_as_the_closed_form_says(two):
    (difference,) = two.differences
    assert (difference.fewer, difference.more, difference.at_least) == ("B", "A", False)
    assert difference.times == pytest.approx((OLD / NEW) ** (1 / 1.2), rel=0.02)
    (said,) = conclusions(two)
    assert said.startswith("B needs 1.8 times fewer objects than A for tol 1e-3: k* ")
    assert said.endswith("(intervals do not overlap).")


def test_order_changes_letters_and_nothing_else(two):
    turned = compare(pair()[::-1])
    (before,), (after,) = two.differences, turned.differences
    assert (after.fewer, after.more, after.times) == ("A", "B", before.times)
    assert turned.common_k == two.common_k


def test_a_difference_is_claimed_only_where_intervals_are_apart():
    told = [estimate(make()) for make in RECORDS.values()] + [*pair()]
    claimed = 0
    for tol in (1e-4, 3e-4, 1e-3, 5e-3):
        for one, other in itertools.combinations(told, 2):
            found = compare([one, other], tol=tol)
            ends = {side.letter: side.needed for side in found.sides}
            for difference in found.differences:
                fewer, more = ends[difference.fewer], ends[difference.more]
                assert fewer.high < more.low
                assert difference.times > 1
                claimed += 1
            said = " ".join(conclusions(found))
            assert ("fewer objects than" in said) == bool(found.differences)
            assert said
    assert claimed > 20


def test_overlapping_intervals_cannot_be_told_apart():
    noisy = [estimate(a_record(c, noise=0.3, seed=i), tol=1e-3) for i, c in enumerate((0.9, 0.95))]
    found = compare(noisy)
    assert found.differences == ()
    (said,) = conclusions(found)
    assert said.startswith("A and B cannot be told apart at tol 1e-3: ")
    assert said.endswith("(intervals overlap).")


def test_bounds_make_at_least_and_open_ends_make_nothing():
    quick = estimate(a_record(0.01), tol=1e-3, spec="quick")  # met at the first size
    slow = estimate(a_record(5.0, rate=0.0), tol=1e-4, spec="slow")  # needs more than 10 × the largest size
    found = compare([quick, slow], tol=1e-3)
    assert found.sides[0].needed.kind == "at most"
    (difference,) = found.differences
    assert difference.at_least
    assert difference.times == found.sides[1].needed.low / found.sides[0].needed.high
    assert "A needs at least " in conclusions(found)[0]
    far = compare([slow, quick], tol=1e-5)
    assert far.sides[0].needed.kind == "more than"
    assert far.sides[0].needed.low == 10 * 1400  # the interval's own end lies beyond
    assert "more than" in rows(far)[1][1][0]
    both = compare([slow, slow], tol=1e-5)
    assert both.differences == ()
    assert "an interval is open" in conclusions(both)[0]


def test_a_forecast_within_the_sizes_run_is_an_upper_bound_only():
    undecided = estimate(a_record(NEW, noise=0.4), tol=1.6e-4)  # the last interval holds tol
    assert undecided.verdict == "inconclusive"
    forecast, need = undecided.answer.forecast, needed(undecided.answer)
    assert forecast.k_interval[0] == undecided.curve[-1].k  # cut off there: no bound from below
    assert need.low is None
    assert need.high == forecast.k_interval[1]
    loose = undecided.judged(tol=1.75e-4)
    assert loose.verdict == "inconclusive"
    assert needed(loose.answer).kind == "at most"
    ruled_out = estimate(a_record(NEW), tol=1.3e-4)
    assert ruled_out.verdict == "insufficient"
    assert needed(ruled_out.answer).low == ruled_out.answer.forecast.k_interval[0]
    quick = estimate(a_record(0.01), tol=1e-3)
    assert compare([quick, undecided], tol=1.6e-4).differences == ()


def test_settling_sooner_on_less_is_said():
    better = estimate(a_record(OLD, error=1.0), tol=1e-3, spec="better")
    sooner = estimate(a_record(NEW, error=3.0), tol=1e-3, spec="sooner")
    (said,) = conclusions(compare([better, sooner]))
    assert "B needs 1.8 times fewer" in said
    k = compare([better, sooner]).common_k
    right = [1 - e * k**-0.4 for e in (3.0, 1.0)]
    assert f"but it classifies fewer unseen objects rightly at k = {k:,}, {right[0]:.3f} against" in said


def test_what_learned_nothing_cannot_be_told():
    found = compare([estimate(unlearned(), spec="noise"), *pair()])
    assert found.sides[0].needed is None
    assert conclusions(found)[-1] == "What A needs cannot be told at this tolerance."
    assert not found.sides[0].common.learned
    assert any("not all had learned" in note for note in found.notes)
    nothing = compare([estimate(unlearned())] * 2)
    assert conclusions(nothing) == ["What A and B need cannot be told at this tolerance."]


def test_all_are_judged_at_one_tolerance():
    old, new = pair()
    other = new.judged(tol=5e-3)
    first, asked = compare([old, other]), compare([old, other], tol=2e-3)
    assert {side.estimate.answer.tolerance for side in first.sides} == {1e-3}
    assert "all are judged at tol 1e-3 nats; B was run for 5e-3." in first.notes
    assert {side.estimate.answer.tolerance for side in asked.sides} == {2e-3}
    assert any("A was run for 1e-3, B was run for 5e-3" in note for note in asked.notes)
    assert compare(pair()).notes == ()


def test_what_cannot_be_compared_is_refused():
    one = estimate()
    for given, words in (
        ([], "2 runs or more, and 0"),
        ([one], "and 1 was given"),
        ([one] * 27, "at most 26"),
    ):
        with pytest.raises(UsageError, match=words):
            compare(given)
    for tol in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(UsageError):
            compare([one, one], tol=tol)


def test_the_same_run_twice_is_twice_the_same():
    found = compare([estimate(), estimate()])
    assert [side.name for side in found.sides] == [
        "digits · pixels 8×8 grey (1)",
        "digits · pixels 8×8 grey (2)",
    ]
    assert found.differences == ()
    assert all(len(set(cells)) == 1 for _, cells in rows(found))


def test_names_say_only_what_differs():
    assert names(pair()) == ("old", "new")
    backbones = [estimate(features=name) for name in ("pixels 8×8 grey", "google/vit-base-patch16-224")]
    assert names(backbones) == ("pixels 8×8 grey", "google/vit-base-patch16-224")
    models = (
        "fully connected 64-64-64-10, ReLU, no biases (8,832 parameters)",
        "fully connected 64-10, no biases (640 parameters)",
    )
    assert shortened(models) == ["64-64-64-10", "64-10"]
    heads = [estimate() for _ in models]
    heads = [
        replace(e, record=replace(e.record, model={"description": text}))
        for e, text in zip(heads, models, strict=True)
    ]
    assert names(heads) == ("64-64-64-10", "64-10")
    more = estimate(falling(used=4000))
    assert names([estimate(), more]) == ("2,000 objects", "4,000 objects")
    seeded = replace(
        estimate(), options=replace(estimate().options, study=replace(estimate().options.study, seed=7))
    )
    assert names([estimate(), seeded]) == ("seed 0", "seed 7")
    long = [estimate(spec=f"{'a' * 200}{i}") for i in (1, 2)]
    assert all(len(name) <= 60 for name in names(long))
    assert len(set(names(long))) == 2


def test_folders_are_named_as_far_as_they_differ():
    assert told_apart(["/home/ann/batch1/imgs", "/home/ann/batch2/imgs/"]) == ["batch1/imgs", "batch2/imgs"]
    assert told_apart(["C:\\data\\imgs", "mnist", "mnist"]) == ["imgs", "mnist", "mnist"]
    assert told_apart(["hf://datasets/x/y", "hf://datasets/z/y"]) == [
        "hf://datasets/x/y",
        "hf://datasets/z/y",
    ]
    assert told_apart(["/a/imgs", "imgs"]) == ["a/imgs", "imgs"]
    assert told_apart(["/", "/"]) == ["/", "/"]
    text = dumps(compare([estimate(spec="/home/ann/b1/imgs"), estimate(spec="/home/ann/b2/imgs")]).to_dict())
    assert "/home" not in text
    assert "b1/imgs" in text


def test_the_common_size_is_one_that_all_have_run():
    assert compare([estimate(), estimate(hollow_start())]).common_k == 1400
    assert compare([estimate(), estimate(a_record(NEW, used=1000))]).common_k == 512
    other = estimate(a_record(NEW, used=1000, start=50))
    found = compare([estimate(), other])
    assert found.common_k is None
    assert any("no size was run by all" in note for note in found.notes)
    assert not [label for label, _ in rows(found) if label.startswith("C at")]
    assert found.to_dict()["runs"][0]["at_common"] is None


def test_numbers_of_the_table_are_those_of_the_curve(two):
    table = dict(rows(two))
    for i, side in enumerate(two.sides):
        point = next(p for p in side.estimate.answer.curve if p.k == two.common_k)
        shown = table[f"C at k = {two.common_k:,}, nats"][i]
        assert float(shown.split()[0]) == pytest.approx(point.constant, rel=5e-3)
        low, high = (float(end.strip("[],")) for end in shown.split()[1:])
        assert low < point.constant < high
        assert low == pytest.approx(point.lo * (point.k + 1), rel=5e-3)
        assert table[f"accuracy at k = {two.common_k:,}"][i] == f"{point.accuracy:.3f}"
        assert table["verdict"][i] == side.estimate.verdict
        assert str(needed(side.estimate.answer).k)[0] in table["objects for tol 1e-3"][i]


def test_strict_json_as_its_schema_says(two):
    jsonschema.Draft202012Validator.check_schema(schema("compare"))
    for found in (two, compare([estimate(make()) for make in RECORDS.values()], tol=1e-4)):
        written = json.loads(dumps(found.to_dict()))
        jsonschema.validate(written, schema("compare"))
        assert [item["letter"] for item in written["runs"]] == [side.letter for side in found.sides]
        for item, side in zip(written["runs"], found.sides, strict=True):
            assert item["verdict"] == side.estimate.verdict
            assert len(item["curve"]) == len(side.estimate.curve)


@pytest.mark.parametrize("name", RECORDS)
def test_every_way_a_study_ends_can_be_compared(name):
    for tol in (1e-5, 2e-3):
        found = compare([estimate(RECORDS[name](), tol=tol), estimate(tol=tol)])
        text = Reader(found.to_html()).text
        for said in conclusions(found):
            for part in said.split(": ", 1):
                assert part.rstrip(".")[1:] in text
        assert "\n".join(found.lines()) == str(found)
        assert found.plot().ax_.get_xscale() == "log"


def test_the_page_is_one_small_file_in_which_nothing_runs(two):
    text = two.to_html()
    assert text == compare(pair()).to_html()
    assert len(text.encode()) < 200_000
    read = Reader(text)
    (policy,) = [a["content"] for a in read.of("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert not read.of("script")
    assert not [tag for tag, attributes in read.tags if "src" in attributes]
    assert {a["href"] for a in read.of("a")} == {"https://arxiv.org/abs/2409.11995"}
    assert "url(" not in text
    assert read.of("html")[0]["lang"] == "en"
    assert all(a.get("aria-label") for a in read.of("svg"))


@pytest.mark.parametrize("evil", EVIL)
def test_hostile_names_are_words(evil):
    told = [estimate(spec=f"{evil}{i}", features=evil, smallest=evil) for i in (1, 2)]
    tags = [tag for tag, _ in Reader(compare([estimate(spec="a"), estimate(spec="b")]).to_html()).tags]
    read = Reader(compare(told).to_html())
    assert [tag for tag, _ in read.tags] == tags
    assert not [name for _, attributes in read.tags for name in attributes if name.startswith("on")]


def test_letters_do_not_lie_on_each_other():
    chart = compare_chart(compare([estimate()] * 5), "wide")
    places = [series.letter_y for series in chart.series]
    assert min(abs(a - b) for a, b in itertools.combinations(places, 2)) >= 14
    assert len({series.row for series in chart.series}) == 5
    many = compare_chart(compare([estimate()] * 8), "wide")
    assert len({(series.colour, series.dash) for series in many.series}) == 8


@pytest.mark.parametrize("kind", ["wide", "narrow"])
def test_words_of_what_a_run_needs_stay_within_the_drawing(kind):
    above = 0
    for tol in [float(f"{step}e{exponent}") for exponent in range(-6, -1) for step in (1, 1.5, 2, 3, 5, 7)]:
        chart = compare_chart(compare([estimate(), estimate(falling(used=800))], tol=tol), kind)
        for series in chart.series:
            width = 6.3 * len(series.told)  # as letters of 12 px are drawn
            left = series.told_x - width if series.told_before else series.told_x
            assert left >= 0, (tol, series.told)
            assert left + width <= chart.width + 1, (tol, series.told)
            on_it = series.left is not None and left < series.right and left + width > series.left
            assert on_it is (series.told_y < series.row), (tol, series.told)
            above += on_it
    assert above > 0


def test_the_chart_places_what_each_run_needs(two):
    chart = compare_chart(two, "wide")
    for side, series in zip(two.sides, chart.series, strict=True):
        assert series.size == chart.x.at(side.needed.k)
        assert series.left < series.size < series.right
    assert chart.series[1].right < chart.series[0].left  # as the intervals are apart
    assert chart.tolerance == chart.y.at(1e-3)


def test_axes_show_every_run(two):
    ax = Figure().add_subplot()
    shown = two.plot(ax)
    assert shown.ax_ is ax
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert [text.split("  ")[0] for text in texts] == ["A", "B"]
    diamonds = [line for line in ax.lines if line.get_marker() == "D"]
    bound = compare([estimate(a_record(0.01)), two.sides[0].estimate]).plot().ax_
    assert [line.get_marker() for line in bound.lines if line.get_marker() in "D<"] == ["<", "D"]
    assert [line.get_xdata()[0] for line in diamonds] == [side.needed.k for side in two.sides]
    hostile = compare([estimate(spec="$\\frac{x}$"), estimate(spec="$y$")]).plot()
    hostile.figure_.savefig(io.BytesIO(), format="png")


def test_it_is_public():
    assert sufficient.compare is compare
    assert sufficient.Comparison is Comparison


def test_on_the_command_line(tmp_path, capsys):
    old, new = pair()
    runs = [saved(tmp_path / "a", old), saved(tmp_path / "b", new)]
    assert run(["compare", *runs, "--out", str(tmp_path / "pages" / "both.html")]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == conclusions(compare([old, new]))[0]
    assert said.err.splitlines() == [
        f"A: {runs[0]}",
        f"B: {runs[1]}",
        f"page: {tmp_path / 'pages' / 'both.html'}",
    ]
    assert (tmp_path / "pages" / "both.html").read_text() == compare([old, new]).to_html()
    assert run(["compare", *runs, "--tol", "2e-3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(dumps(compare([old, new], tol=2e-3).to_dict()))
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["config.toml", "record"]


def test_errors_are_one_sentence(tmp_path, capsys):
    whole = saved(tmp_path / "a", estimate())
    damaged = saved(tmp_path / "b", estimate())
    (stage, *_) = sorted((tmp_path / "b" / "record").glob("stage*"))
    stage.write_bytes(stage.read_bytes()[:40])
    cases = [
        ([whole], 2, "2 runs or more, and 1"),
        ([whole, str(tmp_path / "nowhere")], 3, "nowhere holds no finished stage"),
        ([whole, damaged], 3, "cannot be read"),
        ([whole, whole, "--tol", "0"], 2, "tol"),
        ([whole, whole, "--out", str(tmp_path)], 2, "ends in .html"),
        ([whole, whole, "--out", str(tmp_path / "page.pdf")], 2, "ends in .html"),
        ([whole, whole, "--out", str(tmp_path / "a" / "config.toml" / "x.html")], 2, "no directory"),
    ]
    for arguments, code, words in cases:
        assert run(["compare", *arguments]) == code
        said = capsys.readouterr()
        (line,) = [line for line in said.err.splitlines() if line.startswith("error: ")]
        assert words in line, line
