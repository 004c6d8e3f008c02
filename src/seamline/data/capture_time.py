"""When a photo was taken, by its EXIF data."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from PIL import ExifTags, Image

from seamline.data.limits import map_threads

_FORMAT = "%Y:%m:%d %H:%M:%S"


def capture_times(files: Sequence[Path]) -> list[tuple[datetime, str]] | None:
    """Return the capture time of each photo, with the fraction of the second as digits.

    Returns:
        None where a photo has no valid capture time, or all have the same.
    """
    times = map_threads(_capture_time, files)
    known = [time for time in times if time is not None]
    return known if len(known) == len(files) and len(set(known)) > 1 else None


def _capture_time(file: Path) -> tuple[datetime, str] | None:
    """Return when a photo was taken; None where that is not known."""
    try:
        with Image.open(file) as image:
            tags = image.getexif().get_ifd(ExifTags.IFD.Exif)
        text = tags.get(ExifTags.Base.DateTimeOriginal) or tags.get(ExifTags.Base.DateTimeDigitized) or ""
        fraction = str(tags.get(ExifTags.Base.SubsecTimeOriginal) or "")
        return datetime.strptime(str(text).strip("\0 "), _FORMAT), fraction.strip("\0 ")
    except Exception:  # EXIF data may be damaged in any way
        return None
