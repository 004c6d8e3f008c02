"""Receptive fields: which part of the image an output of each function depends on.

Along height and along width, each position of a map has the interval of the image's pixels that it depends on. A window
of k inputs, at dilation d and stride s, joins k intervals: in a chain of layers, away from the borders, that is the
usual recursion of the size r and the step j, r + (k - 1) d j and j s (Araujo, Norris, Sim, Computing receptive fields
of convolutional neural networks, Distill, 2019). Intervals are exact for branches, upsampling and borders too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

WINDOWS = ("conv1d", "conv2d", "conv_transpose2d", "max_pool2d", "avg_pool2d")
"""Functions that slide a window over their input."""
_POOL = ("input", "kernel_size", "stride", "padding")
_CONVOLUTION = ("input", "weight", "bias", "stride", "padding")
_ARGUMENTS = {
    "conv1d": (*_CONVOLUTION, "dilation"),
    "conv2d": (*_CONVOLUTION, "dilation"),
    "conv_transpose2d": (*_CONVOLUTION, "output_padding", "groups", "dilation"),
    "max_pool2d": (*_POOL, "dilation"),
    "avg_pool2d": _POOL,
    "interpolate": ("input", "size", "scale_factor", "mode", "align_corners"),
    "pixel_shuffle": ("input", "upscale_factor"),
    "pad": ("input", "pad", "mode"),
    "__getitem__": ("input", "index"),
    "mean": ("input", "dim"),
    "linear": ("input", "weight"),
}
_FAR = 1 << 40

Axis = NDArray[np.int64]
"""(2, n): the first and the last pixel of the image that each of n positions depends on; `_FAR` and less for none."""


@dataclass(frozen=True, eq=False)
class Field:
    """Receptive fields of all positions of a map; an axis of one position stands for all."""

    rows: Axis
    columns: Axis

    @classmethod
    def of_image(cls, height: int, width: int) -> "Field":
        """Return the fields of the pixels of an image: themselves."""
        rows, columns = (np.tile(np.arange(side), (2, 1)) for side in (height, width))
        return cls(rows, columns)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the largest of them, in pixels."""
        rows, columns = (int(max(0, (axis[1] - axis[0] + 1).max())) for axis in (self.rows, self.columns))
        return rows, columns

    @property
    def union(self) -> "Field":
        """What all positions together depend on."""
        return Field(_union(self.rows), _union(self.columns))


def join_fields(fields: Sequence[Field]) -> Field:
    """Return the fields of what depends on several maps; maps of other sizes are joined as a whole."""
    joined = []
    for each in ([one.rows for one in fields], [one.columns for one in fields]):
        length = max(axis.shape[1] for axis in each)
        spread = [np.broadcast_to(axis if axis.shape[1] == length else _union(axis), (2, length)) for axis in each]
        joined.append(np.stack([np.min([one[0] for one in spread], 0), np.max([one[1] for one in spread], 0)]))
    return Field(*joined)


