"""Text files that list the classes of masks with a color each."""

import re
from collections.abc import Iterator
from pathlib import Path

from seamline.data.image_folder.file_tree import read_text
from seamline.data.masks import Color
from seamline.errors import SeamlineError


def read_color_list(file: Path, pattern: re.Pattern[str], form: str) -> Iterator[tuple[int, str, Color]]:
    """Yield the number of each line, the name of its class, and its color; comments after `#` have none.

    Args:
        file: the file.
        pattern: matches a line, with the groups `name`, `red`, `green` and `blue`.
        form: the form of a line, in words.

    Raises:
        SeamlineError: a line has another form.
    """
    for number, line in enumerate(map(str.strip, read_text(file).splitlines()), 1):
        if not line or line.startswith("#"):
            continue
        match = pattern.match(line)
        red, green, blue = map(int, match.group("red", "green", "blue")) if match else (-1, -1, -1)
        if match is None or max(red, green, blue) > 255:
            raise SeamlineError(f"{file}: line {number} is not {form}; correct it")
        yield number, match["name"].strip(), (red, green, blue)
