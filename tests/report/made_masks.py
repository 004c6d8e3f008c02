"""The run folder of a segmenter as the other stages write it, made from made-up masks and what was made of them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from report.made_run import calibrated, described, history, made_scores, share
from seamline.io import write_json, write_text

CLASSES = ("other", "facade", "pillar", "window", "balcony")
COLOURS = ((0, 0, 0), (0, 128, 255), (128, 255, 128), (255, 128, 0), (255, 0, 0))
Triple = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]


def make_mask_run(
    folder: Path,
    *,
    classes: Sequence[str] = CLASSES,
    colours: Sequence[Sequence[int]] = COLOURS,
    name: str = "facades",
    title: str = "Made-up facades",
    images: int = 12,
    triples: Sequence[Triple] | None = None,
    photo: bool = True,
    notice: str | None = None,
) -> Path:
    """Write a whole finished run; `triples` are photos, truths and outputs to show instead of drawn ones."""
    chance = np.random.default_rng(3)
    folder.mkdir(parents=True, exist_ok=True)
    shown = list(triples) if triples else [drawn(chance, len(classes)) for _ in range(images)]
    scores: dict[str, Any] = {
        "train": {"images": 90, "accuracy": share(0.87, 4000), "loss": 0.4, "mean_iou": share(0.6, 4000)},
        "definitions": {"ap": "area under the curve of precision over recall", "iou": "intersection over union"},
    }
    calibration: dict[str, Any] = {"temperature": {"value": 1.3, "low": 1.2, "high": 1.4}, "bins": 10}
    for split in ("val", "test"):
        scores[split] = write_mask_split(folder / "evaluation", split, shown, classes, colours)
        labels = np.arange(4000) % len(classes)
        calibration[split] = of_pixels(calibrated(labels, made_scores(chance, labels, len(classes))))
    write_json(folder / "scores.json", scores)
    write_json(folder / "calibration.json", calibration)
    run = described(classes, 10, notice=notice)
    run["dataset"] |= {"name": name, "title": title, "colours": [list(one) for one in colours], "train": 800, "val": 90}
    run["dataset"]["test"] = 114
    run["network"]["image"] = [256, 256, 3]
    run["split"] = made_split()
    write_json(folder / "run.json", run)
    write_text(folder / "history.jsonl", "".join(json.dumps(line) + "\n" for line in history(6)))
    panels = ("precision", "cases", "audit", "classes", "confusion", "training", "calibration")
    write_json(
        folder / "findings.json",
        [
            {"name": panel, "sentence": f"{classes[i % len(classes)]}: see {panel}, {7 * i} %.", "panel": panel}
            for i, panel in enumerate(panels)
        ],
    )
    if photo:
        write_predictions(folder / "photos", classes, colours, [shown[0]])
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def drawn(chance: np.random.Generator, classes: int, side: int = 64) -> Triple:
    """Draw a photo (side, side, 3), its truth and an output that is wrong in places; the last rows count nowhere."""
    truth = np.zeros((side, side), np.uint8)
    truth[side // 8 :, side // 8 : -side // 8] = 1
    for place in range(2, classes):
        top, left = chance.integers(side // 8, side - 16, 2)
        truth[top : top + 12, left : left + 10] = place
    photo = 60 + 30 * (truth[..., None] % 6) + chance.integers(0, 25, (side, side, 3))
    output = np.roll(truth, int(chance.integers(0, 5)), axis=1)
    output[-2:] = 0
    truth[-1:] = 255
    return photo.astype(np.uint8), truth, output


def write_mask_split(
    folder: Path, split: str, shown: Sequence[Triple], classes: Sequence[str], colours: Sequence[Sequence[int]]
) -> dict[str, Any]:
    """Write `evaluation/SPLIT.json` and the pictures of six cases; return the split's part of `scores.json`."""
    size = len(classes)
    confusions = [matrix_of(truth, output, size) for _, truth, output in shown]
    reached = [mean_iou(matrix) for matrix in confusions]
    order = sorted(range(len(shown)), key=lambda i: -reached[i])
    named = {i: f"{split}/image_{i:04d}" for i in order}
    ranking = [
        {"name": named[i], "group": i // 2, "accuracy": accuracy(confusions[i]), "mean_iou": reached[i]} for i in order
    ]
    middle = len(order) // 2
    places = {"best": (0, 1), "median": (middle - 1, middle), "worst": (len(order) - 2, len(order) - 1)}
    cases, files = [], folder / f"{split}-cases"
    files.mkdir(parents=True, exist_ok=True)
    for rank, of_rank in places.items():
        for place in of_rank:
            stem = f"{rank}-{place + 1}"
            photo, truth, output = shown[order[place]]
            Image.fromarray(photo).save(files / f"{stem}.jpg", quality=88)
            for kind, mask in (("truth", truth), ("output", output)):
                write_mask(files / f"{stem}.{kind}.png", mask, colours)
            case = {"rank": rank, "place": place + 1, **ranking[place]}
            case |= {"photo": f"{stem}.jpg", "truth": f"{stem}.truth.png", "output": f"{stem}.output.png"}
            cases.append(case)
    total = np.sum(confusions, axis=0)
    part = scored(total, len(shown), classes)
    write_json(
        folder / f"{split}.json",
        {
            "classes": list(classes),
            "confusion": total.tolist(),
            "curves": {"raw": curves(part, "ap"), "softmax": curves(part, "ap_softmax")},
            "errors": {
                "near": {"pixels": 3, "share": share(0.41, 900), "area": share(0.17, 900)},
                "parts": {
                    classes[2]: {
                        "regions": 31,
                        "top": share(0.31, 200),
                        "middle": share(0.52, 200),
                        "bottom": share(0.2, 200),
                    }
                },
            },
            "ranking": ranking,
            "cases": cases,
        },
    )
    return part


def write_mask(path: Path, mask: NDArray[np.uint8], colours: Sequence[Sequence[int]]) -> None:
    """Write a mask as a palette PNG."""
    picture = Image.fromarray(mask)
    picture.putpalette([part for colour in colours for part in colour] + [255] * (3 * (256 - len(colours))))
    picture.save(path)


def matrix_of(truth: NDArray[np.uint8], output: NDArray[np.uint8], size: int) -> NDArray[np.int64]:
    """Count pixels, row the truth, column the output."""
    counts = truth < size
    pairs = size * truth[counts].astype(np.int64) + output[counts]
    return np.bincount(pairs, minlength=size * size).reshape(size, size)


def accuracy(matrix: NDArray[np.int64]) -> float:
    return float(np.diagonal(matrix).sum() / matrix.sum())


def mean_iou(matrix: NDArray[np.int64]) -> float:
    both, either = np.diagonal(matrix), matrix.sum(0) + matrix.sum(1) - np.diagonal(matrix)
    return float((both[either > 0] / either[either > 0]).mean())


def scored(matrix: NDArray[np.int64], images: int, classes: Sequence[str]) -> dict[str, Any]:
    """A split's part of `scores.json`; average precisions are made up from the IoU."""
    rows, columns, hits = matrix.sum(1), matrix.sum(0), np.diagonal(matrix)
    per_class = {}
    for i, name in enumerate(classes):
        iou = hits[i] / max(rows[i] + columns[i] - hits[i], 1)
        per_class[name] = {
            "share": share(rows[i] / matrix.sum(), 800),
            "ap": share(iou**0.7, 400),
            "ap_softmax": share(iou**0.8, 400),
            "iou": share(iou, 400),
            "accuracy": share(hits[i] / max(rows[i], 1), 400),
            "precision": share(hits[i] / max(columns[i], 1), 400),
            "f1": share(2 * hits[i] / max(rows[i] + columns[i], 1), 400),
        }
    means = {
        whole: share(float(np.mean([one[key]["value"] for one in per_class.values()])), 1500)
        for whole, key in (("mean_ap", "ap"), ("mean_ap_softmax", "ap_softmax"), ("mean_iou", "iou"))
    }
    return {
        "images": images,
        "groups": images // 2,
        "pixels": int(matrix.sum()),
        "accuracy": share(accuracy(matrix), 1500),
        "loss": 0.55,
        "per_class": per_class,
        **means,
    }


def curves(part: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Curves whose area is about the average precision and that end at the class's share."""
    recall = np.linspace(0, 1, 101)
    made = {}
    for name, one in part["per_class"].items():
        area, base = one[key]["value"], one["share"]["value"]
        power = max((1 - base) / max(area - base, 0.02) - 1, 0.05)
        falling = base + (1 - base) * (1 - recall ** (1 / power))
        made[name] = {"recall": recall.round(4).tolist(), "precision": falling.round(4).tolist()}
    return made


def of_pixels(part: Mapping[str, Any]) -> dict[str, Any]:
    """Count pixels in the reliability rows where classifiers count images."""
    made = dict(part)
    for when in ("before", "after"):
        made[f"reliability_{when}"] = [
            {"pixels": 1800 * row["images"], **{key: row[key] for key in ("from", "to", "confidence", "accuracy")}}
            for row in part[f"reliability_{when}"]
        ]
    return made


def made_split() -> dict[str, Any]:
    """What `run.json` says of the split."""
    return {
        "fraction": 0.1,
        "seed": 0,
        "by": "groups",
        "groups": 412,
        "grouped_images": 780,
        "largest_group": 9,
        "left_out": [f"train/image_{i:04d}" for i in range(16)],
        "test_related": ["test/image_0001", "test/image_0007"],
        "test_groups": 88,
        "random": {"torn_groups": 63.4, "val_related": 0.81},
        "searched": True,
    }


def write_predictions(
    folder: Path, classes: Sequence[str], colours: Sequence[Sequence[int]], shown: Sequence[Triple]
) -> Path:
    """Write a folder of predictions on photos, one of which could not be read."""
    folder.mkdir(parents=True, exist_ok=True)
    photos = []
    for place, (photo, _, output) in enumerate(shown):
        stem = f"front-{place + 1}"
        Image.fromarray(photo).save(folder / f"{stem}.photo.jpg", quality=88)
        write_mask(folder / f"{stem}.mask.png", output, colours)
        counted = np.bincount(output.ravel(), minlength=len(classes)) / output.size
        photos.append(
            {
                "file": f"pictures/{stem}.jpg",
                "width": photo.shape[1],
                "height": photo.shape[0],
                "mask": f"{stem}.mask.png",
                "overlay": f"{stem}.overlay.png",
                "photo": f"{stem}.photo.jpg",
                "shares": {name: float(counted[i]) for i, name in enumerate(classes)},
            }
        )
    described_as = {"model": "runs/facades-fast", "dataset": "Made-up facades", "recipe_name": "fast"}
    failed = [{"file": "pictures/notes.txt", "reason": "is no image"}]
    write_json(
        folder / "predictions.json",
        described_as
        | {"classes": list(classes), "colours": [list(one) for one in colours], "photos": photos, "failed": failed},
    )
    return folder


def write_labels(folder: Path, classes: Sequence[str], labels: int = 2) -> Path:
    """Write a classifier's predictions, without pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    sure = np.linspace(0.9, 0.5, labels)
    photos = [
        {
            "file": f"item-{i}.png",
            "width": 28,
            "height": 28,
            "label": classes[i],
            "probability": float(sure[i]),
            "probabilities": {
                name: float(sure[i] if k == i else (1 - sure[i]) / (len(classes) - 1)) for k, name in enumerate(classes)
            },
        }
        for i in range(labels)
    ]
    described_as = {"model": "runs/garments-fast", "dataset": "Made-up garments", "recipe_name": "fast"}
    write_json(
        folder / "predictions.json",
        described_as | {"classes": list(classes), "colours": [], "photos": photos, "failed": []},
    )
    return folder
