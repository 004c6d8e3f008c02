"""Runs the application on a port until it is stopped."""

import asyncio
import signal
import socket
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Unpack

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from seamline.errors import SeamlineError, TrainingInterrupted, first_line
from seamline.inference.predictor import LoadOptions, Predictor, load_model
from seamline.serve.app import make_app
from seamline.serve.collect import CollectOptions, CorrectionStore
from seamline.serve.middleware import Limits

HEAD_SECONDS = 10.0
"""Time for receiving the head of a request."""

CONNECTIONS = 256
"""Open connections; further ones are closed at once. (`limit_concurrency` of uvicorn closes none.)"""

RESPONSE_SECONDS = 120.0
"""Time for a client to receive a response, except for what the system buffers."""

DRAIN_SECONDS = 30
"""Time that current requests have when the server is stopped."""

_ALL_INTERFACES = ("0.0.0.0", "::", "")  # noqa: S104 - compared with the address of one interface


def serve(
    model: Path | str,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    allowed_hosts: Collection[str] = (),
    limits: Limits | None = None,
    collect: CollectOptions | None = None,
    samples: bool = True,
    on_ready: Callable[[str], None] = lambda _: None,
    **options: Unpack[LoadOptions],
) -> None:
    """Serve a trained model until SIGTERM or Ctrl-C; current requests are still answered.

    Args:
        model: a finished run folder, an exported file, or the name of a pretrained model.
        host: the address to listen on.
        port: the port; 0 takes a free one.
        allowed_hosts: host names that the server serves besides those of this machine.
        limits: limits of requests.
        collect: where corrections are saved; None if they are not.
        samples: whether the page has photos to try the model with, of a run validation images.
        on_ready: called with the address of the page and the model once requests are answered.
        **options: `backend`, `device` and `threads`; see `load_model`.

    Raises:
        SeamlineError: the port is not available, or there is no such model.
        TrainingInterrupted: after Ctrl-C.
    """
    with _bind(host, port) as listener:
        predictor = load_model(model, **options)
        store = CorrectionStore.of(predictor, collect.folder, collect.queue) if collect else None
        config = uvicorn.Config(
            make_app(
                predictor,
                limits,
                allowed_hosts if host in _ALL_INTERFACES else (*allowed_hosts, _bracketed(host)),
                store=store,
                samples=None if samples else (),
            ),
            http=Protocol,
            ws="none",
            loop="asyncio",
            lifespan="on",
            log_config=None,  # photos are not logged; defects are, on stderr
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
        address, bound_port = listener.getsockname()[:2]
        line = f"http://{_bracketed(address)}:{bound_port}/  {describe(predictor)}"
        if store is not None:
            line += f", corrections in {store.folder.folder} ({store.count:,} so far)"
        server = Server(config, lambda: on_ready(line))
        server.run([listener])
    if server.stopped_by == signal.SIGINT:
        raise TrainingInterrupted("serving", "start it again with `seamline serve`", signal.SIGINT)


def describe(predictor: Predictor) -> str:
    """Return a model in a few words: `facades (segmentation, 5 classes)`."""
    return f"{predictor.name} ({predictor.task}, {len(predictor.classes)} classes)"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _bind(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to the port and does not listen yet."""
    listener = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, OverflowError, UnicodeError) as error:
        if listener is not None:
            listener.close()
        reason = getattr(error, "strerror", None) or first_line(error)
        raise SeamlineError(f"--host {host} --port {port}: not available ({reason}); choose another --port") from None
    return listener


class Server(uvicorn.Server):
    """A server that calls `on_ready` once it answers, and returns after a signal, `stopped_by`, that would end it."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.on_ready = on_ready
        self.stopped_by: int | None = None

    async def main_loop(self) -> None:
        """Serve until a signal; one that arrives during startup would end uvicorn without shutting down the app."""
        self.on_ready()
        await super().main_loop()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Handle signals while the server runs."""
        with super().capture_signals():
            yield
            if self._captured_signals:  # uvicorn would raise them again
                self.stopped_by = self._captured_signals[-1]
                self._captured_signals.clear()


class Protocol(H11Protocol):
    """HTTP/1.1 that closes connections on which a request's head or the delivery of a response takes too long."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Open a connection."""
        super().connection_made(transport)
        self._timers: dict[Callable[[], None], asyncio.TimerHandle] = {}
        if len(self.connections) > CONNECTIONS:
            transport.close()
        self._set_timer(transport.close, HEAD_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Receive data; the time of a head starts with its first byte."""
        super().data_received(data)
        in_head = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        self._set_timer(self.transport.close, HEAD_SECONDS if in_head else None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Close a connection."""
        for timer in self._timers.values():
            timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for the client to receive what was sent."""
        super().pause_writing()
        self._set_timer(self.transport.abort, RESPONSE_SECONDS)

    def resume_writing(self) -> None:
        """Continue to send."""
        super().resume_writing()
        self._set_timer(self.transport.abort, None)

    def _set_timer(self, on_timeout: Callable[[], None], seconds: float | None) -> None:
        """Start the timer of an action unless it is running; stop it where `seconds` is None."""
        if seconds is None:
            if timer := self._timers.pop(on_timeout, None):
                timer.cancel()
        elif on_timeout not in self._timers:
            self._timers[on_timeout] = asyncio.get_running_loop().call_later(seconds, on_timeout)
