"""Fashion-MNIST: 28 x 28 grayscale garments in ten classes, read from its four IDX files or downloaded."""

import gzip
import math
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from seamline.data.dataset import Dataset, Split
from seamline.data.downloads import Progress
from seamline.data.sources.locate import PUBLISHED_AGAIN, download, find_files, refuse_missing
from seamline.errors import SeamlineError, list_first, refuse_unreadable, size_text
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

DESCRIPTION = (
    "Source: Zalando Research, https://github.com/zalandoresearch/fashion-mnist, MIT license. Cite: H. Xiao, K. Rasul "
    "and R. Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms, 2017, "
    "arXiv:1708.07747."
)

MD5_SUMS = {
    "train-images-idx3-ubyte": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte": "bb300cfdad3c16e7a12a480ee83cd310",
}
"""The four files, and the published MD5 sums of their `.gz` forms; a user's own files are not compared with them."""

ADDRESSES = (
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
)
"""URLs of the folder of the four `.gz` files: the publisher's repository and bucket, and the mirror of Keras."""

_CONTENTS = {1: "labels (0x00000801)", 3: "images (0x00000803)"}
_GZIP = b"\x1f\x8b"
_MAX_BYTES = 1 << 28  # pixels of a file: five times the published training images
_CHUNK = 1 << 20


def load(folder: Path | None = None, *, progress: Progress | None = None, timeout: float = 20.0) -> Dataset:
    """Load Fashion-MNIST from a folder, or download it into the cache; see `DatasetSpec.load`.

    The files are read from `folder` or its folder `fashion-mnist`, else from `$SEAMLINE_DATA/fashion-mnist` if it
    exists, else from the cache. Each may be plain or end in `.gz`, and contain fewer images than the published ones.

    Returns:
        The dataset: images (N, 28, 28, 1) uint8 and labels (N,) int64 in the published order, every image a group of
        its own.

    Raises:
        DatasetUnavailableError: a file is missing from the cache and cannot be downloaded.
        SeamlineError: a file is missing from the user's folder, or is invalid.
    """
    location = find_files(NAME, folder, _list_files)
    if location is None:
        files = _cached_files(progress, timeout)
    else:
        refuse_missing("Fashion-MNIST", MD5_SUMS, location)
        files = location.files
    train = _read_split(files, "train", "train", first_group=0)
    test = _read_split(files, "t10k", "test", first_group=len(train))
    source = str(files["train-images-idx3-ubyte"].parent)
    return Dataset(NAME, "Fashion-MNIST", CLASSES, train, test, source, task="classification", description=DESCRIPTION)


def _cached_files(progress: Progress | None, timeout: float) -> dict[str, Path]:
    """Return the four files of the cache, downloading those that are missing."""
    folder = cache_dir() / NAME
    with refuse_unreadable(folder):
        files = _list_files(folder) if folder.exists() else {}
    for name, md5 in MD5_SUMS.items():
        if name not in files:
            target = folder / f"{name}.gz"
            files[name] = download(target, ADDRESSES, md5, "synthetic-fashion", progress, timeout)
    return files


def _list_files(folder: Path) -> dict[str, Path]:
    """Return the files in a folder: name without `.gz` -> path, the `.gz` where both exist."""
    present = {entry.name for entry in folder.iterdir()}
    return {
        name: folder / (f"{name}.gz" if f"{name}.gz" in present else name)
        for name in MD5_SUMS
        if {name, f"{name}.gz"} & present
    }


def _read_split(files: dict[str, Path], stem: str, split: str, first_group: int) -> Split:
    """Read a split from the files `stem`-…; its images are named `split`/00000 and so on."""
    images_path, labels_path = files[f"{stem}-images-idx3-ubyte"], files[f"{stem}-labels-idx1-ubyte"]
    images = _read_array(images_path, 3)
    labels = _read_array(labels_path, 1)
    if images.shape[1:] != (28, 28):
        raise SeamlineError(
            f"{images_path}: images are {size_text(images.shape[1:])} and must be 28 x 28; {PUBLISHED_AGAIN}"
        )
    if len(images) == 0:
        raise SeamlineError(f"{images_path}: contains no image; {PUBLISHED_AGAIN}")
    if len(images) != len(labels):
        raise SeamlineError(
            f"{images_path} contains {len(images)} images but {labels_path} {len(labels)} labels; "
            "get the two files of one set"
        )
    invalid = labels[labels >= len(CLASSES)]
    if len(invalid):
        values = list_first([str(value) for value in np.unique(invalid)])
        raise SeamlineError(
            f"{labels_path}: {len(invalid)} labels are outside 0..9 (values {values}); {PUBLISHED_AGAIN}"
        )
    names = tuple(f"{split}/{i:05d}" for i in range(len(images)))
    groups = np.arange(first_group, first_group + len(images), dtype=np.int64)
    return Split(images[..., np.newaxis], labels.astype(np.int64), names, groups)


