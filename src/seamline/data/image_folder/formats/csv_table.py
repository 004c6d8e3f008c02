"""A CSV table of files and labels."""

import csv
import io
from pathlib import Path

from seamline.data.image_folder.file_tree import FileTree, find_file, read_text
from seamline.data.image_folder.folder_names import split_of_name
from seamline.data.image_folder.records import FolderContents, Sample
from seamline.errors import SeamlineError

_FILE_COLUMNS = ("file", "filename", "file_name", "image", "image_id", "path", "name", "id")
_LABEL_COLUMNS = ("label", "class", "category", "target", "class_name")
_SPLIT_COLUMNS = ("split", "set", "subset", "fold")


def parse(tree: FileTree) -> FolderContents | None:
    """Read a CSV file with a column of files and one of labels, and optionally one of splits.

    Files are named relative to the table; the suffix is optional. Separators are commas, semicolons or tabs.

    Raises:
        SeamlineError: several such tables are there, or a table is invalid.
    """
    tables = [file for file in tree.files if file.suffix.lower() in (".csv", ".tsv") and file.parent == tree.folder]
    parsed = {file: samples for file in tables if (samples := _parse_table(file)) is not None}
    if not parsed:
        return None
    if len(parsed) > 1:
        names = ", ".join(file.name for file in parsed)
        raise SeamlineError(
            f"{tree.folder}: contains {len(parsed)} tables of files and labels ({names}); name one of them"
        )
    ((file, samples),) = parsed.items()
    return FolderContents(file, "a table of files and labels", samples)


def _parse_table(file: Path) -> list[Sample] | None:
    """Return the samples of a table, or None where it has no column of files or none of labels."""
    text = read_text(file)
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    try:
        rows = list(csv.DictReader(io.StringIO(text), delimiter=separator, strict=True))
    except csv.Error as error:
        raise SeamlineError(f"{file}: is not valid CSV ({error}); correct it") from None
    columns = {(name or "").strip().lower(): name for name in (rows[0] if rows else {})}
    file_column, label_column, split_column = (
        next((columns[name] for name in names if name in columns), None)
        for names in (_FILE_COLUMNS, _LABEL_COLUMNS, _SPLIT_COLUMNS)
    )
    if file_column is None or label_column is None:
        return None
    samples = []
    for line, row in enumerate(rows, 2):
        name, label = (row.get(file_column) or "").strip(), (row.get(label_column) or "").strip()
        if not name or not label:
            raise SeamlineError(f"{file}: line {line} has no {'label' if name else 'file'}; correct it")
        split = (row.get(split_column) or "").strip().lower() if split_column else ""
        if split and not split_of_name(split):
            raise SeamlineError(f"{file}: line {line} names the split {split!r}; use train, val or test")
        image = find_file(name, [file.parent, file.parent / "images"], ("", ".jpg", ".jpeg", ".png"))
        if image is None:
            shown = name if len(name) <= 100 else f"{name[:100]}…"
            raise SeamlineError(f"{file}: line {line} names {shown}, which is not in {file.parent}; correct the table")
        others = {head.strip(): value.strip() for head, value in row.items() if head and isinstance(value, str)}
        samples.append(Sample(image, name, split_of_name(split), label=label, columns=others))
    return samples
