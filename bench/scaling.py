"""How cost grows: training with the number of images, prediction with the size of a photo."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import seamline
from datasets import Images
from subprocess_runner import run

STEPS = {"garments": (7_500, 15_000, 30_000, 60_000), "facades": (100, 200, 400, 800)}
PHOTOS = {1: (1152, 864), 3: (2048, 1536), 12: (4032, 3024), 24: (6000, 4000), 48: (8064, 6048)}
"""Megapixels -> width and height, as cameras have them."""

ROUNDS = 3


def training(images: Images, folder: Path) -> list[dict[str, Any]]:
    """Return for 1, 2, 4 and 8 times the images `images`, `milliseconds` an image of each round, and `peak` bytes."""
    task = images.task
    counts = STEPS[task]
    file = images.write(folder / "growth.npz", count=counts[0])
    rows: list[dict[str, Any]] = [{"images": count, "milliseconds": [], "peak": 0} for count in counts]
    for _ in range(ROUNDS):
        for row in rows:
            cost = run("bench/scaling_train.py", task, file, "fast", row["images"], quiet=False)
            row["milliseconds"].append(1000 * cost.last["seconds"] / cost.last["images"])
            row["peak"], row["stored"] = max(row["peak"], cost.peak), cost.last["stored"]
    return rows


def photos(folder: Path) -> list[dict[str, Any]]:
    """Return for each size `megapixels`, `seconds` of each round of the whole command, and `peak` bytes, both twice.

    Once as the command does it by itself (`seen`: a photo is shown to the network no larger than the photos it learned
    from ask for) and once at the photo's own size (`own`: tile by tile).
    The network is that of `fast` for masks, trained for a few steps: what it says costs the same.
    """
    trained = seamline.train(
        "synthetic-facades", settings=("epochs=0.05",), out=folder / "run", force=True, teller=None
    )
    streets = seamline.load("synthetic-facades")
    rows: list[dict[str, Any]] = [
        {"megapixels": size, "way": way, "seconds": [], "peak": 0} for way in ("seen", "own") for size in PHOTOS
    ]
    for row in rows:
        photo = Image.fromarray(np.asarray(streets.test.images[0])).resize(PHOTOS[row["megapixels"]])
        photo.save(folder / f"{row['megapixels']}.jpg", quality=90)
    for _ in range(ROUNDS):
        for row in rows:
            words = ("-m", "seamline", "predict", trained, folder / f"{row['megapixels']}.jpg")
            cost = run(*words, "--out", folder / "masks", *(("--max-side", 0) if row["way"] == "own" else ()))
            row["seconds"].append(cost.seconds)
            row["peak"] = max(row["peak"], cost.peak)
        print(
            f"  photos  {[(row['megapixels'], row['way'], round(row['seconds'][-1], 2)) for row in rows]}", flush=True
        )
    return rows
