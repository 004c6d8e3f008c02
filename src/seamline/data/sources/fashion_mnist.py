"""Fashion-MNIST: 28 x 28 grey garments in ten classes, read from its four IDX files or downloaded."""

import gzip
import math
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from seamline.data.dataset import Dataset, Split
from seamline.data.downloads import Progress, fetch
from seamline.errors import DatasetUnavailableError, SeamlineError
from seamline.io import cache_dir

NAME = "fashion-mnist"

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

NOTE = (
    "Source: Zalando Research, https://github.com/zalandoresearch/fashion-mnist, MIT licence. Cite: H. Xiao, K. Rasul "
    "and R. Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms, 2017, "
    "arXiv:1708.07747."
)

MD5_SUMS = {
    "train-images-idx3-ubyte": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte": "bb300cfdad3c16e7a12a480ee83cd310",
}
"""The four files, and the published sums of their `.gz` forms. A sum belongs to a download, not to a user's folder."""

ADDRESSES = (
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
)
"""Folders of the four `.gz` files: the publisher's repository, the publisher's bucket, the mirror that Keras uses."""

_KINDS = {1: "labels (0x00000801)", 3: "images (0x00000803)"}
_GZIP = b"\x1f\x8b"
_LARGEST = 1 << 28  # bytes of pixels that are read from one file: five times the published training images
_CHUNK = 1 << 20
_OTHERWISE = "name a folder with --data-dir, set SEAMLINE_DATA to the folder above it, or use synthetic-fashion"
_AGAIN = "delete it and get the published file again"


def load(
    folder: Path | None = None, *, download: bool = True, progress: Progress | None = None, timeout: float = 20.0
) -> Dataset:
    """Read Fashion-MNIST from a folder, or download it into the cache and read it from there.

    The files are looked for in `folder` when it is given, else in `$SEAMLINE_DATA/fashion-mnist` when there is such a
    folder, else in the cache. Each may be plain or end in `.gz`. They may hold fewer images than the published ones.

    Args:
        folder: holds the four files, or a folder `fashion-mnist` with them.
        download: whether files that the cache lacks are downloaded.
        progress: called as bytes of a download arrive, see `seamline.data.downloads.Progress`.
        timeout: seconds, for connecting to a server and for each read.

    Returns:
        The dataset: images (N, 28, 28, 1) uint8 and labels (N,) int64 in the published order, every image a group of
        its own.

    Raises:
        DatasetUnavailableError: the cache lacks a file, and it cannot or must not be downloaded.
        SeamlineError: a file is missing from a folder that the user named, or is not what it should be.
    """
    files = _find(folder, download, progress, timeout)
    train = _read_split(files, "train", "train", first_group=0)
    test = _read_split(files, "t10k", "test", first_group=len(train))
    place = str(files["train-images-idx3-ubyte"].parent)
    return Dataset(NAME, "Fashion-MNIST", CLASSES, train, test, place, description=NOTE, task="classification")


def _find(folder: Path | None, download: bool, progress: Progress | None, timeout: float) -> dict[str, Path]:
    """Return the path of each of the four files, downloading what only the cache may lack."""
    if folder is not None:
        return _given(folder.expanduser())
    above = os.environ.get("SEAMLINE_DATA")
    if above:
        if not Path(above).expanduser().is_dir():
            raise SeamlineError(f"SEAMLINE_DATA={above}: there is no such folder; correct or unset it")
        below = Path(above).expanduser() / NAME
        with _readable(below):
            stands = below.exists()
        if stands:
            return _complete(below, _listing(below), "complete it, or unset SEAMLINE_DATA to use the cache")
    return _cached(download, progress, timeout)


def _given(folder: Path) -> dict[str, Path]:
    """Return the four files of a folder that the user named, directly in it or in its folder `fashion-mnist`."""
    files = _listing(folder)
    below = folder / NAME
    with _readable(below):
        look_below = len(files) < len(MD5_SUMS) and below.is_dir()
    if look_below:
        folder, files = max((folder, files), (below, _listing(below)), key=lambda choice: len(choice[1]))
    return _complete(folder, files, "put them there, plain or as .gz, or name another folder with --data-dir")


def _cached(download: bool, progress: Progress | None, timeout: float) -> dict[str, Path]:
    """Return the four files of the cache, downloading those that it lacks."""
    folder = cache_dir() / NAME
    with _readable(folder):
        files = _listing(folder) if folder.exists() else {}
    if not download:
        return _complete(folder, files, f"downloading is off: {_OTHERWISE}", DatasetUnavailableError)
    try:
        for name, md5 in MD5_SUMS.items():
            if name not in files:
                urls = [f"{address}{name}.gz" for address in ADDRESSES]
                files[name] = fetch(urls, folder / f"{name}.gz", check=md5, progress=progress, timeout=timeout)
    except DatasetUnavailableError as error:
        raise DatasetUnavailableError(f"{error}, {_OTHERWISE}") from error
    return files


def _listing(folder: Path) -> dict[str, Path]:
    """Return which of the four files a folder holds: name without `.gz` -> path, the `.gz` where both are there."""
    with _readable(folder):
        present = {entry.name for entry in folder.iterdir()}
    return {
        name: folder / (f"{name}.gz" if f"{name}.gz" in present else name)
        for name in MD5_SUMS
        if {name, f"{name}.gz"} & present
    }


