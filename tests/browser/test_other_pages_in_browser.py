"""The pages of a comparison and of the paper's reproduction in a browser: from a file, network off."""

import numpy as np
import pytest

from sufficient.paper.page import _headline
from sufficient.paper.page import page as paper_page
from sufficient.paper.report import NotRun
from sufficient.report.compare import compare
from sufficient.report.compare_text import conclusions
from tests.browser.test_page_in_browser import DESK, HOSTILE, pixels, words
from tests.paper.sweeps import NARROW, made_up
from tests.paper.test_report import a_report
from tests.report.estimates import estimate, falling, hollow_start

PAGES = ("compare", "paper")


@pytest.fixture(scope="module")
def compared():
    runs = (
        estimate(spec=HOSTILE),
        estimate(hollow_start(), spec="n" * 300, features="f" * 300),
        estimate(falling(used=4000)),
    )
    return compare(runs, tol=1e-3)


@pytest.fixture(scope="module")
def reproduced():
    sweeps = [made_up(), made_up(dataset="m" * 90, alpha=0.3, dead=[(0, NARROW)], objects=700)]
    return a_report(*sweeps, not_run=(NotRun(HOSTILE, HOSTILE, f"give {HOSTILE}"),))


@pytest.fixture(scope="module")
def files(compared, reproduced, tmp_path_factory):
    directory = tmp_path_factory.mktemp("pages")
    for name, text in (("compare", compared.to_html()), ("paper", paper_page(reproduced))):
        (directory / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: directory / f"{name}.html" for name in PAGES}


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("script", [True, False])
def test_it_opens_and_says_what_follows(open_file, files, compared, reproduced, name, script):
    there = open_file(files[name], DESK, java_script_enabled=script)
    claim = conclusions(compared)[0].split(": ")[0] + "."
    assert words(there, "h1") == {"compare": claim, "paper": _headline(reproduced)}[name]
    cut = HOSTILE.rpartition("/")[2]  # a comparison names data by the last part of their path
    assert {"compare": cut, "paper": HOSTILE}[name] in words(there, "main")
    assert there.locator("svg").first.is_visible()
    assert there.locator("table").first.is_visible()
    if script:
        assert there.evaluate("window.harmed") is None


@pytest.mark.parametrize("name", PAGES)
def test_light_dark_and_print_are_not_blank(open_file, files, name):
    light = pixels(open_file(files[name], DESK, color_scheme="light").screenshot())
    there = open_file(files[name], DESK, color_scheme="dark")
    dark = pixels(there.screenshot())
    assert np.median(light) > 240
    assert np.median(dark) < 40
    for image in (light, dark):
        assert image.std() > 8
        assert len(np.unique(image[::3, ::3].reshape(-1, 3), axis=0)) > 50
    there.emulate_media(media="print")
    printed = pixels(there.screenshot())
    assert np.median(printed) > 240
    assert printed.std() > 8
    document = there.pdf(prefer_css_page_size=True, print_background=True)
    assert document.startswith(b"%PDF")
    assert 20_000 < len(document) < 1_000_000


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [320, 400, 768])
def test_no_sideways_scrolling_and_legible_letters(open_file, files, name, width):
    there = open_file(files[name], {"width": width, "height": 800})
    assert there.evaluate("document.documentElement.scrollWidth") <= width
    sizes = there.evaluate(
        "[...document.querySelectorAll('svg text')].filter(t => t.getBoundingClientRect().width)"
        ".map(t => parseFloat(getComputedStyle(t).fontSize) * t.getScreenCTM().a)"
    )
    assert min(sizes) > 7.9
    if name == "compare":
        assert there.locator(".overlaid.narrow").is_visible() is (width <= 640)
        assert there.locator(".overlaid.wide").is_visible() is (width > 640)


def test_words_beside_the_intervals_stay_inside_the_drawing(open_file, files):
    for size, kind in ((DESK, "wide"), ({"width": 400, "height": 800}, "narrow")):
        there = open_file(files["compare"], size)
        frame = there.locator(f".overlaid.{kind}").bounding_box()
        told = there.locator(f".overlaid.{kind} .told, .overlaid.{kind} .letter").all()
        assert len(told) == 9  # three runs: words, letter at the row, letter at the curve
        for text in told:
            box = text.bounding_box()
            assert box["x"] >= frame["x"] - 1
            assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 1
