"""A folder per image with a mask per object, as of the Data Science Bowl 2018."""

from collections import defaultdict
from pathlib import Path

from seamline.data.image_folder.file_tree import FileTree
from seamline.data.image_folder.folder_names import IMAGE_WORDS, MASK_WORDS, split_words
from seamline.data.image_folder.records import FolderContents
from seamline.errors import SeamlineError


def parse(tree: FileTree) -> FolderContents | None:
    """Read folders `ID/images/ID.png` with `ID/masks/*.png`, a file per object; their union is the foreground.

    Folders without masks have no label. None where no folder has the masks of several objects for a single image.

    Raises:
        SeamlineError: a folder with masks has no image, or several.
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
    if not any(len(masks[folder]) > 1 for folder in single) or len(single) < len(masks) / 2:
        return None
    for folder, files in masks.items():
        if len(images[folder]) != 1:
            raise SeamlineError(
                f"{files[0].parent}: has masks of single objects, but {folder} has {len(images[folder])} images; leave "
                "one image in each folder"
            )
    samples = [tree.sample(images[folder][0], instances=tuple(files)) for folder, files in masks.items()]
    return FolderContents(tree.folder, "a folder per image with a mask per object", samples)
