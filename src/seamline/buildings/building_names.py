"""Which building each photo shows: by folder, by a table, or by a part of the photo's path."""

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from seamline.data.groups import FOLDER, capture_reader
from seamline.data.image_folder.file_tree import normalize
from seamline.data.image_folder.formats.csv_table import read_rows
from seamline.data.image_folder.table_columns import Table
from seamline.errors import SeamlineError, list_first

_TABLE = re.compile(r"(?P<file>.+\.(csv|tsv))(:(?P<column>.*))?", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class BuildingNames:
    """The buildings of photos."""

    names: tuple[str | None, ...]  # of each photo; null where it is not known
    warnings: tuple[str, ...] = ()  # photos of no building, counted and named


def name_buildings(files: Sequence[Path], group: str | None) -> BuildingNames:
    """Return the building that each photo shows.

    Args:
        files: the photos.
        group: `folder`, a building per folder, under the shortest names that differ; `TABLE.csv:COLUMN`, a column of a
            table whose other columns include one of photos, recognized by its contents; or a regular expression
            with one capture, which is searched in the path. None: no photo has a building, and there are no totals.

    Raises:
        SeamlineError: no photo has a building by this, there is no such column or table, a row names several photos,
            several rows with different buildings name one photo, or the regular expression is invalid.
    """
    if group is None:
        return BuildingNames((None,) * len(files))
    if group.strip().lower() == FOLDER:
        return BuildingNames(tuple(_folder_names(files)))
    if match := _TABLE.fullmatch(group.strip()):
        names = _names_by_table(files, Path(match["file"]), (match["column"] or "").strip())
        source = match["file"]
    else:
        capture = capture_reader("--group", group, "name a column of a table as TABLE.csv:COLUMN")
        names = [capture(file.as_posix()) or None for file in files]
        source = f"--group {group}"
    missing = [str(file) for file, name in zip(files, names, strict=True) if name is None]
    if len(missing) == len(files):
        raise SeamlineError(
            f"{source}: gives no photo a building; correct it, photos are such as {list_first(missing, 2)}"
        )
    if not missing:
        return BuildingNames(tuple(names))
    count = f"{len(missing):,} of {len(files):,} photos"
    warning = f"{source}: gives {count} no building ({list_first(missing)}); totals leave them out"
    return BuildingNames(tuple(names), (warning,))


def _folder_names(files: Sequence[Path]) -> list[str]:
    """Return the name of each photo's folder; where two folders have the same name, their paths below a common one."""
    folders = [file.absolute().parent for file in files]
    distinct = {*folders}
    if len({folder.name for folder in distinct}) == len(distinct):
        return [folder.name or folder.as_posix() for folder in folders]
    try:
        common = os.path.commonpath(distinct)
    except ValueError:  # drives
        return [folder.as_posix() for folder in folders]
    return [folder.relative_to(common).as_posix() if folder != Path(common) else folder.name for folder in folders]


def _names_by_table(files: Sequence[Path], file: Path, column: str) -> list[str | None]:
    """Return the building of each photo by a table, None for photos without a row."""
    photos = _PhotoIndex(files)
    rows = list(read_rows(file))
    table = Table(file, rows, lambda cell: bool(photos.find(cell)))
    headers = [table.cell(0, number) for number in range(table.width)] if rows else []
    by_name = {header.lower(): number for number, header in reversed([*enumerate(headers)])}
    if column.lower() not in by_name:
        problem = f"no column is named {column!r}" if column else "the column of buildings is not named"
        raise SeamlineError(
            f"--group {file}{':' * bool(column)}{column}: {problem}; give {file}:COLUMN, the columns are "
            f"{list_first(headers, 12) or 'none, the table is empty'}"
        )
    buildings = by_name[column.lower()]
    of_photos = _photo_column(table, buildings)
    names: list[str | None] = [None] * len(files)
    for number in range(1, len(rows)):
        place = f"{file}: line {rows[number].line}"
        cell, name = table.cell(number, of_photos), table.cell(number, buildings)
        numbers = photos.find(cell)
        if len(numbers) > 1:
            fitting = list_first([str(files[one]) for one in numbers])
            raise SeamlineError(f"{place} names {cell}, which may be {fitting}; name photos with their folder")
        for one in numbers:
            if name and names[one] not in (None, name):
                raise SeamlineError(
                    f"{place} gives {files[one]} a second building, {name} after {names[one]}; keep one"
                )
            names[one] = name or names[one]
    return names


def _photo_column(table: Table, buildings: int) -> int:
    """Return the column, other than that of buildings, in which most cells name photos; the first of several."""
    others = [number for number in range(table.width) if number != buildings]
    counts = {number: sum(map(table.is_file, table.values(number, True))) for number in others}
    best = max(others, key=lambda number: counts[number], default=None)
    if best is None or not counts[best]:
        raise SeamlineError(
            f"{table.file}: no column names the photos to measure; add one of file names, with their folders where "
            "names are equal"
        )
    return best


class _PhotoIndex:
    """Finds photos by the ends of their paths, with or without suffix."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._numbers: dict[str, list[int]] = defaultdict(list)
        self._paths = [normalize(file.absolute().as_posix()) for file in files]
        for number, path in enumerate(self._paths):
            for name in {PurePosixPath(path).name, PurePosixPath(path).stem}:
                self._numbers[name].append(number)

    def find(self, cell: str) -> list[int]:
        """Return the numbers of the photos that a cell names; a name with suffix comes before one without."""
        name = re.sub(r"^(\.{0,2}/)+", "", normalize(cell.replace("\\", "/")))
        candidates = self._numbers.get(PurePosixPath(name).name, []) if name else []
        exact = [number for number in candidates if _ends_with(self._paths[number], name)]
        return exact or [
            number for number in candidates if _ends_with(str(PurePosixPath(self._paths[number]).with_suffix("")), name)
        ]


def _ends_with(path: str, end: str) -> bool:
    """Return whether the last parts of a path are those of another."""
    return f"/{path}".endswith(f"/{end}")