def arguments(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a function of PyTorch by name."""
    return dict(zip(_ARGUMENTS.get(name, ("input",)), args, strict=False)) | dict(kwargs)


def window_of(name: str, given: Mapping[str, Any]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the sides of the window of a convolution or pooling, and its strides; empty for other functions."""
    if name not in WINDOWS:
        return (), ()
    if "weight" in given:
        kernel = tuple(given["weight"].shape[2:])
        return kernel, _spread(given.get("stride", 1), len(kernel))
    kernel = _spread(given["kernel_size"], 2)
    return kernel, _spread(given.get("stride") or kernel, 2)


def field_behind(name: str, given: Mapping[str, Any], output: Tensor, field: Field) -> Field:
    """Return the receptive fields of a function's output.

    Args:
        name: name of the function. One that is not known here works on each position alone where it keeps the size of
            maps; else each output depends on all positions.
        given: its arguments by name, `input` (B, C, ...) among them.
        output: (B, D, ...) float32, what it returns.
        field: the fields of its inputs.
    """
    axes, inputs = (field.rows, field.columns), given.get("input")
    if name == "conv1d":  # along the axis that is left
        along = int(axes[0].shape[1] == 1)
        return Field(
            *(_slide(one, given, 0, output.shape[2]) if axis == along else one for axis, one in enumerate(axes))
        )
    if name == "mean" and isinstance(inputs, Tensor):
        lost = [one % inputs.ndim for one in _spread(given.get("dim", (2, 3)), 1)]
        return Field(*(_union(one) if axis + 2 in lost else one for axis, one in enumerate(axes)))
    rule = _RULES.get(name)
    if rule is not None and isinstance(inputs, Tensor) and inputs.ndim == output.ndim == 4:
        sides = inputs.shape[2:]
        whole = [np.broadcast_to(one, (2, side)) for one, side in zip(axes, sides, strict=True)]
        return Field(*(rule(one, given, axis, output.shape[2 + axis]) for axis, one in enumerate(whole)))
    places = [output.shape[2:], output.shape[1:3]] if output.ndim == 4 else []  # channels come first or last
    lengths = [one.shape[1] for one in axes]
    pointwise = any(all(n in (1, side) for n, side in zip(lengths, at, strict=True)) for at in places)
    return field if pointwise else field.union


def _union(axis: Axis) -> Axis:
    """Return what all positions together depend on, (2, 1)."""
    return np.array([[axis[0].min()], [axis[1].max()]])


def _gather(axis: Axis, places: NDArray[np.int64]) -> Axis:
    """Join the intervals of several positions for each output.

    Args:
        axis: (2, n) the intervals of the inputs.
        places: (m, k) int64, the inputs that each of m outputs depends on; those outside 0..n-1 are padding.

    Returns:
        (2, m).
    """
    inside = (places >= 0) & (places < axis.shape[1])
    at = places.clip(0, axis.shape[1] - 1)
    return np.stack([np.where(inside, axis[0][at], _FAR).min(1), np.where(inside, axis[1][at], -_FAR).max(1)])


def _slide(axis: Axis, given: Mapping[str, Any], along: int, count: int) -> Axis:
    """Slide the window of a convolution or pooling."""
    kernel, stride, dilation, padding = _window(given, along)
    return _gather(axis, np.arange(count)[:, None] * stride - padding + np.arange(kernel) * dilation)


def _slide_transposed(axis: Axis, given: Mapping[str, Any], along: int, count: int) -> Axis:
    """Spread each input over the window of a transposed convolution: output o = i s - p + t d."""
    kernel, stride, dilation, padding = _window(given, along)
    ahead = np.arange(count)[:, None] + padding - np.arange(kernel) * dilation
    return _gather(axis, np.where(ahead % stride == 0, ahead // stride, -1))


def _window(given: Mapping[str, Any], along: int) -> tuple[int, int, int, int]:
    """Return side, stride, dilation and padding of a window along an axis."""
    name = "conv2d" if "weight" in given else "max_pool2d"
    kernel, stride = window_of(name, given)
    dilation = _spread(given.get("dilation", 1), len(kernel))
    padding = given.get("padding", 0)
    same = [apart * (side - 1) // 2 for side, apart in zip(kernel, dilation, strict=True)]
    before = same if padding == "same" else (0, 0) if padding == "valid" else _spread(padding, len(kernel))
    return kernel[along], stride[along], dilation[along], before[along]


def _resize(axis: Axis, given: Mapping[str, Any], _: int, count: int) -> Axis:
    """Interpolate: two neighbors for each output, four for bicubic interpolation, one for the nearest."""
    length, mode = axis.shape[1], given.get("mode", "nearest")
    if mode.startswith("nearest"):
        return _gather(axis, np.arange(count)[:, None] * length // count)
    if given.get("align_corners"):
        source = np.arange(count) * (length - 1) / max(1, count - 1)
    else:
        source = (np.arange(count) + 0.5) * length / count - 0.5
    first = np.floor(source).astype(np.int64)
    reach = [0] if np.array_equal(first, source) else [-1, 0, 1, 2] if mode == "bicubic" else [0, 1]
    return _gather(axis, (first[:, None] + reach).clip(0, length - 1))


def _adapt(axis: Axis, _: Mapping[str, Any], __: int, count: int) -> Axis:
    """Pool to a number of outputs, whatever the number of inputs."""
    length = axis.shape[1]
    first, end = np.arange(count) * length // count, -(-(np.arange(count) + 1) * length // count)
    widest = int((end - first).max())
    return _gather(axis, np.minimum(first[:, None] + np.arange(widest), end[:, None] - 1))


def _shuffle(axis: Axis, _: Mapping[str, Any], __: int, count: int) -> Axis:
    """Divide each position into several."""
    return axis.repeat(count // axis.shape[1], 1)


def _pad(axis: Axis, given: Mapping[str, Any], along: int, count: int) -> Axis:
    """Add positions: of zeros, or copies of the borders."""
    sides = given["pad"]  # left, right, top, bottom
    before = sides[2 * (1 - along)] if len(sides) > 2 * (1 - along) else 0
    places = np.arange(count)[:, None] - before
    return _gather(axis, places if given.get("mode", "constant") == "constant" else places.clip(0, axis.shape[1] - 1))


def _crop(axis: Axis, given: Mapping[str, Any], along: int, count: int) -> Axis:
    """Take some positions, by slices of the last two axes."""
    index = given["index"]
    part = index[along - 2] if isinstance(index, tuple) and len(index) > 1 else slice(None)
    chosen = axis[:, part] if isinstance(part, slice) else axis
    return chosen if chosen.shape[1] == count else np.broadcast_to(_union(axis), (2, count))


_RULES: dict[str, Callable[[Axis, Mapping[str, Any], int, int], Axis]] = {
    "conv2d": _slide,
    "max_pool2d": _slide,
    "avg_pool2d": _slide,
    "conv_transpose2d": _slide_transposed,
    "interpolate": _resize,
    "adaptive_avg_pool2d": _adapt,
    "adaptive_max_pool2d": _adapt,
    "pixel_shuffle": _shuffle,
    "pad": _pad,
    "__getitem__": _crop,
}
"""Function -> the intervals of its outputs along an axis, from those of its inputs."""


def _spread(value: Any, count: int) -> tuple[int, ...]:
    """Return a number for each axis, where one stands for all."""
    values = tuple(value) if isinstance(value, list | tuple) else (value,)
    return values * count if len(values) == 1 else values
