"""What the stored values of an image mean: bit depth, alpha channels that are bands, several frames."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.run_folder import UnusedData

_BIT_DEPTHS = (8, 10, 12, 14, 16)
_MIN_EXTREME = 0.5  # fraction of pixels of an alpha channel that are fully transparent or opaque
_MIN_EXTREME_TIFF = 0.9  # of a TIFF, whose fourth channel is often a band


class Trait(IntFlag):
    """An unusual property of an image, and how it is read."""

    FRAMES = 1  # several frames or pages: the first one is read
    BANDS = 2  # more bands than red, green and blue, or an alpha channel that is one: not used
    TRANSPARENT = 4  # transparent pixels: composited on white
    BIT_DEPTH = 8  # fewer than 16 bits in values of 16: scaled by the bits that the largest value needs
    TURNED = 16  # turned by EXIF, and its mask or polygons are not: these are turned to match
    MAYBE_TURNED = 32  # turned by EXIF, and its mask or polygons may be or not: these are used as they are


@dataclass
class TraitCounts:
    """How many images have which traits, and the first one of each."""

    images: int = 0  # number of images
    counts: dict[Trait, int] = field(default_factory=dict)  # number of images with a trait
    examples: dict[Trait, str] = field(default_factory=dict)  # name of the first of them

    def add(self, name: str, traits: Trait) -> None:
        """Count an image."""
        self.images += 1
        for trait in traits:
            self._add(trait, 1, name)

    def merge(self, other: "TraitCounts") -> None:
        """Add the counts of further images."""
        self.images += other.images
        for trait, count in other.counts.items():
            self._add(trait, count, other.examples[trait])

    def to_json(self) -> str:
        """Return the counts as JSON."""
        named = {str(trait.name): [count, self.examples[trait]] for trait, count in self.counts.items()}
        return json.dumps({"images": self.images, "traits": named})

    @classmethod
    def from_json(cls, text: str | bytes) -> "TraitCounts":
        """Return the counts of `to_json`."""
        content = json.loads(text)
        result = cls(content["images"])
        for name, (count, example) in content["traits"].items():
            result._add(Trait[name], count, example)
        return result

    def _add(self, trait: Trait, count: int, example: str) -> None:
        self.counts[trait] = self.counts.get(trait, 0) + count
        self.examples.setdefault(trait, example)


_UNUSED = {
    Trait.FRAMES: (
        "images with more than one frame or page",
        "only the first is read; save the others as files of their own",
    ),
    Trait.BANDS: (
        "images with more bands than red, green and blue",
        "only these three are read, and an alpha channel that varies like a band, such as near infrared, counts as one",
    ),
}
_CONVERTED = {
    Trait.MAYBE_TURNED: "are turned by EXIF, and sizes do not tell whether their masks or polygons are turned too: "
    "these are used as they are; check the examples, or save the images without EXIF orientation",
    Trait.TURNED: "are turned by EXIF and their masks or polygons are not; these are turned to match",
    Trait.TRANSPARENT: "have transparent pixels, which are read as white",
    Trait.BIT_DEPTH: "have values of 8 to 14 bits stored in 16, which are scaled by the bit depth that covers the "
    "largest value of the set",
}


def count_traits(images: Iterable[tuple[str, Trait]]) -> TraitCounts:
    """Count images, given by name and traits."""
    counts = TraitCounts()
    for name, traits in images:
        counts.add(name, traits)
    return counts


def unused_data(traits: TraitCounts) -> tuple[UnusedData, ...]:
    """Return what is not read of images."""
    return tuple(
        UnusedData(
            kind="images",
            what=what,
            count=count,
            fraction=count / traits.images,
            reason=reason,
            example=traits.examples[trait],
        )
        for trait, (what, reason) in _UNUSED.items()
        if (count := traits.counts.get(trait, 0))
    )


def conversion_warning(traits: TraitCounts) -> str:
    """Return how unusual images are converted, or an empty string."""
    return "; ".join(
        f"{count:,} of {traits.images:,} images, such as {traits.examples[trait]}, {words}"
        for trait, words in _CONVERTED.items()
        if (count := traits.counts.get(trait, 0))
    )


def bit_depth(largest: int) -> int:
    """Return the smallest usual bit depth that covers a value."""
    return next(depth for depth in _BIT_DEPTHS if largest < 1 << depth)


def scale_to_8_bits(values: NDArray[np.uint16], depth: int) -> NDArray[np.uint8]:
    """Scale values (H, W, …) uint16 of a bit depth, 8..16, to 0..255, rounded; uint8 of the same shape."""
    white = (1 << depth) - 1
    scaled: NDArray[np.uint8] = ((values.astype(np.uint32) * 255 + white // 2) // white).astype(np.uint8)
    return scaled


def is_band(alpha: NDArray[np.uint8], file_format: str | None) -> bool:
    """Return whether an alpha channel (H, W) uint8 is a band, such as near infrared, and no transparency.

    Transparency is nearly all or nothing, and something is opaque.
    """
    extreme = (alpha == 0) | (alpha == 255)
    least = _MIN_EXTREME_TIFF if file_format == "TIFF" else _MIN_EXTREME
    return bool(extreme.mean() < least or not (alpha == 255).any())


def read_16_bit_channels(content: bytes, orientation: int) -> NDArray[np.uint16] | None:
    """Decode a PNG or TIFF of several channels with 16 bits each, of which Pillow keeps 8; None where that fails.

    Args:
        content: the file.
        orientation: its EXIF orientation, 1..8.

    Returns:
        (H, W, C) uint16, upright; red, green and blue first.
    """
    try:
        decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if decoded is None or decoded.dtype != np.uint16 or decoded.ndim != 3 or decoded.shape[2] < 3:
        return None
    return turn_upright(decoded[..., [2, 1, 0, *range(3, decoded.shape[2])]], orientation)


def turn_upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn pixels upright.

    Args:
        pixels: (H, W, …) uint8 or any other dtype, as stored.
        orientation: the EXIF orientation, 1..8.
    """
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels[:, ::-1] if orientation in (2, 3, 6, 7) else pixels
