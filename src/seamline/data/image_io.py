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
from PIL import ExifTags, Image, ImageOps, TiffImagePlugin, UnidentifiedImageError

from seamline.data.pixel_meaning import Trait, bit_depth, is_band, read_16_bit_channels, scale_to_8_bits
from seamline.errors import SeamlineError, refuse_unreadable

MAX_PIXELS = 200_000_000
"""Largest number of pixels of an image: more than any camera has, and small enough for a laptop's memory."""

_DOWNLOAD_ENDINGS = tuple(f"{mark}{size}" for mark in "_:-" for size in ("large", "medium", "small", "orig"))
SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif"),
    *(".jpe", ".jfif", ".jif", ".pjpeg", ".pjp", ".mpo", ".apng", ".dib"),
    *(f"{suffix}{ending}" for suffix in (".jpg", ".jpeg", ".png") for ending in _DOWNLOAD_ENDINGS),
)
"""Suffixes of image files, in lower case, the usual ones first; some downloads are named `photo.jpg_large`."""

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
_MAX_BYTES = 1 << 31  # more than eight bytes per pixel at the limit
_BIT_DEPTH_SCALES = {"L;2": 85, "L;4": 17}
"""Pillow's mode of grayscale of two and four bits -> the factor by which it scales values to 0..255."""
_ADVICE = "replace or remove it"

_BITS_PER_SAMPLE, _SAMPLES_PER_PIXEL, _SAMPLE_FORMAT = 258, 277, 339  # tags of TIFF

_pillow_lock = threading.Lock()


class NotAnImageError(SeamlineError):
    """The file has none of the supported formats."""


class TooManyPixelsError(SeamlineError):
    """The image has more pixels than allowed; it was not decoded."""


def read_image(
    source: Path | bytes, *, name: str | None = None, limit: int = MAX_PIXELS, depth: int = 0
) -> NDArray[np.uint8]:
    """Decode an image; arguments and errors as for `read_photo`, whose pixels (H, W, 3) uint8 it returns."""
    return read_photo(source, name=name, limit=limit, depth=depth).pixels


class PhotoPixels(NamedTuple):
    """The pixels (H, W, 3) uint8, RGB, writable, of an upright image, its unusual properties and EXIF orientation."""

    pixels: NDArray[np.uint8]
    traits: Trait
    orientation: int = 1


def read_photo(
    source: Path | bytes, *, name: str | None = None, limit: int = MAX_PIXELS, depth: int = 0
) -> PhotoPixels:
    """Decode an image: JPEG, PNG, WebP, TIFF, BMP, GIF; the first of several frames.

    The EXIF orientation is applied, and every color mode is converted to RGB. Transparent pixels are composited on
    white; an alpha channel that varies like a band, and further bands, are not used. Values of 16 bits are scaled to 8
    by the bit depth that covers the largest one. Color profiles are not applied.

    Args:
        source: the file, or its bytes.
        name: name used in messages; the path by default.
        limit: largest number of pixels; larger images are refused before they are decoded.
        depth: the least bit depth of values of 16 bits, such as that of the other images of a set.

    Raises:
        SeamlineError: the file cannot be read, has no supported format, is damaged, or has too many pixels.
    """
    name = display_name(source, name)
    image, _, traits, wide, turn = decode(source, name, limit)
    if image.mode == "F" or (image.mode == "I" and image.format != "PNG"):
        raise SeamlineError(f"{name}: has 32 bits or signed values, so its white level is unknown; save it as PNG")
    try:
        if wide is None and image.mode.startswith("I"):  # Pillow before 11 has mode "I" for PNGs of 16 bits
            wide = np.asarray(image).astype(np.uint16)[..., np.newaxis]
        if wide is None:
            pixels, further, _ = _to_rgb(image)
            return PhotoPixels(pixels, traits | further, turn)
        depth = max(depth, bit_depth(int(wide[..., :3].max(initial=0))))
        if depth < 16:
            traits |= Trait.BIT_DEPTH
        channels = scale_to_8_bits(wide, depth)
        if channels.shape[2] == 1:
            return PhotoPixels(np.repeat(channels, 3, axis=2), traits, turn)
        if channels.shape[2] > 3:
            channels[..., 3] = wide[..., 3] >> 8  # transparency has the full range
        pixels, further, _ = _to_rgb(Image.fromarray(channels), image.format)
        return PhotoPixels(pixels, traits | further, turn)
    except Exception as error:  # Pillow raises various errors for damaged files
        raise damaged(name, error) from error


