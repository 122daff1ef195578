"""The picture of a run's answer in a terminal, as the README shows it.

Needs    playwright (in `.[test]`) and a chromium on the PATH, e.g. Debian's `chromium`.
Run      python -m benchmarks.terminal_picture RUN --out FILE.png   (RUN: the directory of a run)
Writes   FILE.png: what `sufficient report RUN` prints, 110 columns wide, with the live curve above it.
"""

from __future__ import annotations

import argparse
import io
import re
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from benchmarks.page_pictures import ARGUMENTS
from sufficient.cli.live import plot_text
from sufficient.cli.output import VERDICT_STYLE, wrapped
from sufficient.result import Estimate
from sufficient.stored import load

COLUMNS = 110
LOCAL_FONT = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)  # no web font
SHOWN = ("decided", "target", "measured", "model", "data", "how many", "more data", "per class", " ")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("run", type=Path)
    arguments.add_argument("--out", type=Path, default=Path("terminal.png"))
    given = arguments.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("needs chromium on the PATH")
    drawing = svg(load(given.run))
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = browser.new_page(device_scale_factor=1.5, viewport={"width": 1000, "height": 800})
        page.set_content(f"<style>body {{ margin: 0 }} svg {{ width: 1000px }}</style>{drawing}")
        shot = Image.open(io.BytesIO(page.locator("svg.rich-terminal").screenshot()))
        browser.close()
    shot.convert("RGB").quantize(32, dither=Image.Dither.NONE).save(given.out, optimize=True)


def svg(estimate: Estimate) -> str:
    """Return the terminal as an SVG drawing."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, highlight=False)
    for line in plot_text(estimate.curve, estimate.answer.tolerance, width=72, height=11):
        console.print(Text(line, style="red" if "─ tol" in line else "cyan"))
    console.print()
    headline, *lines = estimate.lines()
    console.print(Text(headline, style=VERDICT_STYLE[estimate.verdict]))
    for line in lines:
        if not line or line.startswith(SHOWN):
            for part in wrapped(line, COLUMNS):
                console.print(Text(part))
    return console.export_svg(
        title=f"sufficient estimate --data {Path(estimate.record.data['spec']).name}",
        theme=MONOKAI,
        code_format=LOCAL_FONT,
        unique_id="answer",
    )


if __name__ == "__main__":
    main()
