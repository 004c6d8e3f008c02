"""Tables of fronts, storeys, buildings and failed photos as CSV (RFC 4180, UTF-8, a row of names first).

An unknown value is an empty cell. Numbers have a decimal point and as many digits as they need to be read back without
a loss. Spreadsheets run a cell as a formula if it starts with one of `= + - @`, a tab or a line break; a text that
does, or that starts with an apostrophe, has an apostrophe before it, which is all that has to be removed again.
"""

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from seamline.run_folder import BuildingTotal, Front, MeasuredPhoto, MeasuresRecord, PhotoError, Storey

Cell = str | float | bool | tuple[str, ...] | None
Row = TypeVar("Row")

_ESCAPED = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "＝", "＋", "－", "＠")  # noqa: RUF001 - of Japanese spreadsheets


@dataclass(frozen=True)
class Column(Generic[Row]):
    """A column of a table."""

    name: str
    description: str  # with the unit
    value: Callable[[Row], Cell]


@dataclass(frozen=True)
class Table(Generic[Row]):
    """A CSV file: its columns, and the rows of a record."""

    columns: tuple[Column[Row], ...]
    rows: Callable[[MeasuresRecord], Iterable[Row]]

    def content(self, record: MeasuresRecord) -> bytes:
        """Return the file about a record."""
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow([column.name for column in self.columns])
        for row in self.rows(record):
            writer.writerow([cell_text(column.value(row)) for column in self.columns])
        return text.getvalue().encode()


