"""Photos of painted fronts, measured with a network that tells classes by their colors: the truth is known."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from building_views import HEIGHT, WIDTH, aim_camera
from drawn_views import COLORS, ColorNetwork, bare_photo, color_model, grid, paint_front, photograph_paint
from helpers import refusal
from measures_factories import Box, rectangle
from run_factories import with_uncertainty
from seamline.buildings.measurer import WORK_SIDE, Measurer, PhotoOrigin, find_calibration
from seamline.buildings.options import MeasureOptions
from seamline.buildings.planes import project
from seamline.inference.predictor import load_model
from seamline.run_folder import BuildingCalibration, CountTable, Front, MeasuredPhoto, RunFolder

WINDOWS = grid((1.5, 6, 10.5, 15), (1.5, 5, 8.5), 2.5, 1.8)  # meters of a front of 20 x 14
SHAPE = (900, 1200)
HOUSE = (60.0, 40.0, 340.0, 260.0)
HOUSE_WINDOWS = grid((90, 170, 250), (70, 140), 40, 35)


def measure(photo: NDArray[np.uint8], origin: PhotoOrigin | None = None, **options: Any) -> MeasuredPhoto:
    return Measurer.of(color_model(), MeasureOptions(**options))(photo, origin or PhotoOrigin())


def corner_distance(front: Front, windows: Sequence[Box], homography: NDArray[np.float64]) -> float:
    """Return the largest distance in pixels of a window's corner from that of the nearest window in truth."""
    outlines = np.array([one.photo_outline for one in front.openings if one.kind == "window"])
    truth = np.array([project(homography, np.array(rectangle(box))) for box in windows])
    distances = np.linalg.norm(outlines[:, np.newaxis] - truth, axis=3).max(2)
    assert sorted(distances.argmin(1)) == [*range(len(windows))]
    return float(distances.min(1).max())


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (25, 8), (-30, 10)])
def test_windows_and_storeys_of_a_known_front(yaw: float, pitch: float) -> None:
    homography = aim_camera(SHAPE, yaw=yaw, pitch=pitch, distance=27)
    photo = photograph_paint(paint_front(WINDOWS), homography, SHAPE)
    (front,) = measure(photo).fronts
    assert (front.windows, front.columns, front.dropped, front.cut_off) == (12, 4, 0, ())
    assert [storey.windows for storey in front.storeys if storey.windows] == [4, 4, 4]
    assert corner_distance(front, WINDOWS, homography) < 2
    assert front.wwr.value == pytest.approx(12 * 2.5 * 1.8 / (WIDTH * HEIGHT), abs=0.006)


def test_corners_of_the_user() -> None:
    homography = aim_camera(SHAPE, yaw=35, pitch=12, distance=27)
    photo = photograph_paint(paint_front(WINDOWS), homography, SHAPE)
    corners = project(homography, np.array(rectangle((0, 0, WIDTH, HEIGHT))))
    (front,) = measure(photo, corners=tuple(map(tuple, corners.tolist())), height_m=HEIGHT).fronts
    assert front.plane.method == "corners"
    np.testing.assert_allclose(front.plane.corners, corners, atol=3)
    assert corner_distance(front, WINDOWS, homography) < 2
    assert front.windows == 12
    assert front.height_m == pytest.approx(HEIGHT, rel=0.01)
    assert front.width_m == pytest.approx(WIDTH, rel=0.05)
    assert front.window_area_m2 == pytest.approx(12 * 2.5 * 1.8, rel=0.08)
    assert front.window_aspect == pytest.approx(2.5 / 1.8, rel=0.08)


@pytest.mark.parametrize(("yaw", "side"), [(55, "right"), (-55, "left")])
def test_the_side_that_perspective_smears_is_named(yaw: float, side: str) -> None:
    near = 4.0 if yaw > 0 else WIDTH - 4.0
    homography = aim_camera(SHAPE, yaw=yaw, pitch=8, focal=0.8, middle=(near, HEIGHT / 2), distance=10)
    (front,) = measure(photograph_paint(paint_front(WINDOWS), homography, SHAPE)).fronts
    percent = f"{front.plane.usable:.0%}"
    assert f"Perspective smears its {side} side, which is left out: {percent} of its width is measured." in front.notes


