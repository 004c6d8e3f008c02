"""A folder's images, decoded once and kept in the cache: the next call, or one after an interruption, goes on there.

What is kept is named by what it was made from: names, sizes and times of the files, labels, the declared classes, and
this program. Where any of it changes, everything is made anew and the old is removed.
"""

import dataclasses
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import PIL
from numpy.typing import NDArray

from seamline.data.image_folder.classes import FILES, Classes
from seamline.data.image_folder.records import Found
from seamline.data.parallel import in_order
from seamline.data.shapes import COLOUR, COUNT, NUMBER, TEXT, TRUTH, misfit
from seamline.errors import SeamlineError
from seamline.io import atomic_write, cache_dir, file_lock, read_json, source_hash, write_json

_AT_ONCE = 512  # images that are decoded between two notes of what is done
_COLOURED, _GREY = 1, 2  # what is noted of an image that is done

_FACTS = {
    "classes": {"names": [TEXT], "marks": [COUNT], "colours": [COLOUR], "by_colour": TRUTH, "ignored": NUMBER},
    "sizes": [[COUNT]],
}
"""What is kept of a folder's classes and sizes; what does not fit is found anew."""

Pair = tuple[NDArray[np.uint8], NDArray[np.uint8] | None]
"""An image (H, W, 3) uint8 and its mask (H, W) uint8, if it has one."""


class Pixels(NamedTuple):
    """All images of a folder, in the order of its items; arrays that lie in files.

    Attributes:
        images: (N, H, W, 3) uint8, or (N, H, W, 1) where all of them are grey.
        masks: (N, H, W) uint8, None where labels are of whole images.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8] | None


class Kept:
    """What is kept of a folder.

    Attributes:
        place: where it is kept.
    """

    def __init__(self, place: Path) -> None:
        self.place = place

    def facts(self, find: Callable[[], tuple[Classes, list[tuple[int, int]]]]) -> tuple[Classes, list[tuple[int, int]]]:
        """Return the classes and the images' heights and widths, found by `find` the first time."""
        file = self.place / "facts.json"
        try:
            content: Any = read_json(file)
            if wrong := misfit(content, _FACTS):
                raise ValueError(wrong)
            return _classes(content["classes"]), [(height, width) for height, width in content["sizes"]]
        except (OSError, ValueError):
            classes, sizes = find()
        write_json(file, {"classes": dataclasses.asdict(classes), "sizes": sizes})
        return classes, sizes

    def pixels(
        self,
        count: int,
        shape: tuple[int, int],
        *,
        masks: bool,
        decode: Callable[[int], Pair],
        told: Callable[[], None],
    ) -> Pixels:
        """Return the images at one size, those decoded that are not there yet.

        Args:
            count: images N.
            shape: height and width.
            masks: whether there are masks.
            decode: place -> image and mask.
            told: called after each image, those that were there included.

        Raises:
            SeamlineError: there is no room on the disk, or an image cannot be decoded.
        """
        folder = self.place / f"{shape[0]}x{shape[1]}"
        folder.mkdir(parents=True, exist_ok=True)
        state = self._array(folder / "state", (count,))
        images = self._array(folder / "images", (count, *shape, 3))
        labels = self._array(folder / "masks", (count, *shape)) if masks else None
        missing = np.flatnonzero(state == 0)
        for _ in range(count - len(missing)):
            told()

        def fill(place: int) -> int:
            image, mask = decode(place)
            images[place] = image
            if labels is not None and mask is not None:
                labels[place] = mask
            told()
            return _GREY if bool((image[..., :1] == image).all()) else _COLOURED

        for start in range(0, len(missing), _AT_ONCE):
            places = missing[start : start + _AT_ONCE]
            kinds = in_order(fill, places.tolist())  # the first file that is wrong is the one named
            for array in (images, labels):
                if isinstance(array, np.memmap):
                    array.flush()
            state[places] = kinds  # after what it speaks of is on the disk
            state.flush()
        return Pixels(images[..., :1] if bool((state == _GREY).all()) else images, labels)

    def _array(self, file: Path, shape: tuple[int, ...]) -> "np.memmap[Any, np.dtype[np.uint8]]":
        """Return a file's bytes as an array, made with zeros where it is not there or not of that size."""
        size = int(np.prod(shape))
        if not file.is_file() or file.stat().st_size != size:
            free = shutil.disk_usage(file.parent).free
            if size > free:
                raise SeamlineError(
                    f"{file.parent}: decoded images need {size / 1e9:.1f} GB there, and {free / 1e9:.1f} GB are free; "
                    "make room, choose a smaller --image-size, or name another folder in SEAMLINE_CACHE"
                )
            with atomic_write(file) as temporary, temporary.open("wb") as handle:
                handle.truncate(size)
        return np.memmap(file, np.uint8, "r+", shape=shape)


@contextmanager
def kept(found: Found) -> Iterator[Kept]:
    """Give what is kept of a folder; another process that asks for the same waits until the block ends.

    Where the cache folder cannot be written, the block has a folder for itself that is removed afterwards; arrays of it
    that are in use stay.
    """
    place = cache_dir() / "folders" / hashlib.sha256(str(found.place.absolute()).encode()).hexdigest()[:16]
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError:
        with tempfile.TemporaryDirectory(prefix="seamline-", ignore_cleanup_errors=True) as folder:
            yield Kept(Path(folder))
        return
    with file_lock(place, wait=True):
        mine = place / _key(found)
        for other in place.iterdir():
            if other != mine:
                shutil.rmtree(other, ignore_errors=True)
        mine.mkdir(exist_ok=True)
        yield Kept(mine)


def _key(found: Found) -> str:
    """Return what names all that the arrays are made from."""
    digest = hashlib.sha256(source_hash(Path(__file__).parent, PIL.__version__).encode())
    digest.update(source_hash(Path(__file__).parent.parent, PIL.__version__).encode())
    folder = found.place if found.place.is_dir() else found.place.parent
    for file in (folder / name for name in FILES):
        digest.update(file.read_bytes() if file.is_file() else b"-")
    digest.update(repr(found.classes).encode())
    for item in found.items:
        stats = [file.stat() for file in (item.file, item.mask) if file is not None]
        times = [(one.st_size, one.st_mtime_ns) for one in stats]
        digest.update(repr((str(item.file), item.split, item.label, item.shapes, str(item.mask), times)).encode())
    return digest.hexdigest()[:32]


def _classes(content: Any) -> Classes:
    """Return the classes that a file holds."""
    colours = tuple((red, green, blue) for red, green, blue in content["colours"])
    return Classes(tuple(content["names"]), tuple(content["marks"]), colours, content["by_colour"], content["ignored"])
