"""A table of files and labels."""

import csv
import io
from pathlib import Path

from seamline.data.image_folder.records import SPLITS, Found, Item, ordered
from seamline.errors import SeamlineError
from seamline.io import safe_is_file

_FILE = ("file", "filename", "file_name", "image", "image_id", "path", "name", "id")
_LABEL = ("label", "class", "category", "target", "class_name")
_SPLIT = ("split", "set", "subset", "fold")
_LARGEST = 1 << 28  # bytes


def from_table(folder: Path, files: list[Path]) -> Found | None:
    """See a CSV file with a column of files and one of labels, and perhaps one of splits.

    Files are named relative to the table; an ending may be left out. Separators are commas, semicolons or tabs.
    """
    tables = [file for file in files if file.suffix.lower() in (".csv", ".tsv") and file.parent == folder]
    known = [(file, found) for file in tables if (found := _read(file)) is not None]
    if not known:
        return None
    if len(known) > 1:
        names = ", ".join(file.name for file, _ in known)
        raise SeamlineError(f"{folder}: holds {len(known)} tables of files and labels ({names}); name the one you mean")
    file, items = known[0]
    return Found(file, "a table of files and labels", ordered(items))


def _read(file: Path) -> list[Item] | None:
    """Return a table's rows, or None where it has no column of files or none of labels."""
    try:
        if file.stat().st_size > _LARGEST:
            raise SeamlineError(
                f"{file}: is larger than {_LARGEST >> 20} MB, too large for a table of files and labels"
            )
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SeamlineError(f"{file}: cannot be read ({error.strerror or error}); check its permissions") from None
    except UnicodeDecodeError as error:
        raise SeamlineError(f"{file}: is not text in UTF-8 (byte {error.start}); save it as UTF-8") from None
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    try:
        rows = list(csv.DictReader(io.StringIO(text), delimiter=separator, strict=True))
    except csv.Error as error:
        raise SeamlineError(f"{file}: is no CSV that can be read ({error}); correct it") from None
    columns = {(name or "").strip().lower(): name for name in (rows[0] if rows else {})}
    files, labels, splits = (next((columns[one] for one in words if one in columns), None) for words in _WORDS)
    if files is None or labels is None:
        return None
    items = []
    for number, row in enumerate(rows, 2):
        called, label = (row.get(files) or "").strip(), (row.get(labels) or "").strip()
        if not called or not label:
            raise SeamlineError(f"{file}: line {number} has no {'file' if not called else 'label'}; correct it")
        split = (row.get(splits) or "").strip().lower() if splits else ""
        if split and split not in SPLITS:
            raise SeamlineError(f"{file}: line {number} names the split {split!r}; use train, val or test")
        items.append(Item(_found(file, called, number), called, SPLITS.get(split, ""), label=label))
    _refuse_repeats(file, items)
    return items


_WORDS = (_FILE, _LABEL, _SPLIT)


def _found(table: Path, called: str, number: int) -> Path:
    """Return the image that a row names, in the table's folder or in a folder `images` there."""
    for place in (table.parent, table.parent / "images"):
        for ending in ("", ".jpg", ".jpeg", ".png"):
            if safe_is_file(place / (called + ending)):
                return place / (called + ending)
    shown = called if len(called) <= 100 else f"{called[:100]}…"
    raise SeamlineError(f"{table}: line {number} names {shown}, which is not in {table.parent}; correct the table")


def _refuse_repeats(table: Path, items: list[Item]) -> None:
    """Refuse a table that gives one file two labels."""
    labels: dict[Path, str | None] = {}
    for item in items:
        if labels.setdefault(item.file, item.label) != item.label:
            raise SeamlineError(
                f"{table}: gives {item.name} two labels, {labels[item.file]} and {item.label}; keep one"
            )
    if len(labels) < len(items):
        raise SeamlineError(f"{table}: names {len(items) - len(labels):,} files more than once; keep one line for each")
