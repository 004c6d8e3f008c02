"""Polygons in JSON, as COCO and LabelMe write them."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from seamline.data.image_folder.records import Found, Item, Point, Shape, ordered, split_of
from seamline.errors import SeamlineError
from seamline.io import safe_is_file

BACKGROUND = "background"
"""The class of what no polygon covers."""

_LARGEST = 1 << 30  # bytes of JSON
_FINE = 4_000_000  # pixels of an image up to which polygons are drawn finer
_CORNERS = 1_000_000  # of one polygon


def from_coco(folder: Path, files: list[Path]) -> Found | None:
    """See COCO JSON: `images`, `annotations` with polygons, `categories`; a file a split, or one for all."""
    items: list[Item] = []
    classes: dict[str, None] = {}
    odd: list[str] = []
    for file in files:
        if file.suffix.lower() != ".json" or (content := _json(file)) is None:
            continue
        if isinstance(content, dict) and {"images", "annotations", "categories"} <= content.keys():
            try:
                read, names = _coco(folder, file, content, odd)
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
                raise SeamlineError(
                    f"{file}: is COCO JSON with a part that cannot be read ({error!r}); correct it"
                ) from None
            items += read
            classes |= dict.fromkeys(names)
    if not classes:
        return None
    _refuse_repeats(folder, items)
    return Found(folder, "COCO polygons", ordered(items), tuple(classes), tuple(odd))


def from_labelme(folder: Path, files: list[Path]) -> Found | None:
    """See LabelMe JSON: a file an image, with `imagePath` and `shapes`."""
    items: list[Item] = []
    skipped: dict[str, int] = {}
    for file in files:
        if file.suffix.lower() != ".json" or not isinstance(content := _json(file), dict):
            continue
        if not {"shapes", "imagePath"} <= content.keys():
            continue
        image = file.parent / Path(str(content["imagePath"]).replace("\\", "/")).name
        if not safe_is_file(image):
            raise SeamlineError(
                f"{file}: its image {image.name} is not beside it; add the image, or take the file away"
            )
        try:
            shapes = tuple(_labelme(content["shapes"], skipped))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise SeamlineError(f"{file}: has a shape that cannot be read ({error!r}); correct it") from None
        name = image.relative_to(folder)
        items.append(Item(image, name.as_posix(), split_of(name.parts[:-1]), shapes=shapes))
    if not items:
        return None
    odd = [f"{count:,} shapes of the kind {kind} cover no area and are left out" for kind, count in skipped.items()]
    return Found(folder, "LabelMe polygons", ordered(items), odd=tuple(odd))


def draw(shapes: tuple[Shape, ...], numbers: dict[str, int], height: int, width: int) -> NDArray[np.uint8]:
    """Return the mask of polygons: (height, width) uint8, 0 where there is none, the larger ones below.

    A pixel is inside where its middle is: the pen colours every pixel that an outline touches, so it draws finer, and
    the middles are kept.

    Args:
        shapes: the polygons.
        numbers: class name -> its number.
        height: of the image.
        width: of the image.
    """
    finer = 4 if height * width <= _FINE else 1
    mask = Image.new("L", (finer * width, finer * height), 0)
    pen = ImageDraw.Draw(mask)
    for shape in sorted(shapes, key=lambda one: -_area(one.points)):
        pen.polygon([(finer * x - 0.5, finer * y - 0.5) for x, y in shape.points], fill=numbers[shape.label])
    return np.array(mask)[finer // 2 :: finer, finer // 2 :: finer]


def _area(points: tuple[Point, ...]) -> float:
    """Return a polygon's area, by the shoelace formula."""
    following = [*points[1:], points[0]]
    return abs(sum(x * b - a * y for (x, y), (a, b) in zip(points, following, strict=True))) / 2


