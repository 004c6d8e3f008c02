"""Folders on a disk or in a bucket, behind one interface."""

import posixpath
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import fs

from seamline.data.image_folder.unused import START, UnusedFiles
from seamline.data.image_io import SUFFIXES
from seamline.errors import SeamlineError, first_line
from seamline.inference.find_images import RECORD, is_result_name
from seamline.io import is_system_name, remove_temp_files, write_bytes

_READERS = 16  # files of which the start is read at the same time


@dataclass(frozen=True)
class Storage:
    """A folder on a disk or in a bucket."""

    uri: str  # its address, as the user named it
    filesystem: Any  # the `pyarrow.fs.FileSystem`
    path: str  # its path in the file system

    @property
    def display_uri(self) -> str:
        """The address without its options, for people."""
        return self.uri.partition("?")[0]

    @property
    def absolute_uri(self) -> str:
        """The address that holds whatever the working folder is."""
        return self.uri if "://" in self.uri else self.path

    def join(self, *names: str) -> str:
        """Return the path of a file or folder inside."""
        return posixpath.join(self.path, *names)

    def iter_photos(self, unused: UnusedFiles) -> Iterator[str]:
        """Yield the paths of all photos, folder by folder, recursively, as `find_photos` finds them; count other files.

        Hidden and system files and folders are skipped.

        Args:
            unused: counts the other files.

        Raises:
            SeamlineError: there is no such folder, or it may not be read.
        """
        folders = [self.path]
        while folders:
            folder = folders.pop()
            try:
                entries = sorted(self.filesystem.get_file_info(fs.FileSelector(folder)), key=lambda info: info.path)
            except OSError as error:
                raise SeamlineError(f"{self.display_uri}: {folder} cannot be listed ({first_line(error)})") from None
            visible = [info for info in entries if not is_system_name(info.base_name)]
            folders += [info.path for info in reversed(visible) if info.type == fs.FileType.Directory]
            files = [info.path for info in visible if info.type == fs.FileType.File]
            has_record = any(info.base_name == RECORD for info in visible)
            results = [file for file in files if has_record and is_result_name(posixpath.basename(file))]
            for file in results:
                unused.add_result(file)
            files = sorted({*files} - {*results})
            yield from (file for file in files if file.lower().endswith(SUFFIXES))
            self._count_others([file for file in files if not file.lower().endswith(SUFFIXES)], unused)

    def _count_others(self, files: list[str], unused: UnusedFiles) -> None:
        """Count files that are not photos; their starts are read at the same time, because a bucket answers slowly."""
        if files:
            with ThreadPoolExecutor(min(len(files), _READERS)) as readers:
                for file, start in zip(files, readers.map(self._read_start, files), strict=True):
                    unused.add(file, start)

    def _read_start(self, path: str) -> bytes:
        """Return the first bytes of a file, none where it cannot be read."""
        try:
            with self.filesystem.open_input_file(path) as file:
                start: bytes = file.read(START)
        except OSError:
            return b""
        return start

    def read(self, path: str) -> bytes:
        """Return the content of a file; Arrow retries requests to buckets.

        Raises:
            OSError: it cannot be read.
        """
        with self.filesystem.open_input_stream(path) as file:
            content: bytes = file.read()
        return content

    def write(self, path: str, content: bytes) -> None:
        """Write a file atomically: a bucket shows an object once it is complete, a disk renames."""
        if isinstance(self.filesystem, fs.LocalFileSystem):
            write_bytes(Path(path), content)
            return
        with self.filesystem.open_output_stream(path) as file:
            file.write(content)

    def remove_temp_files(self) -> None:
        """Remove what killed workers have left on a disk; a bucket shows no unfinished objects."""
        if isinstance(self.filesystem, fs.LocalFileSystem):
            remove_temp_files(Path(self.path))

    def list_names(self, folder: str) -> set[str]:
        """Return the names of the files in a folder inside; none if there is no such folder."""
        selector = fs.FileSelector(self.join(folder), allow_not_found=True)
        return {info.base_name for info in self.filesystem.get_file_info(selector)}

    def open(self, name: str) -> Any:
        """Open a file inside for random access.

        Raises:
            FileNotFoundError: there is none.
        """
        return self.filesystem.open_input_file(self.join(name))


def open_storage(uri: str) -> Storage:
    """Return the storage at a path, `s3://BUCKET/FOLDER`, `gs://…` or another address that Arrow knows.

    Raises:
        SeamlineError: the address is of no such kind.
    """
    if "://" not in uri:
        return Storage(uri, fs.LocalFileSystem(), str(Path(uri).expanduser().absolute()))
    try:
        filesystem, path = fs.FileSystem.from_uri(uri)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise SeamlineError(f"{uri}: cannot be opened ({first_line(error)}); name a folder or an address") from None
    return Storage(uri, filesystem, path)
