"""Being told to stop: the first signal asks, the second insists."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ASKED_WITH = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Whether somebody wishes this process to stop.

    Attributes:
        signal: the number of the signal that said so; 0 while none did.
    """

    def __init__(self) -> None:
        self.signal = 0


@contextmanager
def catch_signals() -> Iterator[StopRequest]:
    """Hear Ctrl-C and SIGTERM inside the block: the first is only noted, a second one works as it always does.

    Signals belong to the main thread; in another one nothing is heard.
    """
    wish = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield wish
        return
    before = {number: signal.getsignal(number) for number in _ASKED_WITH}

    def note(number: int, frame: FrameType | None) -> None:
        wish.signal = number
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in _ASKED_WITH:
        signal.signal(number, note)
    try:
        yield wish
    finally:
        restore()
