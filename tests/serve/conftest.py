"""Models to serve, and pages of the server in a browser."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seamline.inference.predictor import Predictor, load_model

Visit = Callable[..., Any]


@pytest.fixture(scope="session")
def masks(segmenter: Path) -> Predictor:
    """Its prediction for the usual photo: the right half is bright."""
    return load_model(segmenter)


@pytest.fixture(scope="session")
def labels(classifier: Path) -> Predictor:
    return load_model(classifier)


@pytest.fixture
def visit(browser: Any) -> Iterator[Visit]:
    """Open a page; afterwards fail on complaints, except of refused photos, and on requests that went elsewhere."""
    contexts, complaints = [], []

    def visit_it(place: str, width: int = 1200, scheme: str = "light", **settings: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: None if "status of 4" in message.text else complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: None if is_here(asked.url, place) else complaints.append(asked.url[:99]))
        page.goto(place)
        page.locator("#limits", has_text="MiB").wait_for()
        return page

    yield visit_it
    for context in contexts:
        context.close()
    assert not complaints


def small_targets(page: Any) -> list[str]:
    """Controls that can be seen and are less than 24 pixels high or wide."""
    small: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("button, a, select, summary, input:not([hidden])")]
          .filter((one) => one.checkVisibility() && !one.closest("p") && !one.matches(".visually-hidden"))
          .filter((one) => { const box = one.getBoundingClientRect(); return box.width < 24 || box.height < 24; })
          .map((one) => one.outerHTML.slice(0, 120))"""
    )
    return small


def is_here(url: str, place: str) -> bool:
    return url.startswith((place, "data:", "blob:"))
