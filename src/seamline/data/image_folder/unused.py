"""Counts the files of a folder that are not used, by kind."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from seamline.data.image_folder.classes import CLASS_FILES
from seamline.data.image_folder.file_tree import FileTree
from seamline.data.image_folder.records import FolderContents
from seamline.data.image_io import SUFFIXES
from seamline.errors import list_first
from seamline.run_folder import UnusedData

_UNDECODABLE = (
    ".heic", ".heif", ".avif", ".jxl", ".jp2", ".j2k", ".psd", ".svg", ".ico", ".tga", ".exr", ".hdr", ".dcm", ".nii",
    ".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".jpg_large", ".jpg_orig",
)  # fmt: skip


def unused_files(tree: FileTree, contents: FolderContents) -> tuple[UnusedData, ...]:
    """Return the files of a folder that are neither images nor masks of a sample, nor read for labels.

    Args:
        tree: the files of the folder.
        contents: what was read from it.

    Returns:
        An entry each for images, masks in other forms, images of formats that cannot be decoded, and all other files.
    """
    used = {*contents.sources, contents.root, *(contents.folder / name for name in CLASS_FILES)}
    for sample in contents.samples:
        used.update(sample.files)
    unused = [file for file in tree.files if file not in used]
    other_masks = {*contents.other_masks}
    masks = [file for file in unused if file in other_masks]
    images = [file for file in unused if file not in other_masks and file.suffix.lower() in SUFFIXES]
    undecodable = [file for file in unused if file.suffix.lower() in _UNDECODABLE]
    others = [file for file in unused if file.suffix.lower() not in (*SUFFIXES, *_UNDECODABLE)]
    entries = (
        ("images without a label", images, f"the layout is {contents.layout}; label them, or remove them"),
        ("masks in other forms", masks, f"the layout is {contents.layout}"),
        ("images of unsupported formats", undecodable, "convert them to JPEG or PNG"),
        ("other files", others, "not images"),
    )
    return tuple(
        UnusedData(
            kind="files",
            what=f"{what} ({count_suffixes(files)})",
            count=len(files),
            reason=reason,
            example=files[0].relative_to(tree.folder).as_posix(),
        )
        for what, files, reason in entries
        if files
    )


def count_suffixes(files: Iterable[Path]) -> str:
    """List the most frequent suffixes of files with their counts, such as `40 .heic, 2 .txt`."""
    counts = Counter(file.suffix.lower() or "without suffix" for file in files)
    return list_first([f"{count:,} {suffix}" for suffix, count in counts.most_common()])
