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
from results_store import read_results, write_page, write_results
from seamline.data.near_duplicates import DuplicateGroups, find_near_duplicates
from seamline.evaluation.bootstrap import percentile_interval, ratio
from seamline.evaluation.confidence import widest, wilson
from seamline.models.devices import describe_machine
from seamline.synthetic import facades

Images = list[NDArray[np.uint8]]


def main() -> None:
    """Measure, print a table and write the page."""
    data = Path(os.environ["SEAMLINE_DATA"]) if os.environ.get("SEAMLINE_DATA") else None
    results: dict[str, Any] = read_results("near-duplicates") | {
        "machine": describe_machine(torch.device("cpu")),
        "opencv": cv2.__version__,
        "datasets": measure(data),
    }
    write_results("near-duplicates", results)
    write_page("near-duplicates", page(results))
    print(table(results["datasets"]))


def page(results: dict[str, Any]) -> str:
    """Return the text of the page."""
    parts = [
        "# Near-duplicate detection accuracy",
        f"{results['machine']}; OpenCV {results['opencv']}. `python bench/near_duplicates.py` with `SEAMLINE_DATA` set writes "
        "this page. A pair counts as detected if both images are in one group. Precision is the fraction of the detected "
        "pairs that show the same scene, recall the fraction of the pairs of the same scene that are detected; 95 % "
        "intervals by resampling scenes. Where no scene has an error, no resample has one either, so these intervals "
        "extend to the Wilson limit of the fraction of scenes without an error.",
        table(results["datasets"]),
        "*Synthetic facades*: 300 street images, of which the generator records the buildings. *Crops of photos*: "
        "three crops of one facade photo of each detected group, overlapping by at least 35 %, scaled by 0.8 to 1.25, "
        "with changed brightness and JPEG quality 95; *hard*: scaled by 0.62 to 1.6, JPEG quality 75. Two photos of one "
        "building that were not grouped in the first search count as two scenes here, so grouping their crops counts as "
        "an error: precision is at least the value in the table. For facades and Fashion-MNIST the true pairs are not "
        "known; the table shows the number of groups and the time.",
        *leakage_parts(results.get("accuracy")),
    ]
    return "\n\n".join(parts) + "\n"


def leakage_parts(results: dict[str, Any] | None) -> list[str]:
    """Return the paragraphs about the near-duplicates of Fashion-MNIST, which `near_duplicate_accuracy.py` measures."""
    if not results:
        return []
    rows = [
        "| correlation, at least | local difference, at most | test images with a near-duplicate in training | of these, of the same class | identical "
        "| classified correctly | accuracy without them | accuracy of all minus accuracy without them, points |",
        "| --- |" + " --- |" * 7,
    ]
    rows += [
        f"| {one['correlation']:g} | {one['local_diff']:g} | {one['test_images']:,} of {results['test']:,} | {one['same_class']:,} | "
        f"{one['identical']:,} | {percent_text(one['accuracy_of_them'])} | {percent_text(one['accuracy_without'])} | "
        f"{signed_points_text(one['difference'])} |"
        for one in results["thresholds"]
    ]
    return [
        "## Fashion-MNIST: training and test images",
        f"`python bench/near_duplicate_accuracy.py` with `SEAMLINE_DATA` set; {results['machine']}. Near-duplicates of the "
        f"{results['test']:,} test images among the {results['train']:,} training images, at the limits of the search (the "
        "correlation of fine detail, and the largest local difference in gray levels; first row) and at wider limits, and "
        "the accuracy of the pretrained model `garments` with and without them. Its accuracy on all test images is "
        f"{percent_text(results['accuracy'])}. It was trained on 54,000 of the training images, without grouping "
        "near-duplicates. 95 % intervals: Wilson; those of the difference are by resampling test images, widened for the "
        "same reason to include Newcombe's interval.",
        "\n".join(rows),
    ]


def percent_text(metric: dict[str, Any]) -> str:
    """Return a fraction and its interval as percentages."""
    low, high = metric["interval"]
    return f"{100 * metric['value']:.2f} % ({100 * low:.2f}–{100 * high:.2f})"


def signed_points_text(metric: dict[str, Any]) -> str:
    """Return a difference of fractions and its interval in points."""
    low, high = metric["interval"]
    return f"{100 * metric['value']:+.3f} ({100 * low:+.3f} to {100 * high:+.3f})".replace("-", "−")


def measure(data: Path | None) -> dict[str, dict[str, Any]]:
    """Return groups and time of each dataset, and precision and recall of the pairs if the groups are known."""
    images, _, groups = facades.generate(300, seed=11)
    metrics = {"synthetic facades": score(list(images), groups)}
    if data is None:
        return metrics
    photos = read_facades(data)
    duplicates, metrics["facades"] = search(photos)
    _, firsts = np.unique(duplicates.groups, return_index=True)
    scenes = [photos[k] for k in np.sort(firsts)]
    for name, change in (("crops of photos", (0.8, 1.25, 95)), ("crops, hard", (0.62, 1.6, 75))):
        metrics[name] = score(*cut_crops(scenes, *change))
    garments = seamline.load_dataset("fashion-mnist", data_dir=data / "fashion-mnist")
    _, metrics["Fashion-MNIST"] = search([*garments.train.images, *garments.test.images])
    return metrics


