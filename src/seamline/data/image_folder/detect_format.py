"""Detect the layout of a folder: the first format that fits."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from seamline.data.image_folder.file_tree import FileTree, list_tree, normalize
from seamline.data.image_folder.folder_names import split_of_name
from seamline.data.image_folder.formats import (
    cityscapes,
    class_folders,
    coco,
    csv_table,
    label_studio,
    labelme,
    mask_files,
    object_masks,
    pascal_voc,
    trimaps,
    yolo_polygons,
)
from seamline.data.image_folder.records import FolderContents, Sample
from seamline.data.image_folder.unused import count_suffixes, empty_class_folders, unused_files
from seamline.errors import SeamlineError, list_first
from seamline.run_folder import ClassMap


class Format(NamedTuple):
    """A layout of images and labels."""

    description: str  # the layout in a few words, for the list of supported ones
    # returns the contents of a folder, or None if it has another layout
    parse: Callable[[FileTree], FolderContents | None]
    in_file: bool = False  # whether a single file can be named instead of a folder


_NOTES = ("", ".txt", ".md", ".rst", ".pdf", ".html", ".htm", ".rtf", ".doc", ".docx", ".url", ".zip")
_ENTERED_BY_FORMATS = {"images", "image", "imgs", "img", "photos"}
_NO_NOTES = ("classes.txt", "labelmap.txt", "label_colors.txt", "labels.txt")

FORMATS = (
    Format("a CSV of file and label", csv_table.parse, in_file=True),
    Format("COCO JSON", coco.parse, in_file=True),
    Format("LabelMe JSON", labelme.parse),
    Format("Label Studio JSON", label_studio.parse, in_file=True),
    Format("YOLO polygons", yolo_polygons.parse),
    Format("Pascal VOC segmentation", pascal_voc.parse),
    Format("Cityscapes", cityscapes.parse),
    Format("images with trimaps", trimaps.parse),
    Format("a folder per image with a mask per object", object_masks.parse),
    Format("images/ beside masks/", mask_files.parse_two_folders),
    Format("images with masks of the same name", mask_files.parse_pairs),
    Format("folders named by class", class_folders.parse),
)
"""The formats, in the order in which they are tried."""


def detect_format(path: Path, *, inner_groups: bool = False, class_map: ClassMap | None = None) -> FolderContents:
    """Return the contents of a folder, a CSV file or a COCO file.

    Args:
        path: the folder or file.
        inner_groups: whether folders inside class folders group images, so that they are no classes.
        class_map: how its classes are renamed, merged and painted.

    Raises:
        SeamlineError: the path does not exist or cannot be read, or has no supported layout.
    """
    class_map = class_map or ClassMap()
    tree, entered = _enter_wrappers(outer := list_tree(path))
    tree = replace(tree, inner_groups=inner_groups, boxes=class_map.boxes)
    supported = "supported layouts are " + ", ".join(form.description for form in reversed(FORMATS))
    contents = next(filter(None, (form.parse(tree) for form in FORMATS)), None)
    if contents is not None:
        if not contents.samples:
            raise SeamlineError(f"{path}: {contents.layout} without images; {supported}")
        _refuse_invalid_unicode(contents)
        contents = _normalize_labels(contents)
        _refuse_repeated(contents)
        return replace(
            contents,
            samples=tuple(sorted(contents.samples, key=lambda sample: sample.name)),
            unused=(*contents.unused, *unused_files(outer, contents)),
            warnings=(*entered, *contents.warnings, *empty_class_folders(tree, contents)),
            class_map=class_map,
        )
    if path.is_file():
        kinds = " nor ".join(form.description for form in FORMATS if form.in_file)
        raise SeamlineError(f"{path}: is neither {kinds}; name one of these, or a folder")
    listed = count_suffixes(tree.files) or "no files"
    raise SeamlineError(f"{path}: has no supported layout ({listed}); {supported}")


def _enter_wrappers(outer: FileTree) -> tuple[FileTree, list[str]]:
    """Return the files of the only folder inside, if there is one, and a warning of it; repeatedly."""
    tree = outer
    while inner := _only_folder(tree):
        tree = FileTree(inner, tuple(file for file in tree.files if inner in file.parents))
    if tree is outer:
        return outer, []
    name = tree.folder.relative_to(outer.folder).as_posix()
    return tree, [f"{name} is the only folder in {outer.folder}, and its contents are read"]


def _only_folder(tree: FileTree) -> Path | None:
    """Return the only folder of a tree, unless it names a split or there are other files than notes."""
    folders = {file.relative_to(tree.folder).parts[0] for file in tree.files if file.parent != tree.folder}
    loose = [file for file in tree.files if file.parent == tree.folder]
    are_notes = all(file.suffix.lower() in _NOTES and file.name.lower() not in _NO_NOTES for file in loose)
    if len(folders) != 1 or not are_notes or split_of_name(*folders) or folders <= _ENTERED_BY_FORMATS:
        return None
    return tree.folder.joinpath(*folders)


def _normalize_labels(contents: FolderContents) -> FolderContents:
    """Return contents whose names of classes are equal where they look the same."""
    samples = [
        replace(
            sample,
            label=None if sample.label is None else normalize(sample.label),
            polygons=None
            if sample.polygons is None
            else tuple(replace(polygon, label=normalize(polygon.label)) for polygon in sample.polygons),
        )
        for sample in contents.samples
    ]
    return replace(contents, samples=samples, classes=tuple(dict.fromkeys(map(normalize, contents.classes))))


def _refuse_repeated(contents: FolderContents) -> None:
    """Refuse images that are listed twice."""
    firsts: dict[Path, Sample] = {}
    repeated = []
    for sample in contents.samples:
        first = firsts.setdefault(sample.file, sample)
        if first.label != sample.label:
            raise SeamlineError(
                f"{contents.root}: gives {sample.name} two labels, {first.label} and {sample.label}; keep one"
            )
        if first is not sample:
            repeated.append(sample.name)
    if repeated:
        raise SeamlineError(
            f"{contents.root}: lists some files more than once ({list_first(repeated)}); list each once"
        )


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
