"""The camera: a perspective view of a part of the scene, with the imperfections of a photo."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.synthetic.sampling import Array, Sampler

Corners = NDArray[np.float64]
"""(4, 2) pixels of the scene: the photo's upper left, upper right, lower right and lower left corner."""


@dataclass(frozen=True)
class Camera:
    """Settings of the camera for one building.

    Attributes:
        exposure: Factor of the light.
        saturation: 1 leaves colors unchanged, less makes them paler.
        tint: Factors of red, green and blue.
        contrast: Strength of the tone curve, 0 for none.
        blur: Standard deviation in pixels of the photo.
        noise: Standard deviation in 1/255.
        quality: JPEG quality, 1..100.
    """

    exposure: float
    saturation: float
    tint: tuple[float, float, float]
    contrast: float
    blur: float
    noise: float
    quality: int


def sample_camera(rng: Sampler, median: float, highlight: float) -> Camera:
    """Sample a camera that is exposed for a scene; dark houses stay a little dark.

    Args:
        rng: Source of randomness.
        median: Median light of the walls.
        highlight: 95th percentile of the light of the houses.
    """
    warmth = rng.normal(0, 0.05)
    exposure = 0.27 * (0.27 / max(median, 0.02)) ** 0.6 / 0.27
    return Camera(
        exposure=min(exposure, 0.8 / max(highlight, 0.02)) * 2 ** rng.normal(0.08, 0.26),
        saturation=rng.uniform(0.68, 1.0),
        tint=(1 + warmth, 1 + rng.normal(0, 0.012), 1 - warmth),
        contrast=rng.uniform(0.0, 0.5),
        blur=rng.uniform(0.3, 0.85),
        noise=rng.uniform(0.6, 2.8),
        quality=rng.integer(72, 95),
    )


def photograph(
    scene: Array, labels: NDArray[np.uint8], corners: Corners, camera: Camera, rng: Sampler, size: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Photograph a part of a scene, and warp its labels to the same view.

    Args:
        scene: (R, C, 3) float32, linear light.
        labels: (R, C) uint8.
        corners: (4, 2) float64, the photo's corners in the scene.
        camera: Settings.
        rng: Source of the sensor noise.
        size: Height and width of the photo in pixels.

    Returns:
        The photo (H, W, 3) uint8 and its labels (H, W) uint8, sampled at pixel centers.
    """
    height, width = size
    pixel = max(np.ptp(corners[:, 0]) / width, np.ptp(corners[:, 1]) / height)
    oversampling = int(min(4, max(2, np.ceil(pixel))))
    view = cv2.warpPerspective(
        scene,
        _homography(corners, height, width, oversampling),
        (width * oversampling, height * oversampling),
        flags=cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR,
    )
    photo = cv2.resize(view, (width, height), interpolation=cv2.INTER_AREA)
    mask = cv2.warpPerspective(
        labels,
        _homography(corners, height, width, 1),
        (width, height),
        flags=cv2.WARP_INVERSE_MAP | cv2.INTER_NEAREST,
    )
    return _develop(np.asarray(photo, dtype=np.float32), camera, rng), mask.astype(np.uint8)


def _homography(corners: Corners, height: int, width: int, oversampling: int) -> NDArray[np.float64]:
    """Return the (3, 3) float64 matrix from pixels of the oversampled photo to pixels of the scene."""
    right, bottom = width * oversampling - 0.5, height * oversampling - 0.5
    photo = np.array([(-0.5, -0.5), (right, -0.5), (right, bottom), (-0.5, bottom)], dtype=np.float32)
    return np.asarray(cv2.getPerspectiveTransform(photo, (corners - 0.5).astype(np.float32)), dtype=np.float64)


def _develop(light: Array, camera: Camera, rng: Sampler) -> NDArray[np.uint8]:
    """Convert linear light (H, W, 3) float32 to the pixels of the camera's JPEG file, (H, W, 3) uint8."""
    photo = np.asarray(cv2.GaussianBlur(light, (0, 0), camera.blur), dtype=np.float32)
    photo *= np.float32(camera.exposure) * np.array(camera.tint, dtype=np.float32)
    gray = photo @ np.array((0.25, 0.65, 0.1), dtype=np.float32)
    photo = gray[:, :, None] + np.float32(camera.saturation) * (photo - gray[:, :, None])
    # Highlights are compressed instead of clipped, as on film.
    photo = np.where(photo > 0.7, 1 - np.float32(0.3) * np.exp((np.float32(0.7) - photo) / np.float32(0.3)), photo)
    tones = np.power(np.maximum(photo, 0), np.float32(1 / 2.2))
    curve = tones * tones * (3 - 2 * tones)
    tones += np.float32(camera.contrast) * (curve - tones)
    rows, columns = tones.shape[:2]
    noise = rng.standard_normal(rows, columns, 1) + np.float32(0.4) * rng.standard_normal(rows, columns, 3)
    tones = tones * 255 + noise * np.float32(camera.noise)
    pixels = np.clip(tones, 0, 255).round().astype(np.uint8)
    _, file = cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, camera.quality])
    decoded = cv2.imdecode(file, cv2.IMREAD_COLOR)
    if decoded is None:
        raise RuntimeError("OpenCV cannot read the JPEG file that it wrote")
    return np.ascontiguousarray(decoded[:, :, ::-1]).astype(np.uint8)
