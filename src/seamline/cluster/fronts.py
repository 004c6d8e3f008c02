"""Rows about the fronts in a photo: the columns of `measures.csv` with their types, and all measures as JSON."""

from pathlib import PurePosixPath
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from seamline.buildings.camera import Camera
from seamline.buildings.files.tables import FRONT_COLUMNS, FrontRow
from seamline.buildings.measurer import Measurer, PhotoOrigin
from seamline.run_folder.fields import to_json

_TYPES = (
    dict.fromkeys(("photo", "building", "method", "direction"), pa.string())
    | dict.fromkeys(("front", "windows", "storeys", "columns", "doors", "shops"), pa.int32())
    | dict.fromkeys(("inferred_windows", "dropped"), pa.int32())
    | dict.fromkeys(("cut_off", "notes"), pa.list_(pa.string()))
)
"""Types of the columns that are not numbers with decimals."""

FRONT_SCHEMA = pa.schema(
    [
        *((column.name, _TYPES.get(column.name, pa.float64())) for column in FRONT_COLUMNS),
        ("front_json", pa.string()),
        ("photo_json", pa.string()),
    ]
)
"""The columns of the table of a shard that is measured: a row for each front."""


def front_rows(measurer: Measurer, path: str, pixels: NDArray[np.uint8], camera: Camera) -> list[dict[str, Any]]:
    """Measure a photo and return a row for each of its fronts.

    `front_json` is the `Front`, and `photo_json` the `MeasuredPhoto` without its fronts.

    Args:
        measurer: what measures.
        path: of the photo in its storage.
        pixels: (H, W, 3) uint8, upright.
        camera: the camera by the photo's EXIF data.

    Raises:
        SeamlineError: the photo shows no building.
    """
    origin = PhotoOrigin(path, PurePosixPath(path).stem, camera.focal_length, camera.gps)
    photo = measurer(pixels, origin)
    photo = msgspec.structs.replace(photo, warnings=(*photo.warnings, *camera.warnings))
    photo_json = to_json(msgspec.structs.replace(photo, fronts=()))
    return [
        {column.name: column.value(FrontRow(photo, front)) for column in FRONT_COLUMNS}
        | {"front_json": to_json(front), "photo_json": photo_json}
        for front in photo.fronts
    ]
