"""Reads and writes masks: images that hold the class of each pixel, by its number or by its colour."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.data.dataset import IGNORE_INDEX
from seamline.data.image_io import LIMIT, damaged, decode, display_name
from seamline.errors import SeamlineError

Color = tuple[int, int, int]
"""Red, green and blue, 0..255."""

_CLOSE = 40  # the largest difference in a channel with which a colour counts as a blurred form of a declared one
_COMPARED = 1000  # unknown colours, the most frequent ones, that are compared with the declared ones
_SHOWN = 5  # values or colours named in a message


def read_mask(
    source: Path | bytes,
    classes: int,
    *,
    colours: Sequence[Color] | None = None,
    ignore: int | Color | None = None,
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
        ignore: what counts nowhere and becomes `IGNORE_INDEX`: a number, for palette and grey images, or a colour, for
            palette and colour images. It may be a number below K: then that class counts nowhere.
        name: what messages call it; the path by default.
        limit: the most pixels that it may have.

    Returns:
        (H, W) uint8, values 0..K-1 and `IGNORE_INDEX`.

    Raises:
        SeamlineError: the file cannot be read, is damaged or too large, holds a number outside the classes, a colour that
            the table lacks, colours although no table is declared, or transparent pixels.
        ValueError: `classes` is not 1..255, or there is not one colour for each class.
    """
    if not 1 <= classes <= IGNORE_INDEX:
        raise ValueError(f"a mask holds 1 to {IGNORE_INDEX} classes, got {classes}")
    if colours is not None and len(colours) != classes:
        raise ValueError(f"there must be a colour for each of {classes} classes, got {len(colours)}")
    called = display_name(source, name)
    form, values, palette = _decoded(source, called, limit)
    if values.ndim == 3:
        if colours is None:
            found = len(_tally(_codes(values)).values)
            raise SeamlineError(
                f"{called}: holds colours where class numbers are wanted ({found:,} different ones); declare the "
                "colour of each class, or save the mask as a palette or grey PNG"
            )
        return _by_colour(_codes(values), [*colours], ignore, called)
    if form == "JPEG":
        raise SeamlineError(f"{called}: is a JPEG, which blurs class numbers into one another; save the mask as a PNG")
    if palette is not None and colours is not None and _colours_count(values, palette, colours, ignore):
        return _by_colour(_codes(palette)[values], [*colours], ignore, called)
    ignored = {ignore} if isinstance(ignore, int) else set()
    if palette is not None and isinstance(ignore, tuple):
        ignored = set(np.flatnonzero((palette == ignore).all(1)).tolist())
    return _by_number(values, classes, ignored, called)


class Marks(NamedTuple):
    """What a mask holds, whatever it stands for.

    Attributes:
        by_colour: whether it holds colours.
        marks: its values, or its colours as 0xRRGGBB.
        palette: value -> colour, where it has a palette.
    """

    by_colour: bool
    marks: set[int]
    palette: dict[int, Color]


def mask_values(source: Path | bytes, *, name: str | None = None, limit: int = LIMIT) -> NDArray[Any]:
    """Decode a mask to its values (H, W), integers, or to its colours as 0xRRGGBB (H, W) uint32.

    Raises:
        SeamlineError: the file cannot be read, is damaged or too large, blurred by JPEG, or has transparent pixels.
    """
    return _raw(source, display_name(source, name), limit)[0]


def unique_mask_values(source: Path | bytes, *, name: str | None = None, limit: int = LIMIT) -> Marks:
    """Return which values or colours a mask holds; see `mask_values`."""
    values, by_colour, palette = _raw(source, display_name(source, name), limit)
    marks = {int(value) for value in np.unique(values)}
    known = {} if palette is None else {mark: _triple(palette[mark]) for mark in marks if mark < len(palette)}
    return Marks(by_colour, marks, known)


def _triple(colour: NDArray[np.uint8]) -> Color:
    red, green, blue = colour.tolist()
    return red, green, blue


