"""Label Studio JSON: polygons, brush strokes or choices."""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from seamline.data.image_folder.file_tree import FileTree, refuse_invalid
from seamline.data.image_folder.image_index import ImageIndex
from seamline.data.image_folder.polygons import make_polygon
from seamline.data.image_folder.records import FolderContents, Shape
from seamline.data.image_folder.run_lengths import decode_brush, encode_runs
from seamline.data.image_io import SUFFIXES, ImageHeader, read_header
from seamline.errors import SeamlineError, list_first
from seamline.run_folder import UnusedData

_MAX_ASPECT_DIFFERENCE = 0.02
_UPLOAD_PREFIX = re.compile(r"^[0-9a-f]{8}-")  # Label Studio adds it to the names of uploaded files


class Result(Struct):
    """A region, or the choices for an image."""

    type: str
    value: dict[str, Any] = {}
    original_width: int = 0
    original_height: int = 0


class Annotation(Struct):
    """The results of one annotator."""

    result: list[Result]
    was_cancelled: bool = False


class LabeledTask(Struct):
    """An image with its annotations."""

    data: dict[str, Any]
    annotations: list[Annotation]
    id: Any = None


@dataclass
class _Contents:
    """What the files contain."""

    shapes: dict[Path, list[Shape]] = field(default_factory=dict)
    choices: dict[Path, str] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)


def parse(tree: FileTree) -> FolderContents | None:
    """Read JSON exports of Label Studio; None where there are none.

    Polygons and brush strokes give masks, choices give classes. Images without annotations have no label; where several
    people annotated an image, the first annotation counts.

    Raises:
        SeamlineError: a file is JSON-MIN or invalid, an image is missing, has several choices, or only boxes.
    """
    contents, sources = _Contents(), []
    images = ImageIndex(tree)
    for file, content in tree.json_lists.items():
        if not content or not all(isinstance(item, dict) for item in content):
            continue
        if all({"annotator", "annotation_id"} & item.keys() and "data" not in item for item in content):
            raise SeamlineError(f"{file}: is JSON-MIN of Label Studio, without sizes; export as JSON")
        if not all({"data", "annotations"} <= item.keys() for item in content):
            continue
        sources.append(file)
        for item in content:
            with refuse_invalid(file, "Label Studio JSON"):
                task = msgspec.convert(item, LabeledTask)
            _read_task(file, task, images, contents)
    if not sources:
        return None
    if any(contents.shapes.values()):
        contents.skipped["choices"] += len(contents.choices)
        samples = [tree.sample(image, polygons=tuple(shapes)) for image, shapes in contents.shapes.items()]
    elif contents.choices:
        samples = [tree.sample(image, label=label) for image, label in contents.choices.items()]
    else:
        kinds = list_first([f"{count:,} {kind}" for kind, count in contents.skipped.items() if count])
        kinds = kinds or "no annotations"
        raise SeamlineError(
            f"{sources[0]}: has {kinds}, which give neither masks nor classes; annotate polygons, brush strokes or "
            "choices"
        )
    layout = "Label Studio " + ("regions" if any(contents.shapes.values()) else "choices")
    return FolderContents(tree.folder, layout, samples, sources=tuple(sources), unused=_unused(contents))


def _unused(contents: _Contents) -> tuple[UnusedData, ...]:
    return tuple(
        UnusedData(kind="annotations", what=kind, count=count, reason="only polygons and brush strokes give masks")
        for kind, count in contents.skipped.items()
        if count
    )


def _read_task(file: Path, task: LabeledTask, images: ImageIndex, contents: _Contents) -> None:
    """Add the annotations of an image."""
    annotations = [annotation for annotation in task.annotations if not annotation.was_cancelled]
    if not annotations:
        return
    image = _find_image(file, task, images)
    if image in contents.shapes:
        raise SeamlineError(f"{file}: has several tasks for {image.name}; keep one")
    contents.skipped["annotations of further people"] += len(annotations) - 1
    shapes = contents.shapes.setdefault(image, [])
    header = read_header(image)
    for result in annotations[0].result:
        if result.type == "choices":
            choices = result.value.get("choices") or []
            if len(choices) != 1 or image in contents.choices:
                raise SeamlineError(f"{file}: task {task.id} has several choices or none; keep one per image")
            contents.choices[image] = str(choices[0])
        elif result.type in ("polygonlabels", "brushlabels"):
            with refuse_invalid(file, "Label Studio JSON"):
                shapes.append(_shape(result, image.name, header))
        else:
            contents.skipped[f"annotations of type {result.type}"] += 1


def _find_image(file: Path, task: LabeledTask, images: ImageIndex) -> Path:
    """Return the image of a task, by the first value that ends with the suffix of an image."""
    values = [unquote(value) for value in task.data.values() if isinstance(value, str)]
    paths = [value.partition("?d=")[2] or (value.partition("?")[0] if "://" in value else value) for value in values]
    path = next((path for path in paths if path.lower().endswith(SUFFIXES)), None)
    if path is None:
        raise SeamlineError(f"{file}: task {task.id} names no image; export tasks with images")
    name = path.replace("\\", "/").rpartition("/")[2]
    for candidate in (path, name, _UPLOAD_PREFIX.sub("", name)):
        image = images.find(candidate, file)
        if isinstance(image, Path):
            return image
        if image:
            raise SeamlineError(f"{file}: task {task.id} names {name}, which is in several folders; rename one of them")
    raise SeamlineError(f"{file}: task {task.id} names {name}, which is not in {file.parent}; put the images there")


def _shape(result: Result, name: str, header: ImageHeader | None) -> Shape:
    """Return a polygon or a brush stroke in pixels of its image, which is called `name`."""
    labels = result.value.get(result.type)
    if header is None or not isinstance(labels, list) or not labels:
        raise ValueError("a region has no label, or its image cannot be read")
    height, width = header.size
    wide, high = result.original_width, result.original_height
    if wide < 1 or high < 1 or abs(wide * height / (high * width) - 1) > _MAX_ASPECT_DIFFERENCE:
        raise ValueError(f"{name} is {width} x {height} pixels, but was annotated at {wide} x {high}")
    if result.type == "brushlabels" and (high, wide) != (height, width):
        raise ValueError(f"{name} is {width} x {height} pixels, but a brush stroke is {wide} x {high}")
    if result.type == "brushlabels":
        rle = msgspec.convert(result.value.get("rle"), list[int])
        return encode_runs(str(labels[0]), decode_brush(rle, high, wide))
    points = msgspec.convert(result.value.get("points"), list[tuple[float, float]])
    return make_polygon(str(labels[0]), [(x * width / 100, y * height / 100) for x, y in points])
