"""Precision and recall of near-duplicate detection on datasets with known groups, and its time on real datasets.

    SEAMLINE_DATA=... python bench/near_duplicates.py

Without `SEAMLINE_DATA` only synthetic facades are used, whose generator knows the buildings. Otherwise crops of one
facade photo of each detected group are added. Takes a few minutes on two cores. Writes
docs/measurements/near-duplicates.md.
"""

import os
import resource
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

import seamline
from results_store import write_page, write_results
from seamline.data.near_duplicates import DuplicateGroups, find_near_duplicates
from seamline.models.devices import describe_machine
from seamline.synthetic import facades

Images = list[NDArray[np.uint8]]


def main() -> None:
    """Measure, print a table and write the page."""
    data = Path(os.environ["SEAMLINE_DATA"]) if os.environ.get("SEAMLINE_DATA") else None
    results: dict[str, Any] = {
        "machine": describe_machine(torch.device("cpu")),
        "opencv": cv2.__version__,
        "sets": measure(data),
    }
    write_results("near-duplicates", results)
    write_page("near-duplicates", page(results))
    print(table(results["sets"]))


def page(results: dict[str, Any]) -> str:
    """Write the page: what was measured, and on what."""
    parts = [
        "# Near-duplicate detection accuracy",
        f"{results['machine']}; OpenCV {results['opencv']}. `python bench/near_duplicates.py` with `SEAMLINE_DATA` set writes "
        "this page. Precision is the fraction of the pairs put into one group that belong together, recall the fraction "
        "of the pairs that belong together and were put into one group; 95 % intervals by resampling scenes.",
        table(results["sets"]),
        "*Synthetic facades*: 300 street images; the generator knows which show the same building. *Crops of photos*: "
        "three crops of one facade photo of each detected group, overlapping by at least 35 %, scaled by 0.8 to 1.25, "
        "with changed brightness and JPEG quality 95; *hard*: scaled by 0.62 to 1.6, JPEG quality 75. Two photos of one "
        "building that were not grouped in the first search count as two scenes here, so grouping their crops counts as "
        "an error: precision is at least the value in the table. For facades and Fashion-MNIST the truth is not known; "
        "the table shows the number of groups and the time.",
    ]
    return "\n\n".join(parts) + "\n"


def measure(data: Path | None) -> dict[str, dict[str, Any]]:
    """Return the figures of each set: of made sets precision and recall of the pairs, of all the seconds."""
    images, _, groups = facades.generate(300, seed=11)
    figures = {"synthetic facades": scored(list(images), groups)}
    if data is None:
        return figures
    photos = read_facades(data)
    found, figures["facades"] = timed(photos)
    _, firsts = np.unique(found.groups, return_index=True)
    scenes = [photos[k] for k in np.sort(firsts)]
    for name, change in (("crops of photos", (0.8, 1.25, 95)), ("crops, hard", (0.62, 1.6, 75))):
        figures[name] = scored(*new_crops(scenes, *change))
    garments = seamline.load("fashion-mnist", data / "fashion-mnist")
    _, figures["Fashion-MNIST"] = timed([*garments.train.images, *garments.test.images])
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


def timed(images: Images) -> tuple[DuplicateGroups, dict[str, Any]]:
    start = time.perf_counter()
    found = find_near_duplicates(images)
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
    """Add precision and recall of the pairs, each with an interval by resampling the true scenes."""
    found, figures = timed(images)
    same_group = found.groups[:, None] == found.groups
    same_scene = truth[:, None] == truth
    np.fill_diagonal(same_group, False)
    np.fill_diagonal(same_scene, False)
    scenes = np.arange(int(truth.max()) + 1)
    right, named, real = (  # pairs counted at the scene of either image, so that each is counted twice
        np.bincount(truth, pairs.sum(1), len(scenes)) for pairs in (same_group & same_scene, same_group, same_scene)
    )
    weights = np.random.default_rng(0).multinomial(len(scenes), np.full(len(scenes), 1 / len(scenes)), 2000)
    return figures | {
        name: {
            "value": float(right.sum() / of.sum()),
            "within": np.quantile((weights @ right) / (weights @ of), (0.025, 0.975)).tolist(),
        }
        for name, of in (("precision", named), ("recall", real))
    }


def table(figures: dict[str, dict[str, Any]]) -> str:
    rows = [
        "| dataset | images | groups | duplicate pairs | precision | recall | time (s) | peak memory so far (GiB) |"
    ]
    rows.append("| --- |" + " --- |" * 7)
    for name, figure in figures.items():
        shares = [
            f"{100 * one['value']:.1f} % ({100 * one['within'][0]:.1f}–{100 * one['within'][1]:.1f})" if one else ""
            for one in (figure.get("precision"), figure.get("recall"))
        ]
        counts = [f"{figure[key]:,}" for key in ("images", "groups", "related")]
        rows.append(f"| {name} | {' | '.join(counts + shares)} | {figure['seconds']:.0f} | {figure['peak_gib']:.1f} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
