"""Training images with their labels, and what augmentation makes of them."""

from collections.abc import Mapping
from typing import Any

from seamline.evaluation.text import count, join_and, pluralize
from seamline.report.images import SIDE, mask_uri, photo_uri, sprite_uri
from seamline.report.panel import Content
from seamline.report.run_data import RunData, TrainingSheets, tile_box

AUGMENTATIONS = {
    "hflip": "mirrored left to right in every second epoch",
    "translate": "moved by up to {value} pixels",
    "scale_jitter": "scaled by a factor of up to {factor}",
    "aspect_jitter": "stretched by a factor of up to {factor}",
    "perspective": "seen in perspective",
    "color_jitter": "changed in brightness, contrast, saturation and tint",
    "gamma_jitter": "brightened or darkened by a gamma of up to {factor}",
    "crop": "cut to {value} x {value} pixels",
    "train_scale": "reduced to {percent} of their size",
    "cutmix": "in {percent} of the cases continued as another image from some column on",
    "erase": "in {percent} of the cases covered in part by a rectangle",
}
"""Field of the configuration -> what it does to images."""

_OFF = {"train_scale": 1.0}
"""Values other than 0 that change nothing."""


def build(run: RunData) -> Content | None:
    """Show a sample of the training images; None where an older version wrote the run."""
    images = run.training_images
    if images is None:
        return None
    has_masks, sheets = run.info.task == "segmentation", run.training_sheets
    values: dict[str, Any] = {"lead": _lead(run, len(images.images)), "classes": run.classes}
    pictures = _pictures if has_masks else _sprite
    values["sample"] = pictures(sheets[False], images.tile, images.columns, len(images.images), run)
    values["names"] = [one.name for one in images.images]
    values["groups"] = {} if has_masks else _by_class(run)
    if augmented := images.augmented:
        number = len(augmented.images) * len(augmented.epochs)
        values["augmented"] = pictures(sheets[True], augmented.tile, len(augmented.epochs), number, run)
        values["rows"], values["epochs"] = augmented.images, augmented.epochs
        values["augmentation"] = _augmentation(run, len(augmented.images), augmented.epochs[-1])
    return Content(values)


def _lead(run: RunData, number: int) -> str:
    """State which images are shown."""
    dataset = run.info.dataset
    which = f"{count(number)} of the {pluralize(dataset.train, 'training image')}, chosen at random"
    return f"{which}, each above its mask." if run.info.task == "segmentation" else f"{which}, by class."


def _by_class(run: RunData) -> dict[str, list[int]]:
    """Return the positions of the images of each class that is shown."""
    groups: dict[str, list[int]] = {}
    for position, one in enumerate(run.training_images.images if run.training_images else ()):
        groups.setdefault(run.classes[one.label or 0], []).append(position)
    return groups


def _augmentation(run: RunData, number: int, last: int) -> str:
    """State what augmentation does, and which of the shown epochs are part of the training."""
    changes = _changes(run.info.config)
    trained = len(run.history)
    ended = f" Training ended in epoch {trained}; the later ones show how it would go on." if trained < last else ""
    return f"{count(number)} of these images, as epochs 1 to {last} augment them: {join_and(changes)}.{ended}"


def _changes(config: Mapping[str, Any]) -> list[str]:
    """Say what each augmentation of a configuration does to the images."""
    return [
        text.format(value=value, factor=f"{1 + value:g}", percent=f"{100 * value:g}\u00a0%")
        for field, text in AUGMENTATIONS.items()
        if (value := config.get(field, 0)) and value != _OFF.get(field)
    ]


def _sprite(sheets: TrainingSheets, tile: tuple[int, int], columns: int, number: int, run: RunData) -> dict[str, Any]:
    """Return images of a classifier as one picture."""
    height, width = tile
    scale: float = SIDE // max(tile) or SIDE / max(tile)
    rows = -(-number // columns)
    picture = sheets.photos.crop((0, 0, min(columns, number) * width, rows * height))
    return {
        "uri": sprite_uri(picture), "columns": min(columns, number), "rows": rows,
        "width": round(scale * width, 2), "height": round(scale * height, 2),
    }  # fmt: skip


def _pictures(
    sheets: TrainingSheets, tile: tuple[int, int], columns: int, number: int, run: RunData
) -> list[dict[str, Any]]:
    """Return images of a segmenter, each with its mask."""
    pictures = []
    for index in range(number):
        left, top, right, bottom = box = tile_box(tile, columns, index)
        picture = {"photo": photo_uri(sheets.photos.crop(box), max(tile)), "width": tile[1], "height": tile[0]}
        if sheets.masks is not None:
            picture["mask"] = mask_uri(sheets.masks[top:bottom, left:right], run.palette)
        pictures.append(picture)
    return pictures
