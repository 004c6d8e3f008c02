"""Columns of a table: which one names files, which ones the labels, which one the splits."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from seamline.data.image_folder.folder_names import split_of_name
from seamline.errors import SeamlineError, list_first

_FILE_NAMES = ("file", "filename", "filepath", "image", "imageid", "imagename", "imagepath", "img", "path", "filenames")
_WEAK_FILE_NAMES = ("name", "id")
_LABEL_NAMES = (
    "label", "labels", "class", "classes", "category", "target", "classname", "classid", "labelname", "labelid",
    "species", "breed", "diagnosis",
)  # fmt: skip
_SPLIT_NAMES = ("split", "set", "subset", "usage", "partition")
_NO_LABEL_NAMES = (
    "age", "score", "rating", "price", "count", "width", "height", "year", "weight", "area", "size",
    "quality", "confidence", "probability", "time", "index", "idx", "nr", "number", "pixelvalue",
)  # fmt: skip
_SAMPLED = 300  # rows by which columns of files are recognized
_NUMBER = re.compile(r"[-+]?\d+([.,]\d*)?([eE][-+]?\d+)?")


@dataclass(frozen=True)
class Table:
    """The rows of a table, with the header if there is one."""

    class Row(NamedTuple):
        """A row."""

        line: int  # its line in the file, from 1
        cells: tuple[str, ...]

    file: Path
    rows: Sequence[Row]
    is_file: Callable[[str], bool]  # whether a cell names an image

    def cell(self, row: int, column: int) -> str:
        """Return a cell, empty where the row is too short."""
        cells = self.rows[row].cells
        return cells[column] if column < len(cells) else ""

    def values(self, column: int, has_header: bool) -> list[str]:
        """Return the cells of a column below the header."""
        return [self.cell(row, column) for row in range(has_header, len(self.rows))]

    def header(self, column: int) -> str:
        """Return the letters of a cell of the first row, in lower case."""
        return re.sub(r"[\W_]", "", self.cell(0, column).lower())

    def column_name(self, column: int, has_header: bool) -> str:
        """Return how messages name a column."""
        return f"{self.cell(0, column)!r}" if has_header else f"number {column + 1}"

    @cached_property
    def width(self) -> int:
        """The number of columns."""
        return max(len(row.cells) for row in self.rows)


class ColumnRoles(NamedTuple):
    """What the columns of a table are."""

    has_header: bool
    file: int
    labels: tuple[int, ...]  # the column of labels, or a column of 0 and 1 per class
    split: int | None
    is_named: bool  # whether the header names the labels


def assign_columns(table: Table) -> ColumnRoles | None:
    """Return the roles of columns; None where none names files, or none could be the labels.

    Raises:
        SeamlineError: several columns could be the labels, or the one named so contains no classes.
    """
    columns = range(table.width)
    hits = [sum(map(table.is_file, {*table.values(column, True)[:_SAMPLED]})) for column in columns]
    first = [table.is_file(table.cell(0, column)) for column in columns]
    counts = [
        0 if _has_only_numbers(table, column) else hit + is_file
        for column, (hit, is_file) in enumerate(zip(hits, first, strict=True))
    ]
    best = max(counts)
    if best == 0:
        return _named_columns(table)
    files = [column for column, count in enumerate(counts) if 2 * count >= best]
    file = max(files, key=lambda column: _file_rank(table, column))
    if len(files) > 1 and any("." in table.cell(len(table.rows) - 1, column) for column in files if column != file):
        return None  # images and masks
    has_header = not first[file]
    others = [column for column in range(table.width) if column not in files]
    split = _find_split(table, others, has_header)
    others = [column for column in others if column != split]
    return _find_labels(table, file, split, others, has_header)


def _has_only_numbers(table: Table, column: int) -> bool:
    """Return whether a column contains numbers and its header does not say that they name files."""
    named = table.header(column) in (*_FILE_NAMES, *_WEAK_FILE_NAMES)
    return not named and all(map(str.isdigit, table.values(column, True)))


def row_label(table: Table, roles: ColumnRoles, row: int) -> str:
    """Return the label of a row.

    Raises:
        SeamlineError: the columns of classes mark none or several.
    """
    if len(roles.labels) == 1:
        return table.cell(row, roles.labels[0])
    marked = [table.cell(0, column) for column in roles.labels if float(table.cell(row, column)) == 1]
    if len(marked) != 1:
        found = f"{len(marked)} classes ({list_first(marked)})" if marked else "no class"
        raise SeamlineError(
            f"{table.file}: line {table.rows[row].line} marks {found}; mark one class per image, or remove the row"
        )
    return marked[0]


def _named_columns(table: Table) -> ColumnRoles | None:
    """Return the roles of columns by the header alone, where no cell names an image."""
    names = {table.header(column): column for column in reversed(range(table.width))}
    file = next((names[name] for name in _FILE_NAMES if name in names), None)
    label = next((names[name] for name in _LABEL_NAMES if name in names), None)
    if file is None or label is None:
        return None
    return ColumnRoles(True, file, (label,), None, is_named=True)


def _file_rank(table: Table, column: int) -> tuple[bool, bool, int]:
    """Return by what columns of files are compared: a suffix, the name in the header, the position."""
    named = table.header(column) in (*_FILE_NAMES, *_WEAK_FILE_NAMES)
    return "." in table.cell(len(table.rows) - 1, column), named, -column


def _find_split(table: Table, columns: list[int], has_header: bool) -> int | None:
    """Return the column of splits: one named so, or one that contains nothing else."""
    for column in columns:
        values = {*table.values(column, has_header)}
        if has_header and table.header(column) in _SPLIT_NAMES and any(not value.isdigit() for value in values):
            return column
    for column in columns:
        values = {*table.values(column, has_header)}
        if all(map(split_of_name, values)) and not (has_header and table.header(column) in _LABEL_NAMES):
            return column
    return None


def _find_labels(
    table: Table, file: int, split: int | None, columns: list[int], has_header: bool
) -> ColumnRoles | None:
    """Return the roles with the column of labels, or one column per class."""
    candidates = [column for column in columns if _has_classes(table, column, has_header)]
    named = [column for column in columns if has_header and table.header(column) in _LABEL_NAMES]
    binary = [column for column in columns if {*table.values(column, has_header)} <= {"0", "1", "0.0", "1.0"}]
    only_binary = len(binary) == len(_without_index(table, columns))
    one_hot = {*candidates} <= {*binary} and _mark_one_class(table, binary)
    if has_header and len(binary) > 1 and not named and (only_binary or one_hot):
        return ColumnRoles(True, file, tuple(binary), split, is_named=True)
    exact = [column for column in named if table.header(column) == "label"]
    for group in (exact, named):
        if fitting := [column for column in group if column in candidates] or [
            column for column in group if not candidates and not _has_scores(table, column, has_header)
        ]:
            return ColumnRoles(has_header, file, (_only(table, fitting, has_header),), split, is_named=True)
    if candidates:
        return ColumnRoles(has_header, file, (_only(table, candidates, has_header),), split, is_named=False)
    if named:
        raise SeamlineError(
            f"{table.file}: the column {table.column_name(named[0], True)} contains numbers with fractions, not "
            "classes; replace them by names of classes"
        )
    return None


def _mark_one_class(table: Table, columns: list[int]) -> bool:
    """Return whether one of the columns of 0 and 1 is 1 in each row below the header."""
    return all(sum(float(table.cell(row, column)) for column in columns) == 1 for row in range(1, len(table.rows)))


def _without_index(table: Table, columns: list[int]) -> list[int]:
    """Return the columns that do not number the rows."""
    count = len(table.rows) - 1
    return [column for column in columns if len({*table.values(column, True)}) < count or count < 3]


def _only(table: Table, columns: list[int], has_header: bool) -> int:
    """Return the column of labels among several: of those that mean the same, the one with names.

    Raises:
        SeamlineError: they do not mean the same.
    """
    first = table.values(columns[0], has_header)
    for column in columns[1:]:
        other = table.values(column, has_header)
        if not len({*first}) == len({*other}) == len({*zip(first, other, strict=True)}):
            names = list_first([table.column_name(column, has_header) for column in columns])
            raise SeamlineError(
                f"{table.file}: the columns {names} could be the labels; name one of them 'label' in the header"
                + ("" if has_header else ", which is missing")
            )
    letters = {column: sum(map(str.isalpha, "".join({*table.values(column, has_header)}))) for column in columns}
    return max(columns, key=lambda column: letters[column])


def _has_scores(table: Table, column: int, has_header: bool) -> bool:
    """Return whether a column contains numbers with fractions."""
    values = [*filter(None, table.values(column, has_header))]
    numbers = [value for value in values if _NUMBER.fullmatch(value)]
    return len(numbers) == len(values) and any(float(value.replace(",", ".")) % 1 for value in numbers)


def _has_classes(table: Table, column: int, has_header: bool) -> bool:
    """Return whether a column has few values, each for several rows, which are not scores."""
    values = table.values(column, has_header)
    distinct = len({*values})
    if has_header and table.header(column) in _NO_LABEL_NAMES:
        return False
    return 2 <= distinct <= max(len(values) / 2, 1) and not _has_scores(table, column, has_header)
