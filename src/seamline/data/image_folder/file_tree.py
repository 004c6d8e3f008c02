"""The files below a folder, and readers of its tables and JSON files."""

import json
import os
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from seamline.data.image_folder.folder_names import split_from_path
from seamline.data.image_folder.records import Sample
from seamline.data.image_io import SUFFIXES
from seamline.errors import SeamlineError, refuse_unreadable
from seamline.io import iter_files, safe_is_file

Schema = TypeVar("Schema", bound=Struct)

SIDECAR = ".correction.json"
"""Ending of the files beside corrected images, which say when and with which model these were corrected."""

_MAX_BYTES = 1 << 30
_NO_FOLDER_NAME = re.compile(r'[\x00-\x1f<>:"/\\|?*%]|^[. ]|[. ]$')  # what Windows and others refuse, and `%`


@dataclass(frozen=True)
class FileTree:
    """The files among which a layout is searched."""

    folder: Path  # the folder that images are named relative to
    files: tuple[Path, ...]  # all files below it, sorted by path; or the one table or JSON file that the user named
    inner_groups: bool = False  # whether folders inside class folders group images, so that they are no classes
    boxes: bool = False  # whether boxes are regions of their class

    @cached_property
    def images(self) -> list[Path]:
        """The files with the suffix of an image."""
        return [file for file in self.files if _is_image(file)]

    @cached_property
    def _json_contents(self) -> dict[Path, Any]:
        files = (file for file in self.files if file.suffix.lower() == ".json" and not is_sidecar(file))
        return {file: _read_json(file) for file in files}

    @property
    def json_lists(self) -> dict[Path, list[Any]]:
        """The JSON files that contain lists."""
        return {file: content for file, content in self._json_contents.items() if isinstance(content, list)}

    def json_files(self, schema: type[Schema], kind: str) -> Iterator[tuple[Path, Schema]]:
        """Yield the JSON files with all required fields of a schema; `kind` names them in messages.

        Raises:
            SeamlineError: a JSON file cannot be read, or does not conform to the schema.
        """
        required = {field.encode_name for field in msgspec.structs.fields(schema) if field.required}
        for file, content in self._json_contents.items():
            if isinstance(content, dict) and required <= content.keys():
                with refuse_invalid(file, kind):
                    converted = msgspec.convert(content, schema)
                yield file, converted

    def sample(self, image: Path, split: str = "", **label: Any) -> Sample:
        """Return an image with its label; one of its folders names the split, else `split` is used."""
        if not image.is_relative_to(self.folder):
            raise SeamlineError(f"{image}: is not inside {self.folder}; put images and labels into one folder")
        name = image.relative_to(self.folder)
        return Sample(image, name.as_posix(), split_from_path(name.parts[:-1]) or split, **label)


def list_tree(path: Path) -> FileTree:
    """Return the files below a folder without hidden ones, or the file that is named; links are followed once.

    Raises:
        SeamlineError: the path does not exist or cannot be read, or a folder contains a pipe, a device, or a broken
            link to an image.
    """
    if path.is_file():
        return FileTree(path.parent, (path,))
    if not path.is_dir():
        raise SeamlineError(f"{path}: is neither a folder nor a file; check the path")

    def refuse(error: OSError) -> None:
        with refuse_unreadable(error.filename):
            raise error

    files = sorted(iter_files(path, refuse), key=lambda file: file.relative_to(path).as_posix())
    for file in files:
        with refuse_unreadable(file):
            if file.is_file():
                continue
            exists = file.exists()
        if exists:  # reading a pipe would block
            raise SeamlineError(f"{file}: is a pipe, a socket or a device, not a file; remove it")
        if _is_image(file):
            raise SeamlineError(f"{file}: is a link to a file that does not exist; correct the link, or remove it")
    return FileTree(path, tuple(files))


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES


def is_sidecar(file: PurePath) -> bool:
    """Return whether a file is the sidecar of a corrected image."""
    return file.name.endswith(SIDECAR)


def class_folder(name: str) -> str:
    """Return the name of a class's folder: characters that no folder can have are escaped, such as `%2F` for `/`."""
    return _NO_FOLDER_NAME.sub(lambda match: f"%{ord(match[0]):02X}", name)


