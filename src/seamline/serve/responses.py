"""Describes responses in the description of the API."""

from typing import Any

from pydantic import BaseModel, Field

Responses = dict[int | str, dict[str, Any]]
"""HTTP status -> what FastAPI says about the response."""

BINARY = {"type": "string", "format": "binary"}
"""Schema of a file."""

TEXT = {"type": "string"}
"""Schema of a text."""

COMMON_ERRORS = (403, 405, 421, 500)
"""Errors of every path."""

PHOTO_ERRORS = (400, 408, 413, 415, 422, 503)
"""Errors of the paths that read a photo."""

_ERRORS = {
    400: "The request has no photo, or its form is malformed.",
    403: "The request comes from the page of another site.",
    404: "There is no such photo.",
    405: "The path does not support this method.",
    408: "The upload took too long.",
    409: "The model cannot do this: it is a classifier, or it measures no buildings.",
    413: "The photo has too many bytes or pixels.",
    415: "The photo is not in a supported format.",
    421: "The server does not serve this host name.",
    422: "The photo is damaged, a parameter is wrong, or there is no building to measure.",
    500: "Internal server error.",
    503: "Too many photos are waiting, or there is not enough memory; try again later.",
    507: "The disk is full; nothing was saved.",
}


class ErrorResponse(BaseModel):
    """Why a request failed."""

    error: str = Field(description="One line.")


def success(description: str, media_type: str, schema: dict[str, str] = BINARY) -> Responses:
    """Describe the response 200, of a media type: a file, or what the JSON schema says."""
    return {200: {"description": description, "content": {media_type: {"schema": schema}}}}


def errors(*statuses: int) -> Responses:
    """Describe error responses."""
    return {status: {"model": ErrorResponse, "description": _ERRORS[status]} for status in statuses}
