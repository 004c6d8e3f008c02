"""What an exported network's file says of itself, in its metadata."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seamline.data.shapes import COLOUR, NUMBER, SIDE, TEXT, Kind, Maybe, misfit
from seamline.errors import SeamlineError

ABOVE_0 = Kind("a number above 0", lambda value: NUMBER.fits(value) and value > 0)

_SHAPE: dict[str, Any] = {
    "seamline": TEXT,
    "name": TEXT,
    "dataset": TEXT,
    "recipe_name": TEXT,
    "classes": [TEXT],
    "colours": [COLOUR],
    "image": [SIDE],
    "temperature": ABOVE_0,
    "fingerprint": TEXT,
    "numbers": TEXT,
    "looks": Maybe(TEXT),
}
"""Key -> what its value is, as JSON: `seamline` the version that trained it, `name` of the run, `image` height, width
and channels of the images it was trained with, `fingerprint` of the run's weights, `numbers` float32 or int8, `looks`
how an image is looked at where that is less often than the run's network does."""


def to_metadata(description: Mapping[str, Any]) -> dict[str, str]:
    """Return a description as a file's metadata holds it: each value as JSON."""
    return {key: json.dumps(description[key], ensure_ascii=False) for key in _SHAPE if key in description}


def from_metadata(file: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return the description that a file's metadata hold.

    Raises:
        SeamlineError: they hold none, or a damaged one.
    """
    cure = "export the run again with `seamline export`"
    if "seamline" not in metadata:
        raise SeamlineError(f"{file}: was not written by `seamline export`, so its classes are not known; {cure}")
    try:
        described = {key: json.loads(metadata[key]) for key in _SHAPE if key in metadata}
    except (ValueError, RecursionError) as error:
        raise SeamlineError(f"{file}: its metadata are damaged ({error}); {cure}") from None
    if wrong := misfit(described, _SHAPE):
        raise SeamlineError(f"{file}: its metadata are damaged ({wrong}); {cure}")
    if len(described["image"]) != 3 or len(described["colours"] or described["classes"]) != len(described["classes"]):
        raise SeamlineError(f"{file}: its metadata are damaged (image or colours do not fit); {cure}")
    return described
