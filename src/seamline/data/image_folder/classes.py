"""Classes of an image folder: their names, and their values or colors in masks."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from seamline.data.blurred_masks import find_mixed_values
from seamline.data.dataset import IGNORE_INDEX
from seamline.data.image_folder.file_tree import natural_key, normalize, read_text
from seamline.data.image_folder.records import BACKGROUND, FolderContents, MaskLegend
from seamline.data.limits import map_threads
from seamline.data.masks import (
    Color,
    MaskValues,
    code_color,
    color_code,
    complete_palette,
    ignored_color,
    list_values,
    parse_color,
    unique_mask_values,
)
from seamline.errors import SeamlineError, list_first
from seamline.run_folder import UnusedData

CLASS_FILES = ("classes.txt", "classes.json")
_MIN_IGNORED = 0.01  # fraction of ignored pixels from which there is a warning
_MAX_MASK_CLASSES = 200  # more values indicate photos or blurred colors

Palette = dict[str, Color | None]
"""Class name -> its declared color, if any."""


class Classes(Struct, frozen=True):
    """The classes of a folder."""

    names: tuple[str, ...]  # K names
    # the value or 0xRRGGBB color of each class in masks; empty where masks are not files
    mask_values: tuple[int, ...] = ()
    palette: tuple[Color, ...] = ()  # the color in which each class is shown; empty for classification
    by_color: bool = False  # whether `mask_values` are colors
    ignored: tuple[int, ...] = ()  # the values or colors of ignored pixels that occur in masks
    ignored_pixels: int = 0  # how many pixels of mask files have them
    marks_ignored: bool = False  # whether masks show them as `encode_mask` does, so that they are meant
    pixels: int = 0  # how many pixels mask files have

    @property
    def numbers(self) -> dict[str, int]:
        """Class name -> class number."""
        return {name: number for number, name in enumerate(self.names)}


def infer_classes(contents: FolderContents, progress: Callable[[], None] | None = None) -> Classes:
    """Return the classes that a folder declares, or those in its labels or masks; `progress` is called for each mask.

    Raises:
        SeamlineError: declared classes contradict labels or masks, or a class has no training images.
    """
    declared = declared_classes(contents.folder)
    if contents.samples[0].instances is not None:
        classes = _classes_of_instances(declared, contents.root)
    elif contents.samples[0].mask is not None:
        classes = _classes_of_masks(contents, declared, progress)
    else:
        classes = _classes_of_labels(contents, declared)
    if len(classes.names) < 2:
        raise SeamlineError(f"{contents.root}: contains only one class, {classes.names[0]}; two or more are needed")
    return classes


def _classes_of_labels(contents: FolderContents, declared: Palette) -> Classes:
    """Return the classes of labels or polygons."""
    has_polygons = contents.samples[0].polygons is not None
    used: dict[str, set[str]] = {"train": set(), "val": set(), "test": set()}
    for sample in contents.samples:
        labels = {polygon.label for polygon in sample.polygons or ()}
        used[sample.split or "train"] |= labels if sample.label is None else labels | {sample.label}
    everywhere, class_map = set().union(*used.values()), contents.class_map
    new_names = {name: class_map.classes.get(name, name) for name in everywhere}
    learned = {new_names[name] for name in used["train"]}
    for split in ("val", "test"):
        counted = sorted(used[split] - {*class_map.ignore})
        if unseen := [name for name in counted if new_names[name] not in learned]:
            raise SeamlineError(
                f"{contents.root}: {_quote(unseen)} in {split} but not in train; add images to train, or remove the "
                f"class from {split}"
            )
    names = [*declared] or [name for name in contents.classes if name in everywhere]
    names = names or sorted(everywhere, key=natural_key)
    if unknown := sorted(everywhere - set(names)):
        raise SeamlineError(f"{contents.root}: {_quote(unknown)} used but not declared; declare it")
    if not has_polygons:
        return Classes(tuple(names))
    if BACKGROUND not in names:
        names = [BACKGROUND, *names]
    return Classes(tuple(names), palette=complete_palette([declared.get(name) for name in names]))


def _classes_of_instances(declared: Palette, root: Path) -> Classes:
    """Return the classes of masks of single objects: background and foreground."""
    if len(declared) not in (0, 2):
        raise SeamlineError(
            f"{root}: has one mask per object, which gives two classes, but {len(declared)} are declared; declare two"
        )
    names = tuple(declared) or (BACKGROUND, "foreground")
    return Classes(names, palette=complete_palette([declared.get(name) for name in names]))


def _classes_of_masks(contents: FolderContents, declared: Palette, progress: Callable[[], None] | None) -> Classes:
    """Return the classes of the values or colors in mask files."""
    masks: dict[Path, MaskValues] = {}
    palette_colors = contents.legend is not None and contents.legend.by_color

    def read(file: Path) -> MaskValues:
        mask = unique_mask_values(file, by_color=palette_colors)
        _refuse_many(mask.values, mask.by_color, file)
        if progress is not None and file not in masks:
            progress()
        return mask

    files = [sample.mask for sample in contents.samples if sample.mask is not None]
    masks = dict(zip(files, map_threads(read, files), strict=True))
    if len({item for mask in masks.values() for item in mask.palette.items()}) > len(
        {value for mask in masks.values() for value in mask.palette}
    ):  # the same index has different colors
        palette_colors = True
        masks = dict(zip(files, map_threads(read, files), strict=True))
    by_color = {mask.by_color for mask in masks.values()}
    if len(by_color) > 1:
        raise SeamlineError(f"{contents.root}: some masks contain colors and others numbers; save all in one form")
    counts = sum((Counter(mask.counts) for mask in masks.values()), Counter[int]())
    values = {*counts}
    if contents.legend is None and not (
        declared and (True in by_color or max(values - {IGNORE_INDEX}, default=0) < len(declared))
    ):
        between = sum((Counter(mask.between) for mask in masks.values()), Counter[int]())
        _refuse_mixed(contents.root, counts, between, masks)
    _refuse_many(values, True in by_color, contents.root)

    def first_with(value: int) -> Path:
        return next(file for file, mask in masks.items() if value in mask.values)

    if contents.legend is not None and (contents.legend.by_color or not declared):
        classes = _classes_of_legend(contents.legend, values, True in by_color, first_with)
    elif True in by_color:
        classes = _classes_by_color(contents.root, values, declared, first_with)
    else:
        embedded = {value: color for mask in masks.values() for value, color in mask.palette.items()}
        marked = _marks_ignored(masks.values(), declared)
        has_ignored = _has_ignored(values, declared, marked=marked)
        classes = _classes_by_value(values, embedded, declared, first_with, has_ignored=has_ignored)
        classes = msgspec.structs.replace(classes, marks_ignored=marked)
    ignored = sum(counts[value] for value in classes.ignored)
    return msgspec.structs.replace(classes, ignored_pixels=ignored, pixels=counts.total())


def _refuse_mixed(
    root: Path, counts: Counter[int], between_neighbors: Counter[int], masks: Mapping[Path, MaskValues]
) -> None:
    """Refuse masks with values that result from smooth scaling, anti-aliasing or JPEG compression."""
    by_color = any(mask.by_color for mask in masks.values())
    if not (mixed := find_mixed_values(counts, between_neighbors, by_color=by_color)):
        return
    fraction = sum(counts[value] for value in mixed) / counts.total()
    share = f"{fraction:.1%}" if fraction >= 0.001 else "less than 0.1%"
    first, mask = next((file, mask) for file, mask in masks.items() if mask.values & mixed)
    between, levels = (
        list_values(values, by_color=by_color)
        for values in (sorted(mask.values & mixed), (value for value, _ in counts.most_common() if value not in mixed))
    )
    remedy = "declare them with their colors in classes.json" if by_color else "number the classes 0, 1, 2, …"
    raise SeamlineError(
        f"{root}: {share} of the pixels of masks are mixtures of {list_first(levels)}, such as "
        f"{list_first(between, 3)} in {first.name}, as smooth scaling and JPEG compression make them; set each pixel "
        f"to the nearest of {list_first(levels)}, or, if the mixtures are classes, {remedy}"
    )


def _refuse_many(values: set[int], by_color: bool, path: Path) -> None:
    """Refuse masks with far more values than classes."""
    if len(values) > _MAX_MASK_CLASSES:
        raise SeamlineError(
            f"{path}: masks contain more than {_MAX_MASK_CLASSES} different {'colors' if by_color else 'values'}, but "
            "need one per class; save masks as PNG, scaled to the nearest pixel, or declare the classes"
        )


def _classes_of_legend(
    legend: MaskLegend, values: set[int], by_color: bool, first_with: Callable[[int], Path]
) -> Classes:
    """Return the classes of a layout that defines the values of its masks."""
    entries = legend.classes
    if by_color and not legend.by_color:
        entries = tuple(replace(entry, value=color_code(entry.color)) for entry in entries if entry.color)
    if legend.by_color and not by_color:
        entries = tuple(replace(entry, value=number) for number, entry in enumerate(entries))
        legend = replace(legend, ignored=(IGNORE_INDEX,), source=f"the order of {legend.source}")
    if len(entries) < len(legend.classes):
        found, defined = ("colors", "numbers") if by_color else ("numbers", "colors")
        raise SeamlineError(
            f"{first_with(min(values))}: contains {found}, but {legend.source} defines {defined}; export {defined}"
        )
    known = {entry.value for entry in entries}
    if unknown := sorted(values - known - {*legend.ignored}):
        shown = list_values(unknown, by_color=by_color)
        raise SeamlineError(
            f"{first_with(unknown[0])}: contains {list_first(shown)}, which {legend.source} does not define; "
            "correct the mask, or the definition"
        )
    if not values & known:
        raise SeamlineError(
            f"{first_with(min(values))}: contains none of the classes of {legend.source}; correct the masks, or name "
            "the classes in classes.txt"
        )
    return Classes(
        tuple(entry.name for entry in entries),
        tuple(entry.value for entry in entries),
        complete_palette([entry.color for entry in entries]),
        by_color,
        tuple(sorted(values & {*legend.ignored})),
    )


def _classes_by_color(root: Path, codes: set[int], declared: Palette, first_with: Callable[[int], Path]) -> Classes:
    """Return classes for the colors (0xRRGGBB) in masks."""
    if not declared:
        ordered = sorted(codes)
        is_binary = ordered == [0, 0xFFFFFF]
        names = (BACKGROUND, "foreground") if is_binary else tuple(list_values(ordered, by_color=True))
        return Classes(names, tuple(ordered), tuple(code_color(code) for code in ordered), by_color=True)
    palette = {name: color for name, color in declared.items() if color is not None}
    if len(palette) < len(declared):
        raise SeamlineError(f"{root}: masks contain colors; give each class its color in classes.json")
    known = {color_code(color): color for color in palette.values()}
    if unknown := sorted(codes - set(known)):
        listed = list_first(list_values(unknown, by_color=True))
        raise SeamlineError(
            f"{root}: masks contain {len(unknown)} undeclared colors ({listed}), first in {first_with(unknown[0])}; "
            "declare them"
        )
    return Classes(tuple(palette), tuple(known), tuple(palette.values()), by_color=True)


def _classes_by_value(
    values: set[int],
    embedded: dict[int, Color],
    declared: Palette,
    first_with: Callable[[int], Path],
    *,
    has_ignored: bool,
) -> Classes:
    """Return classes for the numbers in masks, of which 255 may be ignored."""
    ordered = sorted(values - ({IGNORE_INDEX} if has_ignored else set()))
    is_binary = ordered == [0, IGNORE_INDEX]
    if declared:
        if ordered and ordered[-1] >= len(declared) and not (len(declared) == 2 and is_binary):
            raise SeamlineError(
                f"{first_with(ordered[-1])}: contains the value {ordered[-1]}, but the {len(declared)} declared "
                f"classes are 0..{len(declared) - 1}; correct the mask, or declare the missing class"
            )
        names = tuple(declared)
        ordered = ordered if is_binary else list(range(len(declared)))
    else:
        names = (BACKGROUND, "foreground") if is_binary else tuple(f"class {value}" for value in ordered)
    colors = [declared.get(name) or embedded.get(value) for name, value in zip(names, ordered, strict=True)]
    return Classes(names, tuple(ordered), complete_palette(colors), ignored=(IGNORE_INDEX,) if has_ignored else ())


def _has_ignored(values: set[int], declared: Palette, *, marked: bool) -> bool:
    """Return whether 255 is ignored.

    It is where there are two others, unless it is the last of evenly spaced gray levels, such as 0, 128, 255; with
    declared classes it always is, unless these are two and masks have no other value than 0 besides. Then it is where
    masks mark it; see `_marks_ignored`.
    """
    if IGNORE_INDEX not in values or len(declared) > IGNORE_INDEX:
        return False
    if declared:
        return marked or len(declared) > 2 or not values <= {0, IGNORE_INDEX}
    return len(values) > 2 and not _evenly_spaced(values)


def _marks_ignored(masks: Iterable[MaskValues], declared: Palette) -> bool:
    """Return whether masks show 1 in the second class's color and 255 in that of no class, as `encode_mask` does."""
    colors = [color for color in declared.values() if color is not None]
    if len(colors) < max(2, len(declared)):
        return False
    marked = [
        (mask.second, mask.palette.get(IGNORE_INDEX)) == (colors[1], ignored_color(colors))
        for mask in masks
        if IGNORE_INDEX in mask.values
    ]
    return bool(marked) and all(marked)


