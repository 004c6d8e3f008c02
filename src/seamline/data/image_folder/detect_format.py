"""A folder -> what it holds, by the first rule that fits."""

from collections.abc import Callable
from pathlib import Path

from seamline.data.image_folder.formats import csv_table, directories, polygons
from seamline.data.image_folder.records import Found
from seamline.errors import SeamlineError

Rule = Callable[[Path, list[Path]], Found | None]

RULES: tuple[Rule, ...] = (
    csv_table.from_table,
    polygons.from_coco,
    polygons.from_labelme,
    directories.from_mask_folders,
    directories.from_pairs,
    directories.from_class_folders,
)
"""What a folder may be, in the order in which it is tried; each returns None where it is something else."""

_SHAPES = (
    "folders named by class, images/ beside masks/, images with masks of the same name, a CSV of file and label, or "
    "COCO or LabelMe JSON"
)


def see(place: Path) -> Found:
    """Return what a folder, a CSV file or a COCO file holds.

    Raises:
        SeamlineError: there is no such place, it cannot be read, or it holds nothing that can be learned from.
    """
    if not place.is_dir() and not place.is_file():
        raise SeamlineError(f"{place}: neither a folder nor a file; check the path")
    folder = place if place.is_dir() else place.parent
    files = [place] if place.is_file() else directories.files_below(folder)
    for rule in RULES:
        found = rule(folder, files)
        if found is not None:
            if not found.items:
                raise SeamlineError(f"{place}: {found.kind}, and not one image in it; {_SHAPES} are understood")
            _refuse_no_text(found)
            return found
    if place.is_file():
        raise SeamlineError(f"{place}: neither a CSV of file and label nor COCO JSON")
    raise SeamlineError(f"{place}: not seen what it holds ({directories.count_words(files)}); {_SHAPES} are understood")


def _refuse_no_text(found: Found) -> None:
    """Refuse names that are no text: bytes of another encoding in a file's name, half a letter in JSON."""
    named = [(found.place, name) for name in found.classes]
    for item in found.items:
        labels = {item.name, item.label or "", *(shape.label for shape in item.shapes or ())}
        named += [(item.file, label) for label in labels]
    for place, name in named:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise SeamlineError(f"{place}: the name {name!r} is no text in Unicode; rename it") from None
