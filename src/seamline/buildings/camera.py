"""What the EXIF data of a photo tell of its camera: focal length, position and direction."""

import io
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from seamline.data.image_io import MAX_PIXELS, pillow_settings
from seamline.errors import size_text
from seamline.run_folder import GpsPosition

DIAGONAL_35MM = 43.27
"""Diagonal of a frame of 35 mm film in millimeters, as CIPA DCG-001 rounds it."""
FOCAL_RANGE_35MM = (10.0, 600.0)
"""Focal lengths that are plausible, in millimeters as of 35 mm film: fisheye lenses are below."""
MAX_ASPECT = 2.4
"""Longer over shorter side above which a photo is a panorama; screens of phones, and their photos, end at 21:9."""
ASPECT_TOLERANCE = 0.02
"""Relative difference of aspect ratios up to which a photo was resized, not cropped."""
MAX_SIDE = 1_000_000
"""Sides of photos above this, in pixels, are not plausible."""
MAX_ACCURACY_M = 100_000.0
"""Position errors above this, in meters, are not plausible."""

# FocalPlaneResolutionUnit -> millimeters; 4 and 5 are common, though not in the standard
_MILLIMETERS: dict[float, float] = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
_APPLE_PANORAMA = 6  # value of CustomRendered
_BYTE_ORDERS = (b"II", b"MM")  # of TIFF
_DAMAGE = ("orrupt EXIF", "larger than file")  # in Pillow's warnings

Tags = dict[int, Any]


@dataclass(frozen=True)
class Camera:
    """The camera of a photo."""

    focal_length: float | None = None  # in pixels of the photo; the same for its width and height, however it is turned
    gps: GpsPosition | None = None
    warnings: tuple[str, ...] = ()  # what is invalid, and therefore not used, in sentences


def read_camera(source: Path | bytes) -> Camera:
    """Read the camera of a photo from its EXIF data.

    Values that are invalid or implausible are not used, and a warning says so; a photo without EXIF data has no
    warning. Nothing is raised: a file that is no image is left to the decoder, which has the better message.

    Args:
        source: the file, or its bytes.
    """
    problems: list[str] = []
    with pillow_settings(MAX_PIXELS), warnings.catch_warnings(record=True) as messages:
        warnings.simplefilter("always")
        try:
            image = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source)
        except Exception:
            return Camera()
        with image:
            tags, gps = _read_tags(image, ExifTags.IFD.Exif), _read_tags(image, ExifTags.IFD.GPSInfo)
            panorama = _has_panorama_data(image)
            size = image.size
    if tags is None or gps is None or any(part in str(one.message) for one in messages for part in _DAMAGE):
        problems.append("The EXIF data are damaged; focal length, position and direction may be missing.")
    focal_length = _focal_length(tags or {}, size, panorama, problems)
    return Camera(focal_length, _position(gps or {}, problems), tuple(problems))


def _read_tags(image: Image.Image, directory: int) -> Tags | None:
    """Return the tags of a directory of EXIF data, empty without it; None where it cannot be read."""
    try:
        data = image.info.get("exif", b"").removeprefix(b"Exif\0\0")
        if data and data[:2] not in _BYTE_ORDERS:  # Pillow ignores such data while it opens a JPEG, and later has none
            return None
        return dict(image.getexif().get_ifd(directory))
    except Exception:  # EXIF data may be damaged in any way
        return None


def _has_panorama_data(image: Image.Image) -> bool:
    """Return whether a photo has the XMP data of a panorama that is not a perspective view (Google's GPano)."""
    xmp = image.info.get("xmp")
    return isinstance(xmp, bytes) and b"GPano:ProjectionType" in xmp


def _focal_length(tags: Tags, size: tuple[int, int], panorama: bool, problems: list[str]) -> float | None:
    """Return the focal length in pixels; None where it is unknown, or does not hold for the whole photo.

    FocalLengthIn35mmFilm comes first: cameras that write a wrong FocalPlaneXResolution are known. It is that of equal
    diagonals (CIPA DCG-001; COLMAP computes likewise), f = f35 * sqrt(width² + height²) / 43.27, not that of equal
    widths (f35 * width / 36), which is 4 % shorter for a photo of 4:3. Where a phone writes that of its whole sensor
    into a photo that it crops to 16:9, the focal length is 8 % too short.
    """
    diagonal = math.hypot(*size)
    equivalent = _number(tags.get(ExifTags.Base.FocalLengthIn35mmFilm)) or 0.0  # 0 means unknown
    focal_length = equivalent * diagonal / DIAGONAL_35MM or _focal_length_by_plane(tags, size)
    if not focal_length:
        return None
    equivalent = focal_length / diagonal * DIAGONAL_35MM
    if not FOCAL_RANGE_35MM[0] <= equivalent <= FOCAL_RANGE_35MM[1]:
        problems.append(f"The focal length in the EXIF data, {equivalent:.4g} mm as of 35 mm film, is not plausible.")
        return None
    panorama = panorama or tags.get(ExifTags.Base.CustomRendered) == _APPLE_PANORAMA
    if panorama or max(size) > MAX_ASPECT * min(size):
        problems.append("The photo is a panorama, so the focal length in its EXIF data is not used.")
        return None
    stored = _stored_size(tags)
    if stored is not None and abs(math.log(_aspect(stored) / _aspect(size))) > ASPECT_TOLERANCE:
        problems.append(
            f"The photo was cropped from {size_text(stored[::-1])} to {size_text(size[::-1])} pixels, so the focal "
            "length in its EXIF data is not used."
        )
        return None
    return focal_length


