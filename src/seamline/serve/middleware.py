"""Limits of requests, and the middleware that enforces who may send them.

Any web page that is open in a browser can send requests to a server on the same machine. Pages of other sites are
recognized by their `Origin`, and names that were made to point to this machine (DNS rebinding) by their `Host`.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")
"""Names of this machine, which are always allowed."""

PHOTO_PATHS = ("/api/predict", "/api/mask", "/api/overlay", "/api/measure", "/api/superpixels", "/api/corrections")
"""Paths that receive photos."""

COLLECTION_PATHS = ("/api/corrections", "/api/queue")
"""Paths that write files, or read those of a list; pages of other sites reach them not even without an `Origin`."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Headers of every response."""

_LINGER_SECONDS = 2.0
_FOREIGN = "the request comes from another site's page; open this server's own page"


@dataclass(frozen=True)
class Limits:
    """Limits of a request; together they bound the memory of the server."""

    bytes: int = 32 << 20  # size of a request's body
    pixels: int = 50_000_000  # pixels of a photo
    upload_seconds: float = 20.0  # time for receiving a body
    wait_seconds: float = 60.0  # time that a photo waits for the model
    waiting: int = 16  # requests with photos at the same time, the current one included


def too_large(limits: Limits, name: str = "the photo") -> HTTPException:
    """Return the error of a photo with too many bytes."""
    return HTTPException(413, f"{name} has more than the {limits.bytes / (1 << 20):.3g} MiB allowed; scale it down")


def too_busy(reason: str) -> HTTPException:
    """Return the error of a request that may be sent again in a few seconds."""
    return HTTPException(503, reason, {"Retry-After": "5"})


class SecurityMiddleware:
    """ASGI middleware that rejects requests before anything of their body is read, and adds `HEADERS`.

    Starlette's `TrustedHostMiddleware` covers the check of `Host` alone, and not as a JSON error.

    Args:
        app: the application.
        limits: limits of requests.
        hosts: host names that are allowed besides `LOCAL_HOSTS`, without a port.
    """

    def __init__(self, app: ASGIApp, limits: Limits, hosts: Collection[str] = ()) -> None:
        self.app = app
        self.limits = limits
        self.hosts = {host.lower() for host in (*LOCAL_HOSTS, *hosts)}
        self.photos = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or reject it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(Headers(scope=scope), receive, send)
        has_photo = scope["method"] == "POST" and scope["path"] in PHOTO_PATHS
        if error := self._check(exchange.headers, scope["path"], has_photo):
            response = JSONResponse({"error": error.detail}, error.status_code, error.headers)
            await response(scope, receive, exchange.send)
            return
        self.photos += has_photo
        try:
            await self.app(scope, exchange.receive, exchange.send)
        finally:
            self.photos -= has_photo

    def _check(self, headers: Headers, path: str, has_photo: bool) -> HTTPException | None:
        """Return why a request is rejected, None if it is not."""
        host = headers.get("host", "").lower()
        if _without_port(host) not in self.hosts:
            return HTTPException(421, "this server does not serve that host name; start it with --allow-host NAME")
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}"):
            return HTTPException(403, _FOREIGN)
        if path.startswith(COLLECTION_PATHS) and headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return HTTPException(403, _FOREIGN)
        if has_photo and self.photos >= self.limits.waiting:
            return too_busy(f"{self.limits.waiting} photos are already waiting; send this one again later")
        return None


def _without_port(host: str) -> str:
    """Return a `Host` without its port; [::1] keeps its brackets."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


class _Exchange:
    """A request and its response, to which the headers are added.

    If the response is sent before the body of the request has been received, the connection is closed after it. The
    rest of the body is received for a moment and dropped: closed at once, the connection would be reset, and the
    client would lose the response.
    """

    def __init__(self, headers: Headers, receive: Receive, send: Send) -> None:
        self.headers = headers
        self._receive, self._send = receive, send
        self._more_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers

    async def receive(self) -> Message:
        """Return the next message of the request."""
        message = await self._receive()
        self._more_body = message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Send a message of the response."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(HEADERS)
            if self._more_body:
                headers["connection"] = "close"
            await self._send(message)
        elif message["type"] == "http.response.body" and self._more_body and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._drop_body()
            await self._send({"type": "http.response.body"})
        else:
            await self._send(message)

    async def _drop_body(self) -> None:
        """Receive the rest of the request's body, for a moment."""
        try:
            async with asyncio.timeout(_LINGER_SECONDS):
                while self._more_body:
                    await self.receive()
        except TimeoutError:
            pass
