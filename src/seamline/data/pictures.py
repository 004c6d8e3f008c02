"""Photos and masks as they are shown: no larger than they need be."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def jpeg(photo: NDArray[np.uint8], longest: int, quality: int = 85) -> bytes:
    """Encode a photo as a JPEG.

    Args:
        photo: (H, W, 1) or (H, W, 3) uint8.
        longest: pixels that its longer side may have; a larger photo is shrunk.
        quality: of the JPEG, 1..95.
    """
    picture = Image.fromarray(photo[..., 0] if photo.shape[2] == 1 else photo)
    picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality, optimize=True)
    return stream.getvalue()


def smaller_mask(mask: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """Shrink a mask (H, W) until its longer side is at most `longest` pixels; no class is mixed with another."""
    picture = Image.fromarray(mask)
    picture.thumbnail((longest, longest), Image.Resampling.NEAREST)
    return np.array(picture, dtype=np.uint8)
