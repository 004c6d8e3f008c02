"""The files below a folder, and readers of its tables and JSON files."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from seamline.data.image_folder.folder_names import split_from_path
from seamline.data.image_folder.records import Sample
from seamline.data.image_io import SUFFIXES
from seamline.errors import SeamlineError, refuse_unreadable
from seamline.io import iter_files, safe_is_file

Schema = TypeVar("Schema", bound=Struct)

_MAX_BYTES = 1 << 30


@dataclass(frozen=True)
class FileTree:
    """The files among which a layout is searched."""

    folder: Path  # the folder that images are named relative to
    files: tuple[Path, ...]  # all files below it, sorted by path; or the one table or JSON file that the user named

    @cached_property
    def images(self) -> list[Path]:
        """The files with the suffix of an image."""
        return [file for file in self.files if _is_image(file)]

    @cached_property
    def _json_objects(self) -> dict[Path, dict[str, Any]]:
        contents = {file: read_json(file) for file in self.files if file.suffix.lower() == ".json"}
        return {file: content for file, content in contents.items() if isinstance(content, dict)}

    def json_files(self, schema: type[Schema], kind: str) -> Iterator[tuple[Path, Schema]]:
        """Yield the JSON files with all required fields of a schema; `kind` names them in messages.

        Raises:
            SeamlineError: a JSON file cannot be read, or does not conform to the schema.
        """
        required = {field.encode_name for field in msgspec.structs.fields(schema) if field.required}
        for file, content in self._json_objects.items():
            if required <= content.keys():
                with refuse_invalid(file, kind):
                    converted = msgspec.convert(content, schema)
                yield file, converted

    def sample(self, image: Path, split: str = "", **label: Any) -> Sample:
        """Return an image with its label; one of its folders names the split, else `split` is used."""
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


def find_file(name: str, folders: list[Path], suffixes: tuple[str, ...] = ("",)) -> Path | None:
    """Return the first file of a name, with one of the suffixes, in the folders; None where there is none."""
    paths = (folder / (name + suffix) for folder in folders for suffix in suffixes)
    return next(filter(safe_is_file, paths), None)


@contextmanager
def refuse_invalid(file: Path, kind: str) -> Iterator[None]:
    """Convert errors of invalid content inside the block into a `SeamlineError`."""
    try:
        yield
    except (msgspec.ValidationError, ValueError, OverflowError) as error:
        raise SeamlineError(f"{file}: is {kind} with an invalid part ({error}); correct it") from None


def read_text(file: Path) -> str:
    """Return the content of a text file, or raise a `SeamlineError`."""
    with refuse_unreadable(file):
        if file.stat().st_size > _MAX_BYTES:
            raise SeamlineError(f"{file}: is larger than {_MAX_BYTES >> 30} GiB; split it, or remove it")
        content = file.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SeamlineError(f"{file}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from None


def read_json(file: Path) -> Any:
    """Return the content of a JSON file, or raise a `SeamlineError`."""
    text = read_text(file)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SeamlineError(f"{file}: is not valid JSON ({error}); correct it, or remove it") from None
