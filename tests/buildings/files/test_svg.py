from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from measures_factories import garage_front, house_front, house_photo
from seamline.buildings.files.svg import svg_drawing
from seamline.run_folder import Front, MeasuredPhoto

SVG = "{http://www.w3.org/2000/svg}"
INKSCAPE = "{http://www.inkscape.org/namespaces/inkscape}"


def parsed(photo: MeasuredPhoto, front: Front) -> ElementTree.Element:
    return ElementTree.fromstring(svg_drawing(photo, front))  # noqa: S314


def test_layers_hold_the_openings_in_meters() -> None:
    root = parsed(house_photo(), house_front())
    layers = {group.get("id"): group for group in root.iter(f"{SVG}g")}
    assert {group.get(f"{INKSCAPE}groupmode") for group in layers.values()} == {"layer"}
    assert [*layers] == ["front", "storeys", "windows", "inferred-windows", "doors", "shops", "labels"]
    points = {name: [one.get("points") for one in group.iter(f"{SVG}polygon")] for name, group in layers.items()}
    assert points["front"] == ["0,0 16,0 16,12 0,12"]
    assert points["doors"] == ["4.8,8.8 6.4,8.8 6.4,12 4.8,12"]
    assert points["shops"] == ["8.8,9 14.4,9 14.4,11.8 8.8,11.8"]
    assert len(points["windows"]) == 8
    assert points["windows"][0] == "1.2,8.6 2.8,8.6 2.8,10.6 1.2,10.6"
    assert points["windows"][5] == "1.2,1 1.6,0.6 2.4,0.6 2.8,1 2.8,2.6 1.2,2.6"


def test_a_drawing_in_meters_prints_at_1_to_100() -> None:
    root = parsed(house_photo(), house_front())
    # a margin of 0.6 m, and to the right a text of 33 letters of 0.18 m, which begins 0.15 m from the plane of 16 m
    assert root.get("viewBox") == "-0.6 -0.6 23.29 13.2"
    assert (root.get("width"), root.get("height")) == ("232.9mm", "132mm")


def test_a_drawing_without_a_scale_is_in_pixels() -> None:
    root = parsed(house_photo(), garage_front())
    assert (root.get("width"), root.get("height")) == ("873.75px", "550px")
    assert root.findtext(f"{SVG}title", "").endswith("in pixels, no scale known")


@given(st.text(st.characters()))
def test_any_name_is_well_formed(name: str) -> None:
    root = parsed(house_photo(file=f"street/<&\"'{name}]]>.jpg"), house_front())
    title = root.findtext(f"{SVG}title")
    assert title
    assert title.endswith("]]>.jpg, front 1: windows 8, storeys 3, WWR 0.13; in meters")
    assert root.findtext(f".//{SVG}text") == title
