"""The photos that the page walks through: a list in the order in which labels of them teach a model most."""

import csv
import io
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from seamline.data.image_folder.corrections import Correction
from seamline.data.image_folder.file_tree import read_text
from seamline.errors import SeamlineError
from seamline.io import safe_is_file, sha256_file


class QueuedPhoto(Struct, frozen=True):
    """A photo of the list."""

    path: str  # absolute, or relative to the list
    score: float | None = None  # how much a label would teach
    reason: str = ""  # why, in words


class _Suggestions(Struct, frozen=True):
    photos: list[QueuedPhoto]


class PhotoQueue:
    """The photos of a list, the most useful first."""

    def __init__(self, file: Path) -> None:
        """Read a list: JSON with `photos`, or a table with the columns `path`, `score` and `reason`.

        Raises:
            SeamlineError: the list cannot be read, is invalid or empty, or none of its photos exists.
        """
        text = read_text(file)
        try:
            content = _parse_table(text) if file.suffix.lower() in (".csv", ".tsv") else msgspec.json.decode(text)
            self.photos = msgspec.convert(content, _Suggestions, strict=False).photos
        except (ValueError, RecursionError, csv.Error) as error:
            raise SeamlineError(
                f"--queue {file}: is not a list of photos ({error}); name a file that `seamline suggest` wrote"
            ) from None
        self.files = [file.parent / photo.path for photo in self.photos]
        if not any(map(safe_is_file, self.files)):
            problem = f"{self.files[0]} and the others do not exist" if self.files else "lists no photos"
            raise SeamlineError(f"--queue {file}: {problem}; write it again with `seamline suggest`")

    def __len__(self) -> int:
        return len(self.photos)

    def corrected(self, corrections: list[Correction]) -> set[int]:
        """Return the numbers of the photos that have a correction: they have the same name, size and digest."""
        digests = defaultdict(set)
        for one in corrections:
            digests[one.photo, one.bytes].add(one.sha256)
        names = {one.photo for one in corrections}  # no other file is looked at
        numbers = set()
        for number, file in enumerate(self.files):
            try:
                if file.name not in names:
                    continue
                if (known := digests.get((file.name, file.stat().st_size))) and sha256_file(file) in known:
                    numbers.add(number)
            except (OSError, ValueError):  # a photo that is gone
                continue
        return numbers


def _parse_table(text: str) -> dict[str, Any]:
    """Return the rows of a table as the JSON has them."""
    dialect = csv.excel_tab if "\t" in text.partition("\n")[0] else csv.excel
    rows = [
        {name: value for name, value in row.items() if value}
        for row in csv.DictReader(io.StringIO(text), dialect=dialect)
    ]
    return {"photos": rows}
