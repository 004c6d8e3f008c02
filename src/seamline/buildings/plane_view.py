"""What a photo shows of a front, in the front's plane."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.buildings.fronts import FrontRegion
from seamline.buildings.planes import to_photo, warp
from seamline.buildings.roles import BUILDING, ROLES, Role
from seamline.run_folder import Plane

Mask = NDArray[np.bool_]
PhotoSide = Literal["left", "right", "top", "bottom"]


@dataclass(frozen=True, eq=False)
class PlaneView:
    """What a photo shows of a front, in the front's plane of H x W pixels."""

    plane: Plane
    region: Mask  # (H, W) bool, the front with what stands in front of it
    probabilities: NDArray[np.float32]  # (8, H, W) float32, of each role

    @classmethod
    def of(cls, front: FrontRegion, probabilities: NDArray[np.float32]) -> "PlaneView":
        """Warp a front, and the probabilities (8, H, W) of the photo's roles, into the front's plane."""
        plane = front.rectification.plane
        return cls(plane, warp(plane, front.mask), np.stack([warp(plane, layer) for layer in probabilities]))

    @cached_property
    def roles(self) -> NDArray[np.uint8]:
        """(H, W) uint8, the most probable role of each pixel, an index in `ROLES`."""
        return np.asarray(self.probabilities.argmax(0), np.uint8)

    def mask(self, *roles: Role) -> Mask:
        """Return the front's pixels (H, W) of some roles."""
        result: Mask = np.isin(self.roles, [ROLES.index(role) for role in roles]) & self.region
        return result

    @property
    def _wall(self) -> tuple[Role, ...]:
        """Roles that are part of the front; between corners of the user's, all but what stands in front of it."""
        return (*BUILDING, "other") if self.plane.method == "corners" else BUILDING

    @cached_property
    def building(self) -> Mask:
        """(H, W) bool, the visible front, openings included."""
        return self.mask(*self._wall)

    def probability(self, role: Role) -> NDArray[np.float32]:
        """Return the probability (H, W) of a role."""
        return np.asarray(self.probabilities[ROLES.index(role)])

    @cached_property
    def _columns(self) -> Mask:
        """(W,) bool, columns half as tall as the tall ones or more: not strips of ground beside the front."""
        heights = self.region.sum(0)
        typical = np.quantile(heights[heights > 0], 0.8) if heights.any() else 0.0
        return np.asarray((heights > 0) & (heights >= typical / 2))

    @cached_property
    def extent(self) -> tuple[float, float]:
        """Top and bottom of the front: the medians over its columns, in pixels."""
        if not self._columns.any():
            return 0.0, float(self.region.shape[0])
        region = self.region[:, self._columns]
        bottoms = len(region) - region[::-1].argmax(0)
        return float(np.median(region.argmax(0))), float(np.median(bottoms))

    @property
    def visible_size(self) -> tuple[float, float]:
        """Width and height of the front in pixels; the height is the median over its columns."""
        columns = np.flatnonzero(self._columns)
        width = float(columns[-1] - columns[0] + 1) if len(columns) else 0.0
        return width, self.extent[1] - self.extent[0]

    @property
    def photo_scale(self) -> float:
        """Height in the photo of a pixel in the middle of the plane, in pixels."""
        x, y = self.plane.width / 2, self.plane.height / 2
        ends = to_photo(self.plane, np.array([[x, y - 0.5], [x, y + 0.5]]))
        return float(np.linalg.norm(ends[1] - ends[0]))


def cut_off_sides(mask: Mask) -> tuple[PhotoSide, ...]:
    """Return the sides on which the photo ends before a front (H, W) does."""
    height, width = mask.shape
    rows, columns = mask.any(1).sum(), mask.any(0).sum()
    touched: dict[PhotoSide, float] = {
        "left": mask[:, 0].sum() / max(1, rows),
        "right": mask[:, width - 1].sum() / max(1, rows),
        "top": mask[0].sum() / max(1, columns),
        "bottom": mask[height - 1].sum() / max(1, columns),
    }
    return tuple(side for side, fraction in touched.items() if fraction >= 0.15)


def outline_of(mask: Mask) -> NDArray[np.float64]:
    """Return the outline of the largest part of a mask (H, W) as a polygon (N, 2), in pixels."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contour = max(contours, key=cv2.contourArea)
    polygon = cv2.approxPolyDP(contour, 0.004 * max(mask.shape), closed=True)[:, 0]
    return polygon.astype(np.float64) + 0.5