def _evenly_spaced(values: set[int]) -> bool:
    """Return whether values are evenly spaced gray levels from 0 to 255, up to rounding."""
    steps = len(values) - 1
    ideal = [number * IGNORE_INDEX / steps for number in range(steps + 1)]
    return all(abs(value - level) <= 1 for value, level in zip(sorted(values), ideal, strict=True))


def ignored_pixels(classes: Classes) -> tuple[UnusedData, ...]:
    """Return the entry of pixels in mask files that belong to no class, or none where there are none."""
    if not classes.ignored_pixels:
        return ()
    plural = "s" if len(classes.ignored) > 1 else ""
    return (
        UnusedData(
            kind="pixels",
            what=f"pixels of masks with the value{plural} {_list_ignored(classes)}",
            count=classes.ignored_pixels,
            fraction=classes.ignored_pixels / classes.pixels,
            reason="they belong to no class and count nowhere",
        ),
    )


def ignored_warning(classes: Classes, legend: MaskLegend | None) -> str:
    """Return a warning where many pixels are ignored and neither layout nor masks say so, or an empty string."""
    if (
        legend is not None
        or classes.marks_ignored
        or classes.ignored_pixels < _MIN_IGNORED * classes.pixels
        or not classes.ignored_pixels
    ):
        return ""
    return (
        f"{classes.ignored_pixels / classes.pixels:.1%} of the pixels of masks have the value "
        f"{_list_ignored(classes)} and count nowhere; if it is a class, give it the number after the last one"
    )


