"""The API: its responses, its limits and which requests it rejects."""

import asyncio
import base64
import builtins
import io
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

httpx = pytest.importorskip("httpx", reason="httpx is not installed")

from run_factories import COLOURS, SEGMENTER_CLASSES, save_photo, with_uncertainty  # noqa: E402
from seamline.api.use import predict  # noqa: E402
from seamline.inference.predictor import Predictor  # noqa: E402
from seamline.serve.app import make_app  # noqa: E402
from seamline.serve.middleware import Limits  # noqa: E402
from seamline.serve.samples import Sample  # noqa: E402

HERE = "http://127.0.0.1"
Ask = Callable[..., Any]


def talk(app: Any, talking: Callable[[Any], Awaitable[Any]]) -> Any:
    """Run what talks to an application through a client."""

    async def talk_now() -> Any:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=HERE, timeout=30) as client:
            return await talking(client)

    return run(talk_now())


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in a thread: Playwright may keep an event loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def ask(app: Any, method: str, path: str, **settings: Any) -> Any:
    return talk(app, lambda client: client.request(method, path, **settings))


def refused(answer: Any, status: int, words: str) -> None:
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    reason = answer.json()["error"]
    assert words in reason
    assert "\n" not in reason


def test_an_application_that_is_started_again_responds(labels: Predictor, tmp_path: Path) -> None:
    app, content = make_app(labels), save_photo(tmp_path / "front.png").read_bytes()

    async def serve_once(client: Any) -> Any:
        async with app.router.lifespan_context(app):
            return await client.post("/api/predict", content=content)

    assert [talk(app, serve_once).status_code for _ in range(2)] == [200, 200]


def test_masks_are_those_of_predict(masks: Predictor, segmenter: Path, tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "front.png")
    (expected,) = predict(segmenter, [photo], out=tmp_path / "out").photos
    mask, overlay = ((tmp_path / "out" / getattr(expected, name)).read_bytes() for name in ("mask", "overlay"))
    app, content = make_app(masks), photo.read_bytes()
    raw = ask(app, "POST", "/api/predict", content=content).json()
    form = ask(app, "POST", "/api/predict", files={"photo": ("front.png", content)}, data={"note": "x" * 99}).json()
    assert raw == form
    assert (raw["width"], raw["height"], raw["class_fractions"]) == (100, 60, expected.class_fractions)
    assert base64.b64decode(raw["mask"]) == mask
    assert ask(app, "POST", "/api/predict?mask=false", content=content).json() == raw | {"mask": None}
    sure = ask(app, "POST", "/api/predict?mask=false&confidence=true", content=content).json()["confidence"]
    np.testing.assert_array_equal(Image.open(io.BytesIO(base64.b64decode(sure))), masks(photo).confidence)
    for path, picture in (("/api/mask", mask), ("/api/overlay", overlay)):
        answer = ask(app, "POST", path, content=content, headers={"content-type": "image/png"})
        assert (answer.headers["content-type"], answer.content) == ("image/png", picture)
    described = ask(app, "GET", "/api/model").json()
    assert described == {
        "name": "spots-fast",
        "dataset": "Spots",
        "task": "segmentation",
        "classes": list(SEGMENTER_CLASSES),
        "palette": [list(color) for color in COLOURS],
        "ignored_color": [255, 255, 255],
        "input_size": {"height": 32, "width": 32, "channels": 3},
        "false_alarm_rate": None,
        "interval_level": None,
        "collects": False,
        "queue": None,
        "measures": False,
        "limits": {"bytes": 32 << 20, "pixels": 50_000_000},
        "samples": [],
    }


def test_novelty_and_intervals_are_those_of_predict(masks: Predictor, labels: Predictor, tmp_path: Path) -> None:
    content = save_photo(tmp_path / "front.png").read_bytes()
    for model in map(with_uncertainty, (masks, labels)):
        expected, app = model(tmp_path / "front.png"), make_app(model)
        answer = ask(app, "POST", "/api/predict", content=content).json()
        assert answer["novelty"] == pytest.approx(expected.novelty)
        assert answer["novelty"] > 1
        intervals = {name: list(ends) for name, ends in expected.intervals.items()}
        assert answer.get("class_intervals", {}) == intervals
        described = ask(app, "GET", "/api/model").json()
        assert described["false_alarm_rate"] == 0.05
        assert described["interval_level"] == (0.9 if intervals else None)


def test_samples_are_served(masks: Predictor) -> None:
    sample = Sample("a-wall.png", "image/png", b"its bytes", drawn=True)
    app = make_app(masks, samples=[sample])
    assert ask(app, "GET", "/api/model").json()["samples"] == [{"path": "/samples/a-wall.png", "drawn": True}]
    answer = ask(app, "GET", "/samples/a-wall.png")
    assert (answer.headers["content-type"], answer.content) == ("image/png", b"its bytes")
    refused(ask(app, "GET", "/samples/other.png"), 404, "not found")


