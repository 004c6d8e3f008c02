"""YOLO segmentation: a text file of polygons per image, and the names of classes in `data.yaml`."""

import re
from dataclasses import replace
from pathlib import Path

from seamline.data.image_folder.file_tree import FileTree, normalize, read_text, refuse_invalid
from seamline.data.image_folder.folder_names import IMAGE_WORDS, MASK_WORDS, split_path_words
from seamline.data.image_folder.formats.data_yaml import SplitLists, read_names, read_splits
from seamline.data.image_folder.polygons import make_polygon
from seamline.data.image_folder.records import FolderContents, Polygon, Sample
from seamline.data.image_io import read_header
from seamline.errors import SeamlineError
from seamline.run_folder import UnusedData

_NUMBER = r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"
_LINE = re.compile(rf"\d+(\s+{_NUMBER}){{4,}}\s*")
_BOX_FIELDS = 5
_SHOWN = 40  # characters of an invalid line in a message
_TOLERANCE = 0.01  # by which a coordinate may be outside the image


def parse(tree: FileTree) -> FolderContents | None:
    """Read polygons in text files: a class number and normalized corners per line; None where there are none.

    `labels/a.txt` belongs to `images/a.jpg`, as does a text file beside the image. Images without a text file have no
    label; an empty text file means an image of background.

    Raises:
        SeamlineError: there are only boxes, a line is invalid, a class has no name, or the splits of `data.yaml`
            are invalid.
    """
    images = {_key(tree, file): file for file in tree.images}
    texts = {_key(tree, file): file for file in tree.files if file.suffix.lower() == ".txt"}
    lines = {key: _read_lines(texts[key]) for key in images.keys() & texts.keys()}
    invalid = {key: line for key, found in lines.items() for line in found if not _LINE.fullmatch(line)}
    if not any(found for key, found in lines.items() if key not in invalid):
        return None
    if invalid:
        key, line = min(invalid.items())
        raise SeamlineError(
            f"{texts[key]}: the line {line[:_SHOWN]!r} is not a class number with corners, as the lines of other text "
            "files are; correct it, or remove the file"
        )
    names, source, splits = _read_names(tree)
    labels = {images[key]: (texts[key], found) for key, found in lines.items()}
    samples, others = splits.apply([tree.sample(image) for image in labels], tree.folder)
    samples, boxes = _with_polygons(samples, labels, names)
    unnamed = () if names else ("no data.yaml or classes.txt names the classes, so they are called by their numbers",)
    return FolderContents(
        tree.folder,
        "YOLO polygons",
        samples,
        classes=tuple(names.values()),
        sources=(*(texts[key] for key in lines), *source, *splits.sources),
        unused=(*others, *boxes),
        warnings=(*splits.warnings, *unnamed),
    )


def _with_polygons(
    samples: list[Sample], labels: dict[Path, tuple[Path, list[str]]], names: dict[int, str]
) -> tuple[list[Sample], tuple[UnusedData, ...]]:
    """Return samples with their polygons, and the entry of boxes, which are not used.

    Args:
        samples: the images.
        labels: image -> its text file, and the lines of it.
        names: names of classes by number.

    Raises:
        SeamlineError: there are only boxes, or a line is invalid.
    """
    labeled, boxes, total = [], 0, 0
    for sample in samples:
        file, lines = labels[sample.file]
        outlines = [line for line in lines if len(line.split()) > _BOX_FIELDS]
        polygons = _polygons(file, outlines, sample.file, names) if outlines else []
        boxes += len(lines) - len(polygons)
        total += len(lines)
        labeled.append(replace(sample, polygons=tuple(polygons)))
    if not boxes:
        return labeled, ()
    if boxes == total:
        first = min(file for file, lines in (labels[sample.file] for sample in samples) if lines)
        raise SeamlineError(
            f"{first}: has boxes and no polygons, as all such files here; export polygons (YOLO segmentation), because "
            "boxes give no masks"
        )
    reason = "boxes give no masks; export polygons"
    entry = UnusedData(kind="annotations", what="boxes", count=boxes, fraction=boxes / total, reason=reason)
    return labeled, (entry,)


def _key(tree: FileTree, file: Path) -> str:
    """Return the path of an image or text file without its suffix and words such as `images` and `labels`."""
    path = file.relative_to(tree.folder)
    words = (split_path_words(part) for part in path.parts[:-1])
    rests = (" ".join(word for word in part if word not in IMAGE_WORDS | MASK_WORDS) for part in words)
    return normalize("/".join((*filter(None, rests), path.stem)))


def _read_lines(file: Path) -> list[str]:
    """Return the lines of a file that are not empty; a file that only has the name of an image may not be UTF-8."""
    return [line.strip() for line in read_text(file, "replace").splitlines() if line.strip()]


def _polygons(file: Path, lines: list[str], image: Path, names: dict[int, str]) -> list[Polygon]:
    """Return the polygons of a file's lines, in pixels of the image."""
    header = read_header(image)
    if header is None:
        raise SeamlineError(f"{image}: cannot be read; replace or remove it")
    height, width = header.size
    polygons = []
    for line in lines:
        number, *values = line.split()
        if names and int(number) not in names:
            raise SeamlineError(
                f"{file}: contains the class {number}, which has no name; add it to the names of the classes"
            )
        with refuse_invalid(file, "a text file of polygons"):
            if len(values) % 2:
                raise ValueError(f"a polygon has {len(values)} coordinates")
            corners = [float(value) for value in values]
            if min(corners) < -_TOLERANCE or max(corners) > 1 + _TOLERANCE:
                raise ValueError("a coordinate is not between 0 and 1")
            points = ((x * width, y * height) for x, y in zip(corners[::2], corners[1::2], strict=True))
            polygons.append(make_polygon(names.get(int(number), f"class {int(number)}"), points))
    return polygons


def _read_names(tree: FileTree) -> tuple[dict[int, str], list[Path], SplitLists]:
    """Return the names of classes by number, the file that gives them, and the splits of `data.yaml`."""
    for file in tree.files:
        if file.suffix.lower() in (".yaml", ".yml") and (names := read_names(text := read_text(file))):
            return names, [file], read_splits(tree, file, text)
    for file in tree.files:
        if file.name.lower() in ("classes.txt", "obj.names"):
            return dict(enumerate(_read_lines(file))), [file], SplitLists()
    return {}, [], SplitLists()
