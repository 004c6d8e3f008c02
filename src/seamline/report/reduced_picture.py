"""Pictures of files on a page, reduced to a size in bytes."""

from pathlib import Path
from typing import NamedTuple

from PIL import Image

from seamline.report.images import photo_uri
from seamline.report.run_data import read_picture

SIDES = (360, 1200)
"""Pixels of the longer side of a picture, at least and at most."""


class Picture(NamedTuple):
    """A picture on the page."""

    uri: str  # a data URI
    width: int  # in pixels
    height: int  # in pixels


def reduced_picture(path: Path, limit: int) -> Picture | None:
    """Read a picture, reduced until its text has at most `limit` characters; None if there is none.

    Raises:
        SeamlineError: the file is no image.
    """
    if not path.is_file():
        return None
    image = read_picture(path, color=True)
    side = min(SIDES[1], max(image.size))
    while True:
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        uri = photo_uri(image, side)
        if len(uri) <= limit or side <= SIDES[0]:
            return Picture(uri, *image.size)
        side = max(SIDES[0], int(0.95 * side * (limit / len(uri)) ** 0.5))  # size grows with area
