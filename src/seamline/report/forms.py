"""What each JSON file of a run folder must hold, as far as the page uses it; see docs/architecture.md."""

from typing import Any

from seamline.data.shapes import (
    COLOUR,
    COUNT,
    FIGURE,
    MEASURED,
    NUMBER,
    OBJECT,
    SIDE,
    TEXT,
    TRUTH,
    Each,
    Maybe,
    OrNull,
    Shape,
)

_SPLIT = Maybe(
    {
        "fraction": Maybe(NUMBER),
        "seed": Maybe(NUMBER),
        "by": Maybe(TEXT),
        "given": Maybe(TRUTH),
        "groups": Maybe(COUNT),
        "grouped_images": Maybe(COUNT),
        "largest_group": Maybe(COUNT),
        "test_groups": Maybe(COUNT),
        "left_out": Maybe([TEXT]),
        "test_related": Maybe([TEXT]),
        "searched": Maybe(TRUTH),
        "random": Maybe({"torn_groups": Maybe(NUMBER), "val_related": Maybe(NUMBER)}),
    }
)

RUN: dict[str, Any] = {
    "recipe_name": TEXT,
    "recipe": OBJECT,
    "dataset": {
        "title": TEXT,
        "classes": [TEXT],
        "colours": Maybe([COLOUR]),
        "train": Maybe(COUNT),
        "val": Maybe(COUNT),
        "test": Maybe(COUNT),
        "odd": Maybe([TEXT]),
    },
    "network": {"name": Maybe(TEXT), "parameters": Maybe(COUNT), "image": Maybe([SIDE])},
    "split": _SPLIT,
    "versions": Maybe(OBJECT),
    "notice": Maybe(TEXT),
    "command": Maybe(TEXT),
}

EPOCH: dict[str, Any] = {
    "epoch": NUMBER,
    "train_loss": OrNull(MEASURED),
    "train_accuracy": OrNull(MEASURED),
    "val_loss": OrNull(MEASURED),
    "val_accuracy": OrNull(MEASURED),
    "learning_rate": Maybe(MEASURED),
    "seconds": Maybe(NUMBER),
}

_OF_CLASS = {
    "images": Maybe(COUNT),
    **dict.fromkeys(("accuracy", "precision", "recall", "f1", "share", "ap", "ap_softmax", "iou"), Maybe(FIGURE)),
}
_MEASURED = OrNull(
    {
        "images": Maybe(COUNT),
        **dict.fromkeys(("accuracy", "mean_ap", "mean_ap_softmax", "mean_iou"), Maybe(FIGURE)),
        "per_class": Maybe(Each(OrNull(_OF_CLASS))),
    }
)

SCORES: dict[str, Any] = {
    "train": Maybe({"accuracy": Maybe(FIGURE)}),
    "val": _MEASURED,
    "test": _MEASURED,
    "definitions": Maybe(Each(TEXT)),
}


def calibration(unit: str) -> Shape:
    """Return the form of `calibration.json`; `unit` is what is counted, `images` or `pixels`."""
    bins = [{"from": NUMBER, "to": NUMBER, unit: COUNT, "confidence": NUMBER, "accuracy": FIGURE}]
    figures = dict.fromkeys(("ece_before", "ece_after", "nll_before", "nll_after"), FIGURE)
    perhaps = dict.fromkeys(("overconfidence_before", "nll_gain"), Maybe(FIGURE))
    measured = Maybe({"reliability_before": bins, "reliability_after": bins, **figures, **perhaps})
    return {"temperature": FIGURE, "val": measured, "test": measured}


FINDINGS: Shape = [{"sentence": TEXT, "panel": TEXT}]

KERNELS: dict[str, Any] = {
    "rule": TEXT,
    "chance_share": Maybe(NUMBER),
    "layers": [
        {
            "name": TEXT,
            "shape": [SIDE],
            "weights": [NUMBER],
            "kinds": [TEXT],
            "matches": [NUMBER],
            "shares": Each({"count": COUNT, "share": FIGURE}),
        }
    ],
}

READOUTS: dict[str, Any] = {
    "rule": Maybe(TEXT),
    "readouts": [{"name": TEXT, "numbers": Maybe(COUNT), "accuracy": FIGURE, "per_class": Each(FIGURE)}],
}

ANSWERS: dict[str, Any] = {
    "confusion": [[COUNT]],
    "tile": [SIDE],
    "columns": SIDE,
    "examples": [{"name": TEXT, "true": COUNT, "predicted": COUNT, "confidence": NUMBER}],
}

MISLABELLED: dict[str, Any] = {
    "judged": Each(COUNT),
    "folds": COUNT,
    "agree": COUNT,
    "tile": [SIDE],
    "shown": COUNT,
    "suspects": [
        {"name": TEXT, "split": TEXT, "label": COUNT, "looks": COUNT, "probability": NUMBER, "margin": NUMBER}
    ],
}

_CURVES = Maybe(Each({"recall": [NUMBER], "precision": [NUMBER]}))

SEGMENTED: dict[str, Any] = {
    "confusion": [[COUNT]],
    "curves": Maybe({"raw": _CURVES, "softmax": _CURVES}),
    "errors": Maybe(
        {
            "near": Maybe({"pixels": COUNT, "share": Maybe(FIGURE), "area": Maybe(FIGURE)}),
            "parts": Maybe(Each({"regions": COUNT, **dict.fromkeys(("top", "middle", "bottom"), Maybe(FIGURE))})),
        }
    ),
    "ranking": Maybe([{"name": TEXT, "mean_iou": OrNull(NUMBER)}]),
    "cases": Maybe(
        [
            {
                "name": TEXT,
                "rank": TEXT,
                "place": COUNT,
                "accuracy": Maybe(NUMBER),
                "mean_iou": Maybe(NUMBER),
                "photo": TEXT,
                "truth": TEXT,
                "output": TEXT,
            }
        ]
    ),
}

_PHOTO = {"file": TEXT, "photo": Maybe(TEXT)}
PREDICTIONS: dict[str, Any] = {
    "classes": [TEXT],
    "colours": Maybe([COLOUR]),
    "photos": [OBJECT],
    "failed": Maybe([{"file": TEXT, "reason": TEXT}]),
}
LABELLED: dict[str, Any] = {**PREDICTIONS, "photos": [{**_PHOTO, "label": TEXT, "probabilities": Each(Maybe(NUMBER))}]}
MASKED: dict[str, Any] = {**PREDICTIONS, "photos": [{**_PHOTO, "mask": TEXT, "shares": Each(Maybe(NUMBER))}]}
"""`predictions.json`: what all have, that of a classifier, and that of a segmenter."""
