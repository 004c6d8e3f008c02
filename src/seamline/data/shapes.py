"""What JSON of a file must look like before it is used; what does not is named by its place.

A shape is written as the JSON itself looks: a dict of keys and the shapes of their values, a list with the shape of its
members, and at the leaves a `Kind`.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seamline.errors import SeamlineError
from seamline.io import read_json

_LARGEST = 1e15  # larger numbers are no figures, and arithmetic with them overflows
_SHOWN = 40  # letters of what was found


@dataclass(frozen=True)
class Kind:
    """A leaf.

    Attributes:
        words: what is wanted, such as `a number`.
        fits: tells whether a value is that.
    """

    words: str
    fits: Callable[[Any], bool]


@dataclass(frozen=True)
class Maybe:
    """What may be absent or null, and else has a shape."""

    shape: "Shape"


@dataclass(frozen=True)
class OrNull:
    """What must be there, has a shape or is null."""

    shape: "Shape"


@dataclass(frozen=True)
class Each:
    """An object with any keys, whose values all have one shape."""

    shape: "Shape"


@dataclass(frozen=True)
class Either:
    """What has one of several shapes; a misfit is told of the last where that is an object, else of the first."""

    shapes: "tuple[Shape, ...]"


Shape = Kind | Maybe | OrNull | Each | Either | dict[str, Any] | list[Any]


def _is_number(value: Any) -> bool:
    """Tell whether a value is a number that can be counted with: `math.isfinite` refuses integers beyond floats."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < _LARGEST  # False for what is no number, too


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and _is_number(value) and value >= 0


def _is_up_to(value: Any, most: int) -> bool:
    return _is_count(value) and value <= most


NUMBER = Kind("a number", _is_number)
MEASURED = Kind("a number", lambda value: _is_number(value) or (isinstance(value, float) and not math.isfinite(value)))
"""A number, or what a computation that went wrong has left: NaN or an infinity."""
COUNT = Kind("a whole number of 0 or more", _is_count)
SIDE = Kind("a whole number of 1 or more", lambda value: _is_up_to(value, 100_000) and value >= 1)
TEXT = Kind("a text", lambda value: isinstance(value, str))
TRUTH = Kind("true or false", lambda value: isinstance(value, bool))
COLOUR = Kind(
    "a colour of three numbers, 0 to 255",
    lambda value: isinstance(value, list) and len(value) == 3 and all(_is_up_to(one, 255) for one in value),
)
OBJECT: Each = Each(Kind("anything", lambda value: True))
FIGURE = OrNull(Either((NUMBER, {"value": Maybe(NUMBER), "low": Maybe(NUMBER), "high": Maybe(NUMBER)})))
"""A number with or without an interval, or null."""


def read_shaped(file: Path, shape: Shape, cure: str) -> Any:
    """Read a JSON file of a shape.

    Args:
        file: the file.
        shape: what it must look like.
        cure: what a user can do where it does not, for the end of the line.

    Raises:
        FileNotFoundError: there is no such file.
        SeamlineError: it cannot be read, or looks otherwise.
    """
    try:
        content = read_json(file)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise SeamlineError(f"{file}: cannot be read ({error}); {cure}") from None
    if wrong := misfit(content, shape):
        raise SeamlineError(f"{file}: {wrong}; {cure}")
    return content


def misfit(content: Any, shape: Shape, place: str = "") -> str | None:
    """Say where and how content does not have a shape, in a few words; None where it has.

    Args:
        content: what JSON held.
        shape: what is wanted; keys of objects that it does not name are of no matter.
        place: what the place is called where content is a part, such as `val.accuracy`.
    """
    if isinstance(shape, Maybe | OrNull):
        return None if content is None else misfit(content, shape.shape, place)
    if isinstance(shape, Either):
        found = [misfit(content, one, place) for one in shape.shapes]
        return None if None in found else found[-1 if isinstance(content, dict) else 0]
    if isinstance(shape, Kind):
        return None if shape.fits(content) else _said(place, content, shape.words)
    if isinstance(shape, list):
        if not isinstance(content, list):
            return _said(place, content, "a list")
        return _first((misfit(one, shape[0], f"{place}[{index}]") for index, one in enumerate(content)))
    if not isinstance(content, dict):
        return _said(place, content, "an object")
    if isinstance(shape, Each):
        return _first(misfit(one, shape.shape, _below(place, key)) for key, one in content.items())
    missing = [key for key, one in shape.items() if key not in content and not isinstance(one, Maybe)]
    if missing:
        return f"{', '.join(missing)} not found in {place or 'it'}"
    return _first(misfit(content.get(key), one, _below(place, key)) for key, one in shape.items())


def _first(found: Iterable[str | None]) -> str | None:
    return next((one for one in found if one is not None), None)


def _below(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _said(place: str, content: Any, wanted: str) -> str:
    shown = repr(content) if isinstance(content, str | int | float | None) else _named(content)
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
    return f"{place or 'it'} is {shown}, not {wanted}"


def _named(content: Any) -> str:
    if isinstance(content, dict):
        return "an object"
    return f"a list of {len(content)}"