def _read_array(path: Path, ndim: int) -> NDArray[np.uint8]:
    """Read an IDX file of images (`ndim` 3) or labels (`ndim` 1)."""
    array = read_idx(path)
    if array.ndim != ndim:
        raise SeamlineError(f"{path}: contains {_CONTENTS[array.ndim]}, expected {_CONTENTS[ndim]}; {PUBLISHED_AGAIN}")
    return array


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read an IDX file, the format of MNIST: (N,) labels or (N, height, width) images, uint8, writable.

    The first two bytes tell whether the file is gzip; a file named `.gz` must be. At most the size in the header is
    read, and nothing is allocated in advance.

    Raises:
        SeamlineError: the file cannot be read, is no IDX file, or is shorter or longer than its header states.
    """
    with refuse_unreadable(path):
        if path.exists() and not path.is_file():  # opening a pipe would block
            raise SeamlineError(f"{path}: is not a file; {PUBLISHED_AGAIN}")
        with path.open("rb") as file:
            start = file.read(2)
            file.seek(0)
            if not start:
                raise SeamlineError(f"{path}: is empty; {PUBLISHED_AGAIN}")
            if start != _GZIP:
                if path.suffix == ".gz":
                    raise SeamlineError(
                        f"{path}: is named .gz but is not gzip (starts with 0x{start.hex()}); {PUBLISHED_AGAIN}"
                    )
                return _parse(path, file)
            try:
                with gzip.GzipFile(fileobj=file) as inside:
                    return _parse(path, inside)
            except EOFError as error:
                raise SeamlineError(f"{path}: its gzip data are cut off; {PUBLISHED_AGAIN}") from error
            except (gzip.BadGzipFile, zlib.error) as error:
                raise SeamlineError(
                    f"{path}: its gzip data are damaged or followed by other data ({error}); {PUBLISHED_AGAIN}"
                ) from error


def _parse(path: Path, stream: BinaryIO | gzip.GzipFile) -> NDArray[np.uint8]:
    """Read header and body of an IDX file from a stream; `path` is for messages."""
    magic = stream.read(4)
    ndim = magic[3] if len(magic) == 4 and magic[:3] == b"\x00\x00\x08" else 0
    if ndim not in _CONTENTS:
        raise SeamlineError(
            f"{path}: starts with 0x{magic.hex()}, expected {' or '.join(_CONTENTS.values())}; {PUBLISHED_AGAIN}"
        )
    header = stream.read(4 * ndim)
    if len(header) < 4 * ndim:
        raise SeamlineError(f"{path}: is cut off inside its header; {PUBLISHED_AGAIN}")
    shape = tuple(int(length) for length in np.frombuffer(header, dtype=">u4"))
    size, sizes = math.prod(shape), " x ".join(map(str, shape))
    # A length of zero must not hide others that are too large.
    if math.prod(max(length, 1) for length in shape) > _MAX_BYTES:
        raise SeamlineError(
            f"{path}: its header states {sizes} bytes, more than the {_MAX_BYTES:,} allowed; {PUBLISHED_AGAIN}"
        )
    body = bytearray()
    # One more byte is read, to check that there is none; gzip then verifies its checksum.
    while chunk := stream.read(min(_CHUNK, size + 1 - len(body))):
        body += chunk
    if len(body) < size:
        raise SeamlineError(
            f"{path}: is cut off: {len(body):,} bytes of the {sizes} that its header states; {PUBLISHED_AGAIN}"
        )
    if len(body) > size:
        raise SeamlineError(f"{path}: continues after the {sizes} bytes that its header states; {PUBLISHED_AGAIN}")
    return np.frombuffer(body, dtype=np.uint8).reshape(shape)
