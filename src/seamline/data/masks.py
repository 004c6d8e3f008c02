"""Read and write masks: images that store the class of each pixel, as a number or as a color."""

import colorsys
import io
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.data.blurred_masks import pixels_between_neighbors
from seamline.data.dataset import IGNORE_INDEX
from seamline.data.image_io import MAX_PIXELS, damaged, decode, display_name
from seamline.errors import SeamlineError, list_first, size_text

Color = tuple[int, int, int]
"""Red, green and blue, 0..255."""

_MAX_BLUR = 40  # largest difference in a channel with which a color counts as a blurred form of a declared one
_MAX_COMPARED = 1000  # unknown colors, the most frequent first, that are compared with the declared ones


def read_mask(
    source: Path | bytes,
    classes: int,
    *,
    palette: Sequence[Color] | None = None,
    ignore: Collection[int | Color] = (),
    name: str | None = None,
    limit: int = MAX_PIXELS,
) -> NDArray[np.uint8]:
    """Decode a mask: an image that stores the class of each pixel, as a number or as a color.

    - The indices of a palette image are class numbers. If its embedded palette has colors of `palette` at other
      indices, as after recompression by another program, the colors count and not the indices.
    - The values of a grayscale image of 1 to 16 bits are class numbers.
    - The colors of a color image are looked up in `palette`, which it requires.

    Args:
        source: the file, or its bytes.
        classes: number of classes K, 1..255.
        palette: K colors; class i is drawn in `palette[i]`.
        ignore: what becomes `IGNORE_INDEX`: numbers in palette and grayscale images, which may be those of classes;
            colors in color images, and in palette images at indices that are no class numbers.
        name: name used in messages; the path by default.
        limit: largest number of pixels allowed.

    Returns:
        (H, W) uint8, values 0..K-1 and `IGNORE_INDEX`.

    Raises:
        SeamlineError: the file cannot be read, is damaged or too large, or contains a number that is no class, a color
            that is not in the palette, colors although there is no palette, or transparent pixels.
        ValueError: `classes` is not 1..255, or the palette has another number of colors.
    """
    if not 1 <= classes <= IGNORE_INDEX:
        raise ValueError(f"a mask has 1 to {IGNORE_INDEX} classes, got {classes}")
    if palette is not None and len(palette) != classes:
        raise ValueError(f"the palette must have a color for each of {classes} classes, got {len(palette)}")
    name = display_name(source, name)
    mask = _decode_mask(source, name, limit)
    if mask.is_color:
        if palette is None:
            count = len(_count_values(_color_codes(mask.values)).values)
            raise SeamlineError(
                f"{name}: contains {count:,} colors instead of class numbers; declare the color of each class, or save "
                "the mask as a palette or grayscale PNG"
            )
        return _from_colors(_color_codes(mask.values), [*palette], ignore, name)
    _refuse_jpeg(mask, name)
    if mask.palette is not None and palette is not None and _is_reordered(mask.values, mask.palette, palette, ignore):
        return _from_colors(_color_codes(mask.palette)[mask.values], [*palette], ignore, name)
    ignored = {one for one in ignore if isinstance(one, int)}
    if mask.palette is not None:
        colors = {color_code(one) for one in ignore if isinstance(one, tuple)}
        ignored |= {i for i, code in enumerate(_color_codes(mask.palette).tolist()) if code in colors and i >= classes}
    return _from_numbers(mask.values, classes, ignored, name)


class MaskValues(NamedTuple):
    """The distinct values of a mask: numbers, or colors (`by_color`) as 0xRRGGBB.

    `palette` has the color of each value, where the mask has an embedded palette, and `second` that of 1, also where no
    pixel has it. `counts` has the pixels of each value, and `between` those of them that lie between their neighbors;
    see `seamline.data.blurred_masks`.
    """

    by_color: bool
    values: set[int]
    palette: dict[int, Color]
    second: Color | None
    counts: dict[int, int]
    between: dict[int, int]


def mask_values(file: Path, *, by_color: bool = False) -> NDArray[Any]:
    """Decode a mask to its raw values: (H, W) integers, or (H, W) uint32 colors as 0xRRGGBB.

    Args:
        file: the mask.
        by_color: whether the colors of palette images count, and not their numbers.

    Raises:
        SeamlineError: the file cannot be read, is damaged or too large, is a JPEG, or has transparent pixels.
    """
    mask = _decode_mask(file, str(file), MAX_PIXELS)
    _refuse_jpeg(mask, str(file))
    return _raw_values(mask, by_color)


