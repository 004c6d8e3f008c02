"""The README's pictures: drawn streets above their masks, and the page of a run, light and dark.

python bench/picture.py [RUN]      (a RUN needs Playwright and Chromium)
"""

import io
import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import ViewportSize, sync_playwright

from seamline.data.sources import drawn_facades
from seamline.data.sources.facade_classes import COLOURS

DOCS = Path(__file__).parent.parent / "docs"
SIZE: ViewportSize = {"width": 1180, "height": 900}
PLACE = (
    "() => { const box = document.querySelector('#confusion').getBoundingClientRect(); return [box.top, box.height] }"
)


STREETS = 6
"""Buildings side by side, the first ones that are drawn."""


def main() -> None:
    """Draw the streets, and take the page of the run that is named."""
    streets()
    if len(sys.argv) > 1:
        page()


def streets() -> None:
    """Put the first image of each of a few buildings above the classes of its pixels."""
    images, labels, groups = drawn_facades.draw(4 * STREETS, 1)
    firsts = np.unique(groups, return_index=True)[1][:STREETS]
    masks = np.array(COLOURS, dtype=np.uint8)[labels[firsts]]
    rows = [np.concatenate(list(row), axis=1) for row in (images[firsts], masks)]
    Image.fromarray(np.concatenate(rows)).save(DOCS / "drawn-facades.jpg", quality=88, optimize=True)


def page() -> None:
    """Take the head of the page and its confusion matrix, one below the other."""
    page_file = Path(sys.argv[1]).resolve() / "report.html"
    browser_path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            context = browser.new_context(viewport=SIZE, color_scheme=scheme)
            shown = context.new_page()
            shown.goto(page_file.as_uri())
            head = shown.screenshot(clip={"x": 0, "y": 0, "width": SIZE["width"], "height": 930}, full_page=True)
            top, height = shown.evaluate(PLACE)
            matrix = shown.screenshot(clip={"x": 0, "y": top, "width": SIZE["width"], "height": height}, full_page=True)
            parts = [Image.open(io.BytesIO(picture)).convert("RGB") for picture in (head, matrix)]
            whole = Image.new("RGB", (SIZE["width"], sum(part.height for part in parts)))
            whole.paste(parts[0], (0, 0))
            whole.paste(parts[1], (0, parts[0].height))
            whole.quantize(96).save(DOCS / f"page-{scheme}.png", optimize=True)
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
