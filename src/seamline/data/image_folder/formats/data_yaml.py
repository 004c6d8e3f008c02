"""`data.yaml` of YOLO: the names of classes, and the images of each split."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from seamline.data.image_folder.file_tree import FileTree, find_file, local_names, read_text
from seamline.data.image_folder.image_index import ImageIndex
from seamline.data.image_folder.records import Sample
from seamline.data.image_folder.unused import unused_entry
from seamline.errors import SeamlineError, list_first
from seamline.run_folder import UnusedData

_SPLITS = {"train": "train", "val": "val", "validation": "val", "test": "test"}
_QUOTED = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^,]*))\s*(?:,|$)""")
_NULLS = ("", "~", "null")


@dataclass
class SplitLists:
    """The images of each split, as `data.yaml` gives them by lists and folders."""

    splits: dict[Path, str] = field(default_factory=dict)  # image -> its split
    sources: list[Path] = field(default_factory=list)  # lists that were read
    warnings: list[str] = field(default_factory=list)  # entries that are not used, and why

    def apply(self, samples: Sequence[Sample], folder: Path) -> tuple[list[Sample], tuple[UnusedData, ...]]:
        """Return the samples with their splits, and the entry of those in no split, which are not used.

        Images that are in no list keep the split of their folder.

        Args:
            samples: the samples with the splits of their folders.
            folder: the folder that the example is named relative to.
        """
        named = [replace(sample, split=self.splits.get(sample.file, sample.split)) for sample in samples]
        if not self.splits:
            return named, ()
        others = [sample.file for sample in named if not sample.split]
        self.sources += others
        reason = "list them in one, or remove them"
        return [sample for sample in named if sample.split], unused_entry(
            "images in no split of data.yaml", others, reason, folder
        )


def read_names(text: str) -> dict[int, str]:
    """Return the list or mapping `names` of a YAML file by number; empty where there is none."""
    names: dict[int, str] = {}
    for place, item in enumerate(_read_list(text, "names")):
        numbered = re.fullmatch(r"(\d+)\s*:\s*(.+)", item)
        name = (numbered[2] if numbered else item).strip().strip("\"'")
        names[int(numbered[1]) if numbered else place] = name
    return names


def read_splits(tree: FileTree, file: Path, text: str) -> SplitLists:
    """Return the images of each split.

    An entry is a folder, or a text file with a path per line; a split has one or several. Paths are relative to `path`,
    or to the file that names them; of paths of another machine the end counts. Where a split names the images of
    another one, the first is used.

    Args:
        tree: the folder.
        file: the YAML file.
        text: its content.

    Raises:
        SeamlineError: a list is missing or names an image that is, or two splits share some of their images.
    """
    lists, images = SplitLists(), ImageIndex(tree)
    base = next(iter(_read_values(text, "path")), "")
    members: dict[str, set[Path]] = {}
    for key, split in _SPLITS.items():
        for name in _read_values(text, key):
            members.setdefault(split, set()).update(_images_of(tree, file, (key, name, base), images, lists))
    for split, files in members.items():
        firsts = {lists.splits[image] for image in files & lists.splits.keys()}
        if firsts and all(members[first] == files for first in firsts):
            lists.warnings.append(f"{file.name}: {split} names the images of {firsts.pop()}, so it is not used")
            continue
        if firsts:
            example = min(files & lists.splits.keys()).relative_to(tree.folder).as_posix()
            raise SeamlineError(f"{file}: {example} is in {firsts.pop()} and in {split}; keep it in one of them")
        lists.splits |= dict.fromkeys(files, split)
    return lists


def _images_of(
    tree: FileTree, file: Path, entry: tuple[str, str, str], images: ImageIndex, lists: SplitLists
) -> set[Path]:
    """Return the images of an entry: its key, its value, and the path that it may be relative to."""
    key, name, base = entry
    candidates = (name, f"{base}/{name}") if base else (name,)
    if name.lower().endswith(".txt"):
        found = (find_file(candidate, [file.parent, tree.folder]) for candidate in candidates)
        source = next(filter(None, found), None)
        if source is None:
            raise SeamlineError(
                f"{file}: {key} names {name}, which is not in {tree.folder}; add the list, or remove the line"
            )
        lists.sources.append(source)
        return {_find_image(images, source, line) for line in read_text(source).split("\n") if line.strip()}
    for candidate in candidates:
        for local in local_names(candidate, tree.folder):
            folder = Path(local)
            inside = {image for image in tree.images if folder in image.relative_to(tree.folder).parents}
            if inside and folder.parts:
                return inside
    lists.warnings.append(f"{file.name}: {key} names {name}, which has no images here, so it is not used")
    return set()


def _find_image(images: ImageIndex, source: Path, line: str) -> Path:
    """Return the image that a line of a list names: its first folders may be missing here, but not all of them."""
    name = line.strip()
    image = images.find(name, source)
    rest = name.replace("\\", "/").removeprefix("./")
    while image is None and rest.count("/") > 1:
        rest = rest.partition("/")[2]
        image = images.find(rest, source)
    if isinstance(image, list):
        listed = list_first([file.relative_to(images.tree.folder).as_posix() for file in image])
        raise SeamlineError(f"{source}: names {name}, which may be {listed}; name files with their folder")
    if image is None:
        raise SeamlineError(f"{source}: names {name}, which is not in {images.tree.folder}; correct the list")
    return image


def _read_values(text: str, key: str) -> list[str]:
    """Return the values of a key: those of a list, or its only one."""
    items = _read_list(text, key)
    if not items and (scalar := re.search(rf"^{key}\s*:[ \t]*(.*)$", text, re.MULTILINE)):
        items = [re.sub(r"(^|\s)#.*", "", scalar[1])]
    values = [item.strip().strip("\"'") for item in items]
    return [value for value in values if value.lower() not in _NULLS]


def _read_list(text: str, key: str) -> list[str]:
    """Return the items of a list or mapping in flow or block style; empty where the key has none."""
    match = re.search(rf"^{key}\s*:[ \t]*(.*)$", text, re.MULTILINE)
    if match is None:
        return []
    rest = text[match.start(1) :]
    if flow := re.match(r"[\[{]([^\]}]*)[\]}]", rest):
        items = [
            next(filter(None, found.groups()), "").strip() for found in _QUOTED.finditer(flow[1].replace("\n", " "))
        ]
        return [item for item in items if item]
    block = re.match(r"[ \t]*(#.*)?\n((?:[ \t]*-[ \t].*\n?|[ \t]+\d+[ \t]*:.*\n?|[ \t]*\n)*)", rest)
    return [line.strip().removeprefix("- ") for line in (block[2] if block else "").splitlines() if line.strip()]
