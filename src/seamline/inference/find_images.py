"""Finds the photos that a user names: files, folders and patterns."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from glob import has_magic, iglob
from pathlib import Path

from seamline.data.image_folder.unused import UnusedFiles, count_suffixes, read_start
from seamline.data.image_io import SUFFIXES
from seamline.errors import SeamlineError
from seamline.io import is_system_name, iter_files
from seamline.run_folder import PhotoError, UnusedData, measures_record, prediction_record

LEGEND = "legend.png"
"""The picture of the classes and their colors."""

PAGE = "report.html"
"""The page of a folder of predictions."""

RECORD = prediction_record(Path()).path.name
"""The record of a folder of predictions."""

_RESULTS = (".mask.png", ".overlay.png", ".confidence.png", ".photo.jpg")
_FRONT = re.compile(r"\.front-\d+\.jpg$")


@dataclass(frozen=True)
class Photo:
    """A photo to predict."""

    file: Path  # its path, as the user named it
    stem: str  # prefix of the file names of its results, different for each photo


@dataclass(frozen=True)
class PhotoListing:
    """The photos that were named."""

    # each file once, in the order named; the files of a folder or a pattern in the order of their paths
    photos: tuple[Photo, ...]
    errors: tuple[PhotoError, ...]  # names that match nothing or cannot be searched, with the reason
    unused: tuple[UnusedData, ...] = ()  # files of the folders and patterns that are not photos


def find_photos(names: Sequence[Path | str]) -> PhotoListing:
    """Find photos by name: files, folders and patterns.

    A file counts whatever its name. A pattern with `*`, `?`, `[…]` or `**` stands for the files and folders that match.
    Folders are searched recursively. Patterns and searches give only files with the usual suffixes of images, and skip
    hidden and system files and the results of earlier predictions.

    Raises:
        SeamlineError: there is not one photo.
    """
    files: dict[Path, Path] = {}
    others: dict[Path, Path] = {}
    errors: list[PhotoError] = []
    for name in names:
        reasons: list[str] = []
        photos, rest = _files_named(name, reasons)
        for file in photos:
            files.setdefault(_resolve(file), file)
        for file in rest:
            others.setdefault(_resolve(file), file)
        errors += [PhotoError(file=str(name), reason=reason) for reason in reasons]
    if not files:
        more = f" and {len(errors) - 1} more" if len(errors) > 1 else ""
        problem = f"{errors[0].file}: {errors[0].reason}{more}" if errors else "no photo is given"
        raise SeamlineError(f"{problem}; give photos, folders of photos, or a pattern such as 'photos/*.jpg'")
    stems = _unique_stems([file.stem for file in files.values()])
    unused = _unused([file for path, file in others.items() if path not in files])
    return PhotoListing(tuple(map(Photo, files.values(), stems)), tuple(errors), unused)


def _unused(files: Sequence[Path]) -> tuple[UnusedData, ...]:
    """Return the files that are not photos, by kind."""
    unused = UnusedFiles()
    for file in files:
        if _is_result(file):
            unused.add_result(str(file))
        elif not file.name.lower().endswith(SUFFIXES):
            unused.add(str(file), read_start(file))
    return unused.entries()


def _files_named(name: Path | str, reasons: list[str]) -> tuple[list[Path], list[Path]]:
    """Return the photos that a name stands for, and the other files; append to `reasons` what is wrong with it."""

    def list_files(folder: Path) -> list[Path]:
        return [*iter_files(folder, lambda error: reasons.append(f"{error.filename}: {error.strerror}"))]

    path = Path(name)
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except OSError as error:
        reasons.append(error.strerror or str(error))
        return [], []
    if exists and not is_folder:
        return [path], []
    if is_folder:
        files = list_files(path)
        nothing = f"contains no photos ({', '.join(SUFFIXES[:8])})"
    elif has_magic(str(name)):
        matches = map(Path, iglob(str(name), recursive=True))  # noqa: PTH207 - Path.glob takes no absolute patterns
        visible = [match for match in matches if not is_system_name(match.name) and not _in_system_folder(match, path)]
        files = [file for match in visible for file in (list_files(match) if match.is_dir() else [match])]
        nothing = "matches no photo"
    else:
        reasons.append("not found")
        return [], []
    photos = sorted({file for file in files if _is_photo(file)})
    others = sorted({file for file in files if file.is_file()} - {*photos})
    if not photos:
        reasons.append(nothing + (f"; it has {count_suffixes(others)}" if others else ""))
    return photos, others


def _is_photo(file: Path) -> bool:
    """Return whether a file is a photo by its name, and neither hidden nor a result."""
    name = file.name.lower()
    return not is_system_name(name) and name.endswith(SUFFIXES) and file.is_file() and not _is_result(file)


def _is_result(file: Path) -> bool:
    """Return whether a file is a result of an earlier prediction, or of measuring."""
    records = prediction_record(file.parent), measures_record(file.parent)
    return is_result_name(file.name) and any(record.exists() for record in records)


def is_result_name(name: str) -> bool:
    """Return whether a file of this name is a result, if `RECORD` is beside it."""
    name = name.lower()
    return name.endswith(_RESULTS) or name in (LEGEND, PAGE, RECORD) or bool(_FRONT.search(name))


def _in_system_folder(file: Path, pattern: Path) -> bool:
    """Return whether a file that matches a pattern is in a system folder that the pattern does not name."""
    return any(is_system_name(part) and part not in (".", "..", *pattern.parts) for part in file.parts[:-1])


def _resolve(file: Path) -> Path:
    """Return a file's path without links, or as it is if that fails."""
    try:
        return file.resolve()
    except (OSError, RuntimeError):
        return file.absolute()


def _unique_stems(stems: list[str]) -> list[str]:
    """Number equal stems in order, ignoring case: `front`, `front-2`; a number never yields the stem of another."""
    originals = {stem.casefold() for stem in stems}
    used: set[str] = set()
    unique = []
    for stem in stems:
        name, number = stem, 2
        while name.casefold() in used or (name != stem and name.casefold() in originals):
            name, number = f"{stem}-{number}", number + 1
        used.add(name.casefold())
        unique.append(name)
    return unique