def _raw(source: Path | bytes, called: str, limit: int) -> tuple[NDArray[Any], bool, NDArray[np.uint8] | None]:
    """Return a mask's values or codes of colours, whether they are colours, and its palette."""
    form, values, palette = _decoded(source, called, limit)
    if form == "JPEG":
        raise SeamlineError(f"{called}: is a JPEG, which blurs classes into one another; save the mask as a PNG")
    return (_codes(values), True, None) if values.ndim == 3 else (values, False, palette)


def _decoded(
    source: Path | bytes, called: str, limit: int
) -> tuple[str | None, NDArray[Any], NDArray[np.uint8] | None]:
    """Return a mask's file format, its numbers (H, W) or colours (H, W, 3), and its palette."""
    image, stretch = decode(source, called, limit)
    try:
        image = _opaque(image, called)
        return image.format, _values(image, stretch), _palette(image)
    except SeamlineError:
        raise
    except Exception as error:  # whatever the damage has led to
        raise damaged(called, error) from error


def encode_mask(mask: NDArray[np.uint8], colours: Sequence[Color]) -> bytes:
    """Encode a mask as a palette PNG, which holds class numbers and shows colours.

    Args:
        mask: (H, W) uint8, values 0..K-1 and `IGNORE_INDEX`, which is shown white.
        colours: K colours, at most 255.

    Returns:
        The bytes of the PNG; the same mask gives the same bytes.

    Raises:
        ValueError: the mask has no pixels, is not of that shape and type, or holds a number that has no colour.
    """
    if mask.ndim != 2 or mask.dtype != np.uint8 or mask.size == 0:
        raise ValueError(f"a mask must be (H, W) uint8 with pixels, got {mask.shape} {mask.dtype}")
    outside = np.flatnonzero(np.bincount(mask.ravel(), minlength=256))
    outside = outside[(outside >= len(colours)) & (outside != IGNORE_INDEX)]
    if len(colours) > IGNORE_INDEX or len(outside):
        raise ValueError(f"{len(colours)} colours are declared for a mask that holds {outside.tolist()} besides")
    palette = [value for colour in colours for value in colour]
    if IGNORE_INDEX in mask:
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
        raise SeamlineError(
            f"{called}: has transparent pixels, whose class cannot be known; save the mask without them"
        )
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


def _code(colour: Color) -> int:
    """Return one colour as the number that `_codes` gives."""
    return colour[0] << 16 | colour[1] << 8 | colour[2]


def _colours_count(
    indices: NDArray[Any], palette: NDArray[np.uint8], colours: Sequence[Color], ignore: int | Color | None
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
        if tally.values[wrong].tolist() == [IGNORE_INDEX]:
            advice = f"correct the mask, or declare {IGNORE_INDEX} as the value to ignore"
        raise SeamlineError(
            f"{called}: holds values outside the classes 0..{classes - 1}: "
            f"{_listed([f'{value} ({_pixels(count)})' for value, count in pairs])}; {advice}"
        )
    meaning: NDArray[np.uint8] = np.where(skipped, IGNORE_INDEX, tally.values).astype(np.uint8)
    return np.asarray(meaning[tally.places])


def _by_colour(
    codes: NDArray[np.uint32], colours: list[Color], ignore: int | Color | None, called: str
) -> NDArray[np.uint8]:
    """Return the mask that colours (H, W), as `_codes` gives them, make by the table."""
    table = {_code(colour): number for number, colour in reversed(list(enumerate(colours)))}
    if isinstance(ignore, tuple):
        table[_code(ignore)] = IGNORE_INDEX
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
        raise SeamlineError(
            f"{called}: holds {number} that the table does not declare: "
            f"{_listed([_described(code, count, colours) for count, code in unknown])}; {advice}"
        )
    meaning = np.array([table[code] for code in tally.values.tolist()], dtype=np.uint8)
    return np.asarray(meaning[tally.places])


def _nearest(code: int, colours: list[Color]) -> tuple[int, int]:
    """Return the class whose colour differs least in any channel, and that difference."""
    channels = (code >> 16, code >> 8 & 255, code & 255)
    apart = [max(abs(a - b) for a, b in zip(channels, colour, strict=True)) for colour in colours]
    return int(np.argmin(apart)), min(apart)


def _described(code: int, count: int, colours: list[Color]) -> str:
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
