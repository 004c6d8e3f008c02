"""Ten minutes of mixed load on `seamline serve`: docs/measurements/reliability.md.

    SEAMLINE_DATA=... python bench/load_test.py [--minutes 10]

Good photos whose answers are known, bombs, bodies of 50 MB, slow senders, broken forms, strangers' hosts and origins,
and 150 connections that say nothing, all at once. Each answer must be the right one, or 503 where the server
is full; memory is watched, and at the end SIGTERM comes while photos are at work.
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
SENDERS = {"good": 6, "form": 2, "bomb": 1, "large": 2, "broken": 2, "stranger": 2, "slow": 8, "silent": 150}
"""Kind -> how many send at once."""


def photo_bytes(pixels: Any) -> bytes:
    """Encode a photo as JPEG."""
    file = io.BytesIO()
    Image.fromarray(pixels).resize((1152, 864), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()


def bomb() -> bytes:
    """Return a PNG of 60,000 x 60,000 pixels in a few kilobytes: a header alone, honest about its size."""
    header = (60_000).to_bytes(4, "big") * 2 + bytes([1, 0, 0, 0, 0])
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(7_501) * 100)), (b"IEND", b"")]
    chunks = [len(d).to_bytes(4, "big") + k + d + zlib.crc32(k + d).to_bytes(4, "big") for k, d in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


class Fire:
    """Sends, and counts what comes back.

    Attributes:
        counts: (kind, outcome) -> how often.
        wrong: what should not have come, the first few.
        seconds: how long right answers took.
    """

    def __init__(self, port: int, known: dict[bytes, Any], until: float) -> None:
        self.port = port
        self.known = known
        self.until = until
        self.counts: Counter[tuple[str, str]] = Counter()
        self.wrong: list[str] = []
        self.seconds: list[float] = []

    def saw(self, kind: str, status: int, wanted: set[int], more: str = "") -> None:
        """Count an answer; a full server may always say so."""
        self.counts[kind, str(status)] += 1
        if status not in wanted | {503} and len(self.wrong) < 20:
            self.wrong.append(f"{kind}: {status} {more}"[:300])

    async def good(self, client: httpx.AsyncClient) -> None:
        """Send a photo whose answer is known."""
        content, expected = random.choice(list(self.known.items()))  # noqa: S311 - no secret
        begun = time.perf_counter()
        answer = await client.post("/api/predict?mask=false", content=content)
        self.saw("good", answer.status_code, {200}, answer.text)
        if answer.status_code == 200:
            self.seconds.append(time.perf_counter() - begun)
            if answer.json()["shares"] != expected:
                self.wrong.append("good: another answer than alone")
        await asyncio.sleep(0.2)

    async def form(self, client: httpx.AsyncClient) -> None:
        """Send a photo in a form."""
        content, expected = random.choice(list(self.known.items()))  # noqa: S311 - no secret
        answer = await client.post("/api/predict?mask=false", files={"photo": ("photo.jpg", content, "image/jpeg")})
        self.saw("form", answer.status_code, {200}, answer.text)
        if answer.status_code == 200 and answer.json()["shares"] != expected:
            self.wrong.append("form: another answer than alone")
        await asyncio.sleep(0.5)

    async def bomb(self, client: httpx.AsyncClient) -> None:
        """Send a picture that claims billions of pixels."""
        answer = await client.post("/api/predict", content=bomb())
        self.saw("bomb", answer.status_code, {413, 422}, answer.text)
        await asyncio.sleep(0.2)

    async def large(self, client: httpx.AsyncClient) -> None:
        """Send 50 MB, with and without saying so first."""

        async def pieces() -> Any:
            for _ in range(50):
                yield bytes(1 << 20)

        body: Any = bytes(50 << 20) if random.random() < 0.5 else pieces()  # noqa: S311 - no secret
        answer = await client.post("/api/predict", content=body)
        self.saw("large", answer.status_code, {413}, answer.text)
        await asyncio.sleep(0.5)

    async def broken(self, client: httpx.AsyncClient) -> None:
        """Send forms cut off, forms without a photo, text and nothing."""
        form = "multipart/form-data; boundary=x"
        body, kind, wanted = random.choice(  # noqa: S311 - no secret
            [
                (b'--x\r\nContent-Disposition: form-data; name="photo"\r\n\r\nabc', form, 400),
                (b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\nabc\r\n--x--\r\n', form, 400),
                (b"no form", "multipart/form-data", 400),
                (b"no photo", "image/jpeg", 415),
                (b"", "image/jpeg", 400),
                (next(iter(self.known))[:5_000], "image/jpeg", 422),
            ]
        )
        answer = await client.post("/api/predict", content=body, headers={"content-type": kind})
        self.saw("broken", answer.status_code, {wanted}, answer.text)
        await asyncio.sleep(0.1)

    async def stranger(self, client: httpx.AsyncClient) -> None:
        """Ask under another name, or from another page."""
        headers, wanted = random.choice(  # noqa: S311 - no secret
            [({"host": "evil.example"}, 421), ({"origin": "http://evil.example"}, 403)]
        )
        answer = await client.post("/api/predict", content=next(iter(self.known)), headers=headers)
        self.saw("stranger", answer.status_code, {wanted}, answer.text)
        await asyncio.sleep(0.1)

    async def slow(self, client: httpx.AsyncClient) -> None:
        """Send a body a byte at a time, which never ends."""
        head = b"POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(head)
            while not reader.at_eof() and time.monotonic() < self.until:
                writer.write(b"x")
                await writer.drain()
                try:
                    line = await asyncio.wait_for(reader.readline(), 1)
                except TimeoutError:
                    continue
                if line.startswith(b"HTTP/1.1"):
                    self.saw("slow", int(line.split()[1]), {408})
                    break
        finally:
            writer.close()

    async def silent(self, client: httpx.AsyncClient) -> None:
        """Open a connection and say nothing, or half a head, until it is closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            if random.random() < 0.5:  # noqa: S311 - no secret
                writer.write(b"GET / HTTP/1.1\r\nHost: 127")
            await asyncio.wait_for(reader.read(), 30)
            self.counts["silent", "closed"] += 1
        except TimeoutError:
            self.wrong.append("silent: still open after 30 seconds")
        finally:
            writer.close()

    async def sender(self, kind: str) -> None:
        """Send again and again."""
        send: Callable[[httpx.AsyncClient], Awaitable[None]] = getattr(self, kind)
        async with httpx.AsyncClient(base_url=address(self.port), timeout=120) as client:
            while time.monotonic() < self.until:
                try:
                    await send(client)
                except (httpx.TransportError, OSError) as error:  # the server may close what it has refused
                    self.counts[kind, type(error).__name__] += 1
                    await asyncio.sleep(0.2)

    async def burn(self, senders: Mapping[str, int], process: int) -> list[int]:
        """Send everything at once; return the process's memory, watched each second."""
        tasks = [asyncio.create_task(self.sender(kind)) for kind, count in senders.items() for _ in range(count)]
        watched = []
        while time.monotonic() < self.until:
            watched.append(memory_of(process))
            await asyncio.sleep(1)
        await asyncio.gather(*tasks)
        return watched

    def outcomes(self) -> dict[str, dict[str, int]]:
        """Return kind -> outcome -> how often."""
        told: dict[str, dict[str, int]] = {}
        for (kind, outcome), count in sorted(self.counts.items()):
            told.setdefault(kind, {})[outcome] = count
        return told


