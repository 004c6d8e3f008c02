"""Synthetic fronts under perspective: photos with true labels, the number of storeys and the homography of the wall.

Each is one house of `seamline.synthetic.facades`, photographed from the pavement opposite: from 10 to 50 degrees to the
side, with the camera tilted up to show the roof, and rolled by up to 4 degrees. It depends on its index alone.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.inference.prediction import Prediction
from seamline.inference.predictor import Predictor
from seamline.run_folder import ExportMetadata
from seamline.synthetic.facades.camera import photograph, sample_camera
from seamline.synthetic.facades.canvas import GLASS, GROUND, OTHER, WALL, Canvas, Paint
from seamline.synthetic.facades.foreground import draw_foreground
from seamline.synthetic.facades.houses import HousePlan, draw_house, plan_house
from seamline.synthetic.facades.lighting import illuminate, sample_light
from seamline.synthetic.facades.streets import draw_sky
from seamline.synthetic.facades.styles import sample_style
from seamline.synthetic.facades.textures import surface_texture
from seamline.synthetic.sampling import Array, Sampler, make_generator

CLASSES = ("other", "facade", "pillar", "window", "balcony", "shop", "vegetation")
"""The labels of a canvas, and two of its own: shop windows, and what stands in front of the house."""

SHOP, HIDDEN = CLASSES.index("shop"), CLASSES.index("vegetation")
SIDE = 512
"""Width and height of a photo in pixels."""

CANVAS = (26.0, 25.0, 2.5, 36.0)
"""Width, height and depth below the street in meters, and pixels per meter."""

_STREAM = 19  # separates these random numbers from others


class Scene(NamedTuple):
    """A house seen straight on."""

    light: Array  # (R, C, 3) float32, linear light
    labels: NDArray[np.uint8]  # (R, C) uint8, numbers of `CLASSES`
    plan: HousePlan
    corners: NDArray[np.float64]  # (2, 2) float64, upper left and lower right corner of the wall in pixels


@dataclass(frozen=True, eq=False)
class SyntheticFront:
    """A photo of a house."""

    photo: NDArray[np.uint8]  # (H, W, 3) uint8
    labels: NDArray[np.uint8]  # (H, W) uint8, numbers of `CLASSES`
    to_photo: NDArray[np.float64]  # (3, 3) float64, from pixels of the scene to those of the photo
    corners: NDArray[np.float64]  # (2, 2) float64, of the wall in pixels of the scene
    storeys: int


def draw_front(index: int) -> SyntheticFront:
    """Draw a house and photograph it."""
    rng = Sampler(make_generator(_STREAM, index))
    scene = draw_scene(rng)
    to_photo = sample_view(rng, scene.corners)
    double = np.diag([2.0, 2.0, 1.0]) @ to_photo
    light, labels = _photograph(scene.light, double, 2 * SIDE), _photograph(scene.labels, to_photo, SIDE)
    wall = scene.light[scene.labels == WALL]
    camera = sample_camera(rng, float(np.median(wall)), float(np.quantile(wall, 0.95)))
    frame = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float64) * 2 * SIDE
    photo, _ = photograph(light, np.zeros(light.shape[:2], np.uint8), frame, camera, rng, (SIDE, SIDE))
    return SyntheticFront(photo, labels, to_photo, scene.corners, len(scene.plan.floors) - 1)


def draw_scene(rng: Sampler) -> Scene:
    """Draw a house without neighbors, and what stands in front of it."""
    canvas, light = Canvas(*CANVAS), sample_light(rng)
    draw_sky(canvas, rng, light)
    style, width = sample_style(rng), rng.uniform(11, 22)
    plan = plan_house(style, (canvas.width - width) / 2, width)
    draw_house(canvas, rng, style, plan)
    canvas.rect(0, -canvas.below, canvas.width, 0, Paint((110, 108, 104), OTHER, 0.3, GROUND))
    left, top = max(0, canvas.column(plan.left)), canvas.row(plan.top)
    right, bottom = min(canvas.shape[1], canvas.column(plan.right)), canvas.row(0)
    labels = np.zeros_like(canvas.label)
    labels[top:bottom, left:right] = canvas.label[top:bottom, left:right]
    panes = (canvas.label == OTHER) & (canvas.material == GLASS)
    ground = slice(canvas.row(plan.floors[1]), bottom)
    if style.ground_floor == "shops":
        labels[ground, left:right][panes[ground, left:right]] = SHOP
    scene = illuminate(canvas, light, rng, surface_texture(canvas, rng))
    before = canvas.label.copy()
    canvas.label[:] = WALL  # what hides the house paints over it
    draw_foreground(scene, canvas, rng, light)
    labels[canvas.label == OTHER] = HIDDEN
    canvas.label[:] = before
    return Scene(scene, labels, plan, np.array([(left, top), (right, bottom)], np.float64))


def sample_view(rng: Sampler, corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sample a camera that shows a whole wall, and return its homography.

    Args:
        rng: decides where the camera stands.
        corners: (2, 2) float64, upper left and lower right corner of the wall in pixels of the scene.

    Returns:
        (3, 3) float64, from pixels of the scene to those of the photo.
    """
    (left, top), (right, bottom) = corners / CANVAS[3]
    width, height = right - left, bottom - top
    yaw = np.radians(rng.uniform(10, 50)) * (1 if rng.bernoulli(0.5) else -1)
    distance = max(width, height) * rng.uniform(0.9, 1.6)
    middle = np.array([(left + right) / 2, (top + bottom) / 2, 0])
    eye = np.array([middle[0] + distance * np.sin(yaw), bottom - 1.7, -distance * np.cos(yaw)])
    forward = (middle - eye) / np.linalg.norm(middle - eye)
    side = np.cross((0.0, 1.0, 0.0), forward)  # y points down, so this is to the right
    side /= np.linalg.norm(side)
    roll = np.radians(rng.normal(0, 1.6))
    down = np.cross(forward, side)
    axes = np.array([np.cos(roll) * side + np.sin(roll) * down, np.cos(roll) * down - np.sin(roll) * side, forward])
    to_camera = np.column_stack([axes[:, 0], axes[:, 1], -axes @ eye])
    points = np.array([(x, y, 1) for x in (left, right) for y in (top, bottom)]) @ to_camera.T
    reach = np.abs(points[:, :2] / points[:, 2:]).max()
    focal = SIDE / 2 * rng.uniform(0.85, 0.97) / reach
    lens = np.array([(focal, 0, SIDE / 2), (0, focal, SIDE / 2), (0, 0, 1)])
    return np.asarray(lens @ to_camera @ np.diag([1 / CANVAS[3], 1 / CANVAS[3], 1.0]), np.float64)


