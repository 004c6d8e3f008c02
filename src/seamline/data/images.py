"""Decodes an image or a mask, whatever its format, turned as its camera says; every refusal is one line.

Pillow does the decoding. It warns, and it limits the size of images through a variable of its module; both are set
for a moment only, by one thread at a time, so that the caller's own use of Pillow stays as it was.
"""

import io
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from seamline.data.dataset import IGNORE
from seamline.data.errors import UserError

Colour = tuple[int, int, int]
"""Red, green and blue, 0..255."""

LIMIT = 200_000_000
"""The most pixels that an image may have: larger than any camera's, small enough for a laptop's memory."""

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
_CLOSE = 40  # the largest difference in a channel with which a colour counts as a blurred form of a declared one
_COMPARED = 1000  # unknown colours, the most frequent ones, that are compared with the declared ones
_SHOWN = 5  # values or colours named in a message
_AGAIN = "get it again or leave it out"

_one_at_a_time = threading.Lock()


# ---- photos ----


def read_photo(source: Path | bytes, *, name: str | None = None, limit: int = LIMIT) -> NDArray[np.uint8]:
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
        UserError: the file cannot be read, is no such image, is damaged or cut off, or has too many pixels.
    """
    called = _called(source, name)
    image = _decode(source, called, limit).image
    if image.mode == "F" or (image.mode == "I" and image.format != "PNG"):
        raise UserError(f"{called}: has values of 32 bits, and which of them is white cannot be known; save it as PNG")
    try:
        if image.mode.startswith("I"):  # Pillow before 11 calls the 16 bits of a PNG "I"
            grey = ((np.asarray(image).astype(np.uint32) + 128) // 257).astype(np.uint8)
            return np.repeat(grey[:, :, np.newaxis], 3, axis=2)
        if image.has_transparency_data:
            return np.array(_over_white(image))
        return np.array(image.convert("RGB"))
    except Exception as error:  # whatever the damage has led to
        raise _damaged(called, error) from error


def _over_white(image: Image.Image) -> Image.Image:
    """Return an image with transparency as RGB, laid over white."""
    if image.mode == "La":
        image = image.convert("LA")
    image = image.convert("RGBA")
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(image, (0, 0), image)
    return white


# ---- masks ----


def read_mask(
    source: Path | bytes,
    classes: int,
    *,
    colours: Sequence[Colour] | None = None,
    ignore: int | Colour | None = None,
    name: str | None = None,
    limit: int = LIMIT,
) -> NDArray[np.uint8]:
    """Decode a mask: an image that holds the class of each pixel, by its number or by its colour.

    - A palette image holds class numbers: its indices. Where a table of colours is declared and the palette has its
      colours at other places, as a program that repacks images leaves it, the colours count and not the indices.
    - A grey image, of 1 to 16 bits, holds class numbers: its values.
    - A colour image holds classes by their colours in the table, and needs the table.

    Args:
        source: the file, or its bytes.
        classes: the number of classes K, 1..255.
        colours: K colours; class i is drawn in `colours[i]`.
        ignore: what counts nowhere and becomes `IGNORE`: a number, for palette and grey images, or a colour, for
            palette and colour images. It may be a number below K: then that class counts nowhere.
        name: what messages call it; the path by default.
        limit: the most pixels that it may have.

    Returns:
        (H, W) uint8, values 0..K-1 and `IGNORE`.

    Raises:
        UserError: the file cannot be read, is damaged or too large, holds a number outside the classes, a colour that
            the table lacks, colours although no table is declared, or transparent pixels.
        ValueError: `classes` is not 1..255, or there is not one colour for each class.
    """
    if not 1 <= classes <= IGNORE:
        raise ValueError(f"a mask holds 1 to {IGNORE} classes, got {classes}")
    if colours is not None and len(colours) != classes:
        raise ValueError(f"there must be a colour for each of {classes} classes, got {len(colours)}")
    called = _called(source, name)
    image, stretch = _decode(source, called, limit)
    try:
        image = _opaque(image, called)
        palette = _palette(image)
        values = _values(image, stretch)
    except UserError:
        raise
    except Exception as error:  # whatever the damage has led to
        raise _damaged(called, error) from error
    if values.ndim == 3:
        if colours is None:
            found = len(_tally(_codes(values)).values)
            raise UserError(
                f"{called}: holds colours where class numbers are wanted ({found:,} different ones); declare the "
                "colour of each class, or save the mask as a palette or grey PNG"
            )
        return _by_colour(_codes(values), [*colours], ignore, called)
    if image.format == "JPEG":
        raise UserError(f"{called}: is a JPEG, which blurs class numbers into one another; save the mask as a PNG")
    if palette is not None and colours is not None and _colours_count(values, palette, colours, ignore):
        return _by_colour(_codes(palette)[values], [*colours], ignore, called)
    ignored = {ignore} if isinstance(ignore, int) else set()
    if palette is not None and isinstance(ignore, tuple):
        ignored = set(np.flatnonzero((palette == ignore).all(1)).tolist())
    return _by_number(values, classes, ignored, called)


def mask_png(mask: NDArray[np.uint8], colours: Sequence[Colour]) -> bytes:
    """Encode a mask as a palette PNG, which holds class numbers and shows colours.

    Args:
        mask: (H, W) uint8, values 0..K-1 and `IGNORE`, which is shown white.
        colours: K colours, at most 255.

    Returns:
        The bytes of the PNG; the same mask gives the same bytes.

    Raises:
        ValueError: the mask has no pixels, is not of that shape and type, or holds a number that has no colour.
    """
    if mask.ndim != 2 or mask.dtype != np.uint8 or mask.size == 0:
        raise ValueError(f"a mask must be (H, W) uint8 with pixels, got {mask.shape} {mask.dtype}")
    outside = np.flatnonzero(np.bincount(mask.ravel(), minlength=256))
    outside = outside[(outside >= len(colours)) & (outside != IGNORE)]
    if len(colours) > IGNORE or len(outside):
        raise ValueError(f"{len(colours)} colours are declared for a mask that holds {outside.tolist()} besides")
    palette = [value for colour in colours for value in colour]
    if IGNORE in mask:
        palette += [255] * (3 * 256 - len(palette))
    image = Image.frombytes("P", (mask.shape[1], mask.shape[0]), mask.tobytes())
    image.putpalette(palette)
    stream = io.BytesIO()
    image.save(stream, format="PNG", optimize=True)
    return stream.getvalue()


def _opaque(image: Image.Image, called: str) -> Image.Image:
    """Return a mask's image without its alpha channel, which must hide nothing; a palette's is of no matter."""
    plain = {"LA": "L", "La": "L", "PA": "P", "RGBA": "RGB", "RGBa": "RGB"}.get(image.mode)
    if plain is None:
        return image
    if np.asarray(image.getchannel("A" if image.mode[-1] == "A" else "a")).min() < 255:
        raise UserError(f"{called}: has transparent pixels, whose class cannot be known; save the mask without them")
    kept = image.convert(plain)
    kept.format = image.format
    return kept


def _palette(image: Image.Image) -> NDArray[np.uint8] | None:
    """Return the colours of a palette image, (256, 3) uint8, black where it declares none; None for other images."""
    declared = image.getpalette("RGB") if image.mode == "P" else None
    if declared is None:
        return None
    palette = np.zeros((256, 3), dtype=np.uint8)
    palette.reshape(-1)[: len(declared)] = declared
    return palette


def _values(image: Image.Image, stretch: int) -> NDArray[Any]:
    """Return the numbers (H, W) of a palette or grey image, or the colours (H, W, 3) of another one."""
    if image.mode in ("P", "L", "1", "I", "F") or image.mode.startswith("I;"):
        values: NDArray[Any] = np.asarray(image)
        if values.dtype == bool:
            return values.astype(np.uint8)
        return values // stretch if stretch > 1 else values
    return np.asarray(image.convert("RGB"))


class _Tally(NamedTuple):
    """What an array holds: `values[places]` is the array, and `counts[i]` pixels are `values[i]`."""

    values: NDArray[Any]
    places: NDArray[Any]
    counts: NDArray[np.int64]


def _tally(numbers: NDArray[Any]) -> _Tally:
    """Count how often each number occurs in an array."""
    if numbers.dtype == np.uint8:  # without sorting
        counts = np.bincount(numbers.ravel(), minlength=256)
        present = np.flatnonzero(counts)
        place = np.zeros(256, dtype=np.uint8)
        place[present] = np.arange(len(present))
        return _Tally(present, place[numbers], counts[present])
    values, places, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    return _Tally(values, places.reshape(numbers.shape), counts)


def _codes(colours: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return each colour (…, 3) as one number (…)."""
    wide = colours.astype(np.uint32)
    codes: NDArray[np.uint32] = wide[..., 0] << np.uint32(16) | wide[..., 1] << np.uint32(8) | wide[..., 2]
    return codes


