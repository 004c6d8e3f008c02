"""How the measures of fronts are compared with the truth, by cases computed by hand."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import building_metrics as metrics
from seamline.data.image_folder.records import Polygon
from seamline.run_folder import Front, Interval, Opening, Plane, Storey

SHAPE = (100, 200)
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
Rectangle = tuple[float, float, float, float]


def corners(left: float, top: float, right: float, bottom: float) -> tuple[tuple[float, float], ...]:
    return (left, top), (right, top), (right, bottom), (left, bottom)


def polygon(label: str, *rectangle: float) -> Polygon:
    return Polygon(label, corners(*rectangle))


def front(
    rectangle: Rectangle, wwr: float = 0.1, interval: tuple[float, float] | None = None, **fields: object
) -> Front:
    outline = corners(*rectangle)
    plane = Plane(
        method="corners",
        homography=fields.pop("homography", IDENTITY),  # type: ignore[arg-type]
        width=fields.pop("width", 200),  # type: ignore[arg-type]
        height=100,
        corners=outline,  # type: ignore[arg-type]
    )
    ends = interval or (None, None)
    return Front(number=1, plane=plane, outline=outline, wwr=Interval(wwr, *ends), **fields)  # type: ignore[arg-type]


def opening(kind: str, rectangle: Rectangle, probability: float = 0.9, **fields: object) -> Opening:
    outline = corners(*rectangle)
    return Opening(kind=kind, outline=outline, photo_outline=outline, probability=probability, **fields)  # type: ignore[arg-type]


def street() -> metrics.Truth:
    """A facade of 100 x 80 with two windows of 10 x 20, half of one behind a tree, and a neighbor of 50 x 80."""
    polygons = [
        polygon("vegetation", 60, 20, 65, 40),
        polygon("window", 20, 20, 30, 40),
        polygon("window", 60, 20, 70, 40),
        polygon("facade", 10, 10, 110, 90),
        polygon("facade", 120, 10, 170, 90),
        polygon("window", 130, 20, 150, 40),
        polygon("shop", 130, 90, 150, 98),
    ]
    return metrics.truth_of_polygons(polygons, SHAPE)


def test_windows_belong_to_the_facade_below_them_and_shops_to_the_one_they_touch() -> None:
    truth = street()
    large, small = sorted(np.bincount(truth.fronts.ravel()).tolist())[:2][::-1]
    assert sorted(truth.front_of) == [1, 1, 2]
    assert (large, small) == (100 * 80 - 5 * 20, 50 * 80 + 20 * 8)  # the tree hides a part, the shop adds one
    assert truth.window_mask.sum() == 10 * 20 + 5 * 20 + 20 * 20
    assert truth.numbers == [1, 2]


def test_small_fronts_do_not_count_and_those_without_windows_must_be_larger() -> None:
    facades = [polygon("facade", 0, 0, 20, 20), polygon("facade", 30, 0, 70, 40), polygon("facade", 80, 0, 180, 40)]
    with_window = [*facades, polygon("window", 40, 10, 50, 20)]
    assert len(metrics.truth_of_polygons(facades, SHAPE).numbers) == 1  # 20 %; 8 % and 2 % are too small
    assert len(metrics.truth_of_polygons(with_window, SHAPE).numbers) == 2


def test_the_error_of_a_front_is_in_its_plane() -> None:
    """Of 7900 visible pixels 300 are window, whatever the scale of the plane; hidden ones do not count in the IoU."""
    for scale in (1.0, 0.5):
        matrix = tuple((np.diag([scale, scale, 1.0])).ravel().tolist())
        measured = front((10, 10, 110, 90), 0.1, homography=matrix, expected_error=0.02)
        first, second = metrics.compare_fronts([measured], street())
        assert first.iou == 1.0
        assert first.error == pytest.approx(0.1 - 300 / 7900, abs=1e-3)
        assert first.pairs[0].expected == 0.02
        assert (second.matched, second.error) == (False, np.inf)


def test_two_sides_of_one_building_match_it_together() -> None:
    """Each half has an IoU below one half; 4000 pixels are off by 0.05, 3900 by 0.02 with the other sign."""
    halves = [
        front((10, 10, 60, 90), 200 / 4000 + 0.05, windows=1, width=50, homography=(1.0, 0, -10, 0, 1, -10, 0, 0, 1)),
        front((60, 10, 110, 90), 100 / 3900 - 0.02, windows=2, width=50, homography=(1.0, 0, -60, 0, 1, -10, 0, 0, 1)),
    ]
    first = metrics.compare_fronts(halves, street())[0]
    assert first.iou == 1.0
    assert first.single_iou == pytest.approx(4000 / 7900)
    assert first.windows == (3, 2)
    assert first.error == pytest.approx((4000 * 0.05 - 3900 * 0.02) / 7900)


def test_a_front_elsewhere_is_no_match() -> None:
    first, second = metrics.compare_fronts([front((10, 10, 50, 90)), front((180, 10, 200, 90))], street())
    assert first.iou == pytest.approx(3200 / 7900)
    assert not first.matched
    assert second.iou == 0.0


def test_whether_an_interval_covers() -> None:
    (inside,) = metrics.compare_fronts([front((10, 10, 110, 90), 0.1, (0.03, 0.2))], street())[0].pairs
    (outside,) = metrics.compare_fronts([front((10, 10, 110, 90), 0.1, (0.05, 0.2))], street())[0].pairs
    (without,) = metrics.compare_fronts([front((10, 10, 110, 90), 0.1)], street())[0].pairs
    assert (inside.covered, outside.covered, without.covered) == (True, False, None)


def test_storeys_are_compared_in_their_rows() -> None:
    """In rows 20 to 40 the plane shows 100 x 20 pixels of this facade less 100 hidden ones, 300 of them window."""
    storeys = [Storey(number=1, ground=False, top=20, bottom=40, windows=2, wwr=Interval(0.2))]
    storeys += [Storey(number=0, ground=True, top=40, bottom=60, windows=0, wwr=Interval(0.01))]
    upper, lower = metrics.compare_fronts([front((10, 10, 110, 90), storeys=tuple(storeys))], street())[0].storeys
    assert upper.truth == pytest.approx(300 / 1900)
    assert (lower.truth, lower.value) == (0.0, 0.01)


def test_boxes_are_of_windows_and_shop_windows() -> None:
    openings = (
        opening("window", (10, 10, 30, 20)),
        opening("shop", (10, 40, 50, 60), 0.95),
        opening("door", (60, 40, 70, 60)),
        opening("window", (10, 70, 30, 80), 0.0, inferred=True, counted=False),
    )
    measured = front((0, 0, 200, 100), openings=openings, visible_area=20_000.0)
    assert metrics.with_shops(measured) == pytest.approx((200 + 800) / 20_000)
    assert len(metrics.predicted_windows([measured])) == 1
    assert [one.kind for one in metrics.predicted_windows([measured], shops=True)] == ["shop", "window"]


def test_ious_of_polygons_and_boxes() -> None:
    squares = [np.array(corners(0, 0, 10, 10)), np.array(corners(100.5, 0, 110.5, 10))]
    others = [np.array(corners(5, 0, 15, 10)), np.array([(0, 0), (10, 0), (0, 10)], np.float64)]
    assert metrics.polygon_ious(squares, others) == pytest.approx(np.array([[1 / 3, 0.5], [0, 0]]), abs=0.02)
    boxes, other_boxes = metrics.boxes_of(squares), metrics.boxes_of(others[:1])
    assert metrics.box_ious(boxes, other_boxes) == pytest.approx(np.array([[1 / 3], [0]]))


@given(st.lists(st.tuples(*[st.integers(0, 40)] * 4), min_size=1, max_size=3))
def test_ious_of_rectangles_are_those_of_boxes(rows: list[tuple[int, int, int, int]]) -> None:
    rectangles = [np.array(corners(x, y, x + w + 4, y + h + 4), np.float64) for x, y, w, h in rows]
    boxes = metrics.boxes_of(rectangles)
    assert metrics.polygon_ious(rectangles, rectangles) == pytest.approx(metrics.box_ious(boxes, boxes), abs=1e-9)


def test_instances_are_matched_once_from_the_most_probable() -> None:
    """The second prediction finds its instance taken, the third matches one that is ignored, the fourth is cut off."""
    ious = np.array([[0.9, 0.0, 0.0], [0.8, 0.0, 0.0], [0.0, 0.7, 0.0], [0.1, 0.2, 0.3], [0.0, 0.0, 0.49]])
    ignored, unpunished = np.array([False, True, False]), np.array([False, False, False, True, False])
    assert metrics.match_instances(ious, ignored, unpunished) == (1, 2, 1)
    assert metrics.match_instances(np.zeros((0, 3)), ignored, np.zeros(0, bool)) == (0, 0, 2)


def test_a_prediction_takes_an_instance_that_counts_before_one_that_does_not() -> None:
    ious, none = np.array([[0.6, 0.9]]), np.array([False])
    assert metrics.match_instances(ious, np.array([False, True]), none) == (1, 0, 0)


def test_windows_at_the_edge_are_cut_off() -> None:
    boxes = np.array([(0, 10, 20, 30), (10, 10, 20, 30), (10, 70, 20, 99), (180, 10, 199, 30)], np.float64)
    assert metrics.cut_off(boxes, SHAPE).tolist() == [True, False, True, True]


@pytest.mark.parametrize(
    ("predicted", "truth", "close"), [(1, 0, True), (7, 9, False), (8, 9, True), (27, 30, True), (26, 30, False)]
)
def test_numbers_off_by_a_tenth_or_one_are_close(predicted: int, truth: int, close: bool) -> None:
    assert metrics.is_close_count(predicted, truth) is close


def test_the_main_front_is_the_largest_between_two_columns() -> None:
    fronts = [front((0, 0, 60, 100)), front((60, 40, 200, 100))]
    assert metrics.main_front(fronts, 0, 70, SHAPE) is fronts[0]
    assert metrics.main_front(fronts, 50, 200, SHAPE) is fronts[1]
    assert metrics.main_front(fronts[:1], 100, 200, SHAPE) is None


def test_the_residual_angle_of_a_rectification() -> None:
    wall = np.array([(0, 0), (10, 10)], np.float64)
    photo = np.array([(20, 15), (150, 30), (160, 90), (10, 80)], np.float32)
    square = np.array(corners(0, 0, 10, 10), np.float32)
    to_photo = np.asarray(cv2.getPerspectiveTransform(square, photo), np.float64)
    exact = front((0, 0, 200, 100), homography=tuple(np.linalg.inv(to_photo).ravel().tolist()))
    angle = np.radians(2.0)
    turn = np.array([(np.cos(angle), -np.sin(angle), 0), (np.sin(angle), np.cos(angle), 0), (0, 0, 1)])
    turned = front((0, 0, 200, 100), homography=tuple((turn @ np.linalg.inv(to_photo)).ravel().tolist()))
    assert metrics.residual_degrees(exact, to_photo, wall) == pytest.approx(0.0, abs=1e-6)
    assert metrics.residual_degrees(turned, to_photo, wall) == pytest.approx(2.0, abs=1e-6)