def address(port: int) -> str:
    """Return where the server on this machine is asked."""
    return f"http://127.0.0.1:{port}"


def answers_alone(port: int, contents: list[bytes]) -> dict[bytes, Any]:
    """Ask about photos one at a time; return each with the shares that it gets."""
    url = f"{address(port)}/api/predict?mask=false"
    return {one: httpx.post(url, content=one, timeout=60).json()["shares"] for one in contents}


def memory_of(process: int) -> int:
    """Return a process's resident memory, bytes."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS"))


async def drained(server: subprocess.Popen[Any], port: int, content: bytes) -> tuple[bool, int]:
    """Send SIGTERM while a photo is at work; return whether its answer came, and the server's status."""
    async with httpx.AsyncClient(base_url=address(port), timeout=60) as client:
        asked = asyncio.create_task(client.post("/api/overlay", content=content))
        await asyncio.sleep(0.15)
        server.send_signal(signal.SIGTERM)
        answer = await asked
    return answer.status_code == 200, await asyncio.to_thread(server.wait, 60)


def main() -> None:
    """Serve, fire, and keep what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    minutes = parser.parse_args().minutes
    images = seamline.load("facades").test.images
    contents = [photo_bytes(np.asarray(images[place])) for place in (0, 30, 60)]
    words = [sys.executable, "-m", "seamline", "serve", "facades", "--port", str(PORT)]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, env=os.environ | {"PYTHONUNBUFFERED": "1"})
    assert server.stdout is not None  # noqa: S101 - a pipe was asked for
    print(server.stdout.readline().decode().strip(), flush=True)
    known = answers_alone(PORT, contents)
    before = memory_of(server.pid)
    fire = Fire(PORT, known, time.monotonic() + 60 * minutes)
    watched = asyncio.run(fire.burn(SENDERS, server.pid))
    alive = server.poll() is None
    came, status = asyncio.run(drained(server, PORT, contents[0]))
    quarter = max(1, len(watched) // 4)
    found = {
        "minutes": minutes,
        "senders": SENDERS,
        "outcomes": fire.outcomes(),
        "wrong": fire.wrong,
        "alive": alive,
        "drained": came and status == 0,
        "before": before,
        "peak": max(watched),
        "first_quarter": max(watched[:quarter]),
        "last_quarter": max(watched[-quarter:]),
        "median_seconds": float(np.median(fire.seconds)),
        "slowest_seconds": max(fire.seconds),
    }
    print(json.dumps(found, indent=1))
    add_part("reliability", "fire", found, page)


if __name__ == "__main__":
    main()
