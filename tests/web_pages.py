"""Folders for browsers in tests: served by a plain static server, and used as a person does."""

import base64
import functools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Visit = Callable[..., Any]
"""Opens the page of a model: name, width and color scheme -> the page."""


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files, and prints nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        pass


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder by HTTP; yields the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def predict_files(page: Any, *files: Path, timeout: float = 60_000) -> list[dict[str, Any]]:
    """Choose photos as a person does; return what the page saves of each as JSON, in the order of the files."""
    count = page.locator(".card").count()
    page.set_input_files("#files", [str(file) for file in files])
    page.locator(".card .result:visible, .card .error").nth(count + len(files) - 1).wait_for(timeout=timeout)
    return [json.loads(saved(page.locator(".card").nth(index), page, "JSON")) for index in range(len(files))]


def saved(card: Any, page: Any, kind: str) -> bytes:
    """The file that a button of a card saves."""
    with page.expect_download() as download:
        card.get_by_role("button", name=f"Save {kind}").click()
    return Path(download.value.path()).read_bytes()


def encode(content: bytes) -> str:
    return base64.b64encode(content).decode()
