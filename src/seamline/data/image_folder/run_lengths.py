"""Run-length encoded masks: of COCO, and brush strokes of Label Studio."""

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from seamline.data.image_folder.records import RunLengthMask
from seamline.errors import SeamlineError


def make_runs(label: str, height: int, width: int, counts: Iterable[int]) -> RunLengthMask:
    """Return a region of runs; a `ValueError` unless they are not negative and cover an image of this size."""
    runs = tuple(counts)
    if height < 1 or width < 1 or any(run < 0 for run in runs) or sum(runs) != height * width:
        raise ValueError(f"the runs of a mask cover {sum(runs):,} pixels, not {width} x {height}")
    return RunLengthMask(label, (height, width), runs)


def encode_runs(label: str, region: NDArray[np.bool_]) -> RunLengthMask:
    """Return the region where `region` (height, width) bool is true as runs."""
    height, width = region.shape
    flat = np.concatenate([[False], region.T.ravel(), [False]])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    ends = np.concatenate([[0], changes, [height * width]])
    return make_runs(label, height, width, np.diff(ends).tolist())


def decode_runs(runs: RunLengthMask, height: int, width: int, name: str) -> NDArray[np.uint8]:
    """Return a region as (height, width) uint8, 255 inside and 0 outside."""
    if runs.size != (height, width):
        raise SeamlineError(
            f"{name}: is {width} x {height} pixels (width x height), but a run-length encoded mask of it is "
            f"{runs.size[1]} x {runs.size[0]}; use the image that was annotated"
        )
    values = np.arange(len(runs.counts), dtype=np.uint8) % 2 * np.uint8(255)
    return np.ascontiguousarray(np.repeat(values, runs.counts).reshape(width, height).T)


def decode_coco_counts(text: str) -> list[int]:
    """Return the lengths of the runs that COCO writes as a string.

    A number is written in groups of five bits, the lowest first: a character is 48 plus the group, plus 32 if another
    group follows. Bit 4 of the last group is the sign. From the fourth number on, the difference to the number two
    before is written (`rleFrString` of the COCO API).

    Raises:
        ValueError: the string ends within a number, or has another character.
    """
    counts: list[int] = []
    number = shift = 0
    for letter in text:
        group = ord(letter) - 48
        if not 0 <= group < 64:
            raise ValueError(f"the character {letter!r} does not occur in run lengths")
        number |= (group & 31) << shift
        shift += 5
        if group & 32:
            if shift > 60:
                raise ValueError("a run length has too many digits")
            continue
        if group & 16:
            number -= 1 << shift
        counts.append(number + (counts[-2] if len(counts) > 2 else 0))
        number = shift = 0
    if shift:
        raise ValueError("the run lengths end within a number")
    return counts


class _CocoRuns(Struct):
    """A run-length encoded mask of COCO."""

    size: tuple[int, int]  # height and width
    counts: list[int] | str  # lengths of the runs, as numbers or compressed


def coco_runs(label: str, segmentation: dict[str, Any]) -> RunLengthMask:
    """Return the region of a COCO segmentation with `size` and `counts`, compressed or not.

    Raises:
        ValueError: it is not valid.
    """
    try:
        encoded = msgspec.convert(segmentation, _CocoRuns)
    except msgspec.ValidationError as error:
        raise ValueError(f"a run-length encoded mask is invalid: {error}") from None
    counts = decode_coco_counts(encoded.counts) if isinstance(encoded.counts, str) else encoded.counts
    height, width = encoded.size
    return make_runs(label, height, width, counts)


def decode_brush(rle: list[int], height: int, width: int) -> NDArray[np.bool_]:
    """Return a brush stroke of Label Studio as (height, width) bool.

    The bytes are a stream of bits: 32 bits of length, 5 of the size of a word less 1, four times 4 of the sizes of runs
    less 1; then runs, each of a bit (whether one word is repeated), 2 bits that choose the size, the length less 1, and
    the word or words (`decode_rle` of label-studio-converter). Values are pixels of 4 channels; the last one counts.

    Raises:
        ValueError: the bytes end early, or contain another number of values.
    """
    bits = _BitStream(rle)
    length, word_size = bits.read(32), bits.read(5) + 1
    run_sizes = [bits.read(4) + 1 for _ in range(4)]
    if length != 4 * height * width:
        raise ValueError(f"a brush stroke has {length:,} values, not those of {width} x {height} pixels")
    values = np.zeros(length, np.uint8)
    start = 0
    while start < length:
        repeats = bits.read(1)
        stop = min(start + 1 + bits.read(run_sizes[bits.read(2)]), length)
        if repeats:
            values[start:stop] = min(bits.read(word_size), 255)
        else:
            values[start:stop] = [min(bits.read(word_size), 255) for _ in range(start, stop)]
        start = stop
    return np.asarray(values.reshape(height, width, 4)[..., 3] > 0)


class _BitStream:
    """Reads numbers of several bits from bytes, the highest bit first."""

    def __init__(self, content: list[int]) -> None:
        if any(not 0 <= value < 256 for value in content):
            raise ValueError("a brush stroke contains a number that is no byte")
        self.content = bytes(content)
        self.position = 0

    def read(self, count: int) -> int:
        """Return the next number of `count` bits; a `ValueError` where the bytes end."""
        stop = self.position + count
        if stop > 8 * len(self.content):
            raise ValueError("a brush stroke ends early")
        first, last = self.position // 8, (stop + 7) // 8
        number = int.from_bytes(self.content[first:last], "big") >> (8 * last - stop)
        self.position = stop
        return number & ((1 << count) - 1)
