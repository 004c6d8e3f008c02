"""A front as SVG, a group for each layer, which Inkscape shows as layers."""

from collections.abc import Iterable, Iterator
from html import escape

from seamline.buildings.files.drawing import Drawing, Layer, front_drawing
from seamline.run_folder import Front, MeasuredPhoto, Point

_MM_PER_METER = 10  # printed at 1 : 100


def svg_drawing(photo: MeasuredPhoto, front: Front) -> bytes:
    """Return a front as SVG; coordinates are meters, printed at 1 : 100, or pixels of the plane."""
    drawing = front_drawing(photo, front)
    margin = 2 * drawing.text_height
    width, height = drawing.right + 2 * margin, drawing.height + 2 * margin
    factor, unit = (_MM_PER_METER, "mm") if drawing.unit == "m" else (1, "px")
    size = f'width="{_number(width * factor)}{unit}" height="{_number(height * factor)}{unit}"'
    box = " ".join(map(_number, (-margin, -margin, width, height)))
    lines = (
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" '
        f'{size} viewBox="{box}">',
        f"<title>{escape(drawing.title)}</title>",
        *(line for layer in drawing.layers for line in _group(drawing, layer)),
        "</svg>",
        "",
    )
    return "\n".join(lines).encode()


def _group(drawing: Drawing, layer: Layer) -> Iterator[str]:
    """Yield the lines of a layer."""
    color = "#{:02x}{:02x}{:02x}".format(*layer.color)
    yield (
        f'<g id="{layer.name}" inkscape:groupmode="layer" inkscape:label="{layer.name}" fill="none" stroke="{color}" '
        f'stroke-width="{_number(drawing.text_height / 10)}">'
    )
    for outline in layer.outlines:
        yield f'<polygon points="{_points(outline)}"/>'
    for line in layer.lines:
        yield f'<polyline points="{_points(line)}"/>'
    for label in layer.labels:
        x, y = map(_number, label.position)
        yield (
            f'<text x="{x}" y="{y}" font-size="{_number(drawing.text_height)}" font-family="sans-serif" '
            f'fill="{color}" stroke="none">{escape(label.text)}</text>'
        )
    yield "</g>"


def _points(points: Iterable[Point]) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)


def _number(value: float) -> str:
    """Return a coordinate with at most four digits after the point: a tenth of a millimeter."""
    return f"{round(value, 4) + 0.0:.4f}".rstrip("0").rstrip(".")
