"""The model card: what a model is meant for and where its limits are known to lie, from its data and its figures."""

from dataclasses import dataclass

from seamline.data.split_warnings import SPLITS, optimism
from seamline.evaluation.text import PRINTED, capitalize_first, count, join_and, percent, pluralize, title_inside
from seamline.run_folder import Metrics, Novelty, RunInfo

MAX_CLASSES = 12
"""Classes that are listed; more are counted."""


@dataclass(frozen=True)
class ModelCard:
    """What a model is meant for, and its limits: sentences."""

    intended_use: tuple[str, ...]  # what it does, and for which images
    limits: tuple[str, ...]  # what it was not tested on, where it is weak, and what its figures do not say


def model_card(info: RunInfo, metrics: Metrics, novelty: Novelty | None = None) -> ModelCard:
    """Return the card of a finished run.

    Args:
        info: how it was trained.
        metrics: its metrics.
        novelty: how images unlike the training images are recognized; None where that is not known.

    Returns:
        The card; every number in it is one of the run folder.
    """
    limits = [
        *_tested(info, metrics),
        *_weakest(metrics),
        *_without_labels(info, metrics),
        *_merged(info),
        _probabilities(info, novelty),
    ]
    if info.task == "segmentation":
        limits.append("Fractions of classes are fractions of the photo: perspective is not corrected.")
    if info.dataset.warnings:
        limits.append(f"The report has {pluralize(len(info.dataset.warnings), 'warning')} about the data.")
    return ModelCard(intended_use(info), tuple(limits))


def intended_use(info: RunInfo) -> tuple[str, ...]:
    """Return what a model does, and for which images."""
    data, classes = info.dataset, info.dataset.classes
    height, width, channels = info.model.input_size
    listed = f": {join_and(classes)}" if len(classes) <= MAX_CLASSES else f", from {classes[0]} to {classes[-1]}"
    what = "each pixel of an image" if info.task == "segmentation" else "an image"
    color = "Gray" if channels == 1 else "Color"
    excluded = len(info.split.excluded_train)
    exclusion = f" {pluralize(excluded, 'image')} that duplicate others were excluded." if excluded > 1 else ""
    if excluded == 1:
        exclusion = " 1 image that duplicates another was excluded."
    return (
        f"The model assigns {what} to one of {pluralize(len(classes), 'class', 'classes')}{listed}.",
        f"It is meant for images like those of its data, {data.title}. {color} images of {width} × {height} pixels are "
        f"its input; it was trained on {count(data.train)} of them, and {pluralize(data.val, 'other')} "
        f"{'was' if data.val == 1 else 'were'} used for validation.{exclusion}",
    )


def _tested(info: RunInfo, metrics: Metrics) -> list[str]:
    """State what the metrics are of, and what nothing was measured on."""
    data = info.dataset
    if metrics.test is None:
        sentences = [
            f"There are no test images. The metrics are of {pluralize(metrics.val.images, 'validation image')}, which "
            "also determine the temperature."
        ]
    else:
        images, groups = metrics.test.images, metrics.test.groups
        related = f" in {pluralize(groups, 'group')} of related ones" if groups < images else ""
        sentences = [f"The metrics are of {pluralize(images, 'test image')}{related}, of the same data."]
    sentences[0] += " Images from elsewhere, such as of another camera, place or season, were not tested."
    synthetic = [part.title for part in data.parts if part.synthetic]
    if data.synthetic:
        of = f" of {join_and(synthetic)}" if 0 < len(synthetic) < len(data.parts) else ""
        sentences.append(f"The images{of} are drawn by a program: the metrics do not apply to real ones.")
    if sentence := optimism(info.split):
        sentences.append(f"{capitalize_first(sentence)}.")
    return sentences


def _weakest(metrics: Metrics) -> list[str]:
    """State the lowest value of a class."""
    held_out = metrics.held_out
    lowest = metrics.lowest_class(held_out)
    if lowest is None or len(held_out.per_class) < 2:
        return []
    key, name = lowest
    info, split = metrics.definitions[key], SPLITS[metrics.held_out_split]
    value = PRINTED[info.format][0](held_out.per_class[name][key])
    return [f"The lowest {title_inside(info.title)} of a class is that of {name}, {value} on {split} images."]


def _without_labels(info: RunInfo, metrics: Metrics) -> list[str]:
    """Name the classes without a label among the evaluated images."""
    held_out, split = metrics.held_out, SPLITS[metrics.held_out_split]
    missing = [name for name in info.dataset.classes if not held_out.support.get(name)]
    if not held_out.support or not missing:
        return []
    return [f"No {split} image has a label of {join_and(missing)}, so nothing was measured on {_them(missing)}."]


def _merged(info: RunInfo) -> list[str]:
    """State which classes some of several datasets do not tell apart."""
    return [
        f"{part.title} does not label {join_and(list(part.merged))} apart: {_them(list(part.merged))} "
        f"{'is' if len(part.merged) == 1 else 'are'} learned from the other images."
        for part in info.dataset.parts
        if part.merged
    ]


def _probabilities(info: RunInfo, novelty: Novelty | None) -> str:
    """State which images the probabilities are calibrated for, and what flags others."""
    sentence = (
        f"Its probabilities are calibrated on validation images, for images like those of {info.dataset.title} only"
    )
    if novelty is None:
        return f"{sentence}."
    if novelty.reference is None:
        return f"{sentence}; there are too few groups of images to recognize others."
    flagged = f", as are {percent(novelty.flagged)} of the test images" if novelty.flagged.present else ""
    return f"{sentence}. Images unlike the training images are flagged in predictions{flagged}."


def _them(names: list[str]) -> str:
    return "it" if len(names) == 1 else "them"
