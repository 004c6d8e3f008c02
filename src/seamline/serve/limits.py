"""What a request may cost, and how one that costs more is refused."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What a request may cost; together these bound the server's memory.

    Attributes:
        bytes: of a request's body.
        pixels: of a photo.
        upload_seconds: in which a body must have come.
        wait_seconds: that a photo waits for its turn.
        waiting: requests with photos that may be there at once, the one at work included.
    """

    bytes: int = 32 << 20
    pixels: int = 50_000_000
    upload_seconds: float = 20.0
    wait_seconds: float = 60.0
    waiting: int = 16


class Refusal(Exception):  # noqa: N818 - nothing is wrong with the server
    """A request that is not answered.

    Args:
        status: of HTTP.
        reason: one line that says what was found and what to do.
        headers: that go with it.
    """

    def __init__(self, status: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = dict(headers or {})


def busy(reason: str) -> Refusal:
    """Return the refusal of a request that may be sent again in a few seconds."""
    return Refusal(503, reason, {"Retry-After": "5"})
