"""Measure how well fronts are measured: windows, storeys and window-to-wall ratios of street photos.

    SEAMLINE_DATA=... python bench/buildings.py [--model streets] [--val] [--test] [--fit] [--synthetic 500] [--speed]

`--val` and `--test` measure the photos of `streets` and `windows` as `seamline measure` does, and compare the fronts
with the annotations; the test photos are used once, when everything is chosen. `--fit` fits the intervals and
probabilities of counts on the validation photos, and writes `buildings.json` beside the model. `--synthetic` measures
synthetic fronts of known homography from their true labels, `--speed` the time of a photo of 12 megapixels by the
command line, and `--pictures` draws twelve photos of each dataset. Writes docs/measurements/buildings.md.

`bench/truth` holds what was counted and marked by eye before the program was run.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

import building_metrics as metrics
from building_scenes import TruePredictor, draw_front
from buildings_page import draw_pictures, page
from results_store import ROOT, read_results, write_page, write_results
from seamline.buildings.calibration import Counts, Scores, fit_calibration, wwr_score
from seamline.buildings.measurer import Measurer, PhotoOrigin
from seamline.buildings.options import MeasureOptions
from seamline.data.class_map.builtin import CLASS_MAPS
from seamline.data.image_folder.polygons import polygon_area
from seamline.data.image_folder.records import Polygon
from seamline.data.image_io import read_image
from seamline.data.sources.coco_sets import ANNOTATIONS, STREETS, read_split_list
from seamline.errors import SeamlineError
from seamline.evaluation.bootstrap import GroupBootstrap
from seamline.inference.predictor import find_model, load_model
from seamline.io import read_json
from seamline.models.devices import describe_machine
from seamline.run_folder import Front, RunFolder
from uncertainty import interval

TRUTH = ROOT / "bench" / "truth"
CLOSE = (0.05, 0.1)
"""Errors of a window-to-wall ratio up to which it counts as close."""

SPEED_SIZE, SPEED_RUNS = (4000, 3000), 3


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo with its truth."""

    dataset: str  # `streets` or `windows`
    name: str  # of its file, without suffix
    file: Path
    scene: int  # number of its scene, unique over both datasets
    truth: metrics.Truth


@dataclass(frozen=True, eq=False)
class Measured:
    """A photo and the fronts that were measured in it."""

    photo: Photo
    fronts: tuple[Front, ...]  # none where measuring it failed


