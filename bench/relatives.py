"""How well relatives are found, on made sets of which the relations are known, and how long the real sets take.

    SEAMLINE_DATA=... python bench/relatives.py [--json FILE]

Without `SEAMLINE_DATA` only the drawn facades are used. The made sets: drawn facades, of which the program knows the
buildings; and crops cut anew from one real photo of each group that was found, so that no two scenes are related but by
what this script does. Takes some minutes on two cores.
"""

import argparse
import os
import resource
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

import seamline
from seamline.data.files import write_json
from seamline.data.relatives import Relatives, find_relatives
from seamline.data.sources import drawn_facades

Images = list[NDArray[np.uint8]]


def main() -> None:
    """Measure, print a table, and write the figures where they are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, default=None, help="file for the figures")
    options = parser.parse_args()
    figures = measure(Path(os.environ["SEAMLINE_DATA"]) if os.environ.get("SEAMLINE_DATA") else None)
    print(table(figures))
    if options.json is not None:
        write_json(options.json, figures)


def measure(data: Path | None) -> dict[str, dict[str, Any]]:
    """Return the figures of each set: of made sets precision and recall of the pairs, of all the seconds."""
    images, _, groups = drawn_facades.draw(300, seed=11)
    figures = {"drawn facades": scored(list(images), groups)}
    if data is None:
        return figures
    facades = read_facades(data)
    found, figures["mini facades"] = timed(facades)
    _, firsts = np.unique(found.groups, return_index=True)
    scenes = [facades[k] for k in np.sort(firsts)]
    for name, change in (("crops of real photos", (0.8, 1.25, 95)), ("crops, hard", (0.62, 1.6, 75))):
        figures[name] = scored(*new_crops(scenes, *change))
    garments = seamline.load("fashion-mnist", data / "fashion-mnist")
    _, figures["garments"] = timed([*garments.train.images, *garments.test.images])
    return figures


def read_facades(data: Path) -> Images:
    files = [file for part in ("train", "test_dev") for file in sorted((data / "facades" / part).glob("*.jpg"))]
    return [np.array(Image.open(file).convert("RGB")) for file in files]


def new_crops(scenes: Images, least: float, most: float, quality: int) -> tuple[Images, NDArray[np.int64]]:
    """Cut three crops out of each photo, at another scale, a little brighter or darker, and encoded anew.

    Any two crops of a photo overlap by 35 % of the smaller one or more.
    """
    chance = np.random.default_rng(5)
    images: Images = []
    for scene in scenes:
        height, width = scene.shape[:2]
        for _ in range(3):
            high, wide = (int(side * 0.72) for side in (height, width))
            top, left = int(chance.integers(height - high + 1)), int(chance.integers(width - wide + 1))
            scale = float(np.exp(chance.uniform(np.log(least), np.log(most))))
            size = (round(wide * scale), round(high * scale))
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            cut = cv2.resize(scene[top : top + high, left : left + wide], size, interpolation=method)
            light = cut.astype(np.float32) * chance.uniform(0.88, 1.12) + chance.uniform(-8, 8)
            coded = cv2.imencode(".jpg", light.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
            images.append(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), dtype=np.uint8))
    return images, np.repeat(np.arange(len(scenes)), 3)


def timed(images: Images) -> tuple[Relatives, dict[str, Any]]:
    start = time.perf_counter()
    found = find_relatives(images)
    seconds = time.perf_counter() - start
    sizes = np.bincount(found.groups)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return found, {
        "images": len(images),
        "groups": len(sizes),
        "related": int((sizes * (sizes - 1) // 2).sum()),
        "seconds": seconds,
        "peak_gib": peak,
    }


def scored(images: Images, truth: NDArray[np.int64]) -> dict[str, Any]:
    found, figures = timed(images)
    named = pairs_in(found.groups)
    right = pairs_in(found.groups * (int(truth.max()) + 1) + truth)
    real = pairs_in(truth)
    return figures | {"precision": right / named if named else None, "recall": right / real}


def pairs_in(groups: NDArray[np.int64]) -> int:
    """Count the pairs of images within one group."""
    sizes = np.unique(groups, return_counts=True)[1]
    return int((sizes * (sizes - 1) // 2).sum())


def table(figures: dict[str, dict[str, Any]]) -> str:
    rows = ["| set | images | groups | related pairs | precision | recall | seconds | GiB so far |"]
    rows.append("| --- |" + " --- |" * 7)
    for name, figure in figures.items():
        shares = [
            f"{100 * figure[key]:.1f} %" if figure.get(key) is not None else "" for key in ("precision", "recall")
        ]
        counts = [f"{figure[key]:,}" for key in ("images", "groups", "related")]
        rows.append(f"| {name} | {' | '.join(counts + shares)} | {figure['seconds']:.0f} | {figure['peak_gib']:.1f} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
