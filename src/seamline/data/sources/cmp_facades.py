"""The CMP Facade Database: 606 rectified photos of facades, labelled with twelve classes, here mapped to five.

Two archives, base (378 photos) and extended (228), each hold `cmp_b0001.jpg`, its label image `cmp_b0001.png` and an
XML file that is not needed (`x` in place of `b` in the extended set). A label image is a palette PNG; its indices are
the class numbers of the database, which start at 1. 0 is no class, so it counts nowhere here.

The photos differ in size. Each is scaled so that its shorter side has 256 pixels (photos with Lanczos filtering,
labels to the nearest pixel) and is covered by as few squares of 256 x 256 as will do, spread evenly, so that
neighbours overlap by the same amount. The squares of a photo are one group; photos of one building are
found later, in their pixels. A photo whose number is divisible by nine
is a test photo: with both sets complete those are 67 of 606.
"""

import os
import re
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.data.dataset import IGNORE_INDEX, Dataset, Split
from seamline.data.downloads import Progress, fetch
from seamline.data.image_io import read_image
from seamline.data.limits import map_threads
from seamline.data.masks import read_mask
from seamline.data.sources.facades import CLASSES, PALETTE
from seamline.errors import DatasetUnavailableError, SeamlineError
from seamline.io import cache_dir

NAME = "cmp-facades"

NOTE = (
    "Source: CMP Facade Database, Center for Machine Perception, Czech Technical University in Prague, "
    "https://cmp.felk.cvut.cz/~tylecr1/facade/, published for research; one mirror labels it MIT. Cite: R. Tyleček and "
    "R. Šára, Spatial Pattern Templates for Recognition of Objects with Regular Structure, GCPR 2013. Its twelve "
    "classes are mapped to five."
)

ADDRESSES = ("https://cmp.felk.cvut.cz/~tylecr1/facade/",)
"""Folders of the two archives: the publisher's own."""

ARCHIVES = {"base": "CMP_facade_DB_base.zip", "extended": "CMP_facade_DB_extended.zip"}
"""The two sets and their archives. No sum of them is published: a download is right when it is a sound archive."""

TWELVE = {
    1: ("background", "other"),
    2: ("facade", "facade"),
    3: ("window", "window"),
    4: ("door", "other"),
    5: ("cornice", "other"),
    6: ("sill", "other"),
    7: ("balcony", "balcony"),
    8: ("blind", "other"),
    9: ("deco", "other"),
    10: ("molding", "other"),
    11: ("pillar", "pillar"),
    12: ("shop", "other"),
}
"""A label's number -> the database's class (its file `label_names.txt`) and the class here.

The mapping is that of the mini facade set, as its masks show it: blinds are `other` there, open shutters beside a
window and closed ones before it alike, and so are all doors, shops, sills, cornices, mouldings and ornaments.
"""

SIDE = 256
"""Height and width of a square, pixels."""

EVERY = 9
"""A photo whose number is divisible by this is a test photo."""

_FIVE = np.full(256, IGNORE_INDEX, dtype=np.uint8)  # a label's number -> the class here
for _number, (_, _name) in TWELVE.items():
    _FIVE[_number] = CLASSES.index(_name)

_PHOTO = re.compile(r"(cmp_[bx](\d{4}))\.(jpg|png)")
_PLACES = tuple(place for part in ARCHIVES for place in (part, f"CMP_facade_DB_{part}", f"CMP_facade_DB_{part}/{part}"))
"""Folders that unpacking leaves behind, below the one that the user names."""
_MOST_MEMBERS = 10_000
_LARGEST_MEMBER = 1 << 26  # bytes, unpacked; the photos have less than a megabyte
_LARGEST_ARCHIVE = 1 << 31  # bytes, unpacked
_LONGEST = 16  # how many times longer than wide a photo may be
_OTHERWISE = "name a folder with --data-dir, set SEAMLINE_DATA to the folder above it, or use synthetic-facades"
_AGAIN = "delete it and get the published file again"