def _photograph(scene: NDArray[Any], to_photo: NDArray[np.float64], side: int) -> NDArray[Any]:
    """Warp a scene, or its labels, to a photo; what lies beyond the horizon of the wall's plane is sky."""
    half = np.array([(1, 0, 0.5), (0, 1, 0.5), (0, 0, 1)])  # the center of the first pixel is at 0.5
    matrix = np.linalg.inv(half) @ to_photo @ half
    labels = scene.ndim == 2
    size, method = (side, side), cv2.INTER_NEAREST if labels else cv2.INTER_LINEAR
    view = cv2.warpPerspective(scene, matrix, size, flags=method, borderMode=cv2.BORDER_REPLICATE)
    inverse = np.linalg.inv(matrix)
    rows, columns = np.mgrid[:side, :side]
    depth = inverse[2, 0] * columns + inverse[2, 1] * rows + inverse[2, 2]
    center = inverse[2] @ (side / 2, side / 2, 1)
    view[np.sign(depth) != np.sign(center)] = OTHER if labels else scene[0].mean(0)
    return np.asarray(view)


class TruePredictor(Predictor):
    """A predictor that returns the true labels of a photo, at whatever size it is read."""

    labels: NDArray[np.uint8]

    @classmethod
    def of(cls, labels: NDArray[np.uint8]) -> "TruePredictor":
        """Return the predictor of a photo with labels (H, W) uint8."""
        metadata = ExportMetadata(
            seamline="", name="truth", task="segmentation", dataset="synthetic", preset="", classes=CLASSES,
            palette=tuple((30 * index, 30 * index, 30 * index) for index in range(len(CLASSES))),
            input_size=(SIDE, SIDE, 3), max_side=SIDE, fingerprint="0" * 32,
        )  # fmt: skip
        predictor = cls(Path("truth"), "truth", _no_forward, metadata)
        object.__setattr__(predictor, "labels", labels)
        return predictor

    def __call__(self, images: Any, **options: Any) -> Any:
        """Return the prediction for the photo, or for its resized copy (H, W, 3) uint8."""
        height, width = images.shape[:2]
        ones = (np.arange(len(CLASSES)) == self.labels[..., None]).astype(np.float32)
        maps = cv2.resize(ones, (width, height), interpolation=cv2.INTER_AREA).transpose(2, 0, 1)
        mask = maps.argmax(0).astype(np.uint8)
        confidence = np.rint(255 * maps.max(0)).astype(np.uint8)
        return Prediction(
            images, height, width, CLASSES, self.palette, mask=mask, confidence=confidence,
            probability_maps=np.ascontiguousarray(maps) if options.get("probability_maps") else None,
        )  # fmt: skip


def _no_forward(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    raise NotImplementedError("the truth is returned by the call alone")