def _coco(folder: Path, file: Path, content: dict[str, Any], odd: list[str]) -> tuple[list[Item], list[str]]:
    """Return the images of one COCO file, and the names of its categories."""
    names = {one["id"]: str(one["name"]) for one in content["categories"]}
    shapes: dict[Any, list[Shape]] = {one["id"]: [] for one in content["images"]}
    without = 0
    for one in content["annotations"]:
        outline = one.get("segmentation")
        if one["image_id"] not in shapes or one["category_id"] not in names:
            raise SeamlineError(f"{file}: annotation {one.get('id')} is of an image or a category that is not listed")
        if isinstance(outline, dict):
            raise SeamlineError(
                f"{file}: annotation {one.get('id')} is a mask in run-length form; export polygons, or masks as PNG"
            )
        if not outline:
            without += 1
            continue
        for flat in outline:
            points = tuple(zip(flat[::2], flat[1::2], strict=True))
            shapes[one["image_id"]].append(_shape(names[one["category_id"]], points))
    if without and not any(shapes.values()):
        raise SeamlineError(f"{file}: has boxes and no polygons; masks cannot be drawn from boxes")
    if without:
        odd.append(f"{file.name}: {without:,} annotations have no polygon and are left out")
    split = split_of((*file.relative_to(folder).parts[:-1], *file.stem.replace("-", "_").split("_")))
    items = []
    for one in content["images"]:
        image = _image_of(folder, file, str(one["file_name"]))
        name = image.relative_to(folder)
        its_split = split_of(name.parts[:-1]) or split
        items.append(Item(image, name.as_posix(), its_split, shapes=tuple(shapes[one["id"]])))
    return items, list(names.values())


def _image_of(folder: Path, file: Path, called: str) -> Path:
    """Return the image that a COCO file names, where such files are usually kept."""
    relative = Path(called.replace("\\", "/"))
    if relative.is_absolute() or ".." in relative.parts:
        raise SeamlineError(f"{file}: names {called}, which is not inside {folder}; name images relative to the folder")
    stem = file.stem.removeprefix("instances_")
    for place in (
        file.parent,
        file.parent / "images",
        folder,
        folder / "images",
        folder / stem,
        folder / "images" / stem,
    ):
        if safe_is_file(place / relative):
            return place / relative
    raise SeamlineError(f"{file}: names {called}, which is not in {file.parent}; put the images there")


def _labelme(shapes: Any, skipped: dict[str, int]) -> Iterator[Shape]:
    """Yield the shapes that cover an area."""
    for one in shapes:
        kind = one.get("shape_type") or "polygon"
        points = tuple((float(x), float(y)) for x, y in one["points"])
        if kind == "rectangle" and len(points) == 2:
            (left, top), (right, bottom) = points
            points = ((left, top), (right, top), (right, bottom), (left, bottom))
        elif kind == "circle" and len(points) == 2:
            (x, y), (edge, other) = points
            radius = math.hypot(edge - x, other - y)
            turns = [math.tau * step / 64 for step in range(64)]
            points = tuple((x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns)
        elif kind != "polygon" or len(points) < 3:
            skipped[kind] = skipped.get(kind, 0) + 1
            continue
        yield _shape(str(one["label"]), points)


def _shape(label: str, points: tuple[Any, ...]) -> Shape:
    """Return a polygon whose corners are numbers."""
    corners = tuple((float(x), float(y)) for x, y in points)
    if len(corners) < 3 or len(corners) > _CORNERS:
        raise ValueError(f"a polygon of {len(corners)} corners")
    if not all(math.isfinite(x) and math.isfinite(y) and max(abs(x), abs(y)) < 1e6 for x, y in corners):
        raise ValueError("a corner that lies nowhere")
    return Shape(label, corners)


def _json(file: Path) -> Any:
    """Return what a JSON file holds."""
    try:
        if file.stat().st_size > _LARGEST:
            raise SeamlineError(f"{file}: is larger than {_LARGEST >> 30} GiB; split it, or leave it out")
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SeamlineError(f"{file}: cannot be read ({error.strerror or error}); check its permissions") from None
    except (ValueError, RecursionError) as error:
        raise SeamlineError(f"{file}: is no JSON that can be read ({error}); correct it, or leave it out") from None


def _refuse_repeats(folder: Path, items: list[Item]) -> None:
    names = [item.name for item in items]
    if len(set(names)) < len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise SeamlineError(f"{folder / twice}: is listed more than once in the COCO files; list it once")
