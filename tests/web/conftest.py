"""Folders for browsers, served by a plain static server below a path, as on a web host."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import seamline
from seamline.errors import SeamlineError
from seamline.web.runtime import find_runtime
from web_pages import Visit, serving


@pytest.fixture(scope="session")
def runtime() -> Path:
    """The runtime from the user's own cache, which npm fills once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SEAMLINE_CACHE", raising=False)
        try:
            return find_runtime()
        except SeamlineError as error:
            pytest.skip(f"no runtime for browsers: {error}")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, runtime: Path) -> Path:
    """The root of a web server with folders of pretrained models below `some/path`."""
    root = tmp_path_factory.mktemp("site")
    for name in ("garments", "facades"):
        seamline.export_web(name, root / "some" / "path" / name, runtime=runtime)
    return root


@pytest.fixture(scope="module")
def visit(browser: Any, site: Path) -> Iterator[Visit]:
    """Open the page of a model; afterwards fail on messages of the console and on requests that went elsewhere."""
    contexts, complaints = [], []
    with serving(site) as address:

        def open_page(name: str, width: int = 1280, scheme: str = "light", **settings: Any) -> Any:
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **settings)
            contexts.append(context)
            page = context.new_page()
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on(
                "request", lambda request: None if is_local(request.url, address) else complaints.append(request.url)
            )
            page.goto(f"{address}some/path/{name}/")
            page.locator("#engine", has_text="Ready").wait_for()
            return page

        yield open_page
        for context in contexts:
            context.close()
    assert not complaints


def is_local(url: str, address: str) -> bool:
    return url.startswith((address, "data:", "blob:"))
