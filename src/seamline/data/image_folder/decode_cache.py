"""Cache of decoded images: a folder is decoded once, and decoding resumes after an interruption.

The cache key covers everything that the arrays depend on: names, sizes and times of the files, labels, declared classes
and the source code. When it changes, images are decoded again and the old arrays are removed.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import PIL
from numpy.typing import NDArray

from seamline.data.image_folder.classes import CLASS_FILES, Classes
from seamline.data.image_folder.records import FolderContents
from seamline.data.limits import map_threads
from seamline.data.pixel_meaning import Trait
from seamline.errors import SeamlineError
from seamline.io import atomic_write, cache_dir, file_lock, source_hash, write_bytes
from seamline.run_folder import UnusedData

_BATCH = 512  # images that are decoded before they are recorded as done
_COLOR, _GRAY = 1, 2  # states of a decoded image; 0 is not decoded. The bits above are its traits
_TRAITS_SHIFT = 2


class FolderMetadata(NamedTuple):
    """The classes of a folder, what is known from the headers."""

    classes: Classes
    sizes: tuple[tuple[int, int], ...]
    depth: int = 0
    unused: tuple[UnusedData, ...] = ()  # polygons that cover nothing
    warnings: tuple[str, ...] = ()  # sentences about polygons


class DecodedImages(NamedTuple):
    """All images of a folder, in the order of its samples, as memory-mapped arrays."""

    images: NDArray[np.uint8]  # (N, H, W, 3) uint8, or (N, H, W, 1) where all of them are gray
    masks: NDArray[np.uint8] | None  # (N, H, W) uint8, None for classification
    traits: tuple[Trait, ...]  # N unusual properties of the files
    gray: NDArray[np.bool_]  # (N,) whether an image is gray


def cached_metadata(cache: Path, compute: Callable[[], FolderMetadata]) -> FolderMetadata:
    """Return classes and image sizes from a cache folder, computed by `compute` the first time."""
    file = cache / "metadata.json"
    try:
        return msgspec.json.decode(file.read_bytes(), type=FolderMetadata)
    except (OSError, msgspec.MsgspecError, RecursionError):
        metadata = compute()
    write_bytes(file, msgspec.json.encode(metadata))
    return metadata


def cached_images(
    cache: Path,
    shape: tuple[int, int, int],
    decode: Callable[[int], tuple[NDArray[np.uint8], NDArray[np.uint8] | None, Trait]],
    has_masks: bool,
    progress: Callable[[], None],
) -> DecodedImages:
    """Return all images at one size, decoding those that are missing from a cache folder.

    Args:
        cache: the cache folder.
        shape: (N, H, W), number and size of the images.
        decode: index -> image (H, W, 3) uint8, mask (H, W) uint8, if any, and traits of the file.
        has_masks: whether there are masks.
        progress: called after each image, also for images that were decoded before.
    """
    folder = cache / f"{shape[1]}x{shape[2]}"
    folder.mkdir(parents=True, exist_ok=True)
    state = _mapped_array(folder / "state", shape[:1])
    images = _mapped_array(folder / "images", (*shape, 3))
    labels = _mapped_array(folder / "masks", shape) if has_masks else None
    missing = np.flatnonzero(state == 0)
    for _ in range(len(state) - len(missing)):
        progress()

    def fill(index: int) -> int:
        image, mask, traits = decode(index)
        images[index] = image
        if labels is not None and mask is not None:
            labels[index] = mask
        progress()
        color = _GRAY if bool((image[..., :1] == image).all()) else _COLOR
        return color | int(traits) << _TRAITS_SHIFT

    for start in range(0, len(missing), _BATCH):
        indices = missing[start : start + _BATCH]
        states = map_threads(fill, indices.tolist())
        images.flush()
        if labels is not None:
            labels.flush()
        state[indices] = states  # only after the images are on the disk
        state.flush()
    gray = (state & _GRAY) > 0
    traits = tuple(Trait(int(value) >> _TRAITS_SHIFT) for value in state)
    return DecodedImages(images[..., :1] if gray.all() else images, labels, traits, gray)


def _mapped_array(file: Path, shape: tuple[int, ...]) -> "np.memmap[Any, np.dtype[np.uint8]]":
    """Map a file as a uint8 array; it is created with zeros where it is missing or has another size."""
    size = int(np.prod(shape))
    if not file.is_file() or file.stat().st_size != size:
        free = shutil.disk_usage(file.parent).free
        if size > free:
            raise SeamlineError(
                f"{file.parent}: decoded images need {size / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free; free disk "
                "space, choose a smaller --image-size, or set SEAMLINE_CACHE to another folder"
            )
        with atomic_write(file) as temporary, temporary.open("wb") as handle:
            handle.truncate(size)
    return np.memmap(file, np.uint8, "r+", shape=shape)


@contextmanager
def open_cache(contents: FolderContents) -> Iterator[Path]:
    """Yield the cache folder of an image folder; other processes that open it wait until the block ends.

    Where the cache is not writable, a temporary folder is used and removed afterwards; its arrays stay valid.
    """
    root = cache_dir() / "folders" / hashlib.sha256(str(contents.root.absolute()).encode()).hexdigest()[:16]
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError:
        with tempfile.TemporaryDirectory(prefix="seamline-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
        return
    with file_lock(root, wait=True):
        current = root / _cache_key(contents)
        for outdated in root.iterdir():
            if outdated != current:
                shutil.rmtree(outdated, ignore_errors=True)
        current.mkdir(exist_ok=True)
        yield current


def _cache_key(contents: FolderContents) -> str:
    """Return a digest of everything that the arrays depend on."""
    digest = hashlib.sha256(source_hash(Path(__file__).parent.parent, PIL.__version__).encode())
    for file in (contents.folder / name for name in CLASS_FILES):
        digest.update(file.read_bytes() if file.is_file() else b"-")
    digest.update(repr((contents.classes, contents.legend, contents.class_map.order)).encode())
    for sample in contents.samples:
        stats = [file.stat() for file in sample.files]
        times = [(stat.st_size, stat.st_mtime_ns) for stat in stats]
        digest.update(repr((sample, times)).encode())
    return digest.hexdigest()[:32]
