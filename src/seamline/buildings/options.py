"""How buildings are measured."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from seamline.errors import SeamlineError


@dataclass(frozen=True)
class MeasureOptions:
    """How buildings are measured.

    Attributes:
        roles: role -> class, where the names of classes do not tell; see `find_roles`.
        corners: corners of the one front in the photo, in pixels, clockwise from the upper left; None finds fronts.
        height_m: height in meters, of each front in the photo.
        storey_height_m: mean height of a storey in meters.
        pixel_size_m: side of a pixel of the photo in meters, for photos that are rectified and to scale.
        azimuth: degrees from north that the front largest in the photo faces; see `orient_fronts`.
        count_inferred: whether totals include windows that are hidden and expected from rows and columns.
        max_side: longer side in pixels that the model sees a photo at, which is reduced to `WORK_SIDE` before; None
            takes the model's.

    Raises:
        SeamlineError: a value is out of range, or more than one scale is given.
    """

    roles: Mapping[str, str] = field(default_factory=dict)
    corners: tuple[tuple[float, float], ...] | None = None
    height_m: float | None = None
    storey_height_m: float | None = None
    pixel_size_m: float | None = None
    azimuth: float | None = None
    count_inferred: bool = False
    max_side: int | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        scales = {"height": self.height_m, "storey-height": self.storey_height_m, "pixel-size": self.pixel_size_m}
        given = {name: value for name, value in scales.items() if value is not None}
        for name, value in given.items():
            if not (math.isfinite(value) and value > 0):
                raise SeamlineError(f"--{name} {value:g}: must be above 0; give it in meters")
        if len(given) > 1:
            raise SeamlineError(f"--{' and --'.join(given)}: each gives a scale; use one of them")
        if self.azimuth is not None and not 0 <= self.azimuth < 360:
            raise SeamlineError(f"--azimuth {self.azimuth:g}: must be from 0, north, to below 360 degrees")

    @property
    def settings(self) -> dict[str, str]:
        """The options that are not left at their defaults: name -> value."""
        default = MeasureOptions()
        names = [one.name for one in fields(self) if getattr(self, one.name) != getattr(default, one.name)]
        return {name: str(getattr(self, name)) for name in names}
