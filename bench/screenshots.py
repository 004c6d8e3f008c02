"""The documentation's pictures: drawn streets above their masks, the page of a run, and the page of the server.

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
from playwright.sync_api import Browser, FilePayload, Page, ViewportSize, sync_playwright

from results_store import IMAGES
from seamline.data.sources.facades import PALETTE
from seamline.synthetic import facades

SIZE: ViewportSize = {"width": 1180, "height": 900}
PLACE = (
    "() => { const box = document.querySelector('#confusion').getBoundingClientRect(); return [box.top, box.height] }"
)


STREETS = 6
"""Buildings side by side, the first ones that are drawn."""


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
"""Corners of a shirt around the middle of 32 x 32, right and down."""


def main() -> None:
    """Draw the streets, and take the pages."""
    streets()
    browser_path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        if len(sys.argv) > 1:
            page(browser)
        server_pages(browser)
        browser.close()


@contextmanager
def served(name: str) -> Iterator[str]:
    """Serve a ready network on a free port; gives the page's address."""
    command = [sys.executable, "-m", "seamline", "serve", name, "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    ) as one:
        try:
            assert one.stdout is not None  # noqa: S101 - a pipe was asked for
            yield one.stdout.readline().split()[0]
        finally:
            one.terminate()


def server_pages(browser: Browser) -> None:
    """Take the server's page: a drawn street, wide and on a phone, and a shirt drawn on it."""
    street = io.BytesIO()
    images, _, groups = facades.generate(4 * STREETS, 1)
    firsts = np.unique(groups, return_index=True)[1][1:4]
    joined = Image.fromarray(np.concatenate(list(images[firsts]), axis=1))
    joined.resize((3 * joined.width // 2, 3 * joined.height // 2), Image.Resampling.LANCZOS).save(street, "PNG")
    photo: FilePayload = {"name": "street.png", "mimeType": "image/png", "buffer": street.getvalue()}
    with served("facades") as address:
        for name, size, scheme in (("light", SIZE, "light"), ("dark", SIZE, "dark"), ("phone", PHONE, "light")):
            shown = opened(browser, address, size, scheme)
            shown.set_input_files("#files", files=[photo])
            shown.wait_for_selector(".seen:not([hidden])")
            keep(shown, f"serve-{name}")
    with served("garments") as address:
        shown = opened(browser, address, PHONE, "dark")
        draw_shirt(shown)
        shown.wait_for_selector("#drawn .bar")
        shown.wait_for_load_state("networkidle")  # the answer to the last stroke
        keep(shown, "serve-garments")


def opened(browser: Browser, address: str, size: ViewportSize, scheme: str) -> Page:
    """Open the server's page in a window of its own."""
    context = browser.new_context(viewport=size, color_scheme=scheme, device_scale_factor=1.5, has_touch=size is PHONE)  # type: ignore[arg-type]
    shown = context.new_page()
    shown.goto(address)
    return shown


def draw_shirt(shown: Page) -> None:
    """Fill a shirt with strokes, as a finger would."""
    box = shown.locator("#board").bounding_box()
    assert box is not None  # noqa: S101 - it is on the page
    scale, middle = box["width"] / 32, (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for inwards in (1.0, 0.87, 0.74, 0.61, 0.48, 0.35, 0.22, 0.1):
        corners = [(middle[0] + x * scale * inwards, middle[1] + y * scale * inwards) for x, y in (*SHIRT, SHIRT[0])]
        shown.mouse.move(*corners[0])
        shown.mouse.down()
        for before, after in pairwise(corners):
            shown.mouse.move(*after, steps=max(2, int(math.dist(before, after) / 4)))
        shown.mouse.up()


def keep(shown: Page, name: str) -> None:
    """Take a page as a picture of few colours."""
    picture = Image.open(io.BytesIO(shown.screenshot(full_page=True))).convert("RGB")
    picture.quantize(255, Image.Quantize.MAXCOVERAGE).save(IMAGES / f"{name}.png", optimize=True)
    shown.context.close()


def streets() -> None:
    """Put the first image of each of a few buildings above the classes of its pixels."""
    images, labels, groups = facades.generate(4 * STREETS, 1)
    firsts = np.unique(groups, return_index=True)[1][:STREETS]
    masks = np.array(PALETTE, dtype=np.uint8)[labels[firsts]]
    rows = [np.concatenate(list(row), axis=1) for row in (images[firsts], masks)]
    Image.fromarray(np.concatenate(rows)).save(IMAGES / "synthetic-facades.jpg", quality=88, optimize=True)


def page(browser: Browser) -> None:
    """Take the head of the page and its confusion matrix, one below the other."""
    page_file = Path(sys.argv[1]).resolve() / "report.html"
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
        whole.quantize(96).save(IMAGES / f"page-{scheme}.png", optimize=True)
        context.close()


if __name__ == "__main__":
    main()
