"""Measure how well models segment photos of streets as people take them.

    SEAMLINE_DATA=... python bench/streets.py NAME=RUN ... [--sides 320 384 512] [--test]

Predicts the validation photos of `streets` with each run or pretrained model, as `seamline predict` does, and compares
the masks with the polygons at the photos' own size. Building means facade, window, balcony, shop, door and pillar
together; share means pixels of windows over those of the building. `--sides` are the sizes to which photos are reduced;
the test photos are used once, when everything is chosen. Writes docs/measurements/streets.md and twelve overlays.
"""

import argparse
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

import seamline
from results_store import IMAGES, read_results, write_page, write_results
from seamline.data import registry
from seamline.data.class_map.builtin import CLASS_MAPS
from seamline.data.dataset import Split
from seamline.evaluation.bootstrap import GroupBootstrap, Sampled
from seamline.inference.overlay import blend_overlay
from seamline.models.devices import describe_machine
from uncertainty import interval

BUILDING = ("facade", "window", "balcony", "shop", "door", "pillar")
CLOSE = 0.05
"""Largest error of a share that counts as close."""
CREDIT = "https://github.com/a-hwang/building-facade-segmentation, CC BY 4.0"
CELL = 192
"""Side of a photo in the picture of overlays, in pixels."""

NETWORKS = """
`facades` is the ready network for rectified facades. The others were trained on several datasets together:

- `streets`, the ready network: `facades`, `streets` and `windows` in the ratio 1 : 2 : 1, preset `best` on crops of 320
  from photos of 512 pixels, 141,312 crops in 503 seconds on an H200 that trained the rows `longer` at the same time
  (`bench/train_pretrained.py` has the settings).
- `streets on two cores`: the ready network before: the same datasets and preset, 36,750 crops of 256 from photos of 384
  pixels in 46 minutes, then 4,900 crops in 5 minutes, in mixed precision.
- `longer, 384 pixels`: 160,160 crops of 256 from photos of 384 pixels, on the same GPU.
- `longer, larger encoder`: as `streets` with the model `unet-lite2`, 127,488 crops, on the same GPU.
- `best`: `seamline train facades streets --preset best --set amp_dtype=bfloat16`. 35,475 crops in 56 minutes.
- `fast, seed N`: `seamline train facades streets --seed N`. 5,375 crops in 10 minutes. It takes about half as long as
  `fast` of `facades` alone: trained at the same time with a thread each, 5 epochs of 190 to 213 seconds against 24 of
  66 to 112 seconds.

Four times as many crops and a larger encoder hardly change the IoU of windows: the photos of 23 scenes and their labels
limit it, not the network. Longer training on larger photos does help balconies here, and pillars and shops elsewhere.
Mean average precision on the test images of `facades`: `streets` 0.811 (0.773 to 0.839), `streets on two cores` 0.769
(0.731 to 0.800), `best` 0.791 (0.742 to 0.836), `fast` 0.701 (0.669 to 0.730), 0.707 (0.674 to 0.738) and 0.709
(0.677 to 0.738) with seeds 0, 1 and 2. Mixed precision is for processors with such instructions.

AMD EPYC, 2 cores; other light work ran beside all trainings.
""".strip()

Counts = NDArray[np.int64]


