"""Scaling: training time by number of images, prediction time by image size."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import seamline
from datasets import Images
from subprocess_runner import run

IMAGE_COUNTS = {"garments": (7_500, 15_000, 30_000, 60_000), "facades": (100, 200, 400, 800)}
PHOTO_SIZES = {1: (1152, 864), 3: (2048, 1536), 12: (4032, 3024), 24: (6000, 4000), 48: (8064, 6048)}
"""Megapixels -> width and height of common cameras."""

ROUNDS = 3


def measure_training(images: Images, folder: Path) -> list[dict[str, Any]]:
    """Return `images`, `milliseconds` per image of each round and `peak` bytes, for 1, 2, 4 and 8 times the images."""
    task = images.task
    counts = IMAGE_COUNTS[task]
    file = images.write(folder / "scaling.npz", count=counts[0])
    rows: list[dict[str, Any]] = [{"images": count, "milliseconds": [], "peak": 0} for count in counts]
    for _ in range(ROUNDS):
        for row in rows:
            cost = run("bench/scaling_train.py", task, file, "fast", row["images"], quiet=False)
            row["milliseconds"].append(1000 * cost.last["seconds"] / cost.last["images"])
            row["peak"], row["image_bytes"] = max(row["peak"], cost.peak), cost.last["image_bytes"]
    return rows


def measure_prediction(folder: Path) -> list[dict[str, Any]]:
    """Return `megapixels`, `size`, `seconds` of each round of the whole command, and `peak` bytes of each photo size.

    `size` is `default` (photos are resized to at most 1.5 times the training images) or `full` (tile by tile). The
    model is the segmenter of preset `fast`, trained_run for a few steps: its accuracy does not change the time.
    """
    trained_run = seamline.train(
        "synthetic-facades", epochs=0.05, out=folder / "run", overwrite=True, progress=None
    ).path
    streets = seamline.load_dataset("synthetic-facades")
    rows: list[dict[str, Any]] = [
        {"megapixels": megapixels, "size": size, "seconds": [], "peak": 0}
        for size in ("default", "full")
        for megapixels in PHOTO_SIZES
    ]
    for row in rows:
        photo = Image.fromarray(np.asarray(streets.test.images[0])).resize(PHOTO_SIZES[row["megapixels"]])
        photo.save(folder / f"{row['megapixels']}.jpg", quality=90)
    for _ in range(ROUNDS):
        for row in rows:
            arguments = ("-m", "seamline", "predict", trained_run, folder / f"{row['megapixels']}.jpg")
            cost = run(*arguments, "--out", folder / "masks", *(("--max-side", 0) if row["size"] == "full" else ()))
            row["seconds"].append(cost.seconds)
            row["peak"] = max(row["peak"], cost.peak)
        print(
            f"  photos  {[(row['megapixels'], row['size'], round(row['seconds'][-1], 2)) for row in rows]}", flush=True
        )
    return rows
