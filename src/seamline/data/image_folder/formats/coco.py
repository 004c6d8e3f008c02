"""COCO JSON: images, annotations with polygons, and categories."""

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from seamline.data.image_folder.formats.polygons import make_polygon, read_json_file
from seamline.data.image_folder.records import FolderContents, Polygon, Sample, sort_samples, split_from_path
from seamline.errors import SeamlineError
from seamline.io import safe_is_file

Id = int | str


class Category(Struct):
    """A class."""

    id: Id
    name: str


class CocoImage(Struct):
    """An image file."""

    id: Id
    file_name: str


class Annotation(Struct):
    """Polygons of one class in one image; each polygon is a flat list of x and y."""

    image_id: Id
    category_id: Id
    id: Any = None
    segmentation: list[list[float]] | dict[str, Any] | None = None


class CocoFile(Struct):
    """A COCO file."""

    images: list[CocoImage]
    annotations: list[Annotation]
    categories: list[Category]


def parse_coco(folder: Path, files: list[Path]) -> FolderContents | None:
    """Read COCO JSON, one file per split or one for all; None where there is none.

    Args:
        folder: the folder.
        files: all files below it.

    Raises:
        SeamlineError: a JSON file cannot be read, or a COCO file is invalid.
    """
    samples: list[Sample] = []
    classes: dict[str, None] = {}
    warnings: list[str] = []
    for file in files:
        if file.suffix.lower() != ".json":
            continue
        content = read_json_file(file)
        if not isinstance(content, dict) or not {"images", "annotations", "categories"} <= content.keys():
            continue
        try:
            coco = msgspec.convert(content, CocoFile)
            polygons = _polygons_by_image(file, coco, warnings)
        except (msgspec.ValidationError, ValueError, OverflowError) as error:
            raise SeamlineError(f"{file}: is COCO JSON with an invalid part ({error}); correct it") from None
        samples += _samples(folder, file, coco, polygons)
        classes |= dict.fromkeys(category.name for category in coco.categories)
    if not classes:
        return None
    _refuse_duplicates(folder, samples)
    return FolderContents(folder, "COCO polygons", sort_samples(samples), tuple(classes), tuple(warnings))


def _polygons_by_image(file: Path, coco: CocoFile, warnings: list[str]) -> dict[Id, list[Polygon]]:
    """Return the polygons of each image; a warning counts the annotations that have none."""
    names = {category.id: category.name for category in coco.categories}
    polygons: dict[Id, list[Polygon]] = {image.id: [] for image in coco.images}
    missing = 0
    for annotation in coco.annotations:
        if annotation.image_id not in polygons or annotation.category_id not in names:
            raise SeamlineError(
                f"{file}: annotation {annotation.id} refers to an image or a category that is not listed; correct it"
            )
        if isinstance(annotation.segmentation, dict):
            raise SeamlineError(
                f"{file}: annotation {annotation.id} is a run-length encoded mask; export polygons, or masks as PNG"
            )
        missing += not annotation.segmentation
        for flat in annotation.segmentation or ():
            corners = zip(flat[::2], flat[1::2], strict=True)
            polygons[annotation.image_id].append(make_polygon(names[annotation.category_id], corners))
    if missing and not any(polygons.values()):
        raise SeamlineError(f"{file}: has boxes and no polygons; export polygons, because boxes give no masks")
    if missing:
        warnings.append(f"{file.name}: {missing:,} annotations without a polygon are ignored")
    return polygons


def _samples(folder: Path, file: Path, coco: CocoFile, polygons: dict[Id, list[Polygon]]) -> list[Sample]:
    """Return the samples of a COCO file; the split is named by the image's folder, or by the file."""
    split = split_from_path((*file.relative_to(folder).parts[:-1], *file.stem.replace("-", "_").split("_")))
    samples = []
    for image in coco.images:
        path = _find_image(folder, file, image.file_name)
        name = path.relative_to(folder)
        samples.append(
            Sample(
                path,
                name.as_posix(),
                split_from_path(name.parts[:-1]) or split,
                polygons=tuple(polygons[image.id]),
            )
        )
    return samples


def _find_image(folder: Path, file: Path, name: str) -> Path:
    """Return the image that a COCO file names, from the usual places."""
    relative = Path(name.replace("\\", "/"))
    if relative.is_absolute() or ".." in relative.parts:
        raise SeamlineError(f"{file}: names {name}, which is not inside {folder}; name images relative to the folder")
    stem = file.stem.removeprefix("instances_")
    roots = (file.parent, file.parent / "images", folder, folder / "images", folder / stem, folder / "images" / stem)
    for root in roots:
        if safe_is_file(root / relative):
            return root / relative
    raise SeamlineError(f"{file}: names {name}, which is not in {file.parent}; put the images there")


def _refuse_duplicates(folder: Path, samples: list[Sample]) -> None:
    """Refuse an image that is listed twice."""
    names = set()
    for sample in samples:
        if sample.name in names:
            raise SeamlineError(f"{folder / sample.name}: is listed more than once in the COCO files; list it once")
        names.add(sample.name)