def main() -> None:
    """Measure models on one split, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NAME=RUN", help="a name for the page, and a run or model")
    parser.add_argument("--sides", type=int, nargs="+", default=[], help="longer sides at which photos are read")
    parser.add_argument("--test", action="store_true", help="use the test photos")
    parser.add_argument("--overlays", help="the NAME whose validation photos are drawn")
    options = parser.parse_args()
    results = read_results("streets")
    split = "test" if options.test else "val"
    if options.networks:
        photos, classes = load_photos(split)
    for name, run in (one.split("=", 1) for one in options.networks):
        model = seamline.load_model(run)
        rows = results.setdefault(name, {}).setdefault(split, {})
        results[name]["machine"] = describe_machine(torch.device("cpu"))
        for side in options.sides or [model.default_max_side]:
            masks = [np.asarray(model(image, max_side=side).mask) for image in photos.images]
            counts = count_photos(masks, model.classes, photos, classes)
            rows[str(side)] = summarize(counts, photos.groups)
            print(name, split, side, *(f"{key} {one['value']:.3f}" for key, one in rows[str(side)].items()))
            if options.overlays == name:
                draw_overlays(photos, classes, masks, model, counts)
                options.overlays = None
    write_results("streets", results)
    write_page("streets", page(results))


def load_photos(split: str) -> tuple[Split, tuple[str, ...]]:
    """Return the photos of a split at their own size, 512 x 512, with their classes."""
    data = registry.load("streets", size="512x512")
    return getattr(data, split), data.classes


def count_photos(
    masks: list[NDArray[np.uint8]], predicted: tuple[str, ...], photos: Split, classes: tuple[str, ...]
) -> dict[str, Counts]:
    """Count pixels of each photo: name -> (N, 4) of both, of either, predicted, true."""
    wanted = {"window": ("window",), "building": BUILDING, "balcony": ("balcony",)}
    counts: dict[str, list[list[int]]] = {name: [] for name in wanted}
    for mask, truth in zip(masks, photos.labels, strict=True):
        valid = truth < len(classes)
        for name, members in wanted.items():
            found, true = (
                np.isin(values, [index for index, one in enumerate(names) if one in members]) & valid
                for values, names in ((mask, predicted), (truth, classes))
            )
            counts[name].append([int(part.sum()) for part in (found & true, found | true, found, true)])
    return {name: np.array(rows, np.int64) for name, rows in counts.items()}


def summarize(counts: dict[str, Counts], groups: NDArray[np.int64]) -> dict[str, dict[str, float]]:
    """Return IoU of each part from pooled pixels, and the fraction of close shares, with intervals over scenes."""
    return {name: interval(one.estimate) for name, one in sample_streets(counts, groups).items()}


def sample_streets(counts: dict[str, Counts], groups: NDArray[np.int64]) -> dict[str, Sampled]:
    """Return the metrics of `summarize` with what pairs them with those of another model."""
    bootstrap = GroupBootstrap(groups)
    results = {name: bootstrap.fraction(of[:, 0], of[:, 1]) for name, of in counts.items()}
    error = np.abs(share(counts, 2) - share(counts, 3))
    shown = counts["building"][:, 3] > 0
    results["close"] = bootstrap.fraction((shown & (error <= CLOSE)).astype(np.int64), shown.astype(np.int64))
    return results


def share(counts: dict[str, Counts], column: int) -> NDArray[np.float64]:
    """Return the share of windows of each photo, predicted or true, 0 where there is no building."""
    windows, building = counts["window"][:, column], counts["building"][:, column]
    return np.divide(windows, building, out=np.zeros(len(windows)), where=building > 0)


def draw_overlays(
    photos: Split, classes: tuple[str, ...], masks: list[NDArray[np.uint8]], model: Any, counts: dict[str, Counts]
) -> None:
    """Draw twelve photos with prediction and truth, evenly spaced by the IoU of windows; for README the median one."""
    palette = dict(CLASS_MAPS["streets"].palette)
    colors = [palette.get(name, (0, 255, 0)) for name in model.classes]
    truth_colors = [palette[name] for name in classes]
    order = np.argsort(counts["window"][:, 0] / np.maximum(1, counts["window"][:, 1]), kind="stable")
    median = int(order[len(order) // 2])
    overlay = photos.images[median].copy()
    blend_overlay(overlay, masks[median], colors)
    Image.fromarray(np.hstack([photos.images[median], overlay])).save(IMAGES / "street.jpg", quality=88)
    rows = []
    for index in order[np.linspace(0, len(order) - 1, 12).round().astype(int)]:
        cells = [photos.images[index].copy() for _ in range(3)]
        blend_overlay(cells[1], masks[index], colors)
        blend_overlay(cells[2], np.where(photos.labels[index] < len(classes), photos.labels[index], 0), truth_colors)
        rows.append(np.hstack([np.asarray(Image.fromarray(cell).resize((CELL, CELL))) for cell in cells]))
    grid = np.vstack([np.hstack(rows[start : start + 3]) for start in range(0, 12, 3)])
    Image.fromarray(grid).save(IMAGES / "streets-validation.jpg", quality=85)


def page(results: dict[str, Any]) -> str:
    """Return the text of the page."""
    parts = [
        "# Street photos",
        "Models are compared on the dataset `streets`: photos of Swiss streets as people take them, tilted, at dusk, "
        "with hedges and cars in front of buildings. The split is by scene: 23 scenes for training, 8 for validation, "
        "13 for testing. Models and settings were chosen on the validation photos only. "
        "`python bench/streets.py NAME=RUN …` with `SEAMLINE_DATA` set writes this page.",
        "IoU is of the pixels of all photos together. `building` is facade, window, balcony, shop, door and pillar "
        "together. `close` is the fraction of the photos in which the predicted fraction of windows in the building is "
        f"within {CLOSE:g} of the true one. Parentheses give 95 % bootstrap intervals over scenes.",
        NETWORKS,
        table(results, "val", "Validation"),
        table(results, "test", "Test"),
        "## Twelve validation photos",
        "From the lowest IoU of windows to the highest. Each shows the photo, the prediction and the ground truth.",
        "![Twelve photos with masks](../images/streets-validation.jpg)",
        f"Photos: {CREDIT}.",
    ]
    return "\n\n".join(parts) + "\n"


def table(results: dict[str, Any], split: str, title: str) -> str:
    """Return the metrics of a split: a row for each model and size."""
    rows = [
        f"## {title}",
        "",
        "| model | longer side | window IoU | building IoU | balcony IoU | close |",
        "| --- " * 6 + "|",
    ]
    for name, of in results.items():
        for side, values in of.get(split, {}).items():
            cells = [f"{one['value']:.3f} ({one['low']:.3f} to {one['high']:.3f})" for one in values.values()]
            rows.append(f"| {name} | {side} pixels | {' | '.join(cells)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
