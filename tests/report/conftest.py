"""One made run with its page, and one browser, for all tests of this stage."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from report.made_run import make_run
from seamline.report.page import write_report


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with its page and figures; to be read only."""
    run = make_run(tmp_path_factory.mktemp("report") / "run")
    write_report(run)
    return run


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium, the one on the PATH."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((found for name in names if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"no browser on the PATH: looked for {', '.join(names)}")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield opened
        opened.close()
