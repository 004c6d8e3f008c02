"""A CSV table of files and labels."""

import csv
import io
from pathlib import Path

from seamline.data.image_folder.records import SPLITS, FolderContents, Sample, sort_samples
from seamline.errors import SeamlineError
from seamline.io import safe_is_file

_FILE_COLUMNS = ("file", "filename", "file_name", "image", "image_id", "path", "name", "id")
_LABEL_COLUMNS = ("label", "class", "category", "target", "class_name")
_SPLIT_COLUMNS = ("split", "set", "subset", "fold")
_MAX_BYTES = 1 << 28


def parse_csv(folder: Path, files: list[Path]) -> FolderContents | None:
    """Read a CSV file with a column of files and one of labels, and optionally one of splits.

    Files are named relative to the table; the suffix is optional. Separators are commas, semicolons or tabs.

    Args:
        folder: the folder.
        files: all files below it.

    Raises:
        SeamlineError: several such tables are there, or a table is invalid.
    """
    tables = [file for file in files if file.suffix.lower() in (".csv", ".tsv") and file.parent == folder]
    parsed = [(file, samples) for file in tables if (samples := _parse_table(file)) is not None]
    if not parsed:
        return None
    if len(parsed) > 1:
        names = ", ".join(file.name for file, _ in parsed)
        raise SeamlineError(f"{folder}: contains {len(parsed)} tables of files and labels ({names}); name one of them")
    file, samples = parsed[0]
    return FolderContents(file, "a table of files and labels", sort_samples(samples))


def _parse_table(file: Path) -> list[Sample] | None:
    """Return the samples of a table, or None where it has no column of files or none of labels."""
    text = _read_text(file)
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
        if split and split not in SPLITS:
            raise SeamlineError(f"{file}: line {line} names the split {split!r}; use train, val or test")
        samples.append(Sample(_find_image(file, name, line), name, SPLITS.get(split, ""), label=label))
    _refuse_duplicates(file, samples)
    return samples


def _read_text(file: Path) -> str:
    """Return the text of a table, or raise a `SeamlineError`."""
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise SeamlineError(f"{file}: is larger than {_MAX_BYTES >> 20} MB; split the table, or remove it")
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SeamlineError(f"{file}: cannot be read ({error.strerror or error}); check its permissions") from None
    except UnicodeDecodeError as error:
        raise SeamlineError(f"{file}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from None


def _find_image(table: Path, name: str, line: int) -> Path:
    """Return the image that a row names, in the table's folder or its subfolder `images`."""
    for folder in (table.parent, table.parent / "images"):
        for suffix in ("", ".jpg", ".jpeg", ".png"):
            if safe_is_file(folder / (name + suffix)):
                return folder / (name + suffix)
    shown = name if len(name) <= 100 else f"{name[:100]}…"
    raise SeamlineError(f"{table}: line {line} names {shown}, which is not in {table.parent}; correct the table")


def _refuse_duplicates(table: Path, samples: list[Sample]) -> None:
    """Refuse a table that lists a file twice."""
    labels: dict[Path, str | None] = {}
    for sample in samples:
        if labels.setdefault(sample.file, sample.label) != sample.label:
            raise SeamlineError(
                f"{table}: gives {sample.name} two labels, {labels[sample.file]} and {sample.label}; keep one"
            )
    if len(labels) < len(samples):
        count = len(samples) - len(labels)
        raise SeamlineError(f"{table}: lists {count:,} files more than once; keep one line for each")
