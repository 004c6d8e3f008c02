"""Images with mask files: in two folders, or side by side."""

import re
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from seamline.data.dataset import IGNORE_INDEX
from seamline.data.image_folder.file_tree import SIDECAR, FileTree, normalize, read_text
from seamline.data.image_folder.folder_names import IMAGE_WORDS, MASK_WORDS, split_path_words
from seamline.data.image_folder.records import FolderContents, MaskClass, MaskLegend
from seamline.data.image_io import read_image
from seamline.errors import SeamlineError

_MASK_ENDINGS = (
    *("_segmentation", "_groundtruth", "_gt"),
    *("_mask", "-mask", ".mask", "_label", "_labels", "_seg"),
)
_COMPARED = 3  # images that are compared with the PNG of their stem
_SMALL = 64, 64  # size at which they are compared
_SAME = 0.1  # mean square difference up to which two images show the same, as a fraction of the variance
_MASK_SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".gif", ".jpg", ".jpeg")  # a JPEG is refused later


def parse_two_folders(tree: FileTree) -> FolderContents | None:
    """Read images in one folder with masks of the same name in another one.

    The paths of an image and its mask are equal but for words such as `images` and `masks`: `images/a.jpg` and
    `masks/a.png`, `train/a.jpg` and `train_masks/a_mask.gif`, `val/images/a.jpg` and `val/labels/a.png`. Images of
    folders without any mask have no label.

    Raises:
        SeamlineError: an image has no mask in a folder with masks, a mask has no image, or one has several.
    """
    images: dict[str, list[Path]] = {}
    masks: dict[str, list[Path]] = {}
    for file in tree.images:
        path = file.relative_to(tree.folder)
        words = [split_path_words(part) for part in path.parts[:-1]]
        is_mask = any(MASK_WORDS.intersection(part) for part in words)
        rests = (" ".join(word for word in part if word not in MASK_WORDS | IMAGE_WORDS) for part in words)
        stem = _pair_stem(path.stem) if is_mask else _without_role(path.stem, IMAGE_WORDS)
        key = normalize("/".join((*filter(None, rests), stem)))
        (masks if is_mask else images).setdefault(key, []).append(file)
    unfinished = [
        file for key in masks.keys() - images.keys() for file in masks[key] if _is_unfinished(file, tree.folder)
    ]
    masks = {key: files for key, files in masks.items() if not {*files} <= {*unfinished}}
    paired = images.keys() & masks.keys()
    if len(paired) < (len(masks) + 1) / 2:
        return None
    for key in sorted(paired):
        _refuse_several(images[key], masks[key])
    folders = {images[key][0].parent for key in paired}
    images = {key: files for key, files in images.items() if files[0].parent in folders}
    _refuse_unpaired((images[key][0] for key in images.keys() - masks.keys()), "has no mask of the same name")
    _refuse_unpaired((masks[key][0] for key in masks.keys() - images.keys()), "has no image of the same name")
    samples = [tree.sample(files[0], mask=masks[key][0]) for key, files in images.items()]
    return FolderContents(tree.folder, "images and masks in two folders", samples, unfinished=tuple(unfinished))


def _is_unfinished(mask: Path, folder: Path) -> bool:
    """Return whether a mask without an image has the sidecar of one that was not saved completely."""
    return (folder / "images" / f"{mask.stem}{SIDECAR}").is_file()


def parse_pairs(tree: FileTree) -> FolderContents | None:
    """Read images beside their masks: `a.jpg` with `a.png` or `a_mask.png`, or `image.jpg` with `mask.png`.

    A PNG of the same stem that shows the same picture is a copy, and no mask; then this is another layout.

    Raises:
        SeamlineError: most files are pairs, and one is not, or one has several masks.
    """
    by_stem: dict[tuple[Path, str], list[Path]] = {}
    for file in tree.images:
        by_stem.setdefault((file.parent, normalize(_pair_stem(file.stem))), []).append(file)
    pairs: dict[Path, Path] = {}
    several: list[tuple[list[Path], list[Path]]] = []
    for members in by_stem.values():
        masks = [file for file in members if _names_mask(file.stem) and file.suffix.lower() in _MASK_SUFFIXES]
        if not masks and len(members) == 2 and len({file.stem for file in members}) == 1:
            masks = [file for file in members if file.suffix.lower() == ".png"][:1]
        photos = [file for file in members if file not in masks]
        if len(masks) == 1 and len(photos) == 1:
            pairs[photos[0]] = masks[0]
        elif masks and photos:
            several.append((photos, masks))
    if not (pairs or several) or len(pairs) + len(several) < len(by_stem) / 2:
        return None
    unmarked = [(photo, mask) for photo, mask in pairs.items() if photo.stem == mask.stem]
    if any(_is_copy(photo, mask) for photo, mask in unmarked[:_COMPARED]):
        return None
    for photos, masks in several:
        _refuse_several(photos, masks)
    unpaired = set(tree.images) - {*pairs.keys(), *pairs.values()}
    _refuse_unpaired(unpaired, "is an image without a mask, or a mask without an image, in a folder of pairs")
    samples = [tree.sample(image, mask=mask) for image, mask in pairs.items()]
    legend, sources = _read_classes_csv(tree)
    return FolderContents(tree.folder, "images beside their masks", samples, sources=sources, legend=legend)


