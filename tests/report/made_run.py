"""A run folder as the other stages write it, made from made-up numbers that agree with each other."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.io import write_json, write_text

CLASSES = ("Top", "Coat", "Shirt", "Bag", "Boot", "Dress")
KINDS = ("top edge", "left edge", "vertical line", "blob", "mixed", "nearly uniform")
PER_CELL = 12


def make_run(
    folder: Path,
    *,
    classes: Sequence[str] = CLASSES,
    side: int = 12,
    channels: int = 1,
    images: int = 240,
    epochs: int = 6,
    notice: str | None = None,
) -> Path:
    """Write a whole finished run of `images` validation images and twice as many test images."""
    chance = np.random.default_rng(7)
    folder.mkdir(parents=True, exist_ok=True)
    scores: dict[str, Any] = {"train": {"images": 9 * images, "accuracy": share(0.95, 9 * images), "loss": 0.14}}
    calibration: dict[str, Any] = {"temperature": {"value": 1.65, "low": 1.5, "high": 1.8}, "bins": 10}
    for split, number in (("val", images), ("test", 2 * images)):
        labels = np.arange(number) % len(classes)
        answers = made_scores(chance, labels, len(classes))
        pictures = made_images(labels, side, channels)
        names = [f"{split}/{i:05d}" for i in range(number)]
        scores[split] = write_split(folder, split, pictures, labels, answers, names, classes)
        calibration[split] = calibrated(labels, answers)
    scores["definitions"] = {
        "accuracy of a class": "of the images of the class, the share labelled right",
        "f1 of a class": "harmonic mean of precision and recall",
    }
    write_json(folder / "scores.json", scores)
    write_json(folder / "calibration.json", calibration)
    write_json(folder / "run.json", described(classes, images, notice=notice))
    write_text(folder / "history.jsonl", "".join(json.dumps(line) + "\n" for line in history(epochs)))
    write_json(folder / "insides" / "kernels.json", kernels(chance, channels))
    write_json(folder / "insides" / "readouts.json", readouts(classes, images))
    write_json(folder / "findings.json", findings(classes))
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def share(value: float, images: int) -> dict[str, float | None]:
    """A share with an interval, good enough to look at."""
    if not images:
        return {"value": None, "low": None, "high": None}
    middle = (value * images + 2) / (images + 4)
    half = 1.96 * (middle * (1 - middle) / (images + 4)) ** 0.5
    low, high = max(middle - half, 0.0), min(middle + half, 1.0)
    return {"value": value, "low": min(low, value), "high": max(high, value)}


def made_scores(chance: np.random.Generator, labels: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    """Scores (N, K) that are mostly right; the third class is often taken for the first one."""
    scores = chance.normal(0, 1, (len(labels), classes))
    scores[np.arange(len(labels)), labels] += 3.2
    if classes > 2:
        scores[labels == 2, 0] += 2.2
    return scores.astype(np.float32)


def made_images(labels: NDArray[np.int64], side: int, channels: int) -> NDArray[np.uint8]:
    """Images (N, side, side, C) all different: a frame in the shade of the class around the number in bits."""
    number = len(labels)
    images = np.zeros((number, side, side, channels), np.uint8)
    shades = (60 + 20 * labels).astype(np.uint8)
    images[:, 0] = images[:, -1] = shades[:, None, None]
    images[:, :, 0] = images[:, :, -1] = shades[:, None, None]
    inner = images[:, 2:-2, 2:-2].reshape(number, -1, channels)
    bits = (np.arange(number)[:, None] >> np.arange(16)) & 1
    inner[:, :16] = (255 * bits)[..., None]
    images[:, 2:-2, 2:-2] = inner.reshape(number, side - 4, side - 4, channels)
    if channels == 3:
        images[..., 1] //= 2
    return images


def write_split(
    folder: Path,
    split: str,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    scores: NDArray[np.float32],
    names: Sequence[str],
    classes: Sequence[str],
    temperature: float = 0.33,
) -> dict[str, Any]:
    """Write `evaluation/SPLIT.*`; return the split's part of `scores.json`."""
    size = len(classes)
    probabilities = np.exp(scores / temperature)
    probabilities /= probabilities.sum(1, keepdims=True)
    predicted, confidence = probabilities.argmax(1), probabilities.max(1)
    confusion = np.bincount(size * labels + predicted, minlength=size * size).reshape(size, size)
    chosen: list[int] = []
    for true in range(size):
        for taken in range(size):
            cell = np.flatnonzero((labels == true) & (predicted == taken))
            chosen += cell[np.argsort(-confidence[cell], kind="stable")][:PER_CELL].tolist()
    columns = 16
    height, width, channels = images.shape[1:]
    sheet = np.zeros((-(-len(chosen) // columns) * height, columns * width, channels), np.uint8)
    for place, image in enumerate(chosen):
        top, left = place // columns * height, place % columns * width
        sheet[top : top + height, left : left + width] = images[image]
    evaluation = folder / "evaluation"
    evaluation.mkdir(exist_ok=True)
    Image.fromarray(sheet[..., 0] if channels == 1 else sheet).save(evaluation / f"{split}.png")
    examples = [
        {
            "name": names[i],
            "true": int(labels[i]),
            "predicted": int(predicted[i]),
            "confidence": float(confidence[i]),
        }
        for i in chosen
    ]
    write_json(
        evaluation / f"{split}.json",
        {
            "classes": list(classes),
            "confusion": confusion.tolist(),
            "tile": [height, width],
            "columns": columns,
            "examples": examples,
        },
    )
    rows, given, hits = confusion.sum(1), confusion.sum(0), np.diagonal(confusion)
    per_class = {
        name: {
            "images": int(rows[i]),
            "accuracy": share(hits[i] / max(rows[i], 1), int(rows[i])),
            "recall": share(hits[i] / max(rows[i], 1), int(rows[i])),
            "precision": share(hits[i] / max(given[i], 1), int(given[i])),
            "f1": share(2 * hits[i] / max(rows[i] + given[i], 1), int(rows[i] + given[i])),
        }
        for i, name in enumerate(classes)
    }
    accuracy = share(hits.sum() / len(labels), len(labels))
    return {"images": len(labels), "accuracy": accuracy, "loss": 0.277, "per_class": per_class}


def calibrated(
    labels: NDArray[np.int64], scores: NDArray[np.float32], before: float = 0.2, after: float = 0.33
) -> dict[str, Any]:
    """One split's part of `calibration.json`."""
    part: dict[str, Any] = {}
    for when, temperature in (("before", before), ("after", after)):
        probabilities = np.exp(scores / temperature)
        probabilities /= probabilities.sum(1, keepdims=True)
        confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
        bins = np.minimum((10 * confidence).astype(int), 9)
        table: list[dict[str, Any]] = [
            {
                "from": place / 10,
                "to": (place + 1) / 10,
                "images": int((bins == place).sum()),
                "confidence": float(confidence[bins == place].mean()),
                "accuracy": share(float(right[bins == place].mean()), int((bins == place).sum())),
            }
            for place in range(10)
            if (bins == place).any()
        ]
        gaps = [row["images"] * abs(row["confidence"] - row["accuracy"]["value"]) for row in table]
        part[f"reliability_{when}"] = table
        part[f"ece_{when}"] = {"value": sum(gaps) / len(labels), "low": 0.0, "high": 0.1}
        surer = float(confidence.mean() - right.mean())
        part[f"overconfidence_{when}"] = {"value": surer, "low": surer - 0.01, "high": surer + 0.01}
        nll = float(-np.log(probabilities[np.arange(len(labels)), labels]).mean())
        part[f"nll_{when}"] = {"value": nll, "low": 0.9 * nll, "high": 1.1 * nll}
    return part


def described(classes: Sequence[str], images: int, *, notice: str | None) -> dict[str, Any]:
    """What `run.json` holds."""
    return {
        "seamline": "0.1.0",
        "recipe_name": "fast",
        "recipe": {"network": "study", "epochs": 6, "learning_rate": 0.001, "flip": True, "class_weights": None},
        "dataset": {
            "name": "made-up",
            "title": "Made-up garments",
            "place": "made by a test",
            "drawn": False,
            "note": "Nobody's; free for all.",
            "fingerprint": "0123456789abcdef0123456789abcdef",
            "classes": list(classes),
            "train": 9 * images,
            "val": images,
            "test": 2 * images,
        },
        "split": {"fraction": 0.1, "seed": 0, "groups": 9 * images},
        "network": {"name": "study", "parameters": 93_322, "image": [12, 12, 1]},
        "seed": 0,
        "device": "cpu",
        "machine": "a machine with 2 cores",
        "threads": 2,
        "versions": {"python": "3.11.2", "torch": "2.7.0", "numpy": "2.1.0"},
        "command": "seamline train made-up --preset fast --seed 0 --out runs/made-up-fast",
        "notice": notice,
    }


def history(epochs: int) -> list[dict[str, Any]]:
    """The lines of `history.jsonl`: training falls all the way, validation turns at two thirds."""
    lines = []
    for epoch in range(1, epochs + 1):
        fall = 0.13 + 0.75 * np.exp(-3.2 * epoch / epochs)
        turn = 0.262 + 0.5 * np.exp(-6 * epoch / epochs) + 0.06 * max(0, epoch / epochs - 0.6)
        lines.append(
            {
                "epoch": epoch,
                "train_loss": round(fall, 4),
                "train_accuracy": round(0.995 - 0.36 * fall, 4),
                "val_loss": round(turn, 4),
                "val_accuracy": round(0.93 - 0.1 * (turn - 0.262) - 0.18 * np.exp(-5 * epoch / epochs), 4),
                "learning_rate": 0.001,
                "seconds": 2.5,
                "images": 2160,
            }
        )
    return lines


def kernels(chance: np.random.Generator, channels: int) -> dict[str, Any]:
    """What `insides/kernels.json` holds: a layer of 8 filters, and one of 20 on 20 channels."""
    layers = []
    for name, shape in (("layer 1", (8, channels, 5, 5)), ("layer 2", (20, 20, 5, 5))):
        number = shape[0] * shape[1]
        kinds = [str(kind) for kind in chance.choice(KINDS, number)]
        layers.append(
            {
                "name": name,
                "shape": list(shape),
                "weights": [round(float(weight), 5) for weight in chance.normal(0, 0.1, number * 25)],
                "kinds": kinds,
                "matches": [round(float(match), 3) for match in chance.random(number)],
                "shares": {
                    kind: {"count": kinds.count(kind), "share": share(kinds.count(kind) / number, number)}
                    for kind in KINDS
                    if kind in kinds
                },
            }
        )
    return {"rule": "The best match gives the name.", "threshold": 0.64, "chance_share": 0.05, "layers": layers}


def readouts(classes: Sequence[str], images: int) -> dict[str, Any]:
    """What `insides/readouts.json` holds."""
    each = images // len(classes)
    rows = [
        {
            "name": name,
            "numbers": numbers,
            "accuracy": share(value, images),
            "per_class": {label: share(max(value - 0.03 * i, 0.0), each) for i, label in enumerate(classes)},
        }
        for name, numbers, value in (
            ("pixels", 144, 0.55),
            ("layer 1", 1152, 0.71),
            ("layers 1 and 2", 1664, 0.82),
            ("whole network", 93_322, 0.9),
        )
    ]
    return {"rule": "A linear readout, fitted on the training images.", "readouts": rows}


def findings(classes: Sequence[str]) -> list[dict[str, Any]]:
    """What `findings.json` holds: seven findings."""
    panels = ("training", "confusion", "classes", "gallery", "kernels", "readouts", "calibration")
    return [
        {
            "name": f"finding_{i}",
            "sentence": f"{classes[i % len(classes)]} is worth a look under {panel}: {3 * i + 4} of 100 images.",
            "numbers": {"images": 3 * i + 4},
            "panel": panel,
        }
        for i, panel in enumerate(panels)
    ]
