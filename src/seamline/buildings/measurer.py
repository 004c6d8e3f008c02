"""From a photo to the measures of its fronts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from seamline.buildings.roles import Roles, find_roles
from seamline.errors import SeamlineError
from seamline.inference.predictor import Predictor
from seamline.run_folder import BuildingCalibration, GpsPosition, MeasuredPhoto


@dataclass(frozen=True)
class MeasureOptions:
    """How buildings are measured.

    Attributes:
        roles: role -> class, where the names of classes do not tell; see `find_roles`.
        corners: corners of the one front in the photo, in pixels, clockwise from the upper left; None finds fronts.
        height_m: height of the front in meters.
        storey_height_m: mean height of a storey in meters.
        pixel_size_m: height of a pixel of the plane in meters, for photos that are rectified and to scale.
        azimuth: degrees from north of the fronts' outer normal.
        count_inferred: whether totals include windows that are hidden and expected from rows and columns.
        max_side: longer side in pixels at which the model reads photos; None finds it from the photo.

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


@dataclass(frozen=True)
class PhotoOrigin:
    """What is known of a photo beside its pixels."""

    file: str = ""  # its path
    stem: str = ""  # prefix of the file names of its results
    focal_length: float | None = None  # in pixels of the photo, by its EXIF data
    gps: GpsPosition | None = None
    building: str | None = None  # group that it belongs to


@dataclass(frozen=True)
class Measurer:
    """Measures the fronts in photos with a model."""

    predictor: Predictor
    roles: Roles
    calibration: BuildingCalibration | None
    options: MeasureOptions

    @classmethod
    def of(cls, predictor: Predictor, options: MeasureOptions) -> "Measurer":
        """Prepare measuring with a model.

        Raises:
            SeamlineError: the model is a classifier, or lacks a class for facades or windows.
        """
        if predictor.task != "segmentation":
            raise SeamlineError(f"{predictor.path}: is a classifier; measuring needs masks with facade and window")
        return cls(predictor, find_roles(predictor.classes, options.roles), None, options)

    def __call__(self, photo: NDArray[np.uint8], origin: PhotoOrigin) -> MeasuredPhoto:
        """Measure the fronts of a photo.

        Args:
            photo: (H, W, 3) uint8, upright.
            origin: what is known of it beside its pixels.

        Raises:
            SeamlineError: the photo shows no building, or the corners do not fit it; the line says why.
        """
        raise NotImplementedError
