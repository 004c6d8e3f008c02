"""Fronts drawn in arrays, and a network that tells classes by their colors: what a photo shows is known exactly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from building_views import HEIGHT, PIXELS_PER_METER, WIDTH, Matrix
from measures_factories import Box, rectangle, rectified_plane
from seamline.buildings.plane_view import PlaneView
from seamline.buildings.roles import ROLES, Role
from seamline.inference.predictor import Predictor
from seamline.run_folder import ExportMetadata

SURE = 1.0
"""Probability of the role that is drawn; what is left is facade, or window where facade is drawn."""

COLORS = {"other": (255, 255, 0), "facade": (255, 255, 255), "window": (0, 255, 255), "vegetation": (255, 0, 255)}
"""Class -> its color in photos; each differs from that of the facade in one channel, so no mixture is a third class."""


def drawn_view(width: int, height: int, *drawn: tuple[Role, Sequence[Box]], **changes: Any) -> PlaneView:
    """A front that fills its plane, whose first pixel is that of the photo; later boxes cover earlier ones.

    Args:
        width: of the plane.
        height: of the plane.
        *drawn: a role and the boxes in which it is most probable.
        **changes: fields of the plane.
    """
    facade, window = ROLES.index("facade"), ROLES.index("window")
    probabilities = np.zeros((len(ROLES), height, width), np.float32)
    probabilities[facade], probabilities[window] = SURE, 1 - SURE
    for role, boxes in drawn:
        for left, top, right, bottom in boxes:
            place = np.s_[:, int(top) : int(bottom), int(left) : int(right)]
            probabilities[place] = 0
            probabilities[place][facade] = 1 - SURE
            probabilities[place][ROLES.index(role)] += SURE
    plane = rectified_plane(rectangle((0, 0, width, height)), width, height, **changes)
    return PlaneView(plane, np.ones((height, width), bool), probabilities)


def grid(lefts: Sequence[float], tops: Sequence[float], width: float = 40, height: float = 50) -> list[Box]:
    """Boxes of one size in rows and columns."""
    return [(left, top, left + width, top + height) for top in tops for left in lefts]


@dataclass
class ColorNetwork:
    """Tells the class of each pixel by its color."""

    shapes: list[tuple[int, ...]] = field(default_factory=list)  # of each call's images

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return logits (B, K, H, W) for images (B, H, W, 3)."""
        self.shapes.append(images.shape)
        differences = [np.square((images.astype(np.float32) - color) / 255).sum(3) for color in COLORS.values()]
        return np.stack([-12 * difference for difference in differences], 1).astype(np.float32)


def color_model(forward: Callable[..., Any] | None = None, **changes: Any) -> Predictor:
    """A model of the classes of `COLORS`."""
    fields: dict[str, Any] = {
        "seamline": "0.1.0",
        "name": "colors",
        "task": "segmentation",
        "dataset": "Colors",
        "preset": "fast",
        "classes": tuple(COLORS),
        "palette": tuple(COLORS.values()),
        "input_size": (64, 64, 3),
        "max_side": 1280,
        "fingerprint": "0" * 32,
    }
    return Predictor(
        Path("colors"),
        "onnxruntime",
        ColorNetwork() if forward is None else forward,
        ExportMetadata(**fields | changes),
        features=lambda images: np.ones((len(images), 4), np.float32),
    )


def paint_front(windows: Sequence[Box], hidden: Sequence[Box] = ()) -> NDArray[np.uint8]:
    """Paint a front in the colors of its classes; boxes are in meters."""
    front = np.full((int(HEIGHT * PIXELS_PER_METER), int(WIDTH * PIXELS_PER_METER), 3), COLORS["facade"], np.uint8)
    for name, boxes in (("window", windows), ("vegetation", hidden)):
        for box in boxes:
            left, top, right, bottom = (round(PIXELS_PER_METER * value) for value in box)
            front[top:bottom, left:right] = COLORS[name]
    return front


def photograph_paint(front: NDArray[np.uint8], homography: Matrix, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Photograph a painted front before nothing, by a homography from meters to pixels of the photo."""
    shift = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
    meters = np.diag([1 / PIXELS_PER_METER, 1 / PIXELS_PER_METER, 1])
    doubled = shift @ np.diag([2.0, 2.0, 1.0]) @ homography @ meters @ np.linalg.inv(shift)
    large = cv2.warpPerspective(front, doubled, (2 * shape[1], 2 * shape[0]), borderValue=COLORS["other"])
    return np.asarray(cv2.resize(large, shape[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def bare_photo(*houses: Box, windows: Sequence[Box] = (), shape: tuple[int, int] = (300, 400)) -> NDArray[np.uint8]:
    """A photo (H, W, 3) of houses and windows, boxes in its pixels, seen straight on."""
    photo = np.full((*shape, 3), COLORS["other"], np.uint8)
    for name, boxes in (("facade", houses), ("window", windows)):
        for left, top, right, bottom in boxes:
            photo[int(top) : int(bottom), int(left) : int(right)] = COLORS[name]
    return photo
