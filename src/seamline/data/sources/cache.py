"""Keeps what a program drew in the cache folder, so that it is drawn once."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.io import atomic_write, cache_dir, source_hash

Arrays = Sequence[NDArray[Any]]


def kept(
    name: str, counts: tuple[int, int], seed: int, fresh: Callable[[], Arrays], program: Path, *versions: str
) -> Arrays:
    """Return the arrays from the cache, or make them and keep them there.

    Args:
        name: the dataset's name, a folder of the cache.
        counts: images to learn from and to be tested on.
        seed: what they were drawn with.
        fresh: draws them.
        program: the folder of the source that draws them; another source draws anew.
        versions: of the libraries that help to draw; other versions draw anew.

    Returns:
        What `fresh` returns, in its order.
    """
    train, test = counts
    path = cache_dir() / name / f"seed{seed}-{train}-{test}-{source_hash(program, *versions)}.npz"
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
            return [file[f"arr_{part}"] for part in range(len(file.files))]
    except Exception:  # a damaged file can make the reader raise almost anything; it is drawn anew
        return None


def _write(path: Path, arrays: Arrays) -> None:
    """Write the arrays, uncompressed because reading them must be quick."""
    with atomic_write(path) as temporary:
        np.savez(temporary, *arrays)
