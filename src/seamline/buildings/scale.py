"""The scale of a front: meters for a pixel of its plane."""

from collections.abc import Sequence
from dataclasses import dataclass

from seamline.buildings.measures import FrontContents
from seamline.buildings.options import MeasureOptions
from seamline.buildings.plane_view import PlaneView


@dataclass(frozen=True)
class Scale:
    """Meters for a pixel of a plane; None where not known."""

    vertical: float | None = None
    horizontal: float | None = None  # None too where widths and heights have different scales
    true_aspect: bool = False  # whether the user says that widths and heights have one scale
    notes: tuple[str, ...] = ()  # what was assumed, in sentences

    def height(self, pixels: float) -> float | None:
        """Return a height in meters."""
        return pixels * self.vertical if self.vertical and pixels > 0 else None

    def width(self, pixels: float) -> float | None:
        """Return a width in meters."""
        return pixels * self.horizontal if self.horizontal and pixels > 0 else None

    def area(self, pixels: float) -> float | None:
        """Return an area in square meters."""
        return pixels * self.vertical * self.horizontal if self.vertical and self.horizontal and pixels > 0 else None


def find_scale(
    view: PlaneView, contents: FrontContents, options: MeasureOptions, cut_off: Sequence[str], factor: float
) -> Scale:
    """Find the scale of a front by what the user knows of it.

    Args:
        view: what the photo shows of the front.
        contents: its storeys.
        options: of measuring: the height of the front, of a storey, or of a pixel.
        cut_off: sides on which the photo ends before the front does.
        factor: side of the photo over that of the reduced one.
    """
    if options.pixel_size_m is not None:  # of the photo, which the user says is to scale
        vertical = options.pixel_size_m * factor * view.photo_scale
        return Scale(vertical, vertical, true_aspect=True)
    if options.height_m is not None:
        if {"top", "bottom"} & {*cut_off}:
            return Scale(notes=("Its height is cut off, so the given height gives no scale.",))
        return _of_height(options.height_m, view.visible_size[1], view)
    if options.storey_height_m is not None:
        if contents.pitch is None:
            return Scale(notes=("It has fewer than two storeys, so the given height of a storey gives no scale.",))
        return _of_height(options.storey_height_m, contents.pitch, view)
    return Scale()


def _of_height(meters: float, pixels: float, view: PlaneView) -> Scale:
    """Return the scale by a known height."""
    vertical = meters / max(1.0, pixels)
    if view.plane.true_aspect:
        return Scale(vertical, vertical)
    return Scale(vertical, notes=("Widths have no scale: the focal length is not known.",))
