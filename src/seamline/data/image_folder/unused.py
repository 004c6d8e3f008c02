"""Counts the files of a folder that are not used, by kind."""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import Enum
from pathlib import Path, PurePath

from seamline.data.image_folder.classes import CLASS_FILES
from seamline.data.image_folder.file_tree import FileTree, is_sidecar, normalize
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

START = 12
"""First bytes of a file that tell an image."""


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
    other_masks = {*contents.other_masks, *contents.unfinished}
    masks = [file for file in unused if file in contents.other_masks]
    images = [file for file in unused if file not in other_masks and file.suffix.lower() in SUFFIXES]
    others = UnusedFiles()
    for file in unused:
        if file.suffix.lower() not in SUFFIXES:
            others.add(file.relative_to(tree.folder).as_posix(), read_start(file))
    label = f"the layout is {contents.layout}; label them, or remove them"
    return (
        *unused_entry("images without a label", images, label, tree.folder),
        *unused_entry("masks in other forms", masks, f"the layout is {contents.layout}", tree.folder),
        *unused_entry("files of interrupted saves", contents.unfinished, "correct these photos again", tree.folder),
        *others.entries(),
    )


class UnusedFiles:
    """Counts files that are not read as images by kind, without keeping their names."""

    def __init__(self) -> None:
        self._suffixes: dict[_Kind, Counter[str]] = {}
        self._examples: dict[_Kind, str] = {}

    def add(self, name: str, start: bytes) -> None:
        """Count a file with these first `START` bytes."""
        if is_sidecar(PurePath(name)):
            self._add(_Kind.SIDECAR, name)
        elif PurePath(name).suffix.lower() in _UNDECODABLE:
            self._add(_Kind.UNDECODABLE, name)
        else:
            self._add(_Kind.MISNAMED if _starts_like_an_image(start) else _Kind.OTHER, name)

    def add_result(self, name: str) -> None:
        """Count a result of an earlier prediction."""
        self._add(_Kind.RESULT, name)

    def entries(self) -> tuple[UnusedData, ...]:
        """Return an entry for each kind of which there are files."""
        return tuple(
            _entry(kind.value[0], self._suffixes[kind], kind.value[1], self._examples[kind])
            for kind in _Kind
            if kind in self._examples
        )

    def _add(self, kind: "_Kind", name: str) -> None:
        self._suffixes.setdefault(kind, Counter())[_suffix(PurePath(name))] += 1
        self._examples.setdefault(kind, name)


class _Kind(Enum):
    """A kind of files: what they are, and why they are not used, with the fix."""

    UNDECODABLE = "images of unsupported formats", "convert them to JPEG or PNG"
    MISNAMED = "images without the suffix of one", "rename them, for example to .jpg"
    SIDECAR = "files about corrections", "they say when and with which model an image was corrected"
    OTHER = "other files", "not images"
    RESULT = "results of earlier predictions", "not photos"


def unused_entry(what: str, files: Sequence[Path], reason: str, folder: Path) -> tuple[UnusedData, ...]:
    """Return the entry of unused files, or none where there are none.

    Args:
        what: what they are, a plural noun.
        files: the files.
        reason: why they are not used, and the fix.
        folder: the folder that the example is named relative to.
    """
    if not files:
        return ()
    return (_entry(what, Counter(map(_suffix, files)), reason, files[0].relative_to(folder).as_posix()),)


def _entry(what: str, suffixes: Counter[str], reason: str, example: str) -> UnusedData:
    """Return an entry of files with these suffixes."""
    count = suffixes.total()
    words = what if count > 1 else what.replace("images", "image", 1).replace("files", "file", 1)
    listed = f"{words} ({_list_suffixes(suffixes)})"
    return UnusedData(kind="files", what=listed, count=count, reason=reason, example=example)


def read_start(file: Path) -> bytes:
    """Return the first bytes of a file, none where it cannot be read."""
    try:
        with file.open("rb") as stream:
            return stream.read(START)
    except OSError:
        return b""


def _starts_like_an_image(start: bytes) -> bool:
    """Return whether a file with these first bytes is an image by its content."""
    return start.startswith(_IMAGE_STARTS) or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")


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
    return _list_suffixes(Counter(map(_suffix, files)))


def _list_suffixes(suffixes: Counter[str]) -> str:
    return list_first([f"{count:,} {suffix}" for suffix, count in suffixes.most_common()])


def _suffix(file: PurePath) -> str:
    return file.suffix.lower() or "without suffix"
