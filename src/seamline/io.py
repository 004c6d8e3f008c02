"""Atomic file writes, locks, caches and digests."""

import errno
import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp
from typing import Any

import numpy as np
import platformdirs

if sys.platform != "win32":
    import fcntl

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
"""Error numbers of a full disk, or a full quota."""

_SYSTEM_NAMES = frozenset({
    # folders of storage devices and operating systems
    "@eadir", "@recycle", "@tmp", "@sharebin", "@__thumb", "#recycle", "#snapshot", "$recycle.bin", "recycler",
    "lost+found", "system volume information", "found.000", "__macosx", "__pycache__",
    "network trash folder", "temporary items",
    # files of file managers
    "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r", "zbthumbnail.info", "picasa.ini",
})  # fmt: skip
_TEMP_FILE = re.compile(r"\..+(\.[a-z0-9]+)\.[a-z0-9_]{8}\1")  # names that `atomic_write` gives


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path` when the block ends without an error.

    Args:
        path: the file to write; missing parent folders are created.

    Yields:
        The temporary path to write to; it is removed if the block raises.

    Raises:
        OSError: the file cannot be written; the error names `path`, which is unchanged.
    """
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            temporary.chmod(0o666 & ~_umask())
            with temporary.open("rb+") as written:
                os.fsync(written.fileno())  # else the file may be empty after a power failure
            temporary.replace(path)
            _fsync_dir(path.parent)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        if error.filename is None or str(error.filename).startswith(str(path.parent / f".{path.name}.")):
            raise OSError(error.errno, error.strerror or str(error), str(path)) from error
        raise


def remove_temp_files(folder: Path) -> None:
    """Remove the temporary files that killed processes left below a folder, to which no other process is writing."""
    for file in folder.rglob(".*"):
        if _TEMP_FILE.fullmatch(file.name):
            file.unlink(missing_ok=True)


def _fsync_dir(folder: Path) -> None:
    """Write a folder's entries to the disk, where the system supports it."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def iter_files(folder: Path, on_error: Callable[[OSError], None]) -> Iterator[Path]:
    """Yield the files below a folder without hidden and system ones; links are followed, each folder is entered once.

    Args:
        folder: the folder.
        on_error: called with the error of a folder that cannot be read; an error that it raises ends the iteration.
    """
    visited: set[str] = set()
    for root, folders, files in os.walk(folder, followlinks=True, onerror=on_error):
        real = os.path.realpath(root)
        if real in visited:  # a link to a parent folder
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(name for name in folders if not is_system_name(name))
        yield from (Path(root, name) for name in files if not is_system_name(name))


def is_system_name(name: str) -> bool:
    """Return whether a file or folder of this name is hidden, or made by an operating system or a storage device."""
    folded = name.casefold()
    return folded.startswith((".", "synofile_thumb_", "synophoto_thumb_")) or folded in _SYSTEM_NAMES


def safe_is_file(path: Path) -> bool:
    """Return whether a file exists; False for names that no file can have, which tables may contain.

    Raises:
        OSError: permissions are missing.
    """
    try:
        return path.is_file()
    except ValueError:  # a NUL or half a surrogate pair
        return False
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return False
        raise


def _umask() -> int:
    """Return the umask of the process, which can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


@contextmanager
def file_lock(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Lock a folder inside the block; the system releases the lock if the process ends.

    On Windows, where folders cannot be locked, this does nothing.

    Args:
        folder: the folder; it is created if it does not exist.
        wait: whether to wait until another process releases the lock.

    Raises:
        BlockingIOError: another process has the lock, and `wait` is False.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(handle)


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes to a file atomically."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write text to a file as UTF-8, atomically."""
    write_bytes(path, content.encode())


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not JSON, or is nested too deeply, or has numbers of too many digits.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError(str(error)) from None


def cache_dir() -> Path:
    """Return the cache folder: `SEAMLINE_CACHE`, or the usual folder of the system."""
    folder = os.environ.get("SEAMLINE_CACHE")
    return Path(folder).expanduser() if folder else platformdirs.user_cache_path("seamline", appauthor=False)


def sha256_file(path: Path) -> str:
    """Return 64 hexadecimal digits of the SHA-256 digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def source_hash(program: Path, *versions: str) -> str:
    """Return a digest of source code and library versions, which names cached results that depend on them.

    Args:
        program: folder of the source code.
        versions: versions of the libraries it uses; NumPy's is always included.

    Returns:
        16 hexadecimal digits.
    """
    digest = hashlib.sha256("\n".join([np.__version__, *versions]).encode())
    for source in sorted(program.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]
