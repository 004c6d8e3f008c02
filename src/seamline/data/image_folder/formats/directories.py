"""Layouts given by the names of folders and files: class folders, image and mask folders, pairs."""

from pathlib import Path

from seamline.data.image_folder.records import SPLITS, FolderContents, Sample, sort_samples, split_from_path
from seamline.data.image_io import SUFFIXES
from seamline.errors import SeamlineError
from seamline.io import iter_files

_IMAGE_FOLDERS = ("images", "image", "imgs", "img", "photos")
_MASK_FOLDERS = ("masks", "mask", "labels", "annotations", "gt", "segmentation")
_MASK_ENDINGS = ("_mask", "-mask", ".mask", "_label", "_labels", "_seg")
_MASK_SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".gif")


def files_below(folder: Path) -> list[Path]:
    """Return all files below a folder, sorted by path; hidden files are skipped, links are followed once.

    Raises:
        SeamlineError: the folder does not exist or cannot be read, or contains a pipe, a device, or a broken link to
            an image.
    """

    def refuse(error: OSError) -> None:
        raise SeamlineError(f"{error.filename}: cannot be read ({error.strerror}); check the path and its permissions")

    files = sorted(iter_files(folder, refuse), key=lambda file: file.relative_to(folder).as_posix())
    for file in files:
        try:
            if file.is_file():
                continue
            exists = file.exists()
        except OSError as error:
            refuse(error)
        if exists:  # reading a pipe would block
            raise SeamlineError(f"{file}: is a pipe, a socket or a device, not a file; remove it")
        if _is_image(file):
            raise SeamlineError(f"{file}: is a link to a file that does not exist; correct the link, or remove it")
    return files


def _is_image(file: Path) -> bool:
    """Return whether a file has the suffix of an image."""
    return file.suffix.lower() in SUFFIXES


def parse_image_and_mask_folders(folder: Path, files: list[Path]) -> FolderContents | None:
    """Read images in a folder `images` with masks of the same name in a folder `masks` beside it.

    Args:
        folder: the folder.
        files: all files below it.

    Raises:
        SeamlineError: an image has no mask, or a mask no image.
    """
    images: dict[str, Path] = {}
    masks: dict[str, Path] = {}
    for file in filter(_is_image, files):
        path = file.relative_to(folder)
        for depth, part in enumerate(path.parts[:-1]):
            is_mask = part.lower() in _MASK_FOLDERS
            if is_mask or part.lower() in _IMAGE_FOLDERS:
                stem = _without_mask_ending(path.stem) if is_mask else path.stem
                key = "/".join([*path.parts[:depth], *path.parts[depth + 1 : -1], stem])
                (masks if is_mask else images)[key] = file
                break
    if not images.keys() & masks.keys():
        return None
    for files_by_key, others, missing in ((images, masks, "mask"), (masks, images, "image")):
        unpaired = sorted((file for key, file in files_by_key.items() if key not in others), key=Path.as_posix)
        if unpaired:
            raise SeamlineError(
                f"{unpaired[0]}: has no {missing} of the same name{_count_more(unpaired)}; add it, or remove the file"
            )
    samples = [_sample(folder, image, mask=masks[key]) for key, image in images.items()]
    return FolderContents(folder, "images and masks in two folders", sort_samples(samples))


def _sample(folder: Path, image: Path, mask: Path) -> Sample:
    """Return an image with its mask; the split is named by one of its folders."""
    name = image.relative_to(folder)
    return Sample(image, name.as_posix(), split_from_path(name.parts[:-1]), mask=mask)


def _without_mask_ending(stem: str) -> str:
    """Return a mask's stem without an ending such as `_mask`."""
    for ending in _MASK_ENDINGS:
        if stem.lower().endswith(ending) and len(stem) > len(ending):
            return stem[: -len(ending)]
    return stem


def _count_more(files: list[Path]) -> str:
    """Return how many files have the same problem, in brackets; nothing for one."""
    return f" ({len(files):,} files in total)" if len(files) > 1 else ""


def parse_image_mask_pairs(folder: Path, files: list[Path]) -> FolderContents | None:
    """Read images beside their masks: `a.jpg` with `a.png`, or `a.jpg` with `a_mask.png`.

    Args:
        folder: the folder.
        files: all files below it.

    Raises:
        SeamlineError: most files are pairs, and one is not.
    """
    images = list(filter(_is_image, files))
    by_stem: dict[tuple[Path, str], list[Path]] = {}
    for file in images:
        by_stem.setdefault((file.parent, _without_mask_ending(file.stem)), []).append(file)
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
    unpaired = [file for file in images if file not in paired]
    if unpaired:
        raise SeamlineError(
            f"{unpaired[0]}: is an image without a mask, or a mask without an image, in a folder of pairs"
            f"{_count_more(unpaired)}; add what is missing, or remove the file"
        )
    samples = [_sample(folder, image, mask) for image, mask in pairs]
    return FolderContents(folder, "images beside their masks", sort_samples(samples))


def parse_class_folders(folder: Path, files: list[Path]) -> FolderContents | None:
    """Read images in folders named by class, optionally inside folders named by split.

    Args:
        folder: the folder.
        files: all files below it.

    Raises:
        SeamlineError: some images are in folders of splits and others are not.
    """
    samples, loose = [], []
    for file in filter(_is_image, files):
        name = file.relative_to(folder)
        parts = name.parts[:-1]
        split = SPLITS.get(parts[0].lower(), "") if parts else ""
        parts = parts[1:] if split else parts
        if parts:
            samples.append(Sample(file, name.as_posix(), split, label=parts[0]))
        else:
            loose.append(name.as_posix())
    if len({sample.label for sample in samples}) < 2:
        return None
    warnings = []
    if loose:
        warnings.append(f"{len(loose):,} images outside the class folders are ignored, such as {loose[0]}")
    unsplit = [sample for sample in samples if not sample.split]
    if 0 < len(unsplit) < len(samples):
        raise SeamlineError(
            f"{folder}: some images are in folders of splits and {len(unsplit):,} are not, such as {unsplit[0].name}; "
            "put all of them into train, val or test, or none"
        )
    return FolderContents(folder, "class folders", sort_samples(samples), warnings=tuple(warnings))
