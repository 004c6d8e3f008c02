"""The camera: picks a part of the picture, tilts it a little, and gives it the faults of photographs."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.synthetic.facades.chance import Array, Chance

Corners = NDArray[np.float64]
"""(4, 2) places in pixels of the picture: of the photo's upper left, upper right, lower right and lower left corner."""


@dataclass(frozen=True)
class Camera:
    """How one building was photographed.

    Attributes:
        exposure: what the light is multiplied by.
        colour: 1 for colours as they are, less for paler ones.
        tint: the same for red, green and blue each.
        contrast: 0 for none added.
        blur: standard deviation in pixels of the photo.
        noise: standard deviation in 1/255.
        quality: of the JPEG file, 1..100.
    """

    exposure: float
    colour: float
    tint: tuple[float, float, float]
    contrast: float
    blur: float
    noise: float
    quality: int


def set_up(chance: Chance, typical: float, bright: float) -> Camera:
    """Return a camera set by its meter for a picture of typical and bright light; dark houses stay a little dark."""
    warm = chance.about(0, 0.05)
    exposure = 0.27 * (0.27 / max(typical, 0.02)) ** 0.6 / 0.27
    return Camera(
        exposure=min(exposure, 0.8 / max(bright, 0.02)) * 2 ** chance.about(0.08, 0.26),
        colour=chance.between(0.68, 1.0),
        tint=(1 + warm, 1 + chance.about(0, 0.012), 1 - warm),
        contrast=chance.between(0.0, 0.5),
        blur=chance.between(0.3, 0.85),
        noise=chance.between(0.6, 2.8),
        quality=chance.whole(72, 95),
    )


def photograph(
    picture: Array, labels: NDArray[np.uint8], corners: Corners, settings: Camera, chance: Chance, size: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Take a photo of a part of a picture, and of its labels by the same view.

    Args:
        picture: (R, C, 3) float32, amounts of light.
        labels: (R, C) uint8.
        corners: where the photo's corners lie.
        settings: the camera's.
        chance: decides the noise.
        size: the photo's height and width in pixels.

    Returns:
        The photo (H, W, 3) uint8, and its labels (H, W) uint8, each that of the point in the pixel's middle.
    """
    height, width = size
    span = max(np.ptp(corners[:, 0]) / width, np.ptp(corners[:, 1]) / height)
    finer = int(min(4, max(2, np.ceil(span))))
    view = cv2.warpPerspective(
        picture,
        _homography(corners, height, width, finer),
        (width * finer, height * finer),
        flags=_BACK | cv2.INTER_LINEAR,
    )
    photo = cv2.resize(view, (width, height), interpolation=cv2.INTER_AREA)
    seen = cv2.warpPerspective(
        labels, _homography(corners, height, width, 1), (width, height), flags=_BACK | cv2.INTER_NEAREST
    )
    return _developed(np.asarray(photo, dtype=np.float32), settings, chance), seen.astype(np.uint8)


_BACK = cv2.WARP_INVERSE_MAP


def _homography(corners: Corners, height: int, width: int, finer: int) -> NDArray[np.float64]:
    """Return the matrix from pixels of the photo, drawn `finer` times larger, to pixels of the picture."""
    wide, high = width * finer - 0.5, height * finer - 0.5
    photo = np.array([(-0.5, -0.5), (wide, -0.5), (wide, high), (-0.5, high)], dtype=np.float32)
    return np.asarray(cv2.getPerspectiveTransform(photo, (corners - 0.5).astype(np.float32)), dtype=np.float64)


def _developed(photo: Array, settings: Camera, chance: Chance) -> NDArray[np.uint8]:
    """Return the light that fell on the sensor as the file of a camera shows it."""
    photo = np.asarray(cv2.GaussianBlur(photo, (0, 0), settings.blur), dtype=np.float32)
    photo *= np.float32(settings.exposure) * np.array(settings.tint, dtype=np.float32)
    grey = photo @ np.array((0.25, 0.65, 0.1), dtype=np.float32)
    photo = grey[:, :, None] + np.float32(settings.colour) * (photo - grey[:, :, None])
    # Bright parts roll off instead of breaking off, as on film.
    photo = np.where(photo > 0.7, 1 - np.float32(0.3) * np.exp((np.float32(0.7) - photo) / np.float32(0.3)), photo)
    tones = np.power(np.maximum(photo, 0), np.float32(1 / 2.2))
    curve = tones * tones * (3 - 2 * tones)
    tones += np.float32(settings.contrast) * (curve - tones)
    rows, columns = tones.shape[:2]
    grain = chance.grain(rows, columns, 1) + np.float32(0.4) * chance.grain(rows, columns, 3)
    tones = tones * 255 + grain * np.float32(settings.noise)
    pixels = np.clip(tones, 0, 255).round().astype(np.uint8)
    _, file = cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, settings.quality])
    decoded = cv2.imdecode(file, cv2.IMREAD_COLOR)
    if decoded is None:
        raise RuntimeError("OpenCV cannot read the JPEG file that it wrote")
    return np.ascontiguousarray(decoded[:, :, ::-1]).astype(np.uint8)
