"""The rectified plane of a front as a drawing in layers, which SVG, DXF and CityJSON files hold."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

import numpy as np

from seamline.run_folder import Color, Front, MeasuredPhoto, Opening, Plane, Point, Storey

Outline = tuple[Point, ...]

_COLORS: dict[str, Color] = {
    "front": (40, 40, 40),
    "storeys": (150, 110, 0),
    "windows": (0, 90, 200),
    "inferred-windows": (120, 170, 235),
    "doors": (170, 60, 0),
    "shops": (0, 130, 90),
    "labels": (90, 90, 90),
}
"""Layer -> color, the lowest first."""

_LAYER_OF_KIND = {"window": "windows", "door": "doors", "shop": "shops"}
_TEXT_FRACTION = 1 / 40  # height of letters over that of the plane
_LETTER_WIDTH = 0.6  # mean width of a letter over its height, at most
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Label:
    """A text; its position is the lower left corner."""

    position: Point
    text: str  # one line of printable characters


@dataclass(frozen=True)
class Layer:
    """What a drawing shows of one class."""

    name: str
    color: Color
    outlines: tuple[Outline, ...] = ()
    lines: tuple[tuple[Point, Point], ...] = ()
    labels: tuple[Label, ...] = ()


@dataclass(frozen=True)
class Drawing:
    """A front's plane; x to the right and y down from its upper left corner, in `unit`."""

    title: str  # one line of printable characters
    unit: Literal["m", "px"]  # meters, or pixels of the plane where no scale is known
    width: float  # of the plane
    height: float  # of the plane
    text_height: float
    layers: tuple[Layer, ...]

    @property
    def right(self) -> float:
        """Where the plane and its texts end, by an estimate of the texts' widths."""
        labels = (label for layer in self.layers for label in layer.labels)
        ends = (label.position[0] + _LETTER_WIDTH * self.text_height * len(label.text) for label in labels)
        return max(self.width, *ends)


def front_drawing(photo: MeasuredPhoto, front: Front) -> Drawing:
    """Draw a front: its outline, openings, storeys and texts, in meters where `plane_scale` knows them."""
    scale = plane_scale(front)
    unit: Literal["m", "px"] = "px" if scale is None else "m"
    x_scale, y_scale = scale or (1.0, 1.0)

    def scaled(points: Sequence[Point]) -> Outline:
        return tuple((x * x_scale, y * y_scale) for x, y in points)

    width, height = front.plane.width * x_scale, front.plane.height * y_scale
    title = _title(photo, front, unit)
    text_height = height * _TEXT_FRACTION
    outlines: dict[str, list[Outline]] = {name: [] for name in _COLORS}
    outlines["front"].append(scaled(plane_outline(front)))
    for opening in front.openings:
        outlines[_layer_name(opening)].append(scaled(opening.outline))
    lines = {"storeys": tuple(_storey_lines(front.storeys, width, y_scale))}
    labels = {
        "labels": (
            Label((0.0, -text_height / 2), title),
            *(_storey_label(storey, width, y_scale, text_height) for storey in front.storeys),
        )
    }
    layers = tuple(
        Layer(name, color, tuple(outlines[name]), lines.get(name, ()), labels.get(name, ()))
        for name, color in _COLORS.items()
    )
    return Drawing(title, unit, width, height, text_height, layers)


def plane_scale(front: Front) -> tuple[float, float] | None:
    """Return meters per pixel of a front's plane, horizontal and vertical; None where not both are known.

    Where the plane has one scale, the given one is that of both. Elsewhere they follow from the width and height of the
    front, if these are known.
    """
    plane = front.plane
    if plane.meters_per_pixel and plane.true_aspect:
        return plane.meters_per_pixel, plane.meters_per_pixel
    if front.width_m and front.height_m:
        corners = np.array(plane_outline(front))
        width, height = np.ptp(corners, axis=0).tolist()
        if width > 0 and height > 0:
            return front.width_m / width, front.height_m / height
    return None


def plane_outline(front: Front) -> Outline:
    """Return a front's outline in its plane, in pixels, within the plane.

    Where the outline lies behind the camera for the homography, or covers no area, it is the plane's rectangle.
    """
    plane = front.plane
    points = np.array([(x, y, 1.0) for x, y in front.outline]).reshape(-1, 3)
    mapped = points @ np.reshape(plane.homography, (3, 3)).T
    depth = mapped[:, 2:]
    if len(points) and ((depth > 0).all() or (depth < 0).all()):
        with np.errstate(over="ignore"):  # a point at the horizon, which is clipped
            inside = np.clip(mapped[:, :2] / depth, 0, (plane.width, plane.height))
        if np.isfinite(inside).all() and np.ptp(inside, axis=0).min() > 0:
            return tuple((x, y) for x, y in inside.tolist())
    return _rectangle(plane)


def printable(text: str) -> str:
    """Return a text as one line that XML and DXF can hold; other characters become spaces."""
    return _UNPRINTABLE.sub(" ", text)


def _rectangle(plane: Plane) -> Outline:
    width, height = float(plane.width), float(plane.height)
    return (0.0, 0.0), (width, 0.0), (width, height), (0.0, height)


def _layer_name(opening: Opening) -> str:
    if opening.inferred:
        return "inferred-windows"
    return _LAYER_OF_KIND[opening.kind]


def _storey_lines(storeys: Sequence[Storey], width: float, y_scale: float) -> Iterator[tuple[Point, Point]]:
    """Yield a horizontal line at each top and bottom of storeys, once where two storeys meet."""
    for y in sorted({storey.top for storey in storeys} | {storey.bottom for storey in storeys}):
        yield (0.0, y * y_scale), (width, y * y_scale)


def _storey_label(storey: Storey, width: float, y_scale: float, text_height: float) -> Label:
    """Return the measures of a storey, which stand to the right of the plane."""
    name = "ground floor" if storey.ground else f"storey {storey.number}"
    text = f"{name}: windows {storey.windows}, WWR {storey.wwr.value:.2f}"
    return Label((width + text_height / 2, storey.bottom * y_scale - text_height / 2), text)


def _title(photo: MeasuredPhoto, front: Front, unit: str) -> str:
    name = PurePath(photo.file).name
    measures = f"windows {front.windows}, storeys {len(front.storeys)}, WWR {front.wwr.value:.2f}"
    units = "in meters" if unit == "m" else "in pixels, no scale known"
    return printable(f"{name}, front {front.number}: {measures}; {units}")
