"""LabelMe JSON: one file per image, with its shapes."""

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from msgspec import Struct, field

from seamline.data.image_folder.file_tree import FileTree, find_file, refuse_invalid
from seamline.data.image_folder.polygons import make_polygon
from seamline.data.image_folder.records import FolderContents, Point, Polygon, Sample
from seamline.errors import SeamlineError
from seamline.run_folder import UnusedData

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


def parse(tree: FileTree) -> FolderContents | None:
    """Read LabelMe JSON files beside their images; None where there are none.

    Raises:
        SeamlineError: a JSON file cannot be read, or a LabelMe file is invalid or has no image.
    """
    samples: list[Sample] = []
    skipped: Counter[str] = Counter()
    sources: list[Path] = []
    for file, labelme in tree.json_files(LabelmeFile, "LabelMe JSON"):
        with refuse_invalid(file, "LabelMe JSON"):
            polygons = tuple(_polygons(labelme.shapes, skipped))
        image = find_file(labelme.image, [file.parent, tree.folder, file.parent / "images", tree.folder / "images"])
        if image is None:
            name = PurePosixPath(labelme.image.replace("\\", "/")).name
            raise SeamlineError(f"{file}: its image {name} is not beside it; add the image, or remove the file")
        sources.append(file)
        samples.append(tree.sample(image, polygons=polygons))
    if not samples:
        return None
    unused = tuple(
        UnusedData(kind="annotations", what=f"shapes of type {kind}", count=count, reason="they cover no area")
        for kind, count in skipped.items()
    )
    return FolderContents(tree.folder, "LabelMe polygons", samples, sources=tuple(sources), unused=unused)


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
