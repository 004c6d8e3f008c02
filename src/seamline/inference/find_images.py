"""What the user named -> photos, in one fixed order, each with a name for its results."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import has_magic, iglob
from pathlib import Path

from seamline.data.image_io import SUFFIXES
from seamline.errors import SeamlineError
from seamline.io import walk

RECORD = "predictions.json"
"""The file that tells what was predicted; a folder that has it holds results."""

LEGEND = "legend.png"
"""The picture of the classes and their colours."""

_RESULTS = (".mask.png", ".overlay.png", ".photo.jpg")


@dataclass(frozen=True)
class Photo:
    """A file to predict.

    Attributes:
        file: where it lies, as the user named it.
        stem: what the names of its results begin with; no other photo has it.
    """

    file: Path
    stem: str


@dataclass(frozen=True)
class Found:
    """What was named.

    Attributes:
        photos: each file once, in the order named; the files of a folder or a pattern in the order of their paths.
        failed: what was named and could not be found or searched, with the reason.
    """

    photos: tuple[Photo, ...]
    failed: tuple[tuple[str, str], ...]


def find_photos(named: Sequence[Path | str]) -> Found:
    """Find the photos that a user named.

    A file is taken whatever its name. A folder is searched with all that lies below it for the usual suffixes of
    images, and so is a pattern with `*`, `?`, `[…]` or `**`. Searches pass over hidden files and over what earlier
    predictions wrote. A file that was named twice is taken once.

    Raises:
        SeamlineError: not one photo was found.
    """
    files: dict[Path, Path] = {}
    failed: list[tuple[str, str]] = []
    for name in named:
        troubles: list[str] = []
        found = list(_named(name, troubles))
        failed += [(str(name), reason) for reason in troubles]
        for file in found:
            files.setdefault(_resolved(file), file)
    if not files:
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        what = f"{failed[0][0]}: {failed[0][1]}{more}" if failed else "no photo is named"
        raise SeamlineError(f"{what}; name photos, folders of photos or a pattern such as 'photos/*.jpg'")
    stems = _stems([file.stem for file in files.values()])
    return Found(tuple(Photo(file, stem) for file, stem in zip(files.values(), stems, strict=True)), tuple(failed))


def _named(name: Path | str, troubles: list[str]) -> Iterator[Path]:
    """Yield the files that one name stands for; what is wrong with it goes to `troubles`."""
    path = Path(name)
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except OSError as error:
        troubles.append(error.strerror or str(error))
        return
    if exists and not is_folder:
        yield path
        return
    if is_folder:
        found = _searched(path, troubles)
    elif has_magic(str(name)):
        matches = iglob(str(name), recursive=True)  # noqa: PTH207 - Path.glob takes no absolute patterns
        found = sorted(file for file in map(Path, matches) if _is_photo(file))
    else:
        troubles.append("not found")
        return
    if not found:
        troubles.append(f"holds no photo ({', '.join(SUFFIXES)})" if is_folder else "no photo has such a name")
    yield from found


def _searched(folder: Path, troubles: list[str]) -> list[Path]:
    """Return the photos in a folder and below it; links to folders are followed, each folder is entered once."""

    def refused(error: OSError) -> None:
        troubles.append(f"{error.filename}: {error.strerror}")

    return sorted(file for file in walk(folder, refused) if _is_photo(file))


def _is_photo(file: Path) -> bool:
    """Tell by its name and place whether a file is a photo, and neither hidden nor a result."""
    name = file.name.lower()
    if name.startswith(".") or not name.endswith(SUFFIXES) or not file.is_file():
        return False
    return not ((name.endswith(_RESULTS) or name == LEGEND) and (file.parent / RECORD).is_file())


def _resolved(file: Path) -> Path:
    """Return a file's one true path; of what cannot be resolved, the path as it is."""
    try:
        return file.resolve()
    except (OSError, RuntimeError):
        return file.absolute()


def _stems(stems: list[str]) -> list[str]:
    """Number the stems that several photos share, in order: `front`, `front-2`; capitals make no difference.

    A number never makes a stem that another photo has by itself.
    """
    own = {stem.casefold() for stem in stems}
    taken: set[str] = set()
    given = []
    for stem in stems:
        name, number = stem, 2
        while name.casefold() in taken or (name != stem and name.casefold() in own):
            name, number = f"{stem}-{number}", number + 1
        taken.add(name.casefold())
        given.append(name)
    return given
