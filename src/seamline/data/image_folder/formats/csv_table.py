"""CSV tables of files and labels."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from seamline.data.image_folder.file_tree import FileTree, read_text
from seamline.data.image_folder.folder_names import MASK_WORDS, is_plain, split_from_path, split_of_name, split_words
from seamline.data.image_folder.image_index import ImageIndex
from seamline.data.image_folder.records import FolderContents, Sample
from seamline.data.image_folder.table_columns import ColumnRoles, Table, assign_columns, row_label
from seamline.errors import SeamlineError, list_first

_MAX_NAME = 100


class _ParsedTable(NamedTuple):
    """A table whose columns are known."""

    file: Path
    samples: list[Sample]
    columns: str  # the columns of files and labels, in words


def parse(tree: FileTree) -> FolderContents | None:
    """Read CSV files with a column of files, and one of labels or one per class; optionally one of splits.

    The columns are recognized by their contents and the names in the header, if there is one. Files are named relative
    to the table or by the end of their path; the suffix is optional. Separators are commas, semicolons or tabs. Tables
    named by split, and tables in folders named by split, are read together.

    Raises:
        SeamlineError: several other tables are there, a table is invalid, or several columns could be the labels.
    """
    tables = [file for file in tree.files if file.suffix.lower() in (".csv", ".tsv")]
    images = ImageIndex(tree)
    beside = [file for file in tables if file.parent == tree.folder]
    inside = [file for file in tables if split_from_path(file.relative_to(tree.folder).parts[:-1])]
    for group in (beside, inside):
        labeled = [file for file in group if "submission" not in split_words(file.stem)]
        parsed = [table for file in labeled or group if (table := _parse_table(file, images)) is not None]
        if parsed:
            return _join(tree, parsed)
    return None


def _join(tree: FileTree, parsed: list[_ParsedTable]) -> FolderContents:
    """Return the contents of a table, or of one per split."""
    layout = f"a table of files and labels ({parsed[0].columns})"
    if len(parsed) == 1:
        return FolderContents(parsed[0].file, layout, parsed[0].samples)
    splits = [split_of_name(table.file.stem) or split_from_path(table.file.parent.parts[::-1]) for table in parsed]
    if "" in splits or len({*splits}) < len(splits):
        names = ", ".join(table.file.relative_to(tree.folder).as_posix() for table in parsed)
        raise SeamlineError(
            f"{tree.folder}: contains {len(parsed)} tables of files and labels ({names}); name one of them"
        )
    samples = [
        replace(sample, name=sample.file.relative_to(tree.folder).as_posix(), split=split)
        for table, split in zip(parsed, splits, strict=True)
        for sample in table.samples
    ]
    return FolderContents(
        tree.folder, f"{layout}, one per split", samples, sources=tuple(table.file for table in parsed)
    )


def _parse_table(file: Path, images: ImageIndex) -> _ParsedTable | None:
    """Return the samples of a table, or None where it has no column of files or none of labels."""
    rows = list(read_rows(file))
    if not rows:
        return None
    table = Table(file, rows, lambda name: images.find(name, file) is not None)
    roles = assign_columns(table)
    if roles is None or (not roles.is_named and not _labels_are_plausible(table, roles, images)):
        return None
    samples = [_read_row(table, roles, row, images) for row in range(roles.has_header, len(rows))]
    described = " and ".join(table.column_name(column, roles.has_header) for column in (roles.file, *roles.labels[:1]))
    if len(roles.labels) > 1:
        described += f" to {table.column_name(roles.labels[-1], roles.has_header)}"
    return _ParsedTable(file, samples, f"columns {described}")


def _read_row(table: Table, roles: ColumnRoles, row: int, images: ImageIndex) -> Sample:
    """Return the sample of a row, or raise a `SeamlineError`."""
    place = f"{table.file}: line {table.rows[row].line}"
    name = table.cell(row, roles.file)
    label = row_label(table, roles, row)
    if not name or not label:
        raise SeamlineError(f"{place} has no {'label' if name else 'file'}; correct it")
    split = "" if roles.split is None else table.cell(row, roles.split)
    if split and not split_of_name(split):
        raise SeamlineError(f"{place} names the split {split!r}; use train, val or test")
    image = images.find(name, table.file)
    shown = name if len(name) <= _MAX_NAME else f"{name[:_MAX_NAME]}…"
    if image is None:
        raise SeamlineError(f"{place} names {shown}, which is not in {table.file.parent}; correct the table")
    if isinstance(image, list):
        listed = list_first([file.relative_to(table.file.parent).as_posix() for file in image])
        raise SeamlineError(f"{place} names {shown}, which may be {listed}; name files with their folder")
    relative = image.relative_to(table.file.parent) if table.file.parent in image.parents else image
    name = name.replace("\\", "/")
    is_inner = not name.startswith(("/", "..")) and ":" not in name
    split = split_of_name(split) or split_from_path(relative.parts[:-1])
    columns = (
        {table.cell(0, column): table.cell(row, column) for column in range(table.width)} if roles.has_header else {}
    )
    return Sample(image, name if is_inner else relative.as_posix(), split, label=label, columns=columns)


def _labels_are_plausible(table: Table, roles: ColumnRoles, images: ImageIndex) -> bool:
    """Return whether a column that is not named as the label is one: there are no masks, and no other class folders.

    Raises:
        SeamlineError: folders and the column give different classes.
    """
    words = {word for file in images.files for part in file.parts for word in split_words(part)}
    below = {word for part in table.file.parent.parts for word in split_words(part)}
    if (words - below) & (MASK_WORDS - {"seg", "manual", "label", "labels"}):
        return False
    pairs = set()
    for row in range(roles.has_header, len(table.rows)):
        image = images.find(table.cell(row, roles.file), table.file)
        if isinstance(image, Path):
            folder = image.parent.name if image.parent != table.file.parent else ""
            pairs.add(("" if is_plain(folder) or split_of_name(folder) else folder, row_label(table, roles, row)))
    folders, labels = ({pair[place] for pair in pairs} for place in (0, 1))
    if len(folders) > 1 and not len(folders) == len(labels) == len(pairs):
        column = table.column_name(roles.labels[0], roles.has_header)
        raise SeamlineError(
            f"{table.file}: {column} or the folders ({list_first(sorted(folders))}) could be the labels; name the "
            "column 'label' in the header if it is, else remove the table"
        )
    return True


def read_rows(file: Path) -> Iterator[Table.Row]:
    """Yield the rows of a table that are not empty, with their line numbers."""
    text = read_text(file)
    separator = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text), delimiter=separator, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield Table.Row(reader.line_num, tuple(cell.strip() for cell in cells))
    except csv.Error as error:
        raise SeamlineError(f"{file}: is not valid CSV ({error}); correct it") from None