def _list_ignored(classes: Classes) -> str:
    """List the ignored values or colors."""
    return list_first(list_values(classes.ignored, by_color=classes.by_color))


def remap_mask(values: NDArray[Any], classes: Classes, name: str) -> NDArray[np.uint8]:
    """Convert the raw values (H, W) of a mask, as `mask_values` reads them, to class numbers and `IGNORE_INDEX`, uint8.

    Raises:
        SeamlineError: the mask, called `name`, contains a value of no class.
    """
    mask = np.full(values.shape, IGNORE_INDEX, np.uint8)
    unknown = ~np.isin(values, classes.ignored)
    for number, value in enumerate(classes.mask_values):
        pixels = values == value
        mask[pixels] = number
        unknown &= ~pixels
    if unknown.any():
        (shown,) = list_values([int(values[unknown][0])], by_color=classes.by_color)
        raise SeamlineError(f"{name}: contains {shown}, which is not a class; correct the mask, or declare it")
    return mask


def declared_classes(folder: Path) -> Palette:
    """Return the classes in `classes.txt` or `classes.json`, with the colors given there; empty without such a file."""
    files = [folder / name for name in CLASS_FILES if (folder / name).is_file()]
    if not files:
        return {}
    if len(files) > 1:
        raise SeamlineError(f"{folder}: has both {' and '.join(CLASS_FILES)}; keep one")
    file = files[0]
    text = read_text(file)
    try:
        if file.suffix == ".json":
            content = msgspec.convert(json.loads(text), dict[str, Color | str | None] | list[str])
        else:
            content = [line.strip() for line in text.splitlines()]
        if isinstance(content, list):
            content = dict.fromkeys(name for name in content if name)
        declared = {normalize(name): parse_color(color) for name, color in content.items()}
        "".join(declared).encode()
    except (ValueError, msgspec.ValidationError, OverflowError, RecursionError) as error:
        raise SeamlineError(
            f'{file}: is invalid ({error}); write one name per line, or JSON such as {{"wall": [200, 180, 150]}}'
        ) from None
    if not 2 <= len(declared) <= IGNORE_INDEX:
        raise SeamlineError(f"{file}: names {len(declared)} classes; name 2 to {IGNORE_INDEX}")
    return declared


def _quote(names: list[str]) -> str:
    """Return names with the verb that follows them."""
    listed = list_first(names)
    return f"the class {listed} is" if len(names) == 1 else f"the classes {listed} are"
