"""Measures of buildings, made by hand: the house of two fronts and the yard.

The numbers of `house_front` are worked out by hand. Its plane of 400 x 300 pixels at 4 centimeters each is 16 x 12 m:

    ground floor   a window of 40 x 50, a door of 40 x 80, a shop of 140 x 70;  wwr 2,000 / 40,000 = 0.05
    storey 1       four windows of 40 x 50;                                     wwr 8,000 / 40,000 = 0.2
    storey 2       an arched window of 1,900 pixels, two of 40 x 50, and one inferred;  5,900 / 40,000 = 0.1475

    windows 8, area 15,900 pixels = 25.44 m2;  wwr 15,900 / 120,000 = 0.1325
"""

from typing import Any

import cv2
import numpy as np
from msgspec import structs

from seamline.run_folder import (
    BuildingTotal,
    CountProbability,
    Front,
    GpsPosition,
    Interval,
    MeasuredPhoto,
    MeasuresRecord,
    Opening,
    PhotoError,
    Plane,
    Point,
    Storey,
    UnusedData,
)

Box = tuple[float, float, float, float]  # left, top, right and bottom

HOUSE_CORNERS = ((200.0, 200.0), (800.0, 260.0), (800.0, 740.0), (200.0, 800.0))  # its right side is farther
GARAGE_CORNERS = ((900.0, 300.0), (1500.0, 300.0), (1500.0, 800.0), (900.0, 800.0))
YARD_CORNERS = ((100.0, 100.0), (700.0, 100.0), (700.0, 500.0), (100.0, 500.0))
ARCH = ((30.0, 25.0), (40.0, 15.0), (60.0, 15.0), (70.0, 25.0), (70.0, 65.0), (30.0, 65.0))  # 40 x 50 less two corners
LEFTS = (30.0, 120.0, 220.0, 330.0)  # of the house's four columns of windows


def rectified_plane(corners: tuple[Point, ...], width: int, height: int, **changes: Any) -> Plane:
    """A plane whose corners in the photo are given, clockwise from the upper left."""
    target = np.array(rectangle((0, 0, width, height)), np.float32)
    matrix = cv2.getPerspectiveTransform(np.array(corners, np.float32), target)
    fields: dict[str, Any] = {
        "method": "vanishing points",
        "homography": tuple(matrix.ravel().tolist()),
        "width": width,
        "height": height,
        "corners": corners,
    }
    return Plane(**fields | changes)


def rectangle(box: Box) -> tuple[Point, ...]:
    """The corners of a box, clockwise from the upper left."""
    left, top, right, bottom = map(float, box)
    return (left, top), (right, top), (right, bottom), (left, bottom)


def opening(plane: Plane, kind: str, outline: tuple[Point, ...], **changes: Any) -> Opening:
    """An opening, whose outline in the photo follows from that in the plane."""
    matrix = np.linalg.inv(np.reshape(plane.homography, (3, 3)))
    points = cv2.perspectiveTransform(np.array([outline]), matrix)[0].tolist()
    fields: dict[str, Any] = {
        "kind": kind,
        "outline": outline,
        "photo_outline": tuple((x, y) for x, y in points),
        "probability": 0.9,
    }
    return Opening(**fields | changes)


def house_front(**changes: Any) -> Front:
    """A front with a scale and an azimuth; see the numbers at the head of this file."""
    plane = rectified_plane(
        HOUSE_CORNERS,
        400,
        300,
        residual_degrees=0.25,
        segments=120,
        focal_length=1400.0,
        focal_source="EXIF",
        yaw=18.5,
        true_aspect=True,
        meters_per_pixel=0.04,
        curvature=0.5,
    )

    def window(storey: int, column: int, **extra: Any) -> Opening:
        left, top = LEFTS[column], 215.0 - 100 * storey
        outline = extra.pop("outline", rectangle((left, top, left + 40, top + 50)))
        return opening(plane, "window", outline, storey=storey, column=column, **extra)

    fields: dict[str, Any] = {
        "number": 1,
        "plane": plane,
        "outline": HOUSE_CORNERS,
        "openings": (
            window(0, 0),
            opening(plane, "door", rectangle((120, 220, 160, 300)), storey=0, assumed=True),
            opening(plane, "shop", rectangle((220, 225, 360, 295)), storey=0),
            *(window(1, column) for column in range(4)),
            window(2, 0, outline=ARCH),
            window(2, 1),
            window(2, 2),
            window(2, 3, probability=0.0, inferred=True, counted=False),
        ),
        "storeys": (
            storey(0, 200, 300, 1, Interval(0.05, 0.02, 0.09), ground=True, height_m=4.0),
            storey(1, 100, 200, 4, Interval(0.2, 0.15, 0.26), height_m=4.0),
            storey(2, 0, 100, 3, Interval(0.1475, 0.1, 0.2), height_m=4.0),
        ),
        "columns": 4,
        "windows": 8,
        "doors": 1,
        "shops": 1,
        "inferred_windows": 1,
        "dropped": 3,
        "wwr": Interval(0.1325, 0.1, 0.17),
        "balcony_fraction": 0.02,
        "hidden_fraction": 0.05,
        "window_aspect": 0.8,
        "width_m": 16.0,
        "height_m": 12.0,
        "area_m2": 192.0,
        "window_area_m2": 25.44,
        "windows_probability": CountProbability(0.62, 0.85),
        "storeys_probability": CountProbability(0.9, 0.99),
        "azimuth": 181.5,
        "direction": "S",
        "building": "Main Street 1",
        "notes": ("The door is one by its position.", "One window is hidden by a tree."),
    }
    return Front(**fields | changes)


