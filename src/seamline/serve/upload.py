"""Reads the photo of a request into memory, within the limits; nothing is written to disk."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from python_multipart.exceptions import FormParserError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from seamline.serve.middleware import Limits, too_large
from seamline.serve.responses import BINARY

logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # the client gets the error, not the terminal

FIELD = "photo"
"""The field of a form that holds the photo."""

PHOTO_BODY: dict[str, Any] = {
    "requestBody": {
        "description": "A photo: JPEG, PNG, WebP, TIFF, BMP or GIF; its bytes, or a form that holds it as a file.",
        "required": True,
        "content": {
            "application/octet-stream": {"schema": BINARY},
            "image/*": {"schema": BINARY},
            "multipart/form-data": {
                "schema": {"type": "object", "required": [FIELD], "properties": {FIELD: BINARY}},
            },
        },
    }
}
"""What `read_photo_bytes` reads, in the description of the API."""

_BROKEN = "the form is malformed; send the photo as the request body, or as a file in the form field `photo`"
_MISSING = "the request has no photo; send it as the request body, or as a file in the form field `photo`"


async def read_photo_bytes(request: Request, limits: Limits) -> bytes:
    """Return the photo of a request: its body, or the file in the field `photo` of a form.

    Raises:
        HTTPException: 400 for a broken form or no photo, 408 for a body that is too slow, 413 for one too large.
    """
    body = await _read_body(request, limits)
    photo = await _read_form(request, body) if _is_form(request) else body
    if not photo:
        raise HTTPException(400, _MISSING)
    return photo


async def _read_body(request: Request, limits: Limits) -> bytes:
    """Return the body of a request."""
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and (len(declared) >= 20 or int(declared) > limits.bytes):
        raise too_large(limits)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.upload_seconds):
            async for chunk in request.stream():
                if len(body) + len(chunk) > limits.bytes:
                    raise too_large(limits)
                body += chunk
    except TimeoutError:
        reason = f"the upload took longer than {limits.upload_seconds:g} seconds; scale the photo down"
        raise HTTPException(408, reason) from None
    except ClientDisconnect:
        raise HTTPException(
            400, "the connection was closed before the upload was complete; send the photo again"
        ) from None
    return bytes(body)


class _MemoryParser(MultiPartParser):
    """Parses a form without files on disk, and records whether the form is complete."""

    spool_max_size = 1 << 40
    complete = False

    def on_end(self) -> None:
        self.complete = True


async def read_fields(request: Request, limits: Limits) -> dict[str, tuple[str, bytes]]:
    """Return the fields of a form by name, the first of each: the name of the file, empty for a text, and the content.

    Raises:
        HTTPException: as `read_photo_bytes`; 415 if the request is no form.
    """
    if not _is_form(request):
        raise HTTPException(415, "the request is no form; send it as multipart/form-data")
    body = await _read_body(request, limits)
    fields: dict[str, tuple[str, bytes]] = {}
    async with _parsed_form(request, body) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                fields.setdefault(name, (value.filename or "", await value.read()))
            else:
                fields.setdefault(name, ("", value.encode()))
    return fields


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith("multipart/form-data")


async def _read_form(request: Request, body: bytes) -> bytes:
    """Return the photo in a form, empty if it has none; of several the first one."""
    async with _parsed_form(request, body) as form:
        photos = form.getlist(FIELD)
        return await photos[0].read() if photos and isinstance(photos[0], UploadFile) else b""


@asynccontextmanager
async def _parsed_form(request: Request, body: bytes) -> AsyncGenerator[FormData, None]:
    """Yield the fields of a form; a `HTTPException` with status 400 for a broken one."""

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    parser = _MemoryParser(request.headers, stream(), max_part_size=len(body))
    try:
        form = await parser.parse()
        if not parser.complete:
            raise MultiPartException("the form is cut off")
        yield form
    except (MultiPartException, FormParserError):
        raise HTTPException(400, _BROKEN) from None
    finally:
        for file in parser._files_to_close_on_error:
            file.close()
