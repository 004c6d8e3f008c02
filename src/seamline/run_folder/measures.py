"""What measuring buildings writes: the fronts of each photo with their windows, storeys and measures.

Points are (x, y) in pixels from the upper left corner, x to the right and y down; the first pixel covers 0..1 in both.
A front has a plane of its own, in which verticals are vertical and horizontals horizontal, in pixels of its own.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from seamline.run_folder.fields import Count, Number, Positive, Side
from seamline.run_folder.prediction import PhotoError
from seamline.run_folder.run_info import UnusedData

Point = tuple[Number, Number]
Fraction = Annotated[float, Meta(ge=0, le=1)]
OpeningKind = Literal["window", "door", "shop"]
FrontMethod = Literal["vanishing points", "corners", "image plane"]
CompassDirection = Literal["N", "E", "S", "W"]


class Interval(Struct, frozen=True):
    """A measure with its conformal interval; the ends are null where the model is not calibrated for buildings."""

    value: Number  # of the measure
    low: Number | None = None  # lower end
    high: Number | None = None  # upper end


class CountProbability(Struct, frozen=True):
    """How probable it is that a count is right."""

    exact: Fraction  # probability that it is right
    within_one: Fraction  # probability that it is off by at most one


class Opening(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A window, door or shop window of a front."""

    kind: OpeningKind  # doors and shop windows are no windows in the measures
    outline: tuple[Point, ...]  # in the plane of the front; four points, clockwise from the upper left, for a rectangle
    photo_outline: tuple[Point, ...]  # the same in the photo
    probability: Fraction  # mean probability of its class inside, 0 where inferred
    storey: Count | None = None  # that its middle is in, 0 is the lowest; null where it is in none
    column: Count | None = None  # 0 is the leftmost; null where it is in no column
    assumed: bool = False  # its kind follows from a rule, not from the model
    inferred: bool = False  # hidden in the photo, and expected there from rows and columns
    counted: bool = True  # whether the number of windows includes it


class Storey(Struct, frozen=True, kw_only=True):
    """A storey of a front."""

    number: Count  # 0 is the lowest that the photo shows
    ground: bool  # whether it is the ground floor
    top: Number  # of the storey in the plane, in its pixels
    bottom: Number  # of the storey in the plane, in its pixels
    windows: Count  # number of windows
    wwr: Interval  # area of windows over that of the visible front, 0..1
    visible_area: Number = 0.0  # of the front, openings included, in square pixels of the plane
    expected_error: Fraction = 0.0  # of the window-to-wall ratio, by the model's probabilities
    height_m: Positive | None = None  # in meters, where a scale is known


class Plane(Struct, frozen=True, kw_only=True):
    """The plane of a front: how the photo was rectified."""

    method: FrontMethod  # what the rectification is based on
    homography: tuple[Number, Number, Number, Number, Number, Number, Number, Number, Number]  # photo -> plane, by rows
    width: Side  # of the plane in its pixels
    height: Side  # of the plane in its pixels
    corners: tuple[Point, Point, Point, Point]  # the plane's in the photo, clockwise from the upper left
    # median angle in degrees between the segments used and the plane's axes after rectification; null without segments
    residual_degrees: Number | None = None
    segments: Count = 0  # line segments that agree with the two vanishing points
    focal_length: Positive | None = None  # of the camera in pixels of the photo
    focal_source: Literal["vanishing points", "EXIF"] | None = None  # origin of the focal length
    # angle in degrees between the front's normal and the camera's axis, positive where the front's right side is
    # farther; null without a focal length
    yaw: Number | None = None
    true_aspect: bool = False  # whether widths and heights in the plane have one scale
    meters_per_pixel: Positive | None = None  # vertical scale of the plane, where a scale is given
    usable: Fraction = 1.0  # fraction of the front's width that is not smeared by perspective, and is measured
    curvature: Number | None = None  # median bend of long lines, in thousandths of their length


