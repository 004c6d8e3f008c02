"""Pictures without the photo's EXIF data, or with it where the user wants that."""

import io
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from seamline.errors import SeamlineError

PictureFormat = Literal["JPEG", "PNG"]

_QUALITY = 90  # of JPEG
_MAX_EXIF = 65_533 - 6  # bytes that a JPEG can hold after `Exif\0\0`


def encode_picture(pixels: NDArray[np.uint8], file_format: PictureFormat = "JPEG", exif: bytes = b"") -> bytes:
    """Encode a picture; without `exif` it has no EXIF data, and so neither position nor camera.

    Args:
        pixels: (H, W, 3) or (H, W) uint8.
        file_format: `JPEG` or `PNG`.
        exif: what `upright_exif` returned.
    """
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, file_format, quality=_QUALITY, exif=exif)
    return content.getvalue()


def upright_exif(photo: Path) -> bytes:
    """Return the EXIF data of a photo without the orientation, because pictures are upright; empty where it has none.

    Raises:
        SeamlineError: they cannot be read or do not fit a picture.
    """
    try:
        with Image.open(photo) as image:
            exif = image.getexif()
            exif.pop(ExifTags.Base.Orientation, None)
            content = exif.tobytes() if exif else b""
    except Exception as error:  # Pillow's readers raise many kinds
        raise SeamlineError(f"{photo}: its EXIF data cannot be kept ({error}); leave out --keep-exif") from None
    if len(content) > _MAX_EXIF:
        raise SeamlineError(f"{photo}: has {len(content):,} bytes of EXIF data, too many; leave out --keep-exif")
    return content
