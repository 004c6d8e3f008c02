"""Find the files of a dataset in a folder that the user names, in `SEAMLINE_DATA`, or in the cache."""

import os
from collections.abc import Callable, Iterable, Sequence, Sized
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from seamline.data.downloads import Check, Progress, fetch
from seamline.errors import DatasetUnavailableError, SeamlineError, refuse_unreadable

Files = TypeVar("Files", bound=Sized)

PUBLISHED_AGAIN = "delete it and get the published file again"
"""Advice for a damaged file of a published dataset."""


class Location(NamedTuple, Generic[Files]):
    """The user's folder, the files of a dataset in it, and advice where some are missing."""

    folder: Path
    files: Files
    advice: str


def alternatives(synthetic: str) -> str:
    """Return the advice for a dataset that cannot be downloaded."""
    parent = os.environ.get("SEAMLINE_DATA")
    now = f" (it is {parent} now)" if parent else ""
    return f"name a folder with --data-dir, set SEAMLINE_DATA to the folder above it{now}, or use {synthetic}"


def download(
    target: Path,
    addresses: Sequence[str],
    check: str | Check,
    synthetic: str,
    progress: Progress | None,
    timeout: float,
) -> Path:
    """Download a file of a dataset into the cache, see `fetch`; `addresses` are URLs of its folder, best first.

    Raises:
        DatasetUnavailableError: it cannot be downloaded; the error also names the dataset `synthetic`.
    """
    urls = [f"{address}{target.name}" for address in addresses]
    try:
        return fetch(urls, target, check=check, progress=progress, timeout=timeout)
    except DatasetUnavailableError as error:
        raise DatasetUnavailableError(f"{error}, {alternatives(synthetic)}") from error


def find_files(name: str, folder: Path | None, list_files: Callable[[Path], Files]) -> Location[Files] | None:
    """Return the files of the dataset `name` in the user's folder, or None where the user has none.

    That is `folder` or its subfolder `name`, whichever has more files; without it, `$SEAMLINE_DATA/name` if it exists.

    Raises:
        SeamlineError: a folder cannot be read, or `SEAMLINE_DATA` names a folder that does not exist.
    """
    if folder is not None:
        user_folder, advice = folder.expanduser(), "put them there, or name another folder with --data-dir"
    elif parent := os.environ.get("SEAMLINE_DATA"):
        if not Path(parent).expanduser().is_dir():
            raise SeamlineError(f"SEAMLINE_DATA={parent}: no such folder; correct or unset it")
        user_folder, advice = Path(parent).expanduser() / name, "complete it, or unset SEAMLINE_DATA"
    else:
        return None
    with refuse_unreadable(user_folder):
        if folder is None and not user_folder.exists():
            return None
        files = list_files(user_folder)
        below = user_folder / name
        if folder is not None and below.is_dir() and len(more := list_files(below)) > len(files):
            return Location(below, more, advice)
        return Location(user_folder, files, advice)


def refuse_missing(title: str, wanted: Iterable[str], location: Location[dict[str, Path]]) -> None:
    """Refuse a folder in which some of the wanted files are missing."""
    if missing := [name for name in wanted if name not in location.files]:
        raise SeamlineError(
            f"{location.folder}: {title} is incomplete, missing {', '.join(missing)}; {location.advice}"
        )