def _code(colour: Colour) -> int:
    """Return one colour as the number that `_codes` gives."""
    return colour[0] << 16 | colour[1] << 8 | colour[2]


def _colours_count(
    indices: NDArray[Any], palette: NDArray[np.uint8], colours: Sequence[Colour], ignore: int | Colour | None
) -> bool:
    """Return whether a palette has a declared colour at another place than its class's."""
    declared = {_code(colour) for colour in colours}
    used = [int(index) for index in _tally(indices).values if index != ignore]
    codes = _codes(palette)
    return any(
        int(codes[index]) in declared and (index >= len(colours) or int(codes[index]) != _code(colours[index]))
        for index in used
    )


def _by_number(numbers: NDArray[Any], classes: int, ignored: set[int], called: str) -> NDArray[np.uint8]:
    """Return the mask that class numbers (H, W) make."""
    tally = _tally(numbers)
    known = [float(value).is_integer() and 0 <= value < classes for value in tally.values.tolist()]
    skipped = [value in ignored for value in tally.values.tolist()]
    wrong = ~(np.array(known) | np.array(skipped))
    if wrong.any():
        pairs = zip(tally.values[wrong].tolist(), tally.counts[wrong].tolist(), strict=True)
        advice = "correct the mask"
        if tally.values[wrong].tolist() == [IGNORE]:
            advice = f"correct the mask, or declare {IGNORE} as the value to ignore"
        raise UserError(
            f"{called}: holds values outside the classes 0..{classes - 1}: "
            f"{_listed([f'{value} ({_pixels(count)})' for value, count in pairs])}; {advice}"
        )
    meaning: NDArray[np.uint8] = np.where(skipped, IGNORE, tally.values).astype(np.uint8)
    return np.asarray(meaning[tally.places])