def _focal_length_by_plane(tags: Tags, size: tuple[int, int]) -> float | None:
    """Return the focal length in pixels by the resolution of the sensor; None where it is unknown or zoomed digitally.

    The resolution is that of the photo as the camera stored it, so a photo that was resized has another.
    """
    millimeters = _number(tags.get(ExifTags.Base.FocalLength))
    resolution = _number(tags.get(ExifTags.Base.FocalPlaneXResolution))
    unit = _MILLIMETERS.get(_number(tags.get(ExifTags.Base.FocalPlaneResolutionUnit, 2)) or 0)
    zoom = _number(tags.get(ExifTags.Base.DigitalZoomRatio)) or 1.0
    if not millimeters or not resolution or not unit or zoom != 1:
        return None
    stored = _stored_size(tags) or size
    return millimeters * resolution / unit * max(size) / max(stored)


def _stored_size(tags: Tags) -> tuple[int, int] | None:
    """Return width and height of the photo as the camera stored it."""
    width = _number(tags.get(ExifTags.Base.ExifImageWidth))
    height = _number(tags.get(ExifTags.Base.ExifImageHeight))
    if width is None or height is None or not 1 <= min(width, height) <= max(width, height) <= MAX_SIDE:
        return None
    return int(width), int(height)


def _aspect(size: tuple[int, int]) -> float:
    """Return the longer over the shorter side: programs that turn pixels do not always turn the stored size."""
    return max(size) / min(size)


def _position(tags: Tags, problems: list[str]) -> GpsPosition | None:
    """Return the position and the direction of the camera."""
    latitude = _coordinate(tags, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, ("N", "S"), problems)
    longitude = _coordinate(tags, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, ("E", "W"), problems)
    direction = _direction(tags, problems)
    if latitude is None or longitude is None:
        if direction is not None:
            problems.append(
                "The EXIF data have a direction but no valid position, so the direction is not used; give the azimuth."
            )
        return None
    if latitude == longitude == 0:
        problems.append("The position in the EXIF data is 0° N, 0° E, as of cameras that know none; it is not used.")
        return None
    accuracy = _number(tags.get(ExifTags.GPS.GPSHPositioningError)) or 0.0  # 0 means unknown
    if not 0 <= accuracy <= MAX_ACCURACY_M:
        problems.append(f"The accuracy of the position in the EXIF data, {accuracy:.4g} m, is not plausible.")
        accuracy = 0.0
    reference = _text(tags.get(ExifTags.GPS.GPSImgDirectionRef))
    return GpsPosition(
        latitude=latitude,
        longitude=longitude,
        accuracy_m=accuracy or None,
        direction=direction,
        magnetic=direction is not None and reference == "M",  # true north by default
    )


def _coordinate(tags: Tags, tag: int, reference_tag: int, signs: tuple[str, str], problems: list[str]) -> float | None:
    """Return a latitude or longitude in degrees, negative for the second of the two letters."""
    if tag not in tags:
        return None
    values = tags[tag] if isinstance(tags[tag], tuple) else (tags[tag],)
    numbers = [_number(value) for value in values[:3]]
    reference = _text(tags.get(reference_tag))
    degrees = math.fsum(number / 60.0**place for place, number in enumerate(numbers) if number is not None)
    limit = 90 if "N" in signs else 180
    valid = numbers and all(number is not None and number >= 0 for number in numbers) and degrees <= limit
    if not valid or reference not in signs:
        name = "latitude" if "N" in signs else "longitude"
        problems.append(f"The {name} in the EXIF data is not valid, so the position is not used.")
        return None
    return degrees if reference == signs[0] else -degrees


def _direction(tags: Tags, problems: list[str]) -> float | None:
    """Return the direction of the camera in degrees from north, 0 <= direction < 360."""
    if ExifTags.GPS.GPSImgDirection not in tags:
        return None
    direction = _number(tags[ExifTags.GPS.GPSImgDirection])
    if direction is None or not 0 <= direction <= 360:
        problems.append("The direction of the camera in the EXIF data is not valid, so it is not used.")
        return None
    return direction % 360


def _number(value: object) -> float | None:
    """Return a value of EXIF data as a finite number; None for another, such as a fraction by zero."""
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ArithmeticError):
        return None
    return number if math.isfinite(number) else None


def _text(value: object) -> str:
    """Return a text of EXIF data in capitals, without padding; empty for another value."""
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
    return text.strip("\0 ").upper() if isinstance(text, str) else ""
