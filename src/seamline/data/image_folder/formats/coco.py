"""COCO JSON: images, annotations with polygons, run lengths or boxes, and categories."""

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from seamline.data.image_folder.file_tree import FileTree, find_file, refuse_invalid
from seamline.data.image_folder.folder_names import split_from_path
from seamline.data.image_folder.polygons import MIN_CORNERS, make_polygon
from seamline.data.image_folder.records import FolderContents, Polygon, RunLengthMask, Sample, Shape
from seamline.data.image_folder.run_lengths import coco_runs
from seamline.errors import SeamlineError
from seamline.run_folder import UnusedData

Id = int | str


class Category(Struct):
    """A class."""

    id: Id
    name: str


class CocoImage(Struct):
    """An image file."""

    id: Id
    file_name: str
    width: float | None = None
    height: float | None = None


class Annotation(Struct):
    """A region of one class in one image: polygons, each a flat list of x and y, run lengths, or a box."""

    image_id: Id
    category_id: Id
    id: Any = None
    segmentation: list[list[float]] | dict[str, Any] | None = None
    bbox: Any = None  # left, top, width and height in pixels
    iscrowd: Any = 0


class CocoFile(Struct):
    """A COCO file."""

    images: list[CocoImage]
    annotations: list[Annotation]
    categories: list[Category]


def parse(tree: FileTree) -> FolderContents | None:
    """Read COCO JSON, one file per split or one for all; None where there is none.

    Raises:
        SeamlineError: a JSON file cannot be read, or a COCO file is invalid.
    """
    samples: list[Sample] = []
    classes: dict[str, None] = {}
    sources: list[Path] = []
    unused: list[UnusedData] = []
    crowds = 0
    for file, coco in tree.json_files(CocoFile, "COCO JSON"):
        _refuse_repeated_ids(file, coco)
        crowds += sum(bool(annotation.iscrowd) for annotation in coco.annotations)
        with refuse_invalid(file, "COCO JSON"):
            polygons = _polygons_by_image(file, coco, unused, boxes=tree.boxes)
        sources.append(file)
        # The split is named by the image's folder, or by the file.
        split = split_from_path((*file.relative_to(tree.folder).parts[:-1], *file.stem.replace("-", "_").split("_")))
        for image in coco.images:
            path = _find_image(tree.folder, file, image.file_name)
            shapes = tuple(polygons[image.id])
            samples.append(tree.sample(path, split, polygons=shapes, label_size=_stated_size(image, shapes)))
        classes |= dict.fromkeys(category.name for category in coco.categories)
    if not classes:
        return None
    warnings = (f"{crowds:,} annotations are crowds of objects (iscrowd) and count as their class",) if crowds else ()
    return FolderContents(
        tree.folder,
        "COCO boxes and polygons" if tree.boxes else "COCO polygons",
        samples,
        tuple(classes),
        tuple(sources),
        unused=tuple(unused),
        warnings=warnings,
    )


def _refuse_repeated_ids(file: Path, coco: CocoFile) -> None:
    """Refuse ids of images, categories or annotations that occur twice, and images that are listed twice."""
    images = {image.id: image.file_name for image in reversed(coco.images)}
    lists: tuple[tuple[str, list[tuple[Any, str]]], ...] = (
        ("images", [(image.id, image.file_name) for image in coco.images]),
        ("categories", [(category.id, category.name) for category in coco.categories]),
        (
            "annotations",
            [(one.id, f"one of {images.get(one.image_id, one.image_id)}") for one in coco.annotations],
        ),
    )
    for kind, pairs in lists:
        names: dict[str, str] = {}
        for key, name in pairs:
            first = names.setdefault(repr(key), name)
            if key is not None and first is not name:
                raise SeamlineError(
                    f"{file}: gives the id {key} to two {kind}, {first} and {name}; give each its own, and refer to it "
                    "by that"
                )
    ids: dict[str, Id] = {}
    for image in coco.images:
        if image.file_name in ids:
            raise SeamlineError(
                f"{file}: lists {image.file_name} twice, with the ids {ids[image.file_name]} and {image.id}; list it "
                "once, with all annotations"
            )
        ids[image.file_name] = image.id


def _stated_size(image: CocoImage, shapes: tuple[Shape, ...]) -> tuple[int, int] | None:
    """Return height and width for which an image was annotated, as the file states them; None where it does not."""
    if image.width and image.height:
        return round(image.height), round(image.width)
    return next((shape.size for shape in shapes if isinstance(shape, RunLengthMask)), None)


def _polygons_by_image(file: Path, coco: CocoFile, unused: list[UnusedData], *, boxes: bool) -> dict[Id, list[Shape]]:
    """Return the polygons of each image; `unused` counts the annotations that have none.

    With `boxes`, the box of an annotation without polygons is one.
    """
    names = {category.id: category.name for category in coco.categories}
    polygons: dict[Id, list[Shape]] = {image.id: [] for image in coco.images}
    missing = lines = 0
    for annotation in coco.annotations:
        if annotation.image_id not in polygons or annotation.category_id not in names:
            raise SeamlineError(
                f"{file}: annotation {annotation.id} refers to an image or a category that is not listed; correct it"
            )
        if boxes and not annotation.segmentation and annotation.bbox:
            polygons[annotation.image_id].append(_box(names[annotation.category_id], annotation.bbox))
            continue
        missing += not annotation.segmentation
        if isinstance(annotation.segmentation, dict):
            polygons[annotation.image_id].append(coco_runs(names[annotation.category_id], annotation.segmentation))
            continue
        for flat in annotation.segmentation or ():
            if len(flat) % 2:
                raise ValueError(f"a polygon has {len(flat)} numbers, which are no pairs of x and y")
            corners = list(zip(flat[::2], flat[1::2], strict=True))
            if len(corners) < MIN_CORNERS:
                lines += 1
                continue
            polygons[annotation.image_id].append(make_polygon(names[annotation.category_id], corners))
    if missing and not any(polygons.values()):
        raise SeamlineError(
            f"{file}: has boxes and no polygons; export polygons, because boxes give no masks, or set boxes = true in "
            "a class map (--map)"
        )
    if missing:
        unused.append(
            UnusedData(
                kind="annotations",
                what="annotations without a polygon",
                count=missing,
                fraction=missing / len(coco.annotations),
                reason=f"boxes of {file.name} give no masks; export polygons",
            )
        )
    if lines:
        unused.append(
            UnusedData(
                kind="annotations",
                what=f"polygons of fewer than {MIN_CORNERS} corners",
                count=lines,
                reason=f"they cover no area; correct or remove them in {file.name}",
            )
        )
    return polygons


def _box(label: str, box: Any) -> Polygon:
    """Return the box of an annotation, left, top, width and height, as a polygon."""
    left, top, width, height = msgspec.convert(box, tuple[float, float, float, float])
    right, bottom = left + width, top + height
    return make_polygon(label, ((left, top), (right, top), (right, bottom), (left, bottom)))


def _find_image(folder: Path, file: Path, name: str) -> Path:
    """Return the image that a COCO file names, from the usual places."""
    stem = file.stem.removeprefix("instances_")
    folders = [file.parent, file.parent / "images", folder, folder / "images", folder / stem, folder / "images" / stem]
    image = find_file(name, folders)
    if image is None:
        raise SeamlineError(f"{file}: names {name}, which is not in {file.parent}; put the images there")
    return image
