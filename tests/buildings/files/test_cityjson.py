import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from numpy.typing import NDArray

from measures_factories import (
    changed_front,
    garage_front,
    house_front,
    house_photo,
    opening,
    rectangle,
    rectified_plane,
    yard_photo,
)
from seamline.buildings.files.cityjson import city_model
from seamline.run_folder import MeasuredPhoto

pytest.importorskip("shapely", reason="the extra `buildings` is not installed")
jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")

SCHEMA = os.environ.get("CITYJSON_SCHEMA")
NUMBERS = {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3}
INTEGERS = {"type": "array", "items": {"type": "integer", "minimum": 0}}
RULES = {
    "type": "object",
    "required": ["type", "version", "transform", "CityObjects", "vertices"],
    "properties": {
        "type": {"const": "CityJSON"},
        "version": {"const": "2.0"},
        "transform": {
            "required": ["scale", "translate"],
            "properties": {"scale": NUMBERS, "translate": NUMBERS},
            "additionalProperties": False,
        },
        "metadata": {"properties": {"title": {"type": "string"}}, "additionalProperties": False},
        "vertices": {"items": {"type": "array", "items": {"type": "integer"}, "minItems": 3, "maxItems": 3}},
        "CityObjects": {
            "additionalProperties": {
                "required": ["type", "geometry"],
                "properties": {
                    "type": {"const": "Building"},
                    "attributes": {"type": "object"},
                    "geometry": {
                        "items": {
                            "required": ["type", "lod", "boundaries"],
                            "properties": {
                                "type": {"const": "MultiSurface"},
                                "lod": {"type": "string", "pattern": r"^\d(\.\d)?$"},
                                "boundaries": {"items": {"type": "array", "items": INTEGERS, "minItems": 1}},
                                "semantics": {
                                    "required": ["surfaces", "values"],
                                    "properties": {
                                        "surfaces": {
                                            "items": {
                                                "properties": {"type": {"enum": ["WallSurface", "Window", "Door"]}}
                                            }
                                        },
                                        "values": INTEGERS,
                                    },
                                },
                            },
                            "additionalProperties": False,
                        }
                    },
                },
                "additionalProperties": False,
            }
        },
    },
    "additionalProperties": False,
}
"""What CityJSON 2.0 says about the parts that are written, sections 2 to 6."""


def parsed(photo: MeasuredPhoto) -> Any:
    """The model, after a check of the rules that a schema cannot hold."""
    content = city_model(photo)
    assert content is not None
    model = json.loads(content)
    jsonschema.validate(model, RULES)
    vertices = [tuple(vertex) for vertex in model["vertices"]]
    assert len(set(vertices)) == len(vertices)
    rings = [ring for _, _, surface in surfaces(model) for ring in surface]
    assert {number for ring in rings for number in ring} == {*range(len(vertices))}
    assert all(len(set(ring)) == len(ring) >= 3 for ring in rings)  # no ring repeats its first vertex
    for building in model["CityObjects"].values():
        (geometry,) = building["geometry"]
        semantics = geometry["semantics"]
        assert len(semantics["values"]) == len(geometry["boundaries"])
        assert {*semantics["values"]} == {*range(len(semantics["surfaces"]))}
        for number, surface in enumerate(semantics["surfaces"]):
            assert all(semantics["surfaces"][child]["parent"] == number for child in surface.get("children", ()))
            assert "parent" not in surface or number in semantics["surfaces"][surface["parent"]]["children"]
    for _, _, (outer, *holes) in surfaces(model):
        assert area(model, outer) > 0  # counterclockwise as seen from the street
        assert all(area(model, hole) < 0 for hole in holes)
    return model


def surfaces(model: Any) -> Iterator[tuple[str, Any, list[list[int]]]]:
    """The building, the semantic surface and the rings of each polygon."""
    for name, building in model["CityObjects"].items():
        (geometry,) = building["geometry"]
        values = geometry["semantics"]["values"]
        for number, rings in zip(values, geometry["boundaries"], strict=True):
            yield name, geometry["semantics"]["surfaces"][number], rings


def points(model: Any, ring: list[int]) -> NDArray[np.float64]:
    """The points (N, 3) of a ring in meters."""
    transform = model["transform"]
    scale, shift = (np.array(transform[name], np.float64) for name in ("scale", "translate"))
    return np.array(model["vertices"], np.float64)[ring] * scale + shift