def _by_colour(
    codes: NDArray[np.uint32], colours: list[Colour], ignore: int | Colour | None, called: str
) -> NDArray[np.uint8]:
    """Return the mask that colours (H, W), as `_codes` gives them, make by the table."""
    table = {_code(colour): number for number, colour in reversed(list(enumerate(colours)))}
    if isinstance(ignore, tuple):
        table[_code(ignore)] = IGNORE
    tally = _tally(codes)
    unknown = [
        (count, code)
        for code, count in zip(tally.values.tolist(), tally.counts.tolist(), strict=True)
        if code not in table
    ]
    if unknown:
        unknown.sort(key=lambda pair: (-pair[0], pair[1]))
        number = f"{len(unknown):,} colours" if len(unknown) > 1 else "a colour"
        blurred = any(_nearest(code, colours)[1] <= _CLOSE for _, code in unknown[:_COMPARED])
        advice = "correct the mask, or declare what is missing"
        if blurred:
            advice = (
                "colours close to declared ones come from JPEG or from smooth scaling: save the mask as a PNG, scaled "
                "to the nearest pixel"
            )
        raise UserError(
            f"{called}: holds {number} that the table does not declare: "
            f"{_listed([_described(code, count, colours) for count, code in unknown])}; {advice}"
        )
    meaning = np.array([table[code] for code in tally.values.tolist()], dtype=np.uint8)
    return np.asarray(meaning[tally.places])


