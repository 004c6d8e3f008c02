"""The README's pictures: the page of a run, light and dark.

python bench/picture.py RUN      (needs Playwright and Chromium)
"""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import ViewportSize, sync_playwright

DOCS = Path(__file__).parent.parent / "docs"
SIZE: ViewportSize = {"width": 1180, "height": 900}
PLACE = (
    "() => { const box = document.querySelector('#confusion').getBoundingClientRect(); return [box.top, box.height] }"
)


def main() -> None:
    """Take the head of the page and its confusion matrix, one below the other."""
    page_file = Path(sys.argv[1]).resolve() / "report.html"
    browser_path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            context = browser.new_context(viewport=SIZE, color_scheme=scheme)
            page = context.new_page()
            page.goto(page_file.as_uri())
            head = page.screenshot(clip={"x": 0, "y": 0, "width": SIZE["width"], "height": 930}, full_page=True)
            top, height = page.evaluate(PLACE)
            matrix = page.screenshot(clip={"x": 0, "y": top, "width": SIZE["width"], "height": height}, full_page=True)
            parts = [Image.open(io.BytesIO(picture)).convert("RGB") for picture in (head, matrix)]
            whole = Image.new("RGB", (SIZE["width"], sum(part.height for part in parts)))
            whole.paste(parts[0], (0, 0))
            whole.paste(parts[1], (0, parts[0].height))
            whole.quantize(96).save(DOCS / f"page-{scheme}.png", optimize=True)
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
