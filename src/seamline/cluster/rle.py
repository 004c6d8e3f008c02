"""Run-length encoding of masks, row by row; windows and walls are runs of hundreds of pixels."""

import numpy as np
from numpy.typing import NDArray


def rle_encode(mask: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """Return the runs of equal values in a mask (H, W): values (R,) uint8 and lengths (R,) uint32."""
    flat = mask.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1]) if flat.size else np.zeros(0, np.int64)
    return flat[starts], np.diff(starts, append=flat.size).astype(np.uint32)


def rle_decode(values: NDArray[np.uint8], lengths: NDArray[np.uint32], height: int, width: int) -> NDArray[np.uint8]:
    """Return the mask (H, W) uint8 of runs.

    Args:
        values: (R,) uint8.
        lengths: (R,) uint32.
        height: of the mask.
        width: of the mask.

    Raises:
        ValueError: the lengths do not sum to `height` times `width`.
    """
    return np.repeat(np.asarray(values, np.uint8), np.asarray(lengths, np.int64)).reshape(height, width)