def load(folder: Path | None = None, *, progress: Progress | None = None, timeout: float = 20.0) -> Dataset:
    """Read the CMP Facade Database from a folder, or download it into the cache and read it from there.

    It is looked for in `folder` when it is given, else in `$SEAMLINE_DATA/cmp-facades` when there is such a folder,
    else in the cache, into which both archives are downloaded. A folder may hold `base` or `extended` or both, the
    archives, or the photos and labels themselves; a set may be incomplete.

    Args:
        folder: such a folder, the folder above a folder `cmp-facades`, or one archive.
        progress: called as bytes of a download arrive, see `seamline.data.downloads.Progress`.
        timeout: seconds, for connecting to a server and for each read.

    Returns:
        The dataset: images (N, 256, 256, 3) uint8 and labels (N, 256, 256) uint8, squares by photo and from left to
        right or top to bottom, named `train/cmp_b0001-1` and so on; the squares of a photo are one group.

    Raises:
        DatasetUnavailableError: an archive is not in the cache and cannot be downloaded.
        SeamlineError: a folder holds no photos, or a file is not what it should be.
    """
    place, photos = _find(folder, progress, timeout)
    tests = [stem for stem in photos if _is_test(stem)]
    if not tests or len(tests) == len(photos):
        which = "no" if not tests else "only"
        raise SeamlineError(
            f"{place}: of the CMP Facade Database it holds {which} photos with a number divisible by {EVERY}, which "
            "are the test photos; add photos of both kinds"
        )
    numbers = {stem: number for number, stem in enumerate(photos)}
    with ExitStack() as stack:
        archives = _Archives(stack)
        train = _read_split([s for s in photos if not _is_test(s)], photos, numbers, "train", archives)
        test = _read_split(tests, photos, numbers, "test", archives)
    # Two photos may show one building, so that relatives are to be looked for beyond the squares of a photo.
    return Dataset(
        NAME,
        "CMP Facade Database",
        CLASSES,
        train,
        test,
        str(place),
        description=NOTE,
        palette=PALETTE,
        has_groups=False,
        task="segmentation",
    )


def _is_test(stem: str) -> bool:
    """Return whether a photo, such as `cmp_b0009`, is a test photo."""
    return int(stem[-4:]) % EVERY == 0


# ---- finding the files ----


class _File(NamedTuple):
    """A file in a folder, or in an archive when `member` is not empty."""

    path: Path
    member: str = ""

    def __str__(self) -> str:
        return f"{self.path}/{self.member}" if self.member else str(self.path)


@dataclass(frozen=True)
class _Photo:
    """A photo and its labels."""

    image: _File
    labels: _File


def _find(folder: Path | None, progress: Progress | None, timeout: float) -> tuple[Path, dict[str, _Photo]]:
    """Return where the photos are, and stem -> photo in the order of the stems."""
    if folder is not None:
        return _given(folder.expanduser(), "put its archives there, or name another folder with --data-dir")
    above = os.environ.get("SEAMLINE_DATA")
    if above:
        if not Path(above).expanduser().is_dir():
            raise SeamlineError(f"SEAMLINE_DATA={above}: there is no such folder; correct or unset it")
        below = Path(above).expanduser() / NAME
        if below.exists():
            return _given(below, "put its archives there, or unset SEAMLINE_DATA to use the cache")
    cache = cache_dir() / NAME
    paths = [_fetched(cache / name, progress, timeout) for name in ARCHIVES.values()]
    return cache, _paired(file for path in paths for file in _members(path))


def _given(folder: Path, advice: str) -> tuple[Path, dict[str, _Photo]]:
    """Return the photos of a folder or an archive that the user named, or of its folder `cmp-facades`."""
    with _readable(folder):
        if folder.is_file():
            return folder, _paired(_members(folder))
        for place in (folder, folder / NAME):
            if place == folder or place.is_dir():
                photos = _paired(_listing(place))
                if photos:
                    return place, photos
    raise SeamlineError(f"{folder}: holds no photos of the CMP Facade Database, such as base/cmp_b0001.jpg; {advice}")


