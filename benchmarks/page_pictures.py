"""Pictures of a run's page: light, dark, narrow and on paper.

Needs    playwright (in `.[test]`) and a chromium on the PATH, e.g. Debian's `chromium`.
Run      python -m benchmarks.page_pictures RUN --out DIR   (RUN: the directory of a run, holding report.html)
Writes   light.png, dark.png, narrow.png (400 pixels wide), print.pdf, and top.png: the first screen, 256
         colours, small enough for a README.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip
DESK, PHONE = {"width": 1100, "height": 1085}, {"width": 400, "height": 860}
WHOLE = {"light": (DESK, "light"), "dark": (DESK, "dark"), "narrow": (PHONE, "light")}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("run", type=Path)
    arguments.add_argument("--out", type=Path, default=Path("pictures"))
    given = arguments.parse_args()
    page = given.run if given.run.suffix == ".html" else given.run / "report.html"
    chromium = shutil.which("chromium")
    if not page.exists() or chromium is None:
        sys.exit(f"needs {page} (sufficient report writes it) and chromium on the PATH")
    given.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for name, (size, scheme) in WHOLE.items():
            (given.out / f"{name}.png").write_bytes(picture(browser, page, size, scheme, whole=True))
        top = Image.open(io.BytesIO(picture(browser, page, DESK, "light", whole=False)))
        top.convert("RGB").quantize(256, kmeans=2, dither=Image.Dither.NONE).save(
            given.out / "top.png", optimize=True
        )
        opened = browser.new_page()
        opened.goto(page.resolve().as_uri())
        opened.pdf(path=given.out / "print.pdf", prefer_css_page_size=True, print_background=True)
        browser.close()


def picture(browser: Browser, page: Path, size: dict[str, int], scheme: str, *, whole: bool) -> bytes:
    """Return a PNG of the page, all of it or its first screen."""
    context = browser.new_context(viewport=size, color_scheme=scheme, offline=True, device_scale_factor=1.5)
    opened = context.new_page()
    opened.goto(page.resolve().as_uri())
    image = opened.screenshot(full_page=whole)
    context.close()
    return image


if __name__ == "__main__":
    main()