def _is_copy(photo: Path, mask: Path) -> bool:
    """Return whether two files show the same picture: at a small size they differ by little of their variance."""
    try:
        first, second = read_image(photo), read_image(mask)
    except SeamlineError:  # found again, and refused, when all masks are read
        return False
    if first.shape != second.shape:
        return False
    small, other = (cv2.resize(one, _SMALL, interpolation=cv2.INTER_AREA).astype(np.float32) for one in (first, second))
    return float(np.square(small - other).mean()) < _SAME * float(small.var())


def _read_classes_csv(tree: FileTree) -> tuple[MaskLegend | None, tuple[Path, ...]]:
    """Return the classes that Roboflow writes into `_classes.csv`, a value and a name per line, and the files.

    Raises:
        SeamlineError: the files differ, or a line is invalid.
    """
    files = tuple(file for file in tree.files if file.name == "_classes.csv")
    texts = {file: [line.strip() for line in read_text(file).splitlines() if line.strip()] for file in files}
    if not files or not all(lines and lines[0].lower().startswith("pixel value") for lines in texts.values()):
        return None, ()
    for file, lines in texts.items():
        if lines != texts[files[0]]:
            raise SeamlineError(f"{file}: defines other classes than {files[0]}; make them equal")
    rows = [line.partition(",") for line in texts[files[0]][1:]]
    if not rows or not all(value.strip().isdigit() and name.strip() for value, _, name in rows):
        raise SeamlineError(f"{files[0]}: has a line that is not a value and a name; correct it")
    classes = tuple(MaskClass(name.strip(), int(value)) for value, _, name in rows)
    ignored = () if any(entry.value == IGNORE_INDEX for entry in classes) else (IGNORE_INDEX,)
    return MaskLegend(classes, ignored=ignored, source="_classes.csv"), files


def _pair_stem(stem: str) -> str:
    """Return what the stems of an image and its mask have in common."""
    return _without_role(_without_mask_ending(stem), IMAGE_WORDS | MASK_WORDS)


def _without_role(stem: str, roles: frozenset[str]) -> str:
    """Return a stem without a first word such as `image` or `mask`; empty where it has no other words."""
    head, separator, rest = re.match(r"([a-zA-Z]*)([\W_]*)(.*)", stem, re.DOTALL).groups()  # type: ignore[union-attr]
    return rest if head.lower() in roles and (separator or not rest) else stem


def _names_mask(stem: str) -> bool:
    """Return whether a stem says that a file is a mask."""
    return _without_mask_ending(stem) != stem or _without_role(stem, MASK_WORDS) != stem


def _without_mask_ending(stem: str) -> str:
    """Return a mask's stem without an ending such as `_mask`."""
    ending = next((ending for ending in _MASK_ENDINGS if stem.lower().endswith(ending)), "")
    return stem[: len(stem) - len(ending)] or stem


def _refuse_several(images: list[Path], masks: list[Path]) -> None:
    """Refuse several images or several masks of one name."""
    for files, kind, other in ((images, "images", masks), (masks, "masks", images)):
        if len(files) > 1:
            first, second = sorted(files, key=Path.as_posix)[:2]
            raise SeamlineError(
                f"{first}: is one of {len(files)} {kind} for {other[0].name}, with {second.name}; keep one, or rename "
                "them"
            )


def _refuse_unpaired(files: Iterable[Path], problem: str) -> None:
    """Refuse files without a counterpart, if there are any."""
    if ordered := sorted(files, key=Path.as_posix):
        more = f" ({len(ordered):,} files in total)" if len(ordered) > 1 else ""
        raise SeamlineError(f"{ordered[0]}: {problem}{more}; add what is missing, or remove the file")
