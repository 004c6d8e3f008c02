"""Folders on a disk or in a bucket, read and written alike."""

import posixpath
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import fs

from seamline.data.image_io import SUFFIXES
from seamline.errors import SeamlineError, first_line
from seamline.io import write_bytes

_TRIES = 3
_PAUSE = 1.0  # seconds before the second try, doubled before the third


@dataclass(frozen=True)
class Place:
    """A folder.

    Attributes:
        uri: as the user named it.
        system: what holds it.
        path: where in it.
    """

    uri: str
    system: Any
    path: str

    @property
    def shown(self) -> str:
        """The address without its options, for people."""
        return self.uri.partition("?")[0]

    @property
    def anywhere(self) -> str:
        """The address as a worker with another working folder finds it."""
        return self.uri if "://" in self.uri else self.path

    def below(self, *names: str) -> str:
        """Return the path of something below."""
        return posixpath.join(self.path, *names)

    def photos(self) -> Iterator[str]:
        """Yield the paths of all photos here and below, folder by folder, each folder's in order.

        Hidden files and folders are passed over.

        Raises:
            SeamlineError: there is no such folder, or it may not be read.
        """
        folders = [self.path]
        while folders:
            folder = folders.pop()
            try:
                found = sorted(self.system.get_file_info(fs.FileSelector(folder)), key=lambda info: info.path)
            except OSError as error:
                raise SeamlineError(f"{self.shown}: {folder} cannot be listed ({first_line(error)})") from None
            seen = [info for info in found if not info.base_name.startswith(".")]
            folders += [info.path for info in reversed(seen) if info.type == fs.FileType.Directory]
            for info in seen:
                if info.type == fs.FileType.File and info.path.lower().endswith(SUFFIXES):
                    yield info.path

    def read(self, path: str) -> bytes:
        """Return a file's bytes; what fails for a moment is tried again.

        Raises:
            OSError: it cannot be read.
        """
        for attempt in range(_TRIES):
            try:
                with self.system.open_input_stream(path) as file:
                    content: bytes = file.read()
                    return content
            except (FileNotFoundError, PermissionError, IsADirectoryError):
                raise
            except OSError:
                if attempt + 1 == _TRIES:
                    raise
                time.sleep(_PAUSE * 2**attempt)
        raise AssertionError("not reached")

    def write(self, path: str, content: bytes) -> None:
        """Write a file, whole or not at all: a bucket shows an object when it is complete, a disk by renaming."""
        if isinstance(self.system, fs.LocalFileSystem):
            write_bytes(Path(path), content)
            return
        with self.system.open_output_stream(path) as file:
            file.write(content)

    def names(self, folder: str) -> set[str]:
        """Return the names of the files in a folder below; none where there is no such folder."""
        selector = fs.FileSelector(self.below(folder), allow_not_found=True)
        return {info.base_name for info in self.system.get_file_info(selector)}

    def open(self, name: str) -> Any:
        """Open a file below for reading anywhere in it.

        Raises:
            FileNotFoundError: there is none.
        """
        return self.system.open_input_file(self.below(name))


def find_place(uri: str) -> Place:
    """Return the place that a path, `s3://BUCKET/FOLDER`, `gs://…` or another address that Arrow knows names.

    Raises:
        SeamlineError: there is no such kind of address.
    """
    if "://" not in uri:
        return Place(uri, fs.LocalFileSystem(), str(Path(uri).expanduser().absolute()))
    try:
        system, path = fs.FileSystem.from_uri(uri)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise SeamlineError(f"{uri}: no address of photos that can be read ({first_line(error)})") from None
    return Place(uri, system, path)
