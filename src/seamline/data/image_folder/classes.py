"""Which classes there are: their names, and in masks their values or colours."""

import colorsys
import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.data.dataset import IGNORE_INDEX
from seamline.data.image_folder.formats.polygons import BACKGROUND
from seamline.data.image_folder.records import Found
from seamline.data.masks import Color, unique_mask_values
from seamline.data.parallel import in_order
from seamline.errors import SeamlineError

_one_at_a_time = threading.Lock()

FILES = ("classes.txt", "classes.json")
_MOST = 200  # classes that masks may be found to have; more are photos or blurred colours


@dataclass(frozen=True)
class Classes:
    """The classes of a folder.

    Attributes:
        names: K names.
        marks: how masks mark each, a value or a colour as 0xRRGGBB; empty where there are no masks of files.
        colours: how each is shown; empty where labels are of whole images.
        by_colour: whether marks are colours.
        ignored: the mark of what counts nowhere, -1 where there is none.
    """

    names: tuple[str, ...]
    marks: tuple[int, ...] = ()
    colours: tuple[Color, ...] = ()
    by_colour: bool = False
    ignored: int = -1


def classes_of(found: Found, told: Callable[[], None] | None = None) -> Classes:
    """Return the classes that a folder names, or those that are found in its labels or masks.

    Args:
        found: what the folder holds.
        told: called after each mask that was looked at.

    Raises:
        SeamlineError: names and labels contradict each other, or a class is only in images that are not learned from.
    """
    folder = found.place if found.place.is_dir() else found.place.parent
    declared = _declared(folder)
    if found.items[0].mask is not None:
        return _of_masks(found, declared, told)
    return _of_names(found, declared)


def _of_names(found: Found, declared: dict[str, Color | None]) -> Classes:
    """Return the classes of labels or polygons."""
    polygons = found.items[0].shapes is not None
    used = {split: _used(found, split) for split in ("train", "val", "test", "")}
    learned = used["train"] | used[""]
    everywhere = set().union(*used.values())
    for split in ("val", "test"):
        unseen = sorted(used[split] - learned)
        if unseen:
            raise SeamlineError(
                f"{found.place}: {_quoted(unseen)} in {split} and not in train; a class must be learned before it is "
                f"tested: add images of it to train, or take it out of {split}"
            )
    names = list(declared) or [name for name in found.classes if name in everywhere] or sorted(everywhere, key=_natural)
    unknown = sorted(everywhere - set(names))
    if unknown:
        raise SeamlineError(
            f"{found.place}: {_quoted(unknown)} among the labels and not in the classes declared; add it there"
        )
    if polygons and BACKGROUND not in names:
        names = [BACKGROUND, *names]
    if len(names) < 2:
        raise SeamlineError(f"{found.place}: holds the class {names[0]} alone; two or more are needed")
    if not polygons:
        return Classes(tuple(names))
    return Classes(tuple(names), colours=_colours([declared.get(name) for name in names]))


def _used(found: Found, split: str) -> set[str]:
    """Return the names of the classes that a split's images have."""
    items = [item for item in found.items if item.split == split]
    labels = {item.label for item in items if item.label is not None}
    return labels | {shape.label for item in items for shape in item.shapes or ()}


def _of_masks(found: Found, declared: dict[str, Color | None], told: Callable[[], None] | None) -> Classes:
    """Return the classes that the marks in masks stand for."""
    by_colour: set[bool] = set()
    marks: set[int] = set()
    palette: dict[int, Color] = {}
    files = [item.mask for item in found.items if item.mask is not None]

    def look(file: Path) -> set[int]:
        seen = unique_mask_values(file)
        with _one_at_a_time:
            by_colour.add(seen.by_color)
            marks.update(seen.values)
            palette.update(seen.palette)
            if told is not None:
                told()
        if len(marks) > _MOST:
            raise SeamlineError(
                f"{file}: masks hold more than {_MOST} different {'colours' if seen.by_color else 'values'}; a mask "
                "has one for each class: save masks as PNG, scaled to the nearest pixel, or declare the classes"
            )
        return seen.values

    held = in_order(look, files)
    if len(by_colour) > 1:
        raise SeamlineError(f"{found.place}: some masks hold colours and others numbers; save all in one form")
    holds = partial(_first_with, files, held)
    if by_colour == {True}:
        return _by_colour(found, marks, declared, holds)
    return _by_value(found, marks, palette, declared, holds)


def _first_with(files: list[Path], held: list[set[int]], mark: int) -> Path:
    """Return the first mask that holds a mark."""
    return next(file for file, marks in zip(files, held, strict=True) if mark in marks)


def _by_colour(
    found: Found, marks: set[int], declared: dict[str, Color | None], holds: Callable[[int], Path]
) -> Classes:
    table = {name: colour for name, colour in declared.items() if colour is not None}
    if not declared:
        ordered = sorted(marks)
        colours = tuple((mark >> 16, mark >> 8 & 255, mark & 255) for mark in ordered)
        return _checked(found, Classes(tuple(f"#{mark:06x}" for mark in ordered), tuple(ordered), colours, True))
    if len(table) < len(declared):
        raise SeamlineError(f"{found.place}: masks hold colours; give each class its colour in classes.json")
    known = {red << 16 | green << 8 | blue: name for name, (red, green, blue) in table.items()}
    unknown = sorted(marks - set(known))
    if unknown:
        shown = ", ".join(f"#{mark:06x}" for mark in unknown[:5])
        raise SeamlineError(
            f"{found.place}: masks hold {len(unknown)} colours that no class has ({shown}), the first is "
            f"{holds(unknown[0])}; declare them"
        )
    return _checked(found, Classes(tuple(table), tuple(known), tuple(table.values()), True))


