"""What stands before the application: whom it answers, how many at once, and what browsers may do with its page.

A server on one's own machine can be reached by any web page that is open in a browser there. A page of another
address is told by its `Origin`, a name that was made to point to this machine by its `Host`.
"""

import asyncio
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seamline.serve.limits import Limits, Refusal, busy

LOCAL = ("127.0.0.1", "localhost", "[::1]")
"""The names of this machine that are always answered."""

PHOTOS = ("/api/predict", "/api/mask", "/api/overlay")
"""Where photos are sent to."""

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
"""What goes with every answer."""

_LINGER = 2.0  # seconds


class Guards:
    """ASGI middleware that refuses requests before anything of their body is read.

    Args:
        app: what is guarded.
        limits: how many requests with photos may be there at once.
        hosts: names that are answered besides this machine's own, without a port.
    """

    def __init__(self, app: ASGIApp, limits: Limits, hosts: Collection[str] = ()) -> None:
        self.app = app
        self.limits = limits
        self.hosts = {host.lower() for host in (*LOCAL, *hosts)}
        self.present = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(Headers(scope=scope), receive, send)
        refusal = self._refusal(exchange.headers)
        takes_photo = scope["method"] == "POST" and scope["path"] in PHOTOS
        if refusal is None and takes_photo and self.present >= self.limits.waiting:
            refusal = busy(f"{self.limits.waiting} photos are waiting already; send this one again later")
        if refusal is not None:
            answer = JSONResponse({"error": refusal.reason}, refusal.status, refusal.headers)
            await answer(scope, receive, exchange.send)
            return
        self.present += takes_photo
        try:
            await self.app(scope, exchange.receive, exchange.send)
        finally:
            self.present -= takes_photo

    def _refusal(self, headers: Headers) -> Refusal | None:
        """Return why a request is not answered, by its headers."""
        host = headers.get("host", "")
        if _name(host) not in self.hosts:
            return Refusal(421, "this server does not answer under that name; start it with --allow-host NAME")
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in {f"{scheme}://{host.lower()}" for scheme in ("http", "https")}:
            return Refusal(403, "the request comes from another site's page; open this server's own page")
        return None


def _name(host: str) -> str:
    """Return a `Host` without its port, in lower case; [::1] keeps its brackets."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() else host.lower()


class _Exchange:
    """A request and its answer, to which the headers are added.

    Where an answer goes out before the request's body has come, the connection ends with it. What still comes is read
    for a moment and dropped: closed at once, the connection would be reset, and the client would lose the answer.
    """

    def __init__(self, headers: Headers, receive: Receive, send: Send) -> None:
        self.headers = headers
        self._receive, self._send = receive, send
        self._more = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers

    async def receive(self) -> Message:
        """Return the next part of the request."""
        message = await self._receive()
        self._more = message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(HEADERS)
            if self._more:
                headers["connection"] = "close"
            await self._send(message)
        elif message["type"] == "http.response.body" and self._more and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._drop()
            await self._send({"type": "http.response.body"})
        else:
            await self._send(message)

    async def _drop(self) -> None:
        """Read what still comes of the request, for a moment."""
        try:
            async with asyncio.timeout(_LINGER):
                while self._more:
                    await self.receive()
        except TimeoutError:
            pass
