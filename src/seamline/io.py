"""Files that are written whole or not at all."""

import errno
import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
import platformdirs

if sys.platform != "win32":
    import fcntl

_UNFINISHED = re.compile(r"\..+(\.[a-z0-9]+)\.[a-z0-9_]{8}\1")  # how `replacing` names what is not yet whole


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; when the block ends well, rename it onto `path`.

    Args:
        path: the file to write; missing parent folders are made.

    Yields:
        The temporary path to write to. It is removed when the block raises.

    Raises:
        OSError: it cannot be written; the error names `path`, which is as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix, delete=False) as handle:
            temporary = Path(handle.name)
        try:
            yield temporary
            temporary.chmod(0o666 & ~_umask())
            with temporary.open("rb+") as written:
                os.fsync(written.fileno())  # else a power cut may leave the new name with nothing in it
            temporary.replace(path)
            _fsync_dir(path.parent)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        if error.filename is None or str(error.filename).startswith(str(path.parent / f".{path.name}.")):
            raise OSError(error.errno, error.strerror or str(error), str(path)) from error
        raise


def remove_temp_files(folder: Path) -> None:
    """Remove what processes that were killed left half written in `folder`, below which nobody else may be writing."""
    for file in folder.rglob(".*"):
        if _UNFINISHED.fullmatch(file.name):
            file.unlink(missing_ok=True)


def _fsync_dir(folder: Path) -> None:
    """Write the folder's list of names to the disk too, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def walk(folder: Path, refused: Callable[[OSError], None]) -> Iterator[Path]:
    """Yield the files below a folder, hidden ones passed over; links are followed, each folder is entered once.

    Args:
        folder: where to begin.
        refused: called with the error of a folder that cannot be read; what it raises ends the walk.
    """
    entered: set[str] = set()
    for place, folders, files in os.walk(folder, followlinks=True, onerror=refused):
        real = os.path.realpath(place)
        if real in entered:  # a link that leads back
            folders.clear()
            continue
        entered.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in files if not name.startswith("."))


def safe_is_file(path: Path) -> bool:
    """Tell whether there is a file of a name that a table gives, which may be no name at all.

    Raises:
        OSError: that cannot be known, for lack of permissions.
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
    """Return the process's file mode mask, which can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


@contextmanager
def file_lock(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Keep a folder to this process inside the block; the system lets it go when the process ends, however.

    On Windows, where folders cannot be locked, it is open to all.

    Args:
        folder: made where it is not there.
        wait: until another process lets it go.

    Raises:
        BlockingIOError: another process has it, and `wait` is False.
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
    """Write `content` to `path`, whole or not at all."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write `content` to `path` as UTF-8, whole or not at all."""
    write_bytes(path, content.encode())


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON; a NaN is refused, because JSON has none (use None)."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        OSError: it cannot be read.
        ValueError: it holds no JSON, or lists thousands deep or numbers of thousands of digits.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError(str(error)) from None


def cache_dir() -> Path:
    """Return the user's cache folder for Seamline: `SEAMLINE_CACHE`, or the system's usual place."""
    named = os.environ.get("SEAMLINE_CACHE")
    return Path(named).expanduser() if named else platformdirs.user_cache_path("seamline", appauthor=False)


def sha256_file(path: Path) -> str:
    """Return 32 hexadecimal digits of SHA-256 over a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def source_hash(program: Path, *versions: str) -> str:
    """Return 16 hexadecimal digits that change with a program's source and with the versions of its libraries.

    They name what a program made and keeps in the cache, so that another program makes it anew.

    Args:
        program: the folder of its source.
        versions: of the libraries that it uses, numpy's apart, which always counts.
    """
    digest = hashlib.sha256("\n".join([np.__version__, *versions]).encode())
    for source in sorted(program.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]
