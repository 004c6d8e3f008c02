"""Measure which images count as novel to the pretrained models, and the coverage of their conformal intervals.

    SEAMLINE_DATA=... python bench/uncertainty.py

Counts how many images of other kinds count as novel, and how many test images of a model do. The coverage of intervals
is read from the models' run folders. Takes minutes on two cores. Writes docs/measurements/uncertainty.md.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

import novelty_images
import seamline
from results_store import write_page, write_results
from seamline.data.preprocess import fit_inside
from seamline.evaluation.confidence import wilson
from seamline.inference.pretrained import pretrained_dir
from seamline.models.devices import describe_machine
from seamline.run_folder import RunFolder

Images = list[NDArray[np.uint8]]

COUNT = 100
"""Images of each kind at most, evenly spaced."""

KINDS = {
    "garments": "test images of Fashion-MNIST, in color",
    "facades": "test images of the mini facades",
    "landscapes": "synthetic: sky, ranges of hills, a meadow with grain",
    "drawings": "synthetic: thin lines, rectangles, ellipses and polygons on paper",
    "noise": "synthetic: independent noise in grains of 1 to 8 pixels",
    "insects": "photos of ants and bees (`hymenoptera`)",
    "street photos": "`streets`, tilted views with hedges and cars",
    "street fronts": "`windows`, nearly frontal",
}
"""Kind -> what the images are."""


NETWORKS = {"facades": ("facades",), "streets": ("facades", "street photos"), "garments": ("garments",)}
"""Network -> the kinds of images that it was trained on."""


def main() -> None:
    """Measure and write the page."""
    data = Path(os.environ["SEAMLINE_DATA"])
    kinds = read_kinds(data)
    results: dict[str, Any] = {"machine": describe_machine(torch.device("cpu")), "networks": {}}
    for name, learned in NETWORKS.items():
        folder = RunFolder(pretrained_dir(name))
        novelty, fractions = folder.novelty.read(), folder.calibration.read().fractions
        own = {kind: flagged(name, images) for kind, images in kinds.items() if kind not in learned}
        results["networks"][name] = {
            "images": novelty.images,
            "groups": novelty.groups,
            "test": interval(novelty.flagged),
            "flagged": own,
            "coverage": {key: interval(one) for key, one in fractions.coverage.items()} if fractions else {},
            "width": fractions.width if fractions else {},
        }
    write_results("uncertainty", results)
    write_page("uncertainty", page(results))


def read_kinds(data: Path) -> dict[str, Images]:
    """Return the images of each kind, (H, W, 3) uint8 each."""
    gray = seamline.load_dataset("fashion-mnist", data_dir=data / "fashion-mnist").test.images
    folders = {
        "facades": "facades/test_dev/*.jpg",
        "insects": "hymenoptera/*/*/*.jpg",
        "street photos": "streets/images/*.jpg",
        "street fronts": "windows/images/*.jpg",
    }
    photos = {kind: [read(file) for file in evenly(sorted(data.glob(of)))] for kind, of in folders.items()}
    return photos | {
        "garments": [np.repeat(image, 3, 2) for image in evenly(gray)],
        "landscapes": novelty_images.landscapes(COUNT),
        "drawings": novelty_images.drawings(COUNT),
        "noise": novelty_images.noise(COUNT),
    }


def evenly(items: Any) -> Any:
    """Return `COUNT` of the items at most."""
    return [items[index] for index in np.unique(np.linspace(0, len(items) - 1, min(COUNT, len(items))).astype(int))]


def read(file: Path) -> NDArray[np.uint8]:
    """Read a photo as (H, W, 3) uint8."""
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))


def flagged(name: str, images: Images) -> dict[str, Any]:
    """Return how many images count as novel to a network."""
    model = seamline.load_model(name, backend="onnxruntime")
    size = model.metadata.input_size
    inputs = [model.preprocess(one) if model.task == "classification" else fit_inside(one, size) for one in images]
    count = sum(float(model.novelty(one[np.newaxis])[0] or 0) > 1 for one in inputs)
    return interval(wilson(count, len(images))) | {"count": len(images)}


def interval(estimate: Any) -> dict[str, float]:
    """Return a value with its interval."""
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def page(results: dict[str, Any]) -> str:
    """Return the text of the page."""
    networks = results["networks"]
    parts = [
        "# Novelty and intervals",
        f"{results['machine']}. `python bench/uncertainty.py` with `SEAMLINE_DATA` set writes this page. Parentheses "
        "give 95 % intervals. [Intervals and findings](../explanation/intervals.md) describes the methods.",
        "## How many images count as novel",
        "The threshold is set so that 5 % of images like the validation images are flagged. The last row is the test "
        "images of the model's own dataset. All other rows are images of other kinds; for `facades`, street fronts are "
        "the most similar.",
        novelty_table(networks),
        "Synthetic images are generated by `bench/novelty_images.py`. Several distances were tried: to the 1st to 50th "
        "neighbor among training or validation images, of raw, scaled, whitened or normalized features, and the "
        "Mahalanobis distance, also by class. The distance that flags most images over both models was chosen. It was "
        "chosen on the kinds of images in the table, so their rates are somewhat optimistic. `garments` distinguishes "
        "fewer images, because it reads 28 × 28 gray pixels.",
        "`streets` compares the maps at a sixteenth of the photo's size, `facades` the deepest ones. The deepest maps "
        "of `streets` flag a third of the landscapes and three quarters of the insects.",
        "Only some street photos count as novel to `facades`: novelty detects images of another kind, not every image "
        "on which a model fails.",
        "## Coverage of intervals",
        "Fraction of the test images whose true class fraction is inside the 90 % conformal interval.",
        *(coverage(name, of) for name, of in networks.items() if of["coverage"]),
    ]
    return "\n\n".join(parts) + "\n"


def novelty_table(networks: dict[str, Any]) -> str:
    """Return the fraction of each kind of images that is flagged."""
    flagged_by = " | ".join(f"flagged by `{name}`" for name in networks)
    rows = [f"| images | what they are | {flagged_by} |", f"| --- | --- {'| --- ' * len(networks)}|"]
    for kind, text in KINDS.items():
        cells = [percent(networks[name]["flagged"].get(kind)) for name in networks]
        rows.append(f"| {kind} | {text} | {' | '.join(cells)} |")
    tests = [percent(networks[name]["test"]) for name in networks]
    return "\n".join([*rows, f"| own test images | test images of the model's dataset | {' | '.join(tests)} |"])


def coverage(name: str, network: dict[str, Any]) -> str:
    """Return coverage and mean width of the intervals of each class."""
    fitted = f"fitted on {network['images']} validation images in {network['groups']} groups"
    rows = [f"`{name}`, {fitted}:", "", "| class | test images inside | mean width |", "| --- | --- | --- |"]
    for label, inside in network["coverage"].items():
        rows.append(f"| {label} | {percent(inside)} | {100 * network['width'][label]:.1f} % |")
    return "\n".join(rows)


def percent(estimate: dict[str, float] | None) -> str:
    """Return `91.2 % (90.4–91.9)`."""
    if estimate is None:
        return "–"
    low, high = (f"{100 * estimate[end]:.1f}" for end in ("low", "high"))
    return f"{100 * estimate['value']:.1f} % ({low}–{high})"


if __name__ == "__main__":
    main()
