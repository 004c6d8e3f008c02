"""Openings as COCO instances in coordinates of the photos, as annotation programs and training scripts read them.

Coordinates count from the upper left corner of the upright photo, whose first pixel covers 0..1.
"""

import os
from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path
from typing import Any, get_args

from seamline.run_folder import Front, MeasuredPhoto, MeasuresRecord, Opening, Point, to_json
from seamline.run_folder.measures import OpeningKind

_CATEGORIES = {kind: number for number, kind in enumerate(get_args(OpeningKind), start=1)}
_DIGITS = 2  # of coordinates in pixels


def coco_instances(record: MeasuresRecord) -> bytes:
    """Return the openings of all photos as COCO JSON.

    Names of photos are relative to the folder that holds all of them, so that the file serves beside them.
    """
    numbers = count(1)
    names = _relative_names([photo.file for photo in record.photos])
    content = {
        "info": {"description": f"Openings of fronts, measured with {record.model}", "version": "1.0"},
        "licenses": [],
        "images": [
            {"id": number, "file_name": name, "width": photo.width, "height": photo.height}
            for number, (name, photo) in enumerate(zip(names, record.photos, strict=True), start=1)
        ],
        "annotations": [
            {"id": next(numbers), "image_id": image, **_annotation(front, opening)}
            for image, photo in enumerate(record.photos, start=1)
            for front, opening in _openings(photo)
        ],
        "categories": [
            {"id": number, "name": kind, "supercategory": "opening"} for kind, number in _CATEGORIES.items()
        ],
    }
    return to_json(content)


def _openings(photo: MeasuredPhoto) -> Iterable[tuple[Front, Opening]]:
    return ((front, opening) for front in photo.fronts for opening in front.openings)


def _annotation(front: Front, opening: Opening) -> dict[str, Any]:
    """Return an annotation without the ids of itself and its image."""
    points = [(round(x, _DIGITS), round(y, _DIGITS)) for x, y in opening.photo_outline]
    left, top = (min(values) for values in zip(*points, strict=True))
    right, bottom = (max(values) for values in zip(*points, strict=True))
    return {
        "category_id": _CATEGORIES[opening.kind],
        "segmentation": [[value for point in points for value in point]],
        "bbox": [left, top, round(right - left, _DIGITS), round(bottom - top, _DIGITS)],
        "area": round(polygon_area(points), _DIGITS),
        "iscrowd": 0,
        "attributes": {
            "front": front.number,
            "storey": opening.storey,
            "column": opening.column,
            "probability": opening.probability,
            "assumed": opening.assumed,
            "inferred": opening.inferred,
            "counted": opening.counted,
        },
    }


def polygon_area(points: Sequence[Point]) -> float:
    """Return the area of a polygon by the shoelace formula, in squared units of its coordinates."""
    following = (*points[1:], points[0])
    return abs(sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in zip(points, following, strict=True))) / 2


def _relative_names(files: Sequence[str]) -> list[str]:
    """Return paths relative to the folder that holds all of them, with slashes; as they are where there is none."""
    try:
        paths = [Path(file).absolute() for file in files]
        folder = os.path.commonpath([path.parent for path in paths])
        return [path.relative_to(folder).as_posix() for path in paths]
    except ValueError:  # no files, or several drives of Windows
        return list(files)
