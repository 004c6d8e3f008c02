"""YOLO segmentation: a text file of polygons per image, and the names of classes in `data.yaml`."""

import re
from pathlib import Path

from seamline.data.image_folder.file_tree import FileTree, normalize, read_text, refuse_invalid
from seamline.data.image_folder.folder_names import IMAGE_WORDS, MASK_WORDS, split_path_words
from seamline.data.image_folder.polygons import make_polygon
from seamline.data.image_folder.records import FolderContents, Polygon
from seamline.data.image_io import read_header
from seamline.errors import SeamlineError
from seamline.run_folder import UnusedData

_NUMBER = r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"
_LINE = re.compile(rf"\d+(\s+{_NUMBER}){{4,}}\s*")
_BOX_FIELDS = 5
_SHOWN = 40  # characters of an invalid line in a message
_TOLERANCE = 0.01  # by which a coordinate may be outside the image
_QUOTED = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^,]*))\s*(?:,|$)""")


def parse(tree: FileTree) -> FolderContents | None:
    """Read polygons in text files: a class number and normalized corners per line; None where there are none.

    `labels/a.txt` belongs to `images/a.jpg`, as does a text file beside the image. Images without a text file have no
    label; an empty text file means an image of background.

    Raises:
        SeamlineError: there are only boxes, a line is invalid, or a class has no name.
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
    names, source = _read_names(tree)
    samples, boxes, total = [], 0, 0
    for key, found in lines.items():
        outlines = [line for line in found if len(line.split()) > _BOX_FIELDS]
        polygons = _polygons(texts[key], outlines, images[key], names) if outlines else []
        boxes += len(found) - len(polygons)
        total += len(found)
        samples.append(tree.sample(images[key], polygons=tuple(polygons)))
    if boxes == total:
        first = next(key for key in sorted(lines) if lines[key])
        raise SeamlineError(
            f"{texts[first]}: has boxes and no polygons, as all such files here; export polygons (YOLO segmentation), "
            "because boxes give no masks"
        )
    unused = UnusedData(
        kind="annotations",
        what="boxes",
        count=boxes,
        fraction=boxes / total,
        reason="boxes give no masks; export polygons",
    )
    return FolderContents(
        tree.folder,
        "YOLO polygons",
        samples,
        classes=tuple(names.values()),
        sources=(*(texts[key] for key in lines), *source),
        unused=(unused,) if boxes else (),
        warnings=()
        if names
        else ("no data.yaml or classes.txt names the classes, so they are called by their numbers",),
    )


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


def _read_names(tree: FileTree) -> tuple[dict[int, str], list[Path]]:
    """Return the names of classes by number, and the file that gives them."""
    for file in tree.files:
        if file.suffix.lower() in (".yaml", ".yml") and (names := _names_of_yaml(read_text(file))):
            return names, [file]
    for file in tree.files:
        if file.name.lower() in ("classes.txt", "obj.names"):
            return dict(enumerate(_read_lines(file))), [file]
    return {}, []


def _names_of_yaml(text: str) -> dict[int, str]:
    """Return the list or mapping `names` of a YAML file, in flow or block style; empty where there is none."""
    match = re.search(r"^names\s*:[ \t]*(.*)$", text, re.MULTILINE)
    if match is None:
        return {}
    rest = text[match.start(1) :]
    if flow := re.match(r"[\[{]([^\]}]*)[\]}]", rest):
        items = [
            next(filter(None, found.groups()), "").strip() for found in _QUOTED.finditer(flow[1].replace("\n", " "))
        ]
        items = [item for item in items if item]
    else:
        block = re.match(r"[ \t]*(#.*)?\n((?:[ \t]*-[ \t].*\n?|[ \t]+\d+[ \t]*:.*\n?|[ \t]*\n)*)", rest)
        items = [line.strip().removeprefix("- ") for line in (block[2] if block else "").splitlines() if line.strip()]
    names: dict[int, str] = {}
    for place, item in enumerate(items):
        numbered = re.fullmatch(r"(\d+)\s*:\s*(.+)", item)
        name = (numbered[2] if numbered else item).strip().strip("\"'")
        names[int(numbered[1]) if numbered else place] = name
    return names
