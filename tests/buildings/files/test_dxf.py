import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measures_factories import garage_front, house_front, house_photo
from seamline.buildings.files.dxf import dxf_drawing
from seamline.run_folder import Front, MeasuredPhoto

ezdxf = pytest.importorskip("ezdxf", reason="the extra `buildings` is not installed")


def parsed(photo: MeasuredPhoto, front: Front) -> Any:
    """The document as ezdxf reads it, without errors."""
    document = ezdxf.read(io.StringIO(dxf_drawing(photo, front).decode()))
    auditor = document.audit()
    assert not auditor.errors
    assert not auditor.fixes
    return document


def outlines(document: Any, layer: str) -> list[list[tuple[float, float]]]:
    lines = document.modelspace().query(f'LWPOLYLINE[layer=="{layer}"]')
    assert all(line.closed for line in lines)
    return [[(round(x, 6), round(y, 6)) for x, y in line.get_points("xy")] for line in lines]


def test_openings_are_in_meters_with_y_up() -> None:
    document = parsed(house_photo(), house_front())
    assert document.units == ezdxf.units.M
    assert outlines(document, "front") == [[(0, 12), (16, 12), (16, 0), (0, 0)]]
    assert outlines(document, "doors") == [[(4.8, 3.2), (6.4, 3.2), (6.4, 0), (4.8, 0)]]
    assert outlines(document, "shops") == [[(8.8, 3), (14.4, 3), (14.4, 0.2), (8.8, 0.2)]]
    assert len(outlines(document, "windows")) == 8
    assert outlines(document, "inferred-windows") == [[(13.2, 11.4), (14.8, 11.4), (14.8, 9.4), (13.2, 9.4)]]
    lines = document.modelspace().query('LINE[layer=="storeys"]')
    assert sorted(round(line.dxf.start.y, 6) for line in lines) == [0, 4, 8, 12]


def test_layers_have_colors_and_the_texts_are_there() -> None:
    document = parsed(house_photo(), house_front())
    colors = {layer.dxf.name: layer.rgb for layer in document.layers if layer.has_dxf_attrib("true_color")}
    assert [*colors] == ["front", "storeys", "windows", "inferred-windows", "doors", "shops", "labels"]
    assert len(set(colors.values())) == len(colors)
    title = "house.jpg, front 1: windows 8, storeys 3, WWR 0.13; in meters"
    assert document.header.custom_vars.get("title") == title
    texts = [text.dxf.text for text in document.modelspace().query("TEXT")]
    assert texts[:2] == [title, "ground floor: windows 1, WWR 0.05"]


def test_a_drawing_without_a_scale_has_no_unit() -> None:
    document = parsed(house_photo(), garage_front())
    assert document.units == 0
    assert outlines(document, "front") == [[(0, 500), (600, 500), (600, 0), (0, 0)]]
    assert document.header.custom_vars.get("title").endswith("in pixels, no scale known")


@settings(max_examples=20)
@given(st.text(st.characters(), max_size=30))
def test_any_name_is_a_valid_file(name: str) -> None:
    parsed(house_photo(file=f"street/é漢{name}.jpg"), house_front())
