"""The README's pictures: the page of a run, light and dark.

python bench/picture.py RUN      (needs Playwright and Chromium)
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import ViewportSize, sync_playwright

DOCS = Path(__file__).parent.parent / "docs"
SIZE: ViewportSize = {"width": 1180, "height": 1960}


def main() -> None:
    """Open the page with a cell of the confusion matrix chosen, and take its picture."""
    page_file = Path(sys.argv[1]).resolve() / "report.html"
    browser_path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            context = browser.new_context(viewport=SIZE, color_scheme=scheme)
            page = context.new_page()
            page.goto(page_file.as_uri())
            page.screenshot(path=DOCS / f"page-{scheme}.png")
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
