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
    """Return the training and test arrays of a dataset from the cache, or compute and cache them.

    Other source code in the folder `program`, which `compute` runs, computes anew, as do other `versions` of libraries.
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