class Front(Struct, frozen=True, kw_only=True):
    """One front of a building in a photo."""

    number: Count  # in the photo, from 1, from left to right
    plane: Plane  # how it was rectified
    outline: tuple[Point, ...]  # of the front in the photo
    cut_off: tuple[Literal["left", "right", "top", "bottom"], ...] = ()  # sides on which the photo ends before it does
    openings: tuple[Opening, ...] = ()  # windows, doors and shop windows
    storeys: tuple[Storey, ...] = ()  # from the lowest
    columns: Count = 0  # of windows
    windows: Count = 0  # counted windows
    doors: Count = 0  # number of doors
    shops: Count = 0  # number of shop windows
    inferred_windows: Count = 0  # hidden, and expected from rows and columns
    dropped: Count = 0  # parts that were predicted as window and are none, by their sizes and rows; without specks
    wwr: Interval  # area of windows over that of the visible front, openings included, 0..1
    visible_area: Number = 0.0  # of the front, openings included, in square pixels of the plane
    expected_error: Fraction = 0.0  # of the window-to-wall ratio, by the model's probabilities
    balcony_fraction: Fraction = 0.0  # area of balconies over that of the visible front
    hidden_fraction: Fraction = 0.0  # of the front's outline, behind trees and vehicles
    window_aspect: Positive | None = None  # mean width over height of windows, where widths and heights have one scale
    width_m: Positive | None = None  # of the visible front
    height_m: Positive | None = None  # of the visible front
    area_m2: Positive | None = None  # of the visible front
    window_area_m2: Number | None = None  # the area of windows in `wwr`; 0 where no window is counted
    windows_probability: CountProbability | None = None  # null where the model is not calibrated for buildings
    storeys_probability: CountProbability | None = None  # the same for the number of storeys
    azimuth: Annotated[float, Meta(ge=0, lt=360)] | None = None  # degrees from north, of the front's outer normal
    direction: CompassDirection | None = None  # the side of the compass to which it faces
    building: str | None = None  # group that the photo belongs to
    notes: tuple[str, ...] = ()  # what was assumed or limits the measures, in sentences

    @property
    def id(self) -> str:
        """Its number as file names have it, such as `front-1`."""
        return f"front-{self.number}"


class GpsPosition(Struct, frozen=True, kw_only=True):
    """Where a photo was taken, from its EXIF data."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]  # degrees, WGS 84
    longitude: Annotated[float, Meta(ge=-180, le=180)]  # degrees, WGS 84
    accuracy_m: Positive | None = None  # horizontal, in meters
    direction: Annotated[float, Meta(ge=0, lt=360)] | None = None  # of the camera, degrees from north
    magnetic: bool = False  # whether `direction` is from magnetic north


class MeasuredPhoto(Struct, frozen=True, kw_only=True):
    """The fronts of a photo."""

    file: str  # path of the photo
    stem: str  # prefix of the file names of its results
    width: Side  # of the upright photo in pixels
    height: Side  # of the upright photo in pixels
    fronts: tuple[Front, ...]  # from left to right
    version: str = ""  # size and time of the last change of its file, by which a resumed run knows it
    # unusual properties of its file, a sum: 1 several frames, 2 further bands, 4 transparent, 8 less than 16 bits in 16
    traits: Count = 0
    gps: GpsPosition | None = None  # where it was taken; null where its EXIF data do not tell
    novelty: Number | None = None  # above 1 the photo is unlike the training images; null where not available
    warnings: tuple[str, ...] = ()  # about the photo, in sentences


class BuildingTotal(Struct, frozen=True, kw_only=True):
    """The measures of one side of a building, or of a building, from all its photos."""

    building: str  # its name
    direction: CompassDirection | None  # null for the whole building
    fronts: Count  # number of fronts that photos show
    windows: Count | None  # null where assumed
    wwr: Number  # window-to-wall ratio, 0..1
    assumed: str | None = None  # the rule by which an unseen side has its measures


class MeasuresRecord(Struct, frozen=True, kw_only=True):
    """What `seamline measure` writes about a folder of photos: `measures.json`."""

    model: str  # the run folder, exported file or name that the user gave
    roles: dict[str, str]  # class -> its role
    level: Fraction | None  # probability of the conformal intervals; null where the model has none
    settings: dict[str, str]  # the options that decide the result
    photos: tuple[MeasuredPhoto, ...]  # the photos that are measured
    errors: tuple[PhotoError, ...] = ()  # photos without measures, and why
    totals: tuple[BuildingTotal, ...] = ()  # of buildings and their sides, where photos are grouped
    unused: tuple[UnusedData, ...] = ()  # files that are not photos, by kind, and parts of photos
    warnings: tuple[str, ...] = ()  # about all photos, in sentences


class CountTable(Struct, frozen=True):
    """How often counts were right on validation photos, by predicted count."""

    upper: tuple[Count, ...]  # largest count of each bin but the last, increasing
    exact: tuple[Fraction, ...]  # how often counts were right, for each bin
    within_one: tuple[Fraction, ...]  # how often counts were off by at most one, for each bin

    def probability(self, count: int) -> CountProbability:
        """Return how probable it is that a count is right."""
        index = sum(count > limit for limit in self.upper)
        return CountProbability(self.exact[index], self.within_one[index])


class BuildingCalibration(Struct, frozen=True, kw_only=True):
    """How sure the measures of a model are, fitted on validation photos by scene: `buildings.json`."""

    level: Fraction  # probability of the intervals
    wwr_quantile: Positive  # of the scores of window-to-wall ratios, see `seamline.buildings.calibration`
    storey_wwr_quantile: Positive  # of those of single storeys
    windows: CountTable  # how often the number of windows is right
    storeys: CountTable  # how often the number of storeys is right
    fronts: Count  # validation fronts
    scenes: Count  # their scenes
