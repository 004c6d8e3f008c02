"""Reads files of a run folder; whatever is wrong with one is a single line that names it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.data import masks
from seamline.data.dataset import IGNORE_INDEX
from seamline.data.image_io import MAX_PIXELS, decode
from seamline.data.shapes import Shape, misfit
from seamline.errors import SeamlineError

AGAIN = "make the run again"
"""What a user can do about a file that is not what it should be."""


def read_text(path: Path) -> str | None:
    """Return the file's text, or None where there is no such file."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as fault:
        raise SeamlineError(f"{path}: cannot be read ({type(fault).__name__}); {AGAIN}") from fault


def parse(path: Path, text: str, line: int = 0) -> Any:
    """Parse JSON; `line` is added to the line number that an error names."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as fault:
        raise SeamlineError(f"{path}: line {line + fault.lineno} is not JSON ({fault.msg}); {AGAIN}") from fault
    except (ValueError, RecursionError) as fault:  # numbers of thousands of digits, lists thousands deep
        raise SeamlineError(f"{path}: is no JSON that can be read ({fault}); {AGAIN}") from fault


def check(path: Path, content: Any, shape: Shape, line: int | None = None) -> None:
    """Refuse what does not have a shape; `line` is the one that it stands in, where a file holds several."""
    if wrong := misfit(content, shape):
        raise SeamlineError(f"{path}: {'' if line is None else f'line {line}: '}{wrong}; {AGAIN}")


def read_json(path: Path, shape: Shape) -> dict[str, Any] | None:
    """Read a JSON object of a shape; None where there is no such file."""
    text = read_text(path)
    if text is None:
        return None
    content = parse(path, text)
    check(path, content, shape)
    parsed: dict[str, Any] = content
    return parsed


def read_confusion(path: Path, written: Any, classes: int) -> NDArray[np.int64]:
    """Check and return a confusion matrix, (K, K)."""
    try:
        confusion = np.asarray(written, dtype=np.int64)
    except (TypeError, ValueError, OverflowError) as fault:
        raise SeamlineError(f"{path}: confusion does not hold numbers alone; {AGAIN}") from fault
    if confusion.shape != (classes, classes):
        raise SeamlineError(f"{path}: confusion is {confusion.shape}, not one row a class; {AGAIN}")
    return confusion


def read_picture(path: Path, *, colour: bool = False) -> Image.Image:
    """Read a picture as grey or RGB; with `colour` as RGB whatever it is."""
    try:
        image = decode(path, str(path), MAX_PIXELS).image
        return image.convert("L" if not colour and image.mode in ("1", "L") else "RGB")
    except (OSError, SeamlineError) as fault:
        raise _fault(path) from fault


def read_mask(path: Path) -> NDArray[np.uint8]:
    """Read a palette PNG as the classes of its pixels, (H, W); which numbers are classes is for the caller to know."""
    try:
        return masks.read_mask(path, IGNORE_INDEX, ignore=IGNORE_INDEX)
    except SeamlineError as fault:
        raise _fault(path) from fault


def _fault(path: Path) -> SeamlineError:
    """Say what is wrong with a picture."""
    return SeamlineError(f"{path}: {'cannot be read as an image' if path.exists() else 'not found'}; {AGAIN}")
