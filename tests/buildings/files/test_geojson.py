import json
from typing import Any

from measures_factories import house_photo, measures_record, yard_photo
from seamline.buildings.files.geojson import front_points
from seamline.run_folder import GpsPosition, MeasuresRecord


def content(record: MeasuresRecord) -> Any:
    return json.loads(front_points(record))


def test_a_front_is_a_point_at_the_camera_with_its_measures() -> None:
    collection = content(measures_record())
    assert collection["type"] == "FeatureCollection"
    first, second = collection["features"]
    assert first["type"] == "Feature"
    assert first["id"] == "house.front-1"
    assert first["geometry"] == {"type": "Point", "coordinates": [11.576124, 48.137154]}  # longitude first
    properties = first["properties"]
    assert properties["position"] == "camera"
    assert (properties["wwr"], properties["wwr_low"], properties["windows"]) == (0.1325, 0.1, 8)
    assert (properties["azimuth"], properties["gps_accuracy_m"]) == (181.5, 4.5)
    assert properties["notes"] == ["The door is one by its position.", "One window is hidden by a tree."]
    assert not {"latitude", "longitude"} & set(properties)
    assert second["properties"]["azimuth"] is None
    assert second["geometry"] == first["geometry"]


def test_photos_without_a_position_are_named() -> None:
    assert content(measures_record())["photos_without_gps"] == ["street/yard.jpg"]
    nothing = content(measures_record(yard_photo()))
    assert (nothing["features"], nothing["photos_without_gps"]) == ([], ["street/yard.jpg"])
    assert content(measures_record(house_photo()))["photos_without_gps"] == []


def test_a_position_on_the_equator_is_one() -> None:
    photo = yard_photo(gps=GpsPosition(latitude=0.0, longitude=-179.123456789))
    (feature,) = content(measures_record(photo))["features"]
    assert feature["geometry"]["coordinates"] == [-179.1234568, 0]
    assert feature["properties"]["gps_accuracy_m"] is None
