"""Measure what each part of the training on street photos contributes.

    SEAMLINE_DATA=... python bench/streets_ablation.py --runs FOLDER

Trains the preset `fast` on `facades` and `streets`, and again with one part changed, on the same number of crops.
Compares each with the first on the validation photos of `streets`, paired by scene, and on the validation images of
`facades`, paired by building. Finished runs in the folder are used again. Takes 10 to 15 minutes a training on two
cores. Writes docs/measurements/streets-ablation.md.
"""

import argparse
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import seamline
from results_store import write_page, write_results
from seamline.data.dataset import Dataset, Split
from seamline.evaluation.bootstrap import GroupBootstrap, Sampled, ratio
from seamline.inference.predictor import Predictor
from seamline.models.devices import describe_machine
from seamline.run_folder import RunFolder
from seamline.training.plan import RunOptions, TrainingPlan, make_plan
from streets import count_photos, load_photos, sample_streets
from uncertainty import interval

BOTH = ("facades", "streets")
SIDE = 384
"""Longer side in pixels at which models read the photos, that of training."""


@dataclass(frozen=True)
class Variant:
    """A training that differs from the first in one part."""

    change: str  # what is different, for the page
    part: int | None = None  # the only one of the datasets to train on
    settings: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    merges: bool = True  # whether labels of merged classes are partial


VARIANTS = {
    "fast": Variant("`fast` on both datasets"),
    "no-perspective": Variant("without perspective", settings={"perspective": 0.0}),
    "no-pretraining": Variant(
        "without pretrained features", settings={"pretrained": False, "frozen_stages": 0, "encoder_lr": 1.0}
    ),
    "no-streets": Variant("without `streets`", part=0),
    "no-partial-labels": Variant("without partial labels", merges=False),
    "seed-1": Variant("`fast`, seed 1", seed=1),
    "seed-2": Variant("`fast`, seed 2", seed=2),
}
"""Folder -> training. The first is what the others are compared with."""


