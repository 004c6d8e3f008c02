"""What `/api/measure` receives and returns: options as a query, the fronts of a photo with their pictures as JSON."""

import base64
import re
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from seamline.buildings.camera import read_camera
from seamline.buildings.measurer import Measurer, PhotoOrigin
from seamline.buildings.options import MeasureOptions
from seamline.buildings.picture import rectify_photo
from seamline.data.image_io import encode_jpeg
from seamline.errors import SeamlineError
from seamline.run_folder import Front, GpsPosition, Plane
from seamline.run_folder.fields import Number, Side, to_json
from seamline.run_folder.measures import Fraction

PICTURE_SIDE = 1280
"""Longer side of rectified pictures in pixels, at most."""

_POINT = r"-?[0-9]{1,6}(\.[0-9]{1,9})?,-?[0-9]{1,6}(\.[0-9]{1,9})?"
_CORNERS = f"^{_POINT}( {_POINT}){{3}}$"


class MeasureQuery(BaseModel):
    """How a photo is measured."""

    corners: str | None = Field(
        None,
        json_schema_extra={"pattern": _CORNERS},  # `options` checks it, with an error that can be read
        description="Corners of the one front in the photo, clockwise from the upper left, in pixels of the upright "
        "photo: `x,y x,y x,y x,y`. Without them fronts are found.",
    )
    height: float | None = Field(None, gt=0, le=1000, description="Height of each front in meters.")
    storey_height: float | None = Field(
        None, gt=0, le=100, description="Mean height of a storey in meters; this or `height` gives the scale."
    )
    azimuth: float | None = Field(
        None, ge=0, lt=360, description="Direction that the front faces, in degrees clockwise from north."
    )
    pictures: bool = Field(False, description="Whether to include the rectified fronts as pictures.")

    def options(self) -> MeasureOptions:
        """Return the options of the measurer.

        Raises:
            SeamlineError: a value is out of range, or there are two scales.
        """
        if self.height is not None and self.storey_height is not None:
            raise SeamlineError("height and storey_height: are two scales; give one of them")
        return MeasureOptions(
            corners=None if self.corners is None else _parse_corners(self.corners),
            height_m=self.height,
            storey_height_m=self.storey_height,
            azimuth=self.azimuth,
        )


class MeasureResponse(Struct, frozen=True, kw_only=True):
    """The fronts of a photo with their measures."""

    width: Side  # of the upright photo in pixels
    height: Side  # of the upright photo in pixels
    fronts: tuple[Front, ...]  # from left to right
    interval_level: Fraction | None  # probability of the conformal intervals; null where the model has none
    gps: GpsPosition | None  # where the photo was taken, by its EXIF data
    novelty: Number | None  # above 1 the photo is unlike the training images; null where not available
    warnings: tuple[str, ...]
    pictures: tuple[str, ...]  # of each front, rectified: JPEG in base64; empty unless asked for


def _parse_corners(text: str) -> tuple[tuple[float, float], ...]:
    """Return the points of `corners`."""
    if not re.fullmatch(_CORNERS, text):
        raise SeamlineError(
            f"corners: {text[:60]!r} is not four points; give `x,y x,y x,y x,y` in pixels, clockwise from upper left"
        )
    pairs = (point.split(",") for point in text.split(" "))
    return tuple((float(x), float(y)) for x, y in pairs)


def response_schemas() -> dict[str, Any]:
    """Return the JSON schemas of `MeasureResponse` and of the structs in it by name, as OpenAPI refers to them."""
    _, schemas = msgspec.json.schema_components((MeasureResponse,), ref_template="#/components/schemas/{name}")
    return schemas


def measure_photo(measurer: Measurer, content: bytes, photo: NDArray[np.uint8], query: MeasureQuery) -> bytes:
    """Measure the fronts of a photo.

    Args:
        measurer: what measures; its options are replaced by those of the query.
        content: the bytes of the photo's file, which hold its EXIF data.
        photo: (H, W, 3) uint8, its pixels, upright.
        query: the options of the request.

    Returns:
        A `MeasureResponse` as JSON.

    Raises:
        SeamlineError: an option is wrong, or the photo shows no building.
    """
    camera = read_camera(content)
    origin = PhotoOrigin("the photo", "photo", camera.focal_length, camera.gps)
    try:
        measured = replace(measurer, options=query.options())(photo, origin)
    except SeamlineError as error:  # which names an option of the command line
        raise SeamlineError(str(error).removeprefix("--")) from None
    pictures = [_rectify(photo, front.plane) for front in measured.fronts] if query.pictures else []
    return to_json(
        MeasureResponse(
            width=measured.width,
            height=measured.height,
            fronts=measured.fronts,
            interval_level=measurer.calibration.level if measurer.calibration else None,
            gps=measured.gps,
            novelty=measured.novelty,
            warnings=(*measured.warnings, *camera.warnings),
            pictures=tuple(base64.b64encode(picture).decode() for picture in pictures),
        )
    )


def _rectify(photo: NDArray[np.uint8], plane: Plane) -> bytes:
    """Return the plane of a front as a JPEG of at most `PICTURE_SIDE` pixels a side."""
    zoom = min(1.0, PICTURE_SIDE / max(plane.width, plane.height))
    return encode_jpeg(rectify_photo(photo, plane, 1.0, zoom), PICTURE_SIDE)
