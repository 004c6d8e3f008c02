"""Decodes an image, whatever its format, turned as its camera says; every refusal is one line.

Pillow does the decoding. It warns, and it limits the size of images through a variable of its module; both are set
for a moment only, by one thread at a time, so that the caller's own use of Pillow stays as it was.
"""

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from seamline.errors import SeamlineError

MAX_PIXELS = 200_000_000
"""The most pixels that an image may have: larger than any camera's, small enough for a laptop's memory."""

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif")
"""What the names of files end with that are taken for images, in lower case."""

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
_LARGEST_FILE = 1 << 31  # bytes: eight a pixel at the limit, and then some
_ORIENTATION = 0x0112  # the EXIF tag
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> what makes the image upright (Exif 2.32, tag 0x0112)."""
_STRETCHED = {"L;2": 85, "L;4": 17}
"""Grey of two and four bits, as Pillow calls it -> the factor by which Pillow stretches it to 0..255."""
_AGAIN = "get it again or leave it out"

_one_at_a_time = threading.Lock()


class NotAnImageError(SeamlineError):
    """What was given is in none of the formats that are read."""


class TooManyPixelsError(SeamlineError):
    """An image has more pixels than are allowed; it was not decoded."""


def read_image(source: Path | bytes, *, name: str | None = None, limit: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Decode a photo: JPEG, PNG, WebP, TIFF, BMP, or the first picture of a GIF.

    It is turned upright as its EXIF orientation says, transparent parts are laid over white, 16-bit grey is scaled
    to 8 bits, and every colour mode becomes RGB. Colour profiles are not applied.

    Args:
        source: the file, or its bytes.
        name: what messages call it; the path by default.
        limit: the most pixels that it may have. An image past it is refused before it is decoded.

    Returns:
        (H, W, 3) uint8, red, green and blue, 0..255, writable.

    Raises:
        SeamlineError: the file cannot be read, is no such image, is damaged or cut off, or has too many pixels.
    """
    called = display_name(source, name)
    image = decode(source, called, limit).image
    if image.mode == "F" or (image.mode == "I" and image.format != "PNG"):
        raise SeamlineError(
            f"{called}: has values of 32 bits, and which of them is white cannot be known; save it as PNG"
        )
    try:
        return to_rgb(image)
    except Exception as error:  # whatever the damage has led to
        raise damaged(called, error) from error


def to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """Convert an image of any mode to an array (H, W, 3) uint8; transparent parts become white, 16-bit gray 8-bit."""
    if image.mode.startswith("I"):  # Pillow before 11 calls the 16 bits of a PNG "I"
        grey = ((np.asarray(image).astype(np.uint32) + 128) // 257).astype(np.uint8)
        return np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    return np.array(_over_white(image) if image.has_transparency_data else image.convert("RGB"))


def _over_white(image: Image.Image) -> Image.Image:
    """Return an image with transparency as RGB, laid over white."""
    if image.mode == "La":
        image = image.convert("LA")
    image = image.convert("RGBA")
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(image, (0, 0), image)
    return white


class Decoded(NamedTuple):
    """An image, loaded and upright.

    Attributes:
        image: in the mode that its file has; `format` tells the file's format.
        bit_depth_scale: the factor by which Pillow stretched its grey values, 1 for most.
    """

    image: Image.Image
    bit_depth_scale: int


def display_name(source: Path | bytes, name: str | None) -> str:
    """Return what messages call an image."""
    if name is not None:
        return name
    return str(source) if isinstance(source, Path) else "the image"


def decode(source: Path | bytes, called: str, limit: int) -> Decoded:
    """Decode an image and turn it upright, or raise a `SeamlineError`."""
    content = source if isinstance(source, bytes) else _content(source, called)
    if not content:
        raise SeamlineError(f"{called}: is empty; {_AGAIN}")
    try:
        with _pillow_set(limit):
            image: Image.Image = Image.open(io.BytesIO(content), formats=_FORMATS)
    except UnidentifiedImageError as error:
        found = "is a HEIC or AVIF image" if content[4:8] == b"ftyp" else f"starts with 0x{content[:4].hex()}"
        raise NotAnImageError(
            f"{called}: {found} and is not read as JPEG, PNG, WebP, TIFF, BMP or GIF; save it as one of these or "
            "leave it out"
        ) from error
    except Image.DecompressionBombError as error:
        raise TooManyPixelsError(f"{called}: has more than the {limit:,} pixels allowed; scale it down") from error
    except Exception as error:  # plugins raise whatever the damage has led them to
        raise damaged(called, error) from error
    if image.width * image.height > limit:
        raise TooManyPixelsError(
            f"{called}: is {image.width} x {image.height} pixels, more than the {limit:,} allowed; scale it down"
        )
    try:
        kind = "JPEG" if image.format == "MPO" else image.format  # a JPEG with further pictures behind it
        stretch = _stretch(image)
        if kind == "TIFF":  # its plugin reads tags, and warns of them, only when it loads the pixels
            with _pillow_set(limit):
                image.load()
        else:
            image.load()
        with _pillow_set(limit):
            turn = _TURNS.get(_orientation(image))
        if turn is not None:
            image = image.transpose(turn)
        image.format = kind
    except Exception as error:  # as above
        raise damaged(called, error) from error
    return Decoded(image, stretch)


def encode_jpeg(photo: NDArray[np.uint8], longest: int, quality: int = 85) -> bytes:
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


def _content(path: Path, called: str) -> bytes:
    """Return the bytes of a file, or raise a `SeamlineError`."""
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for ever
            raise SeamlineError(f"{called}: is not a file; name an image")
        if path.stat().st_size > _LARGEST_FILE:
            raise SeamlineError(f"{called}: is larger than {_LARGEST_FILE >> 30} GiB; scale the image down")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SeamlineError(f"{called}: cannot be read ({reason}); check the path and its permissions") from error


def _stretch(image: Image.Image) -> int:
    """Return the factor by which Pillow will stretch the grey values of an image that is not loaded yet."""
    tiles = getattr(image, "tile", None)
    if image.mode != "L" or not tiles:
        return 1
    how = tiles[0][3]
    return _STRETCHED.get(how if isinstance(how, str) else how[0], 1)


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation of a loaded image, 1 where it has none that can be read."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged EXIF data hide nothing of the picture
        return 1


def damaged(called: str, error: Exception) -> SeamlineError:
    """Return the error for an image that starts like one and cannot be decoded."""
    detail = " ".join(str(error).split()) or type(error).__name__
    return SeamlineError(f"{called}: is cut off or damaged ({detail}); {_AGAIN}")


@contextmanager
def _pillow_set(limit: int) -> Iterator[None]:
    """Have Pillow warn of nothing and refuse what is past `limit`, inside the block and nowhere else.

    Pillow refuses an image when its pixels are more than twice `MAX_IMAGE_PIXELS`.
    """
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        usual = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = (limit + 1) // 2
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = usual
