"""Kinds of folders that their names alone explain: classes, masks, pairs."""

from collections import Counter
from pathlib import Path

from seamline.data.image_folder.records import SPLITS, Found, Item, ordered, split_of
from seamline.data.image_io import SUFFIXES
from seamline.errors import SeamlineError
from seamline.io import walk

_IMAGES = ("images", "image", "imgs", "img", "photos")
_MASKS = ("masks", "mask", "labels", "annotations", "gt", "segmentation")
_MASK_ENDINGS = ("_mask", "-mask", ".mask", "_label", "_labels", "_seg")
_MASK_SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".gif")


def files_below(folder: Path) -> list[Path]:
    """Return all files below a folder, sorted by path; hidden ones are passed over, and each folder is entered once.

    Raises:
        SeamlineError: there is no such folder, a folder cannot be read, or among the files lies a pipe, a device, or an
            image that is a link to nothing.
    """

    def refused(error: OSError) -> None:
        raise SeamlineError(f"{error.filename}: cannot be read ({error.strerror}); check the path and its permissions")

    files = sorted(walk(folder, refused), key=lambda file: file.relative_to(folder).as_posix())
    for file in files:
        try:
            if file.is_file():
                continue
            there = file.exists()
        except OSError as error:
            refused(error)
        if there:  # reading a pipe would wait for ever
            raise SeamlineError(f"{file}: is no file, but a pipe, a socket or a device; take it away")
        if is_image(file):
            raise SeamlineError(f"{file}: is a link to a file that is not there; mend it, or take it away")
    return files


def is_image(file: Path) -> bool:
    """Tell by its name whether a file is an image."""
    return file.suffix.lower() in SUFFIXES


def count_words(files: list[Path]) -> str:
    """Say how many files of which kinds there are."""
    kinds = Counter(file.suffix.lower() or "no ending" for file in files)
    return ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common(5)) or "no files"


def from_mask_folders(folder: Path, files: list[Path]) -> Found | None:
    """See images in a folder `images` whose masks lie in a folder `masks` beside it, by the same name."""
    below = {file.relative_to(folder).as_posix(): file for file in files if is_image(file)}
    sides = {name: _sided(name) for name in below}
    images = {key: name for name, (side, key) in sides.items() if side == "image"}
    masks = {key: name for name, (side, key) in sides.items() if side == "mask"}
    if not images or not masks or not set(images) & set(masks):
        return None
    _refuse_alone(folder, images, masks, "mask")
    _refuse_alone(folder, masks, images, "image")
    items = [
        Item(below[name], name, split_of(Path(name).parts[:-1]), mask=below[masks[key]]) for key, name in images.items()
    ]
    return Found(folder, "images and masks in two folders", ordered(items))


def _sided(name: str) -> tuple[str, str]:
    """Return on which side a path lies, and its key: the path without the side, its stem without a mask's ending."""
    path = Path(name)
    for place, part in enumerate(path.parts[:-1]):
        for side, words in (("image", _IMAGES), ("mask", _MASKS)):
            if part.lower() in words:
                rest = [*path.parts[:place], *path.parts[place + 1 : -1]]
                stem = _bare(path.stem) if side == "mask" else path.stem
                return side, "/".join([*rest, stem])
    return "", name


def _bare(stem: str) -> str:
    """Return a mask's stem without the ending that says it is one."""
    for ending in _MASK_ENDINGS:
        if stem.lower().endswith(ending) and len(stem) > len(ending):
            return stem[: -len(ending)]
    return stem


def _refuse_alone(folder: Path, these: dict[str, str], others: dict[str, str], lacking: str) -> None:
    """Raise a `SeamlineError` that names the first file without its counterpart, if there is one."""
    alone = sorted(name for key, name in these.items() if key not in others)
    if alone:
        more = f" ({len(alone):,} files lack theirs)" if len(alone) > 1 else ""
        raise SeamlineError(f"{folder / alone[0]}: has no {lacking} of its name{more}; add it, or take the file away")


def from_pairs(folder: Path, files: list[Path]) -> Found | None:
    """See images beside their masks: `a.jpg` with `a.png`, or `a.jpg` with `a_mask.png`."""
    images = [file for file in files if is_image(file)]
    by_stem: dict[tuple[Path, str], list[Path]] = {}
    for file in images:
        by_stem.setdefault((file.parent, _bare(file.stem)), []).append(file)
    pairs: list[tuple[Path, Path]] = []
    for (_, stem), members in by_stem.items():
        masks = [file for file in members if file.stem != stem and file.suffix.lower() in _MASK_SUFFIXES]
        if not masks and len(members) == 2:
            masks = [file for file in members if file.suffix.lower() == ".png"][:1]
        photos = [file for file in members if file not in masks]
        if len(masks) == 1 and len(photos) == 1:
            pairs.append((photos[0], masks[0]))
    if not pairs or len(pairs) < len(by_stem) / 2:
        return None
    paired = {file for pair in pairs for file in pair}
    alone = [file for file in images if file not in paired]
    if alone:
        more = f" ({len(alone):,} files lack theirs)" if len(alone) > 1 else ""
        raise SeamlineError(
            f"{alone[0]}: the images here stand beside masks, and this file has none or is one without its image"
            f"{more}; add what is missing, or take the file away"
        )
    names = [(image.relative_to(folder), image, mask) for image, mask in pairs]
    items = [Item(image, name.as_posix(), split_of(name.parts[:-1]), mask=mask) for name, image, mask in names]
    return Found(folder, "images beside their masks", ordered(items))


def from_class_folders(folder: Path, files: list[Path]) -> Found | None:
    """See images in folders that are named by their class, inside folders of splits or not."""
    items, loose = [], []
    for file in files:
        if not is_image(file):
            continue
        name = file.relative_to(folder)
        parts = name.parts[:-1]
        split = SPLITS.get(parts[0].lower(), "") if parts else ""
        rest = parts[1:] if split else parts
        if not rest:
            loose.append(name.as_posix())
            continue
        items.append(Item(file, name.as_posix(), split, label=rest[0]))
    if len({item.label for item in items}) < 2:
        return None
    odd = []
    if loose:
        odd.append(f"{len(loose):,} images lie outside every class folder and are left out, the first is {loose[0]}")
    unsplit = [item for item in items if not item.split]
    if unsplit and len(unsplit) < len(items):
        raise SeamlineError(
            f"{folder}: some images lie in folders of splits and {len(unsplit):,} do not, the first is "
            f"{unsplit[0].name}; put all of them into train, val or test, or none"
        )
    return Found(folder, "class folders", ordered(items), odd=tuple(odd))
