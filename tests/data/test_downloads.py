"""Downloads from a local server that fails in the ways of real servers."""

import hashlib
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from seamline.data import downloads
from seamline.data.downloads import fetch
from seamline.errors import DatasetUnavailableError, SeamlineError

BODY = np.random.default_rng(0).bytes(300_000)
GARBAGE = np.random.default_rng(1).bytes(len(BODY))
MD5 = hashlib.md5(BODY, usedforsecurity=False).hexdigest()
HALF = len(BODY) // 2


class Handler(BaseHTTPRequestHandler):
    """Answers with the behavior that the server holds for the path, and writes the request down."""

    server: "Server"

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers.get("Range")))
        try:
            self.server.behaviors[self.path](self)
        except ConnectionError:
            self.close_connection = True  # the client has turned away, as it may

    def log_message(self, *args: object) -> None:
        """Stay silent."""

    @property
    def start(self) -> int:
        """The first byte asked for."""
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))
        assert match is not None
        return int(match[1])

    def send(self, code: int, body: bytes, length: int | None = None, **headers: str) -> None:
        """Send a whole answer; `length` is what it claims to hold, by default the truth."""
        self.send_response(code)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """A server whose threads are waited for, so that no socket outlives a test."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviors: dict[str, Behavior] = {}
        self.requests: list[tuple[str, str | None]] = []
        self.over = Event()

    def serve(self, behavior: "Behavior", path: str = "/file") -> str:
        """Give a path a behavior and return its address."""
        self.behaviors[path] = behavior
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


Behavior = Callable[[Handler], None]


def good(handler: Handler) -> None:
    start = handler.start
    if start == 0:
        handler.send(200, BODY)
    elif start >= len(BODY):
        handler.send(416, b"", Content_Range=f"bytes */{len(BODY)}")
    else:
        handler.send(206, BODY[start:], Content_Range=f"bytes {start}-{len(BODY) - 1}/{len(BODY)}")


def without_range(handler: Handler) -> None:
    handler.send(200, BODY)


def without_length(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(BODY)


def garbage(handler: Handler) -> None:
    handler.send(200, GARBAGE)


def status(code: int) -> Behavior:
    return lambda handler: handler.send(code, b"<html>no</html>")


def cuts_off(times: int, *, ranges: bool = True) -> Behavior:
    """Send half of what is left, `times` times, and be good from then on."""
    left = [times]

    def behave(handler: Handler) -> None:
        if left[0] == 0:
            return good(handler)
        left[0] -= 1
        start = handler.start if ranges else 0
        rest = BODY[start:]
        part = rest[: len(rest) // 2]
        if start:
            return handler.send(206, part, len(rest), Content_Range=f"bytes {start}-{len(BODY) - 1}/{len(BODY)}")
        return handler.send(200, part, len(rest))

    return behave


def claims(length: int, body: bytes = BODY) -> Behavior:
    return lambda handler: handler.send(200, body, length)


def hangs(handler: Handler) -> None:
    handler.server.over.wait(10)


def hangs_half_way(handler: Handler) -> None:
    if handler.start:
        return good(handler)
    handler.send(200, BODY[:HALF], len(BODY))
    handler.server.over.wait(10)
    return None


def wrong_range(content_range: str) -> Behavior:
    """Answer a range request with other bytes than asked for."""

    def behave(handler: Handler) -> None:
        if handler.start:
            return handler.send(206, GARBAGE[:1000], Content_Range=content_range)
        return handler.send(200, BODY)

    return behave


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(downloads, "PAUSE", 0.0)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    with Server() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005})
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "garments.gz"


def partial_of(target: Path) -> Path:
    return target.with_name("garments.gz.part")


def put_partial(target: Path, content: bytes) -> None:
    target.parent.mkdir()
    partial_of(target).write_bytes(content)


def assert_fetched(target: Path) -> None:
    """The target is there, right, and alone in its folder."""
    assert target.read_bytes() == BODY
    assert list(target.parent.iterdir()) == [target]


def one_line(error: pytest.ExceptionInfo[SeamlineError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert "\r" not in text
    return text


@pytest.mark.parametrize(
    "behavior",
    [good, without_range, without_length, cuts_off(1), cuts_off(2), cuts_off(1, ranges=False), hangs_half_way],
    ids=["good", "without Range", "without length", "cut once", "cut twice", "cut, then afresh", "hangs half way"],
)
def test_one_address_gives_the_file(server: Server, target: Path, behavior: Behavior) -> None:
    assert fetch([server.serve(behavior)], target, check=MD5, timeout=0.8) == target
    assert_fetched(target)


def test_md5_is_case_insensitive(server: Server, target: Path) -> None:
    fetch([server.serve(good)], target, check=MD5.upper())
    assert_fetched(target)


def test_interrupted_transfers_resume(server: Server, target: Path) -> None:
    fetch([server.serve(cuts_off(2))], target, check=MD5)
    assert [asked for _, asked in server.requests] == [None, f"bytes={HALF}-", f"bytes={HALF + HALF // 2}-"]
    assert_fetched(target)


def test_short_range_responses_are_continued(server: Server, target: Path) -> None:
    """A server may give less than the range asked for, and say so."""

    def miserly(handler: Handler) -> None:
        start = handler.start
        if start == 0:
            return handler.send(200, BODY[:HALF], len(BODY))
        stop = min(start + HALF // 2, len(BODY))
        return handler.send(206, BODY[start:stop], Content_Range=f"bytes {start}-{stop - 1}/{len(BODY)}")

    fetch([server.serve(miserly)], target, check=MD5)
    assert len(server.requests) == 3
    assert_fetched(target)


@pytest.mark.parametrize(
    "behavior",
    [
        status(404),
        status(403),
        status(500),
        status(204),
        garbage,
        hangs,
        cuts_off(99),
        claims(len(BODY) - 1000),
        claims(len(BODY) + 1000, GARBAGE),
        lambda handler: handler.send(206, BODY, Content_Range=f"bytes 0-{len(BODY) - 1}/{len(BODY)}"),
        lambda handler: handler.wfile.write(b"\r\n\r\nnot HTTP\r\n"),
        lambda handler: handler.send(302, b"", Location="ftp://127.0.0.1/file"),
        lambda handler: handler.send(302, b"", Location="/elsewhere"),
    ],
    ids=[
        *("404", "403", "500", "204", "garbage", "hangs", "always cut off", "length too short", "length too long"),
        *("206 unasked", "not HTTP", "leads to FTP", "leads to a 404"),
    ],
)
def test_mirror_is_used(server: Server, target: Path, behavior: Behavior) -> None:
    server.serve(status(404), "/elsewhere")
    fetch([server.serve(behavior, "/bad"), server.serve(good, "/mirror")], target, check=MD5, timeout=0.8)
    assert server.requests[0][0] == "/bad"
    assert server.requests[-1][0] == "/mirror"
    assert_fetched(target)


def test_mirror_is_used_when_the_connection_is_refused(server: Server, target: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        fetch([f"http://127.0.0.1:{unused.getsockname()[1]}/file", server.serve(good)], target, check=MD5)
    assert_fetched(target)


def test_mirror_resumes_where_the_first_address_stopped(server: Server, target: Path) -> None:
    def cuts_off_then_fails(handler: Handler) -> None:
        return status(500)(handler) if handler.start else handler.send(200, BODY[:HALF], len(BODY))

    fetch([server.serve(cuts_off_then_fails, "/bad"), server.serve(good, "/mirror")], target, check=MD5)
    assert server.requests == [("/bad", None), ("/bad", f"bytes={HALF}-"), ("/mirror", f"bytes={HALF}-")]
    assert_fetched(target)


def test_invalid_bytes_are_never_continued(server: Server, target: Path) -> None:
    urls = [server.serve(garbage, "/bad"), server.serve(good, "/mirror")]
    fetch(urls, target, check=MD5)
    assert server.requests == [("/bad", None), ("/mirror", None)]


def test_redirects_are_followed(server: Server, target: Path) -> None:
    server.serve(good, "/there")
    fetch([server.serve(lambda handler: handler.send(302, b"", Location="/there"))], target, check=MD5)
    assert_fetched(target)


def test_too_large_a_length_does_not_matter_for_valid_bytes(server: Server, target: Path) -> None:
    fetch([server.serve(claims(len(BODY) + 1000))], target, check=MD5)
    assert len(server.requests) == 1
    assert_fetched(target)


def test_partial_file_of_an_earlier_call_is_completed(server: Server, target: Path) -> None:
    put_partial(target, BODY[:100_000])
    fetch([server.serve(good)], target, check=MD5)
    assert server.requests == [("/file", "bytes=100000-")]
    assert_fetched(target)


def test_complete_partial_file_needs_no_server(server: Server, target: Path) -> None:
    put_partial(target, BODY)
    fetch([server.serve(good)], target, check=MD5)
    assert server.requests == []
    assert_fetched(target)


@pytest.mark.parametrize(
    ("half", "behavior"),
    [
        (GARBAGE[:100_000], good),
        (GARBAGE, good),
        (BODY + b"more", good),
        (BODY[:100_000], without_range),
        (BODY[:100_000], wrong_range(f"bytes 0-999/{len(BODY)}")),
        (BODY[:100_000], wrong_range("nonsense")),
        (BODY[:100_000], wrong_range(f"bytes {'9' * 5000}-{'9' * 5001}/*")),
    ],
    ids=["garbage", "416", "416, too long", "200", "206 of other bytes", "206 without sense", "206 of huge numbers"],
)
def test_invalid_partial_file_is_replaced(server: Server, target: Path, half: bytes, behavior: Behavior) -> None:
    put_partial(target, half)
    fetch([server.serve(behavior)], target, check=MD5)
    assert server.requests[0] == ("/file", f"bytes={len(half)}-")
    assert_fetched(target)


def test_response_with_the_whole_file_replaces_the_partial_file(server: Server, target: Path) -> None:
    put_partial(target, BODY[:100_000])
    fetch([server.serve(without_range)], target, check=MD5)
    assert len(server.requests) == 1
    assert_fetched(target)


def test_existing_target_is_returned_unchanged(server: Server, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"as it was")
    changed = target.parent.stat().st_mtime_ns
    assert fetch([server.serve(good)], target, check=MD5) == target
    assert target.read_bytes() == b"as it was"
    assert server.requests == []
    assert target.parent.stat().st_mtime_ns == changed, "a folder that cannot be written must do"


def test_target_appears_only_when_complete(server: Server, target: Path) -> None:
    seen = []
    fetch([server.serve(cuts_off(1))], target, check=MD5, progress=lambda *_: seen.append(target.exists()))
    assert len(seen) > 2
    assert not any(seen)
    assert target.exists()


def test_progress_counts_bytes(server: Server, target: Path) -> None:
    calls: list[tuple[str, int, int | None]] = []
    put_partial(target, BODY[:100_000])
    fetch([server.serve(good)], target, check=MD5, progress=lambda *call: calls.append(call))
    assert {(name, total) for name, _, total in calls} == {("garments.gz", len(BODY))}
    done = [count for _, count, _ in calls]
    assert done[0] == 100_000
    assert done[-1] == len(BODY)
    assert done == sorted(done)


def test_progress_without_a_length(server: Server, target: Path) -> None:
    calls: list[tuple[str, int, int | None]] = []
    fetch([server.serve(without_length)], target, check=MD5, progress=lambda *call: calls.append(call))
    assert calls[-1] == ("garments.gz", len(BODY), None)


def test_failure_is_one_line_that_names_file_reasons_and_remedy(server: Server, target: Path) -> None:
    urls = [
        server.serve(status(404), "/a"),
        server.serve(garbage, "/b"),
        server.serve(hangs, "/c"),
        server.serve(cuts_off(99), "/d"),
    ]
    with pytest.raises(DatasetUnavailableError) as error:
        fetch(urls, target, check=MD5, timeout=0.8)
    text = one_line(error)
    parts = ("404 Not Found", "wrong MD5", "no response within 0.8 s", "cut off after", f"of {len(BODY):,} bytes")
    for part in ("garments.gz", "127.0.0.1", *parts, str(target.parent)):
        assert part in text
    assert not target.exists()


def test_failure_without_a_byte_leaves_no_file(server: Server, target: Path) -> None:
    with pytest.raises(SeamlineError, match="garments"):
        fetch([server.serve(status(404), "/a"), server.serve(garbage, "/b")], target, check=MD5)
    assert list(target.parent.iterdir()) == []


def test_failure_leaves_the_partial_file_for_the_next_call(server: Server, target: Path) -> None:
    with pytest.raises(SeamlineError, match="cut off"):
        fetch([server.serve(cuts_off(99))], target, check=MD5)
    assert len(server.requests) == downloads.ATTEMPTS
    received = partial_of(target).stat().st_size
    fetch([server.serve(good)], target, check=MD5)
    assert server.requests[-1] == ("/file", f"bytes={received}-")
    assert_fetched(target)


def test_interruption_leaves_the_partial_file(server: Server, target: Path) -> None:
    def interrupt(name: str, done: int, total: int | None) -> None:
        if done > HALF:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch([server.serve(good)], target, check=MD5, progress=interrupt)
    received = partial_of(target).stat().st_size
    assert received > HALF
    fetch([server.serve(good)], target, check=MD5)
    assert server.requests[-1] == ("/file", f"bytes={received}-")


def test_unwritable_folder_is_one_line(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SeamlineError) as error:
        fetch([server.serve(good)], tmp_path / "file" / "garments.gz", check=MD5)
    text = one_line(error)
    assert error.type is DatasetUnavailableError
    assert "garments.gz" in text
    assert "SEAMLINE_CACHE" in text


def test_no_address_is_a_failure(target: Path) -> None:
    with pytest.raises(SeamlineError, match="no address"):
        fetch([], target, check=MD5)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/file", "file:///etc/hosts", "/etc/hosts", ""])
def test_other_addresses_are_refused(target: Path, url: str) -> None:
    with pytest.raises(ValueError, match="http"):
        fetch([url], target, check=MD5)
    assert not target.parent.exists()


def start_process(url: str, target: Path) -> "subprocess.Popen[bytes]":
    """Fetch in a process of its own."""
    code = (
        "import sys; from pathlib import Path; from seamline.data.downloads import fetch; "
        "fetch([sys.argv[1]], Path(sys.argv[2]), check=sys.argv[3])"
    )
    return subprocess.Popen([sys.executable, "-c", code, url, str(target), MD5])


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "waited for 10 s in vain"
        time.sleep(0.005)


def gated(gate: Event) -> Behavior:
    """Send the first half, and the second one when the gate opens; answer range requests at once."""

    def behave(handler: Handler) -> None:
        if handler.start:
            return good(handler)
        handler.send(200, BODY[:HALF], len(BODY))
        gate.wait(10)
        handler.wfile.write(BODY[HALF:])
        return None

    return behave


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be locked there")
def test_second_process_waits_for_the_first(server: Server, target: Path) -> None:
    gate = Event()
    url = server.serve(gated(gate))
    with start_process(url, target) as process:
        wait_until(lambda: len(server.requests) == 1)
        timer = threading.Timer(0.2, gate.set)
        timer.start()
        fetch([url], target, check=MD5)
        timer.join()
        assert process.wait(10) == 0
    assert server.requests == [("/file", None)]
    assert_fetched(target)


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be locked there")
def test_killed_process_releases_the_lock(server: Server, target: Path) -> None:
    gate = Event()
    url = server.serve(gated(gate))
    with start_process(url, target) as process:
        wait_until(lambda: partial_of(target).exists() and partial_of(target).stat().st_size > 0)
        process.kill()
    received = partial_of(target).stat().st_size
    fetch([url], target, check=MD5)
    gate.set()
    assert server.requests == [("/file", None), ("/file", f"bytes={received}-")]
    assert_fetched(target)


def test_many_threads_at_once(server: Server, target: Path) -> None:
    url = server.serve(cuts_off(1))
    results: list[bytes] = []
    threads = [Thread(target=lambda: results.append(fetch([url], target, check=MD5).read_bytes())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [BODY] * 8
    assert_fetched(target)