def find_file(name: str, folders: list[Path], suffixes: tuple[str, ...] = ("",)) -> Path | None:
    """Return the file that a table or a JSON file names; None where there is none.

    A name is a path relative to one of the folders, with separators of any system. Where it is absolute or leads out of
    the folder, as in files from another machine, the longest end of it that exists counts; where it starts with the
    name of the folder itself, the rest counts. Names match under Unicode normalization.

    Args:
        name: the name.
        folders: folders to search, the first one first.
        suffixes: endings to append to the name.
    """
    for candidate in local_names(name, folders[0]):
        for find in (_existing, _normalized):  # normalization needs a list of the folder
            for folder in folders:
                paths = (find(folder, candidate + suffix) for suffix in suffixes)
                if file := next(filter(None, paths), None):
                    return file
    return None


def local_names(name: str, folder: Path) -> list[str]:
    """Return the relative paths that a name may stand for, the most likely first."""
    path = PurePosixPath(name.removeprefix("file://").replace("\\", "/"))
    parts = path.parts
    if path.is_absolute() or ".." in parts or (parts and parts[0].endswith(":")):
        inner = [part for part in parts if part not in ("/", "//", "..") and not part.endswith(":")]
        starts = [*range(len(inner))]
    else:
        inner = [*parts]
        above = folder.absolute().parts
        starts = [length for length in range(1, len(inner)) if above[-length:] == parts[:length]]
    return [name, str(path), *("/".join(inner[start:]) for start in starts)]


def _existing(folder: Path, name: str) -> Path | None:
    """Return a file by its path relative to a folder; None where there is none."""
    file = folder / name
    if not safe_is_file(file):
        return None
    return Path(os.path.normpath(file)) if ".." in file.parts else file


def _normalized(folder: Path, name: str) -> Path | None:
    """Return the file whose path equals a name under Unicode normalization."""
    path = folder
    for part in PurePosixPath(name).parts:
        entry = _entries(path).get(normalize(part))
        if entry is None:
            return None
        path = path / entry
    return path if safe_is_file(path) else None


def _entries(folder: Path) -> dict[str, str]:
    """Return the names in a folder by their normalized form."""
    try:
        return _entries_at(folder, folder.stat().st_mtime_ns)
    except (OSError, ValueError):
        return {}


@lru_cache(maxsize=256)
def _entries_at(folder: Path, modified: int) -> dict[str, str]:
    """Return the names in a folder, modified at a time in nanoseconds, by their normalized form."""
    return {normalize(entry.name): entry.name for entry in folder.iterdir()}


def normalize(name: str) -> str:
    """Return a name in the form in which names of files and classes are compared: macOS decomposes letters."""
    return unicodedata.normalize("NFC", name)


def natural_key(name: str) -> tuple[tuple[int | str, ...], str]:
    """Return a sort key that orders `frame 2` before `frame 10`; numbers may have any number of digits."""
    parts = re.split(r"([0-9]+)", name)
    keys: list[int | str] = [parts[0]]
    for digits, text in zip(parts[1::2], parts[2::2], strict=True):
        number = digits.lstrip("0")
        keys += [len(number), number, text]
    return tuple(keys), name


@contextmanager
def refuse_invalid(file: Path, kind: str) -> Iterator[None]:
    """Convert errors of invalid content inside the block into a `SeamlineError`."""
    try:
        yield
    except (msgspec.ValidationError, ValueError, OverflowError, SystemError) as error:
        # msgspec before 0.22 raises a SystemError, caused by an OverflowError, for an integer that no float can hold.
        reason = error.__cause__ or error
        raise SeamlineError(f"{file}: is {kind} with an invalid part ({reason}); correct it") from None


def read_text(file: Path, errors: Literal["strict", "replace"] = "strict") -> str:
    """Return the content of a text file, or raise a `SeamlineError`; `replace` replaces bytes that are not UTF-8."""
    with refuse_unreadable(file):
        if file.stat().st_size > _MAX_BYTES:
            raise SeamlineError(f"{file}: is larger than {_MAX_BYTES >> 30} GiB; split it, or remove it")
        content = file.read_bytes()
    try:
        return content.decode("utf-8-sig", errors)
    except UnicodeDecodeError as error:
        raise SeamlineError(f"{file}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from None


def _read_json(file: Path) -> Any:
    """Return the content of a JSON file, None for JSON Lines, which is in no layout; or raise a `SeamlineError`."""
    text = read_text(file)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        with suppress(ValueError, RecursionError):
            if len([json.loads(line) for line in text.strip().split("\n")[:2]]) == 2:
                return None
        raise SeamlineError(f"{file}: is not valid JSON ({error}); correct it, or remove it") from None
