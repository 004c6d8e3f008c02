"""A front in a photo -> the struct that files, page and API get."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from seamline.buildings.calibration import wwr_interval
from seamline.buildings.fronts import FrontRegion
from seamline.buildings.measures import FrontContents, measure_contents
from seamline.buildings.options import MeasureOptions
from seamline.buildings.plane_view import PlaneView, cut_off_sides, outline_of
from seamline.buildings.planes import rescale_photo
from seamline.buildings.roles import Role
from seamline.buildings.scale import Scale, find_scale
from seamline.buildings.segments import CURVATURE_LIMIT
from seamline.run_folder import BuildingCalibration, Front, Opening, Storey

HIDDEN_LIMIT = 0.1
"""Hidden fraction of a front from which a note says so."""


@dataclass(frozen=True)
class FrontSettings:
    """What all fronts of a photo share."""

    options: MeasureOptions
    calibration: BuildingCalibration | None
    factor: float  # side of the photo over that of the reduced one in which fronts are found
    known: tuple[Role, ...]  # roles that the model has classes for
    building: str | None = None  # group that the photo belongs to
    fronts: int = 1  # number of fronts in the photo


def describe_front(
    number: int, front: FrontRegion, probabilities: NDArray[np.float32], settings: FrontSettings
) -> Front:
    """Measure a front and describe it.

    Args:
        number: of the front in the photo, from 1.
        front: the front in the reduced photo.
        probabilities: (8, H, W) float32, of the roles, of the reduced photo.
        settings: what all fronts of the photo share.
    """
    view = PlaneView.of(front, probabilities)
    cut_off = cut_off_sides(front.mask)
    contents = measure_contents(
        view,
        foot_visible="bottom" not in cut_off,
        known=settings.known,
        count_inferred=settings.options.count_inferred,
    )
    plane = rescale_photo(front.rectification.plane, settings.factor)
    scale = find_scale(view, contents, settings.options, cut_off, settings.factor)
    region = float(view.region.sum())
    hidden = float(view.mask("hidden").sum()) / max(1.0, region)
    width, height = view.visible_size
    windows = [one for one in contents.openings if one.counted]
    ratio = contents.window_area / max(1.0, contents.visible_area)
    calibration = settings.calibration
    return Front(
        number=number,
        plane=msgspec.structs.replace(plane, meters_per_pixel=scale.vertical, curvature=front.curvature),
        outline=_scaled(outline_of(front.mask), settings.factor),
        cut_off=cut_off,
        openings=tuple(_in_photo(one, settings.factor) for one in contents.openings),
        storeys=tuple(_storey(one, scale, calibration) for one in contents.storeys),
        columns=contents.columns,
        windows=len(windows),
        doors=sum(one.kind == "door" for one in contents.openings),
        shops=sum(one.kind == "shop" for one in contents.openings),
        inferred_windows=sum(one.inferred for one in contents.openings),
        dropped=contents.dropped,
        wwr=wwr_interval(ratio, contents.expected_error, calibration.wwr_quantile if calibration else None),
        visible_area=contents.visible_area,
        expected_error=contents.expected_error,
        balcony_fraction=float(view.mask("balcony").sum()) / max(1.0, contents.visible_area),
        hidden_fraction=hidden,
        window_aspect=_aspect(windows) if plane.true_aspect or scale.true_aspect else None,
        width_m=scale.width(width),
        height_m=scale.height(height),
        area_m2=scale.area(contents.visible_area),
        window_area_m2=scale.area(contents.window_area) if windows else (0.0 if scale.horizontal else None),
        windows_probability=calibration.windows.probability(len(windows)) if calibration else None,
        storeys_probability=calibration.storeys.probability(len(contents.storeys)) if calibration else None,
        building=settings.building,
        notes=(*_notes(front, contents, hidden), *scale.notes, *_height_notes(scale, settings)),
    )


def _storey(storey: Storey, scale: Scale, calibration: BuildingCalibration | None) -> Storey:
    """Return a storey with its interval and its height in meters."""
    quantile = calibration.storey_wwr_quantile if calibration else None
    interval = wwr_interval(storey.wwr.value, storey.expected_error, quantile)
    return msgspec.structs.replace(storey, wwr=interval, height_m=scale.height(storey.bottom - storey.top))


def _in_photo(opening: Opening, factor: float) -> Opening:
    """Return an opening found in a reduced photo as one of the photo."""
    return msgspec.structs.replace(opening, photo_outline=_scaled(np.array(opening.photo_outline), factor))


def _scaled(points: NDArray[np.float64], factor: float) -> tuple[tuple[float, float], ...]:
    """Return points (N, 2) of a reduced photo in pixels of the photo, to a tenth."""
    return tuple((round(float(x), 1), round(float(y), 1)) for x, y in points * factor)


def _aspect(windows: Sequence[Opening]) -> float | None:
    """Return the mean width over height of windows."""
    sides = [np.ptp(np.array(one.outline), axis=0) for one in windows]
    return float(np.mean([width / height for width, height in sides])) if sides else None


def _notes(front: FrontRegion, contents: FrontContents, hidden: float) -> tuple[str, ...]:
    """State what was assumed or limits the measures of a front."""
    rectification, notes = front.rectification, []
    if rectification.reason:
        notes.append(f"Measured in the image plane, because {rectification.reason}.")
    if rectification.smeared:
        usable = f"{rectification.plane.usable:.0%} of its width is measured"
        notes.append(f"Perspective smears its {rectification.smeared} side, which is left out: {usable}.")
    if front.curvature is not None and front.curvature > CURVATURE_LIMIT:
        notes.append(
            f"Long lines bend by {front.curvature / 10:.1f} % of their length: correct its lens distortion first."
        )
    if hidden >= HIDDEN_LIMIT:
        notes.append(f"{hidden:.0%} of the front is behind trees or vehicles, and not filled in.")
    if not contents.storeys:
        notes.append("No row of windows: the number of storeys is not known.")
    return tuple(notes)


def _height_notes(scale: Scale, settings: FrontSettings) -> tuple[str, ...]:
    """State that a front has its scale by a height that may be that of another front in the photo."""
    height = settings.options.height_m
    if height is None or scale.vertical is None or settings.fronts < 2:
        return ()
    return (f"Its height is assumed: {height:g} m is assigned to each of the {settings.fronts} fronts in the photo.",)
