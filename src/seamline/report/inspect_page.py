"""What `inspect` finds out about a dataset -> one page with its images."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from seamline.data import split_warnings
from seamline.data.validate import SPLIT_NAMES, ClassCount, DatasetReport, Inspection
from seamline.evaluation.text import count, join_and, pluralize
from seamline.report import inspect_plots
from seamline.report.formatting import percent
from seamline.report.page import render, write_page
from seamline.report.summary import KeyMetric
from seamline.report.svg import inline_svg
from seamline.report.thumbnails import Thumbnail, Thumbnails

SIDE = 112
"""Longer side in pixels of small pictures."""
PAIR_SIDE = 320
"""Longer side in pixels of the pictures of a pair."""
MAX_TILES = 180
"""Pictures of all classes together."""
CLASS_TILES = (3, 24)
"""Pictures of a class, at least and at most."""
MAX_CLASSES = 60
"""Classes whose images are shown."""
MAX_PAIRS = 16
"""Pairs across splits that are shown."""
MAX_GROUPS = 40
"""Groups of related images that are shown."""
GROUP_TILES = 6
"""Images that are shown of each."""
MAX_LISTED = 2_000
"""Groups and files that are listed by name."""
SPLITS = {"train": "training", **split_warnings.SPLITS}
"""Name of a split -> the same in sentences."""


def write_inspection_page(inspection: Inspection, path: Path, command: str = "") -> Path:
    """Write the page of an inspection.

    Args:
        inspection: the report and its images.
        path: the page to write.
        command: trains on the data; empty where these have no name.

    Returns:
        The path.

    Raises:
        SeamlineError: an image cannot be read, or the page cannot be written.
    """
    return write_page(path, render_inspection(inspection, command))


def render_inspection(inspection: Inspection, command: str = "") -> str:
    """Return the page of an inspection as HTML text."""
    report, thumbnails = inspection.report, Thumbnails.of(inspection)
    groups = () if report.duplicates is None else report.duplicates.groups
    return render(
        "inspection.html",
        title=_title(inspection),
        report=report,
        metrics=_key_metrics(inspection),
        problems=_problems(report),
        facts=_facts(report),
        sizes=_sizes(report),
        classes=_class_rows(report),
        splits=_splits(report.classes),
        counted="pixels" if report.task == "segmentation" else "images",
        mosaics=_mosaics(report, thumbnails),
        pairs=_pairs(report, thumbnails),
        groups=[(thumbnails.named(group[:GROUP_TILES], SIDE), len(group)) for group in groups[:MAX_GROUPS]],
        names=groups[:MAX_LISTED],
        split_titles=SPLITS,
        listed=MAX_LISTED,
        command=command,
        small=_is_small(inspection),
    )


def _title(inspection: Inspection) -> str:
    """Return the title of the dataset, or the name of the folder."""
    if inspection.data is not None:
        return inspection.data.title
    source = Path(inspection.report.source)
    return source.name or source.resolve().name


def _is_small(inspection: Inspection) -> bool:
    """Return whether images are so small that they are enlarged without blur."""
    return inspection.data is not None and max(inspection.data.train.images.shape[1:3]) < SIDE


def _key_metrics(inspection: Inspection) -> list[KeyMetric]:
    """Return the numbers of images, of classes and of related images."""
    report, metrics = inspection.report, []
    if inspection.data is not None:
        sizes = {name: len(split) for name, split in inspection.data.splits_by_name.items()}
        parts = [f"{count(sizes[name])} {SPLITS[name]}" for name in SPLIT_NAMES if name in sizes]
        metrics.append(
            KeyMetric("Images", count(sum(sizes.values())), "", "", join_and(parts) if len(parts) > 1 else "")
        )
        metrics.append(KeyMetric("Classes", count(len(report.classes)), "", "", f"for {report.task}"))
    elif report.duplicates is not None:
        metrics.append(KeyMetric("Images", count(report.duplicates.images), "", "", "without usable labels"))
    if (duplicates := report.duplicates) is not None:
        across = f"{pluralize(duplicates.leak_count, 'pair')} across splits" if duplicates.leak_count else ""
        related = sum(map(len, duplicates.groups))
        note = f"in {pluralize(len(duplicates.groups), 'group')}" if related else "each image is by itself"
        metrics.append(KeyMetric("Related images", count(related), note, "", across))
    return metrics


def _problems(report: DatasetReport) -> list[tuple[str, str, Sequence[str]]]:
    """Return what is wrong: a title, a kind for its color, and sentences."""
    sections = (
        ("Errors", "error", report.errors),
        ("Files that cannot be read", "error", report.unreadable),
        ("Warnings", "warning", report.warnings),
        ("Not used", "unused", [item.sentence for item in report.unused]),
    )
    return [(title, kind, lines) for title, kind, lines in sections if lines]


def _facts(report: DatasetReport) -> list[tuple[str, str]]:
    """Return facts that the page does not show otherwise."""
    facts = {"source": report.source, **report.facts}
    return [(name.capitalize(), fact) for name, fact in facts.items() if name not in ("images", "near-duplicates")]


def _sizes(report: DatasetReport) -> str:
    """Draw the sizes of images; empty where all have the same."""
    if len(report.sizes) < 2:
        return ""
    first = report.sizes[0]
    alt = f"Sizes of images, most often {first.width} x {first.height}: {report.facts.get('sizes', '')}."
    return inline_svg(partial(inspect_plots.image_sizes, sizes=report.sizes), "sizes", alt)


def _splits(classes: Sequence[ClassCount]) -> dict[str, int]:
    """Return the splits that have labels, and the number of labels of each."""
    totals = {name: sum(getattr(one, name) for one in classes) for name in SPLIT_NAMES}
    return {name: total for name, total in totals.items() if total}


def _class_rows(report: DatasetReport) -> list[dict[str, Any]]:
    """Return the counts of each class: of each split the number and the fraction."""
    splits = _splits(report.classes)
    first = next(iter(splits), "train")
    most = max((getattr(one, first) for one in report.classes), default=0)
    return [
        {
            "name": one.name,
            "cells": [
                (count(getattr(one, name)), percent(getattr(one, name) / total)) for name, total in splits.items()
            ],
            "bar": getattr(one, first) / most if most else 0.0,
        }
        for one in report.classes
    ]


def _mosaics(report: DatasetReport, thumbnails: Thumbnails) -> list[tuple[str, Sequence[Thumbnail]]]:
    """Return images of each of the first classes; of a folder without usable labels some of all."""
    if not report.classes:
        return [("All images", thumbnails.evenly_spaced(CLASS_TILES[1], SIDE))] if thumbnails.folder else []
    shown = report.classes[:MAX_CLASSES]
    least, most = CLASS_TILES
    tiles = min(most, max(least, MAX_TILES // max(1, len(shown))))
    mosaics = [(one.name, thumbnails.of_class(label, tiles, SIDE)) for label, one in enumerate(shown)]
    return [(name, pictures) for name, pictures in mosaics if pictures]


def _pairs(report: DatasetReport, thumbnails: Thumbnails) -> list[Sequence[Thumbnail]]:
    """Return the first pairs of related images in different splits, one of each group of them where there are many."""
    if report.duplicates is None:
        return []
    group_of = {name: index for index, group in enumerate(report.duplicates.groups) for name in group}
    first_of_group = {group_of[pair[0]]: pair for pair in reversed(report.duplicates.leaks)}
    ordered = [*dict.fromkeys((*sorted(first_of_group.values()), *report.duplicates.leaks))]
    return [thumbnails.named(pair, PAIR_SIDE) for pair in ordered[:MAX_PAIRS]]
