"""Azimuths and compass directions of fronts."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from front_factories import make_front
from seamline.buildings.orientation import compass_direction, front_azimuth, orient_fronts
from seamline.run_folder import GpsPosition


def position(direction: float | None, magnetic: bool = False) -> GpsPosition:
    return GpsPosition(latitude=52.5, longitude=13.4, direction=direction, magnetic=magnetic)


def test_a_front_whose_right_side_is_farther_faces_to_the_right_of_the_camera() -> None:
    """The camera looks north at a front that faces south; seen from above, x is east and y is north.

            right (east) side, farther
           /
          /    the normal points to the camera's side: south, and a bit to the east
         / ->
    left (west) side, nearer

             ^ camera
    """
    left, right = np.array([-5.0, 10.0]), np.array([5.0, 10.0 + 10 * math.tan(math.radians(30))])
    along = right - left
    normals = [np.array([along[1], -along[0]]), np.array([-along[1], along[0]])]
    camera = np.zeros(2)
    outer = next(normal for normal in normals if normal @ (camera - left) > 0)
    azimuth = math.degrees(math.atan2(outer[0], outer[1])) % 360
    assert 90 < azimuth < 180  # between east and south
    assert front_azimuth(0, 30) == pytest.approx(azimuth) == pytest.approx(150)


@given(st.floats(0, 360, exclude_max=True), st.floats(-89, 89), st.floats(1, 100), st.floats(-50, 50))
def test_the_normal_is_that_of_the_line_seen_from_above(
    direction: float, yaw: float, distance: float, shift: float
) -> None:
    turn = math.radians(yaw)
    along = np.array([math.cos(turn), math.sin(turn)])  # to the right, and farther, of a camera that looks to +y
    foot = distance * np.array([0.0, 1.0]) + shift * along
    normal = np.array([along[1], -along[0]])
    assert normal @ foot < 0  # points to the camera's side of the line, wherever the front is in the photo
    clockwise = math.degrees(math.atan2(normal[0], normal[1]))  # from the camera's axis
    azimuth = front_azimuth(direction, yaw)
    assert 0 <= azimuth < 360
    assert abs((azimuth - direction - clockwise + 180) % 360 - 180) < 1e-6


@pytest.mark.parametrize(
    ("azimuth", "direction"),
    [(0, "N"), (44.9, "N"), (45, "E"), (90, "E"), (134.9, "E"), (135, "S"), (225, "W"), (314.9, "W"), (315, "N")],
)
def test_a_direction_is_the_sector_of_90_degrees(azimuth: float, direction: str) -> None:
    assert compass_direction(azimuth) == direction


def test_azimuths_are_below_360() -> None:
    assert front_azimuth(0, 180 + 1e-14) < 360
    assert compass_direction(359.99999999999999) == "N"


def test_fronts_are_oriented_by_the_camera_and_their_angle_to_it() -> None:
    left, right, flat = orient_fronts(
        [make_front(plane_yaw=50), make_front(2, plane_yaw=-40), make_front(3, notes=("a note",))], position(90)
    )
    assert (left.azimuth, left.direction, left.notes) == (220, "S", ())
    assert (right.azimuth, right.direction, right.notes) == (310, "W", ())
    assert (flat.azimuth, flat.direction) == (270, "W")
    assert flat.notes[0] == "a note"
    assert "angle between the front and the camera is unknown" in flat.notes[1]


def test_magnetic_directions_are_noted_and_not_corrected() -> None:
    (front,) = orient_fronts([make_front(plane_yaw=0)], position(0, magnetic=True))
    assert front.azimuth == 180
    assert "magnetic north" in front.notes[0]


def test_without_a_direction_there_is_no_azimuth() -> None:
    for gps in (None, position(None)):
        (front,) = orient_fronts([make_front(plane_yaw=10)], gps)
        assert front == make_front(plane_yaw=10)


def test_the_given_azimuth_is_that_of_the_largest_front() -> None:
    # an outer corner: the camera looks to 200 degrees, about south, so that the front on the left faces about east
    corner = [make_front(1, width=200, plane_yaw=-60), make_front(2, width=600, left=200, plane_yaw=30)]
    side, main = orient_fronts(corner, position(0), azimuth=-10)
    assert (main.azimuth, main.direction, main.notes) == (350, "N", ())
    assert (side.azimuth, side.direction) == (80, "E")
    assert "follows from that of front 2" in side.notes[0]


def test_the_given_azimuth_holds_for_fronts_of_unknown_angle() -> None:
    fronts = orient_fronts([make_front(1, width=200, plane_yaw=60), make_front(2, width=600)], None, azimuth=100)
    assert [front.azimuth for front in fronts] == [100, 100]
    assert "assumed to be that of front 2" in fronts[0].notes[0]
    assert orient_fronts([], None, azimuth=100) == ()