def test_labels_are_those_of_predict(labels: Predictor, classifier: Path, tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "photo.jpg", 40, 50)
    (expected,) = predict(classifier, [photo], out=tmp_path / "out").photos
    app = make_app(labels)
    answer = ask(app, "POST", "/api/predict", content=photo.read_bytes()).json()
    fields = {name: getattr(expected, name) for name in ("width", "height", "label", "probability", "probabilities")}
    assert answer == fields | {"novelty": None}
    assert ask(app, "GET", "/api/model").json()["task"] == "classification"
    for path in ("/api/mask", "/api/overlay"):
        for content in (photo.read_bytes(), b"no image"):
            refused(ask(app, "POST", path, content=content), 409, "predicts no masks; use /api/predict")


def test_other_files_are_rejected(masks: Predictor, tmp_path: Path) -> None:
    content = save_photo(tmp_path / "a.png").read_bytes()
    app = make_app(masks, Limits(bytes=20_000, pixels=6_000))
    large = save_photo(tmp_path / "b.png", 60, 101).read_bytes()
    for path in ("/api/predict", "/api/mask", "/api/overlay"):
        for body, status, words in (
            (b"", 400, "the request has no photo"),
            (b"no image", 415, "the photo: has an unknown format (0x6e6f2069)"),
            (content[: len(content) // 2], 422, "the photo: is cut off or damaged"),
            (large, 413, "6,000"),
            (content, 200, ""),
        ):
            answer = ask(app, "POST", path, content=body)
            if status == 200:
                assert answer.status_code == 200
            else:
                refused(answer, status, words)
    refused(ask(app, "POST", "/api/predict?mask=maybe", content=content), 422, "query.mask: input should be a valid")
    refused(ask(app, "GET", "/nothing"), 404, "/nothing: not found")
    answer = ask(app, "GET", "/api/predict")
    refused(answer, 405, "/api/predict: does not support GET")
    assert answer.headers["allow"] == "POST"


def test_forms(masks: Predictor, tmp_path: Path) -> None:
    content = save_photo(tmp_path / "a.png").read_bytes()
    app = make_app(masks)
    kind = {"content-type": "multipart/form-data; boundary=b"}
    head = b'--b\r\nContent-Disposition: form-data; name="photo"; filename="a.png"\r\n\r\n'
    for body, headers, words in (
        (head + content, kind, "the form is malformed"),
        (b"nonsense", kind, "the form is malformed"),
        (b"", kind, "the form is malformed"),
        (head + content + b"\r\n--b--\r\n", {"content-type": "multipart/form-data"}, "the form is malformed"),
        (head + b"\r\n--b--\r\n", kind, "the request has no photo"),
        (head.replace(b"photo", b"other") + content + b"\r\n--b--\r\n", kind, "the request has no photo"),
    ):
        refused(ask(app, "POST", "/api/predict", content=body, headers=headers), 400, words)
    two = head + content + b"\r\n" + head + b"no image\r\n--b--\r\n"  # the first photo counts
    assert ask(app, "POST", "/api/predict", content=two, headers=kind).status_code == 200


def test_a_body_is_read_no_further_than_allowed(masks: Predictor) -> None:
    app = make_app(masks, Limits(bytes=2_500))
    sent = []

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(100):
            sent.append(number)
            yield b"x" * 1_000

    async def receive() -> Any:
        sent.append(len(sent))
        return {"type": "http.request", "body": b"x" * 1_000, "more_body": len(sent) < 5}

    answers: list[Any] = []

    async def send(message: Any) -> None:
        answers.append((message, len(sent)))

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/predict",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1"), (b"transfer-encoding", b"chunked")],
    }
    run(app(scope, receive, send))
    assert answers[0][0]["status"] == 413
    assert answers[1][1] == 3  # pieces that had been taken when the answer went out
    assert len(sent) == 5  # what came after it was dropped
    assert (b"connection", b"close") in answers[0][0]["headers"]
    answer = ask(app, "POST", "/api/predict", content=b"x" * 2_501)
    refused(answer, 413, "the photo has more than the 0.00238 MiB allowed")
    refused(ask(app, "POST", "/api/predict", content=pieces()), 413, "scale it down")


def test_a_slow_sender(masks: Predictor) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.05)

    async def talking(client: Any) -> Any:
        return await asyncio.wait_for(client.post("/api/predict", content=pieces()), 10)

    refused(talk(make_app(masks, Limits(upload_seconds=0.2)), talking), 408, "took longer than 0.2 seconds")


@pytest.fixture
def held(masks: Predictor) -> Iterator[tuple[Predictor, threading.Event, threading.Event]]:
    """A model that answers only once it is let go; what tells that it is at work, and what lets it go."""
    at_work, let_go = threading.Event(), threading.Event()

    def slow(images: Any) -> Any:
        at_work.set()
        assert let_go.wait(20)
        return masks.forward(images)

    yield replace(masks, forward=slow), at_work, let_go
    let_go.set()


