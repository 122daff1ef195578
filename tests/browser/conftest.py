"""A real browser, offline; without one these tests skip and say what is missing."""

import shutil

import pytest

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip


@pytest.fixture(scope="package")
# of the package: closed before other tests fork processes, which would hold its pipes open
def browser():
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install '.[test]'"
    )
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no chromium on the PATH: apt-get install chromium")
    with sync_api.sync_playwright() as play:
        launched = play.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def open_file(browser):
    """Return a function that opens a file with the network off; at the end nothing may have gone wrong."""
    contexts, troubles = [], []

    def opened(file, size, **options):
        context = browser.new_context(viewport=size, offline=True, **options)
        contexts.append(context)
        there = context.new_page()
        there.on("console", lambda message: troubles.append(message.text))
        there.on("pageerror", lambda error: troubles.append(str(error)))
        there.on(
            "request", lambda request: None if request.url == file.as_uri() else troubles.append(request.url)
        )
        there.goto(file.as_uri())
        return there

    yield opened
    for context in contexts:
        context.close()
    assert [trouble for trouble in troubles if not trouble.startswith("data:")] == []
