"""The CMP Facade Database: 606 rectified photos of facades with masks of twelve classes, mapped to five.

Two archives, base (378 photos) and extended (228), contain `cmp_b0001.jpg`, its mask `cmp_b0001.png` and an XML file
that is not used (`x` instead of `b` in the extended set). A mask is a palette PNG whose indices are the class numbers
of the database, starting at 1; 0 is ignored.

Photos have different sizes. Each is resized to a shorter side of 256 pixels (photos with Lanczos filtering, masks to
the nearest pixel) and covered by as few tiles of 256 x 256 as possible, evenly spaced. The tiles of a photo are one
group; photos of one building are found by the search for near-duplicates. Photos whose number is divisible by nine are
test photos: 67 of 606.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.data.dataset import IGNORE_INDEX, Dataset, Split
from seamline.data.downloads import Progress
from seamline.data.image_io import read_image
from seamline.data.limits import map_threads
from seamline.data.masks import read_mask, refuse_other_size, resize_mask
from seamline.data.sources.facades import CLASSES, PALETTE
from seamline.data.sources.locate import PUBLISHED_AGAIN, download, find_files
from seamline.errors import SeamlineError, first_line
from seamline.io import cache_dir

NAME = "cmp-facades"

DESCRIPTION = (
    "Source: CMP Facade Database, Center for Machine Perception, Czech Technical University in Prague, "
    "https://cmp.felk.cvut.cz/~tylecr1/facade/, published for research; one mirror labels it MIT. Cite: R. Tyleček and "
    "R. Šára, Spatial Pattern Templates for Recognition of Objects with Regular Structure, GCPR 2013. Its twelve "
    "classes are mapped to five."
)

ADDRESSES = ("https://cmp.felk.cvut.cz/~tylecr1/facade/",)
"""URLs of the folder of the two archives: the publisher's."""

ARCHIVES = {"base": "CMP_facade_DB_base.zip", "extended": "CMP_facade_DB_extended.zip"}
"""Sets and their archives. No checksum is published, so a download is checked as an archive."""