def _complete(
    folder: Path, files: dict[str, Path], advice: str, error: type[SeamlineError] = SeamlineError
) -> dict[str, Path]:
    """Return `files` if all four are there; otherwise an error names the folder and what it lacks."""
    missing = [name for name in MD5_SUMS if name not in files]
    if missing:
        raise error(f"{folder}: Fashion-MNIST is not complete there, missing {', '.join(missing)}; {advice}")
    return files


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what the system has against reading `path` into a `SeamlineError`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise SeamlineError(f"{path}: cannot be read ({reason}); check the path and its permissions") from error


def _read_split(files: dict[str, Path], stem: str, part: str, first_group: int) -> Split:
    """Read the images and labels of one part of the set and check that they fit each other.

    Args:
        files: the paths of the four files.
        stem: what the names of its files start with: `train` or `t10k`.
        part: what the names of its images start with: `train` or `test`.
        first_group: the group of its first image.
    """
    images_path, labels_path = files[f"{stem}-images-idx3-ubyte"], files[f"{stem}-labels-idx1-ubyte"]
    images = _read_kind(images_path, 3)
    labels = _read_kind(labels_path, 1)
    if images.shape[1:] != (28, 28):
        raise SeamlineError(
            f"{images_path}: images are {images.shape[1]} x {images.shape[2]} and must be 28 x 28; {_AGAIN}"
        )
    if len(images) == 0:
        raise SeamlineError(f"{images_path}: holds no image; {_AGAIN}")
    if len(images) != len(labels):
        raise SeamlineError(
            f"{images_path} holds {len(images)} images but {labels_path} holds {len(labels)} labels; "
            "get the two files of one set"
        )
    wrong = labels[labels >= len(CLASSES)]
    if len(wrong):
        values = [str(value) for value in np.unique(wrong)]
        shown = ", ".join(values[:5]) + (", …" if len(values) > 5 else "")
        raise SeamlineError(f"{labels_path}: {len(wrong)} labels lie outside 0..9 (values {shown}); {_AGAIN}")
    names = tuple(f"{part}/{i:05d}" for i in range(len(images)))
    groups = np.arange(first_group, first_group + len(images), dtype=np.int64)
    return Split(images[..., np.newaxis], labels.astype(np.int64), names, groups)


def _read_kind(path: Path, ndim: int) -> NDArray[np.uint8]:
    """Read an IDX file that must hold images (`ndim` 3) or labels (`ndim` 1)."""
    array = read_idx(path)
    if array.ndim != ndim:
        raise SeamlineError(f"{path}: holds {_KINDS[array.ndim]}, expected {_KINDS[ndim]}; {_AGAIN}")
    return array


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read one IDX file of unsigned bytes: the format of MNIST and its relatives.

    The file is plain or gzip as its first two bytes say; only a file named `.gz` must be gzip. No more is read than
    the header promises, and nothing is allocated because of what it promises.

    Args:
        path: the file.

    Returns:
        (N,) labels or (N, height, width) images, uint8, writable.

    Raises:
        SeamlineError: the file cannot be read, is cut off, goes on after its end, or is no such file.
    """
    with _readable(path):
        if path.exists() and not path.is_file():  # opening a pipe would wait for ever
            raise SeamlineError(f"{path}: is not a file; {_AGAIN}")
        with path.open("rb") as file:
            start = file.read(2)
            file.seek(0)
            if not start:
                raise SeamlineError(f"{path}: is empty; {_AGAIN}")
            if start == _GZIP:
                return _read_gzip(path, file)
            if path.suffix == ".gz":
                raise SeamlineError(f"{path}: is named .gz but is not gzip (starts with 0x{start.hex()}); {_AGAIN}")
            return _parse(path, file)


def _read_gzip(path: Path, file: BinaryIO) -> NDArray[np.uint8]:
    """Read the IDX file inside a gzip file; `path` is for messages."""
    try:
        with gzip.GzipFile(fileobj=file) as inside:
            return _parse(path, inside)
    except EOFError as error:
        raise SeamlineError(f"{path}: its gzip data are cut off; {_AGAIN}") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise SeamlineError(
            f"{path}: its gzip data are damaged or followed by something else ({error}); {_AGAIN}"
        ) from error


def _parse(path: Path, stream: BinaryIO | gzip.GzipFile) -> NDArray[np.uint8]:
    """Read header and body of an IDX file from a stream of its bytes; `path` is for messages."""
    magic = stream.read(4)
    ndim = magic[3] if len(magic) == 4 and magic[:3] == b"\x00\x00\x08" else 0
    if ndim not in _KINDS:
        raise SeamlineError(f"{path}: starts with 0x{magic.hex()}, expected {' or '.join(_KINDS.values())}; {_AGAIN}")
    header = stream.read(4 * ndim)
    if len(header) < 4 * ndim:
        raise SeamlineError(f"{path}: is cut off inside its header; {_AGAIN}")
    shape = tuple(int(length) for length in np.frombuffer(header, dtype=">u4"))
    size, sizes = math.prod(shape), " x ".join(map(str, shape))
    if math.prod(max(length, 1) for length in shape) > _LARGEST:  # a zero must not hide what NumPy cannot hold either
        raise SeamlineError(f"{path}: its header promises {sizes} bytes, more than the {_LARGEST:,} allowed; {_AGAIN}")
    body = bytearray()
    # One byte more than promised is asked for, to see that there is none; it also has gzip check its sum at the end.
    while chunk := stream.read(min(_CHUNK, size + 1 - len(body))):
        body += chunk
    if len(body) < size:
        raise SeamlineError(
            f"{path}: is cut off: {len(body):,} bytes of the {sizes} that its header promises; {_AGAIN}"
        )
    if len(body) > size:
        raise SeamlineError(f"{path}: goes on after the {sizes} bytes that its header promises; {_AGAIN}")
    return np.frombuffer(body, dtype=np.uint8).reshape(shape)
