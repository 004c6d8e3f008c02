"""Detect the layout of a folder: the first format that fits."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from seamline.data.image_folder.formats import coco, csv_table, directories, labelme
from seamline.data.image_folder.records import FolderContents
from seamline.errors import SeamlineError

FORMATS: tuple[Callable[[Path, list[Path]], FolderContents | None], ...] = (
    csv_table.parse_csv,
    coco.parse_coco,
    labelme.parse_labelme,
    directories.parse_image_and_mask_folders,
    directories.parse_image_mask_pairs,
    directories.parse_class_folders,
)
"""Parsers in the order in which they are tried; each returns None if the folder has another format."""

_LAYOUTS = (
    "folders named by class, images/ beside masks/, images with masks of the same name, a CSV of file and label, or "
    "COCO or LabelMe JSON"
)


def detect_format(path: Path) -> FolderContents:
    """Return the contents of a folder, a CSV file or a COCO file.

    Raises:
        SeamlineError: the path does not exist or cannot be read, or has no supported layout.
    """
    if not path.is_dir() and not path.is_file():
        raise SeamlineError(f"{path}: is neither a folder nor a file; check the path")
    folder = path if path.is_dir() else path.parent
    files = [path] if path.is_file() else directories.files_below(folder)
    for parse in FORMATS:
        contents = parse(folder, files)
        if contents is not None:
            if not contents.samples:
                raise SeamlineError(f"{path}: {contents.layout} without an image; supported are {_LAYOUTS}")
            _refuse_invalid_unicode(contents)
            return contents
    if path.is_file():
        raise SeamlineError(f"{path}: is neither a CSV of file and label nor COCO JSON; name one of these, or a folder")
    suffixes = Counter(file.suffix.lower() or "no suffix" for file in files)
    listed = ", ".join(f"{count:,} {suffix}" for suffix, count in suffixes.most_common(5)) or "no files"
    raise SeamlineError(f"{path}: has no supported layout ({listed}); supported are {_LAYOUTS}")


def _refuse_invalid_unicode(contents: FolderContents) -> None:
    """Refuse names that are not Unicode: file names in another encoding, lone surrogates in JSON."""
    names = [(contents.root, name) for name in contents.classes]
    for sample in contents.samples:
        labels = {sample.name, sample.label or "", *(polygon.label for polygon in sample.polygons or ())}
        names += [(sample.file, label) for label in labels]
    for path, name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise SeamlineError(f"{path}: the name {name!r} is not valid Unicode; rename it") from None
