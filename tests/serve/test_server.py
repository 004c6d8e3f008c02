"""The command `serve`, as a process of its own."""

import asyncio
import io
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import load_test
from run_factories import save_photo
from server_fixture import served

PREDICT = "/api/predict?mask=false"


def large_photo() -> bytes:
    """Return a photo whose mask takes some seconds to make."""
    pixels = np.random.default_rng(0).integers(0, 255, (5_000, 6_000), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=30)
    return stream.getvalue()


def answer_of(connection: HTTPConnection) -> tuple[HTTPResponse, bytes]:
    answer = connection.getresponse()
    return answer, answer.read()


def test_it_answers_and_ends_after_what_is_running(segmenter: Path, tmp_path: Path) -> None:
    with served(segmenter) as (process, port, line):
        assert line == f"http://127.0.0.1:{port}/  spots-fast (segmentation, 2 classes)"
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", PREDICT, save_photo(tmp_path / "a.png").read_bytes())
        answer, content = answer_of(connection)
        assert answer.status == 200
        assert json.loads(content)["width"] == 100
        connection.request("POST", PREDICT, large_photo())
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        answer, content = answer_of(connection)
        assert answer.status == 200
        assert json.loads(content)["width"] == 6_000
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
        connection.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 5)


def apart(work: Coroutine[Any, Any, Any]) -> Any:
    """Run in a thread of its own: a browser of other tests keeps a loop in this one."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_mixed_load(segmenter: Path, tmp_path: Path) -> None:
    """The long form is bench/load_test.py."""
    senders = {"valid": 4, "form": 2, "pixel_bomb": 1, "large": 1, "invalid": 2, "foreign_host": 2}
    with served(segmenter) as (process, port, _):
        photos = [save_photo(tmp_path / f"{width}.png", 200, width).read_bytes() for width in (120, 333)]
        load = load_test.LoadTest(port, load_test.predict_alone(port, photos), time.monotonic() + 4)
        before = load_test.memory_of(process.pid)
        memory = apart(load.run(senders, process.pid))
        assert load.errors == []
        expected = {
            "valid": "200",
            "form": "200",
            "pixel_bomb": "413",
            "large": "413",
            "invalid": "400 415 422",
            "foreign_host": "403 421",
        }
        for kind, statuses in expected.items():
            assert load.outcomes()[kind].keys() & set(statuses.split()), load.outcomes()
        assert load.outcomes()["valid"]["200"] > 4
        assert max(memory) < before + (150 << 20)
        assert apart(load_test.stop_during_request(process, port, photos[0])) == (True, 0)
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_ctrl_c(classifier: Path) -> None:
    with served(classifier) as (process, _, line):
        assert line.endswith("/  sides-fast (classification, 3 classes)")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr is not None
        assert process.stderr.read() == "seamline: stopped serving; start it again with `seamline serve`\n"


def test_a_body_that_is_too_large_and_a_head_that_is_too_slow(segmenter: Path) -> None:
    """A refusal reaches a client that is still sending, and a connection without a request is closed."""
    with served(segmenter, "--max-megabytes", "0.01", "--allow-host", "photos.example") as (_, port, _):
        began = time.monotonic()
        silent = socket.create_connection(("127.0.0.1", port), 30)
        silent.sendall(b"GET / HTTP/1.1\r\nHost: 127")
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", PREDICT, b"x" * (20 << 20))
        answer, content = answer_of(connection)
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert "0.01 MiB" in json.loads(content)["error"]
        for host, status in (("photos.example", 200), ("evil.example", 421)):
            connection.request("GET", "/health", headers={"Host": host})
            answer, content = answer_of(connection)
            assert answer.status == status
            assert "server" not in answer.headers
        assert silent.recv(100) == b""
        assert 9 < time.monotonic() - began < 20
        silent.close()
        connection.close()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--host", "no.such.host.invalid"], "--host no.such.host.invalid --port 8000: not available ("),
        (["--port", "taken"], "(Address already in use); choose another --port"),
    ],
)
def test_mistakes(segmenter: Path, options: list[str], words: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        options = [str(taken.getsockname()[1]) if one == "taken" else one for one in options]
        command = [sys.executable, "-m", "seamline", "serve", str(segmenter), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


async def _large_answer(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": bytes(50 << 20)})


def test_an_answer_that_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    import uvicorn

    from seamline.serve import server as module

    monkeypatch.setattr(module, "RESPONSE_SECONDS", 0.5)
    listener, up = socket.create_server(("127.0.0.1", 0)), threading.Event()
    config = uvicorn.Config(_large_answer, http=module.Protocol, loop="asyncio", lifespan="off", log_config=None)
    server = module.Server(config, up.set)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        assert up.wait(20)
        with socket.create_connection(listener.getsockname(), 20) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            deadline = time.monotonic() + 10
            while not server.server_state.connections and time.monotonic() < deadline:
                time.sleep(0.01)
            while server.server_state.connections and time.monotonic() < deadline:
                time.sleep(0.01)
            assert not server.server_state.connections
    finally:
        server.should_exit = True
        thread.join(20)
