"""Put mixed load on `seamline serve` for ten minutes: docs/measurements/reliability.md.

    SEAMLINE_DATA=... python bench/load_test.py [--minutes 10]

Sends valid photos with known predictions, pixel bombs, bodies of 50 MB, slow bodies, invalid forms, foreign hosts and
origins, and 150 silent connections, all at the same time. Each response must be correct, or 503 from a server at its
limit. Memory is sampled, and SIGTERM is sent during a prediction at the end.
"""

import argparse
import asyncio
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

import seamline
from reliability_page import page
from results_store import add_part

PORT = 8765
SENDERS = {
    "valid": 6,
    "form": 2,
    "pixel_bomb": 1,
    "large": 2,
    "invalid": 2,
    "foreign_host": 2,
    "slow": 8,
    "silent": 150,
}
"""Kind of request -> number of concurrent senders."""


def photo_bytes(pixels: Any) -> bytes:
    """Encode a photo as JPEG."""
    file = io.BytesIO()
    Image.fromarray(pixels).resize((1152, 864), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()


def pixel_bomb() -> bytes:
    """Return a PNG of a few kilobytes whose header claims 60,000 x 60,000 pixels."""
    header = (60_000).to_bytes(4, "big") * 2 + bytes([1, 0, 0, 0, 0])
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(7_501) * 100)), (b"IEND", b"")]
    chunks = [len(d).to_bytes(4, "big") + k + d + zlib.crc32(k + d).to_bytes(4, "big") for k, d in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


class LoadTest:
    """Sends requests and counts the responses.

    Attributes:
        counts: (kind, outcome) -> number of responses.
        errors: the first few wrong responses.
        seconds: response times of correct predictions.
    """

    def __init__(self, port: int, expected: dict[bytes, Any], deadline: float) -> None:
        self.port = port
        self.expected = expected
        self.deadline = deadline
        self.counts: Counter[tuple[str, str]] = Counter()
        self.errors: list[str] = []
        self.seconds: list[float] = []

    def count(self, kind: str, status: int, expected: set[int], text: str = "") -> None:
        """Count a response; a server at its limit may always respond with 503."""
        self.counts[kind, str(status)] += 1
        if status not in expected | {503} and len(self.errors) < 20:
            self.errors.append(f"{kind}: {status} {text}"[:300])

    async def valid(self, client: httpx.AsyncClient) -> None:
        """Send a photo with a known prediction."""
        content, expected = random.choice(list(self.expected.items()))  # noqa: S311 - not for secrets
        start = time.perf_counter()
        response = await client.post("/api/predict?mask=false", content=content)
        self.count("valid", response.status_code, {200}, response.text)
        if response.status_code == 200:
            self.seconds.append(time.perf_counter() - start)
            if response.json()["class_fractions"] != expected:
                self.errors.append("valid: differs from the prediction of the photo alone")
        await asyncio.sleep(0.2)

    async def form(self, client: httpx.AsyncClient) -> None:
        """Send a photo in a form."""
        content, expected = random.choice(list(self.expected.items()))  # noqa: S311 - not for secrets
        response = await client.post("/api/predict?mask=false", files={"photo": ("photo.jpg", content, "image/jpeg")})
        self.count("form", response.status_code, {200}, response.text)
        if response.status_code == 200 and response.json()["class_fractions"] != expected:
            self.errors.append("form: differs from the prediction of the photo alone")
        await asyncio.sleep(0.5)

    async def pixel_bomb(self, client: httpx.AsyncClient) -> None:
        """Send an image that claims billions of pixels."""
        response = await client.post("/api/predict", content=pixel_bomb())
        self.count("pixel_bomb", response.status_code, {413, 422}, response.text)
        await asyncio.sleep(0.2)

    async def large(self, client: httpx.AsyncClient) -> None:
        """Send 50 MB, with and without a Content-Length header."""

        async def chunks() -> Any:
            for _ in range(50):
                yield bytes(1 << 20)

        body: Any = bytes(50 << 20) if random.random() < 0.5 else chunks()  # noqa: S311 - not for secrets
        response = await client.post("/api/predict", content=body)
        self.count("large", response.status_code, {413}, response.text)
        await asyncio.sleep(0.5)

    async def invalid(self, client: httpx.AsyncClient) -> None:
        """Send truncated forms, forms without a photo, text, and an empty body."""
        form = "multipart/form-data; boundary=x"
        body, content_type, status = random.choice(  # noqa: S311 - not for secrets
            [
                (b'--x\r\nContent-Disposition: form-data; name="photo"\r\n\r\nabc', form, 400),
                (b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\nabc\r\n--x--\r\n', form, 400),
                (b"no form", "multipart/form-data", 400),
                (b"no photo", "image/jpeg", 415),
                (b"", "image/jpeg", 400),
                (next(iter(self.expected))[:5_000], "image/jpeg", 422),
            ]
        )
        response = await client.post("/api/predict", content=body, headers={"content-type": content_type})
        self.count("invalid", response.status_code, {status}, response.text)
        await asyncio.sleep(0.1)

    async def foreign_host(self, client: httpx.AsyncClient) -> None:
        """Send a foreign `Host` or `Origin` header."""
        headers, status = random.choice(  # noqa: S311 - not for secrets
            [({"host": "evil.example"}, 421), ({"origin": "http://evil.example"}, 403)]
        )
        response = await client.post("/api/predict", content=next(iter(self.expected)), headers=headers)
        self.count("foreign_host", response.status_code, {status}, response.text)
        await asyncio.sleep(0.1)

    async def slow(self, client: httpx.AsyncClient) -> None:
        """Send an endless body, one byte per second."""
        head = b"POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(head)
            while not reader.at_eof() and time.monotonic() < self.deadline:
                writer.write(b"x")
                await writer.drain()
                try:
                    line = await asyncio.wait_for(reader.readline(), 1)
                except TimeoutError:
                    continue
                if line.startswith(b"HTTP/1.1"):
                    self.count("slow", int(line.split()[1]), {408})
                    break
        finally:
            writer.close()

    async def silent(self, client: httpx.AsyncClient) -> None:
        """Open a connection and send nothing, or half a header, until the server closes it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            if random.random() < 0.5:  # noqa: S311 - not for secrets
                writer.write(b"GET / HTTP/1.1\r\nHost: 127")
            await asyncio.wait_for(reader.read(), 30)
            self.counts["silent", "closed"] += 1
        except TimeoutError:
            self.errors.append("silent: still open after 30 seconds")
        finally:
            writer.close()

    async def sender(self, kind: str) -> None:
        """Send requests of a kind until the deadline."""
        send: Callable[[httpx.AsyncClient], Awaitable[None]] = getattr(self, kind)
        async with httpx.AsyncClient(base_url=address(self.port), timeout=120) as client:
            while time.monotonic() < self.deadline:
                try:
                    await send(client)
                except (httpx.TransportError, OSError) as error:  # the server may close a connection that it rejects
                    self.counts[kind, type(error).__name__] += 1
                    await asyncio.sleep(0.2)

    async def run(self, senders: Mapping[str, int], process: int) -> list[int]:
        """Run all senders; return the memory of the process, sampled each second."""
        tasks = [asyncio.create_task(self.sender(kind)) for kind, count in senders.items() for _ in range(count)]
        memory = []
        while time.monotonic() < self.deadline:
            memory.append(memory_of(process))
            await asyncio.sleep(1)
        await asyncio.gather(*tasks)
        return memory

    def outcomes(self) -> dict[str, dict[str, int]]:
        """Return kind -> outcome -> number of responses."""
        outcomes: dict[str, dict[str, int]] = {}
        for (kind, outcome), count in sorted(self.counts.items()):
            outcomes.setdefault(kind, {})[outcome] = count
        return outcomes


def address(port: int) -> str:
    """Return the address of the server on this machine."""
    return f"http://127.0.0.1:{port}"


def predict_alone(port: int, contents: list[bytes]) -> dict[bytes, Any]:
    """Send photos one at a time; return the fractions of the classes of each."""
    url = f"{address(port)}/api/predict?mask=false"
    return {content: httpx.post(url, content=content, timeout=60).json()["class_fractions"] for content in contents}


def memory_of(process: int) -> int:
    """Return the resident memory of a process in bytes."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS"))


