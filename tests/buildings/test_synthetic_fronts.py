"""Fronts of synthetic houses in photos with perspective, measured with their true labels as the segmentation.

The storeys of a house are its rows of windows, dormers included, and a ground floor of shops.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from building_views import aim_camera
from seamline.buildings.describe import FrontSettings, describe_front
from seamline.buildings.fronts import find_fronts
from seamline.buildings.options import MeasureOptions
from seamline.buildings.roles import ROLES, Role
from seamline.run_folder import Front
from seamline.synthetic.facades.camera import photograph, sample_camera
from seamline.synthetic.facades.canvas import GROUND, OTHER, WALL, WINDOW, Canvas, Paint
from seamline.synthetic.facades.houses import draw_house, plan_house
from seamline.synthetic.facades.lighting import illuminate, sample_light
from seamline.synthetic.facades.streets import draw_sky
from seamline.synthetic.facades.styles import sample_style
from seamline.synthetic.facades.textures import surface_texture
from seamline.synthetic.sampling import Sampler, make_generator

HOUSES = 12
LABELS: tuple[Role, ...] = (
    "other",
    "facade",
    "pillar",
    "window",
    "balcony",
    "shop",
)  # the synthetic labels, and one more
SHOP = LABELS.index("shop")
SCALE = 30.0  # pixels of the scene per meter
SHAPE = (640, 800)


@dataclass(frozen=True, eq=False)
class House:
    """A measured house and its truth."""

    front: Front  # the largest in the photo
    storeys: int
    wwr: float  # of the drawing, without perspective


def draw_and_measure(seed: int) -> House:
    """Draw a house that stands alone, photograph it with a yaw of up to 25 degrees, and measure the photo."""
    rng = Sampler(make_generator(seed))
    canvas = Canvas(36.0, 30.0, 3.0, SCALE)
    light = sample_light(rng)
    draw_sky(canvas, rng, light)
    style = sample_style(rng)
    width = rng.uniform(11, 20)
    plan = plan_house(style, (canvas.width - width) / 2, width)
    draw_house(canvas, rng, style, plan)
    if style.ground_floor == "shops":  # labeled `other` by the synthetic set, which has no such class
        lower, upper = int(canvas.row(0)), int(canvas.row(plan.floors[1] - 1.05))
        ground = canvas.label[upper:lower, int(plan.left * SCALE) : int(plan.right * SCALE)]
        ground[ground == OTHER] = SHOP
    attic = bool((canvas.label[: int(canvas.row(plan.top))] == WINDOW).any())
    canvas.rect(0, -canvas.below, canvas.width, 0, Paint((120, 118, 112), OTHER, 0.3, GROUND))
    scene = illuminate(canvas, light, rng, surface_texture(canvas, rng))
    walls = scene[canvas.label == WALL][:, 1]
    camera = sample_camera(rng, float(np.median(walls)), float(np.quantile(walls, 0.95)))
    middle = (plan.left + plan.right) / 2, float(canvas.row(plan.top / 2)) / SCALE
    homography = aim_camera(
        SHAPE,
        yaw=rng.uniform(-25, 25),
        pitch=rng.uniform(2, 10),
        roll=rng.uniform(-1.5, 1.5),
        focal=0.9,
        middle=middle,
        distance=1.35 * max(plan.right - plan.left, 1.25 * plan.top),
    )
    corners = np.array([[[0, 0], [SHAPE[1], 0], [SHAPE[1], SHAPE[0]], [0, SHAPE[0]]]], np.float64)
    corners = cv2.perspectiveTransform(corners, np.linalg.inv(homography))[0] * SCALE
    photo, labels = photograph(scene, canvas.label, np.asarray(corners, np.float64), camera, rng, SHAPE)
    wwr = float((canvas.label == WINDOW).sum() / (canvas.label != OTHER).sum())
    return House(measure(photo, labels), len(style.story_heights) + attic, wwr)


def measure(photo: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Front:
    """Measure the largest front of a photo with labels that are sure."""
    roles = np.array([ROLES.index(role) for role in LABELS], np.uint8)[labels]
    probabilities = (np.arange(len(ROLES))[:, np.newaxis, np.newaxis] == roles).astype(np.float32)
    settings = FrontSettings(MeasureOptions(), None, 1.0, LABELS)
    fronts = [describe_front(1, region, probabilities, settings) for region in find_fronts(photo, roles, None)]
    return max(fronts, key=lambda front: front.visible_area)


@pytest.fixture(scope="module")
def houses() -> list[House]:
    return [draw_and_measure(seed) for seed in range(HOUSES)]


def test_storeys_are_those_that_are_drawn(houses: list[House]) -> None:
    errors = [len(house.front.storeys) - house.storeys for house in houses]
    assert sum(error == 0 for error in errors) >= 10
    assert all(abs(error) <= 1 for error in errors)


def test_ratios_are_those_that_are_drawn(houses: list[House]) -> None:
    errors = [house.front.wwr.value - house.wwr for house in houses]
    assert max(map(abs, errors)) < 0.03
    assert float(np.median(np.abs(errors))) < 0.005


def test_fronts_are_rectified(houses: list[House]) -> None:
    assert sum(house.front.plane.method == "vanishing points" for house in houses) >= 11
