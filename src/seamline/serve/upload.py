"""Reads the photo of a request into memory, and no further than the limits allow.

Starlette's own forms lay large files on the disk; here nothing leaves the memory.
"""

import asyncio
import logging

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from seamline.serve.limits import Limits, Refusal

# the client is told of a broken form, not the terminal
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)

FIELD = "photo"
"""The field of a form that holds the photo."""

_BROKEN = "the form is broken; send the photo's bytes alone, or a form whose field `photo` holds them"
_MISSING = "no photo came with the request; send its bytes as the body, or in the field `photo` of a form"


async def read_photo_bytes(request: Request, limits: Limits) -> bytes:
    """Return the bytes of the photo that a request brings, as its body or in a form's field `photo`.

    Raises:
        Refusal: 400 for a broken form or no photo, 408 where the body comes too slowly, 413 where it is too large.
    """
    body = await _read_body(request, limits)
    kind, options = parse_options_header(request.headers.get("content-type"))
    photo = _photo_in_form(body, options.get(b"boundary", b"")) if kind == b"multipart/form-data" else body
    if not photo:
        raise Refusal(400, _MISSING)
    return photo


async def _read_body(request: Request, limits: Limits) -> bytes:
    """Return a request's body."""
    too_large = Refusal(413, f"the photo has more than the {limits.bytes / (1 << 20):.3g} MiB allowed; scale it down")
    if _declared(request) > limits.bytes:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(limits.upload_seconds):
            async for piece in request.stream():
                if len(body) + len(piece) > limits.bytes:
                    raise too_large
                body += piece
    except TimeoutError:
        reason = f"the photo did not come within {limits.upload_seconds:g} seconds; scale it down or send it faster"
        raise Refusal(408, reason) from None
    except ClientDisconnect:
        raise Refusal(400, "the connection ended before the photo had come; send it again") from None
    return bytes(body)


def _declared(request: Request) -> int:
    """Return the length that a request says its body has, 0 where it does not say."""
    told = request.headers.get("content-length", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 20 else 0


class _Form:
    """Collects the first part of a form that is called `photo`; other parts are passed over.

    Attributes:
        photo: its bytes, None where there is no such part.
        ended: whether the form came to its end.
    """

    def __init__(self) -> None:
        self.photo: bytearray | None = None
        self.ended = False
        self._taken = False
        self._header, self._value, self._disposition = b"", b"", b""

    def part_begins(self) -> None:
        self._disposition = b""

    def header_begins(self) -> None:
        self._header, self._value = b"", b""

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_ends(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value

    def headers_end(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._taken = self.photo is None and options.get(b"name") == FIELD.encode()
        if self._taken:
            self.photo = bytearray()

    def data(self, data: bytes, start: int, end: int) -> None:
        if self._taken and self.photo is not None:
            self.photo += data[start:end]

    def ends(self) -> None:
        self.ended = True


def _photo_in_form(body: bytes, boundary: bytes) -> bytes:
    """Return the photo in a form, empty where it has none."""
    form = _Form()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": form.part_begins,
                "on_header_begin": form.header_begins,
                "on_header_field": form.header_name,
                "on_header_value": form.header_value,
                "on_header_end": form.header_ends,
                "on_headers_finished": form.headers_end,
                "on_part_data": form.data,
                "on_end": form.ends,
            },
        )
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise Refusal(400, _BROKEN) from None
    if not boundary or not form.ended:
        raise Refusal(400, _BROKEN)
    return bytes(form.photo or b"")