def unique_mask_values(file: Path, *, by_color: bool = False) -> MaskValues:
    """Return the distinct values of a mask; arguments and errors as for `mask_values`."""
    mask = _decode_mask(file, str(file), MAX_PIXELS)
    _refuse_jpeg(mask, str(file))
    raw = _raw_values(mask, by_color)
    counts = _pixels_by_value(raw)
    values = {*counts}
    shown = _ordered_values(mask)
    between = {}
    if shown is not None and len(counts) > 2:
        between = _pixels_by_value(raw[pixels_between_neighbors(shown)])
    codes = [] if mask.palette is None else _color_codes(mask.palette).tolist()
    colors = {value: code_color(codes[value]) for value in values if value < len(codes)}
    is_color = mask.is_color or (by_color and mask.palette is not None)
    second = code_color(codes[1]) if codes else None
    return MaskValues(is_color, values, colors, second, counts, between)


def _ordered_values(mask: "_DecodedMask") -> NDArray[Any] | None:
    """Return the values or colors of a decoded mask, whose differences mean something; None for indices of colors."""
    if mask.palette is None:
        return mask.values
    used = mask.palette[np.unique(mask.values)]
    return np.asarray(mask.palette[:, 0][mask.values]) if (used == used[:, :1]).all() else None


def _pixels_by_value(raw: NDArray[Any]) -> dict[int, int]:
    """Return the number of pixels of each value of an array of any shape."""
    values, counts = np.unique(raw, return_counts=True)
    return dict(zip(values.astype(np.int64).tolist(), counts.tolist(), strict=True))


def _raw_values(mask: "_DecodedMask", by_color: bool) -> NDArray[Any]:
    """Return the numbers (H, W) of a decoded mask, or its colors (H, W) uint32."""
    if by_color and mask.palette is not None:
        return np.asarray(_color_codes(mask.palette)[mask.values])
    return _color_codes(mask.values) if mask.is_color else mask.values


def refuse_other_size(mask: NDArray[np.uint8], image: NDArray[np.uint8], mask_name: object, image_name: str) -> None:
    """Refuse a mask (H, W) uint8 that has another size than its image (H, W, C) uint8."""
    if mask.shape != image.shape[:2]:
        raise SeamlineError(
            f"{mask_name}: is {size_text(mask.shape)} pixels, but its image {image_name} is {size_text(image.shape)}; "
            "save both at one size"
        )


def encode_mask(mask: NDArray[np.uint8], palette: Sequence[Color]) -> bytes:
    """Encode a mask as a palette PNG, which stores class numbers and shows colors.

    Args:
        mask: (H, W) uint8, values 0..K-1 and `IGNORE_INDEX`, which is shown in `ignored_color`.
        palette: K colors, at most 255.

    Returns:
        The bytes of the PNG; equal masks give equal bytes.

    Raises:
        ValueError: the mask has no pixels, another shape or type, or a number without a color.
    """
    if mask.ndim != 2 or mask.dtype != np.uint8 or mask.size == 0:
        raise ValueError(f"a mask must be (H, W) uint8 with pixels, got {mask.shape} {mask.dtype}")
    unknown = np.flatnonzero(np.bincount(mask.ravel(), minlength=256))
    unknown = unknown[(unknown >= len(palette)) & (unknown != IGNORE_INDEX)]
    if len(palette) > IGNORE_INDEX or len(unknown):
        raise ValueError(f"a palette of {len(palette)} colors does not fit a mask that contains {unknown.tolist()}")
    channels = [channel for color in palette for channel in color]
    if IGNORE_INDEX in mask:
        channels += [*ignored_color(palette)] * (256 - len(palette))
    image = Image.frombytes("P", (mask.shape[1], mask.shape[0]), mask.tobytes())
    image.putpalette(channels)
    stream = io.BytesIO()
    image.save(stream, format="PNG", optimize=True)
    return stream.getvalue()


def ignored_color(palette: Sequence[Color]) -> Color:
    """Return the color of pixels of no class: white, or the lightest gray that is no class's."""
    return next((value, value, value) for value in range(255, -1, -1) if (value, value, value) not in palette)