def cell_text(value: Cell) -> str:
    """Return a value as a cell; the texts of a tuple are separated by a space."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float | int):
        return repr(value)
    text = value if isinstance(value, str) else " ".join(value)
    return f"'{text}" if text.startswith(_ESCAPED) else text


@dataclass(frozen=True)
class FrontRow:
    """A front and the photo that shows it."""

    photo: MeasuredPhoto
    front: Front


@dataclass(frozen=True)
class StoreyRow:
    """A storey, its front and the photo that shows it."""

    photo: MeasuredPhoto
    front: Front
    storey: Storey


def front_rows(record: MeasuresRecord) -> Iterable[FrontRow]:
    """Yield the fronts of all photos."""
    return (FrontRow(photo, front) for photo in record.photos for front in photo.fronts)


def _storey_rows(record: MeasuresRecord) -> Iterable[StoreyRow]:
    """Yield the storeys of all fronts."""
    return (StoreyRow(row.photo, row.front, storey) for row in front_rows(record) for storey in row.front.storeys)


FRONT_COLUMNS: tuple[Column[FrontRow], ...] = (
    Column("photo", "Path of the photo.", lambda row: row.photo.file),
    Column("front", "Number of the front in the photo, from 1, from left to right.", lambda row: row.front.number),
    Column("building", "Building or group that the photo belongs to.", lambda row: row.front.building),
    Column(
        "method",
        "How the front was rectified: `vanishing points`, `corners`, or `image plane` where it was not.",
        lambda row: row.front.plane.method,
    ),
    Column("windows", "Number of windows.", lambda row: row.front.windows),
    Column("storeys", "Number of storeys.", lambda row: len(row.front.storeys)),
    Column("columns", "Number of columns of windows.", lambda row: row.front.columns),
    Column("doors", "Number of doors.", lambda row: row.front.doors),
    Column("shops", "Number of shop windows.", lambda row: row.front.shops),
    Column(
        "wwr",
        "Window-to-wall ratio: area of windows over that of the visible front, openings included, 0..1.",
        lambda row: row.front.wwr.value,
    ),
    Column("wwr_low", "Lower end of its conformal interval.", lambda row: row.front.wwr.low),
    Column("wwr_high", "Upper end of its conformal interval.", lambda row: row.front.wwr.high),
    Column(
        "balcony_fraction",
        "Area of balconies over that of the visible front, 0..1.",
        lambda row: row.front.balcony_fraction,
    ),
    Column(
        "hidden_fraction",
        "Fraction of the front behind trees and vehicles, 0..1.",
        lambda row: row.front.hidden_fraction,
    ),
    Column("window_aspect", "Mean width over height of windows.", lambda row: row.front.window_aspect),
    Column("width_m", "Width of the visible front in meters.", lambda row: row.front.width_m),
    Column("height_m", "Height of the visible front in meters.", lambda row: row.front.height_m),
    Column("area_m2", "Area of the visible front in square meters.", lambda row: row.front.area_m2),
    Column("window_area_m2", "Area of windows in square meters.", lambda row: row.front.window_area_m2),
    Column("azimuth", "Direction that the front faces, in degrees from north.", lambda row: row.front.azimuth),
    Column("direction", "The same as `N`, `E`, `S` or `W`.", lambda row: row.front.direction),
    Column(
        "latitude",
        "Latitude of the camera in degrees, WGS 84.",
        lambda row: row.photo.gps.latitude if row.photo.gps else None,
    ),
    Column(
        "longitude",
        "Longitude of the camera in degrees, WGS 84.",
        lambda row: row.photo.gps.longitude if row.photo.gps else None,
    ),
    Column(
        "gps_accuracy_m",
        "Horizontal accuracy of that position in meters.",
        lambda row: row.photo.gps.accuracy_m if row.photo.gps else None,
    ),
    Column(
        "windows_exact",
        "Probability that the number of windows is right.",
        lambda row: row.front.windows_probability.exact if row.front.windows_probability else None,
    ),
    Column(
        "windows_within_one",
        "Probability that the number of windows is off by at most one.",
        lambda row: row.front.windows_probability.within_one if row.front.windows_probability else None,
    ),
    Column(
        "storeys_exact",
        "Probability that the number of storeys is right.",
        lambda row: row.front.storeys_probability.exact if row.front.storeys_probability else None,
    ),
    Column(
        "storeys_within_one",
        "Probability that the number of storeys is off by at most one.",
        lambda row: row.front.storeys_probability.within_one if row.front.storeys_probability else None,
    ),
    Column(
        "cut_off",
        "Sides on which the photo ends before the front does: `left`, `right`, `top`, `bottom`.",
        lambda row: row.front.cut_off,
    ),
    Column(
        "usable",
        "Fraction of the front's width that perspective does not smear, and that is measured, 0..1.",
        lambda row: row.front.plane.usable,
    ),
    Column(
        "residual_degrees",
        "Median angle in degrees between lines of the front and horizontal or vertical after rectification.",
        lambda row: row.front.plane.residual_degrees,
    ),
    Column(
        "inferred_windows",
        "Number of windows that are hidden and expected from rows and columns.",
        lambda row: row.front.inferred_windows,
    ),
    Column(
        "dropped",
        "Number of parts that were predicted as window and fit neither rows nor sizes.",
        lambda row: row.front.dropped,
    ),
    Column("novelty", "Above 1 where the photo is unlike the model's training images.", lambda row: row.photo.novelty),
    Column("notes", "What was assumed, or limits the measures.", lambda row: row.front.notes),
)
"""The columns of `measures.csv`, and the properties of features in `fronts.geojson`."""

STOREY_COLUMNS: tuple[Column[StoreyRow], ...] = (
    Column("photo", "Path of the photo.", lambda row: row.photo.file),
    Column("front", "Number of the front in the photo.", lambda row: row.front.number),
    Column("building", "Building or group that the photo belongs to.", lambda row: row.front.building),
    Column("storey", "Number of the storey; 0 is the lowest that the photo shows.", lambda row: row.storey.number),
    Column("ground", "Whether it is the ground floor: `true` or `false`.", lambda row: row.storey.ground),
    Column("windows", "Number of windows.", lambda row: row.storey.windows),
    Column("wwr", "Window-to-wall ratio of the storey, 0..1.", lambda row: row.storey.wwr.value),
    Column("wwr_low", "Lower end of its conformal interval.", lambda row: row.storey.wwr.low),
    Column("wwr_high", "Upper end of its conformal interval.", lambda row: row.storey.wwr.high),
    Column("height_m", "Height of the storey in meters.", lambda row: row.storey.height_m),
)
"""The columns of `storeys.csv`."""

BUILDING_COLUMNS: tuple[Column[BuildingTotal], ...] = (
    Column("building", "The building or group.", lambda total: total.building),
    Column("direction", "`N`, `E`, `S`, `W`, or `all` for the whole building.", lambda total: total.direction or "all"),
    Column("fronts", "Number of fronts that photos show.", lambda total: total.fronts),
    Column("windows", "Number of windows; empty where the side is assumed.", lambda total: total.windows),
    Column("wwr", "Window-to-wall ratio, 0..1.", lambda total: total.wwr),
    Column("assumed", "The rule by which a side that no photo shows has its ratio.", lambda total: total.assumed),
)
"""The columns of `buildings.csv`."""

FAILED_COLUMNS: tuple[Column[PhotoError], ...] = (
    Column("photo", "Path of the photo.", lambda error: error.file),
    Column("reason", "Why it has no measures.", lambda error: error.reason),
)
"""The columns of `failed.csv`."""

TABLES: "dict[str, Table[FrontRow] | Table[StoreyRow] | Table[BuildingTotal] | Table[PhotoError]]" = {
    "measures.csv": Table(FRONT_COLUMNS, front_rows),
    "storeys.csv": Table(STOREY_COLUMNS, _storey_rows),
    "buildings.csv": Table(BUILDING_COLUMNS, lambda record: record.totals),
    "failed.csv": Table(FAILED_COLUMNS, lambda record: record.errors),
}
"""File name -> table."""
