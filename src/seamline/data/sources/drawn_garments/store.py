"""Keeps drawn images in the cache folder, so that they are drawn once."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seamline.data.files import cache_folder, replacing

Arrays = tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]


def kept(name: str, counts: tuple[int, int], seed: int, fresh: Callable[[], Arrays]) -> Arrays:
    """Return the arrays from the cache, or make them and keep them there.

    Args:
        name: the dataset's name, a folder of the cache.
        counts: images to learn from and to be tested on.
        seed: what they were drawn with.
        fresh: draws them.

    Returns:
        Images (N, 28, 28, 1) uint8 and labels (N,) int64 to learn from, then the same to be tested on.
    """
    train, test = counts
    path = cache_folder() / name / f"seed{seed}-{train}-{test}-{_program()}.npz"
    found = _read(path)
    if found is not None:
        return found
    arrays = fresh()
    with suppress(OSError):  # a cache that cannot be written costs time, nothing else
        _write(path, arrays)
    return arrays


def _read(path: Path) -> Arrays | None:
    """Return what the file holds, or None where there is none or it is damaged."""
    try:
        # Opened here, because numpy leaves a file open that is not what its name says.
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            train_images, train_labels, test_images, test_labels = (file[f"arr_{part}"] for part in range(4))
    except Exception:  # a damaged file can make the reader raise almost anything; it is drawn anew
        return None
    return train_images, train_labels, test_images, test_labels


def _write(path: Path, arrays: Arrays) -> None:
    """Write the arrays, uncompressed because reading them must be quick."""
    with replacing(path) as temporary:
        np.savez(temporary, *arrays)


def _program() -> str:
    """Return 16 hexadecimal digits that change with this program's source and with the version of numpy."""
    digest = hashlib.sha256(np.__version__.encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]
