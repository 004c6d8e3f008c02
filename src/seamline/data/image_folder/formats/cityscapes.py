"""Cityscapes: `*_leftImg8bit.png` with `*_gtFine_labelIds.png` or `*_gtFine_labelTrainIds.png`."""

import re
from pathlib import Path

from seamline.data.image_folder.color_lists import read_color_list
from seamline.data.image_folder.file_tree import FileTree
from seamline.data.image_folder.records import FolderContents, MaskClass, MaskLegend
from seamline.data.masks import Color
from seamline.errors import SeamlineError

_CLASSES: tuple[tuple[str, int, Color], ...] = (
    ("road", 7, (128, 64, 128)), ("sidewalk", 8, (244, 35, 232)), ("building", 11, (70, 70, 70)),
    ("wall", 12, (102, 102, 156)), ("fence", 13, (190, 153, 153)), ("pole", 17, (153, 153, 153)),
    ("traffic light", 19, (250, 170, 30)), ("traffic sign", 20, (220, 220, 0)), ("vegetation", 21, (107, 142, 35)),
    ("terrain", 22, (152, 251, 152)), ("sky", 23, (70, 130, 180)), ("person", 24, (220, 20, 60)),
    ("rider", 25, (255, 0, 0)), ("car", 26, (0, 0, 142)), ("truck", 27, (0, 0, 70)), ("bus", 28, (0, 60, 100)),
    ("train", 31, (0, 80, 100)),
    ("motorcycle", 32, (0, 0, 230)), ("bicycle", 33, (119, 11, 32)),
)  # fmt: skip
"""The 19 evaluated classes with their labelId, in the order of their trainId (cityscapesscripts/helpers/labels.py)."""

_IGNORED = 255
_IDS = 34  # labelIds are 0..33
_IMAGE = re.compile(r"(.*?)_?leftImg8bit", re.IGNORECASE)
_MASK = re.compile(r"(.*?)_?gt(Fine|Coarse)_(labelTrainIds|labelIds|color|instanceIds|instanceTrainIds)", re.IGNORECASE)
_COLOR_LINE = re.compile(r"(?P<red>\d{1,3})\s+(?P<green>\d{1,3})\s+(?P<blue>\d{1,3})\s+(?P<name>.+)")
_FOLDERS = {
    "leftimg8bit",
    "imgsfine",
    "imgscoarse",
    "gtfine",
    "gtcoarse",
    "leftimg8bit_trainvaltest",
    "gtfine_trainvaltest",
}


def parse(tree: FileTree) -> FolderContents | None:
    """Read Cityscapes pairs; None where there are no masks with such names.

    `labelTrainIds` are read where every image that has a mask has one of them, else `labelIds`, of which the classes
    that Cityscapes does not evaluate are ignored. `label_colors.txt` names the classes of other data in this layout.

    Raises:
        SeamlineError: a mask has no image, or there are only masks of colors.
    """
    images: dict[str, Path] = {}
    masks: dict[str, dict[str, Path]] = {"labeltrainids": {}, "labelids": {}}
    others: list[Path] = []
    for file in tree.images:
        if match := _MASK.fullmatch(file.stem):
            key, form = _key(tree, file, match[1]), match[3].lower()
            if form in masks and not (match[2].lower() == "coarse" and key in masks[form]):
                others += [masks[form][key]] if key in masks[form] else []
                masks[form][key] = file
            else:
                others.append(file)
        elif match := _IMAGE.fullmatch(file.stem):
            images[_key(tree, file, match[1])] = file
    if not images or not (others or any(masks.values())):
        return None
    complete = masks["labeltrainids"].keys() >= masks["labelids"].keys() and masks["labeltrainids"]
    form = "labeltrainids" if complete else "labelids"
    chosen = masks[form]
    if not chosen:
        raise SeamlineError(
            f"{others[0]}: is a mask of colors or objects of Cityscapes; add the masks *_gtFine_labelIds.png, which "
            "contain numbers of classes"
        )
    if unpaired := sorted(chosen.keys() - images.keys()):
        raise SeamlineError(f"{chosen[unpaired[0]]}: is a mask without its image *_leftImg8bit; add the image")
    others += masks["labelids" if complete else "labeltrainids"].values()
    legend, sources = _legend(tree, form)
    layout = f"Cityscapes with masks of {'labelTrainIds' if complete else 'labelIds'}, {legend.source}"
    samples = [tree.sample(images[key], mask=mask) for key, mask in chosen.items()]
    return FolderContents(
        tree.folder, layout, samples, sources=sources, legend=legend, other_masks=tuple(sorted(others))
    )


def _key(tree: FileTree, file: Path, prefix: str) -> str:
    """Return what an image and its mask have in common: split, city and the first part of the name."""
    parts = file.relative_to(tree.folder).parts[:-1]
    return "/".join((*(part for part in parts if part.lower() not in _FOLDERS), prefix))


def _legend(tree: FileTree, form: str) -> tuple[MaskLegend, tuple[Path, ...]]:
    """Return the meaning of the numbers in masks, and the files that define it."""
    if file := next((file for file in tree.files if file.name == "label_colors.txt"), None):
        rows = read_color_list(file, _COLOR_LINE, "red, green, blue and a name, such as 70 70 70 building")
        classes = tuple(MaskClass(name, value, color) for value, (_, name, color) in enumerate(rows))
        return MaskLegend(classes, ignored=(_IGNORED,), source="classes of label_colors.txt"), (file,)
    source = "the 19 evaluated classes of Cityscapes"
    if form == "labeltrainids":
        classes = tuple(MaskClass(name, value, color) for value, (name, _, color) in enumerate(_CLASSES))
        return MaskLegend(classes, ignored=(_IGNORED,), source=source), ()
    classes = tuple(MaskClass(name, value, color) for name, value, color in _CLASSES)
    evaluated = {entry.value for entry in classes}
    ignored = (*(value for value in range(_IDS) if value not in evaluated), _IGNORED)
    return MaskLegend(classes, ignored=ignored, source=source), ()