def test_a_larger_photo_has_the_same_measures_at_larger_points() -> None:
    small = bare_photo(HOUSE, windows=HOUSE_WINDOWS)
    large = small.repeat(5, 0).repeat(5, 1)
    assert large.shape[1] > WORK_SIDE
    (here,), (there,) = measure(small).fronts, measure(large).fronts
    assert (here.windows, len(here.storeys)) == (there.windows, len(there.storeys)) == (6, 2)
    assert there.wwr.value == pytest.approx(here.wwr.value, abs=0.01)
    np.testing.assert_allclose(there.outline, 5 * np.array(here.outline), atol=8)
    for one, other in zip(here.openings, there.openings, strict=True):
        np.testing.assert_allclose(other.photo_outline, 5 * np.array(one.photo_outline), atol=4)


def test_a_scale_by_pixels_is_of_the_photo_and_not_of_the_reduced_one() -> None:
    small = bare_photo(HOUSE, windows=HOUSE_WINDOWS)
    (here,) = measure(small, pixel_size_m=0.05).fronts
    (there,) = measure(small.repeat(5, 0).repeat(5, 1), pixel_size_m=0.01).fronts
    assert here.height_m == pytest.approx(220 * 0.05, rel=0.01)
    assert here.width_m == pytest.approx(280 * 0.05, rel=0.01)
    assert here.window_area_m2 == pytest.approx(6 * 2 * 1.75, rel=0.02)
    assert there.height_m == pytest.approx(220 * 0.05, rel=0.01)
    assert there.window_area_m2 == pytest.approx(6 * 2 * 1.75, rel=0.02)


def test_two_houses_in_a_photo_are_two_fronts() -> None:
    houses = [(10.0, 40.0, 170.0, 260.0), (230.0, 60.0, 390.0, 250.0)]
    windows = [*grid((30, 100), (70, 150), 40, 40), *grid((250, 320), (90,), 40, 40)]
    measured = measure(bare_photo(*houses, windows=windows), height_m=12)
    assert [(front.number, front.windows) for front in measured.fronts] == [(1, 4), (2, 2)]
    note = "Its height is assumed: 12 m is assigned to each of the 2 fronts in the photo."
    assert all(note in front.notes for front in measured.fronts)
    alone = measure(bare_photo(HOUSE, windows=HOUSE_WINDOWS), height_m=12).fronts
    assert not any("is assumed" in note for front in alone for note in front.notes)


def test_a_front_cut_off_on_all_sides_is_measured_and_says_so() -> None:
    photo = bare_photo((0, 0, 400, 300), windows=HOUSE_WINDOWS)
    (front,) = measure(photo, height_m=10).fronts
    assert front.cut_off == ("left", "right", "top", "bottom")
    assert front.windows == 6
    assert not any(storey.ground for storey in front.storeys)
    assert front.height_m is None
    assert "Its height is cut off, so the given height gives no scale." in front.notes


@pytest.mark.parametrize(
    ("photo", "percent"),
    [
        (bare_photo(), "0%"),  # only sky
        (bare_photo((10, 10, 40, 40)), "1%"),
        (np.full((1, 1, 3), (255, 255, 0), np.uint8), "0%"),
        (np.full((20, 3000, 3), (255, 255, 0), np.uint8), "0%"),
    ],
)
def test_a_photo_without_a_building_is_refused(photo: NDArray[np.uint8], percent: str) -> None:
    line = refusal(lambda: measure(photo))
    assert line == f"shows no building: {percent} of it is predicted as one; use another photo"


def test_far_houses_are_no_building() -> None:
    houses = [(left, top, left + 60, top + 50) for left in (10.0, 300.0) for top in (10.0, 200.0)]
    line = refusal(lambda: measure(bare_photo(*houses)))
    assert line == "shows no building: 10% of it is predicted as one, in parts of less than 3%; use another photo"


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (20, 3000)])
def test_a_photo_of_a_few_pixels_of_wall_is_measured(shape: tuple[int, int]) -> None:
    (front,) = measure(np.full((*shape, 3), 255, np.uint8)).fronts
    assert (front.windows, front.storeys, front.wwr.value) == (0, (), 0)
    assert "No row of windows: the number of storeys is not known." in front.notes


