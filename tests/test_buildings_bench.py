"""The benchmark of measures of buildings: its synthetic fronts, summaries and page."""

from collections import Counter
from typing import Any

import cv2
import numpy as np
import pytest

import building_scenes
import buildings
import buildings_page
from results_store import ROOT
from seamline.data.sources.coco_sets import read_split_list
from seamline.io import read_json

INTERVAL = {"value": 0.5, "low": 0.4, "high": 0.6}
NOTHING = {"value": None, "low": None, "high": None}


def test_storeys_and_corners_are_of_photos_of_their_split() -> None:
    storeys, corners = (
        read_json(ROOT / "bench" / "truth" / f"{name}.json")["photos"] for name in ("storeys", "corners")
    )
    splits = {name: read_split_list(name) for name in ("streets", "windows")}
    for row in [*storeys, *({"split": "test", **row} for row in corners)]:
        assert splits[row["set"]][row["photo"]].split == row["split"]
    assert Counter((row["split"], row["set"]) for row in storeys)["test", "streets"] == 30
    assert Counter(row["set"] for row in corners) == {"streets": 15, "windows": 15}
    assert len({(row["set"], row["photo"]) for row in storeys}) == len(storeys)


def test_marked_corners_are_clockwise_from_the_upper_left() -> None:
    for row in read_json(ROOT / "bench" / "truth" / "corners.json")["photos"]:
        points = np.array(row["corners"], np.float32)
        assert cv2.isContourConvex(points), row["photo"]
        assert cv2.contourArea(points, oriented=True) > 0, row["photo"]  # y points down
        assert points.sum(1).argmin() == 0, row["photo"]


def test_the_labels_of_a_synthetic_front_follow_its_homography() -> None:
    """Where the wall of the scene is drawn in the photo, its labels are those of the house, and none lie outside."""
    front = building_scenes.draw_front(1)
    (left, top), (right, bottom) = front.corners
    wall = np.array([[(left, top), (right, top), (right, bottom), (left, bottom)]])
    inside = np.zeros(front.labels.shape, np.uint8)
    cv2.fillPoly(inside, [np.rint(cv2.perspectiveTransform(wall, front.to_photo)).astype(np.int32)], (1,))
    house = (front.labels > 0) & (front.labels != building_scenes.HIDDEN)
    assert house[cv2.dilate(inside, np.ones((5, 5), np.uint8)) == 0].sum() == 0
    assert house[inside > 0].mean() > 0.5
    assert (
        np.abs(cv2.perspectiveTransform(wall, front.to_photo) - building_scenes.SIDE / 2).max()
        < building_scenes.SIDE / 2
    )
    assert front.photo.std() > 10
    assert (front.labels == building_scenes.draw_front(1).labels).all()


def test_true_labels_are_predicted_at_any_size() -> None:
    labels = np.zeros((40, 40), np.uint8)
    labels[10:20, 10:30] = 3
    prediction = building_scenes.TruePredictor.of(labels)(np.zeros((80, 80, 3), np.uint8), probability_maps=True)
    assert prediction.mask.shape == (80, 80)
    assert prediction.probability_maps[3, 20:40, 20:60].min() == 1.0
    assert prediction.probability_maps.sum(0) == pytest.approx(1.0)


def test_fractions_are_of_all_photos_together() -> None:
    rows = [(1, 0, 2), (1, 1, 2)]
    result = buildings.fractions(rows, [0, 1], ("first", "second"))
    assert (result["first"]["value"], result["second"]["value"]) == (0.5, 0.25)
    assert (result["count"], result["scenes"]) == (4, 2)
    assert buildings.fractions([], [], ("first",))["first"]["value"] is None
    assert buildings.fractions([(1, 1)], [0], ("first",))["first"] == {"value": 1.0, "low": None, "high": None}


@pytest.mark.parametrize(
    ("predicted", "truth", "expected"), [(3, 3, (True, True)), (4, 3, (False, True)), (None, 1, (False, False))]
)
def test_storeys_of_no_front_are_wrong(predicted: int | None, truth: int, expected: tuple[bool, bool]) -> None:
    assert buildings.storey_errors(predicted, truth) == expected


def test_an_outline_of_a_wrong_class_is_a_facade() -> None:
    """In this photo the front is labeled as traffic-infrastructure by mistake."""
    square = [0, 0, 100, 0, 100, 100, 0, 100]
    small = [0, 0, 10, 0, 10, 10, 0, 10]
    shapes = [("traffic-infrastructure", [square]), ("traffic-infrastructure", [small])]
    assert buildings.street_truth("20230329_202943_467_R_1", shapes, (100, 100)).numbers == [1]
    assert buildings.street_truth("another", shapes, (100, 100)).numbers == []


def test_boxes_of_other_classes_are_no_windows() -> None:
    shapes = [("window", [10, 10, 20, 20]), ("door", [50, 10, 20, 20]), ("signboard", [50, 50, 20, 20])]
    truth = buildings.window_truth("0001", shapes, (100, 100))
    assert len(truth.windows) == 1
    assert truth.window_mask.sum() == 400


def split_results(**fronts: Any) -> dict[str, Any]:
    both = {"precision": INTERVAL, "recall": INTERVAL, "count": 9, "scenes": 3}
    ratios = dict.fromkeys(("close", "near", "coverage", "single"), INTERVAL) | {"count": 20, "scenes": 3}
    return {
        "fronts": {
            **ratios,
            "intervals": {"covered": NOTHING, "count": 0},
            "width": None,
            "median_error": 0.02,
            **fronts,
        },
        "windows": {"streets": both, "windows": both},
        "numbers": {"close": INTERVAL, "count": 9},
        "storeys": {"exact": INTERVAL, "within_one": INTERVAL, "count": 9},
        "corners": {"close": INTERVAL, "near": INTERVAL, "count": 0},
    }


def test_the_page_shows_what_was_measured() -> None:
    covered = {"intervals": {"covered": INTERVAL, "count": 12}, "width": 0.1}
    synthetic = {"exact": INTERVAL, "within_one": INTERVAL, "count": 500, "median_degrees": 0.31}
    text = buildings_page.page(
        {
            "val": split_results(),
            "test": split_results(**covered) | {"corners": {"close": INTERVAL, "near": INTERVAL, "count": 30}},
            "synthetic": synthetic | {"rectified": {"rectified": INTERVAL}},
            "speed": {"seconds": [3.1, 2.9, 3.0], "width": 4000, "height": 3000},
            "pictures": "val",
        }
    )
    assert "| test photos, corners by hand | 30 | | | 0.50 (0.40 to 0.60) | 0.50 (0.40 to 0.60) |" in text
    assert "| validation photos, corners by hand" not in text
    assert "contain the truth of 0.50 (0.40 to 0.60) of 12 fronts on test photos" in text
    assert "on validation photos; their mean width" not in text
    assert "3.0 s (2.9 to 3.1 in 3 runs)" in text
    assert "true verticals and horizontals in it is 0.31°" in text
    assert text.count("Photos: https://") == 2


def test_a_page_without_results() -> None:
    assert buildings_page.page({}).startswith("# Measures of buildings")
