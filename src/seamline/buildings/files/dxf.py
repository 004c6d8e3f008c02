"""A front as DXF, y up from the lower left corner of the plane, which needs ezdxf."""

import io
from typing import TYPE_CHECKING

from seamline.buildings.files.drawing import Drawing, Layer, front_drawing
from seamline.run_folder import Front, MeasuredPhoto, Point

if TYPE_CHECKING:
    from ezdxf.layouts.layout import Modelspace

_VERSION = "R2010"  # the oldest with Unicode that has colors of 24 bits and units
_METERS, _NO_UNIT = 6, 0  # of $INSUNITS


def dxf_drawing(photo: MeasuredPhoto, front: Front) -> bytes:
    """Return a front as DXF; its unit is meters, or none where coordinates are pixels of the plane.

    Raises:
        ImportError: ezdxf is not installed.
    """
    from ezdxf.colors import rgb2int
    from ezdxf.filemanagement import new

    drawing = front_drawing(photo, front)
    document = new(_VERSION, units=_METERS if drawing.unit == "m" else _NO_UNIT)
    document.header.custom_vars.append("title", drawing.title)
    space = document.modelspace()
    for layer in drawing.layers:
        document.layers.add(layer.name, true_color=rgb2int(layer.color))
        _draw(space, layer, drawing)
    document.set_modelspace_vport(1.2 * max(drawing.width, drawing.height), (drawing.width / 2, drawing.height / 2))
    text = io.StringIO()
    document.write(text)
    return document.encode(text.getvalue())


def _draw(space: "Modelspace", layer: Layer, drawing: Drawing) -> None:
    """Add the entities of a layer."""

    def upward(point: Point) -> Point:
        return point[0], drawing.height - point[1]

    attributes = {"layer": layer.name}
    for outline in layer.outlines:
        space.add_lwpolyline([upward(point) for point in outline], close=True, dxfattribs=attributes)
    for start, end in layer.lines:
        space.add_line(upward(start), upward(end), dxfattribs=attributes)
    for label in layer.labels:
        text = space.add_text(label.text, height=drawing.text_height, dxfattribs=attributes)
        text.set_placement(upward(label.position))