@pytest.mark.parametrize(
    ("corners", "reason"),
    [
        (((600, 300), (1400, 300), (600, 1200), (1400, 1200)), "crossed, or not convex"),
        (((600, 300), (2600, 300), (2600, 1200), (600, 1200)), "outside the photo, which has 2000 x 1500 pixels"),
        (((600, 300), (1400, 300), (1400, 1200)), "needs four corners"),
        (((600, 300), (1400, float("nan")), (1400, 1200), (600, 1200)), "not numbers"),
        (((600, 300), (600, 1200), (1400, 1200), (1400, 300)), "counterclockwise"),
    ],
)
def test_wrong_corners_are_refused_in_the_pixels_that_were_given(corners: Any, reason: str) -> None:
    network = ColorNetwork()
    photo = bare_photo((50, 40, 350, 260)).repeat(5, 0).repeat(5, 1)
    measurer = Measurer.of(color_model(network), MeasureOptions(corners=corners))
    line = refusal(lambda: measurer(photo, PhotoOrigin()))
    assert line.startswith("--corners")
    assert reason in line
    assert not network.shapes  # before any work


def test_what_hides_a_front_is_reported() -> None:
    photo = bare_photo(HOUSE, windows=HOUSE_WINDOWS)
    photo[40:260, 135:165] = photo[40:260, 215:245] = COLORS["vegetation"]
    (front,) = measure(photo).fronts
    assert front.hidden_fraction == pytest.approx(60 / 280, abs=0.02)
    assert any(note.endswith("of the front is behind trees or vehicles, and not filled in.") for note in front.notes)


def test_a_photo_unlike_the_training_photos_has_a_warning() -> None:
    model = with_uncertainty(color_model())
    measured = Measurer.of(model, MeasureOptions())(bare_photo(HOUSE, windows=HOUSE_WINDOWS), PhotoOrigin())
    assert measured.novelty is not None
    assert measured.novelty > 1
    (warning,) = measured.warnings
    assert warning.startswith("is unlike the photos that the model was trained on (novelty ")
    assert not measure(bare_photo(HOUSE)).warnings


def test_what_is_known_of_a_photo_is_kept() -> None:
    origin = PhotoOrigin(file="a/b.jpg", stem="a.b", building="Main Street 1")
    measured = measure(bare_photo(HOUSE, windows=HOUSE_WINDOWS), origin, azimuth=0)
    assert (measured.file, measured.stem, measured.width, measured.height) == ("a/b.jpg", "a.b", 400, 300)
    (front,) = measured.fronts
    assert (front.building, front.azimuth, front.direction) == ("Main Street 1", 0, "N")


def test_roles_by_name_and_by_the_user() -> None:
    odd = replace(color_model(), metadata=msgspec.structs.replace(color_model().metadata, classes=("o", "f", "w", "v")))
    assert "no class of the model is facade by its name (o, f, w, v)" in refusal(
        lambda: Measurer.of(odd, MeasureOptions())
    )
    measurer = Measurer.of(odd, MeasureOptions(roles={"facade": "f", "window": "w", "hidden": "v"}))
    assert measurer.roles.by_class == {"o": "other", "f": "facade", "w": "window", "v": "hidden"}
    (front,) = measurer(bare_photo(HOUSE, windows=HOUSE_WINDOWS), PhotoOrigin()).fronts
    assert front.windows == 6


def test_a_classifier_is_refused(classifier: Any) -> None:
    line = refusal(lambda: Measurer.of(load_model(classifier), MeasureOptions()))
    assert line == f"{classifier}: is a classifier; name a segmenter with classes for facade and window"


def test_a_calibrated_model_states_intervals(tmp_path: Any) -> None:
    table = CountTable((4,), (0.9, 0.6), (1.0, 0.8))
    building = BuildingCalibration(
        level=0.9, wwr_quantile=2.0, storey_wwr_quantile=3.0, windows=table, storeys=table, fronts=40, scenes=20
    )
    assert find_calibration(color_model()) is None
    RunFolder(tmp_path).building_calibration.write(building)
    model = replace(color_model(), path=tmp_path)
    measurer = Measurer.of(model, MeasureOptions())
    assert measurer.calibration == building
    (front,) = measurer(bare_photo(HOUSE, windows=HOUSE_WINDOWS), PhotoOrigin()).fronts
    assert front.wwr.low is not None
    assert front.wwr.high is not None
    assert 0 <= front.wwr.low < front.wwr.value < front.wwr.high <= 1
    assert front.windows_probability is not None
    assert (front.windows_probability.exact, front.windows_probability.within_one) == (0.6, 0.8)
    assert front.storeys_probability is not None
    assert front.storeys_probability.exact == 0.9
    assert all(storey.wwr.low is not None for storey in front.storeys)
