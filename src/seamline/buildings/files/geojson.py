"""A map of fronts as GeoJSON (RFC 7946): a point for each front, where the camera stood.

A photo tells where the camera was and not how far away the front is, so no point is that of the building. Photos
without a GPS position are not on the map; the member `photos_without_gps` names them.
"""

from typing import Any

from seamline.buildings.files.tables import FRONT_COLUMNS, FrontRow, front_rows
from seamline.run_folder import GpsPosition, MeasuresRecord, to_json

_DEGREE_DIGITS = 7  # of longitude and latitude: a centimeter
_OF_GEOMETRY = ("latitude", "longitude")


def front_points(record: MeasuresRecord) -> bytes:
    """Return the fronts as a FeatureCollection of points, with the columns of `measures.csv` as properties."""
    content = {
        "type": "FeatureCollection",
        "features": [_feature(row, row.photo.gps) for row in front_rows(record) if row.photo.gps],
        "photos_without_gps": [photo.file for photo in record.photos if photo.fronts and not photo.gps],
    }
    return to_json(content)


def _feature(row: FrontRow, gps: GpsPosition) -> dict[str, Any]:
    """Return a front as a feature."""
    measures = {column.name: column.value(row) for column in FRONT_COLUMNS if column.name not in _OF_GEOMETRY}
    return {
        "type": "Feature",
        "id": f"{row.photo.stem}.{row.front.id}",
        "geometry": {
            "type": "Point",
            "coordinates": [round(gps.longitude, _DEGREE_DIGITS), round(gps.latitude, _DEGREE_DIGITS)],
        },
        "properties": {"position": "camera", **measures},
    }
