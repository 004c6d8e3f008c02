from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import structs

from measures_factories import garage_front, house_front, house_photo
from seamline.buildings.files.drawing import front_drawing, plane_outline, plane_scale, printable


def test_coordinates_are_meters_where_the_plane_has_one_scale() -> None:
    drawing = front_drawing(house_photo(), house_front())
    assert (drawing.unit, drawing.width, drawing.height) == ("m", 16, 12)
    layers = {layer.name: layer for layer in drawing.layers}
    np.testing.assert_allclose(layers["front"].outlines, [[(0, 0), (16, 0), (16, 12), (0, 12)]], atol=1e-6)
    np.testing.assert_allclose(layers["doors"].outlines, [[(4.8, 8.8), (6.4, 8.8), (6.4, 12), (4.8, 12)]])
    np.testing.assert_allclose(layers["inferred-windows"].outlines[0][0], (13.2, 0.6))
    counts = {name: len(layer.outlines) for name, layer in layers.items()}
    assert counts == {
        "front": 1,
        "storeys": 0,
        "windows": 8,
        "inferred-windows": 1,
        "doors": 1,
        "shops": 1,
        "labels": 0,
    }
    assert [start[1] for start, _ in layers["storeys"].lines] == [0, 4, 8, 12]
    assert [label.text for label in layers["labels"].labels] == [
        "house.jpg, front 1: windows 8, storeys 3, WWR 0.13; in meters",
        "ground floor: windows 1, WWR 0.05",
        "storey 1: windows 4, WWR 0.20",
        "storey 2: windows 3, WWR 0.15",
    ]


def test_coordinates_are_pixels_where_no_scale_is_known() -> None:
    drawing = front_drawing(house_photo(), garage_front())
    assert (drawing.unit, drawing.width, drawing.height) == ("px", 600, 500)
    assert drawing.title.endswith("in pixels, no scale known")


@pytest.mark.parametrize(
    ("of_plane", "of_front", "scale"),
    [
        ({}, {}, (0.04, 0.04)),
        ({"true_aspect": False}, {}, (0.04, 0.04)),  # 16 m / 400 and 12 m / 300 pixels
        ({"true_aspect": False}, {"width_m": 20.0}, (0.05, 0.04)),
        ({"meters_per_pixel": None}, {"width_m": 20.0}, (0.05, 0.04)),
        ({"true_aspect": False}, {"width_m": None}, None),  # the height alone
        ({"meters_per_pixel": None}, {"width_m": None, "height_m": None}, None),
    ],
)
def test_a_scale_needs_both_directions(of_plane: dict[str, Any], of_front: dict[str, Any], scale: Any) -> None:
    front = house_front()
    changed = structs.replace(front, plane=structs.replace(front.plane, **of_plane), **of_front)
    assert plane_scale(changed) == (pytest.approx(scale) if scale else None)


@example((0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 5e-324), [(0.0, 0.0)] * 3)
@given(st.tuples(*[st.floats(-1e3, 1e3)] * 9), st.lists(st.tuples(*[st.floats(-1e5, 1e5)] * 2), max_size=6))
def test_an_outline_is_within_the_plane_whatever_the_homography(
    homography: tuple[float, ...], outline: list[tuple[float, float]]
) -> None:
    front = house_front()
    plane = structs.replace(front.plane, homography=homography)
    points = np.array(plane_outline(structs.replace(front, plane=plane, outline=tuple(outline))))
    assert ((points >= 0) & (points <= (400, 300))).all()
    assert np.ptp(points, axis=0).min() > 0


def test_texts_are_one_line() -> None:
    assert printable("Häuser\r\n№ 7\x00\x1b\u2028\ufffe\ud800 ") == "Häuser  № 7      "
