"""Signals that ask a training to stop: the first is noted, a second one acts as usual."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Whether this process is asked to stop.

    Attributes:
        signal: the number of the signal; 0 while there was none.
    """

    def __init__(self) -> None:
        self.signal = 0


@contextmanager
def catch_signals() -> Iterator[StopRequest]:
    """Catch the first Ctrl-C or SIGTERM inside the block, which sets what this yields; a second one acts as usual.

    Signals belong to the main thread; in another thread none is caught.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}

    def note(number: int, frame: FrameType | None) -> None:
        request.signal = number
        restore()

    def restore() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    for number in _SIGNALS:
        signal.signal(number, note)
    try:
        yield request
    finally:
        restore()
