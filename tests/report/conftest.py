"""Run folders with their pages for all tests of the report."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from report.factories import write_classification_run, write_segmentation_run
from seamline.report.page import write_report

Open = Callable[..., Any]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier's run folder with its page and figures; to be read only."""
    run = write_classification_run(tmp_path_factory.mktemp("report") / "run")
    write_report(run)
    return run


@pytest.fixture(scope="session")
def segmented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A segmenter's run folder with its page and figures; to be read only."""
    run = write_segmentation_run(tmp_path_factory.mktemp("report") / "segmented")
    write_report(run)
    return run


@pytest.fixture
def open_page(browser: Any) -> Iterator[Open]:
    """Open a page from disk; afterwards fail on any message in the console and on any request that left the file."""
    contexts, problems = [], []

    def open_it(
        run: Path, width: int = 1280, scheme: str = "light", hash_: str = "", file: str = "report.html", **settings: Any
    ) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: problems.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("requestfailed", lambda request: problems.append(f"failed: {request.url[:99]}"))
        page.on("request", lambda request: None if is_local(request.url, file) else problems.append(request.url[:99]))
        page.goto((run / file).as_uri() + hash_)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert not problems


def is_local(url: str, file: str) -> bool:
    return url.startswith("data:") or (url.startswith("file:") and file in url)