def _listing(folder: Path) -> Iterator[_File]:
    """Yield the photos and labels of a folder, of those that unpacking makes, and of the archives in it."""
    present = sorted(folder.iterdir())
    yield from (_File(path) for path in present)
    for below in _PLACES:
        if (folder / below).is_dir():
            yield from (_File(path) for path in sorted((folder / below).iterdir()))
    for path in present:
        if path.name in ARCHIVES.values():
            yield from _members(path)


def _paired(files: Iterable[_File]) -> dict[str, _Photo]:
    """Return stem -> photo, by stem; of files with one name the first counts. A file alone is refused."""
    found: dict[str, dict[str, _File]] = {}
    for file in files:
        match = _PHOTO.fullmatch(PurePosixPath(file.member).name if file.member else file.path.name)
        if match:
            found.setdefault(match[1], {}).setdefault(match[3], file)
    for stem, pair in found.items():
        if len(pair) < 2:
            (suffix, file), lacking = next(iter(pair.items())), "labels" if "jpg" in pair else "photo"
            other = f"{stem}.{'png' if suffix == 'jpg' else 'jpg'}"
            raise SeamlineError(f"{file}: its {lacking}, {other}, cannot be found; put it there or take the file away")
    return {stem: _Photo(found[stem]["jpg"], found[stem]["png"]) for stem in sorted(found)}


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what the system has against reading `path` into a `SeamlineError`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise SeamlineError(f"{path}: cannot be read ({reason}); check the path and its permissions") from error


# ---- archives ----


def _members(path: Path) -> list[_File]:
    """Return the photos and labels in an archive, or raise a `SeamlineError` where it is none that can be trusted."""
    names, wrong = _look_into(path)
    if wrong:
        raise SeamlineError(f"{path}: {wrong}; {_AGAIN}")
    return [_File(path, name) for name in names]


def _look_into(path: Path, *, thorough: bool = False) -> tuple[list[str], str]:
    """Return the photos and labels in an archive, and what is wrong with it, "" where nothing is.

    Nothing is ever unpacked to disk. A member's name, size and checksum are checked all the same: names that lead out
    of a folder and sizes far past the published ones say that this is another file than it claims to be.

    Args:
        path: the archive.
        thorough: read every member, and compare it with its checksum.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > _MOST_MEMBERS:
                return [], f"holds {len(members):,} files, more than the {_MOST_MEMBERS:,} allowed"
            for member in members:
                parts = PurePosixPath(member.filename).parts
                if not parts or parts[0] == "/" or ".." in parts or any(mark in member.filename for mark in "\\:"):
                    return [], f"holds a file whose name leads out of it, {member.filename!r}"
                if member.file_size > _LARGEST_MEMBER:
                    return [], f"{member.filename} in it would have {member.file_size:,} bytes, far too many"
                if member.flag_bits & 1:
                    return [], f"{member.filename} in it is encrypted"
                if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others know no bounds
                    return [], f"{member.filename} in it is compressed in a way that is not read here"
            if sum(member.file_size for member in members) > _LARGEST_ARCHIVE:
                return [], f"would have more than {_LARGEST_ARCHIVE >> 30} GiB unpacked"
            names = [m.filename for m in members if _PHOTO.fullmatch(PurePosixPath(m.filename).name)]
            if not names:
                return [], "holds no photos of the CMP Facade Database, such as base/cmp_b0001.jpg"
            damaged = archive.testzip() if thorough else None
            return names, f"{damaged} in it is damaged" if damaged else ""
    except OSError as error:
        return [], f"cannot be read ({error.strerror or error})"
    except Exception as error:  # whatever the damage has led to
        return [], f"is no zip archive, or is cut off or damaged ({_in_short(error)})"


def _in_short(error: Exception) -> str:
    """Return what an error says, on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _fetched(target: Path, progress: Progress | None, timeout: float) -> Path:
    """Return an archive of the cache, downloaded when it is not there."""
    urls = [f"{address}{target.name}" for address in ADDRESSES]
    try:
        return fetch(urls, target, check=_fault, progress=progress, timeout=timeout)
    except DatasetUnavailableError as error:
        raise DatasetUnavailableError(f"{error}, {_OTHERWISE}") from error


