"""Read images of any supported format as RGB arrays, upright; encode JPEGs.

Pillow decodes. Its warnings and its limit on the size of images are global; both are set only while decoding, by one
thread at a time, so that other uses of Pillow are not affected.
"""

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from seamline.errors import SeamlineError, refuse_unreadable

MAX_PIXELS = 200_000_000
"""Largest number of pixels of an image: more than any camera has, and small enough for a laptop's memory."""

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif")
"""Suffixes of image files, in lower case."""

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
_MAX_BYTES = 1 << 31  # more than eight bytes per pixel at the limit
_BIT_DEPTH_SCALES = {"L;2": 85, "L;4": 17}
"""Pillow's mode of grayscale of two and four bits -> the factor by which it scales values to 0..255."""
_ADVICE = "replace or remove it"

_pillow_lock = threading.Lock()


class NotAnImageError(SeamlineError):
    """The file has none of the supported formats."""


class TooManyPixelsError(SeamlineError):
    """The image has more pixels than allowed; it was not decoded."""


def read_image(source: Path | bytes, *, name: str | None = None, limit: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Decode an image: JPEG, PNG, WebP, TIFF, BMP, or the first frame of a GIF.

    The EXIF orientation is applied, transparent pixels are composited on white, 16-bit grayscale is scaled to 8 bits,
    and every color mode is converted to RGB. Color profiles are not applied.

    Args:
        source: the file, or its bytes.
        name: name used in messages; the path by default.
        limit: largest number of pixels; larger images are refused before they are decoded.

    Returns:
        (H, W, 3) uint8, RGB, writable.

    Raises:
        SeamlineError: the file cannot be read, has no supported format, is damaged, or has too many pixels.
    """
    name = display_name(source, name)
    image = decode(source, name, limit).image
    if image.mode == "F" or (image.mode == "I" and image.format != "PNG"):
        raise SeamlineError(f"{name}: has 32 bits per channel, so its white level is unknown; save it as PNG")
    try:
        return to_rgb(image)
    except Exception as error:  # Pillow raises various errors for damaged files
        raise damaged(name, error) from error


class ImageHeader(NamedTuple):
    """Height and width of an image that is upright, and its format and mode, such as `JPEG RGB`."""

    size: tuple[int, int]
    kind: str


def read_header(file: Path) -> ImageHeader | None:
    """Read the header of an image, without decoding it; None where it cannot be read."""
    try:
        with Image.open(file) as image:
            rotated = image.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
            size = (image.width, image.height) if rotated else (image.height, image.width)
            return ImageHeader(size, f"{image.format} {image.mode}")
    except Exception:  # decoding gives a better message
        return None


def to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """Convert an image of any mode to an array (H, W, 3) uint8; transparent parts become white, 16-bit gray 8-bit."""
    if image.mode.startswith("I"):  # Pillow before 11 has mode "I" for PNGs of 16 bits
        gray = ((np.asarray(image).astype(np.uint32) + 128) // 257).astype(np.uint8)
        return np.repeat(gray[:, :, np.newaxis], 3, axis=2)
    return np.array(_composite_on_white(image) if image.has_transparency_data else image.convert("RGB"))


def _composite_on_white(image: Image.Image) -> Image.Image:
    """Return an image with transparency as RGB on white."""
    if image.mode == "La":
        image = image.convert("LA")
    image = image.convert("RGBA")
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(image, (0, 0), image)
    return white


class DecodedImage(NamedTuple):
    """A decoded, upright image with `format` set, and the factor by which Pillow scaled grayscale values, mostly 1."""

    image: Image.Image
    bit_depth_scale: int


def display_name(source: Path | bytes, name: str | None) -> str:
    """Return the name of an image in messages."""
    if name is not None:
        return name
    return str(source) if isinstance(source, Path) else "the image"


def decode(source: Path | bytes, name: str, limit: int) -> DecodedImage:
    """Decode an image and apply its EXIF orientation; arguments and errors as for `read_image`."""
    image = _open(source if isinstance(source, bytes) else _read_bytes(source, name), name, limit)
    try:
        # A JPEG with more images appended is MPO to Pillow.
        file_format = "JPEG" if image.format == "MPO" else image.format
        scale = _bit_depth_scale(image)
        if file_format == "TIFF":  # Pillow reads its tags, and warns of them, while loading
            with _pillow_settings(limit):
                image.load()
        else:
            image.load()
        with _pillow_settings(limit), suppress(Exception):  # pixels are readable where the orientation is not
            ImageOps.exif_transpose(image, in_place=True)
        image.format = file_format
    except Exception as error:  # Pillow raises various errors for damaged files
        raise damaged(name, error) from error
    return DecodedImage(image, scale)


def _open(content: bytes, name: str, limit: int) -> Image.Image:
    """Open an image without decoding its pixels."""
    if not content:
        raise SeamlineError(f"{name}: is empty; {_ADVICE}")
    try:
        with _pillow_settings(limit):
            image: Image.Image = Image.open(io.BytesIO(content), formats=_FORMATS)
    except UnidentifiedImageError as error:
        found = (
            "is a HEIC or AVIF image" if content[4:8] == b"ftyp" else f"has an unknown format (0x{content[:4].hex()})"
        )
        raise NotAnImageError(
            f"{name}: {found}, not JPEG, PNG, WebP, TIFF, BMP or GIF; convert it to one of these, or remove it"
        ) from error
    except Image.DecompressionBombError as error:
        raise TooManyPixelsError(f"{name}: has more than the {limit:,} pixels allowed; scale it down") from error
    except Exception as error:  # as in `decode`
        raise damaged(name, error) from error
    if image.width * image.height > limit:
        raise TooManyPixelsError(
            f"{name}: is {image.width} x {image.height} pixels, more than the {limit:,} allowed; scale it down"
        )
    return image


def encode_jpeg(image: NDArray[np.uint8], max_side: int, quality: int = 85) -> bytes:
    """Encode an image (H, W, 1 or 3) uint8 as JPEG (quality 1..95), downscaled to a longer side of `max_side`."""
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    picture.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality, optimize=True)
    return stream.getvalue()


def _read_bytes(path: Path, name: str) -> bytes:
    """Return the bytes of a file, or raise a `SeamlineError`."""
    with refuse_unreadable(name):
        if path.exists() and not path.is_file():  # opening a pipe would block
            raise SeamlineError(f"{name}: is not a file; name an image")
        if path.stat().st_size > _MAX_BYTES:
            raise SeamlineError(f"{name}: is larger than {_MAX_BYTES >> 30} GiB; scale the image down")
        return path.read_bytes()


def _bit_depth_scale(image: Image.Image) -> int:
    """Return the factor by which Pillow will scale the grayscale values of an image that is not loaded yet."""
    tiles = getattr(image, "tile", None)
    if image.mode != "L" or not tiles:
        return 1
    mode = tiles[0][3]
    return _BIT_DEPTH_SCALES.get(mode if isinstance(mode, str) else mode[0], 1)


def damaged(name: str, error: Exception) -> SeamlineError:
    """Return the error for an image that cannot be decoded."""
    detail = " ".join(str(error).split()) or type(error).__name__
    return SeamlineError(f"{name}: is cut off or damaged ({detail}); {_ADVICE}")


@contextmanager
def _pillow_settings(limit: int) -> Iterator[None]:
    """Silence Pillow's warnings inside the block, and set its limit: it refuses twice `MAX_IMAGE_PIXELS` and more."""
    with _pillow_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        previous = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = (limit + 1) // 2
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = previous
