"""Take the screenshots of the documentation: synthetic facades with masks, the report of a run, the web page.

python bench/screenshots.py [RUN]      (needs Playwright and Chromium)
"""

import io
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from results_store import IMAGES
from seamline.data.sources.facades import PALETTE
from seamline.synthetic import facades

SIZE: ViewportSize = {"width": 1180, "height": 900}
CONFUSION_BOX = (
    "() => { const box = document.querySelector('#confusion').getBoundingClientRect(); return [box.top, box.height] }"
)


BUILDINGS = 6
"""Number of synthetic buildings in the picture."""


PHONE: ViewportSize = {"width": 390, "height": 844}
SHIRT = (
    (-9, 12),
    (-9, -3),
    (-12, 2),
    (-14, 0),
    (-9, -12),
    (-3, -13),
    (3, -13),
    (9, -12),
    (14, 0),
    (12, 2),
    (9, -3),
    (9, 12),
)
"""Corners of a shirt, as offsets from the center of 32 x 32 pixels."""


def main() -> None:
    """Take all screenshots."""
    streets()
    browser_path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        if len(sys.argv) > 1:
            report_page(browser)
        server_pages(browser)
        browser.close()


@contextmanager
def serve(name: str) -> Iterator[str]:
    """Serve a pretrained model on a free port; yields the address of the page."""
    command = [sys.executable, "-m", "seamline", "serve", name, "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    ) as server:
        try:
            assert server.stdout is not None  # noqa: S101 - stdout is a pipe
            yield server.stdout.readline().split()[0]
        finally:
            server.terminate()


def server_pages(browser: Browser) -> None:
    """Take the web page: a drawn street on a desktop and a phone, and a shirt drawn by hand."""
    with serve("streets") as address:
        for name, size, scheme in (("light", SIZE, "light"), ("dark", SIZE, "dark"), ("phone", PHONE, "light")):
            tab = open_page(browser, address, size, scheme)
            tab.get_by_role("button", name="Balconies").click()
            tab.wait_for_selector(".card[data-state=done]")
            tab.get_by_role("slider", name="Photo without colors").focus()
            for _ in range(3):
                tab.keyboard.press("PageUp")  # by 10 %
            tab.evaluate("() => document.activeElement.blur()")
            probe = tab.get_by_role("application")
            box = probe.bounding_box()
            assert box is not None  # noqa: S101 - it is on the page
            point = {"clientX": box["x"] + 0.5 * box["width"], "clientY": box["y"] + 0.36 * box["height"]}
            probe.dispatch_event("click", point)  # a pointer would leave when the window grows for the picture
            save_screenshot(tab, f"serve-{name}")
    with serve("garments") as address:
        tab = open_page(browser, address, PHONE, "dark")
        draw_shirt(tab)
        tab.wait_for_selector("#board-result .bars")
        tab.wait_for_load_state("networkidle")  # the prediction for the last stroke
        save_screenshot(tab, "serve-garments")


def open_page(browser: Browser, address: str, size: ViewportSize, scheme: str) -> Page:
    """Open the web page in a new window."""
    context = browser.new_context(viewport=size, color_scheme=scheme, device_scale_factor=1.5, has_touch=size is PHONE)  # type: ignore[arg-type]
    tab = context.new_page()
    tab.goto(address)
    return tab


def draw_shirt(tab: Page) -> None:
    """Fill a shirt with strokes, as with a finger."""
    box = tab.locator("#board").bounding_box()
    assert box is not None  # noqa: S101 - it is on the page
    scale, center = box["width"] / 32, (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for shrink in (1.0, 0.87, 0.74, 0.61, 0.48, 0.35, 0.22, 0.1):
        corners = [(center[0] + x * scale * shrink, center[1] + y * scale * shrink) for x, y in (*SHIRT, SHIRT[0])]
        tab.mouse.move(*corners[0])
        tab.mouse.down()
        for before, after in pairwise(corners):
            tab.mouse.move(*after, steps=max(2, int(math.dist(before, after) / 4)))
        tab.mouse.up()


def save_screenshot(tab: Page, name: str) -> None:
    """Save a screenshot of a page with a small palette."""
    image = Image.open(io.BytesIO(tab.screenshot(full_page=True))).convert("RGB")
    image.quantize(255, Image.Quantize.MAXCOVERAGE, kmeans=3).save(IMAGES / f"{name}.png", optimize=True)
    tab.context.close()


def streets() -> None:
    """Save images of a few synthetic buildings above their masks."""
    images, labels, groups = facades.generate(4 * BUILDINGS, 1)
    firsts = np.unique(groups, return_index=True)[1][:BUILDINGS]
    masks = np.array(PALETTE, dtype=np.uint8)[labels[firsts]]
    rows = [np.concatenate(list(row), axis=1) for row in (images[firsts], masks)]
    Image.fromarray(np.concatenate(rows)).save(IMAGES / "synthetic-facades.jpg", quality=88, optimize=True)


def report_page(browser: Browser) -> None:
    """Take the header of a report and its confusion matrix, one below the other."""
    page_file = Path(sys.argv[1]).resolve() / "report.html"
    for scheme in ("light", "dark"):
        context = browser.new_context(viewport=SIZE, color_scheme=scheme)
        tab = context.new_page()
        tab.goto(page_file.as_uri())
        end = tab.evaluate("() => document.querySelector('section').getBoundingClientRect().top")
        head = tab.screenshot(clip={"x": 0, "y": 0, "width": SIZE["width"], "height": end}, full_page=True)
        top, height = tab.evaluate(CONFUSION_BOX)
        matrix = tab.screenshot(clip={"x": 0, "y": top, "width": SIZE["width"], "height": height}, full_page=True)
        images = [Image.open(io.BytesIO(image)).convert("RGB") for image in (head, matrix)]
        canvas = Image.new("RGB", (SIZE["width"], sum(image.height for image in images)))
        canvas.paste(images[0], (0, 0))
        canvas.paste(images[1], (0, images[0].height))
        canvas.quantize(96).save(IMAGES / f"page-{scheme}.png", optimize=True)
        context.close()


if __name__ == "__main__":
    main()