def main() -> None:
    """Train what is not trained yet, measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--only", nargs="*", choices=VARIANTS, default=list(VARIANTS), help="trainings to do")
    options = parser.parse_args()
    base = make_plan(list(BOTH), "fast", {}, 0, RunOptions())
    for name in options.only:
        train_variant(VARIANTS[name], options.runs / name, base)
    results: dict[str, Any] = {"machine": describe_machine(torch.device("cpu")), "crops": crops_of(base)}
    results["variants"] = measure(options.runs, base)
    write_results("streets-ablation", results)
    write_page("streets-ablation", page(results))


def crops_of(plan: TrainingPlan) -> int:
    """Return the number of crops that a training learns from."""
    return round(plan.config.epochs * len(plan.splits.train))


def train_variant(variant: Variant, folder: Path, base: TrainingPlan) -> None:
    """Train a variant on as many crops as the first, unless its folder is finished."""
    if RunFolder(folder).evaluated:
        return
    config = replace(base.config, **variant.settings)
    data: Any = list(BOTH)
    count = len(base.splits.train)
    if variant.part is not None:
        data = only_part(base, variant.part)
        count = len(data.train)
    elif not variant.merges:
        parts = tuple(replace(part, merged=tuple(range(len(base.data.classes)))) for part in base.data.parts)
        data = replace(base.data, parts=parts)
    config = replace(config, epochs=crops_of(base) / count)
    seamline.train(data, preset=config, out=folder, seed=variant.seed, resume=folder.exists(), threads=2)


def only_part(base: TrainingPlan, part: int) -> Dataset:
    """Return one of the datasets with the classes, the image size and the split of both."""

    def select(split: Split) -> Split:
        chosen = split.select(np.flatnonzero(np.asarray(split.parts) == part))
        return replace(chosen, parts=None)

    train, val, test = (select(split) for split in (base.splits.train, base.splits.val, base.data.test))
    name = base.data.parts[part].name
    return replace(base.data, name=f"{name}-alone", train=train, val=val, test=test, parts=())


def measure(runs: Path, base: TrainingPlan) -> dict[str, Any]:
    """Measure every finished run on the validation images, and its differences to the first one."""
    streets, classes = load_photos("val")
    fronts = base.splits.val.select(np.flatnonzero(np.asarray(base.splits.val.parts) == 0))
    results: dict[str, Any] = {}
    first: dict[str, Sampled] = {}
    for name, variant in VARIANTS.items():
        folder = runs / name
        if not RunFolder(folder).evaluated:
            continue
        model = seamline.load_model(folder, backend="pytorch")
        masks = [np.asarray(model(image, max_side=SIDE).mask) for image in streets.images]
        sampled = sample_streets(count_photos(masks, model.classes, streets, classes), streets.groups)
        if variant.seed == base.seed:  # another seed is another split of the fronts
            sampled["fronts"] = measure_fronts(model, fronts, base)
        first = first or sampled
        rows = {key: interval(one.estimate) for key, one in sampled.items()}
        differences = {key: interval(one.minus(first[key])) for key, one in sampled.items() if first is not sampled}
        results[name] = {"values": rows, "differences": differences}
        print(name, *(f"{key} {one['value']:.3f}" for key, one in rows.items()))
    return results


def measure_fronts(model: Predictor, fronts: Split, base: TrainingPlan) -> Sampled:
    """Return the mean IoU on images of `facades`, whose labels do not tell all classes apart."""
    count = len(base.data.classes)
    merged = np.array(base.data.parts[0].merged)
    columns = [base.data.classes.index(name) for name in model.classes]
    matrices = np.zeros((len(fronts), count, count), np.int64)
    for index, (image, label) in enumerate(zip(fronts.images, fronts.labels, strict=True)):
        predicted = merged[np.array(columns)[np.asarray(model(image, max_side=SIDE).mask)]]
        valid = label < count
        np.add.at(matrices[index], (label[valid], predicted[valid]), 1)
    sums = GroupBootstrap(fronts.groups).resample_sums(matrices)  # (1 + R, K, K)
    both = np.diagonal(sums, axis1=1, axis2=2)
    labeled = sums[0].sum(1) > 0
    iou = ratio(both, sums.sum(1) + sums.sum(2) - both)[:, labeled]
    return Sampled.from_replicates(iou.mean(1))


def page(results: dict[str, Any]) -> str:
    """Return the text of the page."""
    columns = {
        "window": "window IoU",
        "building": "building IoU",
        "balcony": "balcony IoU",
        "close": "close",
        "fronts": "mean IoU, facades",
    }
    rows = ["| training | " + " | ".join(columns.values()) + " |", "| --- " * (len(columns) + 1) + "|"]
    for name, of in results["variants"].items():
        shown = of["differences"] or of["values"]
        sign = "+" if of["differences"] else ""
        cells = [
            f"{shown[key]['value']:{sign}.3f} ({shown[key]['low']:{sign}.3f} to {shown[key]['high']:{sign}.3f})"
            if key in shown
            else ""
            for key in columns
        ]
        rows.append(f"| {VARIANTS[name].change} | {' | '.join(cells)} |")
    parts = [
        "# What matters on street photos",
        f"Each row but the first is the preset `fast`, trained on `facades` and `streets` with one part changed, on "
        f"{results['crops']:,} crops of 256 pixels, about ten minutes on two cores. "
        "`python bench/streets_ablation.py --runs FOLDER` with `SEAMLINE_DATA` set writes this page. "
        f"{results['machine']}.",
        "The first row has the metrics of the validation photos, as [Street photos](streets.md) defines them, with "
        "95 % bootstrap intervals over scenes. The others have their differences to it on the same photos, paired by "
        "scene. The last column is the mean IoU of the five classes on the validation images of `facades`, paired by "
        "building. With another seed those are other images, so that column is empty. The validation photos show eight "
        "scenes, so intervals are wide, and one training a row does not show how much results vary with the seed.",
        "Pretrained features and street photos matter. That perspective or partial labels help is not shown: without "
        "perspective `facades` is even better after so few crops.",
        "\n".join(rows),
    ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
