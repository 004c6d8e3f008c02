"""The fronts of a photo as a city model in CityJSON 2.0: walls with windows and doors (LoD 3), which needs shapely.

Source: CityJSON Specifications 2.0.1, https://www.cityjson.org/specs/2.0.1/
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seamline.buildings.files.drawing import Outline, plane_outline, plane_scale, printable
from seamline.run_folder import Front, MeasuredPhoto, Opening, to_json

if TYPE_CHECKING:
    from shapely import Geometry, Polygon

_SCALE = 0.001  # meters of a unit of vertices
_GAP = 1_000  # units between two fronts
_PLACEMENT = "Fronts of one photo stand side by side along x; how they lie to one another is unknown."

Ring = tuple[int, ...]


@dataclass
class Vertices:
    """The vertices of a city model in units of a millimeter, each once."""

    numbers: dict[tuple[int, int, int], int] = field(default_factory=dict)

    def ring(self, points: Iterable[Sequence[float]], left: int) -> Ring:
        """Return a closed ring of points (x, z) as numbers of vertices; its first point is not repeated.

        Args:
            points: of the ring, the last equal to the first.
            left: what is added to x.
        """
        rounded = [(round(x) + left, 0, round(z)) for x, z in list(points)[:-1]]
        distinct = [point for index, point in enumerate(rounded) if point != rounded[index - 1]]
        return tuple(self.numbers.setdefault(point, len(self.numbers)) for point in distinct)


@dataclass(frozen=True)
class Surface:
    """A semantic surface with its polygons."""

    polygons: tuple["Polygon", ...]
    attributes: dict[str, Any]
    parent: int | None = None  # the index of the wall among the surfaces


def city_model(photo: MeasuredPhoto) -> bytes | None:
    """Return the fronts of a photo whose scale is known as CityJSON; None where there are none.

    A building has one geometry, with a wall for each of its fronts. x runs along the front, z up from the lower edge of
    the rectified plane, in meters; the front looks along -y, and has no depth. Windows that are hidden and not counted
    are left out.

    Raises:
        ImportError: shapely is not installed.
    """
    vertices = Vertices()
    objects: dict[str, Any] = {}
    left = 0
    for front in photo.fronts:
        scale = plane_scale(front)
        if scale is None:
            continue
        surfaces = _surfaces(front, scale)
        if surfaces:
            name = front.building or photo.stem
            building = objects.setdefault(name, _building(photo))
            _add_surfaces(building["geometry"][0], surfaces, vertices, left)
            left += math.ceil(front.plane.width * scale[0] / _SCALE) + _GAP
    if not objects:
        return None
    return to_json(
        {
            "type": "CityJSON",
            "version": "2.0",
            "transform": {"scale": [_SCALE] * 3, "translate": [0.0, 0.0, 0.0]},
            "metadata": {"title": printable(f"Fronts of {photo.stem}")},
            "CityObjects": objects,
            "vertices": list(vertices.numbers),
        }
    )


def _building(photo: MeasuredPhoto) -> dict[str, Any]:
    """Return a building without surfaces."""
    geometry = {"type": "MultiSurface", "lod": "3", "boundaries": [], "semantics": {"surfaces": [], "values": []}}
    placement = {"placement": _PLACEMENT} if len(photo.fronts) > 1 else {}
    return {"type": "Building", "attributes": {"photo": photo.file, **placement}, "geometry": [geometry]}


def _add_surfaces(geometry: dict[str, Any], surfaces: Sequence[Surface], vertices: Vertices, left: int) -> None:
    """Add the surfaces of a front, the wall first, to the geometry of its building."""
    semantics = geometry["semantics"]
    wall = len(semantics["surfaces"])
    for number, surface in enumerate(surfaces, start=wall):
        link: dict[str, Any] = {"children": list(range(wall + 1, wall + len(surfaces)))} if number == wall else {}
        if number > wall:
            link = {"parent": wall}
        semantics["surfaces"].append(surface.attributes | link)
        for polygon in surface.polygons:
            rings = (polygon.exterior, *polygon.interiors)
            geometry["boundaries"].append([vertices.ring(ring.coords, left) for ring in rings])
            semantics["values"].append(number)


def _surfaces(front: Front, scale: tuple[float, float]) -> list[Surface]:
    """Return the wall of a front and its openings; nothing where it covers no area.

    An opening that reaches the edge of the wall is a notch in it, because a hole must not touch the outer ring. Parts
    of openings outside the wall, or over another opening, are cut off.
    """
    from shapely import Polygon, union_all

    def polygon(outline: Outline) -> "Geometry":
        height = front.plane.height
        points = [(round(x * scale[0] / _SCALE), round((height - y) * scale[1] / _SCALE)) for x, y in outline]
        return Polygon(points).buffer(0)  # resolves outlines that cross themselves

    wall = polygon(plane_outline(front))
    surfaces: list[Surface] = []
    covered: list[Geometry] = []
    for opening in front.openings:
        if opening.inferred and not opening.counted:
            continue
        area = polygon(opening.outline).intersection(wall).difference(union_all(covered))
        if parts := _polygons(area):
            surfaces.append(Surface(parts, _opening_attributes(opening)))
            covered.append(area)
    walls = _polygons(wall.difference(union_all(covered)))
    return [Surface(walls, _wall_attributes(front)), *surfaces] if walls else []


def _polygons(geometry: "Geometry") -> tuple["Polygon", ...]:
    """Return the polygons of a geometry on whole units, outer rings counterclockwise as seen from the street."""
    from shapely import get_parts, set_precision
    from shapely.geometry.polygon import orient

    parts = get_parts(set_precision(geometry, 1.0))
    return tuple(orient(part) for part in parts if part.geom_type == "Polygon" and not part.is_empty)


def _wall_attributes(front: Front) -> dict[str, Any]:
    return {
        "type": "WallSurface",
        "front": front.number,
        "windows": front.windows,
        "storeys": len(front.storeys),
        "windowToWallRatio": front.wwr.value,
        **({} if front.azimuth is None else {"azimuth": front.azimuth}),
    }


def _opening_attributes(opening: Opening) -> dict[str, Any]:
    """Return a window or door; a shop window is a window."""
    return {
        "type": "Door" if opening.kind == "door" else "Window",
        "kind": opening.kind,
        "probability": opening.probability,
        **({} if opening.storey is None else {"storey": opening.storey}),
        **({"inferred": True} if opening.inferred else {}),
        **({"assumed": True} if opening.assumed else {}),
    }