def garage_front(**changes: Any) -> Front:
    """A front without a scale, in the image plane, which the photo cuts off: six windows, wwr 48,000 / 300,000."""
    plane = rectified_plane(GARAGE_CORNERS, 600, 500, method="image plane", usable=0.8)
    fields: dict[str, Any] = {
        "number": 2,
        "plane": plane,
        "outline": GARAGE_CORNERS,
        "cut_off": ("right", "bottom"),
        "openings": tuple(
            opening(plane, "window", rectangle((x, y, x + 80, y + 100)), storey=number, column=column)
            for number, y in enumerate((325, 75))
            for column, x in enumerate((60, 260, 460))
        ),
        "storeys": (
            storey(0, 250, 500, 3, Interval(0.16, 0.11, 0.21)),
            storey(1, 0, 250, 3, Interval(0.16, 0.11, 0.21)),
        ),
        "columns": 3,
        "windows": 6,
        "wwr": Interval(0.16, 0.12, 0.2),
        "building": "Main Street 1",
        "notes": ("Too few lines: measured in the image plane.",),
    }
    return Front(**fields | changes)


def storey(
    number: int, top: float, bottom: float, windows: int, wwr: Interval, *, ground: bool = False, **changes: Any
) -> Storey:
    """A storey."""
    return Storey(number=number, ground=ground, top=top, bottom=bottom, windows=windows, wwr=wwr, **changes)


def house_photo(**changes: Any) -> MeasuredPhoto:
    """A photo with GPS and two fronts, the first with a scale."""
    fields: dict[str, Any] = {
        "file": "street/house.jpg",
        "stem": "house",
        "width": 1600,
        "height": 1200,
        "fronts": (house_front(), garage_front()),
        "gps": GpsPosition(latitude=48.137154, longitude=11.576124, accuracy_m=4.5, direction=0.5),
        "novelty": 0.7,
    }
    return MeasuredPhoto(**fields | changes)


def yard_photo(**changes: Any) -> MeasuredPhoto:
    """A photo without GPS; its front has no building, no interval, no storey and no scale."""
    plane = rectified_plane(YARD_CORNERS, 600, 400, method="corners")
    front = Front(
        number=1,
        plane=plane,
        outline=YARD_CORNERS,
        openings=(opening(plane, "window", rectangle((50, 50, 150, 250))),),
        windows=1,
        wwr=Interval(1 / 12),
    )
    fields: dict[str, Any] = {
        "file": "street/yard.jpg",
        "stem": "yard",
        "width": 800,
        "height": 600,
        "fronts": (front,),
        "novelty": 1.4,
        "warnings": ("yard.jpg: is unlike the training images (novelty 1.4)",),
    }
    return MeasuredPhoto(**fields | changes)


def measures_record(*photos: MeasuredPhoto, **changes: Any) -> MeasuresRecord:
    """A record of the photos; without any, of the house and the yard."""
    fields: dict[str, Any] = {
        "model": "streets",
        "roles": {"wall": "facade", "window": "window", "door": "door", "tree": "hidden"},
        "level": 0.9,
        "settings": {"--storey-height": "4"},
        "photos": photos or (house_photo(), yard_photo()),
        "errors": (PhotoError(file="street/sky.jpg", reason="street/sky.jpg: shows no building"),),
        "totals": (
            BuildingTotal(building="Main Street 1", direction="S", fronts=1, windows=8, wwr=0.1325),
            BuildingTotal(
                building="Main Street 1",
                direction="N",
                fronts=0,
                windows=None,
                wwr=0.174,
                assumed="mean of the storeys above the ground floor",
            ),
            BuildingTotal(building="Main Street 1", direction=None, fronts=2, windows=14, wwr=0.152),
        ),
        "unused": (UnusedData(kind="files", what=".heic files", count=2, reason="cannot be read"),),
    }
    return MeasuresRecord(**fields | changes)


def changed_front(photo: MeasuredPhoto, **changes: Any) -> MeasuredPhoto:
    """The photo with its first front changed."""
    return structs.replace(photo, fronts=(structs.replace(photo.fronts[0], **changes), *photo.fronts[1:]))
