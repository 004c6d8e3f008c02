"""From a photo to the measures of its fronts."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from seamline.buildings.corners import rectify_corners
from seamline.buildings.describe import FrontSettings, describe_front
from seamline.buildings.fronts import MIN_PART, FrontRegion, find_fronts
from seamline.buildings.options import MeasureOptions
from seamline.buildings.orientation import orient_fronts
from seamline.buildings.planes import rescale_photo
from seamline.buildings.rectification import Rectification
from seamline.buildings.roles import BUILDING, ROLES, Roles, find_roles
from seamline.data.preprocess import resize_max_side
from seamline.errors import SeamlineError
from seamline.inference.predictor import Predictor, find_model
from seamline.run_folder import BuildingCalibration, GpsPosition, MeasuredPhoto, Point, RunFolder

WORK_SIDE = 1280
"""Longer side in pixels to which photos are reduced for the geometry."""


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
            SeamlineError: the model is a classifier or lacks a class for facades or windows, or `max_side` is out of
                range.
        """
        if predictor.task != "segmentation":
            raise SeamlineError(
                f"{predictor.path}: is a classifier; name a segmenter with classes for facade and window"
            )
        predictor.check_max_side(options.max_side)
        if options.max_side is not None and options.max_side > WORK_SIDE:
            raise SeamlineError(
                f"--max-side {options.max_side}: photos are measured at {WORK_SIDE} pixels or less; give at most that, "
                "or 0"
            )
        return cls(predictor, find_roles(predictor.classes, options.roles), find_calibration(predictor), options)

    def __call__(self, photo: NDArray[np.uint8], origin: PhotoOrigin) -> MeasuredPhoto:
        """Measure the fronts of a photo.

        Args:
            photo: (H, W, 3) uint8, upright.
            origin: what is known of it beside its pixels.

        Raises:
            SeamlineError: the photo shows no building, or the corners do not fit it; the line says why.
        """
        reduced = resize_max_side(photo, 3, WORK_SIDE)
        factor = max(photo.shape[:2]) / max(reduced.shape[:2])
        corners = self.options.corners
        regions = None if corners is None else [_marked_region(corners, photo, factor, origin.focal_length)]
        prediction = self.predictor(reduced, max_side=self.options.max_side, probability_maps=True)
        if prediction.probability_maps is None:
            raise TypeError("the prediction has no probability maps")
        probabilities = self.roles.merge(prediction.probability_maps)
        if regions is None:
            focal = None if origin.focal_length is None else origin.focal_length / factor
            regions = _find_regions(reduced, probabilities.argmax(0).astype(np.uint8), focal)
        settings = FrontSettings(
            self.options, self.calibration, factor, self.roles.roles, origin.building, fronts=len(regions)
        )
        fronts = [describe_front(number, region, probabilities, settings) for number, region in enumerate(regions, 1)]
        height, width = photo.shape[:2]
        return MeasuredPhoto(
            file=origin.file,
            stem=origin.stem,
            width=width,
            height=height,
            fronts=orient_fronts(fronts, origin.gps, self.options.azimuth),
            gps=origin.gps,
            novelty=prediction.novelty,
            warnings=_warnings(prediction.novelty),
        )


def find_calibration(predictor: Predictor) -> BuildingCalibration | None:
    """Return how sure the measures of a model are; None where it is not calibrated for buildings."""
    path = find_model(predictor.path)
    return RunFolder(path).building_calibration.read_optional() if path.is_dir() else None


def _marked_region(
    corners: Sequence[Point], photo: NDArray[np.uint8], factor: float, focal_length: float | None
) -> FrontRegion:
    """Return the front between the user's corners, in the photo reduced by `factor`.

    Args:
        corners: four times x, y in pixels of the full photo.
        photo: (H, W, 3) uint8, in full size.
        factor: side of the photo over that of the reduced one.
        focal_length: of the camera in pixels of the full photo, by EXIF; None where it is not known.

    Raises:
        SeamlineError: the corners do not fit the photo.
    """
    shape = (photo.shape[0], photo.shape[1])
    plane = rectify_corners(corners, shape, focal_length=focal_length)  # whose errors state pixels of the photo
    mask = np.zeros([max(1, round(side / factor)) for side in shape], np.uint8)
    cv2.fillPoly(mask, [np.round(np.array(corners) / factor - 0.5).astype(np.int32)], 1)
    return FrontRegion(mask > 0, Rectification(rescale_photo(plane, 1 / factor)), None)


def _find_regions(photo: NDArray[np.uint8], roles: NDArray[np.uint8], focal_length: float | None) -> list[FrontRegion]:
    """Return the fronts of a reduced photo.

    Args:
        photo: (H, W, 3) uint8.
        roles: (H, W) uint8, index in `ROLES` of each pixel.
        focal_length: of the camera in pixels of the reduced photo, by EXIF; None where it is not known.

    Raises:
        SeamlineError: there is none.
    """
    regions = find_fronts(photo, roles, focal_length)
    if not regions:
        building = np.isin(roles, [ROLES.index(role) for role in BUILDING]).mean()
        parts = f", in parts of less than {MIN_PART:.0%}" if building >= MIN_PART else ""
        raise SeamlineError(f"shows no building: {building:.0%} of it is predicted as one{parts}; use another photo")
    return regions


def _warnings(novelty: float | None) -> tuple[str, ...]:
    """Return sentences about an unusual photo."""
    if novelty is None or novelty <= 1:
        return ()
    return (f"is unlike the photos that the model was trained on (novelty {novelty:.2f}); check its measures",)