def read_facades(data: Path) -> Images:
    files = [file for part in ("train", "test_dev") for file in sorted((data / "facades" / part).glob("*.jpg"))]
    return [np.array(Image.open(file).convert("RGB")) for file in files]


def cut_crops(scenes: Images, min_scale: float, max_scale: float, quality: int) -> tuple[Images, NDArray[np.int64]]:
    """Cut three crops out of each photo, with changed scale and brightness, and encode them again.

    Any two crops of a photo overlap by at least 35 % of the smaller one.
    """
    rng = np.random.default_rng(5)
    images: Images = []
    for scene in scenes:
        height, width = scene.shape[:2]
        for _ in range(3):
            crop_height, crop_width = (int(side * 0.72) for side in (height, width))
            top, left = int(rng.integers(height - crop_height + 1)), int(rng.integers(width - crop_width + 1))
            scale = float(np.exp(rng.uniform(np.log(min_scale), np.log(max_scale))))
            size = (round(crop_width * scale), round(crop_height * scale))
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            cut = cv2.resize(scene[top : top + crop_height, left : left + crop_width], size, interpolation=method)
            light = cut.astype(np.float32) * rng.uniform(0.88, 1.12) + rng.uniform(-8, 8)
            coded = cv2.imencode(".jpg", light.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
            images.append(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), dtype=np.uint8))
    return images, np.repeat(np.arange(len(scenes)), 3)


def search(images: Images) -> tuple[DuplicateGroups, dict[str, Any]]:
    start = time.perf_counter()
    duplicates = find_near_duplicates(images)
    seconds = time.perf_counter() - start
    sizes = np.bincount(duplicates.groups)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return duplicates, {
        "images": len(images),
        "groups": len(sizes),
        "related": int((sizes * (sizes - 1) // 2).sum()),
        "seconds": seconds,
        "peak_gib": peak,
    }


def score(images: Images, truth: NDArray[np.int64]) -> dict[str, Any]:
    """Add precision and recall of the pairs, with intervals by resampling the scenes."""
    duplicates, metrics = search(images)
    same_group = duplicates.groups[:, None] == duplicates.groups
    same_scene = truth[:, None] == truth
    np.fill_diagonal(same_group, False)
    np.fill_diagonal(same_scene, False)
    scenes = np.arange(int(truth.max()) + 1)
    correct, predicted, actual = (  # each pair counts for the scenes of both images, so twice
        np.bincount(truth, pairs.sum(1), len(scenes)) for pairs in (same_group & same_scene, same_group, same_scene)
    )
    weights = np.random.default_rng(0).multinomial(len(scenes), np.full(len(scenes), 1 / len(scenes)), 2000)
    return metrics | {
        name: pair_fraction(correct, total, weights) for name, total in (("precision", predicted), ("recall", actual))
    }


def pair_fraction(correct: NDArray[Any], total: NDArray[Any], weights: NDArray[np.int64]) -> dict[str, Any]:
    """Return a fraction of pairs with its interval.

    Where no scene has an error, no resample has one either, whatever the number of scenes: the interval is then as wide
    as that of Wilson for the fraction of scenes without an error.

    Args:
        correct: (S,) number of correct pairs of each scene.
        total: (S,) number of all pairs of each scene.
        weights: (R, S) integer, how often each scene is in each resample.

    Returns:
        The fraction, its interval, the number of scenes with pairs and how many of these have no error.
    """
    with_pairs = total > 0
    faultless = int((correct == total)[with_pairs].sum())
    resampled = ratio(weights @ correct, weights @ total)
    percentile = percentile_interval(np.array([correct.sum() / total.sum(), *resampled]))
    scenes = int(with_pairs.sum())
    estimate = widest(percentile, wilson(scenes, scenes)) if faultless == scenes else percentile
    return {
        "value": estimate.value,
        "interval": [estimate.low, estimate.high],
        "scenes": scenes,
        "faultless_scenes": faultless,
    }


def table(metrics: dict[str, dict[str, Any]]) -> str:
    rows = [
        "| dataset | images | groups | duplicate pairs | precision | recall | time (s) | peak memory so far (GiB) |"
    ]
    rows.append("| --- |" + " --- |" * 7)
    for name, row in metrics.items():
        fractions = [
            f"{100 * metric['value']:.1f} % ({100 * metric['interval'][0]:.1f}–{100 * metric['interval'][1]:.1f})"
            if metric
            else ""
            for metric in (row.get("precision"), row.get("recall"))
        ]
        counts = [f"{row[key]:,}" for key in ("images", "groups", "related")]
        rows.append(f"| {name} | {' | '.join(counts + fractions)} | {row['seconds']:.0f} | {row['peak_gib']:.1f} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
