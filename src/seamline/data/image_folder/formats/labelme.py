"""LabelMe JSON: one file per image, with its shapes."""

import base64
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from msgspec import Struct, field

from seamline.data.image_folder.file_tree import FileTree, find_file, refuse_invalid
from seamline.data.image_folder.polygons import MIN_CORNERS, make_polygon
from seamline.data.image_folder.records import FolderContents, Point, RunLengthMask, Sample, Shape
from seamline.data.image_folder.run_lengths import encode_runs
from seamline.data.image_io import MAX_PIXELS, decode, read_header
from seamline.errors import SeamlineError
from seamline.run_folder import UnusedData

_CIRCLE_CORNERS = 64
_OUTLINES = ("polygon", "rectangle", "rotation", "quadrilateral")  # the last two by X-AnyLabeling


class LabelmeShape(Struct):
    """A shape; points and lines cover no area."""

    label: str
    points: list[tuple[float, float]]
    shape_type: str | None = None
    mask: str | None = None  # a PNG in Base64, for the shape type `mask`


class LabelmeFile(Struct):
    """A LabelMe file."""

    image: str = field(name="imagePath")
    shapes: list[LabelmeShape]
    height: int | None = field(default=None, name="imageHeight")
    width: int | None = field(default=None, name="imageWidth")


def parse(tree: FileTree) -> FolderContents | None:
    """Read LabelMe JSON files beside their images; None where there are none.

    Raises:
        SeamlineError: a JSON file cannot be read, or a LabelMe file is invalid or has no image.
    """
    samples: list[Sample] = []
    skipped: Counter[str] = Counter()
    sources: list[Path] = []
    for file, labelme in tree.json_files(LabelmeFile, "LabelMe JSON"):
        image = find_file(labelme.image, [file.parent, tree.folder, file.parent / "images", tree.folder / "images"])
        if image is None:
            name = PurePosixPath(labelme.image.replace("\\", "/")).name
            raise SeamlineError(f"{file}: its image {name} is not beside it; add the image, or remove the file")
        size = (labelme.height, labelme.width) if labelme.height and labelme.width else None
        with refuse_invalid(file, "LabelMe JSON"):
            shapes = tuple(_shapes(labelme.shapes, size, image, skipped))
        sources.append(file)
        samples.append(tree.sample(image, polygons=shapes, label_size=size))
    if not samples:
        return None
    unused = tuple(
        UnusedData(kind="annotations", what=f"shapes of type {kind}", count=count, reason="they cover no area")
        for kind, count in skipped.items()
    )
    return FolderContents(tree.folder, "LabelMe polygons", samples, sources=tuple(sources), unused=unused)


def _shapes(
    shapes: list[LabelmeShape], size: tuple[int, int] | None, image: Path, skipped: Counter[str]
) -> Iterator[Shape]:
    """Yield the shapes that cover an area, and count the others by type.

    Args:
        shapes: the shapes.
        size: height and width of the annotated image, or None where the file does not state them.
        image: the image.
        skipped: number of shapes by type, to which those without an area are added.
    """
    for shape in shapes:
        kind = shape.shape_type or "polygon"
        points: list[Point] = shape.points
        if kind == "mask" and shape.mask and points:
            header = read_header(image)
            yield _region(shape, size or (header.size if header else (1, 1)))
            continue
        if kind == "rectangle" and len(points) == 2:
            (left, top), (right, bottom) = points
            points = [(left, top), (right, top), (right, bottom), (left, bottom)]
        elif kind == "circle" and len(points) == 2:
            (x, y), edge = points
            radius = math.dist((x, y), edge)
            angles = [math.tau * step / _CIRCLE_CORNERS for step in range(_CIRCLE_CORNERS)]
            points = [(x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles]
        elif kind not in _OUTLINES or len(points) < MIN_CORNERS:
            skipped[kind] += 1
            continue
        yield make_polygon(shape.label, points)


def _region(shape: LabelmeShape, size: tuple[int, int]) -> RunLengthMask:
    """Return the region of a shape of type `mask`: a picture whose top left corner is the first point.

    Raises:
        ValueError: the picture cannot be decoded, or is not inside the image.
    """
    try:
        content = base64.b64decode(shape.mask or "", validate=True)
        picture = np.asarray(decode(content, "the mask", MAX_PIXELS).image.convert("L")) > 0
    except (ValueError, SeamlineError) as error:
        raise ValueError(f"the mask of a shape {shape.label} cannot be read: {error}") from None
    left, top = (round(min(values)) for values in zip(*shape.points, strict=True))
    region = np.zeros(size, bool)
    if left < 0 or top < 0 or left >= size[1] or top >= size[0]:
        raise ValueError(f"the mask of a shape {shape.label} is not inside the image")
    inside = region[top : top + picture.shape[0], left : left + picture.shape[1]]
    inside[:] = picture[: inside.shape[0], : inside.shape[1]]
    return encode_runs(shape.label, region)
