"""Masks as runs: class and length, row after row; windows and walls are runs of hundreds of pixels."""

import numpy as np
from numpy.typing import NDArray


def to_runs(mask: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """Return a mask (H, W), read row by row, as values and lengths of runs of one value, (R,) each."""
    flat = mask.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1]) if flat.size else np.zeros(0, np.int64)
    lengths = np.diff(starts, append=flat.size)
    return flat[starts], lengths.astype(np.uint32)


def from_runs(values: NDArray[np.uint8], lengths: NDArray[np.uint32], height: int, width: int) -> NDArray[np.uint8]:
    """Return the mask (H, W) that `to_runs` took apart.

    Raises:
        ValueError: the lengths do not add up to `height` times `width`.
    """
    return np.repeat(np.asarray(values, np.uint8), np.asarray(lengths, np.int64)).reshape(height, width)
