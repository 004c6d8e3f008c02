"""Photos of drawn fronts under known cameras."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.synthetic.facades.camera import photograph, sample_camera
from seamline.synthetic.facades.streets import draw_street
from seamline.synthetic.sampling import Sampler

PIXELS_PER_METER = 60
WIDTH, HEIGHT = 20.0, 14.0  # meters of a drawn front

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Shot:
    """A photo, the front in it, and the truth."""

    photo: NDArray[np.uint8]  # (H, W, 3)
    region: NDArray[np.bool_]  # (H, W)
    homography: Matrix  # (3, 3) from meters of the front to pixels of the photo
    focal: float  # pixels

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the photo."""
        return self.region.shape[0], self.region.shape[1]


def aim_camera(
    shape: tuple[int, int],
    *,
    yaw: float = 0,
    pitch: float = 0,
    roll: float = 0,
    focal: float = 1.0,
    middle: tuple[float, float] = (WIDTH / 2, HEIGHT / 2),
    distance: float = 23.0,
) -> Matrix:
    """Return the homography from meters of a front (x to the right, y down) to pixels of a photo.

    Args:
        shape: height and width of the photo.
        yaw: degrees, positive where the front's right side is farther.
        pitch: degrees upward.
        roll: degrees.
        focal: focal length over the longer side.
        middle: meters, the point of the front that the camera is aimed at.
        distance: meters from there, for a focal length of the longer side.
    """
    a, b, c = np.radians([yaw, pitch, roll])
    turn = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    tilt = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    spin = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    rotation = spin @ tilt @ turn
    across, down = rotation[:, 0], rotation[:, 1]
    away = np.array([0, 0, distance * focal]) - across * middle[0] - down * middle[1]
    pixels = focal * max(shape)
    camera = np.array([[pixels, 0, shape[1] / 2], [0, pixels, shape[0] / 2], [0, 0, 1]])
    return np.asarray(camera @ np.stack([across, down, away], 1))


def draw_front(seed: int) -> NDArray[np.uint8]:
    """Draw a front with rows of windows, (H, W, 3)."""
    rng = np.random.default_rng(seed)
    size = int(HEIGHT * PIXELS_PER_METER), int(WIDTH * PIXELS_PER_METER)
    front = np.full((*size, 3), rng.integers(120, 220, 3), np.uint8)
    rows, columns = rng.integers(3, 5), rng.integers(4, 8)
    cell = np.array([size[1] / columns, size[0] / rows])
    for index in np.ndindex(int(columns), int(rows)):
        upper, lower = ((np.array(index) + share) * cell for share in (np.array([0.25, 0.25]), np.array([0.7, 0.8])))
        box = [tuple(int(value) for value in corner) for corner in (upper, lower)]
        cv2.rectangle(front, box[0], box[1], tuple(int(value) for value in rng.integers(20, 90, 3)), -1)
        cv2.rectangle(front, box[0], box[1], (240, 240, 240), 3)
    return front


def photograph_front(seed: int, homography: Matrix, shape: tuple[int, int], focal: float = 1.0) -> Shot:
    """Photograph a drawn front with noise."""
    front = draw_front(seed)
    matrix = homography @ np.diag([1 / PIXELS_PER_METER, 1 / PIXELS_PER_METER, 1])
    shift = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
    doubled = shift @ np.diag([2.0, 2.0, 1.0]) @ matrix @ np.linalg.inv(shift)
    large = cv2.warpPerspective(front, doubled, (2 * shape[1], 2 * shape[0]), borderValue=(150, 190, 230))
    photo = cv2.resize(large, shape[::-1], interpolation=cv2.INTER_AREA)
    noisy = np.clip(photo + np.random.default_rng(seed).normal(0, 3, photo.shape), 0, 255).astype(np.uint8)
    plain = np.ones(front.shape[:2], np.uint8)
    region = cv2.warpPerspective(plain, shift @ matrix @ np.linalg.inv(shift), shape[::-1], flags=cv2.INTER_NEAREST)
    return Shot(noisy, region > 0, homography, focal * max(shape))


def random_shot(seed: int, shape: tuple[int, int] = (600, 800)) -> Shot:
    """Photograph a front with a random camera."""
    rng = np.random.default_rng(1000 + seed)
    focal = rng.uniform(0.65, 1.2)
    yaw, pitch, roll = rng.uniform(-45, 45), rng.uniform(4, 20), rng.uniform(-3, 3)
    return photograph_front(seed, aim_camera(shape, yaw=yaw, pitch=pitch, roll=roll, focal=focal), shape, focal)


def photograph_street(seed: int, shape: tuple[int, int] = (600, 600)) -> Shot:
    """Photograph a drawn street from a random position; the front is what belongs to its largest building."""
    rng = Sampler(np.random.default_rng(seed))
    street = draw_street(rng)
    left, right, top, bottom = street.house
    scale = 36.0  # pixels of the scene per meter
    middle = ((left + right) / 2 / scale, (top + bottom) / 2 / scale)
    focal = rng.uniform(0.7, 1.1)
    homography = aim_camera(
        shape,
        yaw=rng.uniform(-35, 35),
        pitch=rng.uniform(4, 15),
        roll=rng.uniform(-2, 2),
        focal=focal,
        middle=middle,
        distance=rng.uniform(12, 16),
    )
    photo_corners = np.array([[0, 0], [shape[1], 0], [shape[1], shape[0]], [0, shape[0]]], np.float64)
    corners = cv2.perspectiveTransform(photo_corners[np.newaxis], np.linalg.inv(homography))[0] * scale
    camera = sample_camera(rng, street.median, street.highlight)
    photo, labels = photograph(street.scene, street.labels, corners, camera, rng, shape)
    _, parts, statistics, _ = cv2.connectedComponentsWithStats((labels > 0).astype(np.uint8))
    return Shot(photo, parts == 1 + statistics[1:, cv2.CC_STAT_AREA].argmax(), homography, focal * max(shape))


def distort(shot: Shot, strength: float) -> Shot:
    """Bend a photo as a lens does: as barrel where positive, and as pincushion where negative."""
    height, width = shot.shape
    center = np.array([width, height], np.float32) / 2
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    offsets = (np.stack([columns, rows], 2) + 0.5 - center) / np.hypot(*center)
    source = offsets * (1 + strength * (offsets**2).sum(2, keepdims=True)) * np.hypot(*center) + center - 0.5
    x, y = source[..., 0].astype(np.float32), source[..., 1].astype(np.float32)
    photo = cv2.remap(shot.photo, x, y, cv2.INTER_LINEAR, borderValue=(150, 190, 230))
    region = cv2.remap(shot.region.astype(np.uint8), x, y, cv2.INTER_NEAREST)
    return Shot(photo.astype(np.uint8), region > 0, shot.homography, shot.focal)
