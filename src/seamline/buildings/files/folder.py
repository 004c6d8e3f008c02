"""All files of a folder of measures, and which of them need packages of the extra `buildings`."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from seamline.buildings.files.cityjson import city_model
from seamline.buildings.files.coco import coco_instances
from seamline.buildings.files.dxf import dxf_drawing
from seamline.buildings.files.geojson import front_points
from seamline.buildings.files.svg import svg_drawing
from seamline.buildings.files.tables import TABLES
from seamline.errors import SeamlineError, require_extra
from seamline.io import write_bytes
from seamline.run_folder import Front, MeasuredPhoto, MeasuresRecord

RECORD_FILES: dict[str, Callable[[MeasuresRecord], bytes]] = {
    **{name: table.content for name, table in TABLES.items()},
    "windows.json": coco_instances,
    "fronts.geojson": front_points,
}
"""Files about all photos: name -> function that makes the content."""

PHOTO_FILES: dict[str, Callable[[MeasuredPhoto], bytes | None]] = {"STEM.city.json": city_model}
"""Files of each photo; the content is None where there is nothing to write."""

FRONT_FILES: dict[str, Callable[[MeasuredPhoto, Front], bytes]] = {
    "STEM.front-N.svg": svg_drawing,
    "STEM.front-N.dxf": dxf_drawing,
}
"""Files of each front of each photo."""

_PACKAGES = {"STEM.front-N.dxf": "ezdxf", "STEM.city.json": "shapely"}  # of the extra `buildings`


def missing_packages() -> tuple[str, ...]:
    """Return a sentence for each kind of file that is not written because a package is not installed."""
    return tuple(problem for name in _PACKAGES if (problem := _problem(name)))


def record_files(record: MeasuresRecord) -> dict[str, bytes]:
    """Return the files about all photos: name -> content."""
    return {name: content(record) for name, content in RECORD_FILES.items()}


def photo_files(photo: MeasuredPhoto) -> dict[str, bytes]:
    """Return the files of a photo: name -> content; without those of `missing_packages`."""
    files: dict[str, bytes] = {}
    for name, of_front in FRONT_FILES.items():
        if not _problem(name):
            for front in photo.fronts:
                files[name.replace("STEM.front-N", f"{photo.stem}.{front.id}")] = of_front(photo, front)
    for name, of_photo in PHOTO_FILES.items():
        if not _problem(name) and (content := of_photo(photo)) is not None:
            files[name.replace("STEM", photo.stem)] = content
    return files


def write_record_files(folder: Path, record: MeasuresRecord) -> None:
    """Write the files about all photos.

    Raises:
        OSError: a file cannot be written.
    """
    _write(folder, record_files(record))


def write_photo_files(folder: Path, photo: MeasuredPhoto) -> None:
    """Write the files of a photo; without those of `missing_packages`.

    Raises:
        OSError: a file cannot be written.
    """
    _write(folder, photo_files(photo))


def write_files(folder: Path, record: MeasuresRecord) -> tuple[str, ...]:
    """Write all files for other programs into a folder.

    Returns:
        A sentence for each kind of file that is not written because a package is not installed.

    Raises:
        OSError: a file cannot be written.
    """
    write_record_files(folder, record)
    for photo in record.photos:
        write_photo_files(folder, photo)
    return missing_packages()


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        write_bytes(folder / name, content)


def _problem(name: str) -> str | None:
    """Return why files of a kind cannot be written; None where they can."""
    if name not in _PACKAGES:
        return None
    try:
        with require_extra(f"{name}: is not written", "buildings"):
            import_module(_PACKAGES[name])
    except SeamlineError as error:
        return str(error)
    return None
