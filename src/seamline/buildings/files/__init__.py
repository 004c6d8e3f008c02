"""Files that measuring buildings writes for other programs: tables, annotations, maps, drawings and city models.

A format is a module and a row in a table of `folder`.
"""

from seamline.buildings.files.folder import (
    FRONT_FILES,
    PHOTO_FILES,
    RECORD_FILES,
    missing_packages,
    photo_files,
    record_files,
    write_files,
    write_photo_files,
    write_record_files,
)

__all__ = [
    "FRONT_FILES",
    "PHOTO_FILES",
    "RECORD_FILES",
    "missing_packages",
    "photo_files",
    "record_files",
    "write_files",
    "write_photo_files",
    "write_record_files",
]