def test_a_full_queue(held: tuple[Predictor, threading.Event, threading.Event], tmp_path: Path) -> None:
    model, at_work, let_go = held
    content = save_photo(tmp_path / "a.png").read_bytes()

    async def talking(client: Any) -> None:
        running = [asyncio.create_task(client.post("/api/predict", content=content)) for _ in range(2)]
        while not at_work.is_set():
            await asyncio.sleep(0.01)
        answer = await client.post("/api/predict", content=content)
        refused(answer, 503, "2 photos are already waiting")
        assert int(answer.headers["retry-after"]) > 0
        assert (await client.get("/health")).json() == {"status": "ok"}  # the event loop is not held up
        let_go.set()
        assert [answer.status_code for answer in await asyncio.gather(*running)] == [200, 200]
        assert (await client.post("/api/predict", content=content)).status_code == 200

    talk(make_app(model, Limits(waiting=2)), talking)


def test_a_turn_that_does_not_come(held: tuple[Predictor, threading.Event, threading.Event], tmp_path: Path) -> None:
    model, at_work, let_go = held
    content = save_photo(tmp_path / "a.png").read_bytes()

    async def talking(client: Any) -> None:
        running = asyncio.create_task(client.post("/api/predict", content=content))
        while not at_work.is_set():
            await asyncio.sleep(0.01)
        answer = await client.post("/api/predict", content=content)
        refused(answer, 503, "the photo waited too long")
        assert "retry-after" in answer.headers
        let_go.set()
        assert (await running).status_code == 200
        assert (await client.post("/api/predict", content=content)).status_code == 200

    talk(make_app(model, Limits(wait_seconds=0.2)), talking)


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (MemoryError(), 503, "there is not enough memory for the photo; scale it down"),
        (RuntimeError("CUDA out of memory"), 503, "not enough memory for the photo"),
        (RuntimeError("a secret"), 500, "internal server error (RuntimeError)"),
    ],
)
def test_a_network_that_fails(masks: Predictor, tmp_path: Path, error: Exception, status: int, words: str) -> None:
    def fail(images: Any) -> Any:
        raise error

    app = make_app(replace(masks, forward=fail))
    content = save_photo(tmp_path / "a.png").read_bytes()
    answer = ask(app, "POST", "/api/predict", content=content)
    refused(answer, status, words)
    assert "secret" not in answer.text


def test_names_of_the_server(masks: Predictor) -> None:
    app = make_app(masks, hosts=["Photos.example", "[fe80::1]"])
    for host in (
        "127.0.0.1",
        "127.0.0.1:8000",
        "localhost:1",
        "LOCALHOST",
        "[::1]",
        "[::1]:8000",
        "photos.example:80",
        "[fe80::1]:80",
    ):
        assert ask(app, "GET", "/api/model", headers={"host": host}).status_code == 200, host
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost:x", "", "127.0.0.1:80:80", "[::1", "photos"):
        refused(ask(app, "GET", "/api/model", headers={"host": host}), 421, "--allow-host")


def test_pages_of_other_sites(masks: Predictor, tmp_path: Path) -> None:
    app = make_app(masks)
    content = save_photo(tmp_path / "a.png").read_bytes()
    same = {"host": "localhost:8000", "origin": "http://localhost:8000"}
    assert ask(app, "POST", "/api/predict", content=content, headers=same).status_code == 200
    for origin in ("http://evil.example", "null", "http://localhost:8001", "http://127.0.0.1:8000", "", "http://[::1"):
        answer = ask(app, "POST", "/api/predict", content=content, headers=same | {"origin": origin})
        refused(answer, 403, "another site's page")
        assert "access-control-allow-origin" not in answer.headers


def test_what_browsers_may_do(masks: Predictor) -> None:
    app = make_app(masks)
    for path in (
        "/",
        "/page.css",
        "/page.js",
        "/measure.js",
        "/docs",
        "/api/model",
        "/health",
        "/openapi.json",
        "/nothing",
    ):
        headers = ask(app, "GET", path).headers
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
    refused(ask(app, "GET", "/redoc"), 404, "not found")


def test_nothing_is_written(masks: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even a large photo, in a form: neither through Python's own functions nor by the system's."""
    stream = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (1_000, 1_200, 3), np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    app = make_app(masks)
    opened: list[Any] = []
    usual, low = builtins.open, os.open

    def watched(file: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
        opened.extend([file] if set(mode) & set("wax+") else [])
        return usual(file, mode, *rest, **named)

    def watched_low(path: Any, flags: int, *rest: Any, **named: Any) -> int:
        opened.extend([path] if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) else [])
        return low(path, flags, *rest, **named)

    monkeypatch.setattr(builtins, "open", watched)
    monkeypatch.setattr(io, "open", watched)
    monkeypatch.setattr(os, "open", watched_low)
    for path in ("/api/predict", "/api/mask", "/api/overlay"):
        answer = ask(app, "POST", path, files={"photo": ("large.png", stream.getvalue())})
        assert answer.status_code == 200
    assert len(stream.getvalue()) > 2 << 20
    assert opened == []