async def stop_during_request(server: subprocess.Popen[Any], port: int, content: bytes) -> tuple[bool, int]:
    """Send SIGTERM during a prediction; return whether the response arrived, and the exit status of the server."""
    async with httpx.AsyncClient(base_url=address(port), timeout=60) as client:
        request = asyncio.create_task(client.post("/api/overlay", content=content))
        await asyncio.sleep(0.15)
        server.send_signal(signal.SIGTERM)
        response = await request
    return response.status_code == 200, await asyncio.to_thread(server.wait, 60)


def main() -> None:
    """Serve, send requests and store the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    minutes = parser.parse_args().minutes
    images = seamline.load_dataset("facades").test.images
    contents = [photo_bytes(np.asarray(images[index])) for index in (0, 30, 60)]
    command = [sys.executable, "-m", "seamline", "serve", "facades", "--port", str(PORT)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONUNBUFFERED": "1"})
    assert server.stdout is not None  # noqa: S101 - stdout is a pipe
    print(server.stdout.readline().decode().strip(), flush=True)
    expected = predict_alone(PORT, contents)
    before = memory_of(server.pid)
    test = LoadTest(PORT, expected, time.monotonic() + 60 * minutes)
    memory = asyncio.run(test.run(SENDERS, server.pid))
    alive = server.poll() is None
    arrived, status = asyncio.run(stop_during_request(server, PORT, contents[0]))
    quarter = max(1, len(memory) // 4)
    results = {
        "minutes": minutes,
        "senders": SENDERS,
        "outcomes": test.outcomes(),
        "errors": test.errors,
        "alive": alive,
        "drained": arrived and status == 0,
        "before": before,
        "peak": max(memory),
        "first_quarter": max(memory[:quarter]),
        "last_quarter": max(memory[-quarter:]),
        "median_seconds": float(np.median(test.seconds)),
        "slowest_seconds": max(test.seconds),
    }
    print(json.dumps(results, indent=1))
    add_part("reliability", "load_test", results, page)


if __name__ == "__main__":
    main()
