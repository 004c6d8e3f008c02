"""Predictions on photos that are not part of the dataset."""

from pathlib import Path
from typing import Any

from PIL import Image

from seamline.data.masks import downscale_mask
from seamline.evaluation.text import join_and, pluralize
from seamline.report.formatting import fractions_text, percent
from seamline.report.images import mask_uri, photo_uri
from seamline.report.panel import Content
from seamline.report.run_data import RunData, read_mask, read_picture
from seamline.run_folder import PhotoPrediction, PredictionRecord

SIDES = ((4, 1200), (12, 900), (40, 640))
"""Number of photos, at most -> pixels of the longer side of each, so that a page of many stays small."""

MIN_SIDE = 400

CONFIDENCE_SIDE = 512
"""Pixels of the longer side of a confidence map."""

MAX_BARS = 10
"""Classes whose probability is shown."""


def build(run: RunData) -> Content | None:
    """Show the photos in the run folder; None if there are none, or if they are of another model."""
    record = run.predictions
    if record is None or record.classes != run.classes or not (record.photos or record.errors):
        return None
    return predictions_content(record, run.folder.predictions_dir)


def predictions_content(record: PredictionRecord, folder: Path) -> Content:
    """Show each photo of a folder of predictions, and the photos that could not be read.

    Args:
        record: the predictions.
        folder: holds their masks and photos.

    Returns:
        The content of the panel.

    Raises:
        SeamlineError: a file is missing or damaged.
    """
    side = next((side for most, side in SIDES if len(record.photos) <= most), MIN_SIDE)
    values = {
        "photos": [
            {
                "prediction": one,
                "name": Path(one.file).name,
                "novelty": _novelty(one, record),
                "intervals": {
                    name: f"{100 * low:.1f}–{100 * high:.1f}" for name, (low, high) in one.class_intervals.items()
                },
                **_pictures(one, record, folder, side),
            }
            for one in record.photos
        ],
        "classes": record.classes,
        "errors": record.errors,
        "unused": [item.sentence for item in record.unused],
        "sentences": _all_photos(record),
        "most": MAX_BARS,
    }
    return Content(values)


def _pictures(one: PhotoPrediction, record: PredictionRecord, folder: Path, side: int) -> dict[str, Any]:
    """Read the photo, if there is a copy of it, and the mask of a segmenter, as data URIs."""
    photo = read_picture(folder / one.photo, color=True) if one.photo else None
    if one.mask is None:
        return {"photo": photo and photo_uri(photo, min(side, 480))}
    mask = downscale_mask(read_mask(folder / one.mask), side)
    height, width = mask.shape
    return {
        "photo": photo and photo_uri(photo.resize((width, height), Image.Resampling.LANCZOS), side),
        "mask": mask_uri(mask, record.palette),
        "confidence": one.confidence and _confidence(folder / one.confidence),
        "alt": fractions_text(one.class_fractions),
        "width": width,
        "height": height,
    }


def _confidence(file: Path) -> str:
    """Return a confidence map as a small picture, in a data URI."""
    return photo_uri(read_picture(file), CONFIDENCE_SIDE)


def _novelty(one: PhotoPrediction, record: PredictionRecord) -> str | None:
    """Say how unlike the training images a photo is; None where it is like them or the model cannot tell."""
    if one.novelty is None or one.novelty <= 1 or record.false_alarm_rate is None:
        return None
    return (
        f"Unlike the training images: {one.novelty:.1f} times as far from them as "
        f"{100 * (1 - record.false_alarm_rate):.0f}\u00a0% of such images are. Check this prediction before you use it."
    )


def _all_photos(record: PredictionRecord) -> list[str]:
    """State what intervals are, the largest mean fraction over all photos, and the classes that were not predicted."""
    if not record.photos:
        return ["No photo could be read."]
    sentences = []
    if record.interval_level is not None:
        sentences = [f"Below each fraction is its conformal {100 * record.interval_level:.0f}\u00a0% interval."]
    if record.task == "classification" or len(record.photos) == 1:
        return sentences
    means = {
        name: sum(one.class_fractions.get(name, 0.0) for one in record.photos) / len(record.photos)
        for name in record.classes
    }
    largest, absent = max(means, key=lambda name: means[name]), [name for name in record.classes if not means[name]]
    sentence = (
        f"Over all {pluralize(len(record.photos), 'photo')}, {largest} has the largest fraction of the pixels "
        f"({percent(means[largest])})"
    )
    are = "is" if len(absent) == 1 else "are"
    ending = f"; {join_and(absent)} {are} not predicted." if absent else "."
    return [*sentences, f"{sentence}{ending}"]
