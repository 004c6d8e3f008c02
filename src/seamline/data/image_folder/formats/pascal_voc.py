"""Pascal VOC segmentation: `JPEGImages/`, `SegmentationClass/`, lists of splits, and colors of classes."""

import re
from pathlib import Path, PurePosixPath

from seamline.data.image_folder.color_lists import read_color_list
from seamline.data.image_folder.file_tree import FileTree, read_text
from seamline.data.image_folder.folder_names import split_of_name
from seamline.data.image_folder.records import FolderContents, MaskClass, MaskLegend
from seamline.data.masks import color_code
from seamline.errors import SeamlineError

_BORDERS = (0xFFFFFF, 0xE0E0C0)  # white, and the color of index 255 in VOC's palette
_IMAGES = re.compile(r"jpe?gimages|images", re.IGNORECASE)
_MASKS = re.compile(r"segmentationclass(png|raw|aug|pngs)?", re.IGNORECASE)
_OTHERS = re.compile(r"segmentation(object|class|instance).*", re.IGNORECASE)
_LABELMAP_LINE = re.compile(r"(?P<name>.+?):(?P<red>\d{1,3}),\s*(?P<green>\d{1,3}),\s*(?P<blue>\d{1,3})(:|$)")
_VOC_NAMES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable",
    "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip


def parse(tree: FileTree) -> FolderContents | None:
    """Read images and masks of classes in folders as of Pascal VOC; None where there is no folder of such masks.

    Colors are classes by `labelmap.txt`, if there is one; white and VOC's border color, or 255, are ignored. Images
    without a mask have no label.

    Raises:
        SeamlineError: a mask has no image, an image is in two lists of splits, or `labelmap.txt` is invalid.
    """
    images, masks = _files_below(tree, _IMAGES), _files_below(tree, _MASKS)
    if not masks:
        return None
    if unpaired := sorted(masks.keys() - images.keys()):
        raise SeamlineError(
            f"{masks[unpaired[0]]}: is a mask without an image of the same name in JPEGImages ({len(unpaired):,} of "
            f"{len(masks):,} masks); add the images"
        )
    lists = [file for file in tree.files if file.suffix == ".txt" and file.parent.parent.name.lower() == "imagesets"]
    splits = _read_lists(lists)
    legend, legend_files = _read_legend(tree, next(iter(masks.values())).parent)
    samples = [
        tree.sample(images[key], splits.get(key.rpartition("/")[2]) or splits.get(key, ""), mask=mask)
        for key, mask in masks.items()
    ]
    used = {*masks.values()}
    others = [file for file in tree.images if file not in used and any(map(_OTHERS.fullmatch, file.parts))]
    return FolderContents(
        tree.folder,
        f"Pascal VOC segmentation{f' with the classes of {legend.source}' if legend else ''}",
        samples,
        sources=(*lists, *legend_files),
        legend=legend,
        other_masks=tuple(others),
    )


def _files_below(tree: FileTree, pattern: re.Pattern[str]) -> dict[str, Path]:
    """Return the images below folders with a name, by their path without suffix and without that folder."""
    files = {}
    for file in tree.images:
        parts = file.relative_to(tree.folder).with_suffix("").parts
        places = [place for place, part in enumerate(parts[:-1]) if pattern.fullmatch(part)]
        if places:
            files["/".join((*parts[: places[0]], *parts[places[0] + 1 :]))] = file
    return files


def _read_lists(lists: list[Path]) -> dict[str, str]:
    """Return the split of each name in lists such as `ImageSets/Segmentation/train.txt`."""
    splits: dict[str, str] = {}
    for file in lists:
        if not (split := split_of_name(file.stem)) or file.stem.lower() == "trainval":
            continue
        for line in filter(None, map(str.strip, read_text(file).splitlines())):
            name = PurePosixPath(line.split()[0].replace("\\", "/")).name
            name = name.removesuffix(".jpg").removesuffix(".png")
            if splits.setdefault(name, split) != split:
                raise SeamlineError(f"{file}: lists {name}, which is also in {splits[name]}; keep it in one list")
    return splits


def _read_legend(tree: FileTree, masks: Path) -> tuple[MaskLegend | None, list[Path]]:
    """Return the meaning of the masks in a folder, and the files that define it."""
    named = {file.name.lower(): file for file in tree.files if file.parent in (tree.folder, *masks.parents)}
    if labelmaps := [file for file in tree.files if file.name.lower() == "labelmap.txt"]:
        classes = tuple(_read_labelmap(labelmaps[0]))
        for other in labelmaps[1:]:
            if tuple(_read_labelmap(other)) != classes:
                raise SeamlineError(f"{other}: defines other classes than {labelmaps[0]}; make them equal")
        ignored = tuple(color for color in _BORDERS if color not in {entry.value for entry in classes})
        return MaskLegend(classes, by_color=True, ignored=ignored, source=labelmaps[0].name), labelmaps
    if (file := named.get("class_names.txt")) is not None:
        names = [name for name in map(str.strip, read_text(file).splitlines()) if name and not name.startswith("__")]
        names = [name.strip("_") if name == "_background_" else name for name in names]
        return MaskLegend(_numbered(names), ignored=(255,), source=file.name), [file]
    if any(re.fullmatch(r"VOC20\d\d", parent.name) for parent in masks.parents):
        return MaskLegend(_numbered(_VOC_NAMES), ignored=(255,), source="Pascal VOC"), []
    return None, []


def _numbered(names: tuple[str, ...] | list[str]) -> tuple[MaskClass, ...]:
    return tuple(MaskClass(name, value) for value, name in enumerate(names))


def _read_labelmap(file: Path) -> list[MaskClass]:
    """Return the classes of lines such as `door:250,50,83::`."""
    classes: dict[str, MaskClass] = {}
    for number, name, color in read_color_list(file, _LABELMAP_LINE, "name:red,green,blue"):
        if name in classes or color_code(color) in {entry.value for entry in classes.values()}:
            raise SeamlineError(f"{file}: line {number} repeats a name or a color; correct it")
        classes[name] = MaskClass(name, color_code(color), color)
    if len(classes) < 2:
        raise SeamlineError(f"{file}: names {len(classes)} classes; name two or more")
    return list(classes.values())