def _fault(path: Path) -> str:
    """Return what is wrong with an archive, read whole; an empty text where nothing is."""
    return _look_into(path, thorough=True)[1]


class _Archives:
    """Reads files, and keeps open the archives that it meets; several threads may use it."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._opened: dict[Path, zipfile.ZipFile] = {}
        self._lock = Lock()

    def read(self, file: _File) -> Path | bytes:
        """Return the bytes of a member of an archive; the path of any other file."""
        if not file.member:
            return file.path
        try:
            with self._lock:
                if file.path not in self._opened:
                    self._opened[file.path] = self._stack.enter_context(zipfile.ZipFile(file.path))
                return self._opened[file.path].read(file.member)
        except Exception as error:  # whatever the damage has led to
            raise SeamlineError(
                f"{file}: cannot be read from its archive ({_in_short(error)}); get the archive again"
            ) from error


# ---- photos -> squares ----


def _read_split(
    stems: list[str], photos: dict[str, _Photo], numbers: dict[str, int], part: str, archives: _Archives
) -> Split:
    """Read photos and cut them into squares; `numbers` gives each photo's group."""
    cuts = map_threads(lambda stem: _squares(photos[stem], archives), stems)
    counts = [len(images) for images, _ in cuts]
    return Split(
        np.concatenate([images for images, _ in cuts]),
        np.concatenate([labels for _, labels in cuts]),
        tuple(f"{part}/{stem}-{i + 1}" for stem, count in zip(stems, counts, strict=True) for i in range(count)),
        np.repeat(np.array([numbers[stem] for stem in stems], dtype=np.int64), counts),
    )


def _squares(photo: _Photo, archives: _Archives) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the squares of a photo, (n, 256, 256, 3) uint8, and their labels, (n, 256, 256) uint8."""
    image = read_image(archives.read(photo.image), name=str(photo.image))
    labels = read_mask(archives.read(photo.labels), len(TWELVE) + 1, ignore=0, name=str(photo.labels))
    height, width = labels.shape
    if image.shape[:2] != labels.shape:
        raise SeamlineError(
            f"{photo.labels}: is {height} x {width} pixels (height x width), its photo is {image.shape[0]} x "
            f"{image.shape[1]}; they must be of one size"
        )
    if max(height, width) > _LONGEST * min(height, width):
        raise SeamlineError(
            f"{photo.image}: is {height} x {width} pixels (height x width), too narrow for squares; take it away"
        )
    scaled = [max(SIDE, round(length * SIDE / min(height, width))) for length in (height, width)]
    size = (scaled[1], scaled[0])
    image = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
    labels = _FIVE[np.asarray(Image.fromarray(labels).resize(size, Image.Resampling.NEAREST))]
    corners = [(top, left) for top in _starts(scaled[0]) for left in _starts(scaled[1])]
    return (
        np.stack([image[top : top + SIDE, left : left + SIDE] for top, left in corners]),
        np.stack([labels[top : top + SIDE, left : left + SIDE] for top, left in corners]),
    )


def _starts(length: int) -> list[int]:
    """Return where the fewest squares that cover `length` pixels start, spread evenly; the last one ends at the end."""
    count = -(-length // SIDE)
    return [round(start) for start in np.linspace(0, length - SIDE, count).tolist()]