DATABASE_CLASSES = {
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
"""Number in a mask -> class of the database (its file `label_names.txt`) and class here.

The mapping is that of the mini facade set, as its masks show: blinds (open or closed shutters), doors, shops, sills,
cornices, moldings and decorations are `other`.
"""

SIDE = 256
"""Height and width of a tile in pixels."""

TEST_DIVISOR = 9
"""Photos whose number is divisible by this are test photos."""

_CLASS_NUMBERS = np.full(256, IGNORE_INDEX, dtype=np.uint8)  # number in a mask -> class number here
for _number, (_, _name) in DATABASE_CLASSES.items():
    _CLASS_NUMBERS[_number] = CLASSES.index(_name)

_FILE_NAME = re.compile(r"(cmp_[bx](\d{4}))\.(jpg|png)")
_UNPACKED = tuple(path for name in ARCHIVES for path in (name, f"CMP_facade_DB_{name}", f"CMP_facade_DB_{name}/{name}"))
"""Subfolders of the user's folder in which unpacked archives are found."""
_MAX_MEMBERS = 10_000
_MAX_MEMBER_BYTES = 1 << 26  # unpacked; the photos have less than a megabyte
_MAX_ARCHIVE_BYTES = 1 << 31  # unpacked
_MAX_ASPECT_RATIO = 16


def load(folder: Path | None = None, *, progress: Progress | None = None, timeout: float = 20.0) -> Dataset:
    """Load the CMP Facade Database from a folder, or download it into the cache; see `DatasetSpec.load`.

    It is read from `folder`, else from `$SEAMLINE_DATA/cmp-facades` if it exists, else from the cache, to which both
    archives are downloaded. A folder may contain `base`, `extended` or both, the archives, the photos and masks
    themselves, or a folder `cmp-facades`; a set may be incomplete, and one archive can be named.

    Returns:
        The dataset: images (N, 256, 256, 3) uint8 and labels (N, 256, 256) uint8, tiles by photo, named
        `train/cmp_b0001-1` and so on; the tiles of a photo are one group.

    Raises:
        DatasetUnavailableError: an archive is not in the cache and cannot be downloaded.
        SeamlineError: a folder contains no photos, or a file is invalid.
    """
    location = find_files(NAME, folder, _list_photos)
    if location is None:
        source = cache_dir() / NAME
        archives = [source / name for name in ARCHIVES.values()]
        for path in archives:
            download(path, ADDRESSES, _check_download, "synthetic-facades", progress, timeout)
        photos = _pair_files(file for path in archives for file in _members(path))
    else:
        source, photos, advice = location
        if not photos:
            raise SeamlineError(
                f"{source}: contains no photos of the CMP Facade Database, such as base/cmp_b0001.jpg; {advice}"
            )
    tests = [stem for stem in photos if _is_test(stem)]
    if not tests or len(tests) == len(photos):
        which = "no" if not tests else "only"
        raise SeamlineError(
            f"{source}: contains {which} photos of the CMP Facade Database with a number divisible by {TEST_DIVISOR}, "
            "which are the test photos; add photos of both kinds"
        )
    numbers = {stem: number for number, stem in enumerate(photos)}
    train = _read_split([stem for stem in photos if not _is_test(stem)], photos, numbers, "train")
    test = _read_split(tests, photos, numbers, "test")
    # Two photos may show one building, so the groups are incomplete (`has_groups` is False).
    return Dataset(
        NAME,
        "CMP Facade Database",
        CLASSES,
        train,
        test,
        str(source),
        description=DESCRIPTION,
        palette=PALETTE,
        has_groups=False,
        task="segmentation",
    )


def _is_test(stem: str) -> bool:
    """Return whether a photo, such as `cmp_b0009`, is a test photo."""
    return int(stem[-4:]) % TEST_DIVISOR == 0


# ---- files ----


_File = Path | zipfile.Path


@dataclass(frozen=True)
class _Photo:
    """A photo and its mask."""

    image: _File
    mask: _File


def _list_photos(folder: Path) -> dict[str, _Photo]:
    """Return stem -> photo of a folder, its unpacked archives and its archives; or of an archive that is named."""
    return _pair_files(_members(folder) if folder.is_file() else _list_files(folder))


def _list_files(folder: Path) -> Iterator[_File]:
    """Yield the files of a folder, of its subfolders of unpacked archives, and of the archives in it."""
    for below in ("", *_UNPACKED):
        if not below or (folder / below).is_dir():
            yield from sorted((folder / below).iterdir())
    for name in sorted(ARCHIVES.values()):
        if (folder / name).exists():
            yield from _members(folder / name)


def _pair_files(files: Iterable[_File]) -> dict[str, _Photo]:
    """Return stem -> photo, sorted by stem; of files with one name the first is used. Unpaired files are refused."""
    by_stem: dict[str, dict[str, _File]] = {}
    for file in files:
        match = _FILE_NAME.fullmatch(file.name)
        if match:
            by_stem.setdefault(match[1], {}).setdefault(match[3], file)
    for stem, pair in by_stem.items():
        if len(pair) < 2:
            missing, suffix = ("mask", "png") if "jpg" in pair else ("photo", "jpg")
            file = next(iter(pair.values()))
            raise SeamlineError(f"{file}: its {missing}, {stem}.{suffix}, does not exist; add it, or remove the file")
    return {stem: _Photo(by_stem[stem]["jpg"], by_stem[stem]["png"]) for stem in sorted(by_stem)}


# ---- archives ----


def _members(path: Path) -> list[zipfile.Path]:
    """Return the photos and masks in an archive, or raise a `SeamlineError` where it is invalid."""
    names, problem = _check_archive(path)
    if problem:
        raise SeamlineError(f"{path}: {problem}; {PUBLISHED_AGAIN}")
    archive = zipfile.ZipFile(path)
    return [zipfile.Path(archive, name) for name in names]


def _check_archive(path: Path, *, checksums: bool = False) -> tuple[list[str], str]:
    """Return the photos and masks in an archive, and what is wrong with it in a few words; "" for a valid one.

    Nothing is unpacked to disk. Names outside the folder and sizes far above the published ones are refused all the
    same, because they show that it is another file. `checksums` also reads every member.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > _MAX_MEMBERS:
                return [], f"contains {len(members):,} files, more than the {_MAX_MEMBERS:,} allowed"
            for member in members:
                parts = PurePosixPath(member.filename).parts
                if not parts or parts[0] == "/" or ".." in parts or set(member.filename) & set("\\:"):
                    return [], f"contains a file whose path leads outside the archive, {member.filename!r}"
                if member.file_size > _MAX_MEMBER_BYTES:
                    return [], f"{member.filename} in it would unpack to {member.file_size:,} bytes, far too many"
                if member.flag_bits & 1:
                    return [], f"{member.filename} in it is encrypted"
                if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others have no bounds
                    return [], f"{member.filename} in it uses an unsupported compression method"
            if sum(member.file_size for member in members) > _MAX_ARCHIVE_BYTES:
                return [], f"would unpack to more than {_MAX_ARCHIVE_BYTES >> 30} GiB"
            names = [m.filename for m in members if _FILE_NAME.fullmatch(PurePosixPath(m.filename).name)]
            if not names:
                return [], "contains no photos of the CMP Facade Database, such as base/cmp_b0001.jpg"
            damaged = archive.testzip() if checksums else None
            return names, f"{damaged} in it is damaged" if damaged else ""
    except OSError as error:
        return [], f"cannot be read ({error.strerror or error})"
    except Exception as error:  # a damaged file can raise almost any error
        return [], f"is not a zip archive, or is cut off or damaged ({first_line(error)})"


def _check_download(path: Path) -> str:
    """Return what is wrong with a downloaded archive; an empty text for a valid one."""
    return _check_archive(path, checksums=True)[1]


def _read(file: _File) -> Path | bytes:
    """Return the bytes of a member of an archive, or the path of another file."""
    if isinstance(file, Path):
        return file
    try:
        return file.read_bytes()
    except Exception as error:  # as above
        raise SeamlineError(
            f"{file}: cannot be read from its archive ({first_line(error)}); get the archive again"
        ) from error


# ---- tiles ----


def _read_split(stems: list[str], photos: dict[str, _Photo], numbers: dict[str, int], split: str) -> Split:
    """Read photos and cut them into tiles; `numbers` gives each photo's group."""
    tiles = map_threads(lambda stem: _tiles(photos[stem]), stems)
    counts = [len(images) for images, _ in tiles]
    return Split(
        np.concatenate([images for images, _ in tiles]),
        np.concatenate([labels for _, labels in tiles]),
        tuple(f"{split}/{stem}-{i + 1}" for stem, count in zip(stems, counts, strict=True) for i in range(count)),
        np.repeat(np.array([numbers[stem] for stem in stems], dtype=np.int64), counts),
    )


def _tiles(photo: _Photo) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the tiles of a photo, (n, 256, 256, 3) uint8, and their masks, (n, 256, 256) uint8."""
    image = read_image(_read(photo.image), name=str(photo.image))
    mask = read_mask(_read(photo.mask), len(DATABASE_CLASSES) + 1, ignore=(0,), name=str(photo.mask))
    height, width = mask.shape
    refuse_other_size(mask, image, photo.mask, photo.image.name)
    if max(height, width) > _MAX_ASPECT_RATIO * min(height, width):
        raise SeamlineError(f"{photo.image}: is {width} x {height} pixels, too narrow for tiles; remove it")
    scaled = [max(SIDE, round(length * SIDE / min(height, width))) for length in (height, width)]
    size = (scaled[1], scaled[0])
    image = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
    mask = _CLASS_NUMBERS[resize_mask(mask, *size)]
    corners = [(top, left) for top in _starts(scaled[0]) for left in _starts(scaled[1])]
    return (
        np.stack([image[top : top + SIDE, left : left + SIDE] for top, left in corners]),
        np.stack([mask[top : top + SIDE, left : left + SIDE] for top, left in corners]),
    )


def _starts(length: int) -> list[int]:
    """Return the starts of the fewest tiles that cover `length` pixels, evenly spaced."""
    count = -(-length // SIDE)
    return [round(start) for start in np.linspace(0, length - SIDE, count).tolist()]
