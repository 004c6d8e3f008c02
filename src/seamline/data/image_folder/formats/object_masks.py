"""A folder per image with a mask per object, as of the Data Science Bowl 2018."""

from collections import Counter, defaultdict
from pathlib import Path

from seamline.data.image_folder.file_tree import FileTree
from seamline.data.image_folder.folder_names import IMAGE_WORDS, MASK_WORDS, split_words
from seamline.data.image_folder.records import FolderContents
from seamline.errors import SeamlineError, list_first


def parse(tree: FileTree) -> FolderContents | None:
    """Read folders `ID/images/ID.png` with `ID/masks/*.png`, a file per object; their union is the foreground.

    Where every folder has one mask, its values are classes. Folders without masks have no label. None where folders
    have several images.

    Raises:
        SeamlineError: a folder with masks has no image, or several, or the names of masks are those of classes.
    """
    images: dict[Path, list[Path]] = defaultdict(list)
    masks: dict[Path, list[Path]] = defaultdict(list)
    for file in tree.images:
        words = {*split_words(file.parent.name)}
        if file.parent != tree.folder and words:
            if words <= MASK_WORDS:
                masks[file.parent.parent].append(file)
            elif words <= IMAGE_WORDS:
                images[file.parent.parent].append(file)
            else:  # the image is beside the folder of masks
                images[file.parent].append(file)
    single = [folder for folder in masks if len(images[folder]) == 1 and folder != tree.folder]
    has_objects = any(len(masks[folder]) > 1 for folder in single) and len(single) >= len(masks) / 2
    if not has_objects and (len(single) < len(masks) or len(single) < 2):
        return None
    for folder, files in masks.items():
        if len(images[folder]) != 1:
            raise SeamlineError(
                f"{files[0].parent}: has masks of single objects, but {folder} has {len(images[folder])} images; leave "
                "one image in each folder"
            )
    if not has_objects:
        samples = [tree.sample(images[folder][0], mask=files[0]) for folder, files in masks.items()]
        return FolderContents(tree.folder, "a folder per image with a mask", samples)
    _refuse_classes(tree.folder, masks)
    samples = [tree.sample(images[folder][0], instances=tuple(files)) for folder, files in masks.items()]
    return FolderContents(tree.folder, "a folder per image with a mask per object", samples)


def _refuse_classes(folder: Path, masks: dict[Path, list[Path]]) -> None:
    """Refuse masks whose names are words that repeat in other folders, because they may be classes."""
    counts = Counter(file.stem for files in masks.values() for file in files if not any(map(str.isdigit, file.stem)))
    repeated = sorted(name for name, count in counts.items() if count > 1)
    if len(repeated) > 1:
        raise SeamlineError(
            f"{folder}: masks have the names {list_first(repeated)} in several folders, so they may be of classes and "
            "not of objects; save one mask per image with a value per class, or number the files"
        )