class ImageHeader(NamedTuple):
    """What the header of an image tells."""

    size: tuple[int, int]  # height and width of the upright image
    kind: str  # its format and mode, such as `JPEG RGB`
    orientation: int = 1  # its EXIF orientation, 1..8
    is_wide: bool = False  # whether its values have 16 bits


def read_header(file: Path) -> ImageHeader | None:
    """Read the header of an image, without decoding it; None where it cannot be read."""
    try:
        with Image.open(file) as image:
            is_wide = _is_wide(image)
            turn = orientation(image)  # loads a PNG
            size = (image.width, image.height) if turn in (5, 6, 7, 8) else (image.height, image.width)
            return ImageHeader(size, f"{image.format} {image.mode}", turn, is_wide)
    except Exception:  # decoding gives a better message
        return None


def largest_value(file: Path) -> int:
    """Return the largest value of an image of 16 bits, without alpha; 0 where there is none or it cannot be read."""
    with suppress(SeamlineError):
        image, _, _, wide, _ = decode(file, str(file), MAX_PIXELS)
        if wide is not None:
            return int(wide[..., :3].max(initial=0))
        if image.mode.startswith("I"):
            return int(np.asarray(image).max(initial=0))
    return 0


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation of an opened image, 1..8; 1 where it is invalid or missing."""
    with suppress(Exception):  # pixels are readable where the orientation is not
        value = image.getexif().get(ExifTags.Base.Orientation)
        return int(value or 1) if value in range(1, 9) else 1
    return 1


def to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """Convert an image in memory, of any mode, to an array (H, W, 3) uint8, by the rules of `read_photo`."""
    if image.mode.startswith("I"):
        wide = np.asarray(image).clip(0, 65535).astype(np.uint16)
        gray = scale_to_8_bits(wide, bit_depth(int(wide.max(initial=0))))
        return np.repeat(gray[:, :, np.newaxis], 3, axis=2)
    return _to_rgb(image)[0]


def _to_rgb(image: Image.Image, file_format: str | None = None) -> PhotoPixels:
    """Convert an image of 8 bits and any mode."""
    if not image.has_transparency_data:
        return PhotoPixels(np.array(image.convert("RGB")), Trait(0))
    channels = np.asarray(image) if image.mode in ("RGBA", "RGBa", "LA", "La") else None
    if channels is not None and is_band(channels[..., -1], file_format or image.format):
        color = channels[..., :-1]
        return PhotoPixels(np.repeat(color, 3, axis=2) if color.shape[2] == 1 else color.copy(), Trait.BANDS)
    opaque = channels is not None and bool((channels[..., -1] == 255).all())
    return PhotoPixels(np.array(_composite_on_white(image)), Trait(0) if opaque else Trait.TRANSPARENT)


def _composite_on_white(image: Image.Image) -> Image.Image:
    """Return an image with transparency as RGB on white."""
    if image.mode == "La":
        image = image.convert("LA")
    image = image.convert("RGBA")
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(image, (0, 0), image)
    return white


class DecodedImage(NamedTuple):
    """A decoded image."""

    image: Image.Image  # upright, with `format` set
    bit_depth_scale: int  # factor by which Pillow scaled grayscale values, mostly 1
    traits: Trait  # several frames, and bands that Pillow does not read
    wide: NDArray[np.uint16] | None  # the upright pixels (H, W, C) of an image with several channels of 16 bits
    orientation: int  # the EXIF orientation that was applied, 1..8


def display_name(source: Path | bytes, name: str | None) -> str:
    """Return the name of an image in messages."""
    if name is not None:
        return name
    return str(source) if isinstance(source, Path) else "the image"


def decode(source: Path | bytes, name: str, limit: int) -> DecodedImage:
    """Decode an image and apply its EXIF orientation; arguments and errors as for `read_image`."""
    content = source if isinstance(source, bytes) else _read_bytes(source, name)
    image = _open(content, name, limit)
    wide = None
    try:
        # A JPEG with more images appended is MPO to Pillow.
        file_format = "JPEG" if image.format == "MPO" else image.format
        scale, is_wide = _bit_depth_scale(image), _is_wide(image)
        with pillow_settings(limit):
            traits = _file_traits(image)
            turn = orientation(image)
        if is_wide and len(image.getbands()) > 1:
            wide = read_16_bit_channels(content, turn)
        if file_format == "TIFF":  # Pillow reads its tags, and warns of them, while loading
            with pillow_settings(limit):
                image.load()
        else:
            image.load()
        with pillow_settings(limit), suppress(Exception):  # pixels are readable where the orientation is not
            ImageOps.exif_transpose(image, in_place=True)
        image.format = file_format
    except Exception as error:  # Pillow raises various errors for damaged files
        raise damaged(name, error) from error
    return DecodedImage(image, scale, traits, wide, turn)


def _file_traits(image: Image.Image) -> Trait:
    """Return what is not decoded of an opened image; images appended to a JPEG do not count as frames."""
    traits = Trait(0)
    with suppress(Exception):  # the first frame is readable where the second is not
        if image.format not in ("JPEG", "MPO") and getattr(image, "is_animated", False):
            traits |= Trait.FRAMES
        tags = getattr(image, "tag_v2", {})
        if image.format == "TIFF" and tags.get(_SAMPLES_PER_PIXEL, 1) > len(image.getbands()):
            traits |= Trait.BANDS
    return traits


def _is_wide(image: Image.Image) -> bool:
    """Return whether the values of an opened image, which is not loaded yet, have 16 bits."""
    tiles = getattr(image, "tile", None)
    arguments = tiles[0][3] if tiles else ""
    raw_mode = arguments if isinstance(arguments, str) else str(arguments[0]) if arguments else ""
    return image.mode.startswith("I;16") or ";16" in raw_mode


def _open(content: bytes, name: str, limit: int) -> Image.Image:
    """Open an image without decoding its pixels."""
    if not content:
        raise SeamlineError(f"{name}: is empty; {_ADVICE}")
    try:
        with pillow_settings(limit):
            image: Image.Image = Image.open(io.BytesIO(content), formats=_FORMATS)
    except UnidentifiedImageError as error:
        if bands := _unreadable_bands(content):
            raise SeamlineError(f"{name}: is a TIFF with {bands}; save three bands as RGB, of 8 or 16 bits") from error
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


def _unreadable_bands(content: bytes) -> str:
    """Return the bands of a TIFF that Pillow cannot open, in words; an empty string for other files."""
    if content[:4] not in (b"II*\0", b"MM\0*"):
        return ""
    with suppress(Exception):
        directory = TiffImagePlugin.ImageFileDirectory_v2(content[:8])
        stream = io.BytesIO(content)
        stream.seek(directory.next)
        directory.load(stream)
        bits = directory.get(_BITS_PER_SAMPLE, (1,))
        kind = {2: "signed ", 3: "floating-point "}.get(directory.get(_SAMPLE_FORMAT, (1,))[0], "")
        count = directory.get(_SAMPLES_PER_PIXEL, 1)
        return f"{count} {'band' if count == 1 else 'bands'} of {bits[0]}-bit {kind}values"
    return ""


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
def pillow_settings(limit: int) -> Iterator[None]:
    """Silence Pillow's warnings inside the block, and set its limit: it refuses twice `MAX_IMAGE_PIXELS` and more."""
    with _pillow_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        previous = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = (limit + 1) // 2
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = previous
