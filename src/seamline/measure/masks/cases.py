"""Images in the order of how well they went, and pictures of the best, the median and the worst."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from seamline.data.image_io import encode_jpeg
from seamline.data.masks import Color, downscale_mask, encode_mask
from seamline.measure.masks.evaluation import Tally
from seamline.measure.masks.metrics import iou
from seamline.measure.masks.resampling import ratio

OF_A_RANK = 2  # cases shown of the best, of the median and of the worst
LARGEST_SIDE = 512  # pixels; larger pictures are scaled down
_QUALITY = 88  # of JPEG


class Ranked(NamedTuple):
    """How well an image went.

    Attributes:
        image: its place in the split.
        accuracy: share of its pixels labelled right.
        mean_iou: mean intersection over union of the classes that it shows or is said to show.
    """

    image: int
    accuracy: float
    mean_iou: float


def rank_images(tally: Tally) -> list[Ranked]:
    """Return all images with a pixel that counts, best mean intersection over union first."""
    confusions = tally.confusions.astype(np.float64)
    per_class = iou(confusions)  # NaN where a class is neither there nor said to be
    present = ~np.isnan(per_class)
    mean_iou = ratio(np.where(present, per_class, 0).sum(1), present.sum(1).astype(np.float64))
    accuracy = ratio(np.trace(confusions, axis1=1, axis2=2), confusions.sum((1, 2)))
    order = np.argsort(-mean_iou, kind="stable")  # NaN, of images without a pixel that counts, comes last
    return [Ranked(int(i), float(accuracy[i]), float(mean_iou[i])) for i in order if not np.isnan(mean_iou[i])]


def choose_cases(count: int) -> list[tuple[str, int]]:
    """Choose which of `count` ranked images are shown: (rank, place from 0), none of them twice.

    The best and the worst come first where there are too few for all.
    """
    middle = (count - OF_A_RANK) // 2
    wanted = {
        "best": range(OF_A_RANK),
        "worst": range(count - 1, count - 1 - OF_A_RANK, -1),
        "median": range(middle, middle + OF_A_RANK),
    }
    taken: dict[int, str] = {}
    for rank, places in wanted.items():
        for place in places:
            if 0 <= place < count:
                taken.setdefault(place, rank)
    return [(rank, place) for place, rank in sorted(taken.items())]


def describe_cases(
    tally: Tally, ranking: list[Ranked], colours: Sequence[Color]
) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """Return what `evaluation/SPLIT.json` holds of the cases, and their pictures by file name.

    Args:
        tally: of the split.
        ranking: of its images.
        colours: K colours of the classes.
    """
    cases, files = [], {}
    numbers: dict[str, int] = {}
    for rank, place in choose_cases(len(ranking)):
        image, accuracy, mean_iou = ranking[place]
        numbers[rank] = numbers.get(rank, 0) + 1
        stem = f"{rank}-{numbers[rank]}"
        names = {"photo": f"{stem}.jpg", "truth": f"{stem}.truth.png", "output": f"{stem}.output.png"}
        pictures = tally.split.images[image], tally.split.labels[image].astype(np.uint8), tally.predicted[image]
        files[names["photo"]] = encode_jpeg(pictures[0], LARGEST_SIDE, _QUALITY)
        files[names["truth"]] = encode_mask(downscale_mask(pictures[1], LARGEST_SIDE), colours)
        files[names["output"]] = encode_mask(downscale_mask(pictures[2], LARGEST_SIDE), colours)
        name = tally.split.names[image]
        figures = {"accuracy": round(accuracy, 6), "mean_iou": round(mean_iou, 6)}
        cases.append({"name": name, "rank": rank, "place": place + 1, **figures, **names})
    return cases, files
