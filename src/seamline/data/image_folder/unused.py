"""Counts the files of a folder that are not used, by kind."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from seamline.data.image_folder.classes import CLASS_FILES
from seamline.data.image_folder.file_tree import FileTree, normalize
from seamline.data.image_folder.records import FolderContents
from seamline.data.image_io import SUFFIXES
from seamline.errors import list_first
from seamline.io import is_system_name
from seamline.run_folder import UnusedData

_UNDECODABLE = (
    ".heic", ".heif", ".avif", ".jxl", ".jp2", ".j2k", ".psd", ".svg", ".ico", ".tga", ".exr", ".hdr", ".dcm", ".nii",
    ".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".heics", ".hif", ".jpx", ".jxr", ".wdp",
    ".pcx", ".ppm", ".pgm", ".pbm", ".pnm", ".xcf", ".ai", ".eps", ".czi", ".svs", ".ndpi", ".lsm", ".fits",
)  # fmt: skip
_IMAGE_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"II*\0", b"MM\0*")  # of JPEG, PNG, GIF and TIFF


def unused_files(tree: FileTree, contents: FolderContents) -> tuple[UnusedData, ...]:
    """Return the files of a folder that are neither images nor masks of a sample, nor read for labels.

    Args:
        tree: the files of the folder.
        contents: what was read from it.

    Returns:
        An entry each for images, masks in other forms, images that cannot be read, and other files.
    """
    used = {*contents.sources, contents.root, *(contents.folder / name for name in CLASS_FILES)}
    for sample in contents.samples:
        used.update(sample.files)
    unused = [file for file in tree.files if file not in used]
    other_masks = {*contents.other_masks}
    masks = [file for file in unused if file in other_masks]
    images = [file for file in unused if file not in other_masks and file.suffix.lower() in SUFFIXES]
    label = f"the layout is {contents.layout}; label them, or remove them"
    return (
        *unused_entry("images without a label", images, label, tree.folder),
        *unused_entry("masks in other forms", masks, f"the layout is {contents.layout}", tree.folder),
        *skipped_files(unused, tree.folder),
    )


def skipped_files(files: Sequence[Path], folder: Path | None = None) -> tuple[UnusedData, ...]:
    """Return the files that are not read as images: images of other formats or names, and other files.

    Args:
        files: the files; those with the suffix of an image do not count.
        folder: the folder that the examples are named relative to; None leaves their paths as they are.
    """
    unreadable = [file for file in files if _is_unreadable(file)]
    undecodable = [file for file in unreadable if file.suffix.lower() in _UNDECODABLE]
    misnamed = [file for file in unreadable if file.suffix.lower() not in _UNDECODABLE]
    images = {*unreadable}
    others = [file for file in files if file.suffix.lower() not in SUFFIXES and file not in images]
    return (
        *unused_entry("images of unsupported formats", undecodable, "convert them to JPEG or PNG", folder),
        *unused_entry("images without the suffix of one", misnamed, "rename them, for example to .jpg", folder),
        *unused_entry("other files", others, "not images", folder),
    )


def unused_entry(what: str, files: Sequence[Path], reason: str, folder: Path | None = None) -> tuple[UnusedData, ...]:
    """Return the entry of unused files, or none where there are none.

    Args:
        what: what they are, a plural noun.
        files: the files.
        reason: why they are not used, and the fix.
        folder: the folder that the example is named relative to; None leaves its path as it is.
    """
    if not files:
        return ()
    words = what if len(files) > 1 else what.replace("images", "image", 1).replace("files", "file", 1)
    listed = f"{words} ({count_suffixes(files)})"
    example = str(files[0]) if folder is None else files[0].relative_to(folder).as_posix()
    return (UnusedData(kind="files", what=listed, count=len(files), reason=reason, example=example),)


def _is_unreadable(file: Path) -> bool:
    """Return whether a file is an image that is not read."""
    suffix = file.suffix.lower()
    return suffix in _UNDECODABLE or (suffix not in SUFFIXES and _starts_like_an_image(file))


def _starts_like_an_image(file: Path) -> bool:
    """Return whether the content of a file starts like that of an image."""
    try:
        with file.open("rb") as stream:
            start = stream.read(12)
    except OSError:
        return False
    return start.startswith(_IMAGE_STARTS) or (start[:4] == b"RIFF" and start[8:] == b"WEBP")


def empty_class_folders(tree: FileTree, contents: FolderContents) -> list[str]:
    """Return a warning where a folder beside class folders has no images, so that it is no class; else none."""
    labels = {sample.label for sample in contents.samples}
    parents: set[Path] = set()
    for sample in contents.samples:
        folders = sample.file.relative_to(tree.folder).parts[:-1] if sample.file.is_relative_to(tree.folder) else ()
        if sample.label is None or sample.label not in map(normalize, folders):
            return []
        place = [*map(normalize, folders)].index(sample.label)
        parents.add(tree.folder.joinpath(*folders[:place]))
    filled = {folder for parent in {file.parent for file in tree.images} for folder in (parent, *parent.parents)}
    empty = sorted(
        folder.relative_to(tree.folder).as_posix()
        for parent in parents
        for folder in parent.iterdir()
        if folder.is_dir()
        and not is_system_name(folder.name)
        and normalize(folder.name) not in labels
        and folder not in filled
    )
    if not empty:
        return []
    subject = "the folder has no images and is" if len(empty) == 1 else "the folders have no images and are"
    return [f"{list_first(empty)}: {subject} no class; add images, or remove {'it' if len(empty) == 1 else 'them'}"]


def count_suffixes(files: Iterable[Path]) -> str:
    """List the most frequent suffixes of files with their counts, such as `40 .heic, 2 .txt`."""
    counts = Counter(file.suffix.lower() or "without suffix" for file in files)
    return list_first([f"{count:,} {suffix}" for suffix, count in counts.most_common()])
