"""Runs the application on a port until it is told to stop."""

import asyncio
import signal
import socket
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from pathlib import Path

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from seamline.errors import SeamlineError, TrainingInterrupted, first_line
from seamline.inference.predictor import Model, load_model
from seamline.serve.app import make_app
from seamline.serve.limits import Limits

HEAD_SECONDS = 10.0
"""In which the head of a request must have come."""

CONNECTIONS = 256
"""That may be open at once; further ones are closed."""

ANSWER_SECONDS = 120.0
"""In which a client must have taken an answer, all but what the system holds for it."""

DRAIN_SECONDS = 30
"""That running requests have to end when the server is told to stop."""

_ANY = ("0.0.0.0", "::", "")  # noqa: S104 - named to tell it from one machine's address


def serve(
    named: Path | str,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    hosts: Collection[str] = (),
    limits: Limits | None = None,
    device: str = "auto",
    engine: str | None = None,
    threads: int | None = None,
    ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve a trained network until SIGTERM or Ctrl-C; requests that are running then are still answered.

    Args:
        named: a finished run folder, an exported file, or the name of a ready network.
        host: the address to listen at.
        port: the port; 0 takes a free one.
        hosts: names under which the server answers besides this machine's own.
        limits: what a request may cost.
        device: see `load_model`.
        engine: see `load_model`.
        threads: see `load_model`.
        ready: told where the page is and what is served, once requests are answered.

    Raises:
        SeamlineError: the port cannot be had, or there is no such network.
        Stopped: after Ctrl-C.
    """
    with _bound(host, port) as listener:
        model = load_model(named, device=device, engine=engine, threads=threads)
        answered = hosts if host in _ANY else (*hosts, _bracketed(host))
        config = uvicorn.Config(
            make_app(model, limits, answered),
            http=Protocol,
            ws="none",
            loop="asyncio",
            lifespan="on",
            log_config=None,  # nothing is told of photos; defects are, on stderr
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
        shown, place = listener.getsockname()[:2]
        line = f"http://{_bracketed(shown)}:{place}/  {told(model)}"
        server = Server(config, lambda: ready(line))
        server.run([listener])
    if server.stopped_by == signal.SIGINT:
        raise TrainingInterrupted("serving", "start it again with `seamline serve`", signal.SIGINT)


def told(model: Model) -> str:
    """Return what a model is in a few words: `facades (masks of 5 classes)`."""
    return f"{model.name} ({'masks' if model.segments else 'labels'} of {len(model.classes)} classes)"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket that has the port and does not listen yet."""
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
        raise SeamlineError(
            f"--host {host} --port {port}: cannot be listened at ({reason}); name another with --port"
        ) from None
    return listener


class Server(uvicorn.Server):
    """Says when it is ready, and ends by itself when told to stop instead of dying by the signal.

    Args:
        config: uvicorn's.
        ready: called once requests are answered.

    Attributes:
        stopped_by: the signal that told it to stop.
    """

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.ready = ready
        self.stopped_by: int | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        self.ready()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take signals while the server runs."""
        with super().capture_signals():
            yield
            if self._captured_signals:  # uvicorn would raise them once more
                self.stopped_by = self._captured_signals[-1]
                self._captured_signals.clear()


class Protocol(H11Protocol):
    """HTTP/1.1 on a connection, which ends where the head of a request or the taking of an answer takes too long."""

    _head: asyncio.TimerHandle | None = None
    _answer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with a connection."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS:
            transport.close()
        self._watch_head(waits=True)

    def data_received(self, data: bytes) -> None:
        """Take what has come; a head that has begun has its time from then on."""
        super().data_received(data)
        self._watch_head(waits=self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0]))

    def connection_lost(self, exc: Exception | None) -> None:
        """End with a connection."""
        self._watch_head(waits=False)
        self._watch_answer(waits=False)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for the client to take what was sent."""
        super().pause_writing()
        self._watch_answer(waits=True)

    def resume_writing(self) -> None:
        """Go on once the client has taken it."""
        super().resume_writing()
        self._watch_answer(waits=False)

    def _watch_head(self, *, waits: bool) -> None:
        self._head = _watched(self._head, waits, HEAD_SECONDS, self.transport.close)

    def _watch_answer(self, *, waits: bool) -> None:
        self._answer = _watched(self._answer, waits, ANSWER_SECONDS, self.transport.abort)


def _watched(
    timer: asyncio.TimerHandle | None, waits: bool, seconds: float, late: Callable[[], None]
) -> asyncio.TimerHandle | None:
    """Start a timer where something is waited for, unless it runs already; else stop it."""
    if waits:
        return timer or asyncio.get_running_loop().call_later(seconds, late)
    if timer is not None:
        timer.cancel()
    return None