def resize_mask(mask: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Resize a mask (H, W) uint8 to a width and height, to the nearest pixel."""
    return np.asarray(Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST))


def downscale_mask(mask: NDArray[np.uint8], max_side: int) -> NDArray[np.uint8]:
    """Downscale a mask (H, W) uint8 to a longer side of at most `max_side`, to the nearest pixel."""
    image = Image.fromarray(mask)
    image.thumbnail((max_side, max_side), Image.Resampling.NEAREST)
    return np.array(image, dtype=np.uint8)


class _DecodedMask(NamedTuple):
    """A decoded mask: its file format, (H, W) values or (H, W, 3) colors, and (256, 3) uint8 embedded palette."""

    format: str | None
    values: NDArray[Any]
    palette: NDArray[np.uint8] | None

    @property
    def is_color(self) -> bool:
        return len(self.values.shape) == 3


def _decode_mask(source: Path | bytes, name: str, limit: int) -> _DecodedMask:
    """Decode a mask without interpreting it."""
    image, bit_depth_scale, *_ = decode(source, name, limit)
    try:
        image = _drop_alpha(image, name)
        return _DecodedMask(image.format, _image_values(image, bit_depth_scale), _embedded_palette(image))
    except SeamlineError:
        raise
    except Exception as error:  # Pillow raises various errors for damaged files
        raise damaged(name, error) from error


def _refuse_jpeg(mask: _DecodedMask, name: str) -> None:
    if mask.format == "JPEG":
        raise SeamlineError(f"{name}: is a JPEG, whose compression alters class values; save the mask as a PNG")


def _drop_alpha(image: Image.Image, name: str) -> Image.Image:
    """Return a mask's image without its alpha channel, which must be opaque; that of a palette does not matter."""
    mode = {"LA": "L", "La": "L", "PA": "P", "RGBA": "RGB", "RGBa": "RGB"}.get(image.mode)
    if mode is None:
        return image
    if np.asarray(image.getchannel("A" if image.mode[-1] == "A" else "a")).min() < 255:
        raise SeamlineError(f"{name}: has transparent pixels, whose class is unknown; save the mask without them")
    opaque = image.convert(mode)
    opaque.format = image.format
    return opaque


def _embedded_palette(image: Image.Image) -> NDArray[np.uint8] | None:
    """Return the colors of a palette image, (256, 3) uint8, black where it declares none; None for other images."""
    channels = image.getpalette("RGB") if image.mode == "P" else None
    if channels is None:
        return None
    palette = np.zeros((256, 3), dtype=np.uint8)
    palette.reshape(-1)[: len(channels)] = channels
    return palette


def _image_values(image: Image.Image, bit_depth_scale: int) -> NDArray[Any]:
    """Return the numbers (H, W) of a palette or grayscale image, or the colors (H, W, 3) of another one."""
    if image.mode in ("P", "L", "1", "I", "F") or image.mode.startswith("I;"):
        values: NDArray[Any] = np.asarray(image)
        if values.dtype == bool:
            return values.astype(np.uint8)
        return values // bit_depth_scale if bit_depth_scale > 1 else values
    return np.asarray(image.convert("RGB"))


class _ValueCounts(NamedTuple):
    """Distinct values of an array: `values[indices]` is the array, and `counts[i]` pixels are `values[i]`."""

    values: NDArray[Any]
    indices: NDArray[Any]
    counts: NDArray[np.int64]


def _count_values(array: NDArray[Any]) -> _ValueCounts:
    """Count the distinct values of an array (H, W)."""
    if array.dtype == np.uint8:  # without sorting
        counts = np.bincount(array.ravel(), minlength=256)
        values = np.flatnonzero(counts)
        index = np.zeros(256, dtype=np.uint8)
        index[values] = np.arange(len(values))
        return _ValueCounts(values, index[array], counts[values])
    values, indices, counts = np.unique(array, return_inverse=True, return_counts=True)
    return _ValueCounts(values, indices.reshape(array.shape), counts)


def _color_codes(colors: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return colors (…, 3) uint8 as numbers 0xRRGGBB (…)."""
    wide = colors.astype(np.uint32)
    codes: NDArray[np.uint32] = wide[..., 0] << np.uint32(16) | wide[..., 1] << np.uint32(8) | wide[..., 2]
    return codes


def color_code(color: Color) -> int:
    """Return a color as the number 0xRRGGBB."""
    return color[0] << 16 | color[1] << 8 | color[2]


def code_color(code: int) -> Color:
    """Return the color of a number 0xRRGGBB."""
    return code >> 16, code >> 8 & 255, code & 255


def parse_color(color: Color | str | None) -> Color | None:
    """Return a color given as three numbers, 0..255, or as `#rrggbb`; a `ValueError` for anything else but None."""
    if isinstance(color, str):
        digits = color.removeprefix("#")
        if len(digits) != 6:
            raise ValueError(f"{color!r} is not a color")
        color = code_color(int(digits, 16))
    if color is not None and not all(0 <= channel <= 255 for channel in color):
        raise ValueError(f"{color} is not a color")
    return color


def list_values(values: Iterable[int], *, by_color: bool) -> list[str]:
    """Return numbers, or colors (0xRRGGBB) as `#rrggbb`, as messages show them."""
    return [f"#{value:06x}" if by_color else str(value) for value in values]


def complete_palette(colors: Iterable[Color | None]) -> tuple[Color, ...]:
    """Return distinct colors: those given, and generated ones where none is given or one is repeated."""
    given = list(colors)
    palette: list[Color] = []
    step = 0
    for number, color in enumerate(given):
        if color is None or color in palette:
            color = (0, 0, 0) if number == 0 else None
            while color is None or color in given or color in palette:
                red, green, blue = colorsys.hls_to_rgb((step * 0.61803399) % 1, 0.45 + 0.15 * (step % 3), 0.75)
                color = round(255 * red), round(255 * green), round(255 * blue)
                step += 1
        palette.append(color)
    return tuple(palette)


def _is_reordered(
    indices: NDArray[Any], embedded: NDArray[np.uint8], palette: Sequence[Color], ignore: Collection[int | Color]
) -> bool:
    """Return whether the embedded palette has a declared color at another index than that of its class."""
    declared = {color_code(color) for color in palette}
    used = [index for index in _count_values(indices).values.tolist() if index not in ignore]
    codes = _color_codes(embedded)
    return any(
        int(codes[index]) in declared and (index >= len(palette) or int(codes[index]) != color_code(palette[index]))
        for index in used
    )


def _from_numbers(numbers: NDArray[Any], classes: int, ignored: set[int], name: str) -> NDArray[np.uint8]:
    """Return the mask (H, W) of class numbers (H, W)."""
    counted = _count_values(numbers)
    valid = [float(value).is_integer() and 0 <= value < classes for value in counted.values.tolist()]
    skipped = [value in ignored for value in counted.values.tolist()]
    unknown = ~(np.array(valid) | np.array(skipped))
    if unknown.any():
        values, counts = counted.values[unknown].tolist(), counted.counts[unknown].tolist()
        listed = list_first([f"{value} ({_pixels(count)})" for value, count in zip(values, counts, strict=True)])
        advice = "correct the mask"
        if values == [IGNORE_INDEX]:
            advice = f"correct the mask, or declare {IGNORE_INDEX} as the value to ignore"
        raise SeamlineError(f"{name}: contains values outside the classes 0..{classes - 1}: {listed}; {advice}")
    meaning: NDArray[np.uint8] = np.where(skipped, IGNORE_INDEX, counted.values).astype(np.uint8)
    return np.asarray(meaning[counted.indices])


def _from_colors(
    codes: NDArray[np.uint32], palette: list[Color], ignore: Collection[int | Color], name: str
) -> NDArray[np.uint8]:
    """Return the mask (H, W) of colors (H, W), given as 0xRRGGBB."""
    table = {color_code(color): number for number, color in reversed(list(enumerate(palette)))}
    table |= {color_code(color): IGNORE_INDEX for color in ignore if isinstance(color, tuple)}
    counted = _count_values(codes)
    pairs = zip(counted.values.tolist(), counted.counts.tolist(), strict=True)
    unknown = sorted((-count, code) for code, count in pairs if code not in table)
    if unknown:
        blurred = any(_nearest(code, palette)[1] <= _MAX_BLUR for _, code in unknown[:_MAX_COMPARED])
        advice = "correct the mask, or declare the missing color"
        if blurred:
            advice = (
                "colors close to declared ones result from JPEG or smooth scaling: save the mask as a PNG, scaled to "
                "the nearest pixel"
            )
        number = f"{len(unknown):,} colors that are" if len(unknown) > 1 else "a color that is"
        listed = list_first([_describe(code, -count, palette) for count, code in unknown])
        raise SeamlineError(f"{name}: contains {number} not declared: {listed}; {advice}")
    meaning = np.array([table[code] for code in counted.values.tolist()], dtype=np.uint8)
    return np.asarray(meaning[counted.indices])


def _nearest(code: int, palette: list[Color]) -> tuple[int, int]:
    """Return the class whose color differs least in its largest channel difference, and that difference."""
    distances = [max(abs(a - b) for a, b in zip(code_color(code), color, strict=True)) for color in palette]
    return int(np.argmin(distances)), min(distances)


def _describe(code: int, count: int, palette: list[Color]) -> str:
    """Describe an unknown color, with the declared color that it may come from."""
    nearest, distance = _nearest(code, palette)
    close = f", close to {palette[nearest]} of class {nearest}" if distance <= _MAX_BLUR else ""
    return f"{code_color(code)} ({_pixels(count)}{close})"


def _pixels(count: int) -> str:
    return "1 pixel" if count == 1 else f"{count:,} pixels"
