"""LabelMe JSON: one file per image, with its shapes."""

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct, field

from seamline.data.image_folder.formats.polygons import make_polygon, read_json_file
from seamline.data.image_folder.records import FolderContents, Point, Polygon, Sample, sort_samples, split_from_path
from seamline.errors import SeamlineError
from seamline.io import safe_is_file

_CIRCLE_CORNERS = 64


class LabelmeShape(Struct):
    """A shape; only polygons, rectangles and circles cover an area."""

    label: str
    points: list[tuple[float, float]]
    shape_type: str | None = None


class LabelmeFile(Struct):
    """A LabelMe file."""

    image: str = field(name="imagePath")
    shapes: list[LabelmeShape]


def parse_labelme(folder: Path, files: list[Path]) -> FolderContents | None:
    """Read LabelMe JSON files beside their images; None where there are none.

    Args:
        folder: the folder.
        files: all files below it.

    Raises:
        SeamlineError: a JSON file cannot be read, or a LabelMe file is invalid or has no image.
    """
    samples: list[Sample] = []
    skipped: Counter[str] = Counter()
    for file in files:
        if file.suffix.lower() != ".json":
            continue
        content = read_json_file(file)
        if not isinstance(content, dict) or not {"shapes", "imagePath"} <= content.keys():
            continue
        try:
            labelme = msgspec.convert(content, LabelmeFile)
            polygons = tuple(_polygons(labelme.shapes, skipped))
        except (msgspec.ValidationError, ValueError, OverflowError) as error:
            raise SeamlineError(f"{file}: is LabelMe JSON with an invalid part ({error}); correct it") from None
        image = file.parent / Path(labelme.image.replace("\\", "/")).name
        if not safe_is_file(image):
            raise SeamlineError(f"{file}: its image {image.name} is not beside it; add the image, or remove the file")
        name = image.relative_to(folder)
        samples.append(Sample(image, name.as_posix(), split_from_path(name.parts[:-1]), polygons=polygons))
    if not samples:
        return None
    warnings = [f"{count:,} shapes of type {kind} cover no area and are ignored" for kind, count in skipped.items()]
    return FolderContents(folder, "LabelMe polygons", sort_samples(samples), warnings=tuple(warnings))


def _polygons(shapes: list[LabelmeShape], skipped: Counter[str]) -> Iterator[Polygon]:
    """Yield the shapes that cover an area as polygons, and count the others by type."""
    for shape in shapes:
        kind = shape.shape_type or "polygon"
        points: list[Point] = shape.points
        if kind == "rectangle" and len(points) == 2:
            (left, top), (right, bottom) = points
            points = [(left, top), (right, top), (right, bottom), (left, bottom)]
        elif kind == "circle" and len(points) == 2:
            (x, y), edge = points
            radius = math.dist((x, y), edge)
            angles = [math.tau * step / _CIRCLE_CORNERS for step in range(_CIRCLE_CORNERS)]
            points = [(x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles]
        elif kind != "polygon" or len(points) < 3:
            skipped[kind] += 1
            continue
        yield make_polygon(shape.label, points)