def _nearest(code: int, colours: list[Colour]) -> tuple[int, int]:
    """Return the class whose colour differs least in any channel, and that difference."""
    channels = (code >> 16, code >> 8 & 255, code & 255)
    apart = [max(abs(a - b) for a, b in zip(channels, colour, strict=True)) for colour in colours]
    return int(np.argmin(apart)), min(apart)


def _described(code: int, count: int, colours: list[Colour]) -> str:
    """Return an unknown colour in words, with the declared one that it may come from."""
    near, apart = _nearest(code, colours)
    close = f", close to {colours[near]} of class {near}" if apart <= _CLOSE else ""
    return f"{(code >> 16, code >> 8 & 255, code & 255)} ({_pixels(count)}{close})"


def _pixels(count: int) -> str:
    """Return a number of pixels in words."""
    return "1 pixel" if count == 1 else f"{count:,} pixels"


def _listed(parts: list[str]) -> str:
    """Return the first parts of a list, and how many more there are."""
    more = len(parts) - _SHOWN
    return ", ".join(parts[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


# ---- decoding ----


class _Decoded(NamedTuple):
    """An image, loaded and upright.

    Attributes:
        image: in the mode that its file has; `format` tells the file's format.
        stretch: the factor by which Pillow stretched its grey values, 1 for most.
    """

    image: Image.Image
    stretch: int


def _called(source: Path | bytes, name: str | None) -> str:
    """Return what messages call an image."""
    if name is not None:
        return name
    return str(source) if isinstance(source, Path) else "the image"


def _decode(source: Path | bytes, called: str, limit: int) -> _Decoded:
    """Decode an image and turn it upright, or raise a `UserError`."""
    content = source if isinstance(source, bytes) else _content(source, called)
    if not content:
        raise UserError(f"{called}: is empty; {_AGAIN}")
    try:
        with _pillow_set(limit):
            image: Image.Image = Image.open(io.BytesIO(content), formats=_FORMATS)
    except UnidentifiedImageError as error:
        found = "is a HEIC or AVIF image" if content[4:8] == b"ftyp" else f"starts with 0x{content[:4].hex()}"
        raise UserError(
            f"{called}: {found} and is not read as JPEG, PNG, WebP, TIFF, BMP or GIF; save it as one of these or "
            "leave it out"
        ) from error
    except Image.DecompressionBombError as error:
        raise UserError(f"{called}: has more than the {limit:,} pixels allowed; scale it down") from error
    except Exception as error:  # plugins raise whatever the damage has led them to
        raise _damaged(called, error) from error
    if image.width * image.height > limit:
        raise UserError(
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
        raise _damaged(called, error) from error
    return _Decoded(image, stretch)


def _content(path: Path, called: str) -> bytes:
    """Return the bytes of a file, or raise a `UserError`."""
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for ever
            raise UserError(f"{called}: is not a file; name an image")
        if path.stat().st_size > _LARGEST_FILE:
            raise UserError(f"{called}: is larger than {_LARGEST_FILE >> 30} GiB; scale the image down")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{called}: cannot be read ({reason}); check the path and its permissions") from error


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


def _damaged(called: str, error: Exception) -> UserError:
    """Return the error for an image that starts like one and cannot be decoded."""
    detail = " ".join(str(error).split()) or type(error).__name__
    return UserError(f"{called}: is cut off or damaged ({detail}); {_AGAIN}")


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
