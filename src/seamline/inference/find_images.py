"""Finds the photos that a user names: files, folders and patterns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import has_magic, iglob
from pathlib import Path

from seamline.data.image_io import SUFFIXES
from seamline.errors import SeamlineError
from seamline.io import is_system_name, iter_files
from seamline.run_folder import PhotoError, prediction_record

LEGEND = "legend.png"
"""The picture of the classes and their colors."""

_RESULTS = (".mask.png", ".overlay.png", ".photo.jpg")


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


def find_photos(names: Sequence[Path | str]) -> PhotoListing:
    """Find photos by name: files, folders and patterns.

    A file counts whatever its name. Folders are searched recursively for the usual suffixes of images, and so are
    patterns with `*`, `?`, `[…]` or `**`. Searches skip hidden and system files and the results of earlier predictions.

    Raises:
        SeamlineError: there is not one photo.
    """
    files: dict[Path, Path] = {}
    errors: list[PhotoError] = []
    for name in names:
        reasons: list[str] = []
        for file in list(_files_named(name, reasons)):
            files.setdefault(_resolve(file), file)
        errors += [PhotoError(file=str(name), reason=reason) for reason in reasons]
    if not files:
        more = f" and {len(errors) - 1} more" if len(errors) > 1 else ""
        problem = f"{errors[0].file}: {errors[0].reason}{more}" if errors else "no photo is given"
        raise SeamlineError(f"{problem}; give photos, folders of photos, or a pattern such as 'photos/*.jpg'")
    stems = _unique_stems([file.stem for file in files.values()])
    return PhotoListing(tuple(map(Photo, files.values(), stems)), tuple(errors))


def _files_named(name: Path | str, reasons: list[str]) -> Iterator[Path]:
    """Yield the files that a name stands for; append to `reasons` what is wrong with it."""
    path = Path(name)
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except OSError as error:
        reasons.append(error.strerror or str(error))
        return
    if exists and not is_folder:
        yield path
    elif is_folder:
        files = sorted(
            file
            for file in iter_files(path, lambda error: reasons.append(f"{error.filename}: {error.strerror}"))
            if _is_photo(file)
        )
        if not files:
            reasons.append(f"contains no photos ({', '.join(SUFFIXES[:8])})")
        yield from files
    elif has_magic(str(name)):
        matches = map(Path, iglob(str(name), recursive=True))  # noqa: PTH207 - Path.glob takes no absolute patterns
        files = sorted(file for file in matches if _is_photo(file) and not _in_system_folder(file, path))
        if not files:
            reasons.append("matches no photo")
        yield from files
    else:
        reasons.append("not found")


def _is_photo(file: Path) -> bool:
    """Return whether a file is a photo by its name, and neither hidden nor a result."""
    name = file.name.lower()
    if is_system_name(name) or not name.endswith(SUFFIXES) or not file.is_file():
        return False
    return not ((name.endswith(_RESULTS) or name == LEGEND) and prediction_record(file.parent).exists())


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