def main() -> None:
    """Measure what is asked for, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="streets", help="a run or pretrained model")
    parser.add_argument("--val", action="store_true", help="measure the validation photos")
    parser.add_argument("--test", action="store_true", help="measure the test photos")
    parser.add_argument("--fit", action="store_true", help="fit the intervals on the validation photos")
    parser.add_argument("--pictures", action="store_true", help="draw photos of the split that is measured")
    parser.add_argument("--synthetic", type=int, default=0, metavar="COUNT", help="measure synthetic fronts")
    parser.add_argument("--speed", action="store_true", help="measure the time of a large photo")
    options = parser.parse_args()
    results = read_results("buildings") | {"machine": describe_machine(torch.device("cpu"))}
    splits = [name for name, wanted in (("val", options.val or options.fit), ("test", options.test)) if wanted]
    for split in splits:
        measurer = Measurer.of(load_model(options.model), MeasureOptions())
        measured = [measure(measurer, photo) for name in ("streets", "windows") for photo in load_photos(name, split)]
        results[split] = summarize(measured, split) | {"corners": measure_corners(measurer, measured)}
        if options.fit and split == "val":
            RunFolder(find_model(options.model)).building_calibration.write(fit(measured))
        if options.pictures:
            draw_pictures({name: pictures(measured, name) for name in ("streets", "windows")})
            results["pictures"] = split
    if options.synthetic:
        results["synthetic"] = measure_synthetic(options.synthetic)
    if options.speed:
        results["speed"] = measure_speed(options.model)
    write_results("buildings", results)
    write_page("buildings", page(results))


def load_photos(dataset: str, split: str) -> list[Photo]:
    """Return the photos of a split of `streets` or `windows`, by name."""
    folder = Path(os.environ["SEAMLINE_DATA"]) / dataset
    content = read_json(folder / ANNOTATIONS)
    labels = {one["id"]: one["name"] for one in content["categories"]}
    shapes: dict[int, list[tuple[str, Any]]] = {image["id"]: [] for image in content["images"]}
    for one in content["annotations"]:
        shapes[one["image_id"]].append((labels[one["category_id"]], one.get("segmentation") or one["bbox"]))
    assigned, photos = read_split_list(dataset), []
    for image in content["images"]:
        name = Path(image["file_name"]).stem
        if name in assigned and assigned[name].split == split:
            make_truth = street_truth if dataset == "streets" else window_truth
            truth = make_truth(name, shapes[image["id"]], (image["height"], image["width"]))
            scene = assigned[name].group + (0 if dataset == "streets" else 10_000)
            photos.append(Photo(dataset, name, folder / "images" / image["file_name"], scene, truth))
    return sorted(photos, key=lambda photo: photo.name)


def street_truth(name: str, shapes: Sequence[tuple[str, Any]], size: tuple[int, int]) -> metrics.Truth:
    """Return the truth of a photo of `streets` from its polygons; an outline with a wrong class is a facade."""
    polygons = [Polygon(label, tuple(zip(points[::2], points[1::2], strict=True))) for label, (points,) in shapes]
    if wrong := [one for one in polygons if one.label == STREETS.mislabeled.get(name)]:
        largest = max(wrong, key=polygon_area)
        polygons = [replace(one, label="facade") if one is largest else one for one in polygons]
    return metrics.truth_of_polygons(polygons, size)


def window_truth(name: str, shapes: Sequence[tuple[str, Any]], size: tuple[int, int]) -> metrics.Truth:
    """Return the truth of a photo of `windows` from its boxes."""
    boxes = [box for label, box in shapes if CLASS_MAPS["windows"].classes.get(label) == "window"]
    corners = [np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)], np.float64) for x, y, w, h in boxes]
    return metrics.truth_of_boxes(corners, size)


def measure(measurer: Measurer, photo: Photo) -> Measured:
    """Measure the fronts of a photo; there are none where it fails."""
    try:
        return Measured(photo, measurer(read_image(photo.file), PhotoOrigin(str(photo.file), photo.name)).fronts)
    except SeamlineError as error:
        print(error)
        return Measured(photo, ())


def summarize(measured: Sequence[Measured], split: str) -> dict[str, Any]:
    """Return all metrics of a split."""
    streets, windows = ([one for one in measured if one.photo.dataset == name] for name in ("streets", "windows"))
    return {
        "fronts": summarize_fronts(streets),
        "windows": {name: summarize_windows(of) for name, of in (("streets", streets), ("windows", windows))},
        "numbers": summarize_numbers(windows),
        "storeys": summarize_storeys(measured, split),
    }


def fractions(rows: Sequence[Sequence[float]], groups: Sequence[int], names: Sequence[str]) -> dict[str, Any]:
    """Return fractions with their intervals over scenes: of each photo, the parts of each name and then the whole."""
    if not rows:
        return {name: {"value": None, "low": None, "high": None} for name in names} | {"count": 0, "scenes": 0}
    table = np.array(rows, np.float64)
    bootstrap = GroupBootstrap(np.array(groups, np.int64))
    estimates = {name: bootstrap.fraction(table[:, k], table[:, -1]).estimate for k, name in enumerate(names)}
    parts = {
        name: {key: None if np.isnan(value) else value for key, value in interval(one).items()}
        for name, one in estimates.items()
    }
    return parts | {"count": int(table[:, -1].sum()), "scenes": len({*groups})}


def summarize_fronts(measured: Sequence[Measured]) -> dict[str, Any]:
    """Return how many true fronts are found, have a close ratio, and how often intervals cover the truth."""
    groups = [one.photo.scene for one in measured]
    results = [metrics.compare_fronts(one.fronts, one.photo.truth) for one in measured]
    rows = [
        (
            *(sum(front.error <= limit for front in of) for limit in CLOSE),
            sum(front.matched for front in of),
            sum(front.single_iou >= metrics.LEAST_IOU for front in of),
            len(of),
        )
        for of in results
    ]
    pairs = [[pair for front in of if front.matched for pair in front.pairs] for of in results]
    covered = [[bool(pair.covered) for pair in of if pair.covered is not None] for of in pairs]
    errors = [abs(pair.value - pair.truth) for of in pairs for pair in of]
    widths = [pair.high - pair.low for of in pairs for pair in of if pair.low is not None and pair.high is not None]
    return {
        **fractions(rows, groups, ("close", "near", "coverage", "single")),
        "intervals": fractions([(sum(of), len(of)) for of in covered], groups, ("covered",)),
        "width": float(np.mean(widths)) if widths else None,
        "median_error": float(np.median(errors)) if errors else None,
    }


def match_windows(one: Measured) -> tuple[int, int, int]:
    """Return numbers of right and of wrong windows, and of missed ones; boxes are of windows and shop windows."""
    truth, boxed = one.photo.truth, one.photo.dataset == "windows"
    openings = metrics.predicted_windows(one.fronts, shops=boxed)
    outlines = [np.array(opening.photo_outline, np.float64) for opening in openings]
    if not boxed:
        everything = np.zeros(len(truth.windows), np.bool_), np.zeros(len(outlines), np.bool_)
        return metrics.match_instances(metrics.polygon_ious(outlines, truth.windows), *everything)
    boxes, true_boxes = metrics.boxes_of(outlines), metrics.boxes_of(truth.windows)
    cut = (metrics.cut_off(of, truth.shape) for of in (true_boxes, boxes))
    return metrics.match_instances(metrics.box_ious(boxes, true_boxes), *cut)


def summarize_windows(measured: Sequence[Measured]) -> dict[str, Any]:
    """Return precision and recall of windows as instances."""
    groups = [one.photo.scene for one in measured]
    counts = [match_windows(one) for one in measured]
    precision = fractions([(right, right + wrong) for right, wrong, _ in counts], groups, ("precision",))
    recall = fractions([(right, right + missed) for right, _, missed in counts], groups, ("recall",))
    return precision | recall


def summarize_numbers(measured: Sequence[Measured]) -> dict[str, Any]:
    """Return in how many photos the number of windows that are not cut off is off by at most a tenth, or by one."""
    rows = []
    for one in measured:
        outlines = [np.array(of.photo_outline) for of in metrics.predicted_windows(one.fronts, shops=True)]
        counts = (
            int((~metrics.cut_off(metrics.boxes_of(of), one.photo.truth.shape)).sum())
            for of in (outlines, one.photo.truth.windows)
        )
        rows.append((metrics.is_close_count(*counts), 1))
    return fractions(rows, [one.photo.scene for one in measured], ("close",))


def counted_storeys(measured: Sequence[Measured], split: str) -> list[tuple[Measured, int, int | None]]:
    """Return the photos of a split whose storeys were counted, with the true and the measured number."""
    photos = {(one.photo.dataset, one.photo.name): one for one in measured}
    rows = []
    for row in read_json(TRUTH / "storeys.json")["photos"]:
        if row["split"] == split and (one := photos.get((row["set"], row["photo"]))):
            front = metrics.main_front(one.fronts, row["left"], row["right"], one.photo.truth.shape)
            rows.append((one, int(row["storeys"]), len(front.storeys) if front else None))
    return rows


def summarize_storeys(measured: Sequence[Measured], split: str) -> dict[str, Any]:
    """Return in how many photos the storeys of the main front are exact, and within one; none where there is none."""
    counted = counted_storeys(measured, split)
    rows = [(*storey_errors(predicted, truth), 1) for _, truth, predicted in counted]
    return fractions(rows, [one.photo.scene for one, _, _ in counted], ("exact", "within_one"))


def storey_errors(predicted: int | None, truth: int) -> tuple[bool, bool]:
    """Return whether a number of storeys is exact, and within one."""
    return predicted == truth, predicted is not None and abs(predicted - truth) <= 1


def measure_corners(measurer: Measurer, measured: Sequence[Measured]) -> dict[str, Any]:
    """Return how close the ratios of fronts are whose corners were marked by hand."""
    photos = {(one.photo.dataset, one.photo.name): one.photo for one in measured}
    rows, groups = [], []
    for row in read_json(TRUTH / "corners.json")["photos"]:
        if photo := photos.get((row["set"], row["photo"])):
            options = replace(measurer.options, corners=tuple((x, y) for x, y in row["corners"]))
            error = corner_error(measure(replace(measurer, options=options), photo), row["corners"])
            rows.append((*(error <= limit for limit in CLOSE), 1))
            groups.append(photo.scene)
    return fractions(rows, groups, ("close", "near"))


def corner_error(one: Measured, corners: Sequence[tuple[float, float]]) -> float:
    """Return the error of the ratio inside marked corners, infinite without a front; boxes are of shop windows too."""
    truth = one.photo.truth
    region = metrics.outline_mask(corners, truth.shape) & (truth.fronts > 0)
    pair = metrics.front_pair(one.fronts[0], truth, region) if one.fronts else None
    if pair is None:
        return np.inf
    value = metrics.with_shops(one.fronts[0]) if one.photo.dataset == "windows" else pair.value
    return abs(value - pair.truth)


def fit(measured: Sequence[Measured]) -> Any:
    """Fit the intervals and the probabilities of counts: ratios and windows on `streets`, storeys on both datasets."""
    streets = [one for one in measured if one.photo.dataset == "streets"]
    results = [
        (result, one.photo.scene)
        for one in streets
        for result in metrics.compare_fronts(one.fronts, one.photo.truth)
        if result.matched
    ]
    counted = [(predicted, truth, one.photo.scene) for one, truth, predicted in counted_storeys(measured, "val")]
    return fit_calibration(
        scores([(pair, scene) for result, scene in results for pair in result.pairs]),
        scores([(pair, scene) for result, scene in results for pair in result.storeys]),
        counts([(*result.windows, scene) for result, scene in results]),
        counts([row for row in counted if row[0] is not None]),
    )


def scores(pairs: Sequence[tuple[metrics.Pair, int]]) -> Scores:
    """Return the scores of ratios with their scenes."""
    values = [wwr_score(pair.value, pair.truth, pair.expected) for pair, _ in pairs]
    return Scores(np.array(values, np.float64), np.array([scene for _, scene in pairs], np.int64))


def counts(rows: Sequence[tuple[Any, ...]]) -> Counts:
    """Return predicted and true counts with their scenes."""
    return Counts(*np.array(rows, np.int64).reshape(-1, 3).T)


def measure_synthetic(count: int) -> dict[str, Any]:
    """Measure synthetic fronts under random perspective from their true labels."""
    rows, angles, methods = [], [], []
    for index in range(count):
        scene = draw_front(index)
        measurer = Measurer.of(TruePredictor.of(scene.labels), MeasureOptions())
        front = synthetic_front(measurer, scene.photo)
        rows.append((*storey_errors(len(front.storeys) if front else None, scene.storeys), 1))
        angles.append(metrics.residual_degrees(front, scene.to_photo, scene.corners) if front else np.inf)
        methods.append(front.plane.method if front else "none")
    rectified = [method == "vanishing points" for method in methods]
    return {
        **fractions(rows, range(count), ("exact", "within_one")),
        "rectified": fractions([(one, 1) for one in rectified], range(count), ("rectified",)),
        "median_degrees": float(np.median(angles)),
        "median_rectified_degrees": float(np.median(np.array(angles)[rectified])) if any(rectified) else None,
    }


def synthetic_front(measurer: Measurer, photo: NDArray[np.uint8]) -> Front | None:
    """Return the largest front of a synthetic photo; None where measuring fails."""
    try:
        fronts = measurer(photo, PhotoOrigin("synthetic.png", "synthetic")).fronts
    except SeamlineError:
        return None
    return metrics.main_front(fronts, 0, photo.shape[1], photo.shape[:2])


def measure_speed(model: str) -> dict[str, Any]:
    """Measure the time of the command line for a photo of 12 megapixels, from a cold start to all files."""
    photo = load_photos("windows", "val")[0].file
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "photo.jpg"
        with Image.open(photo) as image:
            image.convert("RGB").resize(SPEED_SIZE, Image.Resampling.LANCZOS).save(large, quality=90)
        seconds = []
        for run in range(SPEED_RUNS):
            command = [sys.executable, "-m", "seamline", "measure", str(large), "--model", model]
            start = time.perf_counter()
            subprocess.run([*command, "--out", f"{folder}/{run}"], check=True, capture_output=True)
            seconds.append(time.perf_counter() - start)
    return {"seconds": seconds, "width": SPEED_SIZE[0], "height": SPEED_SIZE[1]}


def pictures(measured: Sequence[Measured], dataset: str) -> list[tuple[Path, Sequence[Front], metrics.Truth]]:
    """Return the photos of a dataset from the worst to the best."""
    own = [one for one in measured if one.photo.dataset == dataset]
    ranked = sorted(own, key=lambda one: -badness(one))
    return [(one.photo.file, one.fronts, one.photo.truth) for one in ranked]


def badness(one: Measured) -> float:
    """Return the largest error of a ratio in a photo of `streets`, or the fraction of windows that are not matched."""
    if one.photo.dataset == "streets":
        return max((result.error for result in metrics.compare_fronts(one.fronts, one.photo.truth)), default=0.0)
    right, wrong, missed = match_windows(one)
    return (wrong + missed) / max(1, 2 * right + wrong + missed)


if __name__ == "__main__":
    main()
