"""Which images look mislabelled: confident learning on answers of networks that did not learn from the image.

After Northcutt, Jiang and Chuang, Confident learning: estimating uncertainty in dataset labels, JAIR 70, 2021.
"""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.special import softmax

from seamline.data.dataset import Split
from seamline.data.preprocess import downscale
from seamline.measure.examples import LARGEST

SHOWN = 40
"""Images that the page shows, the surest first; the file names all."""


@dataclass(frozen=True)
class Suspect:
    """An image that looks mislabelled.

    Attributes:
        place: which image of the split.
        label: the class that it is labelled as.
        looks: the class that it looks like.
        probability: of the class that it looks like, 0..1.
        margin: by how much that is more than the label's, 0..1.
    """

    place: int
    label: int
    looks: int
    probability: float
    margin: float


def find_suspects(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> list[Suspect]:
    """Return the images that confidently look like another class than their label, the surest first.

    An image looks like class j where its probability of j is at least the mean probability of j among the images that
    are labelled j, and no other such class is more probable (equation 1 of the paper). Where that is not its label, it
    is a suspect; suspects are ranked by the margin between both probabilities.

    Args:
        scores: (N, K) of networks that did not learn from the image.
        labels: (N,) int64.
    """
    probabilities = softmax(scores.astype(np.float64), axis=1)
    classes = probabilities.shape[1]
    own = [probabilities[labels == place, place] for place in range(classes)]
    usual = np.array([of.mean() if len(of) else np.inf for of in own])
    confident = np.where(probabilities >= usual, probabilities, -1)
    looks = confident.argmax(1)
    found = [
        Suspect(
            int(place),
            int(labels[place]),
            int(looks[place]),
            float(probabilities[place, looks[place]]),
            float(probabilities[place, looks[place]] - probabilities[place, labels[place]]),
        )
        for place in np.flatnonzero((confident.max(1) >= 0) & (looks != labels))
    ]
    return sorted((one for one in found if one.margin > 0), key=lambda one: (-one.margin, one.place))


def describe_suspects(parts: dict[str, tuple[Split, NDArray[np.float32]]], folds: int) -> tuple[dict[str, Any], bytes]:
    """Return what `evaluation/mislabelled.json` holds, and the images it shows as one PNG, side by side.

    Args:
        parts: by name, a split and its (N, K) scores by networks that did not learn from it.
        folds: how many networks judged the images to learn from, 0 where they were not judged.
    """
    found = [
        (name, split, one) for name, (split, scores) in parts.items() for one in find_suspects(scores, split.labels)
    ]
    found.sort(key=lambda of: (-of[2].margin, of[0], of[2].place))
    images = [downscale(split.images[one.place], LARGEST) for _, split, one in found[:SHOWN]]
    described = {
        "judged": {name: len(split) for name, (split, _) in parts.items()},
        "folds": folds,
        "agree": sum(int((scores.argmax(1) == split.labels).sum()) for split, scores in parts.values()),
        "tile": list(images[0].shape[:2]) if images else [1, 1],
        "shown": len(images),
        "suspects": [
            {
                "name": split.names[one.place],
                "split": name,
                "label": one.label,
                "looks": one.looks,
                "probability": round(one.probability, 4),
                "margin": round(one.margin, 4),
            }
            for name, split, one in found
        ],
    }
    buffer = io.BytesIO()
    strip = np.concatenate(images, axis=1) if images else np.zeros((1, 1, 1), np.uint8)
    Image.fromarray(strip[..., 0] if strip.shape[2] == 1 else strip).save(buffer, "PNG", optimize=True)
    return described, buffer.getvalue()