def _by_value(
    found: Found,
    marks: set[int],
    palette: dict[int, Color],
    declared: dict[str, Color | None],
    holds: Callable[[int], Path],
) -> Classes:
    ignored = (
        IGNORE_INDEX
        if IGNORE_INDEX in marks and len(marks) > 2 and (not declared or len(declared) <= IGNORE_INDEX)
        else -1
    )
    values = sorted(marks - {ignored})
    if declared:
        if values and values[-1] >= len(declared) and not (len(declared) == 2 and values == [0, IGNORE_INDEX]):
            raise SeamlineError(
                f"{holds(values[-1])}: holds the value {values[-1]}, and the {len(declared)} classes declared are "
                f"0..{len(declared) - 1}; correct the mask, or declare what is missing"
            )
        names = tuple(declared)
        values = values if values == [0, IGNORE_INDEX] else list(range(len(declared)))
    else:
        names = (
            (BACKGROUND, "foreground") if values == [0, IGNORE_INDEX] else tuple(f"class {value}" for value in values)
        )
    given = [declared.get(name) or palette.get(value) for name, value in zip(names, values, strict=True)]
    return _checked(found, Classes(names, tuple(values), _colours(given), False, ignored))


def _checked(found: Found, classes: Classes) -> Classes:
    if len(classes.names) < 2:
        raise SeamlineError(f"{found.place}: masks hold {classes.names[0]} alone; two classes are needed")
    return classes


def to_classes(values: NDArray[Any], classes: Classes, called: str) -> NDArray[np.uint8]:
    """Return a mask (H, W) uint8 of class numbers and `IGNORE_INDEX` for one of marks (H, W).

    Raises:
        SeamlineError: it holds a mark that is no class's.
    """
    mask = np.full(values.shape, IGNORE_INDEX, np.uint8)
    left = values != classes.ignored
    for number, mark in enumerate(classes.marks):
        its = values == mark
        mask[its] = number
        left &= ~its
    if left.any():
        mark = int(values[left][0])
        shown = f"#{mark:06x}" if classes.by_colour else str(mark)
        raise SeamlineError(f"{called}: holds {shown}, which is no class's; correct the mask, or declare it")
    return mask


def _declared(folder: Path) -> dict[str, Color | None]:
    """Return the classes that `classes.txt` or `classes.json` names, with colours where it gives them."""
    there = [folder / name for name in FILES if (folder / name).is_file()]
    if len(there) > 1:
        raise SeamlineError(f"{folder}: has both {' and '.join(FILES)}; keep one")
    if not there:
        return {}
    file = there[0]
    try:
        text = file.read_text(encoding="utf-8-sig")
        content: Any = json.loads(text) if file.suffix == ".json" else [line.strip() for line in text.splitlines()]
        pairs = content.items() if isinstance(content, dict) else [(name, None) for name in content if name != ""]
        declared = {_text(name): _colour(value) for name, value in pairs}
    except OSError as error:
        raise SeamlineError(f"{file}: cannot be read ({error.strerror or error}); check its permissions") from None
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise SeamlineError(
            f'{file}: cannot be read ({error}); a name a line, or JSON such as {{"wall": [200, 180, 150]}}'
        ) from None
    if len(declared) < 2 or len(declared) > IGNORE_INDEX:
        raise SeamlineError(f"{file}: names {len(declared)} classes; 2 to {IGNORE_INDEX} are possible")
    return declared


def _text(name: Any) -> str:
    """Return a class's name; half a letter, which JSON can hold, raises a ValueError."""
    str(name).encode()
    return str(name)


def _colour(value: Any) -> Color | None:
    """Return a colour that is given as three numbers or as #rrggbb, None where none is."""
    if value is None:
        return None
    if isinstance(value, str):
        digits = value.removeprefix("#")
        if len(digits) != 6:
            raise ValueError(f"{value!r} is no colour")
        value = [int(digits[place : place + 2], 16) for place in (0, 2, 4)]
    red, green, blue = (int(one) for one in value)
    if not all(0 <= one <= 255 for one in (red, green, blue)):
        raise ValueError(f"{value} is no colour")
    return red, green, blue


def _colours(given: Iterable[Color | None]) -> tuple[Color, ...]:
    """Return a colour for each class: the one given, or one of its own; no two alike."""
    wanted = list(given)
    taken = {colour for colour in wanted if colour is not None}
    made: list[Color] = []
    turn = 0
    for number, colour in enumerate(wanted):
        if colour is None or colour in made:
            colour = (0, 0, 0) if number == 0 else None
            while colour is None or colour in taken or colour in made:
                red, green, blue = colorsys.hls_to_rgb((turn * 0.61803399) % 1, 0.45 + 0.15 * (turn % 3), 0.75)
                colour = round(255 * red), round(255 * green), round(255 * blue)
                turn += 1
        made.append(colour)
    return tuple(made)


def _natural(name: str) -> tuple[Any, ...]:
    """Order `class 2` before `class 10`."""
    head = name.rstrip("0123456789")
    return head, int(name[len(head) :] or -1), name


def _quoted(names: list[str]) -> str:
    """Say which classes, and whether they are or it is."""
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"the class {shown} is" if len(names) == 1 else f"the classes {shown} are"
