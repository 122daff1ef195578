"""The page in a browser: from a file, with the network off."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from sufficient.answer.verdict import judge
from sufficient.data.labelled import Skipped
from sufficient.report.page import page
from sufficient.report.page_table import answers, rows
from sufficient.report.text import headline
from tests.report.estimates import estimate, hollow_start

OWN = 1e-3
HOSTILE = "<script>window.harmed = true</script><img src=x onerror='window.harmed = true'>"
DESK, PHONE = {"width": 1100, "height": 900}, {"width": 400, "height": 800}


@pytest.fixture(scope="module")
def told():
    return estimate(tol=OWN, smallest=HOSTILE, skipped=[Skipped(HOSTILE, "truncated", HOSTILE)])


@pytest.fixture(scope="module")
def path(told, tmp_path_factory):
    written = tmp_path_factory.mktemp("page") / "report.html"
    written.write_text(page(told), encoding="utf-8")
    return written


@pytest.fixture
def opened(open_file, path):
    """Return a function that opens the page."""
    return lambda size=DESK, file=path, **options: open_file(file, size, **options)


def words(page, selector) -> str:
    return " ".join(page.locator(selector).inner_text().replace("\u00a0", " ").split())


def pick(page, index):
    page.locator("#slider").evaluate(
        "(slider, index) => { slider.value = index; slider.dispatchEvent(new Event('input')); }", index
    )


def pixels(image: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(image)).convert("RGB"), dtype=float)


def test_it_opens_and_says_the_verdict(opened, told):
    there = opened()
    assert words(there, "h1") == headline(told.answer)
    assert there.title().startswith("Sufficient · digits")
    assert HOSTILE in words(there, "main")
    assert there.evaluate("window.harmed") is None


def test_the_slider_says_what_judge_says(opened, told):
    there = opened()
    table = rows(told, answers(told))
    before = words(there, "#tried")
    for index in [*range(0, len(table), 9), len(table) - 1]:
        pick(there, index)
        judged = replace(told, answer=judge(told.record, tol=float(words(there, "#tolerance"))))
        lines = " ".join(" ".join(judged.lines()).split())
        assert words(there, "#tried-headline") == headline(judged.answer)
        for said in there.locator("#tried-lines p > span").all_inner_texts():
            assert " ".join(said.split()) in lines
        code = judged.answer.reasons[0].code
        assert f"[{code}]" in words(there, "#tried-lines")
        assert there.locator("#slider").get_attribute("aria-valuetext").endswith(judged.verdict)
        assert words(there, "#again") == f"sufficient report RUN --tol {table[index].shown}"
        warned = there.locator("#warnings b").all_inner_texts()
        assert warned == [notice.code for notice in judged.answer.warnings]
        assert there.locator("#no-warnings").is_visible() is (not warned)
    there.click("#back")
    assert words(there, "#tried") == before
    assert there.locator("#back").is_disabled()


def test_where_more_was_asked_the_verdict_stays_while_the_tolerance_moves(opened, told, tmp_path):
    asked = told.judged(tol=OWN, targets=["accuracy=0.999"])
    file = tmp_path / "report.html"
    file.write_text(page(asked), encoding="utf-8")
    there = opened(file=file)
    table = rows(asked, answers(asked))
    warned = words(there, "#remarks")
    for index in (0, len(table) // 2, len(table) - 1):
        pick(there, index)
        alone = judge(told.record, tol=float(words(there, "#tolerance")))
        assert words(there, "#tried-headline") == headline(alone)
        assert there.locator("#tried").get_attribute("data-verdict") == alone.verdict
        assert words(there, "h1") == headline(asked.answer)
        assert there.locator(".hero").get_attribute("data-verdict") == "insufficient"
        assert words(there, "#remarks") == warned


def test_the_drawing_moves_along_the_curve(opened, told):
    there = opened()
    table = rows(told, answers(told))
    chart = there.locator(".wide.log")

    def where(selector):
        box = chart.locator(selector).bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    still = where(".tip")
    pick(there, [row.tolerance for row in table].index(OWN))
    assert where(".tip") == pytest.approx(still, abs=0.11)  # the template and the script place alike
    places = {}
    for tol in (2e-4, OWN, 5e-3):
        pick(there, [row.tolerance for row in table].index(tol))
        assert (
            chart.locator(".tol text").text_content()
            == f"tol {table[[r.tolerance for r in table].index(tol)].shown}"
        )
        places[tol] = where(".tip")
        frame, text = chart.bounding_box(), chart.locator(".mark text").bounding_box()
        assert frame["x"] <= text["x"]
        assert text["x"] + text["width"] <= frame["x"] + frame["width"]
        assert (text["x"] > places[tol][0]) is (places[tol][0] < frame["x"] + 0.36 * frame["width"])
    assert places[2e-4][0] > places[OWN][0] > places[5e-3][0]  # a stricter tolerance needs more objects
    assert places[2e-4][1] > places[OWN][1] > places[5e-3][1]
    row = next(row for row in table if row.verdict == "insufficient" and row.k is not None)
    pick(there, table.index(row))
    assert "forecast:" in chart.locator(".mark text").text_content()
    assert chart.get_attribute("data-verdict") == "insufficient"
    row = next(row for row in table if row.k is None and row.mark)
    pick(there, table.index(row))
    assert not chart.locator(".tip").is_visible()
    assert chart.locator(".lower-bound").text_content() == "".join(row.mark)


def test_keyboard_moves_the_tolerance_and_reads_the_stages(opened, told):
    there = opened()
    there.focus("#slider")
    shown = words(there, "#tolerance")
    there.keyboard.press("ArrowLeft")
    assert float(words(there, "#tolerance")) < float(shown)
    there.locator(".wide.log .stage").first.focus()
    assert words(there, "#stage").startswith("k = 32: δ =")
    there.keyboard.press("Tab")
    assert words(there, "#stage").startswith("k = 45: δ =")
    there.locator(".wide.log .stage").nth(4).hover()
    assert words(there, "#stage").startswith("k = 128: δ =")


def test_log_and_linear_axes(opened):
    there = opened()
    assert there.locator(".wide.log").is_visible()
    there.click("#scale")
    assert not there.locator(".wide.log").is_visible()
    assert there.locator(".wide.linear").is_visible()
    assert there.locator("#scale").get_attribute("aria-pressed") == "true"
    there.click("#scale")
    assert there.locator(".wide.log").is_visible()


def test_light_dark_and_print_are_not_blank(opened):
    light = pixels(opened(color_scheme="light").screenshot())
    there = opened(color_scheme="dark")
    dark = pixels(there.screenshot())
    assert np.median(light) > 240
    assert np.median(dark) < 40
    for image in (light, dark):
        assert image.std() > 8
        assert len(np.unique(image[::3, ::3].reshape(-1, 3), axis=0)) > 50
    there.click("#theme")
    assert np.median(pixels(there.screenshot())) > 240
    there.click("#theme")
    assert np.median(pixels(there.screenshot())) < 40
    there.emulate_media(media="print")
    printed = pixels(there.screenshot())
    assert np.median(printed) > 240  # on paper the ground is white, whatever the theme
    assert printed.std() > 8
    assert not there.locator("#slider").is_visible()
    document = there.pdf(prefer_css_page_size=True, print_background=True)
    assert document.startswith(b"%PDF")
    assert 20_000 < len(document) < 1_000_000


def test_printing_shows_the_runs_own_tolerance_and_unfolds(opened, told):
    there = opened()
    pick(there, 0)
    there.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert words(there, "#tried-headline") == headline(told.answer)
    assert there.locator("details:not([open])").count() == 0
    there.evaluate("dispatchEvent(new Event('afterprint'))")
    assert there.locator("details:not([open])").count() > 0


@pytest.mark.parametrize("width", [320, 400, 768])
def test_no_sideways_scrolling(opened, width):
    there = opened({"width": width, "height": 800})
    assert there.evaluate("document.documentElement.scrollWidth") <= width
    narrow = width <= 640
    assert there.locator(".narrow.log").is_visible() is narrow
    assert there.locator(".wide.log").is_visible() is not narrow
    sizes = there.evaluate(
        "[...document.querySelectorAll('.curve text')].filter(t => t.getBoundingClientRect().width)"
        ".map(t => parseFloat(getComputedStyle(t).fontSize) * t.getScreenCTM().a)"
    )
    assert min(sizes) > 8.5  # letters of the drawing stay legible


def test_without_javascript_it_is_whole(opened, told):
    there = opened(java_script_enabled=False)
    assert words(there, "h1") == headline(told.answer)
    assert there.locator(".wide.log").is_visible()
    assert words(there, "#tried-headline") == headline(told.answer)
    for name in ("#slider", "#scale", "#theme", "#copy"):
        assert not there.locator(name).is_visible()
    assert there.locator("details").count() >= 2


def test_a_long_name_and_hollow_sizes_fit_a_phone(opened, tmp_path):
    file = tmp_path / "report.html"
    long = "a" * 300
    file.write_text(page(estimate(hollow_start(), spec=long, smallest=long, features=long)), encoding="utf-8")
    there = opened(PHONE, file=file)
    assert there.evaluate("document.documentElement.scrollWidth") <= 400
    assert there.locator(".narrow.log .hollow").count() == 2
