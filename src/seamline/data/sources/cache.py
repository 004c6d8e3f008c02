"""Cache of arrays that are expensive to compute, such as synthetic images."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.io import atomic_write, cache_dir, source_hash

Arrays = Sequence[NDArray[Any]]


def cached_arrays(
    name: str, counts: tuple[int, int], seed: int, compute: Callable[[], Arrays], program: Path, *versions: str
) -> Arrays:
    """Return arrays from the cache, or compute and cache them.

    Args:
        name: name of the dataset, a folder of the cache.
        counts: numbers of training and test images.
        seed: seed of the images.
        compute: returns the arrays.
        program: folder of the source code that `compute` runs; other code computes anew.
        versions: versions of the libraries it uses; other versions compute anew.

    Returns:
        The arrays in the order of `compute`.
    """
    train, test = counts
    path = cache_dir() / name / f"seed{seed}-{train}-{test}-{source_hash(program, *versions)}.npz"
    arrays = _read(path)
    if arrays is None:
        arrays = compute()
        with suppress(OSError), atomic_write(path) as temporary:  # without a cache, it takes longer next time
            np.savez(temporary, *arrays)  # not compressed, for fast reading
    return arrays


def _read(path: Path) -> Arrays | None:
    """Return the arrays of a file, or None where it is missing or damaged."""
    try:
        # NumPy leaves the file open if it is not a valid archive.
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as archive:
            return [archive[f"arr_{index}"] for index in range(len(archive.files))]
    except Exception:  # a damaged file can raise almost any error
        return None