def area(model: Any, ring: list[int]) -> float:
    """The area of a ring in square meters, positive where its normal by the right hand points along -y."""
    corners = points(model, ring)
    return float(-np.cross(corners, np.roll(corners, -1, axis=0)).sum(axis=0)[1] / 2)


def test_a_wall_has_its_openings_as_surfaces_and_holes() -> None:
    model = parsed(house_photo())
    kinds = Counter(surface["type"] for _, surface, _ in surfaces(model))
    assert kinds == {"WallSurface": 1, "Window": 9, "Door": 1}  # 8 windows and a shop; the inferred one is left out
    areas: Counter[str] = Counter()
    for _, surface, rings in surfaces(model):
        areas[surface.get("kind", "wall")] += sum(area(model, ring) for ring in rings)  # type: ignore[assignment]
    assert areas["window"] == pytest.approx(25.44)
    assert areas["shop"] == pytest.approx(5.6 * 2.8)
    assert areas["door"] == pytest.approx(1.6 * 3.2)
    assert areas["wall"] == pytest.approx(16 * 12 - 25.44 - 5.6 * 2.8 - 1.6 * 3.2)
    name, wall, (outer, *holes) = next(surfaces(model))
    assert name == "Main Street 1"
    assert (wall["windowToWallRatio"], wall["storeys"], wall["azimuth"]) == (0.1325, 3, 181.5)
    assert len(holes) == 9
    assert len(outer) == 8  # the door reaches the ground: a notch
    corners = points(model, outer)
    np.testing.assert_allclose(corners.min(axis=0), (0, 0, 0))
    np.testing.assert_allclose(corners.max(axis=0), (16, 0, 12))


def test_fronts_stand_side_by_side() -> None:
    garage = structs.replace(garage_front(), width_m=6.0, height_m=5.0)
    model = parsed(house_photo(fronts=(house_front(), garage)))
    walls = [points(model, rings[0]) for _, surface, rings in surfaces(model) if surface["type"] == "WallSurface"]
    assert [(wall[:, 0].min(), wall[:, 0].max()) for wall in walls] == [(0, 16), (17, 23)]
    apart = parsed(house_photo(fronts=(house_front(), structs.replace(garage, building=None))))
    assert [*apart["CityObjects"]] == ["Main Street 1", "house"]


def test_there_is_no_model_without_a_scale() -> None:
    assert city_model(yard_photo()) is None
    assert city_model(house_photo(fronts=())) is None


def test_openings_over_others_and_outside_are_cut() -> None:
    plane = rectified_plane(((0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (0.0, 100.0)), 100, 100)
    plane = structs.replace(plane, meters_per_pixel=0.1, true_aspect=True)
    front = structs.replace(
        house_front(),
        plane=plane,
        outline=plane.corners,
        openings=(
            opening(plane, "window", rectangle((-20, 10, 20, 30))),  # half outside: 2 x 2 m remain
            opening(plane, "window", rectangle((10, 20, 40, 40))),  # 3 x 2 m, less 1 x 1 m that is taken
            opening(plane, "window", rectangle((12, 22, 18, 28))),  # within both: nothing remains
        ),
    )
    model = parsed(house_photo(fronts=(front,)))
    areas = [sum(area(model, ring) for ring in rings) for _, _, rings in surfaces(model)]
    assert areas == pytest.approx([100 - 4 - 5, 4, 5])


HOUSE = house_photo()
BOXES = st.tuples(st.integers(-20, 120), st.integers(-20, 120), st.integers(1, 60), st.integers(1, 60))


@settings(max_examples=50)
@given(st.lists(BOXES, max_size=6))
def test_any_boxes_make_a_valid_model_of_the_whole_wall(boxes: list[tuple[int, int, int, int]]) -> None:
    plane = HOUSE.fronts[0].plane
    outlines = [rectangle((x, y, x + width, y + height)) for x, y, width, height in boxes]
    model = parsed(changed_front(HOUSE, openings=tuple(opening(plane, "window", outline) for outline in outlines)))
    total = sum(area(model, ring) for _, _, rings in surfaces(model) for ring in rings)
    assert total == pytest.approx(16 * 12)


@pytest.mark.skipif(SCHEMA is None, reason="CITYJSON_SCHEMA does not name cityjson.min.schema.json of version 2.0")
def test_it_is_valid_by_the_official_schema() -> None:
    schema = json.loads(Path(SCHEMA or "").read_text(encoding="utf-8"))
    assert "2.0" in schema["title"]
    jsonschema.validate(parsed(house_photo()), schema)
